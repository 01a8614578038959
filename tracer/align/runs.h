/*
 * Aligning two sequences of tokens: which stretches are the same in both. Forward Myers that
 * commits as soon as a diagonal holds RUNS_COMMIT equal tokens in a row, so cost and memory follow
 * the size of one difference, not that of the sequences. Pure; no locks. Measured choice: 16
 * resynchronises wrongly on traces, 32 does not.
 */
#ifndef LOCKSTEP_TRACER_ALIGN_RUNS_H
#define LOCKSTEP_TRACER_ALIGN_RUNS_H

#include <stddef.h>
#include <stdint.h>

#define RUNS_COMMIT 32

/* a[a_pos .. a_pos+len) equals b[b_pos .. b_pos+len) */
struct run {
	uint32_t a_pos, b_pos, len;
};

/* Matched runs, ascending in both positions, never adjacent on one diagonal. Owned by the caller:
 * runs_fini. */
struct runs {
	struct run *run;
	size_t len, size;
};

/* Appends the alignment of a[0..na) and b[0..nb) to *out. 0 or -ENOMEM. Sequences of at most 2^31
 * tokens. */
int runs_align(struct runs *out, const uint64_t *a, size_t na, const uint64_t *b, size_t nb);

/* Appends one run, joining it to the last when they touch. 0 or -ENOMEM. */
int runs_add(struct runs *out, uint32_t a_pos, uint32_t b_pos, uint32_t len);

void runs_fini(struct runs *r);

#endif
