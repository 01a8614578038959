/*
 * The writer with its compression chosen; for tests and fuzzing seeds. Internal to tracer/store.
 */
#ifndef LOCKSTEP_TRACER_STORE_WRITER_H
#define LOCKSTEP_TRACER_STORE_WRITER_H

#include "tracer/store/trace.h"

/* As trace_writer_open; zstd level, 0: nothing is compressed. */
int trace_writer_open_level(struct trace_writer **out, int fd, const char *meta,
	const struct trace_limits *limits, int level, struct err *e);

#endif
