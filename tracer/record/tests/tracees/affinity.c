/* Which CPUs the program may use: as many as without a recorder (argument), and settable. */
#include <sched.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	cpu_set_t all, one;
	int last = -1;

	if (argc < 2 || sched_getaffinity(0, sizeof(all), &all))
		return 1;
	if (CPU_COUNT(&all) != atoi(argv[1]))
		return 2;
	for (int i = 0; i < CPU_SETSIZE; i++) {
		if (CPU_ISSET(i, &all))
			last = i;
	}
	CPU_ZERO(&one);
	CPU_SET(last, &one);
	if (sched_setaffinity(0, sizeof(one), &one) || sched_getaffinity(0, sizeof(one), &one))
		return 3;
	if (CPU_COUNT(&one) != 1 || !CPU_ISSET(last, &one) || sched_getcpu() != last)
		return 4;
	if (sched_setaffinity(0, sizeof(all), &all) || sched_getaffinity(0, sizeof(one), &one))
		return 5;
	return CPU_COUNT(&one) != CPU_COUNT(&all);
}
