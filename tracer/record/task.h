/*
 * The tasks (threads) under trace and their processes (thread groups).
 *
 * A task comes to be known twice: by its parent's ptrace event and by its own first stop, in either
 * order. It runs on only when both are in, so that its events follow its TK_TASK in the trace.
 */
#ifndef LOCKSTEP_TRACER_RECORD_TASK_H
#define LOCKSTEP_TRACER_RECORD_TASK_H

#include "tracer/record/written.h"

#include "common/buf.h"

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct inject_rule;
struct seccomp_filter;

/* A call in progress. */
struct call {
	uint16_t nr;
	uint8_t flags; /* enum trace_flag */
	uint64_t arg[6];
	uint64_t ip, sp;
	uint64_t enter_ns;
	struct buf caps; /* captures so far */
	/* What is to be done to it on request, at its exit; NULL for nearly all. */
	const struct inject_rule *rule;
};

/* How deep signal handlers may interrupt restartable calls and still have them joined. */
#define CALL_PENDING_MAX 4

/* What a process does with signals: bit n-1 for signal n. */
struct sigacts {
	uint64_t caught, ignored, restart, resethand;
};

struct proc {
	pid_t tgid;
	unsigned int refs; /* tasks that point here */
	char *image;	   /* path of what it executes; NULL when unknown */
	unsigned int
		birth; /* k-th process with that image, forks included, from 1; 0 before any exec */
	struct sigacts sig;
	unsigned int *rule_hits; /* per injection rule: calls that fitted since exec */
	uint64_t cpu_ns;	 /* as of the last thread's exit-stop */
	bool noted_ptrace;
	bool crashed;		/* TK_CRASH was written */
	bool vma_stale;		/* memory calls since the last sample */
	unsigned int vma_calls; /* memory calls since its exec */
	uint64_t vma_next;	/* ns: no sample before */
	struct written written; /* what ever was writable */
	char *mapped_name;	/* where mapped_fd leads; NULL: not known */
	int mapped_fd;
	uint64_t *hidden_fds; /* bitmap of descriptors whose data a redaction rule hides */
	unsigned int hidden_words;
};

struct task {
	pid_t tid;
	struct task *next; /* in its hash chain */
	struct proc *proc; /* NULL until the parent's event came */
	bool announced;	   /* TK_TASK was written */
	bool seen_stop;	   /* its first stop came */
	bool held;	   /* stopped, waiting for its parent's event */
	int held_status;
	uint64_t held_since; /* ns */
	bool group_stopped;  /* TK_STOP was written */
	bool stopped;	     /* in a ptrace stop now */
	bool listening;	     /* in a group-stop, by PTRACE_LISTEN */
	bool pre;	     /* the root before its execve */
	bool in_call;
	bool exiting;	  /* its PTRACE_EVENT_EXIT came */
	bool interrupted; /* PTRACE_INTERRUPT was sent on our behalf */
	bool stack_done;  /* TK_STACK was written */
	struct call cur;
	/* To be sent when it leaves this syscall-stop: by the resuming request, since a tgkill from
	 * outside is lost in some emulators. */
	int resume_sig;
	/* rt_sigaction in progress */
	uint64_t act_handler, act_flags;
	/* seccomp: what it has, and what the call in progress would add */
	struct seccomp_filter *filter, *filter_new;
	/* Interrupted calls that the kernel may restart, outermost first; code: 512.. */
	struct call pending[CALL_PENDING_MAX];
	int pending_code[CALL_PENDING_MAX];
	bool pending_settled[CALL_PENDING_MAX]; /* a handler runs, after which it restarts */
	unsigned int npending;
	/* following */
	cpu_set_t cpus; /* the affinity that the tracee believes in */
	bool pinned;
};

#define TASK_BUCKETS 1024

struct task_table {
	struct task *bucket[TASK_BUCKETS];
	unsigned int len;
};

struct task *task_find(const struct task_table *tt, pid_t tid);
/* A new task of that tid, not of any process yet; NULL when memory ran out. */
struct task *task_new(struct task_table *tt, pid_t tid);
/* Takes it out and frees it; its process with it when it was the last. */
void task_drop(struct task_table *tt, struct task *t);
/* It goes on under another id (exec from a thread that is not the leader). */
void task_rename(struct task_table *tt, struct task *t, pid_t tid);
void task_table_fini(struct task_table *tt);
/* Calls fn for each task; fn may drop the task that it is given. */
void task_each(struct task_table *tt, void (*fn)(struct task *t, void *arg), void *arg);

/* Makes t a task of process p (t then holds a reference). */
void task_join(struct task *t, struct proc *p);
/* A new process with the signal table of parent (NULL: all default) and no tasks yet. */
struct proc *proc_new(pid_t tgid, const struct proc *parent, unsigned int nrules);

/* The descriptor may lead elsewhere from now on. */
void proc_forget_mapped(struct proc *p);

void call_reset(struct call *c);

/* The text of /proc/TID/status, in b; NULL when it is gone. */
const char *task_status(pid_t tid, struct buf *b);

#endif
