/*
 * Tasks are born, become something else by exec, and die.
 */
#include "tracer/record/recorder.h"

#include "tracer/record/births.h"
#include "tracer/record/follow.h"
#include "tracer/record/inject.h"
#include "tracer/record/mem.h"
#include "tracer/record/seccomp.h"

#include "common/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

/*
 * The message of the event that tid stopped for. A SIGKILL may have moved it on to its
 * PTRACE_EVENT_EXIT, whose message is another: only if it still stands where it stood afterwards,
 * the message is the right one.
 */
static bool event_message(pid_t tid, int event, unsigned long *msg)
{
	siginfo_t si;

	return !ptrace(PTRACE_GETEVENTMSG, tid, 0, msg) &&
	       !ptrace(PTRACE_GETSIGINFO, tid, 0, &si) && si.si_code == (SIGTRAP | event << 8);
}

void emit_task(struct recorder *r, struct task *t, pid_t parent, uint64_t flags)
{
	struct trace_event ev = {.kind = TK_TASK,
		.tid = (uint32_t)t->tid,
		.enter_ns = rec_now(r),
		.arg = {(uint64_t)parent, flags},
		.ret = t->proc->tgid};

	t->announced = true;
	emit(r, &ev);
}

/* The clone flags as clone(2) takes them, exit signal included. */
static uint64_t birth_flags(const struct task *t, int event)
{
	struct user_regs_struct regs;
	uint64_t args[5] = {0}, nr = t->cur.nr, arg = t->cur.arg[0];

	if (!t->in_call && !regs_get(t->tid, &regs)) {
		nr = regs.orig_rax;
		arg = regs.rdi;
	}
	if (t->cur.flags & TF_I386)
		nr = 0; /* other numbers: the event must do */
	if (nr == SYS_clone)
		return arg;
	/* struct clone_args: flags first, exit_signal fifth */
	if (nr == SYS_clone3 && mem_read(t->tid, arg, args, sizeof(args)) == sizeof(args))
		return args[0] | args[4];
	return event == PTRACE_EVENT_VFORK ? CLONE_VFORK | CLONE_VM | SIGCHLD : SIGCHLD;
}

/* The place of a new process among those with its image: a fork counts as one more of its parent's.
 */
static unsigned int count_birth(struct recorder *r, const char *image)
{
	struct birth_count *b;

	for (unsigned int i = 0; i < r->nbirths; i++) {
		if (!strcmp(r->births[i].image, image))
			return ++r->births[i].n;
	}
	b = reallocarray(r->births, r->nbirths + 1, sizeof(*b));
	if (!b)
		return 0;
	r->births = b;
	b[r->nbirths].image = strdup(image);
	b[r->nbirths].n = 1;
	return b[r->nbirths].image ? b[r->nbirths++].n : 0;
}

static bool join_parent(struct recorder *r, struct task *child, struct proc *parent, bool thread)
{
	struct proc *p = thread ? parent : proc_new(child->tid, parent, inject_len(r->opt->inject));

	if (!p)
		return false;
	if (!thread && p->image)
		p->birth = count_birth(r, p->image);
	task_join(child, p);
	return true;
}

struct task *on_birth(struct recorder *r, struct task *parent, int event)
{
	unsigned long tid = 0;
	uint64_t flags;
	struct task *child;

	if (!event_message(parent->tid, event, &tid) || !tid)
		return NULL;
	child = task_find(&r->tasks, (pid_t)tid);
	if (!child)
		child = task_new(&r->tasks, (pid_t)tid);
	if (!child || child->announced)
		return NULL;
	flags = birth_flags(parent, event);
	if (!join_parent(r, child, parent->proc, flags & CLONE_THREAD))
		return NULL;
	emit_task(r, child, parent->tid, flags);
	follow_born(child, parent);
	child->filter = seccomp_get(parent->filter);
	return child;
}

/* Numbers of "Tgid:" and "PPid:" in /proc/TID/status. */
static bool read_family(pid_t tid, int *tgid, int *ppid)
{
	CLEANUP(buf) struct buf b = {0};
	const char *text = task_status(tid, &b), *g, *p;

	if (!text)
		return false;
	g = strstr(text, "\nTgid:");
	p = strstr(text, "\nPPid:");
	return g && p && sscanf(g + 6, "%d", tgid) == 1 && sscanf(p + 6, "%d", ppid) == 1;
}

struct find_proc {
	pid_t tgid;
	struct proc *found;
};

static void match_proc(struct task *t, void *arg)
{
	struct find_proc *f = arg;

	if (t->proc && t->proc->tgid == f->tgid)
		f->found = t->proc;
}

static struct proc *proc_by_tgid(struct recorder *r, pid_t tgid)
{
	struct find_proc f = {.tgid = tgid};

	task_each(&r->tasks, match_proc, &f);
	return f.found;
}

