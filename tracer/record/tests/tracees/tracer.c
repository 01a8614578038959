/* A program that would trace: EPERM, as under any tracer. */
#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	pid_t pid = fork();
	int ok;

	if (!pid) {
		pause();
		_exit(0);
	}
	ok = ptrace(PTRACE_SEIZE, pid, 0, 0) == -1 && errno == EPERM;
	ok = ok && ptrace(PTRACE_TRACEME, 0, 0, 0) == -1 && errno == EPERM;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return !ok;
}
