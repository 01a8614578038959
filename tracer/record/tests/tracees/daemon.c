/* A daemon that outlives the command: for a while, or (with an argument) for ever. */
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	if (!fork()) {
		setsid();
		if (!fork()) {
			do
				usleep(150000);
			while (argc > 1);
			getppid();
			_exit(21);
		}
		_exit(0);
	}
	wait(NULL);
	return 3;
}
