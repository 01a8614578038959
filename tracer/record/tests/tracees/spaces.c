/* Children in new namespaces, and one that asks not to be traced. */
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char stack[65536] __attribute__((aligned(16)));

static int child(void *arg)
{
	return getpid() == 1 ? 31 : 32;
}

static int status_of(int flags)
{
	int status;
	pid_t pid = clone(child, stack + sizeof(stack), flags | SIGCHLD, NULL);

	if (pid < 0 || waitpid(pid, &status, __WALL) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

int main(int argc, char **argv)
{
	/* Where user namespaces are not to be had, there is nothing to see. */
	int status = status_of(CLONE_NEWUSER | CLONE_NEWPID);

	if (status != 31 && status != -1)
		return 1;
	return status_of(CLONE_UNTRACED) != 32;
}
