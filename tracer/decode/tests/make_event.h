/*
 * Events built by hand for tests: numbers, and captures one by one. An event's payload is in the
 * struct itself; nothing to free.
 */
#ifndef LOCKSTEP_TRACER_DECODE_TESTS_MAKE_EVENT_H
#define LOCKSTEP_TRACER_DECODE_TESTS_MAKE_EVENT_H

#include "tracer/store/trace.h"

struct made {
	struct trace_event ev;
	uint8_t bytes[16384];
};

/* A call by task 100: number, result, arguments. */
void make_call(struct made *k, unsigned int nr, int64_t ret, uint64_t a0, uint64_t a1, uint64_t a2,
	uint64_t a3, uint64_t a4, uint64_t a5);
void make_kind(struct made *k, enum trace_kind kind, uint32_t tid);
/* Adds a capture. */
void make_cap(struct made *k, unsigned int slot, unsigned int part, unsigned int flags,
	const void *data, size_t size);
/* One of which only `size` of `full` bytes are kept. */
void make_cut(struct made *k, unsigned int slot, unsigned int part, unsigned int flags,
	const void *data, size_t size, size_t full);
/* A string with its NUL left out, as paths are captured. */
void make_str(struct made *k, unsigned int slot, const char *s);

#endif
