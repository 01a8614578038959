/*
 * Building the file system of the disposable state, inside its mount namespace before anything of
 * the command runs: state_mounts.c has the order of things, state_root.c the overlays of the host's
 * files, state_fresh.c what is made new (/proc, /dev, private folders), state_place.c making and
 * binding files.
 *
 * While it is being built the root is a tmpfs of ours:
 *
 *   /old     the host's root      /up/N, /work/N   what layer N catches
 *   /new     the root to be
 *
 * Functions return 0 or negative errno, with a sentence in b->e unless they say otherwise. Paths
 * "inside" are absolute and as the command will see them: they stand at /new + path now.
 */
#ifndef LOCKSTEP_TRACER_TARGETS_STATE_BUILD_H
#define LOCKSTEP_TRACER_TARGETS_STATE_BUILD_H

#include "tracer/targets/state_impl.h"

#include <errno.h>

struct build {
	struct state_ctx *c;
	struct err *e;
	struct host_mounts mounts;
	struct words visible; /* entries of private folders that are shown, so far */
};

#define BUILD_FAIL(b, ...) err_set((b)->e, errno, __VA_ARGS__)

/* ---- state_place.c ---- */

/* Formats into out[PATH_MAX], which it returns; what is too long is cut (and then not found). */
const char *fmt_path(char *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* mkdir -p of a path inside. */
int make_dirs(struct build *b, const char *path);
/* Shows `src`, a path as it is now, at `dst` inside, which is made as needed. */
int bind_at(struct build *b, const char *src, const char *dst, bool read_only);
int remount_read_only(const char *at);
/* Tells the caller of a folder: `dir` as it is now goes along as a descriptor. */
int send_dir(struct build *b, int kind, const char *dir, const char *path, const char *lower);
/* The folder of our own files, at new_root + its path; files come from old_root + theirs. */
int mount_inside(struct build *b, const char *new_root, const char *old_root);
int mount_binds(struct build *b);

/* ---- state_root.c ---- */

/* The root to be, with everything that is mounted below it. */
int mount_root(struct build *b);
/* Makes /up/N and /work/N and counts them. `like` NULL: mode 0700; else with its owner and mode. */
int make_upper(struct build *b, const char *like, char *up);
/* A layer over `lower` ("/old...") at a path inside that exists; read-only where that fails. */
int overlay_or_read_only(struct build *b, const char *lower, const char *path);
/* The same link at a path inside. */
int build_link(struct build *b, const char *lower, const char *path);

/* ---- state_fresh.c ---- */

/* Below a folder that is private to the run, whatever the host has there: /tmp, /dev/shm. */
bool is_private(const char *path);
/* /proc, /sys and /dev. */
int mount_system(struct build *b);
/* The private folders, with what stays visible in them. */
int mount_privates(struct build *b);

#endif
