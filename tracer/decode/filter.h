/*
 * Which events a user wants to see. Zero-initialise, add conditions, ask; conditions of one kind
 * are alternatives, kinds are all demanded. Events that are not calls pass conditions on calls only
 * when there are none of these. Not locked.
 */
#ifndef LOCKSTEP_TRACER_DECODE_FILTER_H
#define LOCKSTEP_TRACER_DECODE_FILTER_H

#include "common/err.h"
#include "tracer/decode/model.h"
#include "tracer/store/trace.h"

#include <stdbool.h>

#define FILTER_LIST_MAX 64
#define FILTER_NR_MAX	1024

struct filter {
	bool by_call, by_signal;  /* an expression was given */
	bool call[FILTER_NR_MAX]; /* wanted, by number */
	bool call_unknown;	  /* those that the table does not have */
	bool signal[65];
	const char *images[FILTER_LIST_MAX];
	const char *paths[FILTER_LIST_MAX];
	uint32_t pids[FILTER_LIST_MAX];
	int errnos[FILTER_LIST_MAX];
	unsigned int n_images, n_paths, n_pids, n_errnos;
	bool failed, successful; /* only those */
	uint64_t from_ns, to_ns; /* of the entry; to_ns 0: no end */
};

/*
 * strace's -e: "trace=SET" (or only SET), "signal=SET". SET is names separated by commas, a leading
 * "!" means all others; of calls also "%class" (%file %desc %process %network %signal %ipc %memory
 * %time %creds), "/REGEX", "all", "none". -EINVAL with a sentence.
 */
int filter_expr(struct filter *f, const char *expr, struct err *e);
/* An errno by name. */
int filter_errno(struct filter *f, const char *name, struct err *e);
/* A path or its base name that the image must have; a path that an argument must name. The text
 * stays the caller's. */
int filter_image(struct filter *f, const char *image, struct err *e);
int filter_path(struct filter *f, const char *path, struct err *e);
int filter_pid(struct filter *f, const char *pid, struct err *e);

/* The model is as it was before the event; NULL only when filter_needs_model() says no. */
bool filter_wants(const struct filter *f, const struct trace_event *ev, struct model *m);
bool filter_needs_model(const struct filter *f);
/* Whether a block can hold wanted events; `arg` is the struct filter. For trace_skip_blocks. */
bool filter_wants_block(const struct trace_block *b, void *arg);

#endif
