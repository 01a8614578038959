/* See token.h. Everything here is driven by the abi table; the exceptions are named where they
 * stand. */
#include "tracer/align/token.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

struct mix {
	uint64_t skel, place, args, nums, out;
};

static uint64_t mix_u64(uint64_t h, uint64_t v)
{
	h ^= v * 0x9e3779b97f4a7c15ull;
	h = (h << 31) | (h >> 33);
	return h * 0xbf58476d1ce4e5b9ull;
}

static uint32_t fold(uint64_t h)
{
	return (uint32_t)(h ^ (h >> 32));
}

bool tok_kind_comparable(unsigned int kind)
{
	switch (kind) {
	case AK_PAD:
	case AK_TIME:
	case AK_INO:
	case AK_DEV:
	case AK_ADDR:
	case AK_PID:
	case AK_FD:
	case AK_DIRFD:
		return false;
	default:
		return true;
	}
}

uint64_t tok_flags_read(const struct abi_arg *a, uint64_t value)
{
	const struct abi_set *set =
		a->kind == AK_FLAGS || a->kind == AK_ENUM ? abi_set(a->type) : NULL;

	if (!set || value >> 32 == 0)
		return value;
	for (unsigned int i = 0; i < set->n; i++)
		if (set->names[i].value >> 32)
			return value;
	return (uint32_t)value;
}

/* Calls that the vDSO answers on Linux: where an emulator has none they show as calls, which says
 * nothing. */
static bool vdso_call(unsigned int nr)
{
	return nr == SYS_clock_gettime || nr == SYS_gettimeofday || nr == SYS_time ||
	       nr == SYS_getcpu || nr == SYS_clock_getres;
}

/* Calls whose number and outcome are up to the scheduler, on one machine as on another. */
static bool scheduler_call(unsigned int nr)
{
	return nr == SYS_futex || nr == SYS_sched_yield || nr == SYS_restart_syscall;
}

static uint64_t struct_hash(unsigned int type, const uint8_t *p, size_t size, uint64_t h, int depth)
{
	const struct abi_struct *s = abi_struct(type);

	for (unsigned int i = 0; s && i < s->nfields; i++) {
		const struct abi_field *f = &s->fields[i];
		size_t bytes = (size_t)f->size * (f->count ? f->count : 1);

		if (f->off + bytes > size || !tok_kind_comparable(f->kind))
			continue;
		if (f->kind == AK_STRUCT && depth < 4) {
			for (unsigned int k = 0; k < f->count; k++)
				h = struct_hash(
					f->type, p + f->off + k * f->size, f->size, h, depth + 1);
		} else if (f->kind == AK_STR) {
			h = mix_u64(h,
				XXH3_64bits(p + f->off, strnlen((const char *)p + f->off, bytes)));
		} else {
			h = mix_u64(h, XXH3_64bits(p + f->off, bytes));
		}
	}
	return h;
}

/* getdents64: names and types, whatever their order, inode numbers and cookies. */
static uint64_t dirents_hash(const uint8_t *p, size_t size)
{
	uint64_t sum = 0;
	size_t at = 0;

	while (at + 19 < size) {
		uint16_t len;

		memcpy(&len, p + at + 16, sizeof(len));
		if (len < 20 || at + len > size)
			break;
		sum += XXH3_64bits_withSeed(
			p + at + 19, strnlen((const char *)p + at + 19, len - 19), p[at + 18]);
		at += len;
	}
	return sum;
}

static uint64_t capture_hash(unsigned int nr, const struct abi_arg *a, const struct trace_cap *cap)
{
	uint64_t h = mix_u64(cap->slot, cap->part);
	const struct abi_struct *s = a->kind == AK_STRUCT ? abi_struct(a->type) : NULL;

	/* the records have gaps that nobody writes: a hash of all bytes says nothing */
	if (nr == SYS_getdents64)
		return cap->flags & TC_CUT ? h : mix_u64(h, dirents_hash(cap->data, cap->size));
	if (s && s->size) {
		h = mix_u64(h, cap->full);
		for (size_t at = 0; at < cap->size; at += s->size)
			h = struct_hash(a->type, cap->data + at,
				cap->size - at < s->size ? cap->size - at : s->size, h, 0);
		return h;
	}
	/* parts of compound arguments that are addresses and lengths: iovec arrays, msghdr heads */
	if ((a->kind == AK_IOVEC && cap->part == 0) ||
		((a->kind == AK_MSGHDR || a->kind == AK_MMSGHDR) &&
			(cap->part % 1024 == 0 || cap->part % 1024 == 2)))
		return h;
	return mix_u64(mix_u64(h, cap->full), cap->hash);
}

