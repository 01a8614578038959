/* A call by int $0x80: number 20 is getpid there, writev with the syscall instruction. */
#include <unistd.h>

int main(void)
{
	int pid;

	__asm__ volatile("int $0x80" : "=a"(pid) : "a"(20) : "memory", "r8", "r9", "r10", "r11");
	return pid != getpid();
}
