/* `lockstep target check`: whether a target can run here, tried out step by step. */
#ifndef LOCKSTEP_TRACER_CLI_TARGET_CHECK_H
#define LOCKSTEP_TRACER_CLI_TARGET_CHECK_H

#include "tracer/cli/options.h"

#include <stdbool.h>

#define CHECK_STEPS_MAX 16

struct check_step {
	const char *name;
	bool ok;
	char text[512]; /* what was found, or why not and what to do */
};

struct check {
	struct check_step steps[CHECK_STEPS_MAX];
	unsigned int n;
	bool ok; /* every step was */
};

/*
 * Tries t here, each step with a time limit. 0, or negative errno with a sentence when lockstep
 * itself could not try.
 */
int target_check(
	struct check *c, const struct target *t, const struct cli_options *o, struct err *e);

#endif
