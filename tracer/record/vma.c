/*
 * VMA counts over time. Reading maps costs the kernel a walk over all of them, so that reading at
 * every change would be quadratic: a sample is taken only when the map changed, at most every
 * --vma-every, and never so often that samples take more than about 2 % of the time.
 */
#include "tracer/record/recorder.h"

#include "common/cleanup.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

/* A sample that took t makes the next one wait for this many t. */
#define SAMPLE_SHARE 50

bool vma_is_memory_call(unsigned int nr)
{
	switch (nr) {
	case SYS_mmap:
	case SYS_munmap:
	case SYS_mprotect:
	case SYS_pkey_mprotect:
	case SYS_mremap:
	case SYS_brk:
	case SYS_shmat:
	case SYS_shmdt:
		return true;
	}
	return false;
}

static uint64_t count_lines(struct recorder *r, int fd)
{
	size_t size = 1 << 16;
	uint8_t *p;
	uint64_t n = 0;
	ssize_t got;

	buf_reset(&r->scratch);
	p = buf_reserve(&r->scratch, size);
	while (p && (got = read(fd, p, size)) > 0) {
		for (uint8_t *at = p, *end = p + got; (at = memchr(at, '\n', (size_t)(end - at)));
			at++)
			n++;
	}
	return n;
}

static void read_statm(pid_t tid, uint64_t arg[6])
{
	char path[32], text[128];
	unsigned long size = 0, resident = 0;
	CLEANUP(fd) int fd = -1;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/statm", (int)tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return;
	text[n] = 0;
	if (sscanf(text, "%lu %lu", &size, &resident) != 2)
		return;
	arg[1] = resident * 4;
	arg[2] = size * 4;
}

void vma_sample(struct recorder *r, struct proc *p, pid_t tid, uint64_t now, bool last)
{
	struct trace_event ev = {.kind = TK_VMA, .tid = (uint32_t)tid, .enter_ns = now};
	uint64_t every = r->opt->vma_every_ns, cost;
	CLEANUP(fd) int fd = -1;
	char path[32];

	if (!every || !p->vma_stale || (now < p->vma_next && !last))
		return;
	snprintf(path, sizeof(path), "/proc/%d/maps", (int)tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	ev.arg[0] = count_lines(r, fd);
	read_statm(tid, ev.arg);
	cost = (rec_now(r) - now) * SAMPLE_SHARE;
	p->vma_next = now + (cost > every ? cost : every);
	p->vma_stale = false;
	if (ev.arg[0])
		emit(r, &ev);
}
