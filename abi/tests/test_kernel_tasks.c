/*
 * Processes, time, signals, memory and IPC, held to the running kernel.
 */
#include "abi/tests/paint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <asm/prctl.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>

static void interval(uint64_t args[6])
{
	memset(paint_mem[1], 0, 32);
	memset(paint_mem[2], 0, 32);
}

static void zero_0(uint64_t args[6])
{
	memset(paint_mem[0], 0, 256);
}

static void zero_1(uint64_t args[6])
{
	memset(paint_mem[1], 0, 256);
}

/* ---- processes, time, signals ---- */

static void own_processes(void **state)
{
	paint_call("uname", NULL, B(0), 0, 0, 0, 0, 0);
	paint_call("sysinfo", NULL, B(0), 0, 0, 0, 0, 0);
	paint_call("getrusage", NULL, RUSAGE_SELF, B(1), 0, 0, 0, 0);
	paint_call("getrlimit", NULL, RLIMIT_CORE, B(1), 0, 0, 0, 0);
	paint_call("prlimit64", NULL, 0, RLIMIT_CORE, 0, B(3), 0, 0);
	paint_call("getresuid", NULL, B(0), B(1), B(2), 0, 0, 0);
	paint_call("getresgid", NULL, B(0), B(1), B(2), 0, 0, 0);
	paint_call("sched_getparam", NULL, 0, B(1), 0, 0, 0, 0);
	paint_call("sched_getattr", NULL, 0, B(1), 56, 0, 0, 0);
	paint_call("sched_rr_get_interval", NULL, 0, B(1), 0, 0, 0, 0);
	paint_call("sched_getaffinity", NULL, 0, 1024, B(2), 0, 0, 0);
	paint_call("getcpu", NULL, B(0), B(1), 0, 0, 0, 0);
	paint_call("get_robust_list", NULL, 0, B(1), B(2), 0, 0, 0);
	paint_call("arch_prctl", NULL, ARCH_GET_FS, B(1), 0, 0, 0, 0);
	paint_call("prctl", NULL, PR_GET_NAME, B(1), 0, 0, 0, 0);
	paint_call("prctl", NULL, PR_GET_PDEATHSIG, B(1), 0, 0, 0, 0);
	paint_call("prctl", NULL, PR_GET_CHILD_SUBREAPER, B(1), 0, 0, 0, 0);
	paint_call("prctl", NULL, PR_GET_TSC, B(1), 0, 0, 0, 0);
}

static void header_3(uint64_t args[6])
{
	const uint32_t h[2] = {0x20080522, 0};

	paint_put(0, h, sizeof(h));
}

static void capabilities(void **state)
{
	paint_call("capget", header_3, B(0), B(1), 0, 0, 0, 0);
}

static void supplementary_groups(void **state)
{
	int n = getgroups(0, NULL);

	if (n > 0)
		paint_call("getgroups", NULL, 64, B(1), 0, 0, 0, 0);
}

static void clocks(void **state)
{
	paint_call("gettimeofday", NULL, B(0), B(1), 0, 0, 0, 0);
	paint_call("clock_gettime", NULL, CLOCK_MONOTONIC, B(1), 0, 0, 0, 0);
	paint_call("clock_getres", NULL, CLOCK_MONOTONIC, B(1), 0, 0, 0, 0);
	paint_call("time", NULL, B(0), 0, 0, 0, 0, 0);
	paint_call("times", NULL, B(0), 0, 0, 0, 0, 0);
	paint_call("getitimer", NULL, ITIMER_VIRTUAL, B(1), 0, 0, 0, 0);
	paint_call("setitimer", interval, ITIMER_VIRTUAL, B(1), B(2), 0, 0, 0);
	paint_call("adjtimex", zero_0, B(0), 0, 0, 0, 0, 0);
	paint_call("clock_adjtime", zero_1, CLOCK_REALTIME, B(1), 0, 0, 0, 0);
	paint_call("nanosleep", zero_0, B(0), 0, 0, 0, 0, 0);
	paint_call("timer_create", NULL, CLOCK_MONOTONIC, 0, B(2), 0, 0, 0);
	paint_call("timer_gettime", NULL, *(uint32_t *)paint_mem[2], B(1), 0, 0, 0, 0);
}

