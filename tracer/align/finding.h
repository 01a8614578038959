/*
 * Raw differences of all target runs, joined to candidates: the same difference in several runs, or
 * at several places of one process, is one candidate with a count. What a candidate is called
 * (kind, habit key, fingerprint) is decided here.
 */
#ifndef LOCKSTEP_TRACER_ALIGN_FINDING_H
#define LOCKSTEP_TRACER_ALIGN_FINDING_H

#include "tracer/align/detail.h"
#include "tracer/align/differ.h"

struct candidate {
	const struct diff *diff; /* the first of them */
	const struct diff *last; /* that was counted */
	unsigned int target;	 /* the run it is of */
	uint64_t id;		 /* what joins them */
	uint32_t runs;		 /* a bit for each target run that has it */
	uint32_t count;		 /* places, in `target` */
	char *kind, *habit_key,
		*fields; /* fields: comma-separated, "" none; a habit is a key and one field */
	uint64_t fingerprint;
};

struct candidates {
	struct candidate *candidate; /* by place in the run each was first seen in */
	size_t len, size;
	struct details *native;	 /* of natives[0] */
	struct details *targets; /* one a target run */
	unsigned int ntargets;
};

/* 0 or negative errno with a sentence. */
int candidates_make(struct candidates *c, struct differ *d, struct err *e);
void candidates_fini(struct candidates *c);

/* The details of a candidate's events; NULL where there is none. */
const struct detail *candidate_native(
	const struct candidates *c, const struct differ *d, const struct candidate *x);
const struct detail *candidate_target(
	const struct candidates *c, const struct differ *d, const struct candidate *x);

#endif
