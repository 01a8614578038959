/*
 * At a crash: pages mapped from a file that nobody can have written, and that are not as the file.
 */
#ifndef LOCKSTEP_TRACER_RECORD_DIRTY_H
#define LOCKSTEP_TRACER_RECORD_DIRTY_H

#include "tracer/record/recorder.h"

/* Follows what ever was writable: at exec (from the text of maps, which is changed), and at the end
 * of a memory call. */
void dirty_exec(struct task *t, struct buf *maps);
void dirty_track(struct task *t, int64_t ret);
/* A TK_DIRTY for each page found. */
void dirty_check(struct recorder *r, struct task *t);

#endif
