/*
 * Catalogue rows 62-81: what a program finds when it starts, and the rules of execve that are not
 * about ELF (exec_rules.h), held against the running kernel. True of Linux 6.18.
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

/* ---- helpers ---- */

static void put_text(const char *path, const char *text, size_t size, mode_t mode)
{
	int fd;

	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
	if (fd < 0 || write(fd, text, size) != (ssize_t)size || fchmod(fd, mode) || close(fd))
		die(EXIT_BROKE, "cannot write %s", path);
}

/* execs path under the rig's how: 0 when it is stopped at its start, or execve's errno. */
static int start(struct rig *r, const char *path)
{
	native_start(&r->native, &r->how, path);
	assert_int_not_equal(r->native.end, NATIVE_KILLED);
	return r->native.end == NATIVE_STOPPED ? 0 : r->native.errnum;
}

/* As start, and lets the program end. */
static int start_and_finish(struct rig *r, const char *path)
{
	int errnum = start(r, path);

	native_finish(&r->native);
	return errnum;
}

static void proc_text(const struct rig *r, const char *name, struct buf *b)
{
	char path[64];
	CLEANUP(fd) int fd = -1;

	snprintf(path, sizeof(path), "/proc/%d/%s", r->native.pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || buf_read_fd(b, fd, 1 << 20))
		die(EXIT_BROKE, "cannot read %s", path);
	buf_str(b);
}

static void assert_comm(const struct rig *r, const char *expect)
{
	CLEANUP(buf) struct buf b = {NULL};

	proc_text(r, "comm", &b);
	((char *)b.data)[strcspn((char *)b.data, "\n")] = '\0';
	assert_string_equal((char *)b.data, expect);
}

static void read_string(const struct rig *r, uint64_t addr, char *out, size_t size)
{
	size_t i;

	for (i = 0; i + 1 < size; i++) {
		native_read(&r->native, addr + i, &out[i], 1);
		if (!out[i])
			return;
	}
	out[i] = '\0';
}

static void write_exe(struct rig *r)
{
	build_write(&r->exe, r->exe_path, 0755);
}

/* ---- what it finds ---- */

static void row_62_auxv_order(void **state)
{
	static const uint8_t catalogue[] = {
		33, 51, 16, 6, 17, 3, 4, 5, 7, 8, 9, 11, 12, 13, 14, 23, 25, 26, 31, 15, 27, 28, 0};
	struct rig *r = *state;
	uint8_t types[32];
	size_t n = elf_auxv_types(&r->env, types, sizeof(types)), i;

	write_exe(r);
	assert_int_equal(start(r, r->exe_path), 0);
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

	write_exe(r);
	assert_int_equal(start(r, r->exe_path), 0);
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
	write_exe(r);
	assert_int_equal(start(r, r->exe_path), 0);
	native_read(&r->native, r->native.regs.rsp + 8, &argv0, 8);
	execfn = native_aux(&r->native, AT_EXECFN);
	end = native_vma_at(&r->native, r->native.regs.rsp)->end;
	native_read(&r->native, argv0, got, sizeof(got));
	assert_memory_equal(got, strings, sizeof(strings));
	assert_int_equal(argv0 + sizeof(strings), execfn);
	read_string(r, execfn, path, sizeof(path));
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
	write_exe(r);
	r->how.argv = none;
	assert_int_equal(start(r, r->exe_path), 0);
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
	errnum = start_and_finish(r, r->exe_path);
	r->how.argv = NULL;
	return errnum;
}

