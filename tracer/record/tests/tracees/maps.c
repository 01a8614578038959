/* Grows its address space by mappings that do not merge, over some time. */
#include <sys/mman.h>
#include <unistd.h>

int main(void)
{
	for (int i = 0; i < 400; i++) {
		if (mmap(NULL, 4096, i % 2 ? PROT_READ : PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			    0) == MAP_FAILED)
			return 1;
		if (i % 100 == 99)
			usleep(30000);
	}
	return 0;
}
