/* Blocks for ever: one thread in a read, one spinning, a child in pause. */
#include <pthread.h>
#include <unistd.h>

static void *spin(void *arg)
{
	for (volatile int i = 0;; i++)
		;
	return arg;
}

int main(void)
{
	pthread_t t;
	int p[2];
	char c;

	if (pipe(p))
		return 1;
	if (!fork()) {
		pause();
		_exit(0);
	}
	pthread_create(&t, NULL, spin, NULL);
	return (int)read(p[0], &c, 1);
}
