/*
 * The stack of a task that crashed or hung, out of what the trace has of it (TK_CRASH, TK_STACK:
 * registers, the stack's bytes, maps) and of the mapped files, which must still be there. Unwound
 * by libdwfl; .eh_frame without debug information is enough. Where that gives up: frame pointers,
 * and for a call to an address that is no code, the return address on the stack.
 *
 * Files are opened under their names in the trace: regular files only, read only.
 */
#ifndef LOCKSTEP_TRACER_DECODE_BACKTRACE_H
#define LOCKSTEP_TRACER_DECODE_BACKTRACE_H

#include "tracer/store/trace.h"

#include "common/json.h"

#define BACKTRACE_MAX 64

struct backtrace_frame {
	uint64_t ip;	 /* a return address but in frame 0 */
	char *file;	 /* mapped there; NULL when it is no file */
	uint64_t offset; /* of ip in the file */
	char *symbol;	 /* NULL when unknown */
	uint64_t symbol_off;
};

struct backtrace {
	struct backtrace_frame frame[BACKTRACE_MAX];
	size_t len;
	bool cut; /* there were more frames */
};

/* 0, -ENODATA when the event has no registers, -ENOMEM. bt must be given to backtrace_fini. */
int backtrace_from_event(struct backtrace *bt, const struct trace_event *ev);
void backtrace_fini(struct backtrace *bt);

/* One line a frame: "#1  0x7f... raise+0xcb (/lib/libc.so.6+0x3c00b)". */
void backtrace_text(const struct backtrace *bt, struct buf *out);
/* An array of {ip, file, offset, symbol, symbol_offset}. */
void backtrace_json(const struct backtrace *bt, struct json *j, const char *key);

#endif