/* ---- objects ---- */

static uint32_t object_add(
	struct tok *t, struct names *names, unsigned int run, const char *text, size_t len)
{
	uint32_t id = names_add(names, text, len, run);

	if (!t->obj[0])
		t->obj[0] = id;
	else
		t->obj[1] = id;
	return id;
}

/* What the program was given: open before its first instruction, however an emulator shows what is
 * behind it. */
static bool inherited(struct model *m, const struct fd_info *info)
{
	const struct model_task *root = model_task_at(m, 0);

	return !info || info->type == FD_UNKNOWN ||
	       (root && info->born_seq <= root->exec_seq && info->born_tid == root->tid);
}

enum fd_word tok_fd_word(struct model *m, uint32_t tid, int fd, const char **name)
{
	const struct fd_info *info = model_fd(m, tid, fd);

	if (fd < 0)
		return FD_WORD_NONE;
	if (inherited(m, info))
		return FD_WORD_NUMBER;
	*name = info->name;
	return info->name[0] == '/' && info->name[1] != '@' ? FD_WORD_NAME : FD_WORD_NONE;
}

static void object_fd(struct tok *t, const struct trace_event *ev, int64_t fd, struct model *m,
	struct names *names, unsigned int run)
{
	const struct fd_info *info = model_fd(m, ev->tid, (int)fd);
	char number[40];

	if (fd < 0)
		return;
	if (inherited(m, info)) {
		snprintf(number, sizeof(number), "/@inherited/%d", info ? info->born_fd : (int)fd);
		object_add(t, names, run, number, strlen(number));
		return;
	}
	object_add(t, names, run, info->name, strlen(info->name));
}

static void object_path(struct tok *t, const struct trace_event *ev, unsigned int i,
	struct model *m, struct names *names, unsigned int run, int64_t dirfd)
{
	struct trace_cap cap;
	struct buf abs = {0};

	if (!trace_cap_find(ev, i, 0, 0, &cap) || (cap.flags & TC_FAULT))
		return;
	if (dirfd >= 0 && (!cap.size || !cap.data[0])) {
		object_fd(t, ev, dirfd, m, names, run);
		return;
	}
	model_path(m, ev->tid, (int)dirfd, (const char *)cap.data,
		strnlen((const char *)cap.data, cap.size), &abs);
	object_add(t, names, run, (const char *)abs.data, abs.len);
	buf_fini(&abs);
}

static void object_sockaddr(struct tok *t, const struct trace_event *ev, unsigned int i,
	unsigned int part, struct names *names, unsigned int run)
{
	struct trace_cap cap;
	char text[200];

	if (!trace_cap_find(ev, i, part, 0, &cap))
		return;
	model_sockaddr_name(cap.data, cap.size, text, sizeof(text));
	object_add(t, names, run, text, strlen(text));
}

/* ---- arguments ---- */

struct walk {
	const struct trace_event *ev;
	const struct abi_call *call;
	struct model *m;
	struct names *names;
	unsigned int run;
	struct tok *t;
	struct mix mix;
	int64_t dirfd; /* the AK_DIRFD before a path */
};

static void place_fd(struct walk *w, int fd, unsigned int i)
{
	const char *name = NULL;

	switch (tok_fd_word(w->m, w->ev->tid, fd, &name)) {
	case FD_WORD_NUMBER:
		w->mix.place = mix_u64(w->mix.place, (uint64_t)fd * 8 + i);
		break;
	case FD_WORD_NAME:
		w->mix.place = mix_u64(w->mix.place, XXH3_64bits(name, strlen(name)) + i);
		break;
	case FD_WORD_NONE:
		break;
	}
}

