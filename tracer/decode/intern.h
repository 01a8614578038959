/*
 * Byte strings kept once each: equal contents, equal pointer, until intern_fini. Every string has a
 * NUL after it. Not locked.
 */
#ifndef LOCKSTEP_TRACER_DECODE_INTERN_H
#define LOCKSTEP_TRACER_DECODE_INTERN_H

#include <stddef.h>
#include <stdint.h>

struct intern_chunk;

struct intern {
	struct intern_chunk *chunk;
	struct intern_item {
		uint64_t hash;
		const char *s;
		size_t len;
	} * slot;
	size_t slots, n;
};

void intern_fini(struct intern *in);
/* NULL when memory ran out. */
const char *intern_add(struct intern *in, const void *s, size_t len);

#endif
