/*
 * Catalogue rows 74-81: files in use, names, scripts and permissions (exec_rules.h), held against
 * the running kernel. True of Linux 6.18.
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

/* ---- files in use ---- */

static void assert_comm(const struct rig *r, const char *expect)
{
	CLEANUP(buf) struct buf b = {NULL};

	rig_proc_text(r, "comm", &b);
	((char *)b.data)[strcspn((char *)b.data, "\n")] = '\0';
	assert_string_equal((char *)b.data, expect);
}

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
	rig_write_exe(r);
	build_write(&r->interp, r->interp_path, 0755);
	assert_int_equal(rig_start(r, r->exe_path), 0);
	assert_int_equal(open_errno(r->exe_path), exec_write_errnum(ELF_EXE));
	assert_int_equal(truncate(r->exe_path, 0) ? errno : 0, ETXTBSY);
	assert_int_equal(open_errno(r->interp_path), exec_write_errnum(ELF_INTERP));
	assert_int_equal(exec_write_errnum(ELF_EXE), ETXTBSY);
	native_finish(&r->native);

	f.open_for_write = true;
	fd = open(r->exe_path, O_WRONLY | O_CLOEXEC);
	assert_int_equal(rig_run_path(r, r->exe_path), ETXTBSY);
	assert_int_equal(exec_open_errnum(r->exe_path, &f), ETXTBSY);
	close(fd);
	fd = open(r->interp_path, O_WRONLY | O_CLOEXEC);
	assert_int_equal(rig_run_path(r, r->exe_path), ETXTBSY);
	close(fd);
	assert_int_equal(rig_run_path(r, r->exe_path), 0);
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

	rig_write_exe(r);
	snprintf(path, sizeof(path), "%s/a_name_of_more_than_15", r->dir);
	assert_int_equal(rename(r->exe_path, path), 0);
	assert_int_equal(rig_start(r, path), 0);
	exec_comm(path, comm);
	assert_string_equal(comm, "a_name_of_more_");
	assert_comm(r, comm);
	assert_exe_link(r, path);
	unlink(path);
	strcat(path, " (deleted)");
	assert_exe_link(r, path);
	native_finish(&r->native);

	rig_write_exe(r);
	snprintf(path, sizeof(path), "%s/script", r->dir);
	snprintf(script, sizeof(script), "#!%s\n", r->exe_path);
	rig_put_text(path, script, strlen(script), 0755);
	assert_int_equal(rig_start(r, path), 0);
	exec_comm(path, comm);
	assert_comm(r, comm);
	assert_exe_link(r, r->exe_path);
	native_finish(&r->native);

	fd = open(r->exe_path, O_RDONLY | O_CLOEXEC);
	r->how.exec_fd = fd;
	assert_int_equal(rig_start(r, r->exe_path), 0);
	exec_fd_comm(fd, r->exe_path, &r->env, comm);
	assert_string_equal(comm, "exe");
	assert_comm(r, comm);
	rig_read_string(r, native_aux(&r->native, AT_EXECFN), name, sizeof(name));
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
	rig_put_text(path, text, size, 0755);
	rule = exec_script_parse(text, size, &s);
	if (!rule)
		rule = exec_open_errnum(s.path, &f);
	got = rig_start(r, path);
	assert_int_equal(got, expect);
	assert_int_equal(rule, expect);
	if (!got) {
		rig_proc_text(r, "cmdline", &cmdline);
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

	rig_write_exe(r);
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

	rig_write_exe(r);
	snprintf(prev, sizeof(prev), "%s", r->exe_path);
	for (i = 1; i <= EXEC_SCRIPT_DEPTH + 2; i++) {
		snprintf(path, sizeof(path), "%s/script%u", r->dir, i);
		snprintf(text, sizeof(text), "#!%s\n", prev);
		rig_put_text(path, text, strlen(text), 0755);
		assert_int_equal(rig_run_path(r, path), exec_depth_errnum(i));
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

	rig_write_exe(r);
	snprintf(path, sizeof(path), "%s/script", r->dir);
	snprintf(text, sizeof(text), "#!%s\n", r->exe_path);
	rig_put_text(path, text, strlen(text), 0755);
	for (cloexec = 0; cloexec < 2; cloexec++) {
		r->how.exec_fd = open(path, O_RDONLY | (cloexec ? O_CLOEXEC : 0));
		assert_int_equal(rig_run_path(r, path), exec_script_fd_errnum(true, cloexec));
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
	assert_int_equal(rig_start(r, path), 0);
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
	assert_false(c.nosuid_mount); /* else this row shows nothing */
	check_secure(r, r->exe_path, &c, true);
	c.no_new_privs = true;
	check_secure(r, r->exe_path, &c, false);
	c.no_new_privs = false;

	build_write(&r->exe, r->exe_path, 0755);
	c.file_mode = 0755;
	check_secure(r, r->exe_path, &c, false);
	snprintf(path, sizeof(path), "%s/script", r->dir);
	snprintf(text, sizeof(text), "#!%s\n", r->exe_path);
	rig_put_text(path, text, strlen(text), 04755);
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
	assert_int_equal(rig_run_path(r, r->exe_path), exec_open_errnum(r->exe_path, &f));
	assert_int_equal(WEXITSTATUS(r->native.wait_status), EXE_STATUS);
	build_write(&r->exe, r->exe_path, 0700);
	f.may_execute = false;
	assert_int_equal(rig_run_path(r, r->exe_path), EACCES);
	assert_int_equal(exec_open_errnum(r->exe_path, &f), EACCES);
}

static void row_81_execve_check(void **state)
{
	struct rig *r = *state;

	rig_write_exe(r);
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
