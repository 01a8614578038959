/*
 * What arguments point to, at the entry (in) and at the exit (out) of a call. No code per call: the
 * abi table says kind, direction and length of each argument.
 *
 * Every buffer is hashed whole, however little of it is stored, so that differing data shows.
 */
#include "tracer/record/capture.h"

#include "tracer/record/mem.h"
#include "tracer/record/redact.h"

#include "abi/abi.h"
#include "common/cleanup.h"

#include <limits.h>
#include <string.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#define CHUNK_SIZE	 (256u << 10) /* of a large buffer, read and hashed at a time */
#define STRUCTS_SIZE_MAX (16u << 10)  /* of an array of structs, stored */
#define STRING_SIZE_MAX	 4096u	      /* of a path or string, stored */
#define VECTOR_LEN_MAX	 (1u << 17)   /* strings of an argv or envp, counted */
#define VECTOR_STORE_MAX 4096u	      /* of them, stored */
#define VECTOR_BYTES_MAX (256u << 10) /* of their bytes, stored */
#define IOV_LEN_MAX	 1008u	      /* elements; parts 16 + i must stay under 1024 */
#define MMSG_LEN_MAX	 63u

struct cap_ctx {
	struct recorder *r;
	struct task *t;
	struct buf *out;
	const uint64_t *arg;
	int64_t ret;
	bool leaving;
	bool hide_data; /* buffers of this call are redacted */
	uint8_t flags;	/* TC_OUT when leaving */
};

static void put(struct cap_ctx *c, struct trace_cap *cap)
{
	cap->flags |= c->flags;
	trace_cap_put(c->out, cap);
}

static uint8_t *scratch(struct cap_ctx *c, size_t size)
{
	buf_reset(&c->r->scratch);
	return buf_reserve(&c->r->scratch, size);
}

/* Hashes what follows the first chunk as well. Returns how many bytes there were in all. */
static size_t hash_rest(struct cap_ctx *c, uint64_t addr, size_t n, size_t first, uint64_t *hash)
{
	static XXH3_state_t state;
	uint8_t *p = c->r->scratch.data;
	size_t done = first;

	XXH3_64bits_reset(&state);
	XXH3_64bits_update(&state, p, first);
	while (done < n) {
		size_t want = n - done < CHUNK_SIZE ? n - done : CHUNK_SIZE;
		size_t got = mem_read(c->t->tid, addr + done, p, want);

		XXH3_64bits_update(&state, p, got);
		done += got;
		if (got < want)
			break;
	}
	*hash = XXH3_64bits_digest(&state);
	return done;
}

static void cap_bytes(struct cap_ctx *c, unsigned int slot, unsigned int part, uint64_t addr,
	uint64_t n, size_t store)
{
	struct trace_cap cap = {.slot = (uint8_t)slot, .part = (uint16_t)part};
	size_t first, got;
	uint8_t head[4096];
	uint8_t *p;

	if (n > INT_MAX)
		n = INT_MAX; /* as the kernel: fs/read_write.c:MAX_RW_COUNT */
	first = n < CHUNK_SIZE ? n : CHUNK_SIZE;
	p = scratch(c, first);
	if (!p)
		return;
	got = mem_read(c->t->tid, addr, p, first);
	if (got < first)
		cap.flags |= TC_FAULT;
	cap.full = (uint32_t)got;
	cap.size = (uint32_t)(got < store ? got : store);
	cap.data = p;
	if (n > first && got == first) {
		/* The chunks overwrite the scratch buffer: keep what is to be stored. */
		if (cap.size > sizeof(head))
			cap.size = sizeof(head);
		memcpy(head, p, cap.size);
		cap.data = head;
		cap.full = (uint32_t)hash_rest(c, addr, n, first, &cap.hash);
		if (cap.full < n)
			cap.flags |= TC_FAULT;
	} else if (cap.size < cap.full) {
		cap.hash = XXH3_64bits(p, got);
	}
	if (cap.size < cap.full)
		cap.flags |= TC_CUT;
	put(c, &cap);
}

/* Whether the bytes there are a name that a rule hides: what readlink and getcwd give, or the path
 * of a socket address (skip: where in it). */
static bool hides_name(struct cap_ctx *c, uint64_t addr, uint64_t n, size_t skip)
{
	char name[4096];
	size_t got;

	if (!c->r->opt->redact || n <= skip || n > sizeof(name))
		return false;
	got = mem_read(c->t->tid, addr + skip, name, n - skip);
	if (!redact_path(c->r->opt->redact, name, strnlen(name, got)))
		return false;
	c->t->cur.flags |= TF_REDACTED;
	return true;
}

