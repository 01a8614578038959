/* What `run` and `trace` share: from parsed options to a run, its messages and its exit status. */
#ifndef LOCKSTEP_TRACER_CLI_RUN_COMMON_H
#define LOCKSTEP_TRACER_CLI_RUN_COMMON_H

#include "tracer/cli/options.h"

/* emul is the default target once it is there; runsc until then. */
#define DEFAULT_TARGET "runsc"

/*
 * Runs spec (its target and state are filled in here), writes the outcome to `outcome_path` or,
 * with
 * --json, to standard output. The exit status.
 */
int run_and_tell(const struct cli_options *o, struct run_spec *spec, const char *outcome_path);

#endif
