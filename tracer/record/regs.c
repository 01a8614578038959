/*
 * Registers at syscall-stops. LIMIT: x86-64 tasks; in the fallback calls by int $0x80 are not told
 * apart from syscall instructions.
 */
#include "tracer/record/regs.h"

#include <elf.h>
#include <errno.h>
#include <linux/audit.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

static bool g_no_syscall_info;

void regs_force_fallback(void)
{
	g_no_syscall_info = true;
}

bool regs_fallback(void)
{
	return g_no_syscall_info;
}

int regs_get(pid_t tid, struct user_regs_struct *regs)
{
	struct iovec iov = {regs, sizeof(*regs)};

	if (!ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &iov))
		return 0;
	return ptrace(PTRACE_GETREGS, tid, 0, regs) ? -errno : 0;
}

int regs_set(pid_t tid, const struct user_regs_struct *regs)
{
	struct iovec iov = {(void *)regs, sizeof(*regs)};

	if (!ptrace(PTRACE_SETREGSET, tid, NT_PRSTATUS, &iov))
		return 0;
	return ptrace(PTRACE_SETREGS, tid, 0, regs) ? -errno : 0;
}

int regs_skip_call(pid_t tid)
{
	struct user_regs_struct regs;
	int rc = regs_get(tid, &regs);

	if (rc)
		return rc;
	regs.orig_rax = (unsigned long long)-1;
	return regs_set(tid, &regs);
}

int regs_set_ret(pid_t tid, int64_t ret)
{
	struct user_regs_struct regs;
	int rc = regs_get(tid, &regs);

	if (rc)
		return rc;
	regs.rax = (unsigned long long)ret;
	return regs_set(tid, &regs);
}

static int from_syscall_info(pid_t tid, struct stop_info *si)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof(info), &info) < 0)
		return -errno;
	si->i386 = info.arch == AUDIT_ARCH_I386;
	si->ip = info.instruction_pointer;
	si->sp = info.stack_pointer;
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
		si->op = STOP_ENTRY;
		si->nr = info.entry.nr;
		memcpy(si->arg, info.entry.args, sizeof(si->arg));
	} else if (info.op == PTRACE_SYSCALL_INFO_EXIT) {
		si->op = STOP_EXIT;
		si->ret = info.exit.rval;
	} else {
		si->op = STOP_NONE;
	}
	return 0;
}

/*
 * Linux (and who imitates it) sets rax to -ENOSYS at the entry of a call: a stop without that, in a
 * task that is not in a call, is the end of a call whose entry nobody saw.
 */
static int from_registers(pid_t tid, bool in_call, struct stop_info *si)
{
	struct user_regs_struct r;
	int rc = regs_get(tid, &r);

	if (rc)
		return rc;
	si->i386 = false;
	si->ip = r.rip;
	si->sp = r.rsp;
	si->nr = r.orig_rax;
	si->arg[0] = r.rdi;
	si->arg[1] = r.rsi;
	si->arg[2] = r.rdx;
	si->arg[3] = r.r10;
	si->arg[4] = r.r8;
	si->arg[5] = r.r9;
	si->ret = (int64_t)r.rax;
	si->op = !in_call && si->ret == -ENOSYS ? STOP_ENTRY : STOP_EXIT;
	return 0;
}

int regs_at_syscall(pid_t tid, bool in_call, struct stop_info *si)
{
	if (!g_no_syscall_info) {
		int rc = from_syscall_info(tid, si);

		if (!rc || rc == -ESRCH)
			return rc;
		/* EIO is what kernels answer to a request that they do not know. */
		g_no_syscall_info = true;
	}
	return from_registers(tid, in_call, si);
}
