/*
 * One run: a command in a target, in the disposable state, watched from outside. Puts together
 * target.h, state.h, streams.h, host_vma.h and changes.h; knows no target by name.
 *
 * run_once fills a struct outcome, which outcome.h writes as lockstep.outcome/1. One run at a time
 * in a process: it handles SIGINT, SIGTERM and SIGHUP while it lasts.
 */
#ifndef LOCKSTEP_TRACER_TARGETS_RUN_H
#define LOCKSTEP_TRACER_TARGETS_RUN_H

#include "common/err.h"
#include "tracer/targets/changes.h"
#include "tracer/targets/host_vma.h"
#include "tracer/targets/limits.h"
#include "tracer/targets/state.h"
#include "tracer/targets/streams.h"
#include "tracer/targets/target.h"

struct run_spec {
	const struct target *target;
	const struct words *target_opts;
	char *const *command; /* NULL-terminated, at least one word */

	/* the state */
	const char *rootfs, *cwd, *keep_changes;
	bool rw;
	const struct state_bind *binds;
	size_t nbinds;
	const struct words *env; /* what stands beside the fixed environment */
	struct limits limits;
	uint64_t timeout_ns; /* 0: none */

	/* what is kept */
	const char *trace;	/* NULL: not recorded */
	const char *helper_dir; /* absolute; where lockstep-exec and lockstep-record are */
	const struct words *recorder_opts;
	const char *log;       /* file for the target's own log; NULL: none is kept */
	const char *peak_maps; /* file for the host maps at their peak; NULL: not kept */
	const char *stdin_path, *stdout_path, *stderr_path; /* NULL: ours */
	bool pipes;	     /* the program never gets our own streams, even where it could */
	uint64_t max_output; /* bytes kept of each stream's file */
	bool sample_host;
	bool list_changes;
};

enum run_status { RUN_EXITED, RUN_SIGNALED, RUN_TIMEOUT, RUN_BROKE };

struct outcome {
	enum run_status status;
	int exit;	/* RUN_EXITED */
	int signal;	/* RUN_SIGNALED */
	int exec_errno; /* not 0: the program could not be executed (then exit is 126 or 127) */
	char why[256];	/* in words, where the status alone does not say it */
	uint64_t wall_ns, cpu_ns, max_rss_kib;
	struct stream_result out, err;
	struct host_vma vma;
	struct changes changes;
	bool traced, logged, maps_saved;
	struct words notes;
};

/*
 * 0 when there is an outcome, which may be RUN_BROKE; negative errno with a sentence when lockstep
 * itself could not do it (bad options, no namespaces, no disk). The caller ends it with
 * outcome_fini.
 */
int run_once(const struct run_spec *spec, struct outcome *o, struct err *e);
void outcome_fini(struct outcome *o);
/* The exit status of `lockstep run`, as INTERFACE has it. */
int outcome_exit_status(const struct outcome *o);
/* Writes lockstep.outcome/1 to b. */
void outcome_json(const struct outcome *o, const struct run_spec *spec, struct buf *b);

/*
 * Where the program's first word is found in PATH, as execvp(3) would; *out is to be freed.
 * -ENOENT, -EACCES or another errno with a sentence.
 */
int program_find(
	const char *word, const char *path_var, const char *cwd, char **out, struct err *e);

static inline void cleanup_outcome(struct outcome *o)
{
	outcome_fini(o);
}

#endif
