/* Which parts of a name are noise is decided by what native runs did. */
#include "tracer/align/names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static uint32_t add(struct names *n, const char *s, unsigned int run)
{
	return names_add(n, s, strlen(s), run);
}

static void assert_canonical(struct names *n, uint32_t id, const char *want)
{
	struct buf b = {0};

	names_canonical(n, id, &b);
	assert_string_equal(buf_str(&b), want);
	buf_fini(&b);
}

static void a_name_that_differs_between_natives_becomes_a_variable(void **state)
{
	struct names *n = names_new();
	uint32_t a = add(n, "/tmp/tmpab/x", 0), b = add(n, "/tmp/tmpcd/x", 1),
		 t = add(n, "/tmp/tmpzz/x", 2);
	uint32_t lib = add(n, "/usr/lib/a.so", 0);

	add(n, "/usr/lib/a.so", 1);
	assert_int_equal(names_settle(n, 3), 0);
	assert_canonical(n, a, "/tmp/$/x");
	assert_canonical(n, t, "/tmp/$/x");
	assert_canonical(n, lib, "/usr/lib/a.so");
	assert_true(names_hash(n, a) == names_hash(n, b) && names_hash(n, b) == names_hash(n, t));
	assert_true(names_volatile(n, a));
	assert_false(names_volatile(n, lib));
	names_free(n);
}

static void a_name_only_the_target_has_keeps_its_name_in_a_quiet_folder(void **state)
{
	struct names *n = names_new();
	uint32_t t = add(n, "/etc/other", 2);

	add(n, "/etc/passwd", 0);
	add(n, "/etc/passwd", 1);
	assert_int_equal(names_settle(n, 3), 0);
	assert_canonical(n, t, "/etc/other");
	names_free(n);
}

static void variables_nest(void **state)
{
	struct names *n = names_new();
	uint32_t a = add(n, "/tmp/a1/b1/log", 0), b = add(n, "/tmp/a2/b2/log", 1);

	add(n, "/tmp/common", 0);
	add(n, "/tmp/common", 1);
	assert_int_equal(names_settle(n, 3), 0);
	assert_canonical(n, a, "/tmp/$/$/log");
	assert_canonical(n, b, "/tmp/$/$/log");
	assert_canonical(n, add(n, "/tmp/common", 0), "/tmp/common");
	names_free(n);
}

static void slashes_are_folded_and_the_text_survives(void **state)
{
	struct names *n = names_new();
	struct buf b = {0};
	char many[64];

	assert_int_equal(add(n, "//usr///lib/", 0), add(n, "/usr/lib", 1));
	assert_int_equal(add(n, "", 0), 0);
	for (int i = 0; i < 20000; i++) {
		snprintf(many, sizeof(many), "/d%d/f%d", i % 100, i);
		add(n, many, 0);
	}
	names_text(n, add(n, "/d7/f107", 0), &b);
	assert_string_equal(buf_str(&b), "/d7/f107");
	assert_int_equal(names_settle(n, 1), 0);
	assert_canonical(n, add(n, "/d7/f107", 0), "/d7/f107");
	buf_fini(&b);
	names_free(n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_that_differs_between_natives_becomes_a_variable),
		cmocka_unit_test(a_name_only_the_target_has_keeps_its_name_in_a_quiet_folder),
		cmocka_unit_test(variables_nest),
		cmocka_unit_test(slashes_are_folded_and_the_text_survives),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
