/*
 * The disposable state: the same start for every run, native or not. A command runs in new mount,
 * PID, UTS, IPC and network namespaces (loopback up), on an overlay of the host's files that lives
 * in memory, with a private /tmp and /dev/shm, a fixed host name and exactly the environment given.
 * Unprivileged, a user namespace stands around all of it: the user is root there (as it is for
 * programs inside an emulator that runs unprivileged), and each top-level directory has an overlay
 * of its own (an overlay of / is EINVAL there).
 *
 * PID 1 of the namespace is a reaper of ours. It dies with the process that called state_start
 * (PR_SET_PDEATHSIG, and the end of the control socket), and all of the namespace with it; overlays
 * and tmpfs vanish with the mount namespace. So nothing survives a lockstep that is killed.
 *
 * This isolates runs from one another, not the host from a hostile program: see SECURITY.md.
 *
 * One thread; the caller must be the thread that lives as long as the run does.
 */
#ifndef LOCKSTEP_TRACER_TARGETS_STATE_H
#define LOCKSTEP_TRACER_TARGETS_STATE_H

#include "common/err.h"
#include "tracer/targets/words.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

/* Where lockstep's own things stand inside, unless spec->inside says otherwise. */
#define STATE_DIR "/tmp/.lockstep"

/*
 * Where spec->rootfs stands with spec->beside, in the tree that the target sees. Inside the root
 * file system the same name is a link to its root: so the working folder has one name for both.
 */
#define STATE_ROOTFS STATE_DIR "/root"

/* A host file shown in that folder under `name`: programs read-only, the trace writable. */
struct state_file {
	const char *name;
	const char *host_path; /* absolute; must exist */
	bool writable;
};

struct state_bind {
	const char *src, *dst; /* absolute; dst inside */
	bool read_only;
};

struct state_spec {
	const char *rootfs; /* NULL: the host's / */
	const char *cwd;    /* absolute, inside */
	bool beside; /* with rootfs: it stands at STATE_ROOTFS in the host's tree (for the target)
		      */
	bool rw;     /* the host's files directly: no overlay, no private /tmp */
	const char *inside; /* with rw: an empty folder of the host's, in the place of STATE_DIR */
	const struct words *visible; /* absolute paths under private folders that stay visible */
	const struct words *devices; /* more device files to show in /dev */
	const struct state_bind *binds;
	size_t nbinds;
	const struct state_file *files;
	size_t nfiles;
	const struct words *env; /* the whole environment */
	int fds[3];		 /* standard streams; borrowed, closed by the caller after start */
	bool new_session;	 /* no controlling terminal; as inside an emulator */
	uint64_t data_limit;	 /* RLIMIT_DATA, when no cgroup bounds memory; 0: none */
	uint64_t nproc_limit;	 /* RLIMIT_NPROC; 0: none */
	unsigned int cpus;	 /* CPUs to run on; 0: all */
};

/* A layer that catches changes: what was written under `path` (inside) stands in `upper`. */
struct state_layer {
	char *path;  /* inside; "/" or without a slash at its end */
	char *lower; /* the host's folder beneath; NULL: nothing (a private tmpfs) */
	int upper;   /* O_PATH directory */
};

/* How the command ended. */
struct state_exit {
	bool started;	/* the command was executed */
	int exec_errno; /* why it was not */
	int status;	/* as wait(2) */
	struct rusage rusage;
};

struct state;

/*
 * Makes the state and holds it ready; the command is not started yet. -errno with a sentence when
 * the host does not allow it. *out is to be freed with state_free in any case where 0 is returned.
 */
int state_new(struct state **out, const struct state_spec *spec, struct err *e);
/* The folder that holds spec->files, for reading what was left there; its path is the namespace's.
 */
int state_inside_fd(const struct state *s);
/* /proc of the PID namespace, as an O_PATH directory, for looking at its processes; -1: none. */
int state_proc_fd(const struct state *s);
/* PID 1, as the host numbers it; for cgroups. */
pid_t state_pid(const struct state *s);
const struct state_layer *state_layers(const struct state *s, size_t *n);
/* What could not be set up as wanted, in words, one entry each. */
const struct words *state_notes(const struct state *s);

/* Starts argv (looked up in the PATH of spec->env). 0 or negative errno. */
int state_run(struct state *s, char *const *argv, struct err *e);
/* Readable when the command ended or PID 1 is gone. */
int state_event_fd(const struct state *s);
/* After state_event_fd was readable: true once the command has ended, with `*exit` filled in.
 * -ESRCH when the state died under it. */
int state_collect(struct state *s, struct state_exit *exit);
/* Sends a signal to the command. */
void state_signal(struct state *s, int signo);
/* Ends every process in it and waits for that; layers stay readable until state_free. */
void state_kill(struct state *s);
/* After state_kill: CPU time of everything that ran inside, and the largest resident size. */
const struct rusage *state_usage(const struct state *s);
void state_free(struct state *s);

static inline void cleanup_state(struct state **s)
{
	state_free(*s);
}

#endif