static void raise_usr1(uint64_t args[6])
{
	const uint64_t set = 1ull << (SIGUSR1 - 1);

	paint_put(0, &set, sizeof(set));
	raise(SIGUSR1);
}

static void signals(void **state)
{
	sigset_t usr1;

	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	sigprocmask(SIG_BLOCK, &usr1, NULL);
	paint_call("rt_sigaction", NULL, SIGUSR2, 0, B(2), 8, 0, 0);
	paint_call("rt_sigprocmask", NULL, SIG_BLOCK, 0, B(2), 8, 0, 0);
	paint_call("rt_sigpending", NULL, B(0), 8, 0, 0, 0, 0);
	paint_call("sigaltstack", NULL, 0, B(1), 0, 0, 0, 0);
	paint_call("rt_sigtimedwait", raise_usr1, B(0), B(1), 0, 8, 0, 0);
}

static void new_child(uint64_t args[6])
{
	pid_t pid = fork();

	if (!pid)
		_exit(7);
	args[args[0] == P_PID && args[2] == B(2) ? 1 : 0] = (uint64_t)pid;
}

static void children(void **state)
{
	paint_call("wait4", new_child, 0, B(1), 0, B(3), 0, 0);
	paint_call("waitid", new_child, P_PID, 0, B(2), WEXITED, B(4), 0);
}

/* ---- memory ---- */

static void one_page(uint64_t args[6])
{
	paint_put_u64(2, (uint64_t)(uintptr_t)paint_mem);
}

static void memory(void **state)
{
	void *p = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	paint_call("mincore", NULL, (uint64_t)p, 2 * 4096 + 1, B(2), 0, 0, 0);
	paint_call("getrandom", NULL, B(0), 256, 0, 0, 0, 0);
	paint_call("get_mempolicy", NULL, B(0), B(1), 1024, 0, 0, 0);
	paint_call("get_mempolicy", NULL, B(0), B(1), 1025, 0, 0, 0);
	paint_call("move_pages", one_page, 0, 1, B(2), 0, B(4), 0);
	munmap(p, 3 * 4096);
}

/* ---- System V IPC and message queues ---- */

static int g_queue;

static void queue_message(uint64_t args[6])
{
	struct {
		long type;
		char text[16];
	} m = {1, "fifteen letters"};

	assert_int_equal(msgsnd(g_queue, &m, 16, 0), 0);
}

static void message_1(uint64_t args[6])
{
	paint_put_u64(1, 1);
}

static void system_v(void **state)
{
	int shm = shmget(IPC_PRIVATE, 4096, 0600), sem = semget(IPC_PRIVATE, 1, 0600);

	g_queue = msgget(IPC_PRIVATE, 0600);
	assert_true(shm >= 0 && sem >= 0 && g_queue >= 0);
	paint_call("shmctl", NULL, (uint64_t)shm, IPC_STAT, B(2), 0, 0, 0);
	paint_call("shmctl", NULL, 0, IPC_INFO, B(2), 0, 0, 0);
	paint_call("shmctl", NULL, 0, SHM_INFO, B(2), 0, 0, 0);
	paint_call("semctl", NULL, (uint64_t)sem, 0, IPC_STAT, B(3), 0, 0);
	paint_call("semctl", NULL, 0, 0, IPC_INFO, B(3), 0, 0);
	paint_call("msgctl", NULL, (uint64_t)g_queue, IPC_STAT, B(2), 0, 0, 0);
	paint_call("msgctl", NULL, 0, IPC_INFO, B(2), 0, 0, 0);
	paint_call("msgrcv", queue_message, (uint64_t)g_queue, B(1), 64, 0, 0, 0);
	paint_call("msgsnd", message_1, (uint64_t)g_queue, B(1), 8, 0, 0, 0);
	shmctl(shm, IPC_RMID, NULL);
	semctl(sem, 0, IPC_RMID);
	msgctl(g_queue, IPC_RMID, NULL);
}

