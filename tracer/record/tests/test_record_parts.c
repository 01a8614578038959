/*
 * The parts of the recorder that need no tracee: injection specs, redaction rules, classic BPF,
 * ranges, the command line.
 */
#include "tracer/record/inject.h"
#include "tracer/record/inject_rule.h"
#include "tracer/record/options.h"
#include "tracer/record/redact.h"
#include "tracer/record/seccomp.h"
#include "tracer/record/written.h"

#include "common/cleanup.h"
#include "common/procmaps.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <getopt.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>

static void good_specs_become_rules(void **state)
{
	struct inject *in = inject_new();
	struct err e = {{0}};
	const struct inject_rule *ru;

	assert_int_equal(
		inject_add(
			in, "call=openat image=/bin/ls p1=/a%20b a2=0x80 nth=3 errno=ENOENT", &e),
		0);
	assert_int_equal(inject_add(in, "call=read f0=/x nth=all out1=00ff ret=-1 after=1", &e), 0);
	assert_int_equal(inject_add(in, "exec=prog at=0x10 rel=exe bytes=c3 proc=2", &e), 0);
	assert_int_equal(inject_add(in, "call=getpid site=libc.so.6+0x1234 signal=SEGV", &e), 0);
	assert_int_equal(inject_len(in), 4);
	ru = &in->rules[0];
	assert_int_equal(ru->nr, SYS_openat);
	assert_string_equal(ru->image, "/bin/ls");
	assert_string_equal(ru->arg[1].str, "/a b");
	assert_int_equal(ru->arg[2].value, 0x80);
	assert_int_equal(ru->nth, 3);
	assert_int_equal(ru->ret, -ENOENT);
	ru = &in->rules[1];
	assert_int_equal(ru->nth, 0);
	assert_true(ru->after);
	assert_int_equal(ru->ret, -1);
	assert_memory_equal(ru->arg[1].out.data, "\0\xff", 2);
	ru = &in->rules[2];
	assert_int_equal(ru->base, BASE_EXE);
	assert_int_equal(ru->proc, 2);
	ru = &in->rules[3];
	assert_string_equal(ru->site, "libc.so.6");
	assert_int_equal(ru->site_off, 0x1234);
	assert_int_equal(ru->signo, SIGSEGV);
	inject_free(in);
}