static void row_66_one_string_has_131072_bytes_at_most(void **state)
{
	struct rig *r = *state;
	struct exec_args a = {.argc = 2, .string_size = 131072 + 200, .longest_size = 131072};

	write_exe(r);
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
	errnum = start_and_finish(r, r->exe_path);
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

	write_exe(r);
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

/* ---- files in use ---- */

static int open_errno(const char *path)
{
	CLEANUP(fd) int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd < 0 ? errno : 0;
}

static void row_74_text_busy(void **state)
{
	struct exec_file f = {.exists = true, .is_regular = true, .may_execute = true};
	struct rig *r = *state;
	int fd;

	rig_interp(r, ET_DYN, 0);
	write_exe(r);
	build_write(&r->interp, r->interp_path, 0755);
	assert_int_equal(start(r, r->exe_path), 0);
	assert_int_equal(open_errno(r->exe_path), exec_write_errnum(ELF_EXE));
	assert_int_equal(truncate(r->exe_path, 0) ? errno : 0, ETXTBSY);
	assert_int_equal(open_errno(r->interp_path), exec_write_errnum(ELF_INTERP));
	assert_int_equal(exec_write_errnum(ELF_EXE), ETXTBSY);
	native_finish(&r->native);

	f.open_for_write = true;
	fd = open(r->exe_path, O_WRONLY | O_CLOEXEC);
	assert_int_equal(start_and_finish(r, r->exe_path), ETXTBSY);
	assert_int_equal(exec_open_errnum(r->exe_path, &f), ETXTBSY);
	close(fd);
	fd = open(r->interp_path, O_WRONLY | O_CLOEXEC);
	assert_int_equal(start_and_finish(r, r->exe_path), ETXTBSY);
	close(fd);
	assert_int_equal(start_and_finish(r, r->exe_path), 0);
}

static void assert_exe_link(const struct rig *r, const char *expect)
{
	char path[64], got[256] = "";

	snprintf(path, sizeof(path), "/proc/%d/exe", r->native.pid);
	assert_true(readlink(path, got, sizeof(got) - 1) > 0);
	assert_string_equal(got, expect);
}

static void row_75_names(void **state)
{
	struct rig *r = *state;
	char comm[EXEC_COMM_SIZE], path[160], script[128], name[64], expect[64];
	int fd;

	write_exe(r);
	snprintf(path, sizeof(path), "%s/a_name_of_more_than_15", r->dir);
	assert_int_equal(rename(r->exe_path, path), 0);
	assert_int_equal(start(r, path), 0);
	exec_comm(path, comm);
	assert_string_equal(comm, "a_name_of_more_");
	assert_comm(r, comm);
	assert_exe_link(r, path);
	unlink(path);
	strcat(path, " (deleted)");
	assert_exe_link(r, path);
	native_finish(&r->native);

	write_exe(r);
	snprintf(path, sizeof(path), "%s/script", r->dir);
	snprintf(script, sizeof(script), "#!%s\n", r->exe_path);
	put_text(path, script, strlen(script), 0755);
	assert_int_equal(start(r, path), 0);
	exec_comm(path, comm);
	assert_comm(r, comm);
	assert_exe_link(r, r->exe_path);
	native_finish(&r->native);

	fd = open(r->exe_path, O_RDONLY | O_CLOEXEC);
	r->how.exec_fd = fd;
	assert_int_equal(start(r, r->exe_path), 0);
	exec_fd_comm(fd, r->exe_path, &r->env, comm);
	assert_string_equal(comm, "exe");
	assert_comm(r, comm);
	read_string(r, native_aux(&r->native, AT_EXECFN), name, sizeof(name));
	exec_fd_name(fd, expect, sizeof(expect));
	assert_string_equal(name, expect);
	native_finish(&r->native);
	close(fd);
}

/* ---- scripts ---- */

/* Runs a script of `size` bytes: errno, and argv of what ran instead, against the rules. */
static void check_script(struct rig *r, const char *text, size_t size, int expect)
{
	struct exec_file f = {.exists = true, .is_regular = true, .may_execute = true};
	struct exec_script s;
	char path[128];
	int rule, got;
	CLEANUP(buf) struct buf cmdline = {NULL};
	CLEANUP(buf) struct buf want = {NULL};

	snprintf(path, sizeof(path), "%s/script", r->dir);
	put_text(path, text, size, 0755);
	rule = exec_script_parse(text, size, &s);
	if (!rule)
		rule = exec_open_errnum(s.path, &f);
	got = start(r, path);
	assert_int_equal(got, expect);
	assert_int_equal(rule, expect);
	if (!got) {
		proc_text(r, "cmdline", &cmdline);
		buf_add(&want, s.path, strlen(s.path) + 1);
		if (s.has_arg)
			buf_add(&want, s.arg, strlen(s.arg) + 1);
		buf_add(&want, path, strlen(path) + 1);
		assert_int_equal(cmdline.len, want.len);
		assert_memory_equal(cmdline.data, want.data, want.len);
	}
	native_finish(&r->native);
}

/* The exe's path, lengthened by leading slashes to n bytes. */
static void long_path(const struct rig *r, char *out, size_t n)
{
	size_t len = strlen(r->exe_path);

	memset(out, '/', n);
	memcpy(out + n - len, r->exe_path, len + 1);
}

static void row_76_interpreter_line(void **state)
{
	struct rig *r = *state;
	char path[300], text[600];
	size_t n;

	write_exe(r);
	for (n = 252; n <= 255; n++) {
		long_path(r, path, n);
		snprintf(text, sizeof(text), "#!%s\n", path);
		check_script(r, text, strlen(text), n <= 253 ? 0 : ENOEXEC);
		snprintf(text, sizeof(text), "#!%s", path);
		check_script(r, text, strlen(text), n <= 253 ? 0 : ENOEXEC);
	}
	snprintf(text, sizeof(text), "#!%s  one argument, with blanks \t \nrest", r->exe_path);
	check_script(r, text, strlen(text), 0);
	snprintf(text, sizeof(text), "#! \t%s\t-x\nrest", r->exe_path);
	check_script(r, text, strlen(text), 0);
	memset(path, 'a', sizeof(path));
	snprintf(text, sizeof(text), "#!%s %.290s\n", r->exe_path, path);
	check_script(r, text, strlen(text), 0);
	n = (size_t)snprintf(text, sizeof(text), "#!%s arg%cafter\n", r->exe_path, 0);
	check_script(r, text, n, 0);
	n = (size_t)snprintf(text, sizeof(text), "#!%s %cafter\n", r->exe_path, 0);
	check_script(r, text, n, 0);
	check_script(r, "#!", 2, EACCES);
	check_script(r, "#!   \n", 6, ENOEXEC);
	check_script(r, "#!\n", 3, ENOEXEC);
	memset(text, ' ', sizeof(text));
	memcpy(text, "#!", 2);
	check_script(r, text, 400, ENOEXEC);
	check_script(r, "# !/bin/sh\n", 11, ENOEXEC);
	check_script(r, "#", 1, ENOEXEC);
}

static void row_77_scripts_of_scripts(void **state)
{
	struct rig *r = *state;
	char path[128], prev[128], text[160];
	unsigned int i;

	write_exe(r);
	snprintf(prev, sizeof(prev), "%s", r->exe_path);
	for (i = 1; i <= EXEC_SCRIPT_DEPTH + 2; i++) {
		snprintf(path, sizeof(path), "%s/script%u", r->dir, i);
		snprintf(text, sizeof(text), "#!%s\n", prev);
		put_text(path, text, strlen(text), 0755);
		assert_int_equal(start_and_finish(r, path), exec_depth_errnum(i));
		memcpy(prev, path, sizeof(prev));
	}
	assert_int_equal(exec_depth_errnum(5), 0);
	assert_int_equal(exec_depth_errnum(6), ELOOP);
}

static void row_78_script_through_a_closing_descriptor(void **state)
{
	struct rig *r = *state;
	char path[128], text[160];
	int cloexec;

	write_exe(r);
	snprintf(path, sizeof(path), "%s/script", r->dir);
	snprintf(text, sizeof(text), "#!%s\n", r->exe_path);
	put_text(path, text, strlen(text), 0755);
	for (cloexec = 0; cloexec < 2; cloexec++) {
		r->how.exec_fd = open(path, O_RDONLY | (cloexec ? O_CLOEXEC : 0));
		assert_int_equal(start_and_finish(r, path), exec_script_fd_errnum(true, cloexec));
		close(r->how.exec_fd);
	}
	assert_int_equal(exec_script_fd_errnum(true, true), ENOENT);
	assert_int_equal(exec_script_fd_errnum(false, true), 0);
}

/* ---- permissions ---- */

static void check_secure(struct rig *r, const char *path, struct exec_creds *c, bool expect)
{
	r->how.uid = c->uid;
	r->how.no_new_privs = c->no_new_privs;
	assert_int_equal(start(r, path), 0);
	assert_int_equal(native_aux(&r->native, AT_SECURE), expect);
	assert_int_equal(exec_at_secure(c), expect);
	native_finish(&r->native);
}

static void row_79_set_user_id(void **state)
{
	struct rig *r = *state;
	struct exec_creds c = {.uid = ORACLE_UID,
		.euid = ORACLE_UID,
		.gid = ORACLE_UID,
		.egid = ORACLE_UID,
		.file_mode = 04755};
	char path[128], text[160];
	struct statvfs fs;

	build_write(&r->exe, r->exe_path, 04755);
	assert_int_equal(statvfs(r->exe_path, &fs), 0);
	c.nosuid_mount = fs.f_flag & ST_NOSUID;
	assert_false(c.nosuid_mount); /* else this row shows nothing: point TMPDIR elsewhere */
	check_secure(r, r->exe_path, &c, true);
	c.no_new_privs = true;
	check_secure(r, r->exe_path, &c, false);
	c.no_new_privs = false;

	build_write(&r->exe, r->exe_path, 0755);
	c.file_mode = 0755;
	check_secure(r, r->exe_path, &c, false);
	snprintf(path, sizeof(path), "%s/script", r->dir);
	snprintf(text, sizeof(text), "#!%s\n", r->exe_path);
	put_text(path, text, strlen(text), 04755);
	c.file_mode = 04755;
	c.is_script = true;
	check_secure(r, path, &c, false);
}

static void row_80_executable_without_being_readable(void **state)
{
	struct exec_file f = {.exists = true, .is_regular = true, .may_execute = true};
	struct rig *r = *state;

	build_write(&r->exe, r->exe_path, 0711);
	r->how.uid = ORACLE_UID;
	assert_int_equal(start_and_finish(r, r->exe_path), exec_open_errnum(r->exe_path, &f));
	assert_int_equal(WEXITSTATUS(r->native.wait_status), EXE_STATUS);
	build_write(&r->exe, r->exe_path, 0700);
	f.may_execute = false;
	assert_int_equal(start_and_finish(r, r->exe_path), EACCES);
	assert_int_equal(exec_open_errnum(r->exe_path, &f), EACCES);
}

static void row_81_execve_check(void **state)
{
	struct rig *r = *state;

	write_exe(r);
	r->how.exec_fd = open(r->exe_path, O_RDONLY | O_CLOEXEC);
	r->how.exec_flags = EXECVE_CHECK;
	native_start(&r->native, &r->how, r->exe_path);
	assert_int_equal(r->native.end, NATIVE_FAILED); /* it came back from execveat */
	assert_int_equal(r->native.errnum, exec_check_errnum(&r->env));
	assert_int_equal(r->native.errnum, 0);
	close(r->how.exec_fd);
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
		ROW(row_74_text_busy),
		ROW(row_75_names),
		ROW(row_76_interpreter_line),
		ROW(row_77_scripts_of_scripts),
		ROW(row_78_script_through_a_closing_descriptor),
		ROW(row_79_set_user_id),
		ROW(row_80_executable_without_being_readable),
		ROW(row_81_execve_check),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
