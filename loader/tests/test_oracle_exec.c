/*
 * Catalogue rows 62-73: what a program finds when it starts, and how much it may be told, held
 * against the running kernel. True of Linux 6.18.
 */
#include "loader/exec_rules.h"
#include "loader/tests/oracle.h"

#include "common/buf.h"
#include "common/cleanup.h"
#include "common/err.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>

#include <cmocka.h>

#define A	     TEXT
#define IS_RUN(r)    oracle_check(r, ELF_RUNS, (r)->has_interp ? INTERP_STATUS : EXE_STATUS)
#define EXECVE_CHECK 0x10000 /* AT_EXECVE_CHECK of newer headers */

/* ---- what it finds ---- */

static void row_62_auxv_order(void **state)
{
	static const uint8_t catalogue[] = {
		33, 51, 16, 6, 17, 3, 4, 5, 7, 8, 9, 11, 12, 13, 14, 23, 25, 26, 31, 15, 27, 28, 0};
	struct rig *r = *state;
	uint8_t types[32];
	size_t n = elf_auxv_types(&r->env, types, sizeof(types)), i;

	rig_write_exe(r);
	assert_int_equal(rig_start(r, r->exe_path), 0);
	assert_int_equal(n, sizeof(catalogue));
	assert_int_equal(r->native.auxv_len, n);
	for (i = 0; i < n; i++) {
		assert_int_equal(r->native.auxv[i][0], catalogue[i]);
		assert_int_equal(types[i], catalogue[i]);
	}
	native_finish(&r->native);
}

static void row_63_entry_state(void **state)
{
	struct exec_entry_state e = exec_entry_state();
	struct rig *r = *state;
	struct user_fpregs_struct fp;
	const struct user_regs_struct *g = &r->native.regs;

	rig_write_exe(r);
	assert_int_equal(rig_start(r, r->exe_path), 0);
	assert_int_equal(ptrace(PTRACE_GETFPREGS, r->native.pid, NULL, &fp), 0);
	assert_int_equal(g->rsp % e.sp_align, 0);
	assert_int_equal(g->rax | g->rbx | g->rcx | g->rdx | g->rsi | g->rdi | g->rbp, 0);
	assert_int_equal(g->r8 | g->r9 | g->r10 | g->r11 | g->r12 | g->r13 | g->r14 | g->r15, 0);
	assert_int_equal(g->eflags, e.rflags);
	assert_int_equal(fp.cwd, e.fcw);
	assert_int_equal(fp.mxcsr, e.mxcsr);
	native_finish(&r->native);
}

static void row_64_strings_on_the_stack(void **state)
{
	static const char *argv[] = {"zero", "one", NULL}, *envp[] = {"A=1", "BC=23", NULL};
	static const char strings[] = "zero\0one\0A=1\0BC=23";
	struct exec_entry_state e = exec_entry_state();
	struct rig *r = *state;
	char got[sizeof(strings)], path[sizeof(r->exe_path)], zero[16] = "", top[16];
	uint64_t argv0, execfn, end;

	r->how.argv = argv;
	r->how.envp = envp;
	rig_write_exe(r);
	assert_int_equal(rig_start(r, r->exe_path), 0);
	native_read(&r->native, r->native.regs.rsp + 8, &argv0, 8);
	execfn = native_aux(&r->native, AT_EXECFN);
	end = native_vma_at(&r->native, r->native.regs.rsp)->end;
	native_read(&r->native, argv0, got, sizeof(got));
	assert_memory_equal(got, strings, sizeof(strings));
	assert_int_equal(argv0 + sizeof(strings), execfn);
	rig_read_string(r, execfn, path, sizeof(path));
	assert_string_equal(path, r->exe_path);
	assert_int_equal(execfn + strlen(path) + 1 + e.top_zero_size, end);
	native_read(&r->native, end - e.top_zero_size, top, e.top_zero_size);
	assert_memory_equal(top, zero, e.top_zero_size);
	assert_int_equal(native_aux(&r->native, AT_RANDOM) % 16, e.random_addr_mod_16);
	native_finish(&r->native);
}