static void bad_specs_name_what_is_wrong(void **state)
{
	static const struct {
		const char *spec, *words;
	} cases[] = {
		{"call=nosuch ret=0", "no system call 'nosuch'"},
		{"ret=0", "needs call=NAME"},
		{"call=read", "says no action"},
		{"call=read ret=zero", "ret=: 'zero' is not a number"},
		{"call=read errno=EWHAT", "no error 'EWHAT'"},
		{"call=read signal=SIGWHAT", "no signal"},
		{"call=read a6=1 ret=0", "no key 'a6'"},
		{"call=read b0=1 ret=0", "no key 'b0'"},
		{"call=read ret", "'ret' is not key=value"},
		{"call=read p1=%4 ret=0", "hexadecimal digits"},
		{"call=read out1=0 ret=0", "even number"},
		{"call=read out1=0g ret=0", "not a hexadecimal byte"},
		{"call=read nth=0 ret=0", "counts from 1"},
		{"call=read site=libc ret=0", "BASENAME+0xOFFSET"},
		{"call=read after=1 signal=SIGTERM", "after=1 needs"},
		{"exec=prog bytes=00", "needs at="},
		{"exec=prog at=1 bytes=00 ret=0", "stands alone"},
		{"call=read at=1 ret=0", "go with exec="},
		{"exec=prog at=1 bytes=00 rel=lib", "exe or interp"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct inject *in = inject_new();
		struct err e = {{0}};

		assert_int_equal(inject_add(in, cases[i].spec, &e), -EINVAL);
		if (!strstr(e.text, cases[i].words) || !strstr(e.text, cases[i].spec))
			fail_msg("%s: %s", cases[i].spec, e.text);
		assert_int_equal(inject_len(in), 0);
		inject_free(in);
	}
}

static void redaction_rules_are_checked_and_match(void **state)
{
	struct redact *rd = redact_new();
	struct err e = {{0}};
	struct buf maps = {0};

	assert_int_equal(redact_add(rd, "nothing", &e), -EINVAL);
	assert_int_equal(redact_add(rd, "path:", &e), -EINVAL);
	assert_int_equal(redact_add(rd, "path:/home/*", &e), 0);
	assert_int_equal(redact_add(rd, "env", &e), 0);
	assert_true(redact_path(rd, "/home/x/y", 9));
	assert_false(redact_path(rd, "/homes", 6));
	assert_false(redact_path(rd, "/home/x", 5));
	buf_add_str(&maps, "1-2 r--p /home/me/lib\n2-3 r--p /lib/x\n3-4 rw-p\n4-5 /home/a b");
	assert_true(redact_lines(rd, &maps));
	assert_string_equal(
		buf_str(&maps), "1-2 r--p [redacted]\n2-3 r--p /lib/x\n3-4 rw-p\n4-5 [redacted]");
	assert_false(redact_lines(rd, &maps));
	assert_true(redact_env(rd));
	assert_false(redact_argv(rd));
	assert_false(redact_env(NULL));
	buf_fini(&maps);
	redact_free(rd);
}

static void filters_answer_as_the_kernel_would(void **state)
{
	static const struct sock_filter deny[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 100, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 1),
		/* argument 0, low word, & 6, + 1, kept and taken back: traps when it is 7 */
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 16),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 6),
		BPF_STMT(BPF_MISC | BPF_TAX, 0),
		BPF_STMT(BPF_ST, 3),
		BPF_STMT(BPF_LD | BPF_IMM, 1),
		BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 7, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	static const struct sock_filter log_all[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_LOG)};
	static const struct {
		struct filter_input in;
		uint32_t ret;
	} cases[] = {
		{{.nr = 5, .arch = AUDIT_ARCH_I386}, SECCOMP_RET_KILL_PROCESS},
		{{.nr = 100, .arch = AUDIT_ARCH_X86_64}, SECCOMP_RET_ERRNO | 1},
		{{.nr = 1, .arch = AUDIT_ARCH_X86_64, .arg = {0xff}}, SECCOMP_RET_TRAP},
		{{.nr = 1, .arch = AUDIT_ARCH_X86_64, .arg = {8}}, SECCOMP_RET_LOG},
	};
	struct seccomp_filter *first = seccomp_new(deny, ARRAY_LEN(deny));
	struct seccomp_filter *both = seccomp_link(seccomp_new(log_all, 1), first);

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(seccomp_run(both, &cases[i].in), cases[i].ret);
	assert_false(seccomp_answers(SECCOMP_RET_LOG));
	assert_true(seccomp_answers(SECCOMP_RET_ERRNO | 1));
	assert_int_equal(seccomp_run(NULL, &cases[0].in), SECCOMP_RET_ALLOW);
	assert_null(seccomp_new(deny, 0));
	assert_null(seccomp_new(deny, BPF_MAXINSNS + 1));
	seccomp_put(both);
}

/* A program from a hostile tracee: no jump, index or missing return leads outside. */
static void senseless_filters_stay_inside(void **state)
{
	static const struct sock_filter bad[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0xffffffff),
		BPF_STMT(BPF_LD | BPF_MEM, 0xffffffff),
		BPF_STMT(BPF_ST, 1000),
		BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0),
		BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 200),
		BPF_JUMP(BPF_JMP | BPF_JA, 0xffffffff, 0, 0),
	};
	struct filter_input in = {0};
	struct seccomp_filter *f = seccomp_new(bad, ARRAY_LEN(bad));

	assert_int_equal(seccomp_run(f, &in), SECCOMP_RET_KILL_PROCESS);
	seccomp_put(f);
}

