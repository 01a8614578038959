/*
 * Captures of what a call's arguments point to, as the abi table describes them.
 */
#ifndef LOCKSTEP_TRACER_RECORD_CAPTURE_H
#define LOCKSTEP_TRACER_RECORD_CAPTURE_H

#include "tracer/record/recorder.h"

/* At the entry- and at the exit-stop of t->cur: appends to t->cur.caps. */
void capture_enter(struct recorder *r, struct task *t);
void capture_leave(struct recorder *r, struct task *t, int64_t ret);

/* At the exit of mmap of a file: its name, as slot 4. */
void capture_mapped(struct recorder *r, struct task *t);

#endif
