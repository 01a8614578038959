/*
 * What an event says, in words: as text the way strace(1) prints it, and as JSON. Arguments,
 * structs and flags come from the abi tables; there is no code per call here but where a value's
 * form is customary (wait status, short forms of large structs).
 *
 * Everything printed was written by a tracee, or by whoever made the file: strings are escaped,
 * counts are bounded. Not locked: one decoder a thread.
 */
#ifndef LOCKSTEP_TRACER_DECODE_DECODE_H
#define LOCKSTEP_TRACER_DECODE_DECODE_H

#include "common/buf.h"
#include "common/json.h"
#include "tracer/decode/model.h"
#include "tracer/store/trace.h"

#include <stdbool.h>

struct decode_opts {
	uint32_t string_max; /* bytes of a buffer or string that text shows; 0: 32. Paths: all */
	bool verbose;	     /* every field of every struct, every string of envp */
	bool fd_names;	     /* descriptors with what they stand for: 3</etc/passwd> */
	unsigned int align;  /* text: the column where " = RESULT" starts, when there is room */
	/* JSON: adds members of its own to a crash or a stack (frames, for whoever links libdw). */
	void (*crash_json)(const struct trace_event *ev, struct json *j);
	struct model *model; /* as it is before the event; NULL: no names */
};

/*
 * Appends an event of any kind as one line without its newline:
 *   openat(AT_FDCWD, "/etc/passwd", O_RDONLY|O_CLOEXEC) = 3
 *   --- SIGSEGV {si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=0x8} ---
 *   +++ exited with 0 +++
 * What strace has no words for is "=== ..." (a departed page, a note). opts may be NULL.
 */
void decode_event(struct buf *out, const struct trace_event *ev, const struct decode_opts *opts);
/* TK_CALL and TK_CALL_OPEN only. */
void decode_call(struct buf *out, const struct trace_event *ev, const struct decode_opts *opts);
/* One whole object with its newline, schema lockstep.event/1 (docs/schemas/event.json). */
void decode_json(struct buf *out, const struct trace_event *ev, const struct decode_opts *opts);

/* The name of the call as text prints it: "openat", "syscall_777", "i386:open". Never NULL; buf is
 * used where there is no constant to point to. */
const char *decode_call_name(const struct trace_event *ev, char *buf, size_t buf_size);
/* "call", "signal", "exit", ...; "unknown" for what is none. */
const char *decode_kind_name(unsigned int kind);
/* "SIGSEGV", or "signal 77"; buf as above. */
const char *decode_signal_name(int signo, char *buf, size_t buf_size);

#endif
