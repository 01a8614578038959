/* See emit.h. */
#include "tracer/align/emit.h"

#include <errno.h>
#include <string.h>

#include "abi/abi.h"
#include "common/cleanup.h"
#include "tracer/align/emit_page.h"
#include "tracer/align/emit_process.h"
#include "tracer/align/finding.h"
#include "tracer/align/spec.h"

struct emit {
	struct json *j;
	struct differ *d;
	struct candidates *c;
};

static void emit_segment(struct emit *e, const char *key, const struct side *s, int seg)
{
	json_begin(e->j, key);
	emit_key(e->j, "key", s->seg[seg].key);
	json_uint(e->j, "ord", s->seg[seg].ord);
	emit_name(e->j, "image", e->d->names, s->seg[seg].image);
	json_str(e->j, "argv", s->seg[seg].argv);
	json_uint(e->j, "tid", s->seg[seg].tid);
	json_bool(e->j, "is_thread", s->seg[seg].thread);
	json_uint(e->j, "siblings", side_count(s, s->seg[seg].key));
	json_end(e->j);
}

static void emit_value(struct json *j, const char *key, const struct detail *d)
{
	const struct trace_event *ev = d ? &d->ev : NULL;
	const char *result;

	if (!d) {
		json_null(j, key);
		return;
	}
	json_begin(j, key);
	if (ev->kind == TK_CALL && ev->ret < 0 && ev->ret >= -4095) {
		json_int(j, "ret", -1);
		json_str(j, "errno", abi_errno_name((int)-ev->ret));
	} else if (ev->kind == TK_CALL) {
		json_int(j, "ret", ev->ret);
		json_null(j, "errno");
	} else {
		json_null(j, "ret");
		json_null(j, "errno");
	}
	result = strstr(d->text, " = ");
	json_str(j, "short", result ? result + 3 : NULL);
	json_str(j, "text", d->text);
	json_uint(j, "seq", d->seq);
	json_uint(j, "time_ns", ev->enter_ns);
	json_end(j);
}

static void emit_site(struct json *j, const struct detail *d)
{
	if (!d || !d->site_file)
		return;
	json_begin(j, "site");
	json_str(j, "file", d->site_file);
	json_hex(j, "offset", d->site_off);
	json_null(j, "symbol");
	json_end(j);
}

/* What stands between the call's brackets. */
static void emit_args(struct json *j, const struct detail *d)
{
	const char *open = strchr(d->text, '('), *close = NULL;

	for (const char *p = open; p && (p = strstr(p, ") = ")); p++)
		close = p;
	if (open && close)
		json_strn(j, "args", open + 1, close - open - 1);
	else
		json_str(j, "text", d->text);
}

/* The specs that put `value`'s result in the place of token `tok`. */
static void emit_spec(struct emit *e, const char *key, const struct side *s, int seg, int tok,
	const struct detail *place, const struct detail *value, bool all)
{
	CLEANUP(buf) struct buf spec = {0};

	if (!place || !value || place->ev.kind > TK_CALL_OPEN || place->ev.flags & TF_I386)
		return;
	spec_place(&spec, s, e->d->names, seg, tok, place, all);
	if (!spec_value(&spec, value, place))
		return;
	json_array(e->j, key);
	json_strn(e->j, NULL, spec.data, spec.len);
	json_array_end(e->j);
}

static void emit_specs(
	struct emit *e, const struct candidate *x, const struct detail *n, const struct detail *t)
{
	const struct diff *f = x->diff;
	const struct side *targets = &e->d->targets[x->target];
	bool all;

	if (f->what != DIFF_VALUE || !n || !t)
		return;
	/* a value belongs to one call; only an error can be the answer to all of them */
	all = f->parts & TOK_ERR && x->count > 1 &&
	      spec_uniform(targets, e->d->names, f->target_seg, f->target_tok);
	emit_spec(e, "inject_native", &e->d->natives[0], f->native_seg, f->native_tok, n, t, all);
	all = f->parts & TOK_ERR && x->count > 1 &&
	      spec_uniform(&e->d->natives[0], e->d->names, f->native_seg, f->native_tok);
	emit_spec(e, "inject_target", targets, f->target_seg, f->target_tok, t, n, all);
}

