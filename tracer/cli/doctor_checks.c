/* See doctor.h. Settings are read from /proc and /sys; what can be tried is tried. */
#include "tracer/cli/doctor.h"

#include "tracer/cli/command.h"
#include "tracer/cli/options.h"

#include "common/buf.h"
#include "common/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a corpus of Python packages needs at the least; the kernel's default is 65530. */
#define MAP_COUNT_WANTED 262144
#define DISK_WANTED	 (5ULL << 30)

/* The text of a small file without its newline; "" when it cannot be read. */
static const char *slurp(const char *path, struct buf *b)
{
	CLEANUP(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *s;

	buf_reset(b);
	if (fd >= 0)
		buf_read_fd(b, fd, 1 << 16);
	s = (char *)(uintptr_t)buf_str(b);
	s[strcspn(s, "\n")] = 0;
	return s;
}

static void check_map_count(struct doctor *d)
{
	CLEANUP(buf) struct buf b = {0};
	uint64_t n = strtoull(slurp("/proc/sys/vm/max_map_count", &b), NULL, 10);

	if (n >= MAP_COUNT_WANTED)
		doctor_say(d, DOCTOR_OK, "max_map_count", NULL, "%" PRIu64, n);
	else
		doctor_say(d, DOCTOR_HINT, "max_map_count", "sysctl -w vm.max_map_count=1048576",
			"%" PRIu64 ": programs with much memory run into it under an emulator long "
			"before they do natively; leave it to see such findings, raise it to get "
			"past them",
			n);
}

static void check_thp(struct doctor *d)
{
	CLEANUP(buf) struct buf b = {0};
	const char *s = slurp("/sys/kernel/mm/transparent_hugepage/enabled", &b);

	if (!*s)
		doctor_say(d, DOCTOR_HINT, "huge pages", NULL,
			"this kernel has no transparent huge pages: an emulator's memory is "
			"slower");
	else if (strstr(s, "[never]"))
		doctor_say(d, DOCTOR_HINT, "huge pages",
			"echo madvise > /sys/kernel/mm/transparent_hugepage/enabled",
			"never: an emulator's memory is slower than it has to be");
	else
		doctor_say(d, DOCTOR_OK, "huge pages", NULL, "%s", s);
	s = slurp("/sys/kernel/mm/transparent_hugepage/shmem_enabled", &b);
	if (strstr(s, "[never]") || strstr(s, "[deny]"))
		doctor_say(d, DOCTOR_HINT, "shmem huge pages",
			"echo advise > /sys/kernel/mm/transparent_hugepage/shmem_enabled",
			"off: an emulator that keeps guest memory in a memory file has small pages "
			"only");
	else if (*s)
		doctor_say(d, DOCTOR_OK, "shmem huge pages", NULL, "%s", s);
}

/* PTRACE_TRACEME and PTRACE_CONT on a child: what the recorder lives on. */
static int try_ptrace(void)
{
	int status, err = 0;
	pid_t pid = fork();

	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, 0, 0))
			_exit(errno);
		raise(SIGSTOP);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return errno;
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	if (ptrace(PTRACE_CONT, pid, 0, 0))
		err = errno;
	kill(pid, err ? SIGKILL : SIGCONT);
	waitpid(pid, &status, 0);
	return err;
}

static void check_ptrace(struct doctor *d)
{
	CLEANUP(buf) struct buf b = {0};
	const char *s = slurp("/proc/sys/kernel/yama/ptrace_scope", &b);
	int err = try_ptrace();

	if (err)
		doctor_say(d, DOCTOR_MEND, "ptrace",
			*s == '3' ? "reboot (kernel.yama.ptrace_scope=3 cannot be lowered)"
				  : "sysctl -w kernel.yama.ptrace_scope=1",
			"a child cannot be traced (%s; ptrace_scope %s): nothing can be recorded; "
			"in a "
			"container, allow ptrace (--cap-add SYS_PTRACE)",
			strerror(err), *s ? s : "unknown");
	else
		doctor_say(d, DOCTOR_OK, "ptrace", NULL, "children can be traced%s%s",
			*s ? ", ptrace_scope " : "", s);
}

