/* Arguments of a call and the structs they point to, as nodes, driven by the abi tables. */
#include "tracer/decode/tree.h"

#include <string.h>
#include <sys/syscall.h>

/* ---- structs ---- */

/* Values of fields that have a name by custom, whatever else the field holds. */
static const struct {
	const char *field;
	uint64_t value;
	const char *name;
} g_special[] = {
	{"sa_handler", 0, "SIG_DFL"},
	{"sa_handler", 1, "SIG_IGN"},
	{"rlim_cur", UINT64_MAX, "RLIM64_INFINITY"},
	{"rlim_max", UINT64_MAX, "RLIM64_INFINITY"},
};

static const char *special_name(const char *field, uint64_t value)
{
	size_t i;

	for (i = 0; field && i < sizeof(g_special) / sizeof(g_special[0]); i++)
		if (g_special[i].value == value && !strcmp(g_special[i].field, field))
			return g_special[i].name;
	return NULL;
}

static void field_value(struct tree *t, uint32_t parent, const char *name,
	const struct abi_field *f, const uint8_t *p)
{
	if (f->kind == AK_STRUCT) {
		tree_struct(t, parent, name, f->type, p, f->size);
	} else if (f->kind == AK_SIGSET) {
		tree_sigset(t, parent, name, p, f->size);
	} else if (f->kind == AK_SOCKADDR) {
		tree_sockaddr(t, parent, name, p, f->size);
	} else if (f->size == 8 && special_name(name, tree_load(p, 8))) {
		uint64_t v = tree_load(p, 8);

		tree_word(t, parent, name, f->kind, v, special_name(name, v));
	} else if (f->size <= 8) {
		tree_value(t, parent, name, f->kind, f->type, tree_load(p, f->size), f->size);
	} else {
		tree_bytes(t, parent, name, AK_BUF, 0, p, f->size, f->size);
	}
}

static void field_array(
	struct tree *t, uint32_t parent, const struct abi_field *f, const uint8_t *p)
{
	uint32_t n = tree_add(t, parent, f->name, NF_ARRAY, f->kind);
	unsigned int i;

	for (i = 0; i < f->count; i++)
		field_value(t, n, NULL, f, p + (size_t)i * f->size);
}

static void struct_field(
	struct tree *t, uint32_t parent, const struct abi_field *f, const uint8_t *bytes)
{
	const uint8_t *p = bytes + f->off;

	if (f->kind == AK_STR)
		tree_bytes(t, parent, f->name, AK_STR, 0, p, strnlen((const char *)p, f->count),
			strnlen((const char *)p, f->count));
	else if (f->kind == AK_BUF)
		tree_bytes(t, parent, f->name, AK_BUF, 0, p, f->count, f->count);
	else if (f->count > 1)
		field_array(t, parent, f, p);
	else
		field_value(t, parent, f->name, f, p);
}

/* Fields by which large structs are known; the others only when asked for. */
static const struct {
	const char *type, *fields; /* each between blanks */
} g_short[] = {
	{"stat", " st_mode st_size "},
	{"statx", " stx_mask stx_mode stx_size "},
	{"rusage", " ru_utime ru_stime "},
	{"utsname", " sysname nodename release "},
	{"new_utsname", " sysname nodename release "},
	{"sysinfo", " uptime totalram freeram procs "},
	{"statfs", " f_type f_bsize f_blocks f_bfree "},
	{"termios", " c_iflag c_oflag c_cflag c_lflag "},
	{"timex", " modes offset freq "},
};

#define SHORT_FIELDS 10u /* of structs that are not in the list */

static bool shown(const struct tree *t, const struct abi_struct *s, unsigned int i)
{
	size_t k, len = strlen(s->fields[i].name);

	if (t->opts->verbose)
		return true;
	for (k = 0; k < sizeof(g_short) / sizeof(g_short[0]); k++) {
		const char *at;

		if (strcmp(g_short[k].type, s->name))
			continue;
		at = strstr(g_short[k].fields, s->fields[i].name);
		return at && at[-1] == ' ' && at[len] == ' ';
	}
	return i < SHORT_FIELDS;
}

