/* See target_check.h. Each step runs for real: what a description claims is not believed. */
#include "tracer/cli/target_check.h"

#include "common/buf.h"
#include "common/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#define STEP_LIMIT_NS	 (20 * 1000000000ULL)
#define VERSION_LIMIT_MS 5000
#define WORD		 "lockstep-check"

__attribute__((format(printf, 4, 5))) static bool step(
	struct check *c, const char *name, bool ok, const char *fmt, ...)
{
	struct check_step *s = &c->steps[c->n];
	va_list ap;

	if (c->n < CHECK_STEPS_MAX)
		c->n++;
	s->name = name;
	s->ok = ok;
	va_start(ap, fmt);
	vsnprintf(s->text, sizeof(s->text), fmt, ap);
	va_end(ap);
	c->ok &= ok;
	return ok;
}

static bool check_needs(struct check *c, const struct target *t)
{
	bool ok = true;
	size_t i;

	if (t->needs_root)
		ok = step(c, "root", !geteuid(),
			geteuid() ? "it needs root: use sudo" : "we are root");
	for (i = 0; i < t->programs.n; i++) {
		CLEANUP(free) char *path = NULL;

		if (!program_find(t->programs.v[i], getenv("PATH"), ".", &path, NULL))
			step(c, "program", true, "%s", path);
		else
			ok = step(c, "program", false,
				"%s is not in PATH: install it%s%s%s, or put its folder into PATH",
				t->programs.v[i], t->install ? " (" : "",
				t->install ? t->install : "", t->install ? ")" : "");
	}
	return ok;
}

/* ---- the version command, outside ---- */

static _Noreturn void become_version(const struct target *t, int out)
{
	int null = open("/dev/null", O_RDWR);

	dup2(null, 0);
	dup2(out, 1);
	dup2(out, 2);
	setpgid(0, 0);
	execvp(t->version.v[0], t->version.v);
	_exit(127);
}