/* Installs a filter that allows everything, in a child. */
static int try_seccomp(void)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog prog = {1, &allow};
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
			syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog))
			_exit(errno);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
}

static void check_seccomp(struct doctor *d)
{
	int err = try_seccomp();

	if (err)
		doctor_say(d, DOCTOR_MEND, "seccomp", "run a kernel with CONFIG_SECCOMP_FILTER=y",
			"filters cannot be installed (%s): emulators cannot shut themselves in",
			strerror(err));
	else
		doctor_say(d, DOCTOR_OK, "seccomp", NULL, "filters work");
}

void doctor_kernel(struct doctor *d)
{
	check_map_count(d);
	check_thp(d);
	check_ptrace(d);
	check_seccomp(d);
}

/* ---- the disposable state ---- */

/* A user namespace in a child: what unprivileged runs, and most emulators, need. */
static int try_user_ns(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(unshare(CLONE_NEWUSER) ? errno : 0);
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
}

static const char *user_ns_mend(void)
{
	CLEANUP(buf) struct buf b = {0};

	if (*slurp("/proc/sys/kernel/unprivileged_userns_clone", &b) == '0')
		return "sysctl -w kernel.unprivileged_userns_clone=1";
	if (*slurp("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", &b) == '1')
		return "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0";
	return "sysctl -w user.max_user_namespaces=10000";
}

static void check_user_ns(struct doctor *d)
{
	int err = try_user_ns();

	if (err)
		doctor_say(d, geteuid() ? DOCTOR_MEND : DOCTOR_HINT, "user namespaces",
			user_ns_mend(),
			"cannot be made (%s): runs without root have no disposable state",
			strerror(err));
	else
		doctor_say(d, DOCTOR_OK, "user namespaces", NULL, "can be made");
}

/* Runs /bin/true natively: namespaces, overlays, /proc, all of it. */
static void check_state(struct doctor *d)
{
	static char *const command[] = {(char *)(uintptr_t) "/bin/true", NULL};
	CLEANUP(target) struct target *t = NULL;
	CLEANUP(run_options) struct run_options r = {0};
	CLEANUP(outcome) struct outcome out = {0};
	struct cli_options o = {.cwd = "/", .timeout_ns = 20000000000ULL};
	struct run_spec spec = {.stdin_path = "/dev/null", .max_output = 1 << 16};
	struct err e = {{0}};
	size_t i;
	int rc = target_load(&t, "native", targets_folder(), &e);

	if (!rc)
		rc = options_run(&o, &r, &spec, &e);
	spec.target = t;
	spec.command = command;
	if (!rc)
		rc = run_once(&spec, &out, &e);
	if (rc)
		doctor_say(d, DOCTOR_MEND, "disposable state",
			"docker run --privileged ... (in a container), or run as root", "%s",
			e.text);
	else if (out.status != RUN_EXITED || out.exit)
		doctor_say(d, DOCTOR_MEND, "disposable state", NULL,
			"/bin/true did not run in it: %s", out.why[0] ? out.why : "it failed");
	else
		doctor_say(d, DOCTOR_OK, "disposable state", NULL, "works");
	for (i = 0; i < out.notes.n; i++)
		doctor_say(d, DOCTOR_HINT, "disposable state", NULL, "%s", out.notes.v[i]);
}

/* Free bytes for results in the folder, or the nearest one above that exists. */
static void check_disk(struct doctor *d)
{
	const char *own = getenv("LOCKSTEP_HOME"), *home = getenv("HOME");
	char path[4096];
	struct statvfs v;
	uint64_t left;

	snprintf(path, sizeof(path), "%s%s",
		own    ? own
		: home ? home
		       : "/",
		own ? "" : "/.local/share/lockstep");
	while (statvfs(path, &v) && strrchr(path, '/') && strrchr(path, '/') != path)
		*strrchr(path, '/') = 0;
	if (statvfs(path, &v))
		return;
	left = (uint64_t)v.f_bavail * v.f_frsize;
	if (left < DISK_WANTED)
		doctor_say(d, left < DISK_WANTED / 10 ? DOCTOR_MEND : DOCTOR_HINT, "disk",
			"export LOCKSTEP_HOME=/a/larger/disk",
			"%" PRIu64 " MB free in %s: a corpus run needs some gigabytes", left >> 20,
			path);
	else
		doctor_say(
			d, DOCTOR_OK, "disk", NULL, "%" PRIu64 " GB free in %s", left >> 30, path);
	if (access(path, W_OK))
		doctor_say(d, DOCTOR_MEND, "disk", "export LOCKSTEP_HOME=/a/folder/of/yours",
			"%s cannot be written: results have no place", path);
}

