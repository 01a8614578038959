/*
 * Backtraces of real crashes: recorded here by lockstep-record, with symbols, without any, and of a
 * call to an address that is no code.
 */
#include "tracer/decode/backtrace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/user.h>
#include <unistd.h>

static char g_dir[] = "/tmp/test_backtrace.XXXXXX";

static void run(const char *fmt, ...)
{
	const char *build = getenv("BUILD");
	char cmd[4096], inner[2048];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(inner, sizeof(inner), fmt, ap);
	va_end(ap);
	snprintf(cmd, sizeof(cmd),
		"cd %s; B=%s; T=$B/tracees/tracer/record/tests/tracees; R=$B/lockstep-record\n"
		"{ %s; } >/dev/null 2>&1; true",
		g_dir, build ? build : "build/plain", inner);
	assert_int_equal(system(cmd), 0);
}

/* The first event of that kind in the trace t, as a backtrace. */
static struct backtrace load(enum trace_kind kind)
{
	struct trace_event ev;
	struct backtrace bt;
	struct err e = {{0}};
	struct trace *t;
	char path[64];

	snprintf(path, sizeof(path), "%s/t", g_dir);
	if (trace_open(&t, path, &e))
		fail_msg("%s", e.text);
	do
		assert_int_equal(trace_next(t, &ev), 1);
	while (ev.kind != kind);
	assert_int_equal(backtrace_from_event(&bt, &ev), 0);
	trace_close(t);
	return bt;
}

static size_t count_symbol(const struct backtrace *bt, const char *name)
{
	size_t n = 0;

	for (size_t i = 0; i < bt->len; i++)
		n += bt->frame[i].symbol && !strcmp(bt->frame[i].symbol, name);
	return n;
}

static void every_frame_of_a_recursion_is_named(void **state)
{
	struct backtrace bt;

	run("$R -o t -- $T/crash segv");
	bt = load(TK_CRASH);
	assert_int_equal(count_symbol(&bt, "deep"), 11);
	assert_int_equal(count_symbol(&bt, "main"), 1);
	assert_string_equal(bt.frame[0].symbol, "deep");
	assert_non_null(strstr(bt.frame[0].file, "/crash"));
	assert_true(bt.frame[0].offset > 0);
	assert_false(bt.cut);
	backtrace_fini(&bt);
}

static void eh_frame_alone_is_enough(void **state)
{
	struct backtrace bt;

	run("cp $T/crash stripped; strip stripped; $R -o t -- ./stripped segv");
	bt = load(TK_CRASH);
	assert_true(bt.len >= 12);
	assert_null(bt.frame[0].symbol);
	for (size_t i = 1; i < 10; i++)
		assert_int_equal(bt.frame[i].offset, bt.frame[1].offset);
	backtrace_fini(&bt);
}

static void a_call_to_nowhere_shows_its_caller(void **state)
{
	struct backtrace bt;

	run("$R -o t -- $T/crash call");
	bt = load(TK_CRASH);
	assert_int_equal(bt.frame[0].ip, 0);
	assert_null(bt.frame[0].file);
	assert_string_equal(bt.frame[1].symbol, "call");
	assert_int_equal(count_symbol(&bt, "main"), 1);
	backtrace_fini(&bt);
}

static void shared_libraries_are_unwound(void **state)
{
	struct backtrace bt;

	run("$R -o t -- sh -c 'kill -SEGV $$'");
	bt = load(TK_CRASH);
	assert_true(bt.len >= 3);
	assert_non_null(strstr(bt.frame[0].file, "libc"));
	assert_non_null(strstr(bt.frame[bt.len - 1].file, "/"));
	backtrace_fini(&bt);
}

static void a_hang_has_the_stack_of_the_blocked_call(void **state)
{
	struct backtrace bt;

	run("mkfifo fifo; $R --timeout 0.3 -o t -- sh -c 'read x <>fifo'");
	bt = load(TK_STACK);
	assert_true(bt.len >= 3);
	backtrace_fini(&bt);
}

static void text_and_json_say_the_same(void **state)
{
	struct backtrace bt = {.len = 1, .cut = true};
	struct buf text = {0}, out = {0};
	struct json j = {.out = &out};

	bt.frame[0] = (struct backtrace_frame){0x401234, strdup("/bin/x"), 0x1234, strdup("f"), 4};
	backtrace_text(&bt, &text);
	assert_string_equal(buf_str(&text), "#0   0x000000401234 f+0x4 (/bin/x+0x1234)\n...\n");
	json_begin(&j, NULL);
	backtrace_json(&bt, &j, "stack");
	json_end(&j);
	assert_string_equal(buf_str(&out),
		"{\"stack\":[{\"ip\":\"0x401234\",\"file\":\"/bin/x\",\"offset\":\"0x1234\","
		"\"symbol\":\"f\",\"symbol_offset\":\"0x4\"}]}");
	backtrace_fini(&bt);
	buf_fini(&text);
	buf_fini(&out);
}

/* Registers and maps that no process ever had. */
static void hostile_evidence_gives_a_short_answer(void **state)
{
	struct user_regs_struct regs = {.rip = ~0ull, .rsp = ~0ull - 3, .rbp = ~0ull};
	static const char maps[] =
		"fffffffffffff000-ffffffffffffffff r-xp 00000000 00:00 1 /dev/zero\n"
		"1-0 rwxp 0 0:0 0\nrubbish\n0-ffff rwxp 0 0:0 0 /etc/passwd\n";
	struct trace_event ev = {.kind = TK_CRASH};
	struct buf payload = {0};
	struct backtrace bt;

	assert_int_equal(backtrace_from_event(&bt, &ev), -ENODATA);
	trace_cap_put(&payload, &(struct trace_cap){.slot = TC_REGS,
					.full = sizeof(regs),
					.size = sizeof(regs),
					.data = (const uint8_t *)&regs});
	trace_cap_put(&payload, &(struct trace_cap){.slot = TC_MAPS,
					.full = sizeof(maps) - 1,
					.size = sizeof(maps) - 1,
					.data = (const uint8_t *)maps});
	trace_cap_put(&payload,
		&(struct trace_cap){
			.slot = TC_STACK, .full = 4, .size = 4, .data = (const uint8_t *)"abcd"});
	ev.payload = payload.data;
	ev.payload_size = (uint32_t)payload.len;
	assert_int_equal(backtrace_from_event(&bt, &ev), 0);
	assert_int_equal(bt.len, 1);
	backtrace_fini(&bt);
	buf_fini(&payload);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_frame_of_a_recursion_is_named),
		cmocka_unit_test(eh_frame_alone_is_enough),
		cmocka_unit_test(a_call_to_nowhere_shows_its_caller),
		cmocka_unit_test(shared_libraries_are_unwound),
		cmocka_unit_test(a_hang_has_the_stack_of_the_blocked_call),
		cmocka_unit_test(text_and_json_say_the_same),
		cmocka_unit_test(hostile_evidence_gives_a_short_answer),
	};
	char rm[64];
	int failed;

	if (!mkdtemp(g_dir))
		return 2;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	snprintf(rm, sizeof(rm), "rm -rf %s", g_dir);
	return system(rm) || failed;
}
