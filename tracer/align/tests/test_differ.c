/*
 * The comparison on traces made by hand: what was planted is found where it was planted, and what
 * two native runs do differently by chance is no difference.
 */
#include "tracer/align/differ.h"
#include "tracer/decode/tests/make_event.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/cleanup.h"

struct script {
	char path[64];
	struct trace_writer *w;
	uint64_t now;
};

static void script_begin(struct script *s, const char *name)
{
	struct err e;
	int fd;

	*s = (struct script){0};
	snprintf(s->path, sizeof(s->path), "/tmp/lockstep-test-differ-%d-%s", (int)getpid(), name);
	fd = open(s->path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(trace_writer_open(&s->w, fd, "{}", NULL, &e), 0);
}

static void put(struct script *s, struct made *k, uint32_t tid)
{
	k->ev.tid = tid;
	k->ev.enter_ns = s->now += 1000;
	assert_int_equal(trace_writer_add(s->w, &k->ev), 0);
}

static void task(struct script *s, uint32_t tid, uint32_t parent, uint64_t flags, uint32_t tgid)
{
	static struct made k;

	make_kind(&k, TK_TASK, tid);
	k.ev.arg[0] = parent;
	k.ev.arg[1] = flags;
	k.ev.ret = tgid;
	put(s, &k, tid);
}

static void exec(struct script *s, uint32_t tid, const char *image)
{
	static struct made k;

	make_kind(&k, TK_EXEC, tid);
	make_str(&k, TC_EXE, image);
	put(s, &k, tid);
}

static void end(struct script *s, uint32_t tid, int status)
{
	static struct made k;

	make_kind(&k, TK_EXIT, tid);
	k.ev.nr = 1;
	k.ev.ret = status;
	put(s, &k, tid);
}

static void open_file(struct script *s, uint32_t tid, const char *path, int64_t ret)
{
	static struct made k;

	make_call(&k, SYS_openat, ret, (uint64_t)AT_FDCWD, 0x1000, O_RDONLY, 0, 0, 0);
	make_str(&k, 1, path);
	put(s, &k, tid);
}

static void read_fd(struct script *s, uint32_t tid, int fd, const char *data, int64_t ret)
{
	static struct made k;

	make_call(&k, SYS_read, ret, (uint64_t)fd, 0x2000, 100, 0, 0, 0);
	if (ret > 0)
		make_cap(&k, 1, 0, TC_OUT, data, (size_t)ret);
	put(s, &k, tid);
}

static void root(struct script *s)
{
	task(s, 100, 0, 17, 100);
	exec(s, 100, "/usr/bin/prog");
}

/* A program that opens and reads a number of files, in one of which something can be planted. */
static void straight(struct script *s, const char *name, int planted, int64_t value)
{
	char path[40];

	script_begin(s, name);
	root(s);
	for (int i = 0; i < 60; i++) {
		snprintf(path, sizeof(path), "/etc/f%d", i % 7);
		open_file(s, 100, path, i == planted ? value : 3);
		read_fd(s, 100, 3, "content", 7);
	}
	end(s, 100, 0);
	trace_writer_close(s->w);
}

static void diff_of(struct differ *d, const struct script *natives, unsigned int n,
	const struct script *targets, unsigned int m)
{
	const char *a[NAMES_RUN_MAX], *b[NAMES_RUN_MAX];
	struct err e = {{0}};

	for (unsigned int i = 0; i < n; i++)
		a[i] = natives[i].path;
	for (unsigned int i = 0; i < m; i++)
		b[i] = targets[i].path;
	assert_int_equal(differ_run(d, a, n, b, m, &e), 0);
	for (unsigned int i = 0; i < n; i++)
		unlink(a[i]);
	for (unsigned int i = 0; i < m; i++)
		unlink(b[i]);
}

static void identical_runs_have_no_difference(void **state)
{
	struct script n[2], t[1];
	struct differ d;

	straight(&n[0], "n0", -1, 0);
	straight(&n[1], "n1", -1, 0);
	straight(&t[0], "t0", -1, 0);
	diff_of(&d, n, 2, t, 1);
	assert_int_equal(d.ndiffs[0], 0);
	differ_fini(&d);
}

static void a_planted_errno_is_found_where_it_was_planted(void **state)
{
	for (int at = 0; at < 60; at += 13) {
		struct script n[2], t[1];
		struct differ d;
		const struct diff *f;

		straight(&n[0], "n0", -1, 0);
		straight(&n[1], "n1", -1, 0);
		straight(&t[0], "t0", at, -13);
		diff_of(&d, n, 2, t, 1);
		assert_true(d.ndiffs[0] >= 1);
		f = &d.diffs[0][0];
		assert_int_equal(f->what, DIFF_VALUE);
		assert_true(f->parts & TOK_ERR);
		assert_int_equal(f->target_tok, 2 * at);
		assert_int_equal(f->native_tok, 2 * at);
		differ_fini(&d);
	}
}

static void what_natives_get_differently_at_a_place_is_noise_there(void **state)
{
	struct script n[2], t[1];
	struct differ d;

	straight(&n[0], "n0", -1, 0);
	straight(&n[1], "n1", 20, -13);
	straight(&t[0], "t0", 20, -13);
	diff_of(&d, n, 2, t, 1);
	assert_int_equal(d.ndiffs[0], 0);
	differ_fini(&d);
}

static void temporary(struct script *s, const char *name, const char *folder)
{
	char path[64];

	script_begin(s, name);
	root(s);
	for (int i = 0; i < 40; i++) {
		snprintf(path, sizeof(path), "/tmp/%s/f%d", folder, i);
		open_file(s, 100, path, 4);
	}
	end(s, 100, 0);
	trace_writer_close(s->w);
}

static void temporary_names_are_one_variable(void **state)
{
	struct script n[2], t[1];
	struct differ d;

	temporary(&n[0], "n0", "tmpab");
	temporary(&n[1], "n1", "tmpcd");
	temporary(&t[0], "t0", "tmpxy");
	diff_of(&d, n, 2, t, 1);
	assert_int_equal(d.ndiffs[0], 0);
	differ_fini(&d);
}

/* Four threads share 40 files; which thread gets which is up to `turn`. One file may be missing. */
static void pool(struct script *s, const char *name, unsigned int turn, int missing)
{
	char path[40];

	script_begin(s, name);
	root(s);
	for (uint32_t i = 0; i < 4; i++)
		task(s, 101 + i, 100, 0x10000 | 0x100 | 0x400, 100);
	for (int i = 0; i < 40; i++) {
		snprintf(path, sizeof(path), "/srv/f%d", i);
		turn = turn * 1103515245 + 12345;
		open_file(s, 101 + (turn >> 16) % 4, path, i == missing ? -2 : 5);
	}
	end(s, 100, 0);
	trace_writer_close(s->w);
}

static void siblings_are_compared_as_a_group(void **state)
{
	struct script n[3], t[1];
	struct differ d;

	for (unsigned int i = 0; i < 3; i++)
		pool(&n[i], i == 0 ? "n0" : i == 1 ? "n1" : "n2", i, -1);
	pool(&t[0], "t0", 99, -1);
	diff_of(&d, n, 3, t, 1);
	assert_int_equal(d.ndiffs[0], 0);
	differ_fini(&d);

	for (unsigned int i = 0; i < 3; i++)
		pool(&n[i], i == 0 ? "n0" : i == 1 ? "n1" : "n2", i, -1);
	pool(&t[0], "t0", 99, 17);
	diff_of(&d, n, 3, t, 1);
	assert_int_equal(d.ndiffs[0], 1);
	assert_true(d.diffs[0][0].group && d.diffs[0][0].parts & TOK_ERR);
	differ_fini(&d);
}

static void a_torn_or_foreign_trace_is_an_error_or_less(void **state)
{
	struct script n[1];
	struct differ d;
	struct err e = {{0}};
	const char *native = n[0].path, *none = "/nonexistent/trace", *foreign = "/bin/true";

	straight(&n[0], "n0", -1, 0);
	assert_true(differ_run(&d, &native, 1, &none, 1, &e) < 0);
	assert_non_null(strstr(e.text, none));
	differ_fini(&d);
	assert_true(differ_run(&d, &native, 1, &foreign, 1, &e) < 0);
	assert_non_null(strstr(e.text, foreign));
	differ_fini(&d);
	assert_int_equal(truncate(native, 200), 0);
	assert_int_equal(differ_run(&d, &native, 1, &native, 1, &e), 0);
	assert_true(d.natives[0].torn);
	differ_fini(&d);
	unlink(native);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(identical_runs_have_no_difference),
		cmocka_unit_test(a_planted_errno_is_found_where_it_was_planted),
		cmocka_unit_test(what_natives_get_differently_at_a_place_is_noise_there),
		cmocka_unit_test(temporary_names_are_one_variable),
		cmocka_unit_test(siblings_are_compared_as_a_group),
		cmocka_unit_test(a_torn_or_foreign_trace_is_an_error_or_less),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
