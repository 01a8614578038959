/* See finding.h. */
#include "tracer/align/finding.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "abi/abi.h"

static const struct tok *native_tok(const struct differ *d, const struct diff *f)
{
	return f->native_seg >= 0 && f->native_tok >= 0
		       ? &d->natives[0].seg[f->native_seg].tok[f->native_tok]
		       : NULL;
}

static const struct tok *target_tok(
	const struct differ *d, unsigned int target, const struct diff *f)
{
	return f->target_tok >= 0 ? &d->targets[target].seg[f->target_seg].tok[f->target_tok]
				  : NULL;
}

const struct detail *candidate_native(
	const struct candidates *c, const struct differ *d, const struct candidate *x)
{
	const struct tok *t = native_tok(d, x->diff);

	return t ? details_get(c->native, t->seq) : NULL;
}

const struct detail *candidate_target(
	const struct candidates *c, const struct differ *d, const struct candidate *x)
{
	const struct tok *t = target_tok(d, x->target, x->diff);

	return t ? details_get(&c->targets[x->target], t->seq) : NULL;
}

/* ---- reading the events again ---- */

static int want(struct candidates *c, struct differ *d, unsigned int target, const struct diff *f)
{
	const struct tok *n = native_tok(d, f), *t = target_tok(d, target, f);
	const struct seg *seg = &d->targets[target].seg[f->target_seg];
	int rc = n ? details_want(c->native, n->seq) : 0;

	if (!rc && t)
		rc = details_want(&c->targets[target], t->seq);
	if (!rc && f->common_tok >= 0)
		rc = details_want(&c->targets[target], seg->tok[f->common_tok].seq);
	return rc;
}

static int want_marks(struct details *details, const struct side *s)
{
	int rc = 0;

	for (size_t i = 0; i < s->marks && !rc; i++)
		if (s->mark[i].kind != TK_NOTE && i < DIFF_MAX)
			rc = details_want(details, s->mark[i].seq);
	return rc;
}

static int read_details(struct candidates *c, struct differ *d, struct err *e)
{
	int rc = want_marks(c->native, &d->natives[0]);

	for (unsigned int i = 0; i < d->ntargets && !rc; i++) {
		for (size_t k = 0; k < d->ndiffs[i] && !rc; k++)
			rc = want(c, d, i, &d->diffs[i][k]);
		if (!rc)
			rc = want_marks(&c->targets[i], &d->targets[i]);
	}
	if (!rc)
		rc = details_read(c->native, d->natives[0].path, e);
	for (unsigned int i = 0; i < d->ntargets && !rc; i++)
		rc = details_read(&c->targets[i], d->targets[i].path, e);
	return rc;
}

/* ---- what it is called ---- */

static const char *outcome_name(const struct trace_event *ev)
{
	const char *name;

	if (ev->kind == TK_CALL_OPEN)
		return "never";
	if (ev->ret >= 0 || ev->ret < -4095)
		return "ok";
	name = abi_errno_name((int)-ev->ret);
	return name ? name : "error";
}

static const char *call_name(const struct tok *t)
{
	const struct abi_call *c;
	const char *name;

	if (t->call >= TOK_NEVER)
		return "?";
	if (t->call >= TOK_EXEC)
		return "exec";
	if (t->call >= TOK_SIGNAL)
		return (name = abi_signal_name(t->call - TOK_SIGNAL)) ? name : "signal";
	c = abi_call(t->call);
	return c ? c->name : "?";
}

static const char *kind_name(const struct diff *f, const struct tok *t, const struct detail *target)
{
	if (f->what == DIFF_MISSING)
		return "call-missing";
	if (t && t->call >= TOK_SIGNAL && t->call < TOK_EXEC)
		return "signal";
	if (f->what == DIFF_EXTRA)
		return "call-extra";
	if (!(f->parts & TOK_ERR))
		return "result";
	return target && target->ev.ret == -ENOSYS ? "enosys" : "errno";
}

/*
 * System files are the kernel's own words: a habit may name them, whole or (`coarse`, for what all
 * files of that file system have) by their first folder. Other paths belong to programs.
 */
static void system_object(
	struct buf *out, const struct names *names, const struct tok *t, bool coarse)
{
	for (int i = 0; i < 2; i++) {
		struct buf text = {0};
		const char *s;

		if (!t->obj[i])
			continue;
		names_canonical(names, t->obj[i], &text);
		s = buf_str(&text);
		if (!strncmp(s, "/@", 2))
			buf_printf(out, ":%.*s", (int)strcspn(s + 2, "/"), s + 2);
		else if (!strncmp(s, "/proc", 5) || !strncmp(s, "/sys", 4) ||
			 !strncmp(s, "/dev", 4))
			buf_printf(out, ":%.*s",
				coarse ? 1 + (int)strcspn(s + 1, "/") : (int)text.len, s);
		buf_fini(&text);
	}
}