static size_t field_end(const struct abi_field *f)
{
	return f->off + (size_t)f->size * (f->count ? f->count : 1);
}

/* A pointer to a scalar is a struct with one field that has no name. */
static bool is_scalar(const struct abi_struct *s)
{
	return s->nfields == 1 && !s->fields[0].name[0];
}

uint32_t tree_struct(struct tree *t, uint32_t parent, const char *name, unsigned int id,
	const uint8_t *bytes, uint32_t size)
{
	const struct abi_struct *s = abi_struct(id);
	uint32_t n;
	bool rest = false;
	unsigned int i;

	if (!s)
		return tree_bytes(t, parent, name, AK_BUF, 0, bytes, size, size);
	if (is_scalar(s) && size >= field_end(&s->fields[0])) {
		struct abi_field f = s->fields[0];

		field_value(t, parent, name, &f, bytes);
		return t->n - 1;
	}
	n = tree_add(t, parent, name, NF_STRUCT, AK_STRUCT);
	tree_node(t, n)->type = s->name;
	for (i = 0; i < s->nfields; i++) {
		const struct abi_field *f = &s->fields[i];

		if (f->kind == AK_PAD)
			continue;
		if (field_end(f) > size || !shown(t, s, i))
			rest = true;
		else
			struct_field(t, n, f, bytes);
	}
	if (rest)
		tree_add(t, n, NULL, NF_REST, AK_NONE);
	return n;
}

/* ---- what arguments point to ---- */

struct arg_ctx {
	struct tree *t;
	uint32_t parent;
	const struct abi_arg *a;
	unsigned int slot;
	enum tree_when when;
	const char *name;
};

static bool find(const struct arg_ctx *c, unsigned int part, struct trace_cap *cap)
{
	return tree_find(c->t, c->slot, part, c->when, cap);
}

static void note_fault(struct tree *t, uint32_t n, const struct trace_cap *cap)
{
	uint32_t mark = tree_mark(t);

	if (!(cap->flags & TC_FAULT))
		return;
	buf_add_str(&t->text, "cannot be read");
	tree_set_note(t, n, mark);
}

static uint32_t put_string(const struct arg_ctx *c, unsigned int part, uint32_t parent,
	const char *name, uint64_t addr)
{
	struct trace_cap cap;
	uint32_t n, full;

	if (!find(c, part, &cap) || (!cap.size && cap.flags & TC_FAULT))
		return 0;
	full = cap.flags & TC_CUT && cap.full == cap.size ? cap.size + 1 : cap.full;
	/* What a call filled in ends at its NUL, whatever the buffer held after that. */
	if (strnlen((const char *)cap.data, cap.size) < cap.size)
		full = cap.size = strnlen((const char *)cap.data, cap.size);
	n = tree_bytes(c->t, parent, name, c->a->kind == AK_PATH ? AK_PATH : AK_STR, addr, cap.data,
		cap.size, full);
	note_fault(c->t, n, &cap);
	return n;
}

/* The strings are parts 1.., part 0 says how many there are. */
static uint32_t put_strings(const struct arg_ctx *c)
{
	struct tree *t = c->t;
	struct trace_cap cap;
	uint32_t n, i, mark, count = find(c, 0, &cap) ? cap.full / 8 : 0;

	if (!count && !find(c, 1, &cap))
		return 0;
	if (!t->opts->verbose && !strncmp(c->a->name, "env", 3)) {
		n = tree_addr(t, c->parent, c->name, AK_STRV, t->ev->arg[c->slot]);
		mark = tree_mark(t);
		buf_printf(&t->text, "%u vars", count);
		tree_set_note(t, n, mark);
		return n;
	}
	n = tree_add(t, c->parent, c->name, NF_ARRAY, AK_STRV);
	for (i = 0; i < TREE_ELEMENTS_MAX && put_string(c, 1 + i, n, NULL, 0); i++)
		;
	if (i < count)
		tree_add(t, n, NULL, NF_REST, AK_NONE);
	return n;
}

