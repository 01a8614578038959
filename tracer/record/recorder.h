/*
 * The recorder's state, and the doors between its files. One thread, no locks.
 *
 * Life of an event: loop.c gets a stop from wait4 → calls.c, signals.c, births.c or evidence.c make
 * an event of it, with captures by capture.c → emit.c hands it to the trace writer → loop.c resumes
 * the task.
 */
#ifndef LOCKSTEP_TRACER_RECORD_RECORDER_H
#define LOCKSTEP_TRACER_RECORD_RECORDER_H

#include "tracer/record/options.h"
#include "tracer/record/regs.h"
#include "tracer/record/task.h"
#include "tracer/store/trace.h"

#include <sys/resource.h>

enum recorder_mode {
	REC_RUN,
	REC_DETACH, /* let every task run on untraced: the trace is full, or the disk failed */
	REC_KILL,   /* end: tasks are being killed */
	REC_STACKS, /* time is up: collect a stack of every task, then kill */
};

/* See follow.h. */
struct follow {
	bool on;
	bool spread;   /* tasks have their own masks; else all are on `cpu` */
	bool choosing; /* the scheduler may place the recorder's next wake-up */
	int cpu;
	cpu_set_t own; /* the recorder's mask at its start */
	unsigned int score, ticks;
	unsigned int stops; /* since the last tick */
};

struct recorder {
	const struct options *opt;
	struct trace_writer *w;
	struct task_table tasks;
	struct buf payload; /* of the event under construction */
	struct buf scratch;
	enum recorder_mode mode;
	pid_t root;
	bool started;	 /* the command's execve succeeded */
	int start_error; /* or its errno */
	bool root_gone, timed_out;
	int root_status;   /* wait status */
	int write_error;   /* first negative errno of the writer but -EFBIG */
	uint64_t t0;	   /* CLOCK_MONOTONIC ns at the trace's start */
	uint64_t deadline; /* ns since t0 at which the present mode ends; 0 none */
	uint64_t last_tick;
	uint64_t last_event;	 /* ns, when not flushed yet; else 0 */
	bool push;		 /* the mode changed: tasks are still to be sent its way */
	bool give_up;		 /* not even SIGKILL helped: leave */
	int ended_by;		 /* signal that ended the recorder */
	unsigned int exiting;	 /* tasks between PTRACE_EVENT_EXIT and their end */
	struct task *held_child; /* whose parent's event just came */
	struct follow follow;
	/* births by image, for `proc=K` */
	struct birth_count {
		char *image;
		unsigned int n;
	} * births;
	unsigned int nbirths;
	bool *rule_done; /* per injection rule: it was applied at least once */
};

/* ns since the trace began. */
uint64_t rec_now(const struct recorder *r);

/* ---- emit.c ---- */

/* Appends an event; from then on a full trace or a failing disk changes r->mode. */
void emit(struct recorder *r, struct trace_event *ev);
/* A TK_NOTE of that task (tid 0: of the recorder). */
void emit_note(struct recorder *r, pid_t tid, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Appends a capture of all of data. */
void cap_whole(struct buf *payload, unsigned int slot, const void *data, size_t size);
/* The same of a file under /proc, at most max bytes. */
void cap_file(struct buf *payload, unsigned int slot, const char *path, size_t max);
/* The same of where a link under /proc leads, unless a rule hides that. */
void cap_link(struct buf *payload, unsigned int slot, const char *path, const struct redact *rd);

/* ---- loop.c ---- */

/* Starts the command and records until its end. 0, or negative errno when it did not start; what
 * became of the command is in r->root_status. */
int loop_run(struct recorder *r, struct err *e);
/* Lets a stopped task run on, to its next syscall-stop or (untraced calls) event. */
void task_resume(struct recorder *r, struct task *t, int sig);
/* Sends every task towards the end of r->mode. */
void loop_set_mode(struct recorder *r, enum recorder_mode mode, uint64_t grace_ns);

/* ---- calls.c ---- */

/* At a syscall-stop. */
void on_syscall(struct recorder *r, struct task *t);
/* The call that a dying or vanishing task was in, as TK_CALL_OPEN; and what was to be restarted. */
void calls_abandon(struct recorder *r, struct task *t);
/* A signal with a handler is about to be delivered: which interrupted call ends with EINTR? */
void calls_signal(struct recorder *r, struct task *t, int sig);

/* ---- signals.c ---- */

/* At a signal-delivery-stop. */
void on_signal(struct recorder *r, struct task *t, int sig);
/* Whether sig, delivered now, would kill the process. */
bool signal_is_fatal(const struct proc *p, pid_t tid, int sig);
void signal_track_action(struct task *t, int64_t ret);

/* ---- births.c ---- */

/* PTRACE_EVENT_FORK, VFORK, CLONE of a parent. Returns the child, or NULL. */
struct task *on_birth(struct recorder *r, struct task *parent, int event);
/* PTRACE_EVENT_EXEC, reported for the thread group's id. Returns the task that lives on. */
struct task *on_exec(struct recorder *r, struct task *t, pid_t tgid);
/* PTRACE_EVENT_EXIT: still alive, with its memory. */
void on_exit_event(struct recorder *r, struct task *t);
/* Reaped. t is gone afterwards. */
void on_gone(struct recorder *r, struct task *t, int status, const struct rusage *ru);

/* ---- evidence.c ---- */

/* TK_EXEC with what belongs to it. */
void evidence_exec(struct recorder *r, struct task *t, pid_t former);
/* TK_CRASH or TK_STACK (signo 0). at_delivery: t is in the signal's delivery-stop. */
void evidence_crash(struct recorder *r, struct task *t, int signo, bool at_delivery);

/* ---- vma.c ---- */

/* Samples the VMA count of p through its stopped or running task tid, when that is due. */
void vma_sample(struct recorder *r, struct proc *p, pid_t tid, uint64_t now, bool last);
/* Whether this call changes the memory map. */
bool vma_is_memory_call(unsigned int nr);

#endif
