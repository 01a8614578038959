/*
 * Which parts of an address space have ever been writable: what is outside of them, and mapped from
 * a file, must still be as the file is. Sorted ranges that do not touch. Not a map of the present:
 * what was unmapped stays in, which only means that less is compared.
 */
#ifndef LOCKSTEP_TRACER_RECORD_WRITTEN_H
#define LOCKSTEP_TRACER_RECORD_WRITTEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct written {
	struct written_range {
		uint64_t start, end;
	} * range;
	size_t len, size;
	bool lost; /* memory ran out: everything counts as written */
};

void written_fini(struct written *w);
void written_add(struct written *w, uint64_t start, uint64_t end);
/* False when memory ran out (to is then empty and counts as all written). */
bool written_copy(struct written *to, const struct written *from);
/* Whether any byte of [start, end) was ever writable. */
bool written_any(const struct written *w, uint64_t start, uint64_t end);

#endif
