/*
 * What is kept of a process at its exec and at its death, beside the calls.
 */
#include "tracer/record/recorder.h"

#include "tracer/record/dirty.h"
#include "tracer/record/inject.h"
#include "tracer/record/mem.h"
#include "tracer/record/pages.h"
#include "tracer/record/redact.h"

#include "common/cleanup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>

#define MAPS_SIZE_MAX	(16u << 20)
#define VECTOR_SIZE_MAX (256u << 10)
/* Enough for deep recursion to show its pattern; a stack that ends a process from outside
 * (SIGTERM, SIGPIPE) says little, and pools of workers die that way all the time. */
#define STACK_SIZE_CORE	 (256u << 10)
#define STACK_SIZE_OTHER (16u << 10)

static const char *proc_path(pid_t tid, const char *name)
{
	static char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)tid, name);
	return path;
}

static void emit_payload(struct recorder *r, struct trace_event *ev)
{
	ev->enter_ns = rec_now(r);
	ev->payload = r->payload.data;
	ev->payload_size = r->payload.failed ? 0 : (uint32_t)r->payload.len;
	emit(r, ev);
}

static void read_proc(pid_t tid, const char *name, struct buf *out, size_t max)
{
	CLEANUP(fd) int fd = open(proc_path(tid, name), O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		buf_read_fd(out, fd, max);
}

/* ---- exec ---- */

/* The open flags (octal) in /proc/PID/fdinfo/FD, or -1. */
static long fd_flags(pid_t tid, const char *fd)
{
	char path[64], text[256];
	CLEANUP(fd) int info = -1;
	const char *at;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%.20s", (int)tid, fd);
	info = open(path, O_RDONLY | O_CLOEXEC);
	n = info < 0 ? -1 : read(info, text, sizeof(text) - 1);
	if (n <= 0)
		return -1;
	text[n] = 0;
	at = strstr(text, "flags:");
	return at ? strtol(at + 6, NULL, 8) : -1;
}

/* Lines "fd flags path" of what is open. */
static void cap_fds(struct buf *payload, pid_t tid, const struct redact *rd)
{
	CLEANUP(buf) struct buf text = {0};
	CLEANUP(dir) DIR *dir = opendir(proc_path(tid, "fd"));
	struct dirent *d;

	while (dir && (d = readdir(dir))) {
		char to[4096];
		ssize_t n;

		if (d->d_name[0] == '.')
			continue;
		n = readlinkat(dirfd(dir), d->d_name, to, sizeof(to) - 1);
		if (n < 0)
			continue;
		to[n] = 0;
		buf_printf(&text, "%s %#lo %s\n", d->d_name, fd_flags(tid, d->d_name), to);
	}
	redact_lines(rd, &text);
	cap_whole(payload, TC_FDS, text.data, text.len);
}

/* True when a rule hid some of it. */
static bool cap_argv(struct buf *payload, pid_t tid, const struct redact *rd)
{
	CLEANUP(buf) struct buf argv = {0};
	struct trace_cap cap = {.slot = TC_ARGV};
	bool hidden;

	read_proc(tid, "cmdline", &argv, VECTOR_SIZE_MAX);
	cap.flags = argv.len >= VECTOR_SIZE_MAX ? TC_CUT : 0;
	hidden = redact_strings(rd, &argv);
	cap.full = cap.size = (uint32_t)argv.len;
	cap.data = argv.data;
	trace_cap_put(payload, &cap);
	return hidden;
}

void evidence_exec(struct recorder *r, struct task *t, pid_t former)
{
	struct trace_event ev = {.kind = TK_EXEC,
		.tid = (uint32_t)t->tid,
		.arg = {(uint64_t)former, t->proc->birth}};
	CLEANUP(buf) struct buf maps = {0};
	const struct redact *rd = r->opt->redact;
	struct buf *p = &r->payload;

	buf_reset(p);
	if (t->proc->image && !redact_path(rd, t->proc->image, strlen(t->proc->image)))
		cap_whole(p, TC_EXE, t->proc->image, strlen(t->proc->image));
	read_proc(t->tid, "maps", &maps, MAPS_SIZE_MAX);
	if (redact_lines(rd, &maps))
		ev.flags |= TF_REDACTED;
	cap_whole(p, TC_MAPS, maps.data, maps.len);
	cap_file(p, TC_AUXV, proc_path(t->tid, "auxv"), 4096);
	cap_link(p, TC_CWD, proc_path(t->tid, "cwd"), rd);
	if (redact_argv(rd))
		ev.flags |= TF_REDACTED;
	else if (cap_argv(p, t->tid, rd))
		ev.flags |= TF_REDACTED;
	if (!r->started)
		cap_fds(p, t->tid, rd);
	emit_payload(r, &ev);
	dirty_exec(t, &maps);
	if (!r->opt->no_pages)
		pages_check(r, t);
	inject_exec(r, t);
}

/* ---- crash ---- */

/* Whether its default action dumps core: signals by which programs die of their own fault. */
static bool is_core_signal(int sig)
{
	switch (sig) {
	case SIGQUIT:
	case SIGILL:
	case SIGTRAP:
	case SIGABRT:
	case SIGBUS:
	case SIGFPE:
	case SIGSEGV:
	case SIGXCPU:
	case SIGXFSZ:
	case SIGSYS:
		return true;
	}
	return false;
}

/* Where arguments and environment begin above the stack: fields 48 to 51 of /proc/PID/stat; 0 when
 * that does not tell. */
static uint64_t strings_start(pid_t tid)
{
	CLEANUP(buf) struct buf b = {0};
	const char *at;

	read_proc(tid, "stat", &b, 65536);
	/* The name may hold anything; after its bracket comes field 3. */
	at = strrchr(buf_str(&b), ')');
	for (int field = 2; at && field < 48; field++)
		at = strchr(at + 1, ' ');
	return at ? strtoull(at, NULL, 10) : 0;
}

/* How much of the stack may be kept. The strings lie above it, and pointers to them are no harm. */
static size_t stack_limit(const struct redact *rd, pid_t tid, uint64_t sp, size_t max)
{
	uint64_t strings;

	if (redact_stack(rd))
		return 0;
	if (!redact_stack_strings(rd))
		return max;
	strings = strings_start(tid);
	if (!strings)
		return 0;
	return strings > sp && strings - sp < max ? strings - sp : max;
}

static void cap_stack(struct recorder *r, pid_t tid, uint64_t sp, size_t max)
{
	size_t done = 0;
	uint8_t *p;

	buf_reset(&r->scratch);
	p = buf_reserve(&r->scratch, max);
	/* Page by page: the end of the stack is where reading fails. */
	while (p && done < max) {
		size_t want = 4096 - ((sp + done) & 4095), got;

		if (want > max - done)
			want = max - done;
		got = mem_read_forced(tid, sp + done, p + done, want);
		done += got;
		if (got < want)
			break;
	}
	if (p)
		cap_whole(&r->payload, TC_STACK, p, done);
}

void evidence_crash(struct recorder *r, struct task *t, int signo, bool at_delivery)
{
	struct trace_event ev = {.kind = signo ? TK_CRASH : TK_STACK,
		.nr = (uint16_t)signo,
		.tid = (uint32_t)t->tid};
	size_t stack = !signo || is_core_signal(signo) ? STACK_SIZE_CORE : STACK_SIZE_OTHER;
	const struct redact *rd = r->opt->redact;
	CLEANUP(buf) struct buf maps = {0};
	struct user_regs_struct regs;
	siginfo_t si;
	size_t limit;

	buf_reset(&r->payload);
	if (at_delivery && !ptrace(PTRACE_GETSIGINFO, t->tid, 0, &si)) {
		cap_whole(&r->payload, TC_SIGINFO, &si, sizeof(si));
		ev.arg[0] = si.si_code > 0 ? (uint64_t)si.si_addr : 0;
		ev.ret = si.si_code;
	}
	if (!regs_get(t->tid, &regs)) {
		ev.ip = regs.rip;
		ev.sp = regs.rsp;
		cap_whole(&r->payload, TC_REGS, &regs, sizeof(regs));
	}
	read_proc(t->tid, "maps", &maps, MAPS_SIZE_MAX);
	ev.flags |= redact_lines(rd, &maps) ? TF_REDACTED : 0;
	cap_whole(&r->payload, TC_MAPS, maps.data, maps.len);
	limit = stack_limit(rd, t->tid, ev.sp, stack);
	ev.flags |= limit < stack ? TF_REDACTED : 0;
	cap_stack(r, t->tid, ev.sp, limit);
	cap_link(&r->payload, TC_EXE, proc_path(t->tid, "exe"), rd);
	cap_file(&r->payload, TC_COMM, proc_path(t->tid, "comm"), 64);
	emit_payload(r, &ev);
	if (signo)
		t->proc->crashed = true;
	/* Without calls nobody knows what was writable. */
	if (is_core_signal(signo) && !r->opt->no_calls)
		dirty_check(r, t);
}
