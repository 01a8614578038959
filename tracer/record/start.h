/*
 * Starting the command, and the recorder's own signals.
 */
#ifndef LOCKSTEP_TRACER_RECORD_START_H
#define LOCKSTEP_TRACER_RECORD_START_H

#include "tracer/record/recorder.h"

#include <signal.h>

/* What the recorder found at its start, to be given back to the command. */
struct signal_state {
	struct sigaction act[65];
	sigset_t mask;
};

/* The recorder's own: a tick, an orderly end on SIGTERM and SIGHUP, and no death by what a terminal
 * sends to the whole process group. */
void signals_setup(struct signal_state *saved);
void signals_restore(const struct signal_state *saved);
/* The masks of ignored signals that the command inherits. */
uint64_t signals_ignored(const struct signal_state *saved);
/* The signal that asked the recorder to end; 0 none. */
int signals_end_request(void);

/*
 * Forks the child that will execute the command, seized, before its execve; its tid is in r->root.
 * 0, or negative errno with a sentence; -ENOENT and -EACCES: the command is not there, or cannot be
 * executed.
 */
int start_root(struct recorder *r, const struct signal_state *saved, struct err *e);

#endif
