/*
 * Changes a byte of its own read-only data behind the back of page protection (/proc/self/mem), as
 * a broken loader would, and one that it made writable first; then dies.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

__attribute__((aligned(4096))) static const char g_forced[4096] = "forced";
__attribute__((aligned(4096))) static const char g_allowed[4096] = "allowed";

int main(void)
{
	int mem = open("/proc/self/mem", O_RDWR);
	char *p = (char *)(uintptr_t)g_allowed;

	if (mem < 0 || pwrite(mem, "X", 1, (off_t)(uintptr_t)g_forced + 100) != 1)
		return 1;
	if (mprotect(p, 4096, PROT_READ | PROT_WRITE))
		return 2;
	p[100] = 'Y';
	if (mprotect(p, 4096, PROT_READ))
		return 3;
	raise(SIGSEGV);
	return 0;
}
