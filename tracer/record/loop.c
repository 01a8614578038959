/*
 * The wait loop: every stop of every tracee comes by here.
 *
 * It ends when no tracee is left, or at a deadline: it never waits for ever on something that may
 * not come. A tick (own_signals.c) interrupts wait4 for that.
 */
#include "tracer/record/recorder.h"

#include "tracer/record/births.h"
#include "tracer/record/follow.h"
#include "tracer/record/inject.h"
#include "tracer/record/start.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#define MS 1000000ull
/* A task whose parent's event has not come by then is adopted without it. */
#define HELD_NS (1000 * MS)
/* How long killed or interrupted tasks may take. */
#define KILL_NS (3000 * MS)
/* Events that nothing followed are written out after that long. */
#define FLUSH_NS  (1000 * MS)
#define STACKS_NS (1000 * MS)

void task_resume(struct recorder *r, struct task *t, int sig)
{
	long request = r->opt->no_calls && !t->pre ? PTRACE_CONT : PTRACE_SYSCALL;

	if (r->mode == REC_DETACH) {
		ptrace(PTRACE_DETACH, t->tid, 0, sig);
		task_drop(&r->tasks, t);
		return;
	}
	t->stopped = t->listening = false;
	/* ESRCH: killed in the meantime; wait4 will say so. */
	ptrace((enum __ptrace_request)request, t->tid, 0, sig);
}

/* ---- ends ---- */

static void push_to_end(struct task *t, void *arg)
{
	struct recorder *r = arg;

	if (r->mode == REC_KILL) {
		kill(t->tid, SIGKILL);
	} else if (t->stopped && !t->listening) {
		if (r->mode == REC_DETACH)
			task_resume(r, t, 0);
	} else if (!t->interrupted) {
		t->interrupted = !ptrace(PTRACE_INTERRUPT, t->tid, 0, 0);
	}
}

void loop_set_mode(struct recorder *r, enum recorder_mode mode, uint64_t grace_ns)
{
	r->mode = mode;
	r->deadline = grace_ns ? rec_now(r) + grace_ns : 0;
	r->push = true;
}

/* Not at the place where the mode changes: that may be deep inside the handling of one task. */
static void push_all(struct recorder *r)
{
	if (!r->push)
		return;
	r->push = false;
	follow_end(r);
	task_each(&r->tasks, push_to_end, r);
}

static void take_stack(struct recorder *r, struct task *t)
{
	if (!t->stack_done && t->proc)
		evidence_crash(r, t, 0, false);
	t->stack_done = true;
}

static void count_unstacked(struct task *t, void *arg)
{
	*(unsigned int *)arg += !t->stack_done;
}

static void stack_if_stopped(struct task *t, void *arg)
{
	if (t->stopped && !t->listening)
		take_stack(arg, t);
}

static void time_is_up(struct recorder *r)
{
	r->timed_out = true;
	emit_note(r, 0, "time limit of %.3f s reached: stacks of all tasks follow, then the end",
		(double)r->opt->timeout_ns / 1e9);
	loop_set_mode(r, REC_STACKS, STACKS_NS);
	task_each(&r->tasks, stack_if_stopped, r);
}

static void deadline_passed(struct recorder *r)
{
	if (r->mode == REC_RUN)
		emit_note(r, 0, "%u tasks outlived the command by %.1f s (--grace) and were killed",
			r->tasks.len, (double)r->opt->grace_ns / 1e9);
	if (r->mode == REC_KILL) {
		emit_note(r, 0, "%u tasks did not die of SIGKILL in time", r->tasks.len);
		r->give_up = true;
		return;
	}
	loop_set_mode(r, REC_KILL, KILL_NS);
}

/* ---- stops ---- */

static void dispatch_stop(struct recorder *r, struct task *t, int status);

/* Its first stop or its death came before its parent's event. */
static void hold(struct recorder *r, struct task *t, int status)
{
	t->held = true;
	t->held_status = status;
	t->held_since = rec_now(r);
}

static void release(struct recorder *r, struct task *t)
{
	struct rusage none = {0};

	t->held = false;
	if (WIFSTOPPED(t->held_status))
		dispatch_stop(r, t, t->held_status);
	else
		on_gone(r, t, t->held_status, &none);
}

static void adopt_if_old(struct task *t, void *arg)
{
	struct recorder *r = arg;

	if (!t->held || t->announced || rec_now(r) < t->held_since + HELD_NS)
		return;
	/* Nothing is known of the dead: it may even be no tracee, but a child that we were exec'ed
	 * with. */
	if (!WIFSTOPPED(t->held_status))
		task_drop(&r->tasks, t);
	else if (birth_adopt(r, t))
		release(r, t);
}

