#include "tracer/record/filters.h"

#include "tracer/record/mem.h"
#include "tracer/record/seccomp.h"

#include "common/cleanup.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

/* The address of the sock_fprog that the call being entered would install; 0 none. */
static uint64_t program_of(const struct call *c)
{
	if (c->nr == SYS_seccomp && c->arg[0] == SECCOMP_SET_MODE_FILTER)
		return c->arg[2];
	if (c->nr == SYS_prctl && c->arg[0] == PR_SET_SECCOMP && c->arg[1] == SECCOMP_MODE_FILTER)
		return c->arg[2];
	return 0;
}

/* Reads the program now: after the call its memory may be anything. */
static void keep_program(struct task *t, uint64_t addr)
{
	CLEANUP(free) struct sock_filter *insns = NULL;
	struct sock_fprog prog;
	size_t size;

	if (mem_read(t->tid, addr, &prog, sizeof(prog)) < sizeof(prog) || prog.len > BPF_MAXINSNS)
		return;
	size = prog.len * sizeof(*insns);
	insns = malloc(size + 1);
	if (!insns || mem_read(t->tid, (uint64_t)(uintptr_t)prog.filter, insns, size) < size)
		return;
	seccomp_put(t->filter_new);
	t->filter_new = seccomp_new(insns, prog.len);
}

void filters_enter(struct recorder *r, struct task *t, const struct stop_info *si)
{
	uint64_t program;

	if (t->filter) {
		struct filter_input in = {.nr = (int32_t)si->nr,
			.arch = si->i386 ? AUDIT_ARCH_I386 : AUDIT_ARCH_X86_64,
			.ip = si->ip};

		memcpy(in.arg, si->arg, sizeof(in.arg));
		if (seccomp_answers(seccomp_run(t->filter, &in)))
			t->cur.flags |= TF_SECCOMP;
	}
	program = si->i386 ? 0 : program_of(&t->cur);
	if (program)
		keep_program(t, program);
}

/* SECCOMP_FILTER_FLAG_TSYNC: all threads get the caller's filters. */
static void sync_thread(struct task *t, void *arg)
{
	struct task *from = arg;

	if (t == from || t->proc != from->proc)
		return;
	seccomp_put(t->filter);
	t->filter = seccomp_get(from->filter);
}

void filters_leave(struct recorder *r, struct task *t, int64_t ret)
{
	bool tsync = t->cur.nr == SYS_seccomp && (t->cur.arg[1] & SECCOMP_FILTER_FLAG_TSYNC);
	struct seccomp_filter *f = STEAL(t->filter_new);

	/* With TSYNC a positive result is a thread that stood in the way. */
	if (!f || ret < 0 ||
		(tsync && ret && !(t->cur.arg[1] & SECCOMP_FILTER_FLAG_NEW_LISTENER))) {
		seccomp_put(f);
		return;
	}
	t->filter = seccomp_link(f, t->filter);
	if (tsync)
		task_each(&r->tasks, sync_thread, t);
}