static void ranges_merge_and_are_found(void **state)
{
	struct written w = {0}, copy;

	written_add(&w, 0x3000, 0x4000);
	written_add(&w, 0x1000, 0x2000);
	assert_int_equal(w.len, 2);
	assert_true(written_any(&w, 0x1800, 0x1900));
	assert_false(written_any(&w, 0x2000, 0x3000));
	assert_false(written_any(&w, 0, 0x1000));
	assert_false(written_any(&w, 0x4000, UINT64_MAX));
	assert_true(written_any(&w, 0x2000, 0x3001));
	written_add(&w, 0x2000, 0x3000);
	assert_int_equal(w.len, 1);
	assert_int_equal(w.range[0].start, 0x1000);
	assert_int_equal(w.range[0].end, 0x4000);
	written_add(&w, 0x1800, 0x1900);
	assert_int_equal(w.len, 1);
	for (uint64_t i = 0; i < 100; i++)
		written_add(&w, 0x10000 + i * 0x2000, 0x11000 + i * 0x2000);
	assert_int_equal(w.len, 101);
	assert_true(written_copy(&copy, &w));
	written_add(&w, 0, UINT64_MAX);
	assert_int_equal(w.len, 1);
	assert_int_equal(copy.len, 101);
	written_fini(&w);
	written_fini(&copy);
}

static void maps_lines_that_make_no_sense_are_left_out(void **state)
{
	char text[] = "400000-401000 r-xp 00001000 fe:01 77   /usr/bin/a b (deleted)\n"
		      "rubbish\n"
		      "2-1 r--p 0 0:0 0\n"
		      "1-2 toolong 0 0:0 0\n"
		      "\n"
		      "7f0000000000-7f0000001000 rw-p 00000000 00:00 0\n"
		      "7ffff000-80000000 rw-p 00000000 00:00 0   [stack]";
	char *at = text;
	struct map_line m;

	assert_true(procmaps_next(&at, &m));
	assert_int_equal(m.start, 0x400000);
	assert_int_equal(m.end, 0x401000);
	assert_int_equal(m.off, 0x1000);
	assert_int_equal(m.ino, 77);
	assert_int_equal(m.major, 0xfe);
	assert_string_equal(m.prot, "r-xp");
	assert_string_equal(m.path, "/usr/bin/a b (deleted)");
	assert_true(procmaps_next(&at, &m));
	assert_string_equal(m.path, "");
	assert_true(procmaps_next(&at, &m));
	assert_string_equal(m.path, "[stack]");
	assert_false(procmaps_next(&at, &m));
}

static int parse(const char *a, const char *b, const char *c, const char *d, struct err *e)
{
	char *argv[] = {
		(char *)"lockstep-record", (char *)a, (char *)b, (char *)c, (char *)d, NULL};
	struct options o;
	int argc = 0, rc;

	while (argv[argc])
		argc++;
	optind = 0;
	opterr = 0;
	rc = options_parse(&o, argc, argv, e);
	options_fini(&o);
	return rc;
}

static void wrong_command_lines_are_refused_in_words(void **state)
{
	struct err e = {{0}};

	assert_int_equal(parse("-o", "/dev/null", "--", "true", &e), 0);
	assert_int_equal(parse("--", "true", NULL, NULL, &e), -EINVAL);
	assert_non_null(strstr(e.text, "-o FILE"));
	assert_int_equal(parse("-o", "/dev/null", NULL, NULL, &e), -EINVAL);
	assert_non_null(strstr(e.text, "no command"));
	assert_int_equal(parse("-o/dev/null", "--max-size=1X", "--", "true", &e), -EINVAL);
	assert_int_equal(
		parse("-o/dev/null", "--max-size=99999999999G", "--", "true", &e), -EINVAL);
	assert_int_equal(parse("-o/dev/null", "--timeout=-1", "--", "true", &e), -EINVAL);
	assert_int_equal(parse("-o/dev/null", "--timeout=nan", "--", "true", &e), -EINVAL);
	assert_int_equal(parse("-o/dev/null", "-s1G", "--", "true", &e), -EINVAL);
	assert_int_equal(parse("-o/dev/null", "--redact=all", "--", "true", &e), -EINVAL);
	assert_int_equal(parse("-o/dev/null", "--inject=x", "--", "true", &e), -EINVAL);
	assert_int_equal(parse("-o/dev/null", "--nosuch", "--", "true", &e), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_specs_become_rules),
		cmocka_unit_test(bad_specs_name_what_is_wrong),
		cmocka_unit_test(redaction_rules_are_checked_and_match),
		cmocka_unit_test(filters_answer_as_the_kernel_would),
		cmocka_unit_test(senseless_filters_stay_inside),
		cmocka_unit_test(ranges_merge_and_are_found),
		cmocka_unit_test(maps_lines_that_make_no_sense_are_left_out),
		cmocka_unit_test(wrong_command_lines_are_refused_in_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
