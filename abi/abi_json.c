/*
 * abi-json: the tables as JSON lines, for Python and for the tests that hold them to the headers.
 *   lockstep.abi-call/1, lockstep.abi-struct/1, lockstep.abi-set/1, lockstep.abi-case/1 (what a
 *   selector makes of a union's arguments), lockstep.abi-name/1 (errno, signal, auxv, i386)
 */
#include "abi/abi.h"
#include "common/cleanup.h"
#include "common/err.h"
#include "common/json.h"

#include <errno.h>
#include <string.h>

static const char *const g_dirs[] = {"", "in", "out", "inout"};
static const char *const g_lens[] = {
	[ABI_LEN_NONE] = "none",
	[ABI_LEN_ARG] = "arg",
	[ABI_LEN_PTR] = "ptr",
	[ABI_LEN_RET] = "ret",
	[ABI_LEN_FIXED] = "fixed",
	[ABI_LEN_ALL] = "all",
	[ABI_LEN_SIZED] = "sized",
	[ABI_LEN_PAGES] = "pages",
	[ABI_LEN_BITS] = "bits",
	[ABI_LEN_MSG] = "msg",
	[ABI_LEN_IOC] = "ioc",
};
static const char *const g_levels[] = {"none", "partial", "full", "error"};
static const struct {
	unsigned int bit;
	const char *name;
} g_classes[] = {
	{ABI_C_FILE, "file"},
	{ABI_C_DESC, "desc"},
	{ABI_C_PROCESS, "process"},
	{ABI_C_NETWORK, "network"},
	{ABI_C_SIGNAL, "signal"},
	{ABI_C_IPC, "ipc"},
	{ABI_C_MEMORY, "memory"},
	{ABI_C_TIME, "time"},
	{ABI_C_CREDS, "creds"},
	{ABI_C_NORETURN, "noreturn"},
	{ABI_C_BLOCKS, "blocks"},
};

/* The C types that structs.def names, which only the test against the headers needs. */
static const char *const g_ctypes[] = {
#define STRUCT(id, ctype, size, ...) [ABI_S_##id] = ctype,
#include "abi/structs.def"
};

/* The set or struct that goes with a kind, by name; nothing where there is none. */
static void put_type(struct json *j, unsigned int kind, unsigned int type)
{
	const struct abi_struct *s = abi_struct(type);
	const struct abi_set *set = abi_set(type);

	if ((kind == AK_STRUCT || kind == AK_BUF) && s)
		json_str(j, "type", s->name);
	else if ((kind == AK_FLAGS || kind == AK_ENUM) && set)
		json_str(j, "type", set->name);
}

static void put_arg(struct json *j, const struct abi_arg *a)
{
	json_begin(j, NULL);
	json_str(j, "name", a->name);
	json_str(j, "kind", abi_kind_name(a->kind));
	put_type(j, a->kind, a->type);
	if (a->dir)
		json_str(j, "dir", g_dirs[a->dir]);
	if (a->len_by != ABI_LEN_NONE)
		json_str(j, "len_by", g_lens[a->len_by]);
	if (a->len_by != ABI_LEN_NONE && a->len_by != ABI_LEN_RET)
		json_uint(j, "len_arg", a->len_arg);
	json_end(j);
}

static void put_call(struct json *j, const struct abi_call *c)
{
	json_line_begin(j, "lockstep.abi-call/1");
	json_uint(j, "nr", c->nr);
	json_str(j, "name", c->name);
	json_array(j, "classes");
	for (size_t i = 0; i < ARRAY_LEN(g_classes); i++)
		if (c->classes & g_classes[i].bit)
			json_str(j, NULL, g_classes[i].name);
	json_array_end(j);
	json_array(j, "args");
	for (unsigned int i = 0; i < c->nargs; i++)
		put_arg(j, &c->arg[i]);
	json_array_end(j);
	json_str(j, "ret", abi_kind_name(c->ret));
	json_str(j, "level", g_levels[c->level]);
	json_str(j, "note", c->note);
	json_line_end(j);
}

