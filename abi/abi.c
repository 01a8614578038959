/*
 * The tables, expanded, and what looks things up in them. Everything is constant data, indexed by
 * number; looking up by name walks, as only options do that.
 */
#include "abi/abi.h"
#include "abi/argkinds.h"

#include <string.h>

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

/* clang-format off */
#define K_FILE     ABI_C_FILE
#define K_DESC     ABI_C_DESC
#define K_PROCESS  ABI_C_PROCESS
#define K_NETWORK  ABI_C_NETWORK
#define K_SIGNAL   ABI_C_SIGNAL
#define K_IPC      ABI_C_IPC
#define K_MEMORY   ABI_C_MEMORY
#define K_TIME     ABI_C_TIME
#define K_CREDS    ABI_C_CREDS
#define K_NORETURN ABI_C_NORETURN
#define K_BLOCKS   ABI_C_BLOCKS

static const struct abi_call g_calls[ABI_NR_MAX + 1] = {
#define SYSCALL(num, id, cls, result, args, lvl, text) \
	[num] = {.nr = num, .name = #id, .classes = cls, .ret = AK_##result, .level = ABI_##lvl, .note = text, args},
#include "abi/syscalls.def"
};

static const char *const g_i386[] = {
#define I386(num, id) [num] = #id,
#include "abi/i386.def"
};

/* ---- structs ---- */
#define FIELD_(o, s, n, c, k, t) {.name = #n, .off = o, .size = s, .count = c, .kind = k, .type = t},
#define F(o, s, n, k)        FIELD_(o, s, n, 1, AK_##k, 0)
#define FF(o, s, n, set)     FIELD_(o, s, n, 1, AK_FLAGS, ABI_SET_##set)
#define FE(o, s, n, set)     FIELD_(o, s, n, 1, AK_ENUM, ABI_SET_##set)
#define FS(o, s, n, id)      FIELD_(o, s, n, 1, AK_STRUCT, ABI_S_##id)
#define FA(o, s, n, k, c)    FIELD_(o, s, n, c, AK_##k, 0)
#define FSA(o, s, n, id, c)  FIELD_(o, s, n, c, AK_STRUCT, ABI_S_##id)
#define STRUCT(id, ctype, bytes, ...) static const struct abi_field g_fields_##id[] = {__VA_ARGS__};
#include "abi/structs.def"

static const struct abi_struct g_structs[ABI_S_COUNT] = {
#define STRUCT(id, ctype, bytes, ...) \
	[ABI_S_##id] = {.name = #id, .size = bytes, .nfields = LEN(g_fields_##id), .fields = g_fields_##id},
#include "abi/structs.def"
};

/* ---- flag sets and enums ---- */
#define BIT(n, v)             {v, v, #n},
#define MSK(n, v, m)          {v, m, #n},
#define VAL(n, v)             {(uint32_t)(v), 0xffffffff, #n},
#define SET(id, ...)          static const struct abi_name g_names_##id[] = {__VA_ARGS__};
#include "abi/sets.def"
#define CASE(n, v, ret, args) {(uint32_t)(v), 0xffffffff, #n},
#define SO(n, v, opt)         {(uint32_t)(v), 0xffffffff, #n},
#define SELECTOR(id, ...)     static const struct abi_name g_names_##id[] = {__VA_ARGS__};
#include "abi/unions.def"

static const struct abi_set g_sets[ABI_SET_COUNT] = {
#define SET(id, ...) [ABI_SET_##id] = {.name = #id, .n = LEN(g_names_##id), .names = g_names_##id},
#define SELECTOR(id, ...) [ABI_SET_##id] = {.name = #id, .n = LEN(g_names_##id), .names = g_names_##id},
#include "abi/sets.def"
#include "abi/unions.def"
};

/* ---- errno, signals, auxv ---- */
static const char *const g_errno[] = {
#define ERRNO(num, id) [num] = #id,
#include "abi/errno.def"
};
static const char *const g_signals[] = {
#define SIGNAL(num, id) [num] = #id,
#include "abi/signals.def"
};
static const char *const g_auxv[] = {
#define AUXV(num, id) [num] = #id,
#include "abi/auxv.def"
};
/* clang-format on */

const struct abi_call *abi_call(unsigned int nr)
{
	return nr < LEN(g_calls) && g_calls[nr].name ? &g_calls[nr] : NULL;
}

const char *abi_call_i386(unsigned int nr)
{
	return nr < LEN(g_i386) ? g_i386[nr] : NULL;
}

const struct abi_call *abi_call_by_name(const char *name)
{
	for (size_t i = 0; i < LEN(g_calls); i++)
		if (g_calls[i].name && !strcmp(g_calls[i].name, name))
			return &g_calls[i];
	return NULL;
}

const struct abi_struct *abi_struct(unsigned int id)
{
	return id > ABI_S_NONE && id < ABI_S_COUNT ? &g_structs[id] : NULL;
}

const struct abi_set *abi_set(unsigned int id)
{
	return id > ABI_SET_NONE && id < ABI_SET_COUNT ? &g_sets[id] : NULL;
}

const char *abi_enum_name(unsigned int set, uint64_t value)
{
	const struct abi_set *s = abi_set(set);

	for (unsigned int i = 0; s && i < s->n; i++)
		if ((value & s->names[i].mask) == s->names[i].value)
			return s->names[i].name;
	return NULL;
}

const char *abi_errno_name(int err)
{
	return err > 0 && (size_t)err < LEN(g_errno) ? g_errno[err] : NULL;
}

const char *abi_signal_name(int signo)
{
	return signo > 0 && (size_t)signo < LEN(g_signals) ? g_signals[signo] : NULL;
}

const char *abi_auxv_name(uint64_t type)
{
	return type < LEN(g_auxv) ? g_auxv[type] : NULL;
}

int abi_signal_by_name(const char *name)
{
	static const struct {
		const char *name, *same;
	} alias[] = {{"POLL", "IO"}, {"IOT", "ABRT"}, {"CLD", "CHLD"}};
	const char *bare = strncmp(name, "SIG", 3) ? name : name + 3;

	for (size_t i = 0; i < LEN(alias); i++)
		if (!strcmp(bare, alias[i].name))
			bare = alias[i].same;
	for (size_t i = 1; i < LEN(g_signals); i++)
		if (!strcmp(g_signals[i] + 3, bare))
			return (int)i;
	return 0;
}

int abi_errno_by_name(const char *name)
{
	static const struct {
		const char *name, *same;
	} alias[] = {
		{"EWOULDBLOCK", "EAGAIN"}, {"EDEADLOCK", "EDEADLK"}, {"ENOTSUP", "EOPNOTSUPP"}};

	for (size_t i = 0; i < LEN(alias); i++)
		if (!strcmp(name, alias[i].name))
			name = alias[i].same;
	for (size_t i = 1; i < LEN(g_errno); i++)
		if (g_errno[i] && !strcmp(g_errno[i], name))
			return (int)i;
	return 0;
}

static const char *const g_kinds[] = {
	[AK_NONE] = "none",
	[AK_INT] = "int",
	[AK_UINT] = "uint",
	[AK_LONG] = "long",
	[AK_ULONG] = "ulong",
	[AK_HEX] = "hex",
	[AK_SIZE] = "size",
	[AK_OFF] = "off",
	[AK_FD] = "fd",
	[AK_DIRFD] = "dirfd",
	[AK_PID] = "pid",
	[AK_UID] = "uid",
	[AK_GID] = "gid",
	[AK_MODE] = "mode",
	[AK_DEV] = "dev",
	[AK_INO] = "ino",
	[AK_SIGNO] = "signo",
	[AK_TIME] = "time",
	[AK_FLAGS] = "flags",
	[AK_ENUM] = "enum",
	[AK_PAD] = "pad",
	[AK_ERRNO] = "errno",
	[AK_ADDR] = "addr",
	[AK_PATH] = "path",
	[AK_STR] = "str",
	[AK_STRV] = "strv",
	[AK_BUF] = "buf",
	[AK_STRUCT] = "struct",
	[AK_IOVEC] = "iovec",
	[AK_MSGHDR] = "msghdr",
	[AK_MMSGHDR] = "mmsghdr",
	[AK_SOCKADDR] = "sockaddr",
	[AK_SIGSET] = "sigset",
	[AK_FDSET] = "fdset",
	[AK_UNION] = "union",
};

const char *abi_kind_name(unsigned int kind)
{
	return kind < sizeof(g_kinds) / sizeof(g_kinds[0]) && g_kinds[kind] ? g_kinds[kind]
									    : "none";
}
