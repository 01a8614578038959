/* Running a file natively under ptrace, stopped at its first instruction: oracle.h. */
#include "loader/tests/oracle.h"

#include "common/buf.h"
#include "common/cleanup.h"
#include "common/err.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static void limit(int what, uint64_t value)
{
	struct rlimit r = {value, value};

	if (value && setrlimit(what, &r))
		_exit(126);
}

/* In the child: never returns. Only what may be done after fork. */
static void become(const struct run_how *how, const char *path, int report)
{
	const char *argv_default[] = {path, NULL}, *envp_default[] = {NULL};
	char **argv = (char **)(how->argv ? how->argv : argv_default);
	char **envp = (char **)(how->envp ? how->envp : envp_default);
	long rc;
	int err;

	personality(how->personality | (how->randomize ? 0 : ADDR_NO_RANDOMIZE));
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (how->uid && (setgroups(0, NULL) || setgid(how->uid) || setuid(how->uid)))
		_exit(126);
	if (how->no_new_privs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		_exit(126);
	if (ptrace(PTRACE_TRACEME, 0, 0, 0))
		_exit(126);
	limit(RLIMIT_STACK, how->rlimit_stack);
	limit(RLIMIT_DATA, how->rlimit_data);
	limit(RLIMIT_AS, how->rlimit_as);
	if (how->exec_fd > 0)
		rc = syscall(SYS_execveat, how->exec_fd, "", argv, envp,
			AT_EMPTY_PATH | how->exec_flags);
	else
		rc = execve(path, argv, envp);
	err = rc ? errno : 0; /* 0: AT_EXECVE_CHECK */
	if (write(report, &err, sizeof(err)) != sizeof(err))
		_exit(126);
	_exit(127);
}

static void read_proc(pid_t pid, const char *name, struct buf *b)
{
	char path[64];
	CLEANUP(fd) int fd = -1;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || buf_read_fd(b, fd, 1 << 20))
		die(EXIT_BROKE, "cannot read %s", path);
}

static void read_maps(struct native *n)
{
	CLEANUP(buf) struct buf b = {NULL};
	char *line, *save = NULL;

	read_proc(n->pid, "maps", &b);
	buf_str(&b);
	for (line = strtok_r((char *)b.data, "\n", &save); line;
		line = strtok_r(NULL, "\n", &save)) {
		struct native_vma *v = &n->vma[n->vma_len];

		if (n->vma_len == ARRAY_LEN(n->vma))
			die(EXIT_BROKE, "more mappings than a test foresees");
		memset(v, 0, sizeof(*v));
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %*s %*s %127[^\n]",
			    &v->start, &v->end, v->perm, &v->file_offset, v->name) < 4)
			die(EXIT_BROKE, "a line of maps that is none: %s", line);
		n->vma_len++;
	}
}

static void read_auxv(struct native *n)
{
	CLEANUP(buf) struct buf b = {NULL};
	/* An i386 program's are of 32 bits: its code segment tells. */
	size_t word = n->regs.cs == 0x23 ? 4 : 8, i;

	read_proc(n->pid, "auxv", &b);
	n->auxv_len = b.len / (2 * word);
	if (n->auxv_len > ARRAY_LEN(n->auxv))
		n->auxv_len = ARRAY_LEN(n->auxv);
	memset(n->auxv, 0, sizeof(n->auxv));
	for (i = 0; i < 2 * n->auxv_len; i++)
		memcpy(&n->auxv[i / 2][i % 2], b.data + i * word, word);
	while (n->auxv_len > 1 && n->auxv[n->auxv_len - 1][0] == AT_NULL &&
		n->auxv[n->auxv_len - 2][0] == AT_NULL)
		n->auxv_len--;
}

/* Field 47 of proc_pid_stat(5); the name, field 2, may have anything in it. */
static void read_start_brk(struct native *n)
{
	CLEANUP(buf) struct buf b = {NULL};
	char *p, *save = NULL;
	int field = 3;

	read_proc(n->pid, "stat", &b);
	p = strrchr(buf_str(&b), ')') + 2;
	for (p = strtok_r(p, " ", &save); p && field < 47; field++)
		p = strtok_r(NULL, " ", &save);
	n->start_brk = p ? strtoull(p, NULL, 10) : 0;
}