static void place_path(struct walk *w, unsigned int i)
{
	struct trace_cap cap;

	if (trace_cap_find(w->ev, i, 0, 0, &cap))
		w->mix.place = mix_u64(w->mix.place,
			XXH3_64bits(cap.data, strnlen((const char *)cap.data, cap.size)) + i);
}

static void walk_value(struct walk *w, const struct abi_arg *a, unsigned int i)
{
	uint64_t v = w->ev->arg[i];

	switch (a->kind) {
	case AK_FLAGS:
	case AK_ENUM:
	case AK_SIGNO:
	case AK_HEX:
		w->mix.skel = mix_u64(w->mix.skel, tok_flags_read(a, v) + i);
		break;
	case AK_FD:
		object_fd(w->t, w->ev, (int32_t)v, w->m, w->names, w->run);
		place_fd(w, (int32_t)v, i);
		break;
	case AK_DIRFD:
		w->dirfd = (int32_t)v;
		place_fd(w, (int32_t)v, i);
		break;
	case AK_PATH:
		place_path(w, i);
		object_path(w->t, w->ev, i, w->m, w->names, w->run, w->dirfd);
		break;
	case AK_INT:
	case AK_UINT:
	case AK_UID:
	case AK_GID:
	case AK_MODE:
		w->mix.nums = mix_u64(w->mix.nums, (uint32_t)v + i);
		break;
	case AK_LONG:
	case AK_ULONG:
	case AK_SIZE:
	case AK_OFF:
		w->mix.nums = mix_u64(w->mix.nums, v + i);
		break;
	case AK_SOCKADDR:
		if (a->dir & ABI_IN)
			object_sockaddr(w->t, w->ev, i, 0, w->names, w->run);
		break;
	case AK_MSGHDR:
		object_sockaddr(w->t, w->ev, i, 1, w->names, w->run);
		break;
	default:
		break;
	}
	if (a->kind >= AK_ADDR)
		w->mix.args = mix_u64(w->mix.args, v ? 2 + i : 1);
}

static void walk_captures(struct walk *w)
{
	struct trace_cap_iter it = trace_caps(w->ev);
	struct trace_cap cap;

	while (trace_cap_next(&it, &cap)) {
		const struct abi_arg *a;

		if (cap.slot >= w->call->nargs)
			continue;
		a = abi_resolve(w->call, cap.slot, w->ev->arg);
		if (!tok_kind_comparable(a->kind) || a->kind == AK_PATH)
			continue;
		if (cap.flags & TC_OUT)
			w->mix.out = mix_u64(w->mix.out, capture_hash(w->ev->nr, a, &cap));
		else if (a->kind != AK_SOCKADDR && a->dir != ABI_OUT)
			w->mix.args = mix_u64(w->mix.args, capture_hash(w->ev->nr, a, &cap));
	}
}

static bool make_call(struct tok *t, const struct trace_event *ev, struct model *m,
	struct names *names, unsigned int run)
{
	const struct abi_call *c = ev->flags & TF_I386 ? NULL : abi_call(ev->nr);
	struct walk w = {
		ev, c, m, names, run, t, {.skel = mix_u64(ev->flags & TF_I386, ev->nr)}, -100};
	unsigned int nargs = c ? abi_nargs(c, ev->arg) : 0;
	bool failed = ev->kind == TK_CALL && ev->ret < 0 && ev->ret >= -4095;
	unsigned int ret_kind = c ? abi_ret_kind(c, ev->arg) : AK_LONG;

	if (!failed && (vdso_call(ev->nr) || scheduler_call(ev->nr)))
		return false;
	if (failed && scheduler_call(ev->nr) && ev->ret != -ENOSYS)
		return false;
	t->call = ev->nr;
	for (unsigned int i = 0; i < nargs; i++)
		walk_value(&w, abi_resolve(c, i, ev->arg), i);
	if (c)
		walk_captures(&w);
	t->err = ev->kind == TK_CALL_OPEN ? -1 : failed ? (int16_t)-ev->ret : 0;
	if (!failed && ev->kind == TK_CALL && ret_kind != AK_NONE &&
		tok_kind_comparable(ret_kind) && ev->nr != SYS_getdents64)
		t->ret = fold(mix_u64(1, ev->ret));
	t->skel = fold(w.mix.skel);
	t->place = fold(mix_u64(w.mix.skel, w.mix.place));
	t->args = fold(w.mix.args);
	t->nums = fold(w.mix.nums);
	/* what getrandom gives is another thing every time by contract */
	t->out = failed || ev->nr == SYS_getrandom ? 0 : fold(w.mix.out);
	return true;
}

