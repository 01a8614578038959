/*
 * A trace: what one run did, as a sequence of events in the order in which they ended. One file,
 * written by the recorder, read by everything else. The file format is described in
 * tracer/store/FORMAT.md.
 *
 * A trace is evidence and nothing but: raw numbers, and bytes of the tracee's memory ("captures").
 * Paths of descriptors, mappings, names of threads and so on are derived by readers, from the
 * events themselves.
 *
 * Writers and readers are not locked: one thread each. Readers take nothing in the file on trust.
 */
#ifndef LOCKSTEP_TRACER_STORE_TRACE_H
#define LOCKSTEP_TRACER_STORE_TRACE_H

#include "common/buf.h"
#include "common/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum trace_kind {
	TK_CALL = 1,  /* a call that returned: nr, arg, ret, captures of its arguments */
	TK_CALL_OPEN, /* a call that had not returned when the trace or the task ended: no ret */
	TK_SIGNAL, /* a signal is about to be delivered: nr = signo, ret = si_code, arg[0] = si_addr
		      or si_pid; TC_SIGINFO */
	TK_STOP,   /* group-stop: nr = signo */
	TK_CONT,   /* left group-stop */
	TK_TASK,   /* a task was born: tid = the new one, arg[0] = parent tid, arg[1] = clone flags
		      (fork: SIGCHLD), ret = its   thread group id; the root task has parent 0 */
	TK_EXEC,  /* exec succeeded: tid = the thread group (the calling thread becomes it: arg[0] =
		     its former tid);  TC_EXE, TC_MAPS, TC_AUXV */
	TK_PAGE,  /* bytes at exec that are not as Linux makes them: arg = {address, size, file
		     offset, segment index, is_interp,  what}, what: 0 native keeps file bytes, 1
		     native zeroes; TC_BYTES found, TC_EXPECTED, TC_EXE the file */
	TK_EXIT,  /* a task is gone: nr = 1 for the whole thread group's end, ret = wait status (as
		     wait(2)); with nr 1 TC_RUSAGE (of its waited-for
		     children too), and arg[0] = its own CPU time in ns, 0 when unknown */
	TK_CRASH, /* a fatal signal, before it kills: nr = signo, ip; TC_SIGINFO, TC_REGS, TC_MAPS,
		     TC_STACK, TC_EXE */
	TK_DIRTY, /* with a crash: a page never written that differs from its file: arg = {address,
		     size, file offset}; TC_BYTES, TC_EXPECTED, TC_EXE the file */
	TK_STACK, /* a task at the end of its time (hang): as TK_CRASH, nr = 0 */
	TK_VMA,	 /* a sample: arg = {VMAs of the task's address space, resident KiB, virtual KiB} */
	TK_NOTE, /* the recorder's own words about what it could not do or did not keep; TC_TEXT */
	TK_KIND_MAX,
};

enum trace_flag {
	TF_RESTARTED = 1 << 0, /* the call was restarted by the kernel after a signal; this event
				  spans all of it */
	TF_INJECTED = 1 << 1,  /* the recorder changed the result (or the bytes) on request */
	TF_SECCOMP = 1 << 2,   /* the tracee's own seccomp filter answered, trapped or killed */
	TF_I386 = 1 << 3,      /* made through int $0x80: nr and args are i386's */
	TF_NO_ENTRY = 1 << 4,  /* the entry was not seen (attached in the middle); args as far as
				  registers tell at exit */
	TF_REDACTED = 1 << 5,  /* captures were dropped by rule */
};

#define TRACE_TIME_STEP 64u /* ns */

struct trace_event {
	uint8_t kind;  /* enum trace_kind */
	uint8_t flags; /* enum trace_flag */
	uint16_t nr;
	uint32_t tid; /* as the recorder saw it */
	uint64_t seq; /* position in the trace, from 0; set by the reader */
	/* Since the trace began (CLOCK_MONOTONIC), and TK_CALL: until it returned. Moments are kept
	 * in steps of TRACE_TIME_STEP, rounded down: what a ptrace stop adds is a hundred times
	 * that, and its low bits would be a quarter of a trace. */
	uint64_t enter_ns;
	uint64_t dur_ns;
	int64_t ret; /* result or -errno, as in rax */
	uint64_t arg[6];
	uint64_t ip; /* after the syscall instruction; 0 when unknown */
	uint64_t sp;
	const uint8_t *payload; /* captures; owned by the trace */
	uint32_t payload_size;
};

/* ---- captures: pieces of tracee memory that belong to an event ---- */

/* `slot` of a capture: 0..5 for what argument n points to, or one of these. */
enum trace_slot {
	TC_EXE = 16, /* path of the image (or file) */
	TC_MAPS,     /* /proc/PID/maps, text */
	TC_AUXV,     /* as /proc/PID/auxv */
	TC_SIGINFO,  /* siginfo_t, 128 bytes */
	TC_REGS,     /* struct user_regs_struct */
	TC_STACK,    /* memory from sp upwards */
	TC_BYTES,    /* what was found */
	TC_EXPECTED, /* what should have been */
	TC_RUSAGE,   /* struct rusage */
	TC_TEXT,
	TC_COMM, /* the task's name */
	TC_CWD,	 /* working directory, with TK_EXEC */
	TC_FDS,	 /* with the root's TK_EXEC: lines "fd flags path" of what was open */
	TC_ARGV, /* with TK_EXEC: NUL-separated */
	TC_ENVP,
};

enum trace_cap_flag {
	TC_OUT = 1 << 0,   /* taken when the call returned; otherwise when it was made */
	TC_FAULT = 1 << 1, /* the address could not be read (size tells how much was) */
	TC_CUT = 1
		 << 2, /* fewer bytes stored than there were: `full`, `hash` describe all of them */
};

