/* exec from a thread that is not the leader, while leader and another thread block. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char **g_argv;

static void *block(void *arg)
{
	pause();
	return arg;
}

static void *do_exec(void *arg)
{
	char *argv[] = {g_argv[0], (char *)"again", NULL};

	usleep(20000);
	execve("/proc/self/exe", argv, environ);
	exit(9);
}

int main(int argc, char **argv)
{
	pthread_t a, b;

	if (argc > 1 && !strcmp(argv[1], "again"))
		return 0;
	g_argv = argv;
	pthread_create(&a, NULL, block, NULL);
	pthread_create(&b, NULL, do_exec, NULL);
	pause();
	return 8;
}
