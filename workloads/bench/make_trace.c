/*
 * Writes a trace of any length for `make bench`: one process that works through files the way an
 * interpreter does at start (look, open, stat, read, map, close), with bytes of its own for each.
 * The same arguments give the same file.
 *
 * usage: make-trace FILE EVENTS [EDITS]
 * With EDITS, the run departs from the one without: so many single calls more, 5,000 calls in one
 * place fewer, and one planted difference in the middle: opening PLANTED fails with EACCES.
 */
#include "common/buf.h"
#include "common/cleanup.h"
#include "tracer/store/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PLANTED	     "/opt/app/planted.conf"
#define TID	     1000u
#define EDIT_BLOCK   5000u /* calls that are missing in one place */
#define FILES	     5000u /* distinct paths */
#define BUFFER_SHOWN 32u

struct maker {
	struct trace_writer *w;
	struct buf payload;
	uint64_t n, limit; /* calls so far, and when to stop */
	uint64_t now, x;   /* ns; state of the random numbers */
	uint64_t edit_every, skip_from, skip_until, plant_at;
	bool edited, planted;
};

/* splitmix64 */
static uint64_t draw(struct maker *m)
{
	uint64_t z = m->x += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static void capture(struct maker *m, unsigned int slot, unsigned int flags, const void *data,
	uint32_t size, uint32_t full)
{
	struct trace_cap cap = {.slot = (uint8_t)slot,
		.flags = (uint8_t)(flags | (size < full ? TC_CUT : 0)),
		.size = size,
		.full = full,
		.hash = size < full ? full + *(const uint8_t *)data : 0,
		.data = data};

	trace_cap_put(&m->payload, &cap);
}

static void add(struct maker *m, struct trace_event *ev)
{
	int rc;

	ev->tid = TID;
	ev->enter_ns = m->now;
	ev->payload = m->payload.data;
	ev->payload_size = (uint32_t)m->payload.len;
	rc = m->payload.failed ? -ENOMEM : trace_writer_add(m->w, ev);
	if (rc)
		die(3, "the trace cannot be written: %s", strerror(-rc));
	m->now += ev->dur_ns + 4000;
	buf_reset(&m->payload);
}

/* One call; its captures were put before. What is drawn never depends on the edits. Where the run
 * departs, calls are left out or come twice.
 */
static void call(struct maker *m, unsigned int nr, unsigned int site, int64_t ret, uint64_t a0,
	uint64_t a1, uint64_t a2, uint64_t a3)
{
	struct trace_event ev = {.kind = TK_CALL,
		.nr = (uint16_t)nr,
		.ret = ret,
		.arg = {a0, a1, a2, a3},
		.ip = 0x7f0000011000 + site * 32,
		.sp = 0x7ffd00001000,
		.dur_ns = 640 + 64 * (m->n % 7)};

	m->n++;
	if (m->edited && m->n >= m->skip_from && m->n < m->skip_until) {
		buf_reset(&m->payload);
		return;
	}
	add(m, &ev);
	if (m->edited && m->n % m->edit_every == 0)
		add(m, &(struct trace_event){.kind = TK_CALL,
			       .nr = SYS_getppid,
			       .ip = 0x7f0000012000,
			       .sp = 0x7ffd00001000});
}

static void begin(struct maker *m, const char *exe)
{
	char maps[512];
	int n = snprintf(maps, sizeof(maps),
		"400000-500000 r-xp 00000000 08:01 100 %s\n"
		"7f0000000000-7f0000200000 r-xp 00000000 08:01 101 /usr/lib/libwork.so\n"
		"7ffd00000000-7ffd00021000 rw-p 00000000 00:00 0 [stack]\n",
		exe);

	add(m, &(struct trace_event){.kind = TK_TASK, .ret = TID, .arg = {0, SIGCHLD}});
	capture(m, TC_EXE, 0, exe, (uint32_t)strlen(exe), (uint32_t)strlen(exe));
	capture(m, TC_MAPS, 0, maps, (uint32_t)n, (uint32_t)n);
	capture(m, TC_CWD, 0, "/", 1, 1);
	add(m, &(struct trace_event){.kind = TK_EXEC, .arg = {TID}});
}

static void put_stat(struct maker *m, unsigned int slot, uint64_t ino, uint64_t size)
{
	struct stat st = {.st_dev = 0x801,
		.st_ino = ino,
		.st_mode = S_IFREG | 0644,
		.st_nlink = 1,
		.st_size = (off_t)size,
		.st_blksize = 4096};

	capture(m, slot, TC_OUT, &st, sizeof(st), sizeof(st));
}

/* A file that is looked at, opened, read in pieces and closed. */
static void use_file(struct maker *m)
{
	uint64_t k = draw(m) % FILES, reads = 1 + k % 5, size = 700 + k * 13;
	bool plant = !m->planted && m->n >= m->plant_at;
	char path[64], bytes[BUFFER_SHOWN];
	uint32_t len;

	snprintf(path, sizeof(path), "/usr/lib/work/part%02u/module%04u.py", (unsigned int)(k % 40),
		(unsigned int)k);
	if (plant)
		snprintf(path, sizeof(path), "%s", PLANTED);
	m->planted |= plant;
	len = (uint32_t)strlen(path) + 1;
	capture(m, 1, 0, path, len, len);
	put_stat(m, 2, 5000 + k, size);
	call(m, SYS_newfstatat, 1, 0, (uint64_t)AT_FDCWD, 0x7f1000001000, 0x7ffd00002000, 0);
	capture(m, 1, 0, path, len, len);
	if (plant && m->edited) {
		call(m, SYS_openat, 2, -EACCES, (uint64_t)AT_FDCWD, 0x7f1000001000, O_CLOEXEC, 0);
		return;
	}
	call(m, SYS_openat, 2, 3, (uint64_t)AT_FDCWD, 0x7f1000001000, O_CLOEXEC, 0);
	put_stat(m, 1, 5000 + k, size);
	call(m, SYS_fstat, 3, 0, 3, 0x7ffd00002000, 0, 0);
	for (uint64_t i = 0; i < reads; i++) {
		memset(bytes, (int)('a' + (k + i) % 26), sizeof(bytes));
		capture(m, 1, TC_OUT, bytes, sizeof(bytes), 700);
		call(m, SYS_read, 4, 700, 3, 0x7f1000002000, 4096, 0);
		call(m, SYS_lseek, 5, (int64_t)(700 * (i + 1)), 3, 0, SEEK_CUR, 0);
	}
	if (k % 3 == 0)
		call(m, SYS_brk, 6, 0x600000, 0x600000, 0, 0, 0);
	call(m, SYS_close, 7, 0, 3, 0, 0, 0);
}

int main(int argc, char **argv)
{
	struct maker m = {.x = 1};
	struct err e = {{0}};
	int fd;

	if (argc < 3 || argc > 4)
		die(2, "usage: make-trace FILE EVENTS [EDITS]");
	m.limit = strtoull(argv[2], NULL, 10);
	m.edited = argc == 4 && strtoull(argv[3], NULL, 10);
	m.edit_every = m.edited ? m.limit / strtoull(argv[3], NULL, 10) : 0;
	if (m.limit < 100000 || (m.edited && !m.edit_every))
		die(2, "EVENTS: from 100000; EDITS: fewer than EVENTS");
	m.plant_at = m.limit / 2;
	m.skip_from = m.limit / 4;
	m.skip_until = m.skip_from + EDIT_BLOCK;
	fd = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0)
		die(2, "cannot write %s: %s", argv[1], strerror(errno));
	if (trace_writer_open(&m.w, fd, "{\"schema\":\"lockstep.trace-meta/1\"}", NULL, &e))
		die(3, "%s", e.text);
	begin(&m, "/usr/bin/worker");
	while (m.n < m.limit)
		use_file(&m);
	add(&m, &(struct trace_event){.kind = TK_EXIT, .nr = 1, .ret = 0});
	buf_fini(&m.payload);
	fd = trace_writer_close(m.w);
	if (fd)
		die(3, "the trace cannot be written: %s", strerror(-fd));
	return 0;
}
