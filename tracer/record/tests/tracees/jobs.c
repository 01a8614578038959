/* Job control: the parent sees its child stop and go on. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		raise(SIGSTOP);
		usleep(50000);
		_exit(5);
	}
	if (waitpid(pid, &status, WUNTRACED) != pid || !WIFSTOPPED(status))
		return 1;
	if (WSTOPSIG(status) != SIGSTOP)
		return 2;
	/* It really stands: nothing comes for a while. */
	usleep(50000);
	if (waitpid(pid, &status, WNOHANG) != 0)
		return 3;
	kill(pid, SIGCONT);
	if (waitpid(pid, &status, WCONTINUED) != pid || !WIFCONTINUED(status))
		return 4;
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 5)
		return 5;
	return 0;
}
