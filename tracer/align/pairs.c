/* Aligning two segments: by shape first, then, between what matched, by skeleton (the same call on
 * another object). See differ.h. */
#include "tracer/align/differ.h"
#include "tracer/align/runs.h"

#include <errno.h>
#include <stdlib.h>

void pairs_fini(struct pairs *p)
{
	free(p->pair);
	*p = (struct pairs){0};
}

static int pair_add(struct pairs *p, int32_t a, int32_t b, bool loose)
{
	if (p->len == p->size) {
		size_t size = p->size ? p->size + p->size / 2 : 256;
		struct pair *pair = realloc(p->pair, size * sizeof(*pair));

		if (!pair)
			return -ENOMEM;
		p->pair = pair;
		p->size = size;
	}
	p->pair[p->len++] = (struct pair){a, b, loose};
	return 0;
}

static int span_alone(struct pairs *p, int32_t a, int32_t a_end, int32_t b, int32_t b_end)
{
	int rc = 0;

	for (; a < a_end && !rc; a++)
		rc = pair_add(p, a, -1, false);
	for (; b < b_end && !rc; b++)
		rc = pair_add(p, -1, b, false);
	return rc;
}

static uint64_t *tokens(const struct seg *s, size_t from, size_t to, const struct names *names)
{
	uint64_t *t = malloc((to - from + 1) * sizeof(*t));

	for (size_t i = from; t && i < to; i++)
		t[i - from] = names ? tok_shape(&s->tok[i], names) : s->tok[i].skel;
	return t;
}

/* A gap between two exact matches: the same calls on other objects pair loosely, the rest stands
 * alone. */
static int gap_align(struct pairs *out, const struct seg *a, const struct seg *b, size_t x,
	size_t x_end, size_t y, size_t y_end)
{
	struct runs runs = {0};
	uint64_t *ta = NULL, *tb = NULL;
	int rc = 0;

	if (x < x_end && y < y_end) {
		ta = tokens(a, x, x_end, NULL);
		tb = tokens(b, y, y_end, NULL);
		rc = ta && tb ? runs_align(&runs, ta, x_end - x, tb, y_end - y) : -ENOMEM;
	}
	for (size_t i = 0, x0 = x, y0 = y; i < runs.len && !rc; i++) {
		const struct run *r = &runs.run[i];

		rc = span_alone(out, x, x0 + r->a_pos, y, y0 + r->b_pos);
		for (uint32_t k = 0; k < r->len && !rc; k++)
			rc = pair_add(out, x0 + r->a_pos + k, y0 + r->b_pos + k, true);
		x = x0 + r->a_pos + r->len;
		y = y0 + r->b_pos + r->len;
	}
	free(ta);
	free(tb);
	runs_fini(&runs);
	return rc ? rc : span_alone(out, x, x_end, y, y_end);
}

int segs_align(
	struct pairs *out, const struct seg *a, const struct seg *b, const struct names *names)
{
	struct runs runs = {0};
	uint64_t *ta = tokens(a, 0, a->len, names), *tb = tokens(b, 0, b->len, names);
	size_t x = 0, y = 0;
	int rc = ta && tb ? runs_align(&runs, ta, a->len, tb, b->len) : -ENOMEM;

	free(ta);
	free(tb);
	for (size_t i = 0; i < runs.len && !rc; i++) {
		const struct run *r = &runs.run[i];

		rc = gap_align(out, a, b, x, r->a_pos, y, r->b_pos);
		for (uint32_t k = 0; k < r->len && !rc; k++)
			rc = pair_add(out, r->a_pos + k, r->b_pos + k, false);
		x = r->a_pos + r->len;
		y = r->b_pos + r->len;
	}
	if (!rc)
		rc = gap_align(out, a, b, x, a->len, y, b->len);
	runs_fini(&runs);
	return rc;
}
