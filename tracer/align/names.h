/*
 * The names that runs use (paths, and whatever else is spelled as one: "/@pipe",
 * "/@inet/127.0.0.1/8080"), as one tree of components, and what of them is noise. A folder whose
 * children are not the same in every native run is *volatile*: there, only the children that every
 * native run had keep their name, and all others are one name, "$". So "/tmp/tmpab12/x" of one run
 * and
 * "/tmp/tmpq7/x" of another are both "/tmp/$/x", by what native runs did and by no list of
 * patterns.
 *
 * Use: names_add while the runs are read, names_settle once, then the queries. Not locked.
 */
#ifndef LOCKSTEP_TRACER_ALIGN_NAMES_H
#define LOCKSTEP_TRACER_ALIGN_NAMES_H

#include "common/buf.h"

#include <stddef.h>
#include <stdint.h>

#define NAMES_RUN_MAX 32 /* runs that can be told apart */

struct names;

struct names *names_new(void); /* NULL when memory ran out */
void names_free(struct names *n);

/* The id of a name seen in run `run` (< NAMES_RUN_MAX); the same text has the same id in every run.
 * 0 is "no name" and "". */
uint32_t names_add(struct names *n, const char *text, size_t len, unsigned int run);

/* Decides what is volatile. `natives`: a bit for each native run. 0 or -ENOMEM. */
int names_settle(struct names *n, uint32_t natives);

/* A hash of the canonical name: equal for names that differ only in what is volatile; stable from
 * one invocation to the next. */
uint64_t names_hash(const struct names *n, uint32_t id);
/* Whether a component of it was replaced by "$". */
bool names_volatile(const struct names *n, uint32_t id);
/* Appends the name as it was, or its canonical form. */
void names_text(const struct names *n, uint32_t id, struct buf *out);
void names_canonical(const struct names *n, uint32_t id, struct buf *out);

#endif
