/*
 * The command's process: forked, seized while it waits at a pipe, then let go into its execve.
 * PTRACE_SEIZE and not TRACEME, since only that lets group-stops through; a pipe and not a SIGSTOP,
 * whose wait status gets lost in some emulators.
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

static _Noreturn void child_run(
	const struct signal_state *saved, int gate, const char *path, char **argv)
{
	char c;

	signals_restore(saved);
	/* End of file: the recorder died, or could not trace. */
	if (read(gate, &c, 1) == 1)
		execve(path, argv, environ);
	_exit(EXIT_RUN_NOTFOUND);
}

/* Interrupted, so that it stops once before its execve and is then resumed to its next call. */
static int seize(pid_t pid, int gate, struct err *e)
{
	int rc = 0;

	if (ptrace(PTRACE_SEIZE, pid, 0, TRACE_OPTIONS) || ptrace(PTRACE_INTERRUPT, pid, 0, 0))
		rc = errno;
	if (!rc && write(gate, "", 1) == 1)
		return 0;
	kill(pid, SIGKILL);
	return err_set(e, rc ? rc : EPIPE,
		"cannot trace (PTRACE_SEIZE: %s): inside a container allow ptrace, "
		"and see /proc/sys/kernel/yama/ptrace_scope",
		strerror(rc));
}

int start_root(struct recorder *r, const struct signal_state *saved, struct err *e)
{
	CLEANUP(buf) struct buf path = {0};
	int rc = find_command(r->opt->cmd[0], &path, e);
	int gate[2];

	if (rc)
		return rc;
	if (pipe2(gate, O_CLOEXEC))
		return err_set(e, errno, "cannot make a pipe: %s", strerror(errno));
	r->root = fork();
	if (!r->root) {
		close(gate[1]);
		child_run(saved, gate[0], buf_str(&path), r->opt->cmd);
	}
	rc = r->root < 0 ? err_set(e, errno, "cannot fork: %s", strerror(errno))
			 : seize(r->root, gate[1], e);
	close(gate[0]);
	close(gate[1]);
	return rc;
}
