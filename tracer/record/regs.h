/*
 * What a task's registers say at a syscall-stop: PTRACE_GET_SYSCALL_INFO where the kernel has it,
 * else the register set and the entry/exit state that the recorder keeps for each task.
 */
#ifndef LOCKSTEP_TRACER_RECORD_REGS_H
#define LOCKSTEP_TRACER_RECORD_REGS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/user.h>

enum stop_op { STOP_NONE = 0, STOP_ENTRY, STOP_EXIT };

struct stop_info {
	enum stop_op op;
	bool i386;	 /* made by int $0x80 or by 32-bit code */
	uint64_t nr;	 /* entry only, or from the register set */
	uint64_t arg[6]; /* the same */
	uint64_t ip, sp;
	int64_t ret; /* exit only */
};

/* For tests and --fallback: no PTRACE_GET_SYSCALL_INFO from here on. */
void regs_force_fallback(void);
/* Whether PTRACE_GET_SYSCALL_INFO was found missing (which says: not a Linux kernel >= 5.3). */
bool regs_fallback(void);

/* in_call: the task's last syscall-stop was an entry. 0 or negative errno (-ESRCH: it died). */
int regs_at_syscall(pid_t tid, bool in_call, struct stop_info *si);
int regs_get(pid_t tid, struct user_regs_struct *regs);
int regs_set(pid_t tid, const struct user_regs_struct *regs);
/* Makes the kernel skip the call that the task is about to enter. */
int regs_skip_call(pid_t tid);
int regs_set_ret(pid_t tid, int64_t ret);

#endif