/* The struct that a call writes, where it writes one: what is said of it holds for every call that
 * writes it (fstat, newfstatat, ...). */
static const struct abi_struct *written_struct(const struct trace_event *ev)
{
	const struct abi_call *c = ev->kind == TK_CALL ? abi_call(ev->nr) : NULL;

	for (unsigned int i = 0; c && i < abi_nargs(c, ev->arg); i++) {
		const struct abi_arg *a = abi_resolve(c, i, ev->arg);

		if (a->kind == AK_STRUCT && a->dir == ABI_OUT)
			return abi_struct(a->type);
	}
	return NULL;
}

/* The kind of file that a stat call told of: what an emulator says of folders is not what it says
 * of files. */
static void file_kind(struct buf *out, const struct trace_event *ev)
{
	const struct abi_call *c = ev->kind == TK_CALL ? abi_call(ev->nr) : NULL;
	struct trace_cap_iter it = trace_caps(ev);
	struct trace_cap cap;

	while (c && trace_cap_next(&it, &cap)) {
		const struct abi_struct *s;

		if (!(cap.flags & TC_OUT) || cap.slot >= c->nargs)
			continue;
		s = abi_struct(abi_resolve(c, cap.slot, ev->arg)->type);
		for (unsigned int i = 0; s && i < s->nfields; i++) {
			const struct abi_field *f = &s->fields[i];
			uint32_t mode = 0;

			if (f->kind != AK_MODE || f->off + f->size > cap.size ||
				f->size > sizeof(mode))
				continue;
			memcpy(&mode, cap.data + f->off, f->size);
			buf_printf(out, " %o", mode & S_IFMT);
			return;
		}
	}
}

/* Flags and enums as the call was made with them: ioctl's request is what it is about. */
static void flag_words(struct buf *out, const struct detail *d, bool with_flags)
{
	const struct abi_call *c = abi_call(d->ev.nr);
	unsigned int nargs = c && d->ev.kind <= TK_CALL_OPEN ? abi_nargs(c, d->ev.arg) : 0;

	for (unsigned int i = 0; i < nargs; i++) {
		const struct abi_arg *a = abi_resolve(c, i, d->ev.arg);

		/* an error can be about one flag: getrandom(GRND_INSECURE) */
		if (a->kind == AK_ENUM || a->kind == AK_HEX ||
			(a->kind == AK_FLAGS && d->ev.arg[i] && with_flags))
			buf_printf(
				out, ",%llx", (unsigned long long)tok_flags_read(a, d->ev.arg[i]));
	}
}

/* The system file that a call is about, or false: that it is not there is so for every call. */
static bool about_system_file(const struct names *names, const struct tok *t)
{
	struct buf text = {0};
	bool is;

	names_canonical(names, t->obj[0], &text);
	is = !strncmp(buf_str(&text), "/proc/", 6) || !strncmp(buf_str(&text), "/sys/", 5) ||
	     !strncmp(buf_str(&text), "/dev/", 5);
	buf_fini(&text);
	return is;
}

static void name_it(struct candidate *x, const struct candidates *c, const struct differ *d)
{
	const struct detail *n = candidate_native(c, d, x), *t = candidate_target(c, d, x);
	const struct tok *nt = native_tok(d, x->diff), *tt = target_tok(d, x->target, x->diff);
	const struct tok *tok = x->diff->what == DIFF_MISSING ? nt : tt ? tt : nt;
	const struct detail *detail = tok == nt ? n : t;
	const struct abi_struct *written;
	bool no_file;
	struct buf key = {0}, fields = {0};

	x->kind = strdup(kind_name(x->diff, tok, t));
	if (n && t && x->diff->what == DIFF_VALUE && !(x->diff->parts & TOK_ERR)) {
		tok_fields(&n->ev, &t->ev, &fields);
		if (x->diff->parts & TOK_RET)
			buf_add_str(&fields, fields.len ? ",return value" : "return value");
	}
	written = fields.len ? written_struct(&n->ev) : NULL;
	no_file = n && t && x->diff->what == DIFF_VALUE &&
		  (t->ev.ret == -ENOENT || n->ev.ret == -ENOENT) &&
		  about_system_file(d->names, tok);
	buf_printf(&key, "%s:%s", x->kind,
		no_file	  ? "path"
		: written ? written->name
		: tok	  ? call_name(tok)
			  : "?");
	if (detail && !written && !no_file)
		flag_words(&key, detail, x->diff->what == DIFF_VALUE && x->diff->parts & TOK_ERR);
	if (x->diff->what == DIFF_VALUE && n && t)
		buf_printf(&key, ":%s>%s", outcome_name(&n->ev), outcome_name(&t->ev));
	if (tok)
		system_object(&key, d->names, tok, written != NULL);
	if (n && fields.len)
		file_kind(&key, &n->ev);
	x->fields = strdup(buf_str(&fields));
	x->habit_key = strdup(buf_str(&key));
	buf_add(&key, fields.data, fields.len);
	x->fingerprint = XXH3_64bits(key.data, key.len);
	if (tok && x->diff->what == DIFF_VALUE && x->diff->parts & TOK_ERR)
		x->fingerprint ^= names_hash(d->names, tok->obj[0]);
	buf_fini(&key);
	buf_fini(&fields);
}