static void put_struct(struct json *j, unsigned int id)
{
	const struct abi_struct *s = abi_struct(id);

	json_line_begin(j, "lockstep.abi-struct/1");
	json_str(j, "name", s->name);
	json_str(j, "ctype", g_ctypes[id]);
	json_uint(j, "size", s->size);
	json_array(j, "fields");
	for (unsigned int i = 0; i < s->nfields; i++) {
		const struct abi_field *f = &s->fields[i];

		json_begin(j, NULL);
		json_str(j, "name", f->name);
		json_uint(j, "off", f->off);
		json_uint(j, "size", f->size);
		json_uint(j, "count", f->count);
		json_str(j, "kind", abi_kind_name(f->kind));
		put_type(j, f->kind, f->type);
		json_end(j);
	}
	json_array_end(j);
	json_line_end(j);
}

static void put_set(struct json *j, const struct abi_set *s)
{
	json_line_begin(j, "lockstep.abi-set/1");
	json_str(j, "name", s->name);
	json_array(j, "names");
	for (unsigned int i = 0; i < s->n; i++) {
		json_begin(j, NULL);
		json_str(j, "name", s->names[i].name);
		json_uint(j, "value", s->names[i].value);
		json_uint(j, "mask", s->names[i].mask);
		json_end(j);
	}
	json_array_end(j);
	json_line_end(j);
}

/* What argument `sel` of a call makes of the others, when it is each value of its set. */
static void put_cases(struct json *j, const struct abi_call *c, unsigned int sel)
{
	const struct abi_set *s = abi_set(c->arg[sel].type);

	for (unsigned int k = 0; s && k < s->n; k++) {
		uint64_t args[6] = {0};

		args[sel] = s->names[k].value;
		json_line_begin(j, "lockstep.abi-case/1");
		json_str(j, "call", c->name);
		json_str(j, "selector", c->arg[sel].name);
		json_str(j, "name", s->names[k].name);
		json_uint(j, "value", s->names[k].value);
		json_array(j, "args");
		for (unsigned int i = 0; i < abi_nargs(c, args); i++)
			put_arg(j, abi_resolve(c, i, args));
		json_array_end(j);
		json_str(j, "ret", abi_kind_name(abi_ret_kind(c, args)));
		json_line_end(j);
	}
}

static void put_unions(struct json *j, const struct abi_call *c)
{
	bool dependent = false;

	for (unsigned int i = 0; i < c->nargs; i++)
		dependent = dependent || c->arg[i].kind == AK_UNION;
	for (unsigned int i = 0; dependent && i < c->nargs; i++)
		if (c->arg[i].kind == AK_ENUM || c->arg[i].kind == AK_FLAGS)
			put_cases(j, c, i);
}

static void put_name(struct json *j, const char *kind, int value, const char *name)
{
	if (!name)
		return;
	json_line_begin(j, "lockstep.abi-name/1");
	json_str(j, "kind", kind);
	json_int(j, "value", value);
	json_str(j, "name", name);
	json_line_end(j);
}

int main(int argc, char **argv)
{
	CLEANUP(buf) struct buf out = {0};
	struct json j = {.out = &out};
	int rc;

	if (argc > 1) {
		printf("usage: %s\nWrites the system call tables as JSON lines.\n", argv[0]);
		return strcmp(argv[1], "--help") ? EXIT_USAGE : EXIT_OK;
	}
	for (unsigned int nr = 0; nr <= ABI_NR_MAX; nr++)
		if (abi_call(nr)) {
			put_call(&j, abi_call(nr));
			put_unions(&j, abi_call(nr));
		}
	for (unsigned int id = 1; id < ABI_S_COUNT; id++)
		put_struct(&j, id);
	for (unsigned int id = 1; id < ABI_SET_COUNT; id++)
		put_set(&j, abi_set(id));
	for (int i = 0; i <= ABI_NR_MAX; i++) {
		put_name(&j, "errno", i, abi_errno_name(i));
		put_name(&j, "signal", i, abi_signal_name(i));
		put_name(&j, "auxv", i, abi_auxv_name((uint64_t)i));
		put_name(&j, "i386", i, abi_call_i386((unsigned int)i));
	}
	rc = out.failed ? -ENOMEM : buf_write_fd(&out, STDOUT_FILENO);
	if (rc < 0)
		die(EXIT_BROKE, "cannot write the tables: %s", strerror(-rc));
	return EXIT_OK;
}
