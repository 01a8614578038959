/*
 * Records all cases at one place (natively, with the recorder's fallbacks, or inside an emulator)
 * and gives their traces to the tests.
 */
#ifndef LOCKSTEP_TRACER_RECORD_TESTS_HARNESS_H
#define LOCKSTEP_TRACER_RECORD_TESTS_HARNESS_H

#include "tracer/store/trace.h"

#include <sys/types.h>

struct rec_case {
	const char *name;
	const char *opts; /* of the recorder */
	const char *cmd;  /* tracee and its arguments, or a command with a slash in it */
	int status;	  /* as a shell sees it */
};

struct rec_trace {
	struct trace *t;
	struct trace_event *ev;
	size_t len;
	int status;
};

/* Runs every case; `prefix` goes before the shell that does it (NULL: none), `opts` is given to
 * each recorder. The traces lie in a folder of this process until harness_fini. */
void harness_record(const struct rec_case *cases, size_t n, const char *prefix, const char *opts);
void harness_fini(void);

/* Records one tracee natively, with an option that has a number in it; the exit status. */
int harness_run(const char *opt, uint64_t n, const char *tracee);

/* Starts a native recorder of a tracee with one argument and `env` (K=V) set; its pid. */
pid_t harness_start(char *env, const char *tracee, const char *arg);

struct rec_trace trace_load(const char *name);
void trace_free(struct rec_trace *tr);

/* The i-th (from 0) event of that kind and number (-1: any); NULL when there are not so many. */
const struct trace_event *find(const struct rec_trace *tr, enum trace_kind kind, int nr, size_t i);
size_t count(const struct rec_trace *tr, enum trace_kind kind, int nr);
/* Whether that capture is there, with exactly this text. */
int has_text(const struct trace_event *ev, unsigned int slot, unsigned int part, unsigned int flags,
	const char *text);

#endif
