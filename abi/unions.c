/*
 * Arguments that depend on other arguments: which descriptor holds in this very call, how many
 * arguments it uses, what its result is. All of it is data: unions.def has the cases, g_bindings
 * says which call's argument selects among them, g_optional which flags make trailing arguments
 * count.
 */
#include "abi/abi.h"
#include "abi/argkinds.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

/* One value of a selector: the descriptors of the dependent arguments. */
struct abi_case {
	uint32_t value;
	uint8_t ret; /* enum abi_kind; AK_NONE: as syscalls.def has it */
	uint8_t nargs;
	struct abi_arg arg[4];
};

/* clang-format off */
#define CASE(n, v, result, args) {.value = (uint32_t)(v), .ret = AK_##result, args},
#define SO(n, v, opt)            {.value = (uint32_t)(v), .nargs = 1, .arg = {opt}},

/* setsockopt: options go in, argument 4 is their size */
#define T(s)                     IN_SIZED(optval, s, 4)
#define TB()                     IBUF(optval, 4)
#define SELECTOR(id, ...)        static const struct abi_case g_cases_##id[] = {__VA_ARGS__};
#include "abi/unions.def"
#undef T
#undef TB

/* getsockopt: options come out, argument 4 points to their size */
#define CASE(...)                {.nargs = 0},
#define SO(n, v, opt)            {.value = (uint32_t)(v), .nargs = 1, .arg = {opt}},
#define T(s)                     OUT(optval, s)
#define TB()                     OBUF_PTR(optval, 4)
#define SELECTOR(id, ...)        __attribute__((unused)) static const struct abi_case g_outs_##id[] = {__VA_ARGS__};
#include "abi/unions.def"
/* clang-format on */

enum binding_flag {
	SAME_NARGS = 1 << 0, /* the cases do not say how many arguments the call has */
	ON_LEVEL = 1 << 1,   /* holds where argument 1 is `level` */
};

/* Argument `sel` of call `nr`, shifted and masked, selects among the cases, whose first descriptor
 * is argument `first`. */
struct binding {
	uint16_t nr;
	uint8_t sel, first, flags, shift;
	uint32_t mask;
	uint32_t level;
	const struct abi_case *cases;
	size_t n;
};

#define ALL	  0xffffffffu
#define CASES(id) g_cases_##id, LEN(g_cases_##id)
#define OUTS(id)  g_outs_##id, LEN(g_outs_##id)

/* clang-format off */
static const struct binding g_bindings[] = {
	/* nr, sel, first, flags, shift, mask, level, cases */
	{ 16, 1, 2, 0,          0, ALL,      0, CASES(ioctl)},
	{ 72, 1, 2, 0,          0, ALL,      0, CASES(fcntl)},
	{202, 1, 2, 0,          0, 0x7f,     0, CASES(futex_cmd)},
	{157, 0, 1, 0,          0, ALL,      0, CASES(prctl)},
	{158, 0, 1, 0,          0, ALL,      0, CASES(arch_prctl)},
	{ 41, 0, 2, SAME_NARGS, 0, ALL,      0, CASES(protocol_of)},
	{ 53, 0, 2, SAME_NARGS, 0, ALL,      0, CASES(protocol_of)},
	{ 56, 0, 2, SAME_NARGS, 0, 0x101000, 0, CASES(clone_tid)},
	{ 31, 1, 2, 0,          0, ALL,      0, CASES(shmctl)},
	{ 66, 2, 3, 0,          0, ALL,      0, CASES(semctl)},
	{ 71, 1, 2, 0,          0, ALL,      0, CASES(msgctl)},
	{101, 0, 2, 0,          0, ALL,      0, CASES(ptrace)},
	{103, 0, 1, SAME_NARGS, 0, ALL,      0, CASES(syslog)},
	{139, 0, 1, 0,          0, ALL,      0, CASES(sysfs)},
	{154, 0, 1, SAME_NARGS, 0, ALL,      0, CASES(modify_ldt)},
	{169, 2, 3, 0,          0, ALL,      0, CASES(reboot)},
	{179, 0, 2, 0,          8, ALL,      0, CASES(quota_cmd)},
	{443, 1, 2, 0,          8, ALL,      0, CASES(quota_cmd)},
	{233, 1, 3, 0,          0, ALL,      0, CASES(epoll_ctl)},
	{250, 0, 1, 0,          0, ALL,      0, CASES(keyctl)},
	{312, 2, 3, 0,          0, ALL,      0, CASES(kcmp)},
	{317, 0, 1, 0,          0, ALL,      0, CASES(seccomp)},
	{321, 0, 1, SAME_NARGS, 0, ALL,      0, CASES(bpf)},
	{426, 3, 4, SAME_NARGS, 0, 8,        0, CASES(enter_arg)},
	{427, 1, 2, SAME_NARGS, 0, 0x7fffffff, 0, CASES(io_uring_register)},
	{431, 1, 2, 0,          0, ALL,      0, CASES(fsconfig)},
	{445, 1, 2, SAME_NARGS, 0, ALL,      0, CASES(landlock_rule)},
	{ 54, 1, 2, SAME_NARGS, 0, ALL,      0, CASES(optname_of)},
	{ 55, 1, 2, SAME_NARGS, 0, ALL,      0, CASES(optname_of)},
#define OPTIONS(level, id) \
	{ 54, 2, 3, SAME_NARGS | ON_LEVEL, 0, ALL, level, CASES(id)}, \
	{ 55, 2, 3, SAME_NARGS | ON_LEVEL, 0, ALL, level, OUTS(id)},
	OPTIONS(1, so_socket)
	OPTIONS(0, so_ip)
	OPTIONS(41, so_ipv6)
	OPTIONS(6, so_tcp)
	OPTIONS(17, so_udp)
	OPTIONS(270, so_netlink)
	OPTIONS(263, so_packet)
};

