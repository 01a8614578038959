/*
 * A model of the traced processes, replayed from the events of a trace in order: what each
 * descriptor stands for, what lies at each address, working directories, the tree of tasks. A trace
 * holds numbers; this says what they meant at that moment.
 *
 * Use: for each event, first ask (the model is as it was when the call was made, as far as events
 * tell), then model_event() to apply what the event did. TK_TASK and TK_EXEC are the exception:
 * apply, then ask about the new task.
 *
 * Whatever the trace says is taken as it is and never trusted: wrong numbers give wrong names, not
 * a crash; memory follows the number of descriptors and mappings alive, and of distinct names.
 * Strings live until model_free and are interned: equal text is the same pointer, so callers may
 * keep tables by pointer. Not locked.
 *
 * LIMIT: paths are joined lexically ("..", "." and "//" are resolved without looking at symlinks).
 * LIMIT: SCM_RIGHTS finds the sent file through socketpair(2) ends only; else it is
 *        "/@received".
 * LIMIT: calls made through int $0x80 (TF_I386) change nothing.
 */
#ifndef LOCKSTEP_TRACER_DECODE_MODEL_H
#define LOCKSTEP_TRACER_DECODE_MODEL_H

#include "common/buf.h"
#include "tracer/store/trace.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct model;

struct model *model_new(void); /* NULL when memory ran out */
void model_free(struct model *m);
/* Applies an event. 0 or -ENOMEM (the model then knows less, but is still usable). */
int model_event(struct model *m, const struct trace_event *ev);

/* ---- descriptors ---- */

enum fd_type {
	FD_UNKNOWN = 0, /* open before the trace, or by something the model does not follow */
	FD_FILE,	/* name is its path */
	FD_PIPE,
	FD_SOCKET, /* name changes with bind and connect */
	FD_OTHER,  /* eventfd, epoll, ... */
};

/* An open file (Linux: struct file): dup, fork and SCM_RIGHTS share it. */
struct fd_info {
	/*
	 * The path, absolute; or, for what has none, "/@" and what it is: "/@pipe", "/@eventfd",
	 * "/@epoll", "/@memfd/NAME", "/@unix", "/@unix/PATH", "/@unix/@ABSTRACT",
	 * "/@inet/127.0.0.1/8080", "/@inet6/::1/80", "/@netlink", "/@socket". Never NULL.
	 */
	const char *name;
	uint32_t serial; /* of all open files of the trace, by birth, from 1 */
	uint32_t peer;	 /* serial of the other end of a pipe or socketpair; 0: none known */
	uint8_t type;	 /* enum fd_type */
	bool write_end;	 /* of a pipe */
	int32_t domain;	 /* FD_SOCKET: AF_*, else -1 */
	uint32_t flags;	 /* O_* as given at open, for files */
	uint64_t born_seq;
	uint32_t born_tid;
	int32_t born_fd; /* the number it first had */
};

/* NULL when the task or the descriptor is not known. Valid until the next model_event. */
const struct fd_info *model_fd(struct model *m, uint32_t tid, int fd);
/* Its name, or NULL. */
const char *model_fd_name(struct model *m, uint32_t tid, int fd);
/* Whether it closes on exec. */
bool model_fd_cloexec(struct model *m, uint32_t tid, int fd);
/* Calls each() for all descriptors of a task, in no order. */
void model_fds(struct model *m, uint32_t tid,
	void (*each)(int fd, const struct fd_info *info, void *arg), void *arg);

/* ---- paths ---- */

/* The working directory, absolute, or NULL when unknown. */
const char *model_cwd(struct model *m, uint32_t tid);
/*
 * Appends the absolute form of a path as the task's call would see it: `dirfd` is a descriptor or
 * AT_FDCWD, used when the path is relative; an empty path is what dirfd itself stands for. Where
 * the directory is not known, "?/" stands for it. False then (the text is appended all the same).
 */
bool model_path(
	struct model *m, uint32_t tid, int dirfd, const char *path, size_t len, struct buf *out);
/* The name, as in struct fd_info, of a socket address of `size` bytes; always NUL-terminated. */
void model_sockaddr_name(const void *addr, size_t size, char *text, size_t text_size);

/* ---- addresses ---- */

enum addr_kind {
	ADDR_NONE = 0, /* nothing is mapped there */
	ADDR_FILE,     /* name: the file; off: its offset */
	ADDR_HEAP,     /* off: from the start of the heap */
	ADDR_STACK,    /* the main stack; off: bytes below its top */
	ADDR_VDSO,     /* [vdso], [vvar], [vsyscall]: name; off: from its start */
	ADDR_ANON,     /* off: from where the mapping began at its birth */
};

struct addr_info {
	uint8_t kind;	     /* enum addr_kind */
	uint8_t prot;	     /* PROT_* */
	bool shared;	     /* MAP_SHARED */
	const char *name;    /* a path, "[heap]", "[stack]", "[vdso]", "[anon]"; never NULL */
	uint64_t off;	     /* see enum addr_kind */
	uint32_t birth;	     /* ordinal of the mapping among all since its process's exec */
	uint64_t start, end; /* of the piece that is mapped now */
};

/* False (and kind ADDR_NONE) when nothing is known to be mapped there. */
bool model_addr(struct model *m, uint32_t tid, uint64_t addr, struct addr_info *out);
/* VMAs of the task's address space as the model has them (the kernel may merge more). */
size_t model_vmas(struct model *m, uint32_t tid);

/* ---- tasks ---- */

struct model_task {
	uint32_t tid, tgid;
	uint32_t parent;     /* tid of the creator (the creator's thread, not its group); 0: root */
	uint32_t ord;	     /* birth ordinal among all tasks, from 0 */
	uint32_t parent_ord; /* UINT32_MAX: root */
	uint32_t execs;	     /* of its process so far */
	uint64_t clone_flags;
	uint64_t born_seq, born_ns;
	uint64_t exec_seq; /* of the last exec of its process; UINT64_MAX: none in the trace */
	const char *image; /* path of what it runs; "" when unknown */
	const char *comm;  /* its name; "" when unknown */
	/* NUL-separated, of the last exec; NULL when unknown. Until the process execs again. */
	const uint8_t *argv;
	size_t argv_size;
	bool exited;
	int status; /* wait status, once exited */
};

/* The task that has or last had the tid; NULL when there never was one. Valid until model_free,
 * contents change with model_event. Tasks that events mention without a TK_TASK count from then. */
const struct model_task *model_task(struct model *m, uint32_t tid);
/* All tasks by ord; NULL past the last. */
const struct model_task *model_task_at(struct model *m, uint32_t ord);

#endif
