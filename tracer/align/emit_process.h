/* Segments and guest VMA curves as JSON lines; pieces that differences use as well. See emit.h. */
#ifndef LOCKSTEP_TRACER_ALIGN_EMIT_PROCESS_H
#define LOCKSTEP_TRACER_ALIGN_EMIT_PROCESS_H

#include "common/json.h"
#include "tracer/align/detail.h"
#include "tracer/align/side.h"

/* Segment keys are 16 hexadecimal digits: too large for numbers in JSON. */
void emit_key(struct json *j, const char *name, uint64_t key);
void emit_name(struct json *j, const char *key, const struct names *names, uint32_t id);
/* A lockstep.process/1 line for each segment; `details` holds the run's crashes and stacks. */
void emit_processes(struct json *j, const struct side *s, const struct names *names,
	const struct details *details);
/* The lockstep.guest-vma/1 line. */
void emit_vma(struct json *j, const struct side *s);

#endif
