/*
 * See differ.h. Two passes over each kind of segment: the first marks what native runs do
 * differently (noise), the second lists what the target does that is not within it.
 */
#include "tracer/align/differ.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- the book ---- */

static int book_side(struct book *b, const struct side *s, const struct names *names)
{
	int rc = 0;

	for (size_t i = 0; i < s->segs && !rc; i++)
		for (size_t k = 0; k < s->seg[i].len && !rc; k++)
			rc = book_add(b, s->seg[i].key, tok_shape(&s->seg[i].tok[k], names),
				&s->seg[i].tok[k], s->run);
	return rc;
}

/* ---- noise of one sequence ---- */

/* Marks in noise[0..first->len) what native `other` does otherwise than native `first`. */
static int noise_from(
	uint8_t *noise, const struct seg *first, const struct seg *other, const struct names *names)
{
	struct pairs p = {0};
	int rc = segs_align(&p, first, other, names);

	for (size_t i = 0; i < p.len && !rc; i++) {
		const struct pair *q = &p.pair[i];

		if (q->a < 0)
			continue;
		if (q->b < 0)
			noise[q->a] |= TOK_GONE;
		else if (q->loose)
			noise[q->a] |= TOK_ALL;
		else
			noise[q->a] |= tok_differs(&first->tok[q->a], &other->tok[q->b]);
	}
	pairs_fini(&p);
	return rc;
}

/* The noise of a segment of natives[0]; kept in d. NULL when memory ran out. */
static const uint8_t *noise_of(struct differ *d, const struct seg *first)
{
	uint8_t **slot = &d->noise[first - d->natives[0].seg], *noise = *slot;
	int rc = 0;

	if (noise)
		return noise;
	noise = calloc(first->len + 1, 1);
	rc = noise ? 0 : -ENOMEM;

	for (unsigned int i = 1; i < d->nnatives && !rc; i++) {
		const struct seg *other = side_find(&d->natives[i], first->key, first->ord);

		if (other)
			rc = noise_from(noise, first, other, d->names);
		else
			memset(noise, TOK_ALL, first->len);
	}
	if (rc) {
		free(noise);
		return NULL;
	}
	return *slot = noise;
}

/* ---- collecting ---- */

static int diff_add(struct differ *d, unsigned int target, struct diff diff)
{
	struct diff *list = d->diffs[target];
	size_t n = d->ndiffs[target];

	if (n >= DIFF_MAX)
		return 0;
	if ((n & (n - 1)) == 0) {
		list = realloc(list, (n ? n * 2 : 1) * sizeof(*list));
		if (!list)
			return -ENOMEM;
		d->diffs[target] = list;
	}
	list[d->ndiffs[target]++] = diff;
	return 0;
}

/* A walk through one target segment beside its native counterpart. */
struct walk {
	struct differ *d;
	unsigned int target;
	struct book *theirs; /* of this target run */
	int native_seg, target_seg;
	const struct seg *a, *b;
	const uint8_t *noise;
	bool group;
	int32_t common;
	struct diff extra, missing; /* spans under way; count 0: none */
};

static int span_close(struct walk *w, struct diff *span)
{
	int rc = span->count ? diff_add(w->d, w->target, *span) : 0;

	span->count = 0;
	return rc;
}

static void span_open(
	struct walk *w, struct diff *span, enum diff_what what, int32_t native, int32_t target)
{
	if (!span->count)
		*span = (struct diff){.what = what,
			.group = w->group,
			.native_seg = w->native_seg,
			.target_seg = w->target_seg,
			.native_tok = native,
			.target_tok = target,
			.common_tok = w->common};
	span->count++;
}

static int on_matched(struct walk *w, const struct pair *q)
{
	const struct tok *a = &w->a->tok[q->a], *b = &w->b->tok[q->b];
	unsigned int parts = tok_differs(a, b), news = parts & ~(unsigned int)w->noise[q->a];
	const struct book_entry *entry =
		book_find(&w->d->book, w->a->key, tok_shape(b, w->d->names));
	bool known = entry && !(book_news(entry, b) & news);
	struct diff diff = {.what = DIFF_VALUE,
		.group = w->group,
		.known = known,
		.native_seg = w->native_seg,
		.target_seg = w->target_seg,
		.native_tok = q->a,
		.target_tok = q->b,
		.count = 1,
		.common_tok = w->common};

	if (!parts)
		w->common = q->b;
	/* what is passed in differs: a consequence, never a cause; nor is a number that follows
	 * from it */
	if (!(news & TOK_ERR) && (news & TOK_ARGS || parts & TOK_NUMS))
		return 0;
	diff.parts = news & (TOK_ERR | TOK_RET | TOK_OUT);
	if (!diff.parts || (w->group && known))
		return 0;
	return diff_add(w->d, w->target, diff);
}

