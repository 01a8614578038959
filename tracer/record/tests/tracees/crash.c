/* Deaths: segv (default), abort, term, call (of a null pointer), or a signal whose handler makes it survive. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

__attribute__((noinline)) static int deep(int n, volatile int *p)
{
	char pad[256];

	memset(pad, n, sizeof(pad));
	return n ? deep(n - 1, p) + pad[n % 256] : *p;
}

__attribute__((noinline)) static int call(int (*volatile fn)(void))
{
	return fn() + 1;
}

static void survive(int sig)
{
	_exit(17);
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "segv";

	if (!strcmp(how, "abort"))
		abort();
	if (!strcmp(how, "term"))
		raise(SIGTERM);
	if (!strcmp(how, "call"))
		return call(NULL);
	if (!strcmp(how, "handled"))
		signal(SIGSEGV, survive);
	return deep(10, (volatile int *)0x1234);
}