/* ---- joining ---- */

static uint64_t identity(const struct candidate *x, const struct differ *d)
{
	const struct seg *seg = &d->targets[x->target].seg[x->diff->target_seg];
	uint64_t word[3] = {x->fingerprint, seg->key, x->diff->group ? 0 : seg->ord};

	return XXH3_64bits(word, sizeof(word));
}

static void candidate_fini(struct candidate *x)
{
	free(x->kind);
	free(x->habit_key);
	free(x->fields);
}

static struct candidate *find_id(
	struct candidates *c, const uint32_t *slot, size_t slots, uint64_t id, size_t *at)
{
	for (*at = id & (slots - 1); slot[*at]; *at = (*at + 1) & (slots - 1))
		if (c->candidate[slot[*at] - 1].id == id)
			return &c->candidate[slot[*at] - 1];
	return NULL;
}

static int candidate_push(struct candidates *c, const struct candidate *x)
{
	if (c->len == c->size) {
		size_t size = c->size ? c->size * 2 : 64;
		struct candidate *p = realloc(c->candidate, size * sizeof(*p));

		if (!p)
			return -ENOMEM;
		c->candidate = p;
		c->size = size;
	}
	c->candidate[c->len++] = *x;
	return 0;
}

/* One more place of a candidate; a place that was found both as a sequence and as a set is one. */
static void count_more(struct candidate *have, const struct diff *f, unsigned int target)
{
	if (have->target != target)
		return;
	if (have->last->target_seg == f->target_seg && have->last->target_tok == f->target_tok)
		return;
	have->count += f->count;
	have->last = f;
}

static int join_all(struct candidates *c, struct differ *d)
{
	size_t total = 1, slots = 64, at;
	uint32_t *slot;
	int rc = 0;

	for (unsigned int i = 0; i < d->ntargets; i++)
		total += d->ndiffs[i];
	while (slots < total * 2)
		slots *= 2;
	slot = calloc(slots, sizeof(*slot));
	if (!slot)
		return -ENOMEM;
	for (unsigned int i = 0; i < d->ntargets && !rc; i++) {
		for (size_t k = 0; k < d->ndiffs[i] && !rc; k++) {
			struct candidate x = {.diff = &d->diffs[i][k],
						 .target = i,
						 .runs = 1u << i,
						 .count = 1},
					 *have;

			name_it(&x, c, d);
			x.id = identity(&x, d);
			have = find_id(c, slot, slots, x.id, &at);
			if (have) {
				have->runs |= x.runs;
				count_more(have, &d->diffs[i][k], i);
				candidate_fini(&x);
				continue;
			}
			x.count = x.diff->count;
			x.last = x.diff;
			rc = candidate_push(c, &x);
			slot[at] = c->len;
		}
	}
	free(slot);
	return rc;
}

int candidates_make(struct candidates *c, struct differ *d, struct err *e)
{
	int rc;

	*c = (struct candidates){.ntargets = d->ntargets};
	c->native = calloc(1, sizeof(*c->native));
	c->targets = calloc(d->ntargets, sizeof(*c->targets));
	if (!c->native || !c->targets)
		return err_set(e, ENOMEM, "compare: out of memory");
	rc = read_details(c, d, e);
	return rc ? rc : join_all(c, d);
}

void candidates_fini(struct candidates *c)
{
	for (size_t i = 0; i < c->len; i++)
		candidate_fini(&c->candidate[i]);
	free(c->candidate);
	if (c->native)
		details_fini(c->native);
	for (unsigned int i = 0; c->targets && i < c->ntargets; i++)
		details_fini(&c->targets[i]);
	free(c->native);
	free(c->targets);
	*c = (struct candidates){0};
}
