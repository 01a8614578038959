/*
 * What natives were seen to get: for each shape of call within one kind of segment, the values that
 * came back. A value that is in the book is no news, whichever sibling or position it turns up at.
 * Not locked.
 */
#ifndef LOCKSTEP_TRACER_ALIGN_BOOK_H
#define LOCKSTEP_TRACER_ALIGN_BOOK_H

#include "tracer/align/token.h"

#include <stddef.h>
#include <stdint.h>

#define BOOK_VALUES 4 /* kept of each part; a part with more is volatile by that fact */

struct book_entry {
	uint64_t id;				/* 0: free slot */
	uint32_t runs;				/* a bit for each run that has it */
	uint8_t nerr, nret, nout, nargs, nnums; /* BOOK_VALUES + 1: more than were kept */
	int16_t err[BOOK_VALUES];
	uint32_t ret[BOOK_VALUES], out[BOOK_VALUES], args[BOOK_VALUES], nums[BOOK_VALUES];
};

struct book {
	struct book_entry *entry;
	size_t slots, used;
};

/* Notes one token of a segment with that key. 0 or -ENOMEM. */
int book_add(struct book *b, uint64_t key, uint64_t shape, const struct tok *t, unsigned int run);
/* NULL when natives never made such a call there. */
const struct book_entry *book_find(const struct book *b, uint64_t key, uint64_t shape);
/* Which parts of t have a value that the entry does not hold. A part that overflowed holds
 * everything, TOK_ERR excepted. */
unsigned int book_news(const struct book_entry *entry, const struct tok *t);
void book_fini(struct book *b);

#endif