static void cap_sockaddr(
	struct cap_ctx *c, unsigned int slot, unsigned int part, uint64_t addr, uint64_t n)
{
	if (n > 128)
		n = 128; /* as sockaddr_storage */
	if (!hides_name(c, addr, n, offsetof(struct sockaddr, sa_data)))
		cap_bytes(c, slot, part, addr, n, 128);
}

static void cap_data(
	struct cap_ctx *c, unsigned int slot, unsigned int part, uint64_t addr, uint64_t n)
{
	if (c->hide_data)
		c->t->cur.flags |= TF_REDACTED;
	else if (addr && !hides_name(c, addr, n, 0))
		cap_bytes(c, slot, part, addr, n, c->r->opt->store_size);
}

static void cap_string(struct cap_ctx *c, unsigned int slot, unsigned int part, uint64_t addr,
	struct mem_window *w)
{
	struct trace_cap cap = {.slot = (uint8_t)slot, .part = (uint16_t)part};
	struct buf *s = &c->r->scratch;
	bool fault, whole;

	buf_reset(s);
	whole = w ? mem_window_str(w, c->t->tid, addr, STRING_SIZE_MAX, s, &fault)
		  : mem_read_str(c->t->tid, addr, STRING_SIZE_MAX, s, &fault);
	if (!whole)
		cap.flags |= fault ? TC_FAULT : TC_CUT;
	if (redact_path(c->r->opt->redact, (const char *)s->data, s->len)) {
		c->t->cur.flags |= TF_REDACTED;
		return;
	}
	cap.full = cap.size = (uint32_t)s->len;
	cap.data = s->data;
	put(c, &cap);
}

/* argv, envp: the strings, and as part 0 how many there are. */
static void cap_strings(struct cap_ctx *c, unsigned int slot, uint64_t addr)
{
	struct trace_cap head = {.slot = (uint8_t)slot, .flags = TC_CUT};
	size_t start = c->out->len;
	struct mem_window w;
	uint64_t ptr[64];
	unsigned int n = 0, got;

	for (unsigned int i = 0; i < MEM_WINDOW_PAGES; i++)
		w.slot[i].size = 0;
	do {
		got = (unsigned int)(mem_read(c->t->tid, addr + n * 8ull, ptr, sizeof(ptr)) / 8);
		for (unsigned int i = 0; i < got; i++, n++) {
			if (!ptr[i])
				goto done;
			if (n < VECTOR_STORE_MAX && c->out->len - start < VECTOR_BYTES_MAX)
				cap_string(c, slot, 1 + n, ptr[i], &w);
		}
	} while (got == 64 && n < VECTOR_LEN_MAX);
	if (got < 64)
		head.flags |= TC_FAULT;
done:
	head.full = n * 8;
	put(c, &head);
}

/* ---- vectors of buffers, messages ---- */

/* The array itself (unless part is 0 and leaving: it was taken at the entry) into iov; how many. */
static unsigned int read_iov(struct cap_ctx *c, uint64_t addr, uint64_t n, struct iovec *iov)
{
	if (n > IOV_LEN_MAX)
		n = IOV_LEN_MAX;
	return (unsigned int)(mem_read(c->t->tid, addr, iov, n * sizeof(*iov)) / sizeof(*iov));
}

/* The data of the elements, `total` bytes in all at most; element i is part first + i. */
static void cap_iov_data(struct cap_ctx *c, unsigned int slot, unsigned int first, uint64_t addr,
	uint64_t n, uint64_t total)
{
	static struct iovec iov[IOV_LEN_MAX];
	unsigned int len = read_iov(c, addr, n, iov);

	for (unsigned int i = 0; i < len && total; i++) {
		uint64_t size = iov[i].iov_len < total ? iov[i].iov_len : total;

		if (size)
			cap_data(c, slot, first + i, (uint64_t)iov[i].iov_base, size);
		total -= size;
	}
}

static void cap_iov_array(
	struct cap_ctx *c, unsigned int slot, unsigned int part, uint64_t addr, uint64_t n)
{
	if (n > IOV_LEN_MAX)
		n = IOV_LEN_MAX;
	if (addr)
		cap_bytes(c, slot, part, addr, n * sizeof(struct iovec), STRUCTS_SIZE_MAX);
}