bool birth_adopt(struct recorder *r, struct task *t)
{
	int tgid = t->tid, ppid = 0;
	struct proc *p;
	bool thread;

	read_family(t->tid, &tgid, &ppid);
	thread = tgid != t->tid;
	p = proc_by_tgid(r, thread ? tgid : ppid);
	if (!join_parent(r, t, p, thread && p))
		return false;
	emit_task(r, t, thread ? tgid : ppid, thread ? CLONE_THREAD : SIGCHLD);
	return true;
}

/* With fewer calls than that a process has done little more than start: TC_MAPS tells the rest. */
#define VMA_CALLS_MIN 48

static void image_set(struct recorder *r, struct proc *p)
{
	char path[32], to[4096];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)p->tgid);
	n = readlink(path, to, sizeof(to) - 1);
	free(p->image);
	p->image = n > 0 ? strndup(to, (size_t)n) : NULL;
	if (p->image)
		p->birth = count_birth(r, p->image);
}

/* The thread that called execve becomes the leader; the former leader is gone without a word. */
static struct task *take_over(struct recorder *r, struct task *leader, pid_t tgid, pid_t former)
{
	struct task *caller = task_find(&r->tasks, former);

	if (!caller || former == tgid)
		return leader;
	if (leader) {
		calls_abandon(r, leader);
		r->exiting -= leader->exiting;
		task_drop(&r->tasks, leader);
	}
	task_rename(&r->tasks, caller, tgid);
	return caller;
}

struct task *on_exec(struct recorder *r, struct task *t, pid_t tgid)
{
	unsigned long former = 0;
	struct proc *p;

	if (!event_message(tgid, PTRACE_EVENT_EXEC, &former))
		former = 0;
	t = take_over(r, t, tgid, former ? (pid_t)former : tgid);
	if (!t || !t->proc)
		return t;
	p = t->proc;
	mem_forget(tgid);
	if (former)
		mem_forget((pid_t)former);
	p->sig.caught = p->sig.restart = p->sig.resethand = 0;
	memset(p->rule_hits, 0, inject_len(r->opt->inject) * sizeof(*p->rule_hits));
	proc_forget_mapped(p);
	p->vma_stale = true;
	p->vma_calls = 0;
	/* Until then TC_MAPS tells the number. */
	p->vma_next = rec_now(r) + r->opt->vma_every_ns;
	p->crashed = false;
	t->pre = false;
	image_set(r, p);
	evidence_exec(r, t, (pid_t)former);
	if (!r->started)
		follow_start(r, t);
	r->started = true;
	return t;
}

/* The CPU time of the whole group so far, without its children's: rusage has them added up. */
static uint64_t group_cpu_ns(pid_t tgid)
{
	/* Linux v6.18 include/linux/posix-timers_types.h: MAKE_PROCESS_CPUCLOCK(pid, SCHED) */
	clockid_t clock = (clockid_t)(~(unsigned int)tgid << 3 | 2);
	struct timespec ts;

	if (clock_gettime(clock, &ts))
		return 0;
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void on_exit_event(struct recorder *r, struct task *t)
{
	bool group_exit = t->in_call && t->cur.nr == SYS_exit_group;
	unsigned long status = 0;
	int sig;

	ptrace(PTRACE_GETEVENTMSG, t->tid, 0, &status);
	sig = (int)(status & 0x7f);
	/* No delivery-stop came for it: a filter's KILL (SA_IMMUTABLE), or one that init ignores.
	 */
	if (sig && sig != SIGKILL && !t->proc->crashed)
		evidence_crash(r, t, sig, false);
	calls_abandon(r, t);
	t->proc->cpu_ns = group_cpu_ns(t->proc->tgid);
	r->exiting += !t->exiting;
	t->exiting = true;
	/* The whole group ends: its map is complete for the last time. */
	if ((t->proc->refs == 1 || sig || group_exit) && t->proc->vma_calls >= VMA_CALLS_MIN)
		vma_sample(r, t->proc, t->tid, rec_now(r), true);
}

void on_gone(struct recorder *r, struct task *t, int status, const struct rusage *ru)
{
	bool whole = t->proc && t->proc->tgid == t->tid;
	struct trace_event ev = {.kind = TK_EXIT,
		.nr = whole,
		.tid = (uint32_t)t->tid,
		.arg = {whole ? t->proc->cpu_ns : 0},
		.ret = status};

	mem_forget(t->tid);
	calls_abandon(r, t);
	buf_reset(&r->payload);
	/* Killed without the stop at its exit: nobody asked for it in time. */
	if (whole && t->exiting)
		cap_whole(&r->payload, TC_RUSAGE, ru, sizeof(*ru));
	ev.enter_ns = rec_now(r);
	ev.payload = r->payload.data;
	ev.payload_size = (uint32_t)r->payload.len;
	if (t->announced)
		emit(r, &ev);
	r->exiting -= t->exiting;
	task_drop(&r->tasks, t);
}