/* Call `nr` has `without` arguments unless argument `sel` has one of `bits`; several rows of one call
 * are tried in order and the first that lacks its bits shortens the call further. */
static const struct optional {
	uint16_t nr;
	uint8_t sel, without;
	uint64_t bits;
} g_optional[] = {
	{  2, 1, 2, 0100 | 020000000},   /* open: mode with O_CREAT, __O_TMPFILE */
	{257, 2, 3, 0100 | 020000000},   /* openat */
	{133, 1, 2, 020000},             /* mknod: the device of S_IFCHR and S_IFBLK */
	{259, 2, 3, 020000},             /* mknodat */
	{295, 0, 4, 0},                  /* preadv: the upper half of the offset is shifted out */
	{296, 0, 4, 0},                  /* pwritev */
	{240, 1, 2, 0100},               /* mq_open: mode and attributes */
	{ 25, 3, 4, 2 | 4},              /* mremap: new address with MREMAP_FIXED, MREMAP_DONTUNMAP */
	{ 56, 0, 4, 0x80000},            /* clone: CLONE_SETTLS */
	{ 56, 0, 3, 0x80000 | 0x1200000},           /* ... CLONE_CHILD_SETTID, CLONE_CHILD_CLEARTID */
	{ 56, 0, 2, 0x80000 | 0x1200000 | 0x101000}, /* ... CLONE_PARENT_SETTID, CLONE_PIDFD */
	{324, 1, 2, 1},                  /* membarrier: the CPU with MEMBARRIER_CMD_FLAG_CPU */
};

/* Where no case holds: the address, not followed, or what an ioctl's number says of itself. */
static const struct abi_arg g_unknown = ADDR(arg);
static const struct abi_arg g_unknown_ioctl[4] = {
	ADDR(arg), BUF_IOC_IN(argp), BUF_IOC_OUT(argp), BUF_IOC_IO(argp),
};
static const struct abi_arg g_options[2] = {IBUF(optval, 4), OBUF_PTR(optval, 4)};
static const struct abi_arg g_optname = INT(optname);
static const struct abi_arg g_protocol = INT(protocol);
/* clang-format on */

static const struct abi_case *binding_case(const struct binding *b, const uint64_t args[6])
{
	uint32_t value = (uint32_t)args[b->sel] >> b->shift & b->mask;

	if (b->flags & ON_LEVEL && (uint32_t)args[1] != b->level)
		return NULL;
	for (size_t i = 0; i < b->n; i++)
		if (b->cases[i].value == value)
			return &b->cases[i];
	return NULL;
}

/* Most calls have no selector: every event of a trace asks. */
static bool has_union(const struct abi_call *c)
{
	for (unsigned int i = 0; i < c->nargs; i++)
		if (c->arg[i].kind == AK_UNION)
			return true;
	return false;
}

static const struct abi_arg *resolve_unknown(
	const struct abi_call *c, unsigned int i, const uint64_t args[6])
{
	switch (c->nr) {
	case 16: /* _IOC_DIR: 1 the program writes (in), 2 it reads (out) */
		return &g_unknown_ioctl[(uint32_t)args[1] >> 30];
	case 54:
		return i == 2 ? &g_optname : &g_options[0];
	case 55:
		return i == 2 ? &g_optname : &g_options[1];
	case 41:
	case 53:
		return &g_protocol;
	}
	return &g_unknown;
}