static int g_mq;

static void mq_message(uint64_t args[6])
{
	assert_int_equal(mq_send(g_mq, "hello", 5, 3), 0);
}

static void posix_queues(void **state)
{
	struct mq_attr attr = {.mq_maxmsg = 4, .mq_msgsize = 64};
	char name[64];

	snprintf(name, sizeof(name), "/lockstep-abi-%d", getpid());
	g_mq = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attr);
	assert_true(g_mq >= 0);
	mq_unlink(name);
	paint_call("mq_getsetattr", NULL, (uint64_t)g_mq, 0, B(2), 0, 0, 0);
	paint_call("mq_timedreceive", mq_message, (uint64_t)g_mq, B(1), 64, B(3), 0, 0);
	paint_call("mq_timedsend", NULL, (uint64_t)g_mq, B(1), 5, 1, 0, 0);
	mq_close(g_mq);
}

/* ---- ptrace: the kernel's own calling convention, not the C library's ---- */

static void ptrace_of_a_stopped_child(void **state)
{
	pid_t pid = fork();
	uint64_t p = (uint64_t)pid;

	if (!pid) {
		syscall(SYS_ptrace, 0, 0, 0, 0);
		raise(SIGSTOP);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	paint_call("ptrace", NULL, 3, p, 120, B(3), 0, 0); /* PEEKUSER */
	paint_call(
		"ptrace", NULL, 2, p, B(2), B(3), 0, 0);  /* PEEKDATA, of the child's copy of it */
	paint_call("ptrace", NULL, 12, p, 0, B(3), 0, 0); /* GETREGS */
	paint_call("ptrace", NULL, 14, p, 0, B(3), 0, 0); /* GETFPREGS */
	paint_call("ptrace", NULL, 0x4201, p, 0, B(3), 0, 0); /* GETEVENTMSG */
	paint_call("ptrace", NULL, 0x4202, p, 0, B(3), 0, 0); /* GETSIGINFO */
	paint_call("ptrace", NULL, 0x420a, p, 8, B(3), 0, 0); /* GETSIGMASK */
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void keyring_name(uint64_t args[6])
{
	strcpy((char *)paint_mem[1], "lockstep");
}

static void keys(void **state)
{
	if (syscall(SYS_keyctl, 1, NULL) < 0)
		fail_msg("keyctl: %s", abi_errno_name(errno));
	paint_call("keyctl", keyring_name, 1, B(1), 0, 0, 0, 0);
	paint_call("keyctl", NULL, 6, (uint64_t)-3, B(2), 256, 0, 0); /* DESCRIBE the session's */
}

static void remote_vector(uint64_t args[6])
{
	struct iovec mine = {paint_mem[5], 8}, its = {paint_mem[4], 8};

	paint_put(1, &mine, sizeof(mine));
	paint_put(3, &its, sizeof(its));
}

static void other_memory(void **state)
{
	uint64_t args[6] = {(uint64_t)getpid(), B(1), 1, B(3), 1, 0};

	assert_int_equal(paint_shoot("process_vm_readv", remote_vector, 0, args), 8);
	assert_memory_equal(paint_before[0][1], paint_after[0][1], PAINT_SIZE);
	assert_memory_equal(paint_before[0][3], paint_after[0][3], PAINT_SIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(own_processes),
		cmocka_unit_test(capabilities),
		cmocka_unit_test(supplementary_groups),
		cmocka_unit_test(clocks),
		cmocka_unit_test(signals),
		cmocka_unit_test(children),
		cmocka_unit_test(memory),
		cmocka_unit_test(system_v),
		cmocka_unit_test(posix_queues),
		cmocka_unit_test(ptrace_of_a_stopped_child),
		cmocka_unit_test(keys),
		cmocka_unit_test(other_memory),
	};
	int rc = cmocka_run_group_tests(tests, NULL, NULL);

	if (paint_outs() < 50) {
		fprintf(stderr, "only %u arguments that come out were looked at\n", paint_outs());
		return 1;
	}
	return rc;
}
