/*
 * Births, between births.c and the loop.
 */
#ifndef LOCKSTEP_TRACER_RECORD_BIRTHS_H
#define LOCKSTEP_TRACER_RECORD_BIRTHS_H

#include "tracer/record/recorder.h"

/* TK_TASK; t has a process. */
void emit_task(struct recorder *r, struct task *t, pid_t parent, uint64_t flags);
/* Gives t, whose parent's event never came, a process by what /proc says, and announces it. False
 * when memory ran out. */
bool birth_adopt(struct recorder *r, struct task *t);

#endif