static int on_pair(struct walk *w, const struct pair *q)
{
	const struct names *names = w->d->names;
	int rc = 0;

	if (q->a >= 0 && q->b >= 0 && !q->loose) {
		rc = span_close(w, &w->extra);
		rc = rc ? rc : span_close(w, &w->missing);
		return rc ? rc : on_matched(w, q);
	}
	if (q->b >= 0 && !book_find(&w->d->book, w->b->key, tok_shape(&w->b->tok[q->b], names)))
		span_open(w, &w->extra, DIFF_EXTRA, q->a, q->b);
	if (q->a >= 0 && !(w->noise[q->a] & TOK_GONE) &&
		!book_find(w->theirs, w->a->key, tok_shape(&w->a->tok[q->a], names)))
		span_open(w, &w->missing, DIFF_MISSING, q->a, q->b);
	return 0;
}

static int sequence_diff(
	struct differ *d, unsigned int target, struct book *theirs, int ni, int ti, bool group)
{
	const struct seg *a = &d->natives[0].seg[ni], *b = &d->targets[target].seg[ti];
	const uint8_t *noise = noise_of(d, a);
	struct walk w = {d, target, theirs, ni, ti, a, b, noise, group, -1, {0}, {0}};
	struct pairs p = {0};
	int rc = noise ? segs_align(&p, a, b, d->names) : -ENOMEM;

	for (size_t i = 0; i < p.len && !rc; i++)
		rc = on_pair(&w, &p.pair[i]);
	if (!rc)
		rc = span_close(&w, &w.extra);
	if (!rc)
		rc = span_close(&w, &w.missing);
	pairs_fini(&p);
	return rc;
}

/* ---- sets ---- */

/* Some token of that shape among natives[0]'s segments with that key. */
static bool native_place(
	const struct differ *d, uint64_t key, uint64_t shape, int *seg, int32_t *tok)
{
	const struct side *s = &d->natives[0];

	for (size_t i = 0; i < s->segs; i++)
		for (size_t k = 0; s->seg[i].key == key && k < s->seg[i].len; k++)
			if (tok_shape(&s->seg[i].tok[k], d->names) == shape) {
				*seg = (int)i;
				*tok = (int32_t)k;
				return true;
			}
	return false;
}

/* A value counts as stable in a group when each part has one value only: then another is news. */
static unsigned int set_news(const struct book_entry *e, const struct tok *t)
{
	unsigned int news = book_news(e, t);

	if (e->nret != 1)
		news &= ~(unsigned int)TOK_RET;
	if (e->nout != 1)
		news &= ~(unsigned int)TOK_OUT;
	if (news & (TOK_ARGS | TOK_NUMS) && !(news & TOK_ERR))
		return 0;
	return news & (TOK_ERR | TOK_RET | TOK_OUT);
}

/* For each token of b the token of its counterpart a that it was aligned with, or -1. The caller
 * frees it. */
static int32_t *places_in(const struct seg *a, const struct seg *b, const struct names *names)
{
	int32_t *place = malloc((b->len + 1) * sizeof(*place));
	struct pairs p = {0};

	if (!place)
		return NULL;
	for (size_t i = 0; i < b->len; i++)
		place[i] = -1;
	if (a && segs_align(&p, a, b, names)) {
		free(place);
		place = NULL;
	}
	for (size_t i = 0; place && i < p.len; i++)
		if (p.pair[i].a >= 0 && p.pair[i].b >= 0 && !p.pair[i].loose)
			place[p.pair[i].b] = p.pair[i].a;
	pairs_fini(&p);
	return place;
}

/* The native place of a difference found as a set: the counterpart's, where it has one, else any
 * with that shape. */
static bool set_place(const struct differ *d, const struct seg *a, int32_t aligned, uint64_t key,
	uint64_t shape, struct diff *diff)
{
	if (a && aligned >= 0) {
		diff->native_seg = (int)(a - d->natives[0].seg);
		diff->native_tok = aligned;
		return true;
	}
	return native_place(d, key, shape, &diff->native_seg, &diff->native_tok);
}

/* `values_only`: calls that natives never make were listed already. */
static int set_diff(struct differ *d, unsigned int target, int ti, bool values_only)
{
	const struct seg *b = &d->targets[target].seg[ti],
			 *a = side_find(&d->natives[0], b->key, b->ord);
	struct diff blank = {.group = true,
		.native_seg = NO_SEG,
		.target_seg = ti,
		.native_tok = -1,
		.common_tok = -1};
	struct diff extra = blank;
	int32_t *place = places_in(a, b, d->names);
	int rc = place ? 0 : -ENOMEM;

	extra.what = DIFF_EXTRA;
	for (size_t k = 0; k < b->len && !rc; k++) {
		uint64_t shape = tok_shape(&b->tok[k], d->names);
		const struct book_entry *e = book_find(&d->book, b->key, shape);
		struct diff diff = blank;

		if (!e) {
			if (!extra.count++)
				extra.target_tok = (int32_t)k;
			continue;
		}
		diff.what = DIFF_VALUE;
		diff.target_tok = (int32_t)k;
		diff.count = 1;
		diff.common_tok = k ? (int32_t)k - 1 : -1;
		diff.parts = set_news(e, &b->tok[k]);
		if (diff.parts && set_place(d, a, place[k], b->key, shape, &diff))
			rc = diff_add(d, target, diff);
	}
	free(place);
	return rc || !extra.count || values_only ? rc : diff_add(d, target, extra);
}