static void emit_group(struct recorder *r, struct task *t, enum trace_kind kind, int sig)
{
	struct trace_event ev = {.kind = (uint8_t)kind,
		.nr = (uint16_t)sig,
		.tid = (uint32_t)t->tid,
		.enter_ns = rec_now(r)};

	emit(r, &ev);
}

static bool is_stopping(int sig)
{
	return sig == SIGSTOP || sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU;
}

/*
 * The command was stopped from its terminal: whoever started the recorder waits for that (a shell
 * does). SIGCONT then comes to the process group, and so to both.
 */
static void stop_along(const struct recorder *r, const struct task *t, int sig)
{
	if (sig == SIGTSTP && t->tid == r->root && isatty(0) && getpgid(r->root) == getpgrp())
		raise(SIGSTOP);
}

/* A group-stop, its end, a first stop, or the answer to PTRACE_INTERRUPT. */
static void on_event_stop(struct recorder *r, struct task *t, int sig)
{
	t->interrupted = false;
	if (is_stopping(sig) && !t->pre) {
		if (!t->group_stopped)
			emit_group(r, t, TK_STOP, sig);
		t->group_stopped = true;
		if (r->mode == REC_RUN && !ptrace(PTRACE_LISTEN, t->tid, 0, 0)) {
			t->listening = true;
			stop_along(r, t, sig);
			return;
		}
	} else if (t->group_stopped) {
		emit_group(r, t, TK_CONT, SIGCONT);
		t->group_stopped = false;
	}
	task_resume(r, t, 0);
}

/* A task that was born announces itself by an event-stop, or by a SIGSTOP where the kernel does
 * not know better. */
static bool is_birth_stop(const struct task *t, int status)
{
	return !t->seen_stop && !t->pre &&
	       (status >> 16 == PTRACE_EVENT_STOP || WSTOPSIG(status) == SIGSTOP);
}

static void on_event(struct recorder *r, struct task *t, int event, int sig)
{
	switch (event) {
	case PTRACE_EVENT_FORK:
	case PTRACE_EVENT_VFORK:
	case PTRACE_EVENT_CLONE:
		r->held_child = on_birth(r, t, event);
		break;
	case PTRACE_EVENT_EXIT:
		on_exit_event(r, t);
		break;
	case PTRACE_EVENT_STOP:
		on_event_stop(r, t, sig);
		return;
	}
	task_resume(r, t, 0);
}

static void dispatch_stop(struct recorder *r, struct task *t, int status)
{
	int sig = WSTOPSIG(status), event = status >> 16;

	t->stopped = true;
	t->listening = false;
	if (r->mode == REC_STACKS) {
		take_stack(r, t);
		return;
	}
	if (r->mode == REC_KILL)
		kill(t->tid, SIGKILL);
	if (!t->proc) {
		task_resume(r, t, 0);
		return;
	}
	if (is_birth_stop(t, status) && !is_stopping(sig)) {
		t->seen_stop = true;
		task_resume(r, t, 0);
		return;
	}
	t->seen_stop = true;
	if (sig == (SIGTRAP | 0x80)) {
		on_syscall(r, t);
		sig = t->resume_sig;
		t->resume_sig = 0;
		task_resume(r, t, sig);
	} else if (event) {
		on_event(r, t, event, sig);
	} else {
		if (!t->pre)
			on_signal(r, t, sig);
		task_resume(r, t, sig);
	}
}

/* A child that was held may go on once its parent's event is in. */
static void release_child(struct recorder *r)
{
	struct task *child = r->held_child;

	r->held_child = NULL;
	if (child && child->held)
		release(r, child);
}

static void root_ended(struct recorder *r, int status)
{
	r->root_gone = true;
	r->root_status = status;
	if (r->mode == REC_RUN)
		r->deadline = rec_now(r) + (r->opt->grace_ns ? r->opt->grace_ns : 1);
}

static void dispatch_death(struct recorder *r, struct task *t, int status, const struct rusage *ru)
{
	if (t && t->announced)
		on_gone(r, t, status, ru);
	else if (t)
		hold(r, t, status);
}

static void dispatch_exec(struct recorder *r, struct task *t, pid_t tgid)
{
	t = on_exec(r, t, tgid);
	if (t)
		task_resume(r, t, 0);
}

static void dispatch(struct recorder *r, pid_t tid, int status, const struct rusage *ru)
{
	struct task *t = task_find(&r->tasks, tid);

	if (!t && (WIFSTOPPED(status) || (tid != r->root && r->mode == REC_RUN)))
		t = task_new(&r->tasks, tid);
	if (!WIFSTOPPED(status)) {
		dispatch_death(r, t, status, ru);
		if (tid == r->root)
			root_ended(r, status);
	} else if (status >> 16 == PTRACE_EVENT_EXEC) {
		dispatch_exec(r, t, tid);
	} else if (t && !t->announced && r->mode == REC_RUN) {
		t->stopped = true;
		hold(r, t, status);
	} else if (t) {
		dispatch_stop(r, t, status);
		release_child(r);
	}
}