/* Records of struct `type`, each as long as its field d_reclen says; how many, or -1. */
static int count_records(const struct abi_struct *s, const struct trace_cap *cap)
{
	const struct abi_field *len = NULL;
	uint32_t at = 0, i;
	int n = 0;

	for (i = 0; i < s->nfields; i++)
		if (!strcmp(s->fields[i].name, "d_reclen"))
			len = &s->fields[i];
	if (!len || cap->size < cap->full)
		return -1;
	for (; at + field_end(len) <= cap->size; n++) {
		uint32_t step = tree_load(cap->data + at + len->off, 2);

		if (!step)
			return -1;
		at += step;
	}
	return n;
}

static uint32_t put_buffer(const struct arg_ctx *c)
{
	const struct abi_struct *records = c->a->type ? abi_struct(c->a->type) : NULL;
	struct tree *t = c->t;
	struct trace_cap cap;
	uint32_t n, mark;
	int count;

	if (!find(c, 0, &cap))
		return 0;
	n = tree_bytes(
		t, c->parent, c->name, AK_BUF, t->ev->arg[c->slot], cap.data, cap.size, cap.full);
	note_fault(t, n, &cap);
	if (!records || t->opts->verbose)
		return n;
	tree_node(t, n)->form = NF_ADDR;
	mark = tree_mark(t);
	count = count_records(records, &cap);
	if (count >= 0)
		buf_printf(&t->text, "%d entries", count);
	else
		buf_printf(&t->text, "%u bytes of entries", cap.full);
	tree_set_note(t, n, mark);
	return n;
}

/* One struct, or as many as are there. */
static uint32_t put_structs(const struct arg_ctx *c)
{
	const struct abi_struct *s = abi_struct(c->a->type);
	bool single = c->a->len_by == ABI_LEN_NONE || c->a->len_by == ABI_LEN_SIZED;
	struct tree *t = c->t;
	struct trace_cap cap;
	uint32_t n, i;

	if (!s || !s->size || !find(c, 0, &cap) || !cap.size)
		return 0;
	if (single && !strcmp(s->name, "wstatus") && cap.size >= 4) {
		uint32_t mark;

		n = tree_add(t, c->parent, c->name, NF_ARRAY, AK_INT);
		i = tree_add(t, n, NULL, NF_STRUCT, AK_INT);
		tree_node(t, i)->form = NF_NUM;
		tree_node(t, i)->value = tree_load(cap.data, 4);
		mark = tree_mark(t);
		buf_add_byte(&t->text, '{');
		tree_wait_status(t, (int)tree_load(cap.data, 4));
		buf_add_byte(&t->text, '}');
		tree_set_text(t, i, mark);
		return n;
	}
	if (single && !is_scalar(s))
		return tree_struct(t, c->parent, c->name, c->a->type, cap.data, cap.size);
	n = tree_add(t, c->parent, c->name, NF_ARRAY, AK_STRUCT);
	for (i = 0; (size_t)(i + 1) * s->size <= cap.size && i < TREE_ELEMENTS_MAX; i++)
		tree_struct(t, n, NULL, c->a->type, cap.data + (size_t)i * s->size, s->size);
	if ((uint64_t)i * s->size < cap.full)
		tree_add(t, n, NULL, NF_REST, AK_NONE);
	return n;
}

static uint32_t put_sized(const struct arg_ctx *c)
{
	struct trace_cap cap;

	if (!find(c, 0, &cap))
		return 0;
	if (c->a->kind == AK_SOCKADDR)
		return tree_sockaddr(c->t, c->parent, c->name, cap.data, cap.size);
	if (c->a->kind == AK_SIGSET)
		return tree_sigset(c->t, c->parent, c->name, cap.data, cap.size);
	return tree_fdset(c->t, c->parent, c->name, cap.data, cap.size);
}

