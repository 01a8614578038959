/* Forks without pause, and so do its children, in a chain: always a few alive, never a quiet moment. */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

int main(void)
{
	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		pid_t pid = fork();

		if (!pid && fork())
			_exit(0);
		if (!pid)
			_exit(setsid() < 0);
	}
}
