/*
 * What must not get into a trace. Rules: `env` (environments at exec), `argv`, `data` (the contents
 * of all buffers), `path:GLOB` (names that match, and the contents of descriptors opened by them).
 * The bytes of stacks hold all of that: `data` drops them, the others cut off the strings of argv
 * and environment that lie above. LIMIT: names in local variables on a stack are kept unless
 * `data`.
 */
#ifndef LOCKSTEP_TRACER_RECORD_REDACT_H
#define LOCKSTEP_TRACER_RECORD_REDACT_H

#include "tracer/record/task.h"

#include "common/err.h"

struct redact;

struct redact *redact_new(void);
void redact_free(struct redact *rd);
bool redact_is_empty(const struct redact *rd);
int redact_add(struct redact *rd, const char *rule, struct err *e);

/* Whether this name (of len bytes) is hidden. rd may be NULL in all of these: nothing is. */
bool redact_path(const struct redact *rd, const char *name, size_t len);
/* Whether the data of t's present call is hidden. */
bool redact_data(const struct redact *rd, const struct task *t);
/* Whether argument slot of an exec is hidden; flags the call when so. */
bool redact_vector(const struct redact *rd, struct task *t, unsigned int slot);
/* Whether stacks are kept out altogether, or only up to the strings above them. */
bool redact_stack(const struct redact *rd);
bool redact_stack_strings(const struct redact *rd);
/* Replaces hidden paths in text whose lines end in one (maps, "fd flags path"); true when any was.
 */
bool redact_lines(const struct redact *rd, struct buf *text);
/* The same in NUL-terminated strings, one after the other. */
bool redact_strings(const struct redact *rd, struct buf *text);
bool redact_env(const struct redact *rd);
bool redact_argv(const struct redact *rd);
/* Follows which descriptors lead to hidden files, at the end of a call. */
void redact_track(const struct redact *rd, struct task *t, int64_t ret);

#endif
