/*
 * A page counts as never written when its mapping is private, from a file, and no part of it was
 * ever writable. Natively such a page is the page cache's own (pagemap bit 61) unless something
 * copied it, and only copies are compared: the rest cannot differ. Where there is no pagemap all of
 * them are compared, within limits of size and time: what an emulator put there is the question.
 */
#include "tracer/record/dirty.h"

#include "tracer/record/mem.h"

#include "common/cleanup.h"
#include "common/procmaps.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#define PAGE_LEN    4096u
#define EVENTS_MAX  64
#define BYTES_MAX   (512ull << 20)
#define TIME_MAX_NS 3000000000ull
#define STEP_LEN    64u /* pages read at a time */

#define PM_PRESENT (1ull << 63)
#define PM_FILE	   (1ull << 61)

struct dirty {
	struct recorder *r;
	struct task *t;
	int pagemap; /* -1: there is none */
	uint64_t bytes, until;
	unsigned int events;
};

static bool read_maps(pid_t tid, struct buf *out)
{
	CLEANUP(fd) int fd = -1;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 && !buf_read_fd(out, fd, 64u << 20) && *buf_str(out);
}

void dirty_exec(struct task *t, struct buf *maps)
{
	struct map_line m;
	char *text;

	written_fini(&t->proc->written);
	if (!*buf_str(maps))
		return;
	text = (char *)maps->data;
	while (procmaps_next(&text, &m)) {
		if (m.prot[1] == 'w')
			written_add(&t->proc->written, m.start, m.end);
	}
}

void dirty_track(struct task *t, int64_t ret)
{
	const uint64_t *arg = t->cur.arg;
	uint64_t start, len;

	if (ret < 0)
		return;
	switch (t->cur.nr) {
	case SYS_mmap:
		/* Anonymous memory has no file to be compared with. */
		if (!(arg[2] & PROT_WRITE) || (arg[3] & MAP_ANONYMOUS))
			return;
		start = (uint64_t)ret;
		len = arg[1];
		break;
	case SYS_mprotect:
	case SYS_pkey_mprotect:
		if (!(arg[2] & PROT_WRITE))
			return;
		start = arg[0];
		len = arg[1];
		break;
	case SYS_mremap:
		start = (uint64_t)ret;
		len = arg[2];
		break;
	default:
		return;
	}
	if (len <= UINT64_MAX - start)
		written_add(&t->proc->written, start, start + len);
}

/* The mapped file, if it still is the one that was mapped. */
static int open_mapped(const struct dirty *d, const struct map_line *m)
{
	char path[4096 + 32];
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/root%s", (int)d->t->tid, m->path);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		fd = open(m->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return -1;
	/* Emulators number devices and inodes as they like. */
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) && (regs_fallback() || st.st_ino == m->ino))
		return fd;
	close(fd);
	return -1;
}

static void emit_dirty(struct dirty *d, const struct map_line *m, uint64_t addr,
	const uint8_t *found, const uint8_t *expected)
{
	struct trace_event ev = {.kind = TK_DIRTY,
		.tid = (uint32_t)d->t->tid,
		.enter_ns = rec_now(d->r),
		.arg = {addr, PAGE_LEN, m->off + (addr - m->start)}};
	struct buf *p = &d->r->payload;

	buf_reset(p);
	cap_whole(p, TC_BYTES, found, PAGE_LEN);
	cap_whole(p, TC_EXPECTED, expected, PAGE_LEN);
	cap_whole(p, TC_EXE, m->path, strlen(m->path));
	ev.payload = p->data;
	ev.payload_size = (uint32_t)p->len;
	emit(d->r, &ev);
	d->events++;
}

static bool spent(const struct dirty *d)
{
	return d->events >= EVENTS_MAX || d->bytes > BYTES_MAX || rec_now(d->r) > d->until;
}

/* Up to STEP_LEN pages at addr. False at the end of file or memory. */
static bool compare_step(struct dirty *d, const struct map_line *m, int fd, uint64_t addr, size_t n)
{
	static uint8_t found[STEP_LEN * PAGE_LEN], expected[STEP_LEN * PAGE_LEN];
	size_t size = n * PAGE_LEN, got;
	ssize_t in_file = pread(fd, expected, size, (off_t)(m->off + (addr - m->start)));

	if (in_file <= 0)
		return false;
	memset(expected + in_file, 0, size - (size_t)in_file);
	got = mem_read_forced(d->t->tid, addr, found, size);
	d->bytes += got;
	for (size_t at = 0; at + PAGE_LEN <= got && at < (size_t)in_file; at += PAGE_LEN) {
		if (memcmp(found + at, expected + at, PAGE_LEN) && d->events < EVENTS_MAX)
			emit_dirty(d, m, addr + at, found + at, expected + at);
	}
	return got == size && (size_t)in_file == size;
}

/* Natively: pages that are present, and not the page cache's. */
static void compare_copies(struct dirty *d, const struct map_line *m, int fd)
{
	uint64_t entry[512];

	for (uint64_t addr = m->start; addr < m->end && !spent(d);) {
		uint64_t left = (m->end - addr) / PAGE_LEN;
		size_t want = left < 512 ? left : 512;
		ssize_t n = pread(d->pagemap, entry, want * 8, (off_t)(addr / PAGE_LEN * 8));

		if (n < 8)
			return;
		for (ssize_t i = 0; i < n / 8; i++, addr += PAGE_LEN) {
			if ((entry[i] & PM_PRESENT) && !(entry[i] & PM_FILE))
				compare_step(d, m, fd, addr, 1);
		}
	}
}

static void compare_all(struct dirty *d, const struct map_line *m, int fd)
{
	for (uint64_t addr = m->start; addr < m->end && !spent(d);) {
		uint64_t left = (m->end - addr) / PAGE_LEN;
		size_t n = left < STEP_LEN ? left : STEP_LEN;

		if (!compare_step(d, m, fd, addr, n))
			return;
		addr += n * PAGE_LEN;
	}
}

static void check_mapping(struct dirty *d, const struct map_line *m)
{
	CLEANUP(fd) int fd = -1;

	if (m->prot[3] != 'p' || m->prot[1] == 'w' || *m->path != '/' ||
		written_any(&d->t->proc->written, m->start, m->end) || spent(d))
		return;
	fd = open_mapped(d, m);
	if (fd < 0)
		return;
	if (d->pagemap >= 0)
		compare_copies(d, m, fd);
	else
		compare_all(d, m, fd);
}

void dirty_check(struct recorder *r, struct task *t)
{
	struct dirty d = {.r = r, .t = t, .pagemap = -1, .until = rec_now(r) + TIME_MAX_NS};
	CLEANUP(buf) struct buf maps = {0};
	struct map_line m;
	char path[32], *text;

	if (!read_maps(t->tid, &maps))
		return;
	text = (char *)maps.data;
	snprintf(path, sizeof(path), "/proc/%d/pagemap", (int)t->tid);
	if (!r->opt->fallback)
		d.pagemap = open(path, O_RDONLY | O_CLOEXEC);
	while (procmaps_next(&text, &m))
		check_mapping(&d, &m);
	if (spent(&d))
		emit_note(r, t->tid,
			"the comparison of unwritten pages with their files was cut short after "
			"%lu MiB and %u pages that differ",
			(unsigned long)(d.bytes >> 20), d.events);
	if (d.pagemap >= 0)
		close(d.pagemap);
}
