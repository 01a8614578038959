/* See summary.h. */
#include "tracer/decode/summary.h"
#include "common/json.h"
#include "tracer/decode/decode.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NR_KNOWN 1024u
#define TOTALS	 (2 * NR_KNOWN + 1)

/* ---- calls ---- */

static unsigned int index_of(const struct trace_event *ev)
{
	if (ev->nr >= NR_KNOWN)
		return 2 * NR_KNOWN;
	return ev->flags & TF_I386 ? NR_KNOWN + ev->nr : ev->nr;
}

int call_summary_add(struct call_summary *s, const struct trace_event *ev)
{
	struct call_total *t;
	char name[64];

	if (ev->kind != TK_CALL)
		return 0;
	if (!s->total)
		s->total = calloc(TOTALS, sizeof(*s->total));
	if (!s->total)
		return -ENOMEM;
	t = &s->total[index_of(ev)];
	if (!t->calls)
		snprintf(t->name, sizeof(t->name), "%.39s",
			index_of(ev) == 2 * NR_KNOWN ? "(no call has that number)"
						     : decode_call_name(ev, name, sizeof(name)));
	t->calls++;
	t->ns += ev->dur_ns;
	t->errors += ev->ret < 0 && ev->ret >= -4095;
	return 0;
}

static int compare(uint64_t a, uint64_t b)
{
	return (a < b) - (a > b);
}

static int by_order(const struct call_total *a, const struct call_total *b, enum call_order order)
{
	int c = 0;

	if (!a->calls || !b->calls)
		return compare(a->calls, b->calls);
	if (order == BY_TIME)
		c = compare(a->ns, b->ns);
	else if (order == BY_CALLS)
		c = compare(a->calls, b->calls);
	else if (order == BY_ERRORS)
		c = compare(a->errors, b->errors);
	return c ? c : strcmp(a->name, b->name);
}

static int by_order_r(const void *a, const void *b, void *order)
{
	return by_order(a, b, *(enum call_order *)order);
}

void call_summary_sort(struct call_summary *s, enum call_order order)
{
	if (!s->total)
		return;
	qsort_r(s->total, TOTALS, sizeof(*s->total), by_order_r, &order);
	for (s->used = 0; s->used < TOTALS && s->total[s->used].calls;)
		s->used++;
}

static struct call_total sum(const struct call_summary *s)
{
	struct call_total all = {.name = "total"};
	uint32_t i;

	for (i = 0; i < s->used; i++) {
		all.calls += s->total[i].calls;
		all.errors += s->total[i].errors;
		all.ns += s->total[i].ns;
	}
	return all;
}

static void put_row(const struct call_total *t, uint64_t all_ns, struct buf *out)
{
	char errors[24] = "";

	if (t->errors)
		snprintf(errors, sizeof(errors), "%" PRIu64, t->errors);
	buf_printf(out, "%6.2f %11.6f %11" PRIu64 " %9" PRIu64 " %9s %s\n",
		all_ns ? 100.0 * (double)t->ns / (double)all_ns : 0.0, (double)t->ns / 1e9,
		t->calls ? t->ns / t->calls / 1000 : 0, t->calls, errors, t->name);
}

void call_summary_text(const struct call_summary *s, struct buf *out)
{
	static const char rule[] =
		"------ ----------- ----------- --------- --------- ----------------\n";
	struct call_total all = sum(s);
	uint32_t i;

	buf_add_str(out, "% time     seconds  usecs/call     calls    errors syscall\n");
	buf_add_str(out, rule);
	for (i = 0; i < s->used; i++)
		put_row(&s->total[i], all.ns, out);
	buf_add_str(out, rule);
	put_row(&all, all.ns, out);
}

void call_summary_json(const struct call_summary *s, struct buf *out)
{
	struct json j = {.out = out};
	uint32_t i;

	for (i = 0; i < s->used; i++) {
		json_line_begin(&j, "lockstep.call-summary/1");
		json_str(&j, "name", s->total[i].name);
		json_uint(&j, "calls", s->total[i].calls);
		json_uint(&j, "errors", s->total[i].errors);
		json_uint(&j, "ns", s->total[i].ns);
		json_line_end(&j);
	}
}

void call_summary_fini(struct call_summary *s)
{
	free(s->total);
	*s = (struct call_summary){0};
}

/* ---- VMAs ---- */

/* The curve of a task's image: another image is another address space. */
static struct vma_curve *curve_of(
	struct vma_summary *s, const struct trace_event *ev, struct model *m)
{
	const struct model_task *t = model_task(m, ev->tid);
	const char *image = t ? t->image : "";
	uint32_t i, ord = t ? t->ord : UINT32_MAX;
	struct vma_curve *p;

	for (i = s->n; i--;)
		if (s->curve[i].ord == ord && s->curve[i].image == image)
			return &s->curve[i];
	if (s->n == s->size) {
		uint32_t size = s->size ? s->size * 2 : 16;

		p = realloc(s->curve, size * sizeof(*p));
		if (!p)
			return NULL;
		s->curve = p;
		s->size = size;
	}
	p = &s->curve[s->n++];
	*p = (struct vma_curve){.ord = ord, .tid = ev->tid, .image = image, .first = ev->arg[0]};
	return p;
}

int vma_summary_add(struct vma_summary *s, const struct trace_event *ev, struct model *m)
{
	struct vma_curve *c;

	if (ev->kind != TK_VMA)
		return 0;
	c = curve_of(s, ev, m);
	if (!c)
		return -ENOMEM;
	c->samples++;
	c->last = ev->arg[0];
	if (ev->arg[0] > c->peak) {
		c->peak = ev->arg[0];
		c->peak_ns = ev->enter_ns;
	}
	return 0;
}

void vma_summary_text(const struct vma_summary *s, struct buf *out)
{
	uint32_t i;

	buf_add_str(out, "    pid  samples    first     peak   at (s)     last image\n");
	for (i = 0; i < s->n; i++) {
		const struct vma_curve *c = &s->curve[i];

		buf_printf(out,
			"%7u %8" PRIu64 " %8" PRIu64 " %8" PRIu64 " %8.3f %8" PRIu64 " %s\n",
			c->tid, c->samples, c->first, c->peak, (double)c->peak_ns / 1e9, c->last,
			c->image);
	}
}

void vma_summary_json(const struct vma_summary *s, struct buf *out)
{
	struct json j = {.out = out};
	uint32_t i;

	for (i = 0; i < s->n; i++) {
		const struct vma_curve *c = &s->curve[i];

		json_line_begin(&j, "lockstep.vma-summary/1");
		json_uint(&j, "tid", c->tid);
		json_str(&j, "image", c->image);
		json_uint(&j, "samples", c->samples);
		json_uint(&j, "first", c->first);
		json_uint(&j, "peak", c->peak);
		json_uint(&j, "peak_ns", c->peak_ns);
		json_uint(&j, "last", c->last);
		json_line_end(&j);
	}
}

void vma_summary_fini(struct vma_summary *s)
{
	free(s->curve);
	*s = (struct vma_summary){0};
}