static void inspect(struct native *n)
{
	char path[64];

	n->end = NATIVE_STOPPED;
	read_maps(n);
	read_start_brk(n);
	if (ptrace(PTRACE_GETREGS, n->pid, NULL, &n->regs))
		die(EXIT_BROKE, "PTRACE_GETREGS fails");
	read_auxv(n);
	snprintf(path, sizeof(path), "/proc/%d/mem", n->pid);
	n->mem_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (n->mem_fd < 0)
		die(EXIT_BROKE, "cannot open %s", path);
}

void native_start(struct native *n, const struct run_how *how, const char *exe_path)
{
	int report[2];

	memset(n, 0, offsetof(struct native, vma));
	n->vma_len = n->auxv_len = 0;
	n->mem_fd = -1;
	if (pipe2(report, O_CLOEXEC))
		die(EXIT_BROKE, "no pipe");
	n->pid = fork();
	if (n->pid == 0)
		become(how, exe_path, report[1]);
	close(report[1]);
	if (n->pid < 0 || waitpid(n->pid, &n->wait_status, 0) != n->pid)
		die(EXIT_BROKE, "no child");
	if (WIFSTOPPED(n->wait_status) && WSTOPSIG(n->wait_status) == SIGTRAP) {
		inspect(n);
	} else if (WIFSTOPPED(n->wait_status)) {
		n->end = NATIVE_KILLED;
		n->signal = WSTOPSIG(n->wait_status);
		native_kill(n);
	} else if (WIFSIGNALED(n->wait_status)) {
		n->end = NATIVE_KILLED;
		n->signal = WTERMSIG(n->wait_status);
	} else if (read(report[0], &n->errnum, sizeof(n->errnum)) != sizeof(n->errnum)) {
		die(EXIT_BROKE, "a test's child could not get ready (status 0x%x)", n->wait_status);
	}
	close(report[0]);
}

void native_read(const struct native *n, uint64_t addr, void *buf, size_t size)
{
	if (pread(n->mem_fd, buf, size, (off_t)addr) != (ssize_t)size)
		die(EXIT_BROKE, "cannot read %zu bytes of the process at 0x%" PRIx64, size, addr);
}

bool native_readable(const struct native *n, uint64_t addr)
{
	char c;

	return pread(n->mem_fd, &c, 1, (off_t)addr) == 1;
}

uint64_t native_aux(const struct native *n, uint64_t type)
{
	size_t i;

	for (i = 0; i < n->auxv_len; i++)
		if (n->auxv[i][0] == type)
			return n->auxv[i][1];
	die(EXIT_BROKE, "no auxv entry %" PRIu64, type);
}

const struct native_vma *native_vma_at(const struct native *n, uint64_t addr)
{
	size_t i;

	for (i = 0; i < n->vma_len; i++)
		if (n->vma[i].start <= addr && addr < n->vma[i].end)
			return &n->vma[i];
	return NULL;
}

void native_finish(struct native *n)
{
	int signal = 0;

	if (n->mem_fd >= 0)
		close(n->mem_fd);
	n->mem_fd = -1;
	while (n->end == NATIVE_STOPPED) {
		if (ptrace(PTRACE_CONT, n->pid, NULL, (long)signal) ||
			waitpid(n->pid, &n->wait_status, 0) != n->pid)
			die(EXIT_BROKE, "the child is gone");
		if (!WIFSTOPPED(n->wait_status))
			return;
		signal = WSTOPSIG(n->wait_status);
	}
}

void native_kill(struct native *n)
{
	int status;

	if (n->mem_fd >= 0)
		close(n->mem_fd);
	n->mem_fd = -1;
	kill(n->pid, SIGKILL);
	while (waitpid(n->pid, &status, 0) == n->pid && WIFSTOPPED(status))
		;
}
