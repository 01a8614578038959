/* Between run.c, run_words.c (what is started, in which state) and outcome.c (how it ended). */
#ifndef LOCKSTEP_TRACER_TARGETS_RUN_IMPL_H
#define LOCKSTEP_TRACER_TARGETS_RUN_IMPL_H

#include "common/buf.h"
#include "tracer/targets/run.h"
#include "tracer/targets/status.h"

#define PLAN_FILES_MAX 4

/* Everything state_new and state_run need; owns what it points to. */
struct run_plan {
	struct words argv;
	struct words env;	 /* the program's */
	struct words target_env; /* the target's: more words first */
	struct words visible;
	struct state_file files[PLAN_FILES_MAX];
	struct words paths; /* host paths of files */
	char rw_dir[32];    /* with --rw: where our files are shown; removed at the end */
	struct state_spec state;
};

/* Fills plan->env: the fixed environment, then spec->env. */
int plan_env(struct run_plan *plan, const struct run_spec *spec);
/*
 * Fills in the rest, after plan_env. When the program cannot be executed (and the target leaves
 * looking it up to us) that is an outcome, not an error: o->exec_errno is set.
 */
int plan_make(struct run_plan *plan, const struct run_spec *spec, struct outcome *o, struct err *e);
void plan_fini(struct run_plan *plan);
static inline void cleanup_plan(struct run_plan *plan)
{
	plan_fini(plan);
}

/* The target writes a log of its own, and it is wanted. */
static inline bool run_has_log(const struct run_spec *spec)
{
	return spec->log && spec->target->record == RECORD_LOG;
}

/* Decides status, exit and signal from what the state and the status file say. */
void outcome_decide(struct outcome *o, const struct run_spec *spec, const struct state_exit *x,
	const struct program_status *st, bool timed_out, int broke);
/* The program could not be executed: exit 126 or 127. */
void outcome_not_executed(struct outcome *o, const char *program, int errnum);
void outcome_why(struct outcome *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