const struct abi_arg *abi_resolve(const struct abi_call *c, unsigned int i, const uint64_t args[6])
{
	if (c->arg[i].kind != AK_UNION)
		return &c->arg[i];
	for (size_t k = 0; k < LEN(g_bindings); k++) {
		const struct binding *b = &g_bindings[k];
		const struct abi_case *found;

		if (b->nr != c->nr || i < b->first)
			continue;
		found = binding_case(b, args);
		if (found && i - b->first < found->nargs)
			return &found->arg[i - b->first];
	}
	return resolve_unknown(c, i, args);
}

unsigned int abi_nargs(const struct abi_call *c, const uint64_t args[6])
{
	unsigned int n = c->nargs;
	size_t bindings = has_union(c) ? LEN(g_bindings) : 0;

	for (size_t k = 0; k < bindings; k++) {
		const struct binding *b = &g_bindings[k];
		const struct abi_case *found;

		if (b->nr != c->nr || b->flags & SAME_NARGS)
			continue;
		found = binding_case(b, args);
		if (found)
			n = b->first + found->nargs;
	}
	for (size_t k = 0; k < LEN(g_optional); k++)
		if (g_optional[k].nr == c->nr && !(args[g_optional[k].sel] & g_optional[k].bits))
			n = g_optional[k].without;
	return n;
}

unsigned int abi_ret_kind(const struct abi_call *c, const uint64_t args[6])
{
	size_t bindings = has_union(c) ? LEN(g_bindings) : 0;

	for (size_t k = 0; k < bindings; k++) {
		const struct abi_case *found;

		if (g_bindings[k].nr != c->nr)
			continue;
		found = binding_case(&g_bindings[k], args);
		if (found && found->ret != AK_NONE)
			return found->ret;
	}
	return c->ret;
}

/* ---- sizes ---- */

static uint64_t mul_sat(uint64_t a, uint64_t b)
{
	uint64_t r;

	return __builtin_mul_overflow(a, b, &r) ? UINT64_MAX : r;
}

static uint64_t add_sat(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static uint64_t element_size(const struct abi_arg *a)
{
	const struct abi_struct *s;

	switch (a->kind) {
	case AK_STRUCT:
		s = abi_struct(a->type);
		return s ? s->size : 0;
	case AK_IOVEC:
		return 16;
	case AK_MSGHDR:
		return 56;
	case AK_MMSGHDR:
		return 64;
	case AK_SIGSET:
		return 8;
	case AK_BUF:
	case AK_STR:
	case AK_SOCKADDR:
		return 1;
	default:
		return 0;
	}
}

/* The count as the arguments have it, before the result is looked at. */
static uint64_t len_value(const struct abi_arg *a, const uint64_t args[6], uint32_t len_word)
{
	uint64_t v = args[a->len_arg < 6 ? a->len_arg : 0];

	switch (a->len_by) {
	case ABI_LEN_PTR:
		return len_word;
	case ABI_LEN_FIXED:
		return a->len_arg;
	case ABI_LEN_PAGES:
		return v / 4096 + (v % 4096 != 0);
	case ABI_LEN_BITS: /* mm/mempolicy.c:get_nodes(): one bit fewer than it says */
		return v <= 1 ? 0 : ((v - 2) / 64 + 1) * 8;
	case ABI_LEN_MSG:
		return add_sat(v, 8);
	case ABI_LEN_IOC:
		return (uint32_t)v >> 16 & 0x3fff;
	default:
		return v;
	}
}

/* select(2)'s bitmaps: whole words. fs/select.c:core_sys_select() */
static uint64_t fdset_bytes(uint64_t nfds)
{
	return (int32_t)nfds <= 0 ? 0 : ((uint64_t)(int32_t)nfds + 63) / 64 * 8;
}

uint64_t abi_bytes(const struct abi_arg *a, const uint64_t args[6], bool returned, int64_t ret,
	uint32_t len_word)
{
	bool out = a->dir == ABI_OUT && returned;
	uint64_t one = element_size(a), n;

	if (out && ret < 0)
		return 0;
	if (a->kind == AK_FDSET)
		return fdset_bytes(args[a->len_arg < 6 ? a->len_arg : 0]);
	if (a->len_by == ABI_LEN_NONE)
		return a->kind == AK_STR || a->kind == AK_PATH ? 0 : one;
	n = a->len_by == ABI_LEN_RET ? (returned && ret > 0 ? (uint64_t)ret : 0)
				     : len_value(a, args, len_word);
	if (a->len_by == ABI_LEN_SIZED)
		return n < one ? n : one;
	if (out && a->len_by == ABI_LEN_ARG && a->kind != AK_IOVEC && (uint64_t)ret < n)
		n = (uint64_t)ret;
	if (out && a->len_by == ABI_LEN_MSG)
		n = add_sat((uint64_t)ret, 8);
	return mul_sat(n, one);
}
