/* siginfo_t as nodes: which fields count depends on signal and code. sigaction(2). */
#include "tracer/decode/tree.h"

#include <signal.h>
#include <stddef.h>
#include <string.h>

struct code_name {
	int signo; /* 0: any */
	int code;
	const char *name;
};

/* clang-format off */
static const struct code_name g_codes[] = {
	{0, SI_USER, "SI_USER"}, {0, SI_KERNEL, "SI_KERNEL"}, {0, SI_QUEUE, "SI_QUEUE"}, {0, SI_TIMER, "SI_TIMER"},
	{0, SI_MESGQ, "SI_MESGQ"}, {0, SI_ASYNCIO, "SI_ASYNCIO"}, {0, SI_SIGIO, "SI_SIGIO"}, {0, SI_TKILL, "SI_TKILL"},
	{SIGSEGV, 1, "SEGV_MAPERR"}, {SIGSEGV, 2, "SEGV_ACCERR"}, {SIGSEGV, 3, "SEGV_BNDERR"}, {SIGSEGV, 4, "SEGV_PKUERR"},
	{SIGBUS, 1, "BUS_ADRALN"}, {SIGBUS, 2, "BUS_ADRERR"}, {SIGBUS, 3, "BUS_OBJERR"}, {SIGBUS, 4, "BUS_MCEERR_AR"},
	{SIGBUS, 5, "BUS_MCEERR_AO"},
	{SIGFPE, 1, "FPE_INTDIV"}, {SIGFPE, 2, "FPE_INTOVF"}, {SIGFPE, 3, "FPE_FLTDIV"}, {SIGFPE, 4, "FPE_FLTOVF"},
	{SIGFPE, 5, "FPE_FLTUND"}, {SIGFPE, 6, "FPE_FLTRES"}, {SIGFPE, 7, "FPE_FLTINV"}, {SIGFPE, 8, "FPE_FLTSUB"},
	{SIGILL, 1, "ILL_ILLOPC"}, {SIGILL, 2, "ILL_ILLOPN"}, {SIGILL, 3, "ILL_ILLADR"}, {SIGILL, 4, "ILL_ILLTRP"},
	{SIGILL, 5, "ILL_PRVOPC"}, {SIGILL, 6, "ILL_PRVREG"}, {SIGILL, 7, "ILL_COPROC"}, {SIGILL, 8, "ILL_BADSTK"},
	{SIGTRAP, 1, "TRAP_BRKPT"}, {SIGTRAP, 2, "TRAP_TRACE"}, {SIGTRAP, 3, "TRAP_BRANCH"}, {SIGTRAP, 4, "TRAP_HWBKPT"},
	{SIGCHLD, 1, "CLD_EXITED"}, {SIGCHLD, 2, "CLD_KILLED"}, {SIGCHLD, 3, "CLD_DUMPED"}, {SIGCHLD, 4, "CLD_TRAPPED"},
	{SIGCHLD, 5, "CLD_STOPPED"}, {SIGCHLD, 6, "CLD_CONTINUED"},
	{SIGPOLL, 1, "POLL_IN"}, {SIGPOLL, 2, "POLL_OUT"}, {SIGPOLL, 3, "POLL_MSG"}, {SIGPOLL, 4, "POLL_ERR"},
	{SIGPOLL, 5, "POLL_PRI"}, {SIGPOLL, 6, "POLL_HUP"},
	{SIGSYS, 1, "SYS_SECCOMP"},
};
/* clang-format on */

static const char *code_name(int signo, int code)
{
	size_t i;

	for (i = 0; i < sizeof(g_codes) / sizeof(g_codes[0]); i++)
		if (g_codes[i].code == code && (!g_codes[i].signo || g_codes[i].signo == signo))
			return g_codes[i].name;
	return NULL;
}

static bool is_fault(int signo)
{
	return signo == SIGSEGV || signo == SIGBUS || signo == SIGFPE || signo == SIGILL ||
	       signo == SIGTRAP;
}

static void child_fields(struct tree *t, uint32_t n, const siginfo_t *si)
{
	tree_value(t, n, "si_pid", AK_PID, 0, (uint32_t)si->si_pid, 4);
	tree_value(t, n, "si_uid", AK_UID, 0, si->si_uid, 4);
	tree_value(t, n, "si_status", si->si_code == CLD_EXITED ? AK_INT : AK_SIGNO, 0,
		(uint32_t)si->si_status, 4);
	tree_value(t, n, "si_utime", AK_LONG, 0, si->si_utime, 8);
	tree_value(t, n, "si_stime", AK_LONG, 0, si->si_stime, 8);
}

static void sent_fields(struct tree *t, uint32_t n, const siginfo_t *si)
{
	tree_value(t, n, "si_pid", AK_PID, 0, (uint32_t)si->si_pid, 4);
	tree_value(t, n, "si_uid", AK_UID, 0, si->si_uid, 4);
	if (si->si_code == SI_QUEUE || si->si_code == SI_MESGQ)
		tree_value(t, n, "si_value", AK_HEX, 0, (uint64_t)si->si_value.sival_ptr, 8);
}

static void body(struct tree *t, uint32_t n, const siginfo_t *si)
{
	if (si->si_code == SI_TIMER) {
		tree_value(t, n, "si_timerid", AK_HEX, 0, (uint32_t)si->si_timerid, 4);
		tree_value(t, n, "si_overrun", AK_INT, 0, (uint32_t)si->si_overrun, 4);
		tree_value(t, n, "si_value", AK_HEX, 0, (uint64_t)si->si_value.sival_ptr, 8);
	} else if (si->si_code <= 0) {
		sent_fields(t, n, si);
	} else if (si->si_code == SI_KERNEL && !is_fault(si->si_signo)) {
		return;
	} else if (si->si_signo == SIGCHLD) {
		child_fields(t, n, si);
	} else if (is_fault(si->si_signo)) {
		tree_addr(t, n, "si_addr", AK_ADDR, (uint64_t)si->si_addr);
	} else if (si->si_signo == SIGSYS) {
		tree_addr(t, n, "si_call_addr", AK_ADDR, (uint64_t)si->si_call_addr);
		tree_word(t, n, "si_syscall", AK_INT, (uint32_t)si->si_syscall,
			abi_call((unsigned int)si->si_syscall)
				? abi_call((unsigned int)si->si_syscall)->name
				: NULL);
		tree_value(t, n, "si_arch", AK_HEX, 0, si->si_arch, 4);
	} else if (si->si_signo == SIGPOLL) {
		tree_value(t, n, "si_band", AK_LONG, 0, (uint64_t)si->si_band, 8);
		tree_value(t, n, "si_fd", AK_FD, 0, (uint32_t)si->si_fd, 4);
	} else {
		sent_fields(t, n, si);
	}
}

uint32_t tree_siginfo(
	struct tree *t, uint32_t parent, const char *name, const uint8_t *bytes, uint32_t size)
{
	uint32_t n = tree_add(t, parent, name, NF_STRUCT, AK_STRUCT);
	siginfo_t si;

	memset(&si, 0, sizeof(si));
	memcpy(&si, bytes, size < sizeof(si) ? size : sizeof(si));
	tree_node(t, n)->type = "siginfo";
	tree_value(t, n, "si_signo", AK_SIGNO, 0, (uint32_t)si.si_signo, 4);
	tree_word(t, n, "si_code", AK_ENUM, (uint64_t)(int64_t)si.si_code,
		code_name(si.si_signo, si.si_code));
	if (si.si_errno)
		tree_value(t, n, "si_errno", AK_ERRNO, 0, (uint32_t)si.si_errno, 4);
	body(t, n, &si);
	return n;
}