static void row_65_empty_argv_becomes_one_empty_string(void **state)
{
	static const char *none[] = {NULL};
	struct rig *r = *state;
	uint64_t argc, argv0;
	char c;

	build_exit_argc(&r->exe, CODE);
	rig_write_exe(r);
	r->how.argv = none;
	assert_int_equal(rig_start(r, r->exe_path), 0);
	native_read(&r->native, r->native.regs.rsp, &argc, 8);
	native_read(&r->native, r->native.regs.rsp + 8, &argv0, 8);
	native_read(&r->native, argv0, &c, 1);
	assert_int_equal(argc, exec_argc(0, &r->env));
	assert_int_equal(c, 0);
	native_finish(&r->native);
	assert_int_equal(WEXITSTATUS(r->native.wait_status), 1);
}

/* execs with one argument of a size (with its NUL) beside the name; execve's errno. */
static int exec_with_argument(struct rig *r, size_t size)
{
	CLEANUP(free) char *big = malloc(size);
	const char *argv[] = {r->exe_path, big, NULL};
	int errnum;

	assert_non_null(big);
	memset(big, 'x', size - 1);
	big[size - 1] = '\0';
	r->how.argv = argv;
	errnum = rig_run_path(r, r->exe_path);
	r->how.argv = NULL;
	return errnum;
}

static void row_66_one_string_has_131072_bytes_at_most(void **state)
{
	struct rig *r = *state;
	struct exec_args a = {.argc = 2, .string_size = 131072 + 200, .longest_size = 131072};

	rig_write_exe(r);
	assert_int_equal(exec_with_argument(r, 131072), 0);
	assert_int_equal(exec_args_errnum(&a, &r->env), 0);
	a.longest_size = 131073;
	assert_int_equal(exec_with_argument(r, 131073), E2BIG);
	assert_int_equal(exec_args_errnum(&a, &r->env), E2BIG);
}

/* execs so that strings and pointers take `size` bytes in all; execve's errno, and the rules'. */
static int exec_with_total(struct rig *r, uint64_t size, int *by_rule)
{
	size_t each = 100000, n = size / each + 1, i, name = strlen(r->exe_path) + 1;
	const char **argv = calloc(n + 2, sizeof(*argv));
	char *mem = malloc(size);
	/* The file's name stands there twice: for AT_EXECFN and as argv[0]. */
	uint64_t left = size - 2 * name - 8 * (n + 1);
	struct exec_args a = {
		.argc = n + 1, .string_size = size - 8 * (n + 1), .longest_size = each};
	int errnum;

	assert_true(argv && mem);
	memset(mem, 'y', size);
	argv[0] = r->exe_path;
	for (i = 0; i < n; i++) {
		uint64_t len = i + 1 < n ? left / n : left - left / n * (n - 1);

		argv[i + 1] = mem + left / n * i;
		mem[left / n * i + len - 1] = '\0';
	}
	r->how.argv = argv;
	errnum = rig_run_path(r, r->exe_path);
	*by_rule = exec_args_errnum(&a, &r->env);
	r->how.argv = NULL;
	free(argv);
	free(mem);
	return errnum;
}

static void row_67_all_arguments_together(void **state)
{
	static const uint64_t stacks[][2] = {
		{8 << 20, 2 << 20}, {64 << 20, 6 << 20}, {256 << 10, 128 << 10}};
	struct rig *r = *state;
	int by_rule;
	size_t i;

	rig_write_exe(r);
	for (i = 0; i < ARRAY_LEN(stacks); i++) {
		r->how.rlimit_stack = r->env.rlimit_stack = stacks[i][0];
		assert_int_equal(exec_arg_space(&r->env), stacks[i][1]);
		assert_int_equal(exec_with_total(r, stacks[i][1], &by_rule), 0);
		assert_int_equal(by_rule, 0);
		assert_int_equal(exec_with_total(r, stacks[i][1] + 1, &by_rule), E2BIG);
		assert_int_equal(by_rule, E2BIG);
	}
}

static void assert_stack_prot(struct rig *r, int prot)
{
	IS_RUN(r);
	assert_int_equal(r->predicted.stack_prot, prot);
}