bool tok_make(struct tok *t, const struct trace_event *ev, struct model *m, struct names *names,
	unsigned int run)
{
	struct trace_cap cap;

	*t = (struct tok){.seq = (uint32_t)ev->seq};
	switch (ev->kind) {
	case TK_CALL:
	case TK_CALL_OPEN:
		return make_call(t, ev, m, names, run);
	case TK_SIGNAL:
		t->call = TOK_SIGNAL + ev->nr;
		t->skel = fold(mix_u64(TOK_SIGNAL, ev->nr));
		t->args = fold(mix_u64(2, ev->ret));
		return true;
	case TK_EXEC:
		t->call = TOK_EXEC;
		t->skel = fold(mix_u64(TOK_EXEC, 0));
		if (trace_cap_find(ev, TC_EXE, 0, 0, &cap))
			object_add(t, names, run, (const char *)cap.data,
				strnlen((const char *)cap.data, cap.size));
		return true;
	default:
		return false;
	}
}

/* ---- which fields ---- */

static void field_note(struct buf *out, const char *name)
{
	const char *have = buf_str(out), *at = strstr(have, name);
	size_t n = strlen(name);

	if (at && (at == have || at[-1] == ',') && (at[n] == 0 || at[n] == ','))
		return;
	if (out->len)
		buf_add_byte(out, ',');
	buf_add_str(out, name);
}

static void one_struct_fields(unsigned int type, const uint8_t *a, const uint8_t *b, size_t size,
	struct buf *out, int depth)
{
	const struct abi_struct *s = abi_struct(type);

	for (unsigned int i = 0; s && i < s->nfields; i++) {
		const struct abi_field *f = &s->fields[i];
		size_t bytes = (size_t)f->size * (f->count ? f->count : 1);
		size_t len = f->kind == AK_STR ? bytes : 0;

		if (f->off + bytes > size || !tok_kind_comparable(f->kind))
			continue;
		if (f->kind == AK_STRUCT && depth < 4) {
			for (unsigned int k = 0; k < f->count; k++)
				one_struct_fields(f->type, a + f->off + k * f->size,
					b + f->off + k * f->size, f->size, out, depth + 1);
			continue;
		}
		if (len ? strncmp((const char *)a + f->off, (const char *)b + f->off, len) != 0
			: memcmp(a + f->off, b + f->off, bytes) != 0)
			field_note(out, f->name);
	}
}

static void struct_fields(
	unsigned int type, const struct trace_cap *a, const struct trace_cap *b, struct buf *out)
{
	const struct abi_struct *s = abi_struct(type);
	size_t size = a->size < b->size ? a->size : b->size;

	for (size_t at = 0; s && s->size && at < size; at += s->size)
		one_struct_fields(type, a->data + at, b->data + at,
			size - at < s->size ? size - at : s->size, out, 0);
}

void tok_fields(const struct trace_event *a, const struct trace_event *b, struct buf *out)
{
	const struct abi_call *c = abi_call(a->nr);
	struct trace_cap_iter it = trace_caps(a);
	struct trace_cap ca, cb;

	while (c && trace_cap_next(&it, &ca)) {
		const struct abi_arg *arg;

		if (!(ca.flags & TC_OUT) || ca.slot >= c->nargs)
			continue;
		arg = abi_resolve(c, ca.slot, a->arg);
		if (!trace_cap_find(b, ca.slot, ca.part, TC_OUT, &cb) ||
			!tok_kind_comparable(arg->kind))
			continue;
		if (capture_hash(a->nr, arg, &ca) == capture_hash(b->nr, arg, &cb))
			continue;
		if (arg->kind == AK_STRUCT)
			struct_fields(arg->type, &ca, &cb, out);
		else
			field_note(out, arg->name);
	}
}