static void cap_iovec(struct cap_ctx *c, unsigned int slot, const struct abi_arg *a, uint64_t n)
{
	if (!c->leaving)
		cap_iov_array(c, slot, 0, c->arg[slot], n);
	if (!c->leaving && a->dir == ABI_IN)
		cap_iov_data(c, slot, 1, c->arg[slot], n, UINT64_MAX);
	if (c->leaving && a->dir != ABI_IN)
		cap_iov_data(c, slot, 1, c->arg[slot], n, (uint64_t)c->ret);
}

/* One message at addr; parts counted from base; `total` bytes of data. */
static void cap_message(struct cap_ctx *c, unsigned int slot, unsigned int base, uint64_t addr,
	size_t size, bool data, uint64_t total)
{
	struct msghdr m = {0};

	cap_bytes(c, slot, base, addr, size, size);
	if (mem_read(c->t->tid, addr, &m, sizeof(m)) < sizeof(m))
		return;
	if (m.msg_name && data)
		cap_sockaddr(c, slot, base + 1, (uint64_t)m.msg_name, m.msg_namelen);
	if (m.msg_iov && !c->leaving)
		cap_iov_array(c, slot, base + 2, (uint64_t)m.msg_iov, m.msg_iovlen);
	if (!data)
		return;
	if (m.msg_control && m.msg_controllen && !c->hide_data)
		cap_bytes(c, slot, base + 3, (uint64_t)m.msg_control, m.msg_controllen,
			STRUCTS_SIZE_MAX);
	if (m.msg_iov)
		cap_iov_data(c, slot, base + 16, (uint64_t)m.msg_iov, m.msg_iovlen, total);
}

static void cap_messages(struct cap_ctx *c, unsigned int slot, const struct abi_arg *a, uint64_t n)
{
	bool in = a->dir == ABI_IN;

	if (c->leaving && !in)
		n = (uint64_t)c->ret;
	for (unsigned int i = 0; i < n && i < MMSG_LEN_MAX; i++) {
		uint64_t addr = c->arg[slot] + i * sizeof(struct mmsghdr);
		uint32_t len = UINT32_MAX;

		if (c->leaving && mem_read(c->t->tid, addr + sizeof(struct msghdr), &len, 4) < 4)
			return;
		cap_message(c, slot, 1024 * i, addr, sizeof(struct mmsghdr), in || c->leaving, len);
	}
}

/* ---- lengths ---- */

/* The socklen_t that argument i pointed to at the entry. */
static bool len_at_entry(struct cap_ctx *c, unsigned int i, uint32_t *len)
{
	struct trace_event ev = {.payload = c->out->data, .payload_size = (uint32_t)c->out->len};
	struct trace_cap_iter it = trace_caps(&ev);
	struct trace_cap cap;

	while (trace_cap_next(&it, &cap)) {
		if (cap.slot != i || cap.part || (cap.flags & TC_OUT) || cap.size < 4)
			continue;
		memcpy(len, cap.data, 4);
		return true;
	}
	return false;
}

static uint64_t len_by_ptr(struct cap_ctx *c, unsigned int i)
{
	uint32_t now = 0, before;

	if (!c->arg[i] || mem_read(c->t->tid, c->arg[i], &now, 4) < 4)
		return 0;
	/* accept(2): the address may have been longer than its buffer. */
	if (c->leaving && len_at_entry(c, i, &before) && before < now)
		return before;
	return now;
}

/* Bytes that an argument points to, by the table, in this half of the call. */
static uint64_t bytes_of(struct cap_ctx *c, const struct abi_arg *a)
{
	int len_ptr = abi_len_ptr(a);
	uint32_t word = len_ptr >= 0 ? (uint32_t)len_by_ptr(c, (unsigned int)len_ptr) : 0;

	return abi_bytes(a, c->arg, c->leaving, c->ret, word);
}

/* Elements of an iovec or message vector. */
static uint64_t len_of(struct cap_ctx *c, const struct abi_arg *a)
{
	switch (a->len_by) {
	case ABI_LEN_ARG:
		return c->arg[a->len_arg];
	case ABI_LEN_RET:
		return c->leaving ? (uint64_t)c->ret : 0;
	case ABI_LEN_FIXED:
		return a->len_arg;
	}
	return 1;
}

