/*
 * Where target runs part from all native runs. Segments that every run has as often are compared as
 * sequences, by position, under the noise that native runs show at that position; others (thread
 * pools, process pools) as sets, by the book of values.
 */
#ifndef LOCKSTEP_TRACER_ALIGN_DIFFER_H
#define LOCKSTEP_TRACER_ALIGN_DIFFER_H

#include "common/err.h"
#include "tracer/align/book.h"
#include "tracer/align/side.h"

#include <stdbool.h>

#define DIFF_MAX 20000 /* raw differences kept of one target run, in order */

enum diff_what {
	DIFF_VALUE,   /* the same call came back otherwise */
	DIFF_EXTRA,   /* calls that natives never make in such a segment */
	DIFF_MISSING, /* calls that every native makes here, and this run nowhere in the segment */
};

struct diff {
	uint8_t what;
	uint8_t parts; /* enum tok_part, of DIFF_VALUE */
	bool group; /* found as a set: the native place is one with that shape, not the counterpart
		     */
	bool known; /* the value is one that natives got elsewhere from the same call: timing, as
		       likely as not */
	int native_seg; /* in natives[0]; NO_SEG when there is none */
	int target_seg;
	int32_t native_tok, target_tok; /* index in the segment, or -1; of a span the first */
	uint32_t count;			/* calls in the span */
	int32_t common_tok; /* target token of the last pair before that was equal in everything, or
			       -1 */
};

struct differ {
	struct names *names;
	struct side *natives;
	unsigned int nnatives;
	struct side *targets;
	unsigned int ntargets;
	struct book book;
	uint8_t **
		noise; /* by segment of natives[0], made when first needed: enum tok_part a token */
	struct diff **diffs; /* by target run, ordered by place in the target */
	size_t *ndiffs;
};

/* Loads every trace, settles names and keys, finds the differences. 0 or negative errno with a
 * sentence. */
int differ_run(struct differ *d, const char **natives, unsigned int nnatives, const char **targets,
	unsigned int ntargets, struct err *e);
void differ_fini(struct differ *d);

/*
 * The alignment of two segments: matched pairs in order, calls of one side alone between them.
 * `loose` pairs are the same call with another object. Appends to *out. Used by differ_run and by
 * the side-by-side view.
 */
struct pair {
	int32_t a, b; /* token index, -1: only the other side */
	bool loose;
};
struct pairs {
	struct pair *pair;
	size_t len, size;
};
int segs_align(
	struct pairs *out, const struct seg *a, const struct seg *b, const struct names *names);
void pairs_fini(struct pairs *p);

#endif
