/*
 * The command's process: forked, seized while it stands at a SIGSTOP of its own, then let go into
 * its execve. PTRACE_SEIZE and not TRACEME, since only that lets group-stops through.
 */
#include "tracer/record/start.h"

#include "common/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define TRACE_OPTIONS                                                                              \
	(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |   \
		PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXIT | PTRACE_O_EXITKILL)

static bool is_file(const char *path)
{
	struct stat st;

	return !stat(path, &st) && !S_ISDIR(st.st_mode);
}

/* Where name is in PATH, as execvp looks; -EACCES when only files that cannot be executed. */
static int search_path(const char *name, struct buf *out)
{
	const char *path = getenv("PATH"), *end;
	int rc = -ENOENT;

	for (path = path ? path : "/bin:/usr/bin";; path = end + 1) {
		end = strchrnul(path, ':');
		buf_reset(out);
		buf_add(out, path, (size_t)(end - path));
		if (end > path)
			buf_add_byte(out, '/');
		buf_add_str(out, name);
		if (is_file(buf_str(out))) {
			if (!access(buf_str(out), X_OK))
				return 0;
			rc = -EACCES;
		}
		if (!*end)
			return rc;
	}
}

static int find_command(const char *name, struct buf *out, struct err *e)
{
	int rc;

	if (strchr(name, '/')) {
		buf_add_str(out, name);
		return 0;
	}
	rc = search_path(name, out);
	if (rc == -EACCES)
		return err_set(e, EACCES, "%s: found in PATH, but cannot be executed", name);
	if (rc)
		return err_set(e, ENOENT, "%s: command not found in PATH", name);
	return 0;
}

static _Noreturn void child_run(const struct signal_state *saved, const char *path, char **argv)
{
	signals_restore(saved);
	raise(SIGSTOP);
	execve(path, argv, environ);
	_exit(EXIT_RUN_NOTFOUND);
}

static int seize(pid_t pid, struct err *e)
{
	int status, rc;

	do {
		rc = waitpid(pid, &status, WUNTRACED);
	} while (rc < 0 && errno == EINTR);
	if (rc < 0 || !WIFSTOPPED(status))
		return err_set(e, ECHILD, "the command's process died before it could start");
	if (ptrace(PTRACE_SEIZE, pid, 0, TRACE_OPTIONS)) {
		rc = -errno;
		kill(pid, SIGKILL);
		return err_set(e, -rc,
			"cannot trace (PTRACE_SEIZE: %s): inside a container allow ptrace, "
			"and see /proc/sys/kernel/yama/ptrace_scope",
			strerror(-rc));
	}
	kill(pid, SIGCONT);
	return 0;
}

int start_root(struct recorder *r, const struct signal_state *saved, struct err *e)
{
	CLEANUP(buf) struct buf path = {0};
	int rc = find_command(r->opt->cmd[0], &path, e);

	if (rc)
		return rc;
	r->root = fork();
	if (r->root < 0)
		return err_set(e, errno, "cannot fork: %s", strerror(errno));
	if (!r->root)
		child_run(saved, buf_str(&path), r->opt->cmd);
	return seize(r->root, e);
}
