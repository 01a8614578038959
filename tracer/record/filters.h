/*
 * Which filters a task has: follows seccomp(2) and prctl(PR_SET_SECCOMP).
 */
#ifndef LOCKSTEP_TRACER_RECORD_FILTERS_H
#define LOCKSTEP_TRACER_RECORD_FILTERS_H

#include "tracer/record/recorder.h"

/* At a call's entry: flags t->cur when a filter answers it; keeps a filter about to be installed.
 */
void filters_enter(struct recorder *r, struct task *t, const struct stop_info *si);
/* At the exit of seccomp or prctl. */
void filters_leave(struct recorder *r, struct task *t, int64_t ret);

#endif
