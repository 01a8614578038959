/*
 * Captures as bytes, for writer and reader of the file. Internal to tracer/store.
 */
#ifndef LOCKSTEP_TRACER_STORE_CAPTURE_H
#define LOCKSTEP_TRACER_STORE_CAPTURE_H

#include "tracer/store/trace.h"

#define CAP_HEAD_SIZE 12u
#define CAP_HASH_SIZE 8u

/* Writes a capture at p, where its bytes have room; data may be NULL to leave its place as it is.
 * The bytes written, data included. */
size_t cap_write(uint8_t *p, const struct trace_cap *cap);

static inline size_t cap_stored_size(const struct trace_cap *cap)
{
	return CAP_HEAD_SIZE + (cap->size < cap->full ? CAP_HASH_SIZE : 0) + (size_t)cap->size;
}

#endif
