/* The texts that a run reads: mountinfo, the status file, words, sizes. */
#include "tracer/cli/options.h"
#include "tracer/targets/state_impl.h"
#include "tracer/targets/status.h"

#include "common/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static void status_lines_are_exact(void **state)
{
	static const struct {
		const char *text;
		struct program_status want;
	} rows[] = {
		{"exited 0\n", {STATUS_EXITED, 0}},
		{"exited 255\n", {STATUS_EXITED, 255}},
		{"signaled 11\n", {STATUS_SIGNALED, 11}},
		{"failed 2\n", {STATUS_FAILED, 2}},
		{"running\n", {STATUS_RUNNING, 0}},
		{"", {STATUS_NONE, 0}},
		{"exited 256\n", {STATUS_NONE, 0}},
		{"signaled 65\n", {STATUS_NONE, 0}},
		{"exited -1\n", {STATUS_NONE, 0}},
		{"exited 1 2\n", {STATUS_NONE, 0}},
		{"exited 99999999999999999999\n", {STATUS_NONE, 0}},
		{"exited\n", {STATUS_NONE, 0}},
		{"\x7f\x45LF", {STATUS_NONE, 0}},
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		struct program_status s = status_parse(rows[i].text);

		assert_int_equal(s.kind, rows[i].want.kind);
		if (s.kind != STATUS_NONE)
			assert_int_equal(s.value, rows[i].want.value);
	}
}

static void mountinfo_is_unescaped_and_the_last_mount_counts(void **state)
{
	struct host_mounts m;

	assert_int_equal(
		host_mounts_parse(&m, "22 27 0:21 / /proc rw - proc proc rw\n"
				      "27 1 254:0 / / rw shared:1 master:2 - ext4 /dev/vda rw\n"
				      "28 27 0:9 / /a\\040b\\134 rw - tmpfs x rw\n"
				      "29 27 0:9 / /proc rw - tmpfs x rw\n"),
		0);
	assert_int_equal(m.n, 3);
	assert_string_equal(m.v[0].point, "/proc");
	assert_string_equal(m.v[0].fstype, "tmpfs");
	assert_string_equal(m.v[2].point, "/a b\\");
	host_mounts_fini(&m);
}

static void damaged_mountinfo_lines_are_left_out(void **state)
{
	static const char *const lines[] = {"", "\n\n", "1 2 3", "22 27 0:21 / /proc rw",
		"22 27 0:21 / /proc rw -", "22 27 0:21 / relative rw - ext4 x rw", "- - - - - -",
		"a b c d", "22 27 0:21 / /x\\04 rw"};
	size_t i;

	for (i = 0; i < ARRAY_LEN(lines); i++) {
		struct host_mounts m;

		assert_int_equal(host_mounts_parse(&m, lines[i]), 0);
		assert_int_equal(m.n, 0);
		host_mounts_fini(&m);
	}
}

static void path_below_needs_a_whole_component(void **state)
{
	assert_true(path_below("/tmp", "/tmp"));
	assert_true(path_below("/tmp/x", "/tmp"));
	assert_false(path_below("/tmpx", "/tmp"));
	assert_false(path_below("/", "/tmp"));
	assert_true(path_below("/tmp", "/"));
}

static void words_split_as_a_shell_does(void **state)
{
	CLEANUP(words) struct words w = {0};
	struct err e = {{0}};

	assert_int_equal(words_split(&w, " a  'b c'd \"e\\\"f\" g\\ h '' ", &e), 0);
	assert_int_equal(w.n, 5);
	assert_string_equal(w.v[1], "b cd");
	assert_string_equal(w.v[2], "e\"f");
	assert_string_equal(w.v[3], "g h");
	assert_string_equal(w.v[4], "");
	assert_null(w.v[5]);
}

static void sizes_and_seconds_are_checked(void **state)
{
	uint64_t n;

	assert_true(parse_size("16M", &n) && n == 16 << 20);
	assert_true(parse_size("2GiB", &n) && n == 2ULL << 30);
	assert_true(parse_size("0", &n) && n == 0);
	assert_false(parse_size("", &n));
	assert_false(parse_size("-1", &n));
	assert_false(parse_size("1X", &n));
	assert_false(parse_size("99999999999999999999", &n));
	assert_false(parse_size("18446744073709551615K", &n));
	assert_true(parse_seconds("0.5", &n) && n == 500000000);
	assert_true(parse_seconds("5s", &n) && n == 5000000000ULL);
	assert_false(parse_seconds("0", &n));
	assert_false(parse_seconds("nan", &n));
	assert_false(parse_seconds("1e300", &n));
	assert_false(parse_seconds("5 minutes", &n));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(status_lines_are_exact),
		cmocka_unit_test(mountinfo_is_unescaped_and_the_last_mount_counts),
		cmocka_unit_test(damaged_mountinfo_lines_are_left_out),
		cmocka_unit_test(path_below_needs_a_whole_component),
		cmocka_unit_test(words_split_as_a_shell_does),
		cmocka_unit_test(sizes_and_seconds_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
