/* Changes a byte of its own read-only data behind the kernel's back, then dies. */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

__attribute__((aligned(4096))) static const char g_page[8192] = "evidence";

int main(void)
{
	char *p = (char *)((uintptr_t)g_page & ~4095ul);

	mprotect(p, 4096, PROT_READ | PROT_WRITE);
	p[100] = 'X';
	mprotect(p, 4096, PROT_READ);
	raise(SIGSEGV);
	return 0;
}
