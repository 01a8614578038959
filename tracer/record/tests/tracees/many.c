/* Births in quick succession, several alive at a time; some are killed at once. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < 5; i++) {
			pid_t pid = fork();

			if (!pid)
				_exit(fork() ? 0 : 1);
			if (pid > 0 && i == 4)
				kill(pid, SIGKILL);
		}
		while (wait(NULL) > 0)
			;
	}
	return 0;
}
