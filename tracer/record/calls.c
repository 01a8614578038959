/*
 * System calls: entry and exit become one event.
 *
 * A call that a signal interrupted leaves its exit-stop with one of the kernel's ERESTART codes. It
 * is set aside until one of these happens: the kernel enters it again (same number or
 * restart_syscall, same ip and sp), and the two become one event; a handler is about to run that
 * makes it fail with EINTR (no stop tells that result); the handler leaves by longjmp, and the
 * stack pointer of a later call lies above it.
 */
#include "tracer/record/recorder.h"

#include "tracer/record/capture.h"
#include "tracer/record/dirty.h"
#include "tracer/record/filters.h"
#include "tracer/record/follow.h"
#include "tracer/record/inject.h"
#include "tracer/record/mem.h"
#include "tracer/record/redact.h"

#include "abi/abi.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>

enum {
	ERESTARTSYS = 512,
	ERESTARTNOINTR = 513,
	ERESTARTNOHAND = 514,
	ERESTART_RESTARTBLOCK = 516,
};

static bool is_restart(int64_t ret)
{
	return ret == -ERESTARTSYS || ret == -ERESTARTNOINTR || ret == -ERESTARTNOHAND ||
	       ret == -ERESTART_RESTARTBLOCK;
}

/* What registers hold beyond the arguments of this very call is chance, and a sixth of a trace. */
static void put_args(struct trace_event *ev, const struct call *c)
{
	const struct abi_call *call = c->flags & TF_I386 ? NULL : abi_call(c->nr);

	memcpy(ev->arg, c->arg, (call ? abi_nargs(call, c->arg) : 6) * sizeof(ev->arg[0]));
}

static void emit_call(
	struct recorder *r, struct task *t, struct call *c, enum trace_kind kind, int64_t ret)
{
	uint64_t now = rec_now(r);
	struct trace_event ev = {.kind = (uint8_t)kind,
		.flags = c->flags,
		.nr = c->nr,
		.tid = (uint32_t)t->tid,
		.enter_ns = c->enter_ns,
		.dur_ns = now - c->enter_ns,
		.ret = ret,
		.ip = c->ip,
		.sp = c->sp,
		.payload = c->caps.data,
		.payload_size = (uint32_t)c->caps.len};

	put_args(&ev, c);
	if (c->caps.failed)
		ev.payload_size = 0;
	emit(r, &ev);
}

/* Ends the innermost interrupted call. */
static void pending_end(struct recorder *r, struct task *t, enum trace_kind kind, int64_t ret)
{
	struct call *c = &t->pending[--t->npending];

	emit_call(r, t, c, kind, ret);
	call_reset(c);
}

static void pending_push(struct recorder *r, struct task *t, int code)
{
	struct call tmp;

	if (t->npending == CALL_PENDING_MAX)
		pending_end(r, t, TK_CALL, -t->pending_code[t->npending - 1]);
	tmp = t->pending[t->npending];
	t->pending[t->npending] = t->cur;
	t->cur = tmp;
	call_reset(&t->cur);
	t->pending_code[t->npending] = code;
	t->pending_settled[t->npending] = false;
	t->npending++;
}

/* Whether the call being entered is the innermost interrupted one; it then is the current again. */
static bool pending_resume(struct task *t, const struct stop_info *si)
{
	struct call *c, tmp;

	if (!t->npending)
		return false;
	c = &t->pending[t->npending - 1];
	if (c->ip != si->ip || c->sp != si->sp ||
		(si->nr != c->nr && si->nr != SYS_restart_syscall))
		return false;
	tmp = t->cur;
	t->cur = *c;
	*c = tmp;
	call_reset(c);
	t->cur.flags |= TF_RESTARTED;
	t->npending--;
	return true;
}

/* Calls that were left by longjmp: a handler's own calls are made below them on the stack. */
static void pending_unwound(struct recorder *r, struct task *t, uint64_t sp)
{
	while (t->npending && sp >= t->pending[t->npending - 1].sp)
		pending_end(r, t, TK_CALL, -t->pending_code[t->npending - 1]);
}

void calls_signal(struct recorder *r, struct task *t, int sig)
{
	uint64_t bit = sig >= 1 && sig <= 64 ? 1ull << (sig - 1) : 0;
	unsigned int top = t->npending - 1;

	if (!t->npending || t->pending_settled[top] || !(t->proc->sig.caught & bit))
		return;
	switch (t->pending_code[top]) {
	case ERESTARTNOINTR:
		break;
	case ERESTARTSYS:
		if (t->proc->sig.restart & bit)
			break;
		/* fall through */
	default:
		pending_end(r, t, TK_CALL, -EINTR);
		return;
	}
	t->pending_settled[top] = true;
}

void calls_abandon(struct recorder *r, struct task *t)
{
	while (t->npending)
		pending_end(r, t, TK_CALL_OPEN, 0);
	if (t->in_call && !t->pre)
		emit_call(r, t, &t->cur, TK_CALL_OPEN, 0);
	t->in_call = false;
	call_reset(&t->cur);
}

/* rt_sigaction(sig, act, ...): handler and flags, before oldact may overwrite them; they stand in
 * the struct that was captured. */
static void read_action(struct task *t)
{
	struct trace_event ev = {
		.payload = t->cur.caps.data, .payload_size = (uint32_t)t->cur.caps.len};
	struct trace_cap cap;
	uint64_t act[2] = {0};

	if (t->cur.arg[1] && trace_cap_find(&ev, 1, 0, 0, &cap) && cap.size >= sizeof(act))
		memcpy(act, cap.data, sizeof(act));
	t->act_handler = act[0];
	t->act_flags = act[1];
}

