/*
 * The recorder's way of asking, on programs that are installed: at exec, under address space
 * randomization, every boundary range of exe and interpreter has the bytes that elf_tails() says.
 */
#include "loader/elf_report.h"
#include "loader/tests/oracle.h"

#include "common/cleanup.h"
#include "common/err.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define READ_MAX 65536

static struct elf_image g_exe, g_interp;
static struct native g_native;

static void parse(struct elf_image *img, const char *path, int *fd)
{
	struct elf_reader rd;

	*fd = open(path, O_RDONLY | O_CLOEXEC);
	if (*fd < 0 || elf_reader_fd(&rd, fd))
		die(EXIT_BROKE, "cannot open %s", path);
	assert_int_equal(elf_parse(img, &rd), 0);
}

static void check_tail(const struct elf_tail *t, int fd)
{
	static uint8_t got[READ_MAX], expect[READ_MAX];
	size_t n = t->size < READ_MAX ? t->size : READ_MAX, i;

	memset(expect, 0, n);
	if (!t->expect_zero)
		assert_int_equal(pread(fd, expect, n, (off_t)t->file_offset), n);
	native_read(&g_native, t->address, got, n);
	for (i = 0; i < n; i++)
		if (got[i] != expect[i])
			fail_msg("segment %u, role %u, at 0x%" PRIx64, t->segment, t->role,
				t->address + i);
}

/* The number of ranges compared. */
static size_t check_program(const char *path)
{
	struct run_how how = {.randomize = true};
	struct elf_env env = elf_env_default();
	struct elf_piece piece[ELF_LAYOUT_SMALL];
	struct elf_layout l = {.piece = piece, .max = ELF_LAYOUT_SMALL};
	struct elf_tail tails[ELF_LAYOUT_SMALL];
	CLEANUP(fd) int exe_fd = -1;
	CLEANUP(fd) int interp_fd = -1;
	uint64_t bias, entry;
	size_t n, i;

	native_start(&g_native, &how, path);
	assert_int_equal(g_native.end, NATIVE_STOPPED);
	parse(&g_exe, path, &exe_fd);
	entry = g_exe.eh.e_entry;
	bias = g_exe.eh.e_type == ET_DYN ? native_aux(&g_native, AT_ENTRY) - entry : 0;
	assert_int_equal(elf_layout_add(&l, &g_exe, &env, bias, ELF_EXE), 0);
	if (g_exe.interp >= 0) {
		parse(&g_interp, g_exe.interp_path, &interp_fd);
		bias = native_aux(&g_native, AT_BASE);
		assert_int_equal(elf_layout_add(&l, &g_interp, &env, bias, ELF_INTERP), 0);
	}
	n = elf_tails(&l, tails, ELF_LAYOUT_SMALL);
	for (i = 0; i < n; i++)
		check_tail(&tails[i], tails[i].which == ELF_EXE ? exe_fd : interp_fd);
	native_kill(&g_native);
	return n;
}

static void installed_programs_have_the_predicted_boundaries(void **state)
{
	static const char *const programs[] = {"/usr/bin/true", "/bin/sh", "/usr/bin/env",
		"/usr/bin/perl", "/bin/bash", "/usr/bin/gcc", "/sbin/ldconfig", "/proc/self/exe"};
	size_t i, done = 0, n;

	for (i = 0; i < ARRAY_LEN(programs); i++) {
		if (access(programs[i], X_OK))
			continue;
		n = check_program(programs[i]);
		assert_in_range(n, 3, ELF_LAYOUT_SMALL - 1);
		done++;
	}
	assert_true(done >= 4);
}

static void sections_name_what_lies_there(void **state)
{
	struct elf_section s[4];
	struct elf_reader rd;
	CLEANUP(fd) int fd = -1;
	const Elf64_Phdr *dyn;

	parse(&g_exe, "/proc/self/exe", &fd);
	assert_int_equal(elf_reader_fd(&rd, &fd), 0);
	assert_true(g_exe.dynamic >= 0);
	dyn = &g_exe.phdr[g_exe.dynamic];
	assert_int_equal(elf_sections(&g_exe, &rd, dyn->p_vaddr, dyn->p_memsz, s, 4), 1);
	assert_string_equal(s[0].name, ".dynamic");
	assert_int_equal(s[0].size, dyn->p_filesz);
	assert_int_equal(elf_sections(&g_exe, &rd, dyn->p_vaddr - 1, 2, s, 4), 2);
	assert_int_equal(elf_sections(&g_exe, &rd, 0, 8, s, 4), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(installed_programs_have_the_predicted_boundaries),
		cmocka_unit_test(sections_name_what_lies_there),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
