/* fork, vfork, clone and clone3, each child with an exit status of its own. */
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char stack[65536] __attribute__((aligned(16)));

static int child(void *arg)
{
	return (int)(intptr_t)arg;
}

static int reap(pid_t pid, int want)
{
	int status;

	return pid > 0 && waitpid(pid, &status, __WALL) == pid && WIFEXITED(status) &&
	       WEXITSTATUS(status) == want;
}

static pid_t call_clone3(void)
{
	uint64_t args[8] = {0, 0, 0, 0, SIGCHLD};

	return (pid_t)syscall(SYS_clone3, args, sizeof(args));
}

int main(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(11);
	if (!reap(pid, 11))
		return 1;
	pid = vfork();
	if (!pid)
		_exit(12);
	if (!reap(pid, 12))
		return 2;
	if (!reap(clone(child, stack + sizeof(stack), SIGCHLD, (void *)13), 13))
		return 3;
	/* A kernel without clone3 is not what is looked at here. */
	pid = call_clone3();
	if (!pid)
		_exit(14);
	if (pid > 0 && !reap(pid, 14))
		return 4;
	return 0;
}