/* ---- the loop ---- */

static void sample_running(struct task *t, void *arg)
{
	struct recorder *r = arg;

	if (t->proc && t->proc->vma_stale && !t->pre)
		vma_sample(r, t->proc, t->tid, r->last_tick, false);
}

static void tick(struct recorder *r)
{
	unsigned int unstacked = 0;
	uint64_t now = rec_now(r);
	int sig = signals_end_request();

	r->last_tick = now;
	/* What a tracee that now sleeps has done must not be lost with the recorder. */
	if (r->last_event && now > r->last_event + FLUSH_NS) {
		r->last_event = 0;
		trace_writer_flush(r->w);
	}
	follow_tick(r);
	if (sig && r->mode != REC_KILL && !r->ended_by) {
		r->ended_by = sig;
		emit_note(r, 0, "the recorder was asked to end by signal %d", sig);
		loop_set_mode(r, REC_KILL, KILL_NS);
	}
	if (r->mode == REC_RUN && r->opt->timeout_ns && now > r->opt->timeout_ns && !r->timed_out)
		time_is_up(r);
	else if (r->deadline && now > r->deadline)
		deadline_passed(r);
	if (r->mode == REC_RUN) {
		task_each(&r->tasks, adopt_if_old, r);
		task_each(&r->tasks, sample_running, r);
	}
	if (r->mode == REC_STACKS) {
		task_each(&r->tasks, count_unstacked, &unstacked);
		if (!unstacked)
			loop_set_mode(r, REC_KILL, KILL_NS);
	}
}

static bool is_done(const struct recorder *r)
{
	return r->give_up || (r->root_gone && !r->tasks.len);
}

/*
 * wait4 always looks at the tasks in one order: with many of them the last would starve. From so
 * many on all that stand are taken down first, and then served; below, that would be one more
 * system call for each stop.
 */
#define FAIR_TASKS 12u
#define BATCH_MAX  256u

struct waited {
	pid_t tid;
	int status;
	struct rusage ru;
};

/* Waits for the first, takes what else is there. How many; 0: interrupted; negative errno. */
static int collect(struct recorder *r, struct waited *w)
{
	unsigned int n = 0, max = r->tasks.len > FAIR_TASKS ? BATCH_MAX : 1;

	do {
		/* The kernel takes a while to sum rusage up: only when somebody may be dying. */
		w[n].tid = wait4(
			-1, &w[n].status, __WALL | (n ? WNOHANG : 0), r->exiting ? &w[n].ru : NULL);
	} while (w[n].tid > 0 && ++n < max);
	if (n)
		return (int)n;
	return errno == EINTR ? 0 : -errno;
}

static void loop(struct recorder *r)
{
	static struct waited w[BATCH_MAX];
	unsigned int stops = 0;

	while (!is_done(r)) {
		int n = collect(r, w);

		if (n < 0)
			return;
		if (r->follow.choosing)
			follow_choose(r);
		for (int i = 0; i < n; i++)
			dispatch(r, w[i].tid, w[i].status, &w[i].ru);
		r->follow.stops += (unsigned int)n;
		stops += (unsigned int)n;
		/* A tracee that keeps us busy must not keep the tick from being looked at. */
		if (!n || stops > 1024) {
			stops = 0;
			tick(r);
		}
		push_all(r);
	}
}

static int add_root(struct recorder *r, uint64_t ignored, struct err *e)
{
	struct task *t = task_new(&r->tasks, r->root);
	struct proc *p = t ? proc_new(r->root, NULL, inject_len(r->opt->inject)) : NULL;

	if (!p)
		return err_set(e, ENOMEM, "out of memory");
	p->sig.ignored = ignored;
	task_join(t, p);
	t->pre = true;
	emit_task(r, t, 0, SIGCHLD);
	return 0;
}

static int start_result(const struct recorder *r, struct err *e)
{
	const char *cmd = r->opt->cmd[0];

	if (!r->start_error)
		return 0;
	if (r->start_error == ENOENT && strchr(cmd, '/') && !access(cmd, F_OK))
		return err_set(e, ENOENT,
			"%s: its interpreter (after #!, or the ELF's PT_INTERP) does not exist",
			cmd);
	return err_set(
		e, r->start_error, "%s: cannot be executed: %s", cmd, strerror(r->start_error));
}

int loop_run(struct recorder *r, struct err *e)
{
	struct signal_state saved;
	int rc;

	signals_setup(&saved);
	rc = start_root(r, &saved, e);
	if (!rc)
		rc = add_root(r, signals_ignored(&saved), e);
	if (!rc)
		loop(r);
	signals_restore(&saved);
	return rc ? rc : start_result(r, e);
}