/*
 * `part` says which piece of a compound argument: 0 the thing itself (buffer, struct, iovec array,
 * msghdr, vector of strings); AK_IOVEC: 1 + i the data of element i; AK_STRV: 1 + i string i;
 * AK_MSGHDR: 1 name, 2 iovec array, 3 control, 16 + i data of element i; AK_MMSGHDR: message m adds
 * 1024 * m. mmap of a file: slot 4, part 0, TC_OUT is what the link of the descriptor in /proc
 * reads.
 */
struct trace_cap {
	uint8_t slot;
	uint8_t flags;
	uint16_t part;
	uint32_t full; /* bytes there were */
	uint32_t size; /* bytes stored at data */
	uint64_t hash; /* XXH3 of all `full` bytes; valid whether cut or not */
	const uint8_t *data;
};

/* Appends a capture to a payload under construction. `hash` is only read when size < full. */
void trace_cap_put(struct buf *payload, const struct trace_cap *cap);

struct trace_cap_iter {
	const uint8_t *p, *end;
};
static inline struct trace_cap_iter trace_caps(const struct trace_event *ev)
{
	const uint8_t *p = ev->payload_size ? ev->payload : (const uint8_t *)"";

	return (struct trace_cap_iter){p, p + ev->payload_size};
}
/* False at the end, or at the first capture that is not well-formed. */
bool trace_cap_next(struct trace_cap_iter *it, struct trace_cap *cap);
/* The same without working out `hash`, which is only set when size < full. */
bool trace_cap_step(struct trace_cap_iter *it, struct trace_cap *cap);
/* The first capture of that slot and part with all of `flags` set; false when there is none. */
bool trace_cap_find(const struct trace_event *ev, unsigned int slot, unsigned int part,
	unsigned int flags, struct trace_cap *cap);

/* ---- writing ---- */

struct trace_writer;

struct trace_limits {
	uint64_t max_size; /* bytes of file after which the trace ends in order; 0 none */
	uint64_t flush_ns; /* a block is closed when this much time has passed since its first
			      event; 0: 1 s */
};

/*
 * Starts a trace on fd (owned by the writer from then on). `meta` is one JSON object as text: the
 * recorder's version, command, host, options. 0 or negative errno.
 */
int trace_writer_open(struct trace_writer **out, int fd, const char *meta,
	const struct trace_limits *limits, struct err *e);
/* The largest payload of one event, in bytes; trace_writer_add: -EMSGSIZE past that, and the event
 * is not written. */
#define TRACE_PAYLOAD_MAX (16u << 20)

/*
 * Appends an event; ev->seq is ignored, payload is copied. 0; -EFBIG once max_size is reached (the
 * event, a TK_NOTE and the index were written: the trace is complete as far as it goes, and the
 * caller may let the tracee run on untraced); other negative errno when the disk failed (-ENOSPC,
 * ...): the writer then only counts what it drops.
 */
int trace_writer_add(struct trace_writer *w, const struct trace_event *ev);
/* Writes out what is buffered, as a block of its own. */
int trace_writer_flush(struct trace_writer *w);
/* Flushes, writes the index, closes fd, frees. The first error that ever happened, as negative
 * errno, or 0. */
int trace_writer_close(struct trace_writer *w);

/* ---- reading ---- */

struct trace;

/* Whether a trace is all there. */
enum trace_state {
	TRACE_WHOLE, /* index found, every checksum right as far as read */
	TRACE_TORN,  /* no index, or a block that is cut off or damaged: everything before it is
			there */
};

enum trace_open_flag {
	/* Payloads stay valid only until the trace_next, trace_seek or trace_rewind that comes to
	 * another block of the file; memory stays bounded whatever the length of the trace. */
	TRACE_STREAM = 1 << 0,
};

/*
 * Opens a trace. The error says what is wrong and what to do: not a trace, empty, made by a newer
 * version, unreadable. -ENOENT..., -EBADMSG not a trace, -EPROTONOSUPPORT future version, -ENODATA
 * empty.
 */
int trace_open(struct trace **out, const char *path, struct err *e);
int trace_open_flags(struct trace **out, const char *path,
	unsigned int flags /* enum trace_open_flag */, struct err *e);
void trace_close(struct trace *t);
const char *trace_meta(const struct trace *t); /* the JSON text */
/*
 * The next event in order; its payload stays valid until trace_close (but see TRACE_STREAM). 1 an
 * event, 0 the end, negative errno: damaged (-EBADMSG, once; then 0) or out of memory.
 */
int trace_next(struct trace *t, struct trace_event *ev);
void trace_rewind(struct trace *t);
/* The next trace_next gives the event of that seq, or the end. Costs unpacking one block at most.
 */
void trace_seek(struct trace *t, uint64_t seq);

/* What a block of the file holds, known before it is unpacked. */
struct trace_block {
	uint64_t first_seq, n_events;
	uint64_t min_ns, max_ns; /* first entry, last return */
	uint32_t kinds;		 /* bit k: enum trace_kind k is there */
	const uint8_t *nrs;	 /* bitmap of nr, trace_block_has_nr */
	const uint32_t *tids;	 /* NULL: too many to list */
	uint32_t n_tids;
};
bool trace_block_has_nr(const struct trace_block *b, unsigned int nr);
/* From now on trace_next passes over blocks for which want() is false. NULL: none. */
void trace_skip_blocks(
	struct trace *t, bool (*want)(const struct trace_block *b, void *arg), void *arg);
/* Valid once trace_next has returned 0. `why` in words when torn. */
enum trace_state trace_state(const struct trace *t, const char **why);
/* A lower bound before the end was reached, exact for whole traces. */
uint64_t trace_event_count(const struct trace *t);

#endif