static void row_68_gnu_stack(void **state)
{
	struct rig *r = *state;
	int rwx = PROT_READ | PROT_WRITE | PROT_EXEC;

	build_load(&r->exe, PF_R, 0x1000, A + 0x2000, 0x1000, 0x1000);
	want_vma(r, A + 0x2000, A + 0x3000, "r--p");
	assert_stack_prot(r, PROT_READ | PROT_WRITE);
	build_phdr(&r->exe, PT_GNU_STACK, PF_R | PF_W | PF_X, 0, 0, 0, 1ull << 40);
	want_vma(r, A + 0x2000, A + 0x3000, "r--p");
	assert_stack_prot(r, rwx);
	build_phdr(&r->exe, PT_GNU_STACK, RW, 0, 0, 0, 0);
	assert_stack_prot(r, PROT_READ | PROT_WRITE);
	build_phdr(&r->exe, PT_GNU_STACK, PF_X, 0, 0, 0, 0);
	assert_stack_prot(r, rwx);
}

static void row_69_read_implies_exec_does_not_survive(void **state)
{
	struct rig *r = *state;

	r->how.personality = READ_IMPLIES_EXEC;
	build_load(&r->exe, PF_R, 0x1000, A + 0x2000, 0x1000, 0x1000);
	build_load(&r->exe, RW, 0x2000, A + 0x4000, 0x800, 0x1800);
	want_vma(r, A + 0x2000, A + 0x3000, "r--p");
	want_vma(r, A + 0x5000, A + 0x6000, "rw-p");
	IS_RUN(r);
	assert_false(r->predicted.read_implies_exec);
}

static void row_70_page_zero_personality(void **state)
{
	struct rig *r = *state;

	r->how.personality = MMAP_PAGE_ZERO;
	want_vma(r, 0, 0x1000, "r-xp");
	want_zero(r, 0, 0x1000);
	IS_RUN(r);
}

static void row_71_brk(void **state)
{
	struct rig *r = *state;
	bool differs = false;
	uint64_t first = 0;
	int i;

	/* The largest end, not the last. */
	build_load(&r->exe, RW, 0x1000, A + 0x8000, 0x100, 0x1234);
	build_load(&r->exe, RW, 0x2000, A + 0x4000, 0x100, 0x100);
	want_brk(r, A + 0xa000);
	IS_RUN(r);
	r->how.randomize = true;
	for (i = 0; i < 10; i++) {
		IS_RUN(r);
		assert_int_equal(r->predicted.brk_min, A + 0xb000);
		assert_int_equal(r->predicted.brk_max - r->predicted.brk_min, 1 << 30);
		differs |= first && first != r->native.start_brk;
		first = r->native.start_brk;
	}
	assert_true(differs);
}

static void row_72_static_pie_brk(void **state)
{
	struct rig *r = *state;

	rig_exe(r, ET_DYN, 0);
	want_brk(r, 0x555555555000);
	IS_RUN(r);
	r->how.randomize = true;
	IS_RUN(r);
}

static void row_73_pie_base(void **state)
{
	struct rig *r = *state;
	int i;

	rig_exe(r, ET_DYN, 0);
	rig_interp(r, ET_DYN, 0);
	want_aux(r, AT_ENTRY, 0x555555554000 + CODE);
	IS_RUN(r);
	r->how.randomize = true;
	for (i = 0; i < 5; i++) {
		IS_RUN(r);
		assert_in_range(native_aux(&r->native, AT_ENTRY), 0x555555554000, 0x660000000000);
	}
}

int main(void)
{
#define ROW(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)
	static const struct CMUnitTest tests[] = {
		ROW(row_62_auxv_order),
		ROW(row_63_entry_state),
		ROW(row_64_strings_on_the_stack),
		ROW(row_65_empty_argv_becomes_one_empty_string),
		ROW(row_66_one_string_has_131072_bytes_at_most),
		ROW(row_67_all_arguments_together),
		ROW(row_68_gnu_stack),
		ROW(row_69_read_implies_exec_does_not_survive),
		ROW(row_70_page_zero_personality),
		ROW(row_71_brk),
		ROW(row_72_static_pie_brk),
		ROW(row_73_pie_base),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
