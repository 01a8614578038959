#include "tracer/record/tests/harness.h"

#include "common/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char g_dir[64];

/* The build folder, absolute: BUILD as `make check` gives it, else where this program lies. */
static const char *build_dir(void)
{
	static char path[4096];
	const char *env = getenv("BUILD");
	ssize_t n;

	if (env)
		return env;
	n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	assert_true(n > 0);
	path[n] = 0;
	for (int i = 0; i < 2; i++)
		*strrchr(path, '/') = 0;
	return path;
}

static void add_case(struct buf *sh, const struct rec_case *c, const char *opts)
{
	const char *build = build_dir();

	buf_printf(
		sh, "%s/lockstep-record -o $D/%s.trace %s %s -- ", build, c->name, opts, c->opts);
	if (!strchr(c->cmd, '/'))
		buf_printf(sh, "%s/tracees/tracer/record/tests/tracees/", build);
	buf_printf(sh, "%s >/dev/null 2>&1 </dev/null; echo $? >$D/%s.status\n", c->cmd, c->name);
}

void harness_record(const struct rec_case *cases, size_t n, const char *prefix, const char *opts)
{
	struct buf sh = {0}, cmd = {0};
	FILE *p;

	strcpy(g_dir, "/tmp/test_record.XXXXXX");
	assert_non_null(mkdtemp(g_dir));
	buf_add_str(&sh, "D=$(mktemp -d); export SECRET=hush-hush\n");
	for (size_t i = 0; i < n; i++)
		add_case(&sh, &cases[i], opts);
	buf_add_str(&sh, "tar -C $D -cf - .; rm -rf $D\n");
	/* Through a pipe, since what is written inside an emulator's disposable root is lost. */
	buf_printf(&cmd,
		"cat >%s/run.sh; %s sh -c \"$(cat %s/run.sh)\" 2>/dev/null | tar -C %s -xf -",
		g_dir, prefix ? prefix : "", g_dir, g_dir);
	p = popen(buf_str(&cmd), "w");
	assert_non_null(p);
	assert_int_equal(fwrite(sh.data, 1, sh.len, p), sh.len);
	assert_int_equal(pclose(p), 0);
	buf_fini(&sh);
	buf_fini(&cmd);
}

void harness_fini(void)
{
	char cmd[128];

	snprintf(cmd, sizeof(cmd), "rm -rf %s", g_dir);
	assert_int_equal(system(cmd), 0);
}

int harness_run(const char *opt, uint64_t n, const char *tracee)
{
	struct buf cmd = {0};
	int status;

	buf_printf(&cmd, "%s/lockstep-record -o /dev/null ", build_dir());
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	buf_printf(&cmd, opt, n);
#pragma GCC diagnostic pop
	buf_printf(&cmd, " -- %s/tracees/tracer/record/tests/tracees/%s >/dev/null 2>&1",
		build_dir(), tracee);
	status = system(buf_str(&cmd));
	buf_fini(&cmd);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

pid_t harness_start(char *env, const char *tracee, const char *arg)
{
	struct buf exe = {0}, path = {0};
	pid_t pid;

	buf_printf(&exe, "%s/lockstep-record", build_dir());
	buf_printf(&path, "%s/tracees/tracer/record/tests/tracees/%s", build_dir(), tracee);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		putenv(env);
		execl(buf_str(&exe), "lockstep-record", "-o", "/dev/null", "--grace", "60", "--",
			buf_str(&path), arg, NULL);
		_exit(99);
	}
	buf_fini(&exe);
	buf_fini(&path);
	return pid;
}

static int read_status(const char *name)
{
	char path[256];
	int status = -1;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s.status", g_dir, name);
	f = fopen(path, "r");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%d", &status), 1);
	fclose(f);
	return status;
}

struct rec_trace trace_load(const char *name)
{
	struct rec_trace tr = {.status = read_status(name)};
	struct trace_event ev;
	struct err e = {{0}};
	const char *why;
	char path[256];
	int rc;

	snprintf(path, sizeof(path), "%s/%s.trace", g_dir, name);
	rc = trace_open(&tr.t, path, &e);
	if (rc)
		fail_msg("%s: %s", name, e.text);
	while ((rc = trace_next(tr.t, &ev)) == 1) {
		tr.ev = reallocarray(tr.ev, tr.len + 1, sizeof(ev));
		assert_non_null(tr.ev);
		tr.ev[tr.len++] = ev;
	}
	assert_int_equal(rc, 0);
	assert_int_equal(trace_state(tr.t, &why), TRACE_WHOLE);
	return tr;
}

void trace_free(struct rec_trace *tr)
{
	trace_close(tr->t);
	free(tr->ev);
}

static int is_kind(const struct trace_event *ev, enum trace_kind kind, int nr)
{
	return ev->kind == kind && (nr < 0 || ev->nr == nr);
}

const struct trace_event *find(const struct rec_trace *tr, enum trace_kind kind, int nr, size_t i)
{
	for (size_t k = 0; k < tr->len; k++) {
		if (is_kind(&tr->ev[k], kind, nr) && !i--)
			return &tr->ev[k];
	}
	return NULL;
}

size_t count(const struct rec_trace *tr, enum trace_kind kind, int nr)
{
	size_t n = 0;

	for (size_t k = 0; k < tr->len; k++)
		n += is_kind(&tr->ev[k], kind, nr);
	return n;
}

int has_text(const struct trace_event *ev, unsigned int slot, unsigned int part, unsigned int flags,
	const char *text)
{
	struct trace_cap cap;

	return ev && trace_cap_find(ev, slot, part, flags, &cap) && cap.size == strlen(text) &&
	       !memcmp(cap.data, text, cap.size);
}
