/* Descriptions of targets: what is read, what is refused, what their words become. */
#include "tracer/targets/target.h"

#include "common/buf.h"
#include "common/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char g_good[] =
	"# comment\n"
	"about = an example\n"
	"start = emu 'two words' --mode={mode} --level={level} --x={x} {argv0}\n"
	"record = log\n"
	"command = path\n"
	"memory = comm=emu exe=*/emu*\n"
	"env = A={state} B=1\n"
	"option.mode.default = fast\n"
	"option.mode.values = fast exact\n"
	"option.level.values = 1 2\n"
	"option.x.repeat = yes\n";

static struct target *parse(const char *text)
{
	struct target *t = NULL;
	struct err e = {{0}};

	if (target_parse(&t, "t", text, "t.target", &e))
		fail_msg("%s", e.text);
	return t;
}

static void good_description_is_read_whole(void **state)
{
	CLEANUP(target) struct target *t = parse(g_good);

	assert_string_equal(t->about, "an example");
	assert_int_equal(t->start.n, 6);
	assert_string_equal(t->start.v[1], "two words");
	assert_int_equal(t->record, RECORD_LOG);
	assert_int_equal(t->command, COMMAND_PATH);
	assert_int_equal(t->memory.n, 2);
	assert_int_equal(t->noptions, 3);
	assert_true(t->options[2].repeat);
}

/* Each is refused, with a sentence that has the file, the line and what is wrong. */
static const struct {
	const char *text, *says;
} g_bad[] = {
	{"nonsense\n", "t.target:1: expected `key = value`"},
	{"a\n=\n", "t.target:1"},
	{"= x\n", "no key"},
	{"\n\nstrat = emu\n", "t.target:3: unknown key strat"},
	{"start = emu 'open\n", "quote is not closed"},
	{"start = a\nstart = b\n", "t.target:2: start is given twice"},
	{"about = a\nabout = b\n", "given twice"},
	{"record = maybe\n", "inside, log or outcome"},
	{"command = else\n", "as-is or path"},
	{"need.root = perhaps\n", "yes or no"},
	{"start = a {nothing}\n", "{nothing} is neither an option"},
	{"start = a {open\n", "{ without }"},
	{"recorder = {}\n", "{} is neither"},
	{"env = A\n", "NAME=VALUE"},
	{"memory = emu\n", "comm=PATTERN"},
	{"option.x = 1\n", "option.NAME.default"},
	{"option..default = 1\n", "option.NAME.default"},
	{"option.X.default = 1\n", "option.NAME.default"},
	{"option.x.repeat = maybe\n", "not a property"},
	{"option.x.colour = red\n", "not a property"},
	{"option.x.values = a\noption.x.values = b\n", "not a property"},
};

static void bad_descriptions_are_refused_with_file_and_reason(void **state)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(g_bad); i++) {
		struct target *t = NULL;
		struct err e = {{0}};

		assert_int_equal(target_parse(&t, "t", g_bad[i].text, "t.target", &e), -EINVAL);
		assert_null(t);
		if (!strstr(e.text, g_bad[i].says) || !strstr(e.text, "t.target:"))
			fail_msg("'%s' says '%s', not '%s'", g_bad[i].text, e.text, g_bad[i].says);
	}
}

static void long_and_odd_lines_do_no_harm(void **state)
{
	CLEANUP(buf) struct buf b = {0};
	struct target *t = NULL;
	struct err e = {{0}};
	unsigned int i;

	for (i = 0; i < 40; i++)
		buf_printf(&b, "option.o%u.default = x\n", i);
	assert_int_equal(target_parse(&t, "t", buf_str(&b), "t.target", &e), -EINVAL);
	assert_non_null(strstr(e.text, "more than"));
	buf_reset(&b);
	for (i = 0; i < 60000; i++)
		buf_add_byte(&b, (uint8_t)(i % 255 + 1));
	assert_int_equal(target_parse(&t, "t", buf_str(&b), "t.target", &e), -EINVAL);
	/* cut at every byte: read or refused, never worse */
	for (i = 0; i < sizeof(g_good); i++) {
		char *cut = strndup(g_good, i);

		if (!target_parse(&t, "t", cut, "t.target", &e))
			target_free(t);
		free(cut);
	}
}

static void expand(const struct target *t, const char *const *opts, struct words *out)
{
	CLEANUP(words) struct words w = {0};
	struct target_values v = {.opts = &w, .state = "/s", .log = "/l", .argv0 = "prog"};
	struct err e = {{0}};

	for (; *opts; opts++)
		words_add(&w, *opts);
	assert_int_equal(target_check_options(t, &w, &e), 0);
	assert_int_equal(target_expand(t, &t->start, &v, out, &e), 0);
}

static void words_without_value_are_left_out(void **state)
{
	CLEANUP(target) struct target *t = parse(g_good);
	CLEANUP(words) struct words out = {0};

	expand(t, (const char *const[]){NULL}, &out);
	assert_int_equal(out.n, 4);
	assert_string_equal(out.v[2], "--mode=fast");
	assert_string_equal(out.v[3], "prog");
}

static void repeatable_options_stand_once_for_each_value(void **state)
{
	CLEANUP(target) struct target *t = parse(g_good);
	CLEANUP(words) struct words out = {0};

	expand(t, (const char *const[]){"x=1", "mode=exact", "level=2", "x=a=b", NULL}, &out);
	assert_int_equal(out.n, 7);
	assert_string_equal(out.v[2], "--mode=exact");
	assert_string_equal(out.v[3], "--level=2");
	assert_string_equal(out.v[4], "--x=1");
	assert_string_equal(out.v[5], "--x=a=b");
}

static void unknown_options_and_values_are_refused(void **state)
{
	static const char *const bad[][2] = {
		{"mode", "NAME=VALUE"}, {"speed=1", "it has: mode"}, {"mode=slow", "fast, exact"}};
	CLEANUP(target) struct target *t = parse(g_good);
	size_t i;

	for (i = 0; i < ARRAY_LEN(bad); i++) {
		CLEANUP(words) struct words w = {0};
		struct err e = {{0}};

		words_add(&w, bad[i][0]);
		assert_int_equal(target_check_options(t, &w, &e), -EINVAL);
		assert_non_null(strstr(e.text, bad[i][1]));
	}
}

static void target_cmd_takes_words(void **state)
{
	CLEANUP(target) struct target *t = NULL;
	struct err e = {{0}};

	assert_int_equal(target_from_command(&t, "emu -x 'a b'", &e), 0);
	assert_int_equal(t->start.n, 3);
	target_free(t);
	assert_int_equal(target_from_command(&t, "  ", &e), -EINVAL);
	assert_int_equal(target_from_command(&t, "emu 'x", &e), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_description_is_read_whole),
		cmocka_unit_test(bad_descriptions_are_refused_with_file_and_reason),
		cmocka_unit_test(long_and_odd_lines_do_no_harm),
		cmocka_unit_test(words_without_value_are_left_out),
		cmocka_unit_test(repeatable_options_stand_once_for_each_value),
		cmocka_unit_test(unknown_options_and_values_are_refused),
		cmocka_unit_test(target_cmd_takes_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
