/*
 * Signals on their way to tracees, and what the tracee has arranged to do with them.
 *
 * The arrangement is followed from rt_sigaction, because some emulators do not tell it in
 * /proc/PID/status; where that does tell it, it is believed (a synchronous fault whose signal is
 * blocked or ignored resets the action: Linux kernel/signal.c:force_sig_info_to_task()).
 */
#include "tracer/record/recorder.h"

#include "common/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>

/* si_code of SIGSYS from a filter: asm-generic/siginfo.h */
#ifndef SYS_SECCOMP
#define SYS_SECCOMP 1
#endif

#define BIT(sig) (1ull << ((sig)-1))

/* As the kernel has it for rt_sigaction; the C library's struct differs. */
#define K_SA_RESTART   0x10000000u
#define K_SA_RESETHAND 0x80000000u

void signal_track_action(struct task *t, int64_t ret)
{
	unsigned int sig = (unsigned int)t->cur.arg[0];
	struct sigacts *a = &t->proc->sig;
	uint64_t bit;

	if (ret || !t->cur.arg[1] || sig < 1 || sig > 64)
		return;
	bit = BIT(sig);
	a->caught &= ~bit;
	a->ignored &= ~bit;
	a->restart &= ~bit;
	a->resethand &= ~bit;
	if (t->act_handler == (uint64_t)(uintptr_t)SIG_IGN) {
		a->ignored |= bit;
	} else if (t->act_handler) {
		a->caught |= bit;
		a->restart |= t->act_flags & K_SA_RESTART ? bit : 0;
		a->resethand |= t->act_flags & K_SA_RESETHAND ? bit : 0;
	}
}

/* True when /proc/TID/status told both masks. */
static bool masks_from_proc(pid_t tid, uint64_t *caught, uint64_t *ignored)
{
	CLEANUP(buf) struct buf b = {0};
	const char *text = task_status(tid, &b), *c, *i;

	if (!text)
		return false;
	c = strstr(text, "\nSigCgt:");
	i = strstr(text, "\nSigIgn:");
	return c && i && sscanf(c + 8, "%lx", caught) == 1 && sscanf(i + 8, "%lx", ignored) == 1;
}

static bool harmless_by_default(int sig)
{
	switch (sig) {
	case SIGCHLD:
	case SIGCONT:
	case SIGURG:
	case SIGWINCH:
	case SIGSTOP:
	case SIGTSTP:
	case SIGTTIN:
	case SIGTTOU:
		return true;
	}
	return false;
}

bool signal_is_fatal(const struct proc *p, pid_t tid, int sig)
{
	uint64_t caught = p->sig.caught, ignored = p->sig.ignored;

	if (harmless_by_default(sig) || sig < 1 || sig > 64)
		return false;
	masks_from_proc(tid, &caught, &ignored);
	return !((caught | ignored) & BIT(sig));
}

static void emit_signal(struct recorder *r, struct task *t, int sig)
{
	struct trace_event ev = {.kind = TK_SIGNAL, .nr = (uint16_t)sig, .tid = (uint32_t)t->tid};
	siginfo_t si = {0};

	if (!ptrace(PTRACE_GETSIGINFO, t->tid, 0, &si)) {
		ev.ret = si.si_code;
		ev.arg[0] = si.si_code > 0 && sig != SIGCHLD ? (uint64_t)si.si_addr
							     : (uint64_t)si.si_pid;
		if (sig == SIGSYS && si.si_code == SYS_SECCOMP)
			ev.flags |= TF_SECCOMP;
	}
	buf_reset(&r->payload);
	cap_whole(&r->payload, TC_SIGINFO, &si, sizeof(si));
	ev.enter_ns = rec_now(r);
	ev.payload = r->payload.data;
	ev.payload_size = (uint32_t)r->payload.len;
	emit(r, &ev);
}

void on_signal(struct recorder *r, struct task *t, int sig)
{
	calls_signal(r, t, sig);
	emit_signal(r, t, sig);
	if (sig >= 1 && sig <= 64 && (t->proc->sig.resethand & BIT(sig)))
		t->proc->sig.caught &= ~BIT(sig);
	if (signal_is_fatal(t->proc, t->tid, sig))
		evidence_crash(r, t, sig, true);
}