void doctor_state_checks(struct doctor *d)
{
	check_user_ns(d);
	check_state(d);
	check_disk(d);
}

/* ---- programs ---- */

static bool in_path(const char *name)
{
	CLEANUP(free) char *path = NULL;

	return !program_find(name, getenv("PATH"), ".", &path, NULL);
}

static void check_targets(struct doctor *d)
{
	CLEANUP(words) struct words names = {0};
	size_t i, k;

	target_names(&names, targets_folder());
	for (i = 0; i < names.n; i++) {
		CLEANUP(target) struct target *t = NULL;
		struct err e = {{0}};

		if (target_load(&t, names.v[i], targets_folder(), &e)) {
			doctor_say(d, DOCTOR_MEND, "target", NULL, "%s", e.text);
			continue;
		}
		for (k = 0; k < t->programs.n; k++)
			if (in_path(t->programs.v[k]))
				doctor_say(
					d, DOCTOR_OK, "target", NULL, "%s is installed", t->name);
			else
				doctor_say(d, DOCTOR_HINT, "target", t->install,
					"%s is not installed (%s)", t->name, t->programs.v[k]);
	}
	if (!names.n)
		doctor_say(d, DOCTOR_MEND, "target", "make install", "no target descriptions in %s",
			targets_folder());
}

/* The helpers beside this executable. */
static void check_helpers(struct doctor *d)
{
	static const char *const names[] = {"lockstep-exec", "lockstep-record"};
	size_t i;

	for (i = 0; i < ARRAY_LEN(names); i++) {
		char path[4096];

		snprintf(path, sizeof(path), "%s/%s", exe_folder(), names[i]);
		if (access(path, X_OK))
			doctor_say(d, DOCTOR_MEND, "helper", "make", "%s is missing", path);
	}
}

/* Runs the interpreter once: its version and every module that lockstep's Python needs. */
static int try_python(void)
{
	static const char script[] =
		"import sys, importlib.util as u\n"
		"if sys.version_info < (3, 11): sys.exit(90)\n"
		"sys.exit(91 if any(u.find_spec(m) is None for m in ('jinja2', 'rich')) else 0)\n";
	char venv[4200];
	const char *python = "python3";
	int status, null;
	pid_t pid;

	snprintf(venv, sizeof(venv), "%s/python/build/venv/bin/python", exe_folder());
	if (!access(venv, X_OK))
		python = venv;
	pid = fork();
	if (pid == 0) {
		null = open("/dev/null", O_RDWR);
		dup2(null, 0);
		dup2(null, 1);
		dup2(null, 2);
		execlp(python, python, "-c", script, NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return 127;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 127;
}

static void check_python(struct doctor *d)
{
	switch (try_python()) {
	case 0:
		doctor_say(d, DOCTOR_OK, "python", NULL, "3.11 or newer, with its modules");
		break;
	case 90:
		doctor_say(d, DOCTOR_MEND, "python", "apt-get install python3",
			"older than 3.11: diff, corpus and report need a newer one");
		break;
	case 91:
		doctor_say(d, DOCTOR_MEND, "python", "make venv",
			"modules are missing (jinja2, rich): report and corpus need them");
		break;
	default:
		doctor_say(d, DOCTOR_MEND, "python", "apt-get install python3",
			"python3 cannot be started: diff, corpus and report need it");
	}
}

void doctor_programs(struct doctor *d)
{
	check_helpers(d);
	check_targets(d);
	check_python(d);
}
