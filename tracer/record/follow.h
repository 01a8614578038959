/*
 * Keeping recorder and tracees on one CPU.
 *
 * A stop costs two wake-ups. On another CPU that sleeps, each takes 20-70 us; on the same CPU 1-2.
 * The scheduler does not see that the two take turns, and spreads them. So both are pinned to one
 * CPU as long as only one tracee computes at a time, and let go when several do.
 *
 * Tracees do not see it: sched_getaffinity gives the mask that they would have, sched_setaffinity
 * changes that mask. LIMIT: Cpus_allowed in /proc/PID/status tells the truth.
 */
#ifndef LOCKSTEP_TRACER_RECORD_FOLLOW_H
#define LOCKSTEP_TRACER_RECORD_FOLLOW_H

#include "tracer/record/recorder.h"

/* Begins with the root, at its exec. Does nothing inside emulators (no PTRACE_GET_SYSCALL_INFO),
 * whose CPUs are not the host's. */
void follow_start(struct recorder *r, struct task *root);
/* A task was born: it has its parent's affinity. */
void follow_born(struct task *child, const struct task *parent);
/* Now and then: one CPU or all, and which one. */
void follow_tick(struct recorder *r);
/* After each wake-up while r->follow.choosing. */
void follow_choose(struct recorder *r);
/* At entry and exit of sched_setaffinity and sched_getaffinity. */
void follow_enter(struct recorder *r, struct task *t);
void follow_leave(struct recorder *r, struct task *t, int64_t ret);
/* t is about to have a child that nobody will follow: it shall not inherit the pinning. */
void follow_release(struct task *t);
/* Gives every task its own mask back. */
void follow_end(struct recorder *r);

#endif
