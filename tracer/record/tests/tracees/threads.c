/* Threads that come and go; the leader leaves first. */
#include <pthread.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static void *work(void *arg)
{
	for (int i = 0; i < 20; i++)
		getppid();
	return arg;
}

static void *last(void *arg)
{
	usleep(50000);
	syscall(SYS_exit_group, 7);
	return arg;
}

int main(void)
{
	pthread_t t[4], l;

	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, work, NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	pthread_create(&l, NULL, last, NULL);
	pthread_exit(NULL);
}