static void emit_fields(struct json *j, const char *fields)
{
	if (!*fields)
		return;
	json_array(j, "fields");
	while (*fields) {
		size_t n = strcspn(fields, ",");

		json_strn(j, NULL, fields, n);
		fields += n + (fields[n] == ',');
	}
	json_array_end(j);
}

static void emit_common(struct emit *e, const struct candidate *x)
{
	const struct seg *seg = &e->d->targets[x->target].seg[x->diff->target_seg];
	const struct detail *d = NULL;

	if (x->diff->common_tok >= 0)
		d = details_get(&e->c->targets[x->target], seg->tok[x->diff->common_tok].seq);
	if (!d)
		return;
	json_begin(e->j, "last_common");
	json_str(e->j, "text", d->text);
	json_uint(e->j, "target_seq", d->seq);
	json_end(e->j);
}

static const char *call_of(const struct detail *d)
{
	const struct abi_call *c;

	if (d->ev.kind == TK_EXEC)
		return "exec";
	if (d->ev.kind == TK_SIGNAL)
		return abi_signal_name(d->ev.nr);
	c = abi_call(d->ev.nr);
	return c ? c->name : NULL;
}

static void emit_candidate(struct emit *e, const struct candidate *x)
{
	const struct detail *n = candidate_native(e->c, e->d, x),
			    *t = candidate_target(e->c, e->d, x);
	const struct detail *shown = x->diff->what == DIFF_MISSING ? n : t ? t : n;
	struct json *j = e->j;

	if (!shown)
		return;
	json_line_begin(j, "lockstep.difference/1");
	json_str(j, "kind", x->kind);
	emit_segment(e, "process", &e->d->targets[x->target], x->diff->target_seg);
	json_str(j, "call", call_of(shown));
	emit_args(j, shown);
	emit_value(j, "native", x->diff->what == DIFF_EXTRA ? NULL : n);
	emit_value(j, "target", x->diff->what == DIFF_MISSING ? NULL : t);
	emit_fields(j, x->fields);
	emit_site(j, shown);
	emit_common(e, x);
	json_array(j, "reproduced");
	json_int(j, NULL, __builtin_popcount(x->runs));
	json_uint(j, NULL, e->d->ntargets);
	json_array_end(j);
	json_uint(j, "count", x->count);
	json_bool(j, "group", x->diff->group);
	json_bool(j, "known", x->diff->known);
	json_str(j, "habit_key", x->habit_key);
	json_strf(j, "fingerprint", "%012llx",
		(unsigned long long)(x->fingerprint & 0xffffffffffffull));
	json_str(j, "target_run", e->d->targets[x->target].name);
	json_uint(j, "target_seq",
		t ? t->seq : e->d->targets[x->target].seg[x->diff->target_seg].end_seq);
	if (n)
		json_uint(j, "native_seq", n->seq);
	emit_specs(e, x, n, t);
	json_line_end(j);
}

int emit_all(struct differ *d, int fd, struct err *err)
{
	struct candidates c;
	CLEANUP(buf) struct buf out = {0};
	struct json j = {.out = &out};
	struct emit e = {&j, d, &c};
	int rc = candidates_make(&c, d, err), n = 0;

	if (rc)
		goto out_free;
	emit_processes(&j, &d->natives[0], d->names, c.native);
	emit_vma(&j, &d->natives[0]);
	for (unsigned int i = 1; i < d->nnatives; i++) {
		struct details none = {0};

		emit_processes(&j, &d->natives[i], d->names, &none);
		emit_vma(&j, &d->natives[i]);
	}
	for (unsigned int i = 0; i < d->ntargets; i++) {
		emit_processes(&j, &d->targets[i], d->names, &c.targets[i]);
		emit_vma(&j, &d->targets[i]);
	}
	n = emit_pages(&j, d, &c);
	for (size_t i = 0; i < c.len; i++)
		emit_candidate(&e, &c.candidate[i]);
	rc = buf_write_fd(&out, fd);
	if (rc)
		err_set(err, -rc, "compare: writing the result: %s", strerror(-rc));
	n += (int)c.len;
out_free:
	candidates_fini(&c);
	return rc ? rc : n;
}
