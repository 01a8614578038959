/*
 * What a comparison found, as JSON lines: lockstep.process/1 (every segment of every run),
 * lockstep.guest-vma/1 and lockstep.difference/1. ARCHITECTURE.md ("A comparison") and docs/schemas
 * say what is in them.
 */
#ifndef LOCKSTEP_TRACER_ALIGN_EMIT_H
#define LOCKSTEP_TRACER_ALIGN_EMIT_H

#include "tracer/align/differ.h"

/* Writes all of it to fd. The number of differences, or negative errno with a sentence. */
int emit_all(struct differ *d, int fd, struct err *e);

#endif