/* ---- one target run ---- */

/* Whether every run has as many segments of that key, so that the k-th of one is the k-th of the
 * other. */
static bool counts_agree(const struct differ *d, unsigned int target, uint64_t key)
{
	uint32_t n = side_count(&d->targets[target], key);

	for (unsigned int i = 0; i < d->nnatives; i++)
		if (side_count(&d->natives[i], key) != n)
			return false;
	return true;
}

static int place_cmp(const void *va, const void *vb, void *vs)
{
	const struct diff *a = va, *b = vb;
	const struct side *s = vs;
	const struct seg *x = &s->seg[a->target_seg], *y = &s->seg[b->target_seg];
	uint32_t i = a->target_tok >= 0 ? x->tok[a->target_tok].seq : x->end_seq;
	uint32_t j = b->target_tok >= 0 ? y->tok[b->target_tok].seq : y->end_seq;

	return (i > j) - (i < j);
}

static int target_diff(struct differ *d, unsigned int target)
{
	struct side *s = &d->targets[target];
	struct book theirs = {0};
	int rc = book_side(&theirs, s, d->names);

	for (size_t i = 0; i < s->segs && !rc; i++) {
		const struct seg *b = &s->seg[i], *a = side_find(&d->natives[0], b->key, b->ord);

		bool sequence = a && counts_agree(d, target, b->key),
		     group = side_count(s, b->key) > 1;

		if (sequence)
			rc = sequence_diff(
				d, target, &theirs, (int)(a - d->natives[0].seg), (int)i, group);
		if (!rc && (group || !sequence) && side_count(&d->natives[0], b->key))
			rc = set_diff(d, target, (int)i, sequence);
	}
	book_fini(&theirs);
	if (d->ndiffs[target])
		qsort_r(d->diffs[target], d->ndiffs[target], sizeof(struct diff), place_cmp, s);
	return rc;
}

/* ---- all of it ---- */

static int load_all(struct differ *d, const char **natives, const char **targets, struct err *e)
{
	uint32_t mask = 0;
	int rc = 0;

	for (unsigned int i = 0; i < d->nnatives && !rc; i++) {
		rc = side_load(&d->natives[i], natives[i], i, d->names, e);
		mask |= 1u << i;
	}
	for (unsigned int i = 0; i < d->ntargets && !rc; i++)
		rc = side_load(&d->targets[i], targets[i], d->nnatives + i, d->names, e);
	if (!rc)
		rc = names_settle(d->names, mask);
	for (unsigned int i = 0; i < d->nnatives && !rc; i++)
		rc = side_key(&d->natives[i], d->names);
	for (unsigned int i = 0; i < d->ntargets && !rc; i++)
		rc = side_key(&d->targets[i], d->names);
	for (unsigned int i = 0; i < d->nnatives && !rc; i++)
		rc = book_side(&d->book, &d->natives[i], d->names);
	return rc;
}

int differ_run(struct differ *d, const char **natives, unsigned int nnatives, const char **targets,
	unsigned int ntargets, struct err *e)
{
	int rc = 0;

	*d = (struct differ){.nnatives = nnatives, .ntargets = ntargets};
	if (!nnatives || !ntargets || nnatives + ntargets > NAMES_RUN_MAX)
		return err_set(e, EINVAL,
			"compare: at least one native and one target trace, at most %d in all",
			NAMES_RUN_MAX);
	d->names = names_new();
	d->natives = calloc(nnatives, sizeof(*d->natives));
	d->targets = calloc(ntargets, sizeof(*d->targets));
	d->diffs = calloc(ntargets, sizeof(*d->diffs));
	d->ndiffs = calloc(ntargets, sizeof(*d->ndiffs));
	if (!d->names || !d->natives || !d->targets || !d->diffs || !d->ndiffs)
		return err_set(e, ENOMEM, "compare: out of memory");
	err_set(e, 0, "compare: out of memory");
	rc = load_all(d, natives, targets, e);
	d->noise = rc ? NULL : calloc(d->natives[0].segs + 1, sizeof(*d->noise));
	if (!rc && !d->noise)
		rc = -ENOMEM;
	for (unsigned int i = 0; i < ntargets && !rc; i++)
		rc = target_diff(d, i);
	return rc;
}

void differ_fini(struct differ *d)
{
	for (size_t i = 0; d->noise && i < d->natives[0].segs; i++)
		free(d->noise[i]);
	free(d->noise);
	for (unsigned int i = 0; d->natives && i < d->nnatives; i++)
		side_fini(&d->natives[i]);
	for (unsigned int i = 0; d->targets && i < d->ntargets; i++) {
		side_fini(&d->targets[i]);
		free(d->diffs ? d->diffs[i] : NULL);
	}
	free(d->natives);
	free(d->targets);
	free(d->diffs);
	free(d->ndiffs);
	names_free(d->names);
	book_fini(&d->book);
	*d = (struct differ){0};
}