/* What is pointed to, at one of the two moments; 0 when it was not captured. */
static uint32_t put_pointed(const struct arg_ctx *c)
{
	switch (c->a->kind) {
	case AK_PATH:
	case AK_STR:
		return put_string(c, 0, c->parent, c->name, c->t->ev->arg[c->slot]);
	case AK_STRV:
		return put_strings(c);
	case AK_BUF:
		return put_buffer(c);
	case AK_STRUCT:
		return put_structs(c);
	case AK_SOCKADDR:
	case AK_SIGSET:
	case AK_FDSET:
		return put_sized(c);
	case AK_IOVEC:
		return tree_iovec(c->t, c->parent, c->name, c->slot, 0, 1, c->when);
	case AK_MSGHDR:
		return tree_msghdr(c->t, c->parent, c->name, c->slot, 0, c->when);
	case AK_MMSGHDR:
		return tree_mmsghdr(c->t, c->parent, c->name, c->slot, c->when);
	}
	return 0;
}

/* Both moments are shown only where the second differs. */
static bool same_capture(const struct arg_ctx *c)
{
	struct arg_ctx before = *c, after = *c;
	struct trace_cap a, b;

	before.when = BEFORE;
	after.when = AFTER;
	if (!find(&before, 0, &a) || !find(&after, 0, &b) || a.full != b.full || a.size != b.size)
		return false;
	return !memcmp(a.data, b.data, a.size) && (a.size == a.full || a.hash == b.hash);
}

static uint32_t put_changed(struct arg_ctx c)
{
	struct arg_ctx before = c, after = c;
	uint32_t n = tree_add(c.t, c.parent, c.name, NF_CHANGE, c.a->kind);

	before.parent = after.parent = n;
	before.name = after.name = NULL;
	before.when = BEFORE;
	after.when = AFTER;
	if (put_pointed(&before) && put_pointed(&after))
		return n;
	return 0;
}

static bool has(struct arg_ctx c, enum tree_when when)
{
	struct trace_cap cap;

	c.when = when;
	return find(&c, 0, &cap);
}

static bool is_pointer(unsigned int kind)
{
	return kind >= AK_PATH;
}

static void put_hex_text(struct tree *t, uint32_t n, uint64_t v)
{
	uint32_t mark = tree_mark(t);

	buf_printf(&t->text, "%#llx", (unsigned long long)v);
	tree_set_text(t, n, mark);
}

static void put_arg(struct tree *t, uint32_t parent, const struct abi_arg *a, unsigned int slot)
{
	struct arg_ctx c = {.t = t, .parent = parent, .a = a, .slot = slot, .name = a->name};
	uint64_t v = t->ev->arg[slot];
	uint32_t n = 0;

	if (!is_pointer(a->kind)) {
		n = tree_value(t, parent, a->name, a->kind, a->type, v, 8);
		/* the one offset that people know in hexadecimal */
		if (t->ev->nr == SYS_mmap && a->kind == AK_OFF && v)
			put_hex_text(t, n, v);
		return;
	}
	if (v && has(c, BEFORE) && has(c, AFTER) && !same_capture(&c) && a->kind != AK_MSGHDR &&
		a->kind != AK_MMSGHDR) {
		n = put_changed(c);
	} else if (v) {
		c.when = AFTER;
		if (a->dir != ABI_IN)
			n = put_pointed(&c);
		c.when = BEFORE;
		if (!n)
			n = put_pointed(&c);
	}
	if (!n && v && a->len_by == ABI_LEN_RET && !t->ev->ret && a->kind == AK_STRUCT)
		n = tree_add(t, parent, a->name, NF_ARRAY, a->kind);
	if (!n)
		n = tree_addr(t, parent, a->name, a->kind, v);
	tree_node(t, n)->value = v;
}

uint32_t tree_args(struct tree *t, const struct abi_call *call)
{
	unsigned int i, n = abi_nargs(call, t->ev->arg);
	uint32_t root = tree_add(t, 0, NULL, NF_STRUCT, AK_NONE);

	for (i = 0; i < n && i < 6; i++)
		put_arg(t, root, abi_resolve(call, i, t->ev->arg), i);
	return root;
}