static void call_begin(struct recorder *r, struct task *t, const struct stop_info *si)
{
	struct call *c = &t->cur;

	call_reset(c);
	c->nr = si->nr > 0xffff ? 0xffff : (uint16_t)si->nr;
	c->ip = si->ip;
	c->sp = si->sp;
	c->enter_ns = rec_now(r);
	memcpy(c->arg, si->arg, sizeof(c->arg));
	if (si->i386)
		c->flags |= TF_I386;
}

/* CLONE_UNTRACED: the kernel keeps the child from us. */
static void note_untraced(struct recorder *r, struct task *t)
{
	uint64_t flags = t->cur.arg[0];

	if (t->cur.nr == SYS_clone3 && mem_read(t->tid, t->cur.arg[0], &flags, 8) < 8)
		return;
	if (!(flags & CLONE_UNTRACED))
		return;
	follow_release(t);
	emit_note(r, t->tid, "a child is made with CLONE_UNTRACED: it runs unrecorded");
}

static void call_enter(struct recorder *r, struct task *t, const struct stop_info *si)
{
	t->in_call = true;
	if (pending_resume(t, si))
		return;
	pending_unwound(r, t, si->sp);
	call_begin(r, t, si);
	if (t->filter || si->nr == SYS_seccomp || si->nr == SYS_prctl)
		filters_enter(r, t, si);
	if (si->i386)
		return;
	if (t->cur.nr == SYS_sched_setaffinity)
		follow_enter(r, t);
	else if (t->cur.nr == SYS_clone || t->cur.nr == SYS_clone3)
		note_untraced(r, t);
	capture_enter(r, t);
	if (t->cur.nr == SYS_rt_sigaction)
		read_action(t);
	if (r->opt->inject)
		inject_enter(r, t);
}

static void note_ptrace(struct recorder *r, struct task *t, int64_t ret)
{
	if (ret != -EPERM || t->proc->noted_ptrace)
		return;
	t->proc->noted_ptrace = true;
	emit_note(r, t->tid,
		"ptrace gave EPERM because the process is being recorded: nobody traces a tracee");
}

static bool frees_descriptors(unsigned int nr)
{
	return nr == SYS_close || nr == SYS_dup2 || nr == SYS_dup3 || nr == SYS_close_range;
}

/* What the recorder itself must know of a call that has ended. */
static void call_watch(struct recorder *r, struct task *t, int64_t ret)
{
	unsigned int nr = t->cur.nr;

	if (nr == SYS_rt_sigaction)
		signal_track_action(t, ret);
	else if (t->filter_new)
		filters_leave(r, t, ret);
	else if (nr == SYS_ptrace)
		note_ptrace(r, t, ret);
	else if (frees_descriptors(nr))
		proc_forget_mapped(t->proc);
	else if (vma_is_memory_call(nr) && ret >= 0) {
		t->proc->vma_stale = true;
		t->proc->vma_calls++;
		dirty_track(t, ret);
	}
}

static void call_leave(struct recorder *r, struct task *t, const struct stop_info *si)
{
	int64_t ret = si->ret;

	if (!t->in_call) {
		call_begin(r, t, si);
		t->cur.flags |= TF_NO_ENTRY;
		/* Some kernels ask the filter before the tracer, and then show only the exit. */
		if (t->filter)
			filters_enter(r, t, si);
	}
	t->in_call = false;
	if (is_restart(ret)) {
		pending_push(r, t, (int)-ret);
		return;
	}
	if (!(t->cur.flags & TF_I386)) {
		if (t->cur.rule)
			ret = inject_leave(r, t, ret);
		if (t->cur.nr == SYS_sched_getaffinity || t->cur.nr == SYS_sched_setaffinity)
			follow_leave(r, t, ret);
		capture_leave(r, t, ret);
		call_watch(r, t, ret);
		redact_track(r->opt->redact, t, ret);
	}
	emit_call(r, t, &t->cur, TK_CALL, ret);
	call_reset(&t->cur);
	if (t->proc->vma_stale)
		vma_sample(r, t->proc, t->tid, rec_now(r), false);
}

/* The root's own calls before its execve are the recorder's, not the command's. */
static bool pre_skip(struct task *t, const struct stop_info *si)
{
	if (!t->pre)
		return false;
	if (si->op != STOP_ENTRY || si->nr != SYS_execve)
		return true;
	t->pre = false;
	return false;
}

/*
 * Without PTRACE_GET_SYSCALL_INFO entry and exit are told by turns. A kernel that shows only one
 * stop of a call (see call_leave) gets them out of step when that looks like an entry; the next
 * entry then comes as an exit of another call than the one in progress.
 */
static bool is_out_of_step(const struct task *t, const struct stop_info *si)
{
	if (!regs_fallback() || !t->in_call || si->op != STOP_EXIT || si->ret != -ENOSYS)
		return false;
	if (t->cur.nr == SYS_rt_sigreturn || t->cur.nr == SYS_execve || t->cur.nr == SYS_execveat)
		return false;
	return si->ip != t->cur.ip || si->nr != t->cur.nr;
}

void on_syscall(struct recorder *r, struct task *t)
{
	struct stop_info si = {0};

	if (regs_at_syscall(t->tid, t->in_call, &si) || pre_skip(t, &si))
		return;
	if (is_out_of_step(t, &si)) {
		call_leave(r, t, &si);
		si.op = STOP_ENTRY;
	}
	if (si.op == STOP_ENTRY) {
		call_enter(r, t, &si);
	} else if (si.op == STOP_EXIT) {
		if (!r->started && t->cur.nr == SYS_execve && si.ret < 0)
			r->start_error = (int)-si.ret;
		call_leave(r, t, &si);
	}
}
