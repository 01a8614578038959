/*
 * Events read again: those few that a difference is about, with their captures, their text as
 * people know it and the place that made the call. One pass over the trace for all of them.
 */
#ifndef LOCKSTEP_TRACER_ALIGN_DETAIL_H
#define LOCKSTEP_TRACER_ALIGN_DETAIL_H

#include "common/err.h"
#include "tracer/store/trace.h"

#include <stddef.h>
#include <stdint.h>

struct detail {
	uint32_t seq;
	bool found;
	struct trace_event ev; /* its payload is owned by the detail */
	char *text;	       /* "openat(AT_FDCWD, "/x", O_RDONLY) = 3" */
	char *site_file;       /* mapped file that holds the call's instruction, or NULL */
	uint64_t site_off;     /* file offset of the instruction after the call */
	struct {
		uint8_t word; /* enum fd_word, of arguments that are descriptors */
		char *name;
	} fd[6];
};

struct details {
	struct detail *detail; /* by seq once read */
	size_t len, size;
};

/* Asks for an event; the same one may be asked for often. 0 or -ENOMEM. */
int details_want(struct details *d, uint32_t seq);
/* Reads them. 0 or negative errno with a sentence. */
int details_read(struct details *d, const char *path, struct err *e);
/* NULL when it was not asked for or the trace ended before it. */
const struct detail *details_get(const struct details *d, uint32_t seq);
void details_fini(struct details *d);

#endif
