/*
 * The program's standard streams. Output always goes through a pipe of ours unless it goes straight
 * to a terminal or pipe of the caller's: a program inside a target that writes a regular file may
 * do so at an offset of the target's own. What passes is counted and hashed whole; a file keeps at
 * most so many bytes.
 *
 * Not locked. Descriptors are non-blocking on our side; streams_poll and streams_pump are called
 * from one loop.
 */
#ifndef LOCKSTEP_TRACER_TARGETS_STREAMS_H
#define LOCKSTEP_TRACER_TARGETS_STREAMS_H

#include "common/err.h"

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

struct stream_result {
	uint64_t size; /* bytes that passed */
	uint64_t hash; /* XXH3 of all of them */
	bool cut;      /* the file has fewer */
	bool known;    /* false: it did not pass through us */
};

struct streams;

struct streams_spec {
	const char *stdin_path, *stdout_path, *stderr_path; /* NULL: ours */
	uint64_t max_output;
	bool pipes; /* never hand our own descriptors on, whatever they are */
};

int streams_open(struct streams **out, const struct streams_spec *spec, struct err *e);
/* What the program gets as 0, 1, 2. Valid until streams_started. */
void streams_fds(const struct streams *s, int fds[3]);
/* The program has its ends: ours of those are closed. */
void streams_started(struct streams *s);
/* Fills in what to poll for; at most 6 entries. Their number. */
unsigned int streams_poll(struct streams *s, struct pollfd *p);
/* Moves what can be moved without blocking. */
void streams_pump(struct streams *s);
/* Moves what is left in the pipes after every writer is gone. */
void streams_drain(struct streams *s);
/* Closes the files. The first error while writing them, as negative errno with a sentence. */
int streams_finish(
	struct streams *s, struct stream_result *out, struct stream_result *err, struct err *e);
void streams_free(struct streams *s);

static inline void cleanup_streams(struct streams **s)
{
	streams_free(*s);
}

#endif
