/*
 * Signals that interrupt calls: a handler with SA_RESTART (the read is restarted), one without (it
 * fails with EINTR), none at all (the sleep is restarted by restart_syscall), and one that leaves by
 * longjmp.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int g_pipe[2];
static volatile int g_handled;
static sigjmp_buf g_jmp;

static void on_signal(int sig)
{
	g_handled++;
	getppid();
}

static void on_jump(int sig)
{
	siglongjmp(g_jmp, 1);
}

static void set(int sig, void (*fn)(int), int flags)
{
	struct sigaction sa = {.sa_handler = fn, .sa_flags = flags};

	sigaction(sig, &sa, NULL);
}

/* A child that signals us after 30 ms, and then (unless 0) writes a byte. */
static pid_t poker(int sig, int writes)
{
	pid_t parent = getpid(), pid = fork();

	if (pid)
		return pid;
	usleep(30000);
	kill(parent, sig);
	usleep(30000);
	if (writes && write(g_pipe[1], "x", 1) != 1)
		_exit(1);
	_exit(0);
}

int main(void)
{
	struct timespec ts = {0, 90000000};
	pid_t pid;
	char c;

	if (pipe(g_pipe))
		return 1;
	set(SIGUSR1, on_signal, SA_RESTART);
	set(SIGUSR2, on_signal, 0);
	pid = poker(SIGUSR1, 1);
	if (read(g_pipe[0], &c, 1) != 1 || g_handled != 1)
		return 2;
	waitpid(pid, NULL, 0);
	pid = poker(SIGUSR2, 0);
	if (read(g_pipe[0], &c, 1) != -1 || errno != EINTR || g_handled != 2)
		return 3;
	waitpid(pid, NULL, 0);
	/* SIGWINCH is ignored by default, which no tracee is told. */
	pid = poker(SIGWINCH, 0);
	if (nanosleep(&ts, NULL))
		return 4;
	waitpid(pid, NULL, 0);
	set(SIGUSR1, on_jump, SA_RESTART);
	pid = poker(SIGUSR1, 0);
	if (!sigsetjmp(g_jmp, 1)) {
		if (read(g_pipe[0], &c, 1))
			return 5;
		return 6;
	}
	getppid();
	waitpid(pid, NULL, 0);
	return 0;
}
