/*
 * The pages of image and interpreter at exec, against what Linux would have made of them.
 */
#ifndef LOCKSTEP_TRACER_RECORD_PAGES_H
#define LOCKSTEP_TRACER_RECORD_PAGES_H

#include "tracer/record/recorder.h"

/* At an exec-stop: a TK_PAGE for each boundary range whose bytes are not as predicted. */
void pages_check(struct recorder *r, struct task *t);

#endif
