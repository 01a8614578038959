/*
 * Between state.c (the side of the caller) and the reaper inside (state_init.c, state_mounts.c).
 * Both talk over a SOCK_SEQPACKET pair, one struct state_msg each.
 */
#ifndef LOCKSTEP_TRACER_TARGETS_STATE_IMPL_H
#define LOCKSTEP_TRACER_TARGETS_STATE_IMPL_H

#include "tracer/targets/state.h"

#include <limits.h>

/* What gethostname(2) says inside. */
#define STATE_HOST_NAME "lockstep"

enum state_msg_kind {
	/* to the reaper */
	SM_MAPPED = 1, /* the user namespace's maps are written (or there is none) */
	SM_RUN,	       /* start the command; followed by its words, NUL-separated, in argv_fd */
	SM_SIGNAL,     /* value: send this signal to the command */
	/* from the reaper */
	SM_LAYER,  /* a, b: path inside, lower or ""; with the upper as a descriptor */
	SM_INSIDE, /* a: path of the folder of files; with it as a descriptor */
	SM_PROC,   /* with /proc as a descriptor */
	SM_NOTE,   /* a: what could not be had */
	SM_READY,
	SM_FAILED, /* a: why, value: errno */
	SM_ENDED,  /* exit */
};

struct state_msg {
	int kind;
	int value;
	struct state_exit exit;
	char a[PATH_MAX];
	char b[PATH_MAX];
};

/* fd -1: none. 0 or negative errno. */
int state_send(int sock, const struct state_msg *m, int fd);
/* *fd: the descriptor that came along, or -1. 0, -EPIPE at the end, other negative errno. */
int state_recv(int sock, struct state_msg *m, int *fd);

/* What the reaper works with. */
struct state_ctx {
	const struct state_spec *spec;
	int sock;
	bool user_ns;
	const char *inside; /* where spec->files are shown */
	unsigned int nlayers;
	bool host_proc; /* /proc inside is the host's: no way to list only our processes */
};

/* Runs as PID 1; never returns. */
_Noreturn void state_init_main(struct state_ctx *c);
/* Builds the mount namespace and makes it the root. Errors: negative errno with a sentence. */
int state_mount_all(struct state_ctx *c, struct err *e);
/* Tells the caller of something that could not be had as wanted. */
void state_note(struct state_ctx *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* state_mountinfo.c: a mount point of the host below some folder. */
struct host_mount {
	char *point; /* absolute, unescaped */
	char *fstype;
};
struct host_mounts {
	struct host_mount *v;
	size_t n;
};
/* Parses the text of /proc/self/mountinfo; lines that are not well-formed are left out. */
int host_mounts_parse(struct host_mounts *out, const char *text);
void host_mounts_fini(struct host_mounts *m);
/* A kind of file system that is the kernel's own view, not files. */
bool fstype_is_pseudo(const char *fstype);
/* Is `path` the folder `dir`, or below it? Both absolute, without a slash at the end. */
bool path_below(const char *path, const char *dir);

#endif