/* Everything that it prints within the limit. */
static int version_output(const struct target *t, struct buf *text)
{
	struct timespec end, t0;
	int p[2], status = -1;
	pid_t pid;

	if (pipe2(p, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (pid == 0)
		become_version(t, p[1]);
	close(p[1]);
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += VERSION_LIMIT_MS / 1000;
	for (;;) {
		struct pollfd pf = {p[0], POLLIN, 0};
		void *room = buf_reserve(text, 4096);
		ssize_t n;
		long left;

		clock_gettime(CLOCK_MONOTONIC, &t0);
		left = (end.tv_sec - t0.tv_sec) * 1000 + (end.tv_nsec - t0.tv_nsec) / 1000000;
		if (!room || left <= 0 || poll(&pf, 1, (int)left) <= 0)
			break;
		n = read(p[0], room, 4096);
		if (n <= 0 || text->len > 65536)
			break;
		text->len += n;
	}
	close(p[0]);
	if (pid > 0) {
		kill(-pid, SIGKILL);
		kill(pid, SIGKILL);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
	}
	return pid < 0 ? -EAGAIN : 0;
}

static void check_version(struct check *c, const struct target *t)
{
	CLEANUP(buf) struct buf text = {0};
	const char *s;

	if (!t->version.n)
		return;
	if (version_output(t, &text) || !text.len) {
		step(c, "version", false, "`%s ...` printed nothing within %d s", t->version.v[0],
			VERSION_LIMIT_MS / 1000);
		return;
	}
	s = buf_str(&text);
	step(c, "version", true, "%.*s", (int)strcspn(s, "\n"), s);
}

/* ---- the runs ---- */

struct trial {
	char folder[64];
	char out[PATH_MAX], err[PATH_MAX], trace[PATH_MAX], log[PATH_MAX];
	struct run_options r;
	struct run_spec spec;
};

static int trial_init(
	struct trial *tr, const struct target *t, const struct cli_options *o, struct err *e)
{
	strcpy(tr->folder, "/tmp/lockstep-check-XXXXXX");
	if (!mkdtemp(tr->folder))
		return err_set(e, errno, "cannot make a folder in /tmp: %s", strerror(errno));
	snprintf(tr->out, sizeof(tr->out), "%s/out", tr->folder);
	snprintf(tr->err, sizeof(tr->err), "%s/err", tr->folder);
	snprintf(tr->trace, sizeof(tr->trace), "%s/trace", tr->folder);
	snprintf(tr->log, sizeof(tr->log), "%s/log", tr->folder);
	tr->spec = (struct run_spec){
		.target = t,
		.stdin_path = "/dev/null",
		.stdout_path = tr->out,
		.stderr_path = tr->err,
		.max_output = 1 << 16,
	};
	return options_run(o, &tr->r, &tr->spec, e);
}

static void trial_fini(struct trial *tr)
{
	unlink(tr->out);
	unlink(tr->err);
	unlink(tr->trace);
	unlink(tr->log);
	rmdir(tr->folder);
	run_options_fini(&tr->r);
}

static void read_file(const char *path, struct buf *text)
{
	CLEANUP(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);

	buf_reset(text);
	if (fd >= 0)
		buf_read_fd(text, fd, 1 << 20);
}

/* The last line that is not empty, for a sentence. */
static const char *last_line(struct buf *text)
{
	char *s = (char *)(uintptr_t)buf_str(text), *nl;

	while (text->len && (s[text->len - 1] == '\n' || s[text->len - 1] == ' '))
		s[--text->len] = 0;
	nl = strrchr(s, '\n');
	return nl ? nl + 1 : s;
}

static void failed_run(
	struct check *c, const char *name, const struct trial *tr, const struct outcome *out)
{
	CLEANUP(buf) struct buf err = {0};
	const char *line;

	read_file(tr->err, &err);
	line = last_line(&err);
	if (out->why[0])
		step(c, name, false, "%s%s%.200s", out->why, *line ? "; it said: " : "", line);
	else
		step(c, name, false, "/bin/echo ended with %s %d%s%.200s",
			out->status == RUN_SIGNALED ? "signal" : "status",
			out->status == RUN_SIGNALED ? out->signal : out->exit,
			*line ? "; it said: " : "", line);
}

/* Runs /bin/echo; true when it did what it does. */
static bool try_run(struct check *c, const char *name, struct trial *tr)
{
	static char *const command[] = {
		(char *)(uintptr_t) "/bin/echo", (char *)(uintptr_t)WORD, NULL};
	CLEANUP(outcome) struct outcome out = {0};
	CLEANUP(buf) struct buf text = {0};
	struct err e = {{0}};

	tr->spec.command = command;
	if (!tr->spec.timeout_ns)
		tr->spec.timeout_ns = STEP_LIMIT_NS;
	if (run_once(&tr->spec, &out, &e))
		return step(c, name, false, "%s", e.text);
	read_file(tr->out, &text);
	if (out.status != RUN_EXITED || out.exit) {
		failed_run(c, name, tr, &out);
		return false;
	}
	if (strcmp(buf_str(&text), WORD "\n"))
		return step(c, name, false, "/bin/echo %s printed something else: %.80s", WORD,
			last_line(&text));
	return true;
}

static uint64_t size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) ? 0 : (uint64_t)st.st_size;
}

static void check_record(struct check *c, const struct target *t, struct trial *tr)
{
	if (t->record == RECORD_OUTCOME) {
		step(c, "record", true, "only outcomes: it cannot be recorded");
		return;
	}
	tr->spec.trace = tr->trace;
	tr->spec.log = tr->log;
	if (!try_run(c, "record", tr))
		return;
	if (t->record == RECORD_LOG)
		step(c, "record", size_of(tr->log) > 0,
			size_of(tr->log) ? "by its own log" : "its own log stayed empty");
	else
		step(c, "record", size_of(tr->trace) > 0,
			size_of(tr->trace) ? "the recorder works inside"
					   : "the trace stayed empty");
}

int target_check(
	struct check *c, const struct target *t, const struct cli_options *o, struct err *e)
{
	struct trial tr = {.folder = ""};
	int rc = target_check_options(t, &o->target_opts, e);

	*c = (struct check){.ok = true};
	if (rc || !check_needs(c, t))
		return rc;
	check_version(c, t);
	rc = trial_init(&tr, t, o, e);
	if (!rc && try_run(c, "run", &tr)) {
		step(c, "run", true, "/bin/echo runs and answers");
		check_record(c, t, &tr);
	}
	trial_fini(&tr);
	return rc;
}