/* Whether the argument is looked at in this half of the call. */
static bool is_due(const struct abi_arg *a, bool leaving)
{
	switch (a->kind) {
	case AK_IOVEC:
	case AK_MSGHDR:
	case AK_MMSGHDR:
		return !leaving || a->dir != ABI_IN;
	case AK_PATH:
	case AK_STR:
	case AK_STRV:
	case AK_BUF:
	case AK_STRUCT:
	case AK_SOCKADDR:
	case AK_SIGSET:
	case AK_FDSET:
		return a->dir & (leaving ? ABI_OUT : ABI_IN);
	}
	return false;
}

static void cap_arg(struct cap_ctx *c, unsigned int slot, const struct abi_arg *a)
{
	uint64_t addr = c->arg[slot], n;

	switch (a->kind) {
	case AK_PATH:
		cap_string(c, slot, 0, addr, NULL);
		break;
	case AK_STR:
		if (a->len_by == ABI_LEN_NONE)
			cap_string(c, slot, 0, addr, NULL);
		else if (!hides_name(c, addr, (n = bytes_of(c, a)), 0))
			cap_bytes(c, slot, 0, addr, n, STRING_SIZE_MAX);
		break;
	case AK_STRV:
		if (!redact_vector(c->r->opt->redact, c->t, slot))
			cap_strings(c, slot, addr);
		break;
	case AK_BUF:
		cap_data(c, slot, 0, addr, bytes_of(c, a));
		break;
	case AK_STRUCT:
		cap_bytes(c, slot, 0, addr, bytes_of(c, a), STRUCTS_SIZE_MAX);
		break;
	case AK_SOCKADDR:
		cap_sockaddr(c, slot, 0, addr, bytes_of(c, a));
		break;
	case AK_SIGSET:
		cap_bytes(c, slot, 0, addr, 8, 8);
		break;
	case AK_FDSET:
		n = c->arg[a->len_arg];
		cap_bytes(c, slot, 0, addr, n < 65536 ? (n + 63) / 64 * 8 : 0, 8192);
		break;
	case AK_IOVEC:
		cap_iovec(c, slot, a, len_of(c, a));
		break;
	case AK_MSGHDR:
		cap_message(c, slot, 0, addr, sizeof(struct msghdr),
			(a->dir == ABI_IN) != c->leaving,
			c->leaving ? (uint64_t)c->ret : UINT64_MAX);
		break;
	case AK_MMSGHDR:
		cap_messages(c, slot, a, len_of(c, a));
		break;
	}
}

/* ---- which calls have anything to look at: worked out once per number ---- */

#define PLAN_KNOWN 0x80 /* the low bits say which arguments may be due */

static uint8_t g_plan[ABI_NR_MAX][2];

static uint8_t plan_of(const struct abi_call *call, bool leaving)
{
	uint8_t *plan = &g_plan[call->nr][leaving];

	if (*plan)
		return *plan;
	for (unsigned int i = 0; i < call->nargs; i++) {
		if (call->arg[i].kind == AK_UNION || is_due(&call->arg[i], leaving))
			*plan |= (uint8_t)(1 << i);
	}
	*plan |= PLAN_KNOWN;
	return *plan;
}

static void capture(struct recorder *r, struct task *t, bool leaving, int64_t ret)
{
	const struct abi_call *call = t->cur.nr < ABI_NR_MAX ? abi_call(t->cur.nr) : NULL;
	struct cap_ctx c = {.r = r,
		.t = t,
		.out = &t->cur.caps,
		.arg = t->cur.arg,
		.ret = ret,
		.leaving = leaving,
		.flags = leaving ? TC_OUT : 0};
	unsigned int nargs;
	uint8_t plan = call ? plan_of(call, leaving) & ~PLAN_KNOWN : 0;

	if (!plan)
		return;
	c.hide_data = redact_data(r->opt->redact, t);
	nargs = abi_nargs(call, c.arg);
	for (unsigned int i = 0; i < nargs; i++) {
		const struct abi_arg *a;

		if (!(plan & (1 << i)) || !c.arg[i])
			continue;
		a = abi_resolve(call, i, c.arg);
		if (is_due(a, leaving))
			cap_arg(&c, i, a);
	}
}

void capture_enter(struct recorder *r, struct task *t)
{
	capture(r, t, false, 0);
}

void capture_leave(struct recorder *r, struct task *t, int64_t ret)
{
	if (t->cur.nr == SYS_mmap && ret >= 0 && !(t->cur.arg[3] & MAP_ANONYMOUS))
		capture_mapped(r, t);
	/* A call that failed wrote nothing that counts. */
	if (ret >= 0)
		capture(r, t, true, ret);
}
