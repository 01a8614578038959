/*
 * Catalogue rows 35-61: alignment and bias, header fields, machine, entry, program headers and
 * PT_INTERP, held against the running kernel. True of Linux 6.18.
 */
#include "loader/tests/oracle.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define A	       TEXT
#define TASK_END       0x7ffffffff000ull
#define IS_RUN(r)      oracle_check(r, ELF_RUNS, (r)->has_interp ? INTERP_STATUS : EXE_STATUS)
#define IS_SEGV(r)     oracle_check(r, ELF_KILLED, SIGSEGV)
#define IS_ERRNO(r, e) oracle_check(r, ELF_FAILS, e)

static uint64_t bias_of(const struct rig *r)
{
	return r->predicted.at_entry - r->exe.eh.e_entry;
}

static void row_35_senseless_p_align_is_ignored(void **state)
{
	static const uint64_t aligns[] = {0, 3, 1, 0x3000, 0x200000, ~0ull};
	struct rig *r = *state;
	size_t i;

	for (i = 0; i < sizeof(aligns) / sizeof(aligns[0]); i++) {
		rig_exe(r, ET_EXEC, TEXT + 0x1000);
		build_load(&r->exe, RW, 0x1000, A + 0x3000, 0x1000, 0x1000);
		r->exe.phdr[0].p_align = r->exe.phdr[1].p_align = aligns[i];
		want_vma(r, A + 0x3000, A + 0x4000, "rw-p");
		IS_RUN(r);
	}
}

static void row_36_pie_bias_uses_the_largest_power_of_two_align(void **state)
{
	struct rig *r = *state;
	int i;

	rig_exe(r, ET_DYN, 0x10000);
	rig_interp(r, ET_DYN, 0);
	build_load(&r->exe, RW, 0x1000, 0x15000, 0x1000, 0x1000)->p_align = 0x200000;
	build_load(&r->exe, RW, 0x2000, 0x17000, 0x1000, 0x1000)->p_align = 0x600000;
	IS_RUN(r);
	assert_int_equal((bias_of(r) + 0x10000) % 0x200000, 0);
	r->how.randomize = true;
	for (i = 0; i < 8; i++) {
		IS_RUN(r);
		assert_int_equal((bias_of(r) + 0x10000) % 0x200000, 0);
	}
}

static void row_37_static_pie_align_is_honoured(void **state)
{
	struct rig *r = *state;

	rig_exe(r, ET_DYN, 0x10000);
	r->exe.phdr[0].p_align = 0x200000;
	IS_RUN(r);
	assert_int_equal((bias_of(r) + 0x10000) % 0x200000, 0);
	assert_true(bias_of(r) > 0x7f0000000000);
	assert_int_equal(elf_bias_align(r->exe_image, &r->env), 0x200000);
	assert_int_equal(elf_exe_bias_rule(r->exe_image), ELF_BIAS_MMAP);
}

static void row_38_interpreter_align_is_ignored(void **state)
{
	struct rig *r = *state;

	rig_interp(r, ET_DYN, 0);
	r->interp.phdr[0].p_align = 0x200000;
	IS_RUN(r);
	assert_int_not_equal(r->predicted.at_base % 0x200000, 0);
}

static void row_39_interpreter_vaddr_is_a_hint_for_an_et_exec(void **state)
{
	struct rig *r = *state;

	rig_interp(r, ET_DYN, 0x50000000);
	want_aux(r, AT_BASE, 0);
	want_vma(r, 0x50000000, 0x50001000, "r-xp");
	IS_RUN(r);
	assert_int_equal(elf_interp_bias_rule(r->interp_image, r->exe_image, 0), ELF_BIAS_HINT);
	rig_exe(r, ET_DYN, 0);
	IS_RUN(r);
	assert_true(r->predicted.at_base > 0x7f0000000000);
}

static void row_40_at_base_is_the_load_bias(void **state)
{
	struct rig *r = *state;

	rig_exe(r, ET_DYN, 0);
	rig_interp(r, ET_DYN, 0x10000);
	IS_RUN(r);
	/* The first page is 0x10000 above AT_BASE, not at it. */
	assert_non_null(native_vma_at(&r->native, r->predicted.at_base + 0x10000));
	rig_interp(r, ET_EXEC, 0x50000000);
	want_aux(r, AT_BASE, 0);
	IS_RUN(r);
}

static void row_41_holes_stay_unmapped(void **state)
{
	struct rig *r = *state;

	rig_exe(r, ET_DYN, 0);
	build_load(&r->exe, RW, 0x1000, 0x9000, 0x1000, 0x1000);
	want_hole(r, 0x1000);
	want_hole(r, 0x8000);
	IS_RUN(r);
	rig_interp(r, ET_DYN, 0);
	build_load(&r->interp, RW, 0x1000, 0x9000, 0x1000, 0x1000);
	want_hole(r, 0x1000);
	want_interp_hole(r, 0x1000);
	want_interp_hole(r, 0x8000);
	IS_RUN(r);
}

static void row_42_static_pie_without_bytes_in_its_first_load_maps_at_0(void **state)
{
	struct rig *r = *state;

	rig_exe(r, ET_DYN, 0x1000);
	build_load(&r->exe, RX, 0, 0x1000, 0x1000, 0x1000);
	r->exe.phdr[0] = (Elf64_Phdr){
		.p_type = PT_LOAD, .p_flags = RW, .p_memsz = 0x1000, .p_align = 0x1000};
	IS_RUN(r);
	assert_non_null(native_vma_at(&r->native, 0));
	r->how.uid = ORACLE_UID;
	IS_SEGV(r);
}

static void row_43_ident_is_ignored(void **state)
{
	struct rig *r = *state;

	r->exe.eh.e_ident[EI_CLASS] = ELFCLASS32;
	IS_RUN(r);
	r->exe.eh.e_ident[EI_CLASS] = 77;
	r->exe.eh.e_ident[EI_DATA] = ELFDATA2MSB;
	r->exe.eh.e_ident[EI_VERSION] = 0;
	IS_RUN(r);
}

static void row_44_version_flags_and_ehsize_are_ignored(void **state)
{
	struct rig *r = *state;

	r->exe.eh.e_version = 9;
	r->exe.eh.e_ident[EI_OSABI] = 0xfe;
	r->exe.eh.e_ident[EI_ABIVERSION] = 3;
	r->exe.eh.e_flags = 0xffffffff;
	r->exe.eh.e_ehsize = 1;
	IS_RUN(r);
}

static void row_45_headers_that_are_enoexec(void **state)
{
	static const uint16_t types[] = {ET_REL, ET_CORE, ET_NONE, 0xfe00};
	struct rig *r = *state;
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		r->exe.eh.e_type = types[i];
		IS_ERRNO(r, ENOEXEC);
	}
	r->exe.eh.e_type = ET_EXEC;
	r->exe.eh.e_machine = EM_AARCH64;
	IS_ERRNO(r, ENOEXEC);
	r->exe.eh.e_machine = EM_X86_64;
	r->exe.phentsize = 55;
	IS_ERRNO(r, ENOEXEC);
	r->exe.phentsize = 0;
	r->exe.phdr_len = 0;
	IS_ERRNO(r, ENOEXEC);
	r->exe.phdr_len = 1;
	r->exe.eh.e_phoff = 0x8000;
	IS_ERRNO(r, ENOEXEC);
	r->exe.eh.e_phoff = ~0ull;
	IS_ERRNO(r, ENOEXEC);
	r->exe.eh.e_phoff = 64;
	IS_RUN(r);
}

static void row_45_every_cut_of_the_headers_is_enoexec(void **state)
{
	struct rig *r = *state;

	for (r->exe.size = 0; r->exe.size < 120; r->exe.size++)
		IS_ERRNO(r, ENOEXEC);
	/* Whole headers: accepted. Its code reads as zeroes, which add to where rax, 0, points. */
	want_zero(r, A + CODE, 16);
	oracle_check_dies(r, SIGSEGV);
}

static void row_46_phnum_up_to_64_kib_of_headers(void **state)
{
	struct rig *r = *state;

	build_fini(&r->exe);
	build_init(&r->exe, 64, ET_EXEC, 0x30000);
	r->exe.eh.e_phoff = 0x10000;
	build_load(&r->exe, RX, 0, TEXT, 0x1000, 0x1000);
	build_exit(&r->exe, CODE, EXE_STATUS);
	r->exe.eh.e_entry = TEXT + CODE;
	while (r->exe.phdr_len < 1170)
		build_phdr(&r->exe, PT_NULL, 0, 0, 0, 0, 0);
	IS_RUN(r);
	assert_int_equal(elf_phnum_limit(r->exe_image, &r->env), 1170);
	build_phdr(&r->exe, PT_NULL, 0, 0, 0, 0, 0);
	IS_ERRNO(r, ENOEXEC);
}

static void row_47_phdrs_at_an_odd_offset(void **state)
{
	struct rig *r = *state;

	r->exe.eh.e_phoff = 0x2003;
	build_load(&r->exe, PF_R, 0x2000, A + 0x2000, 0x1000, 0x1000);
	want_aux(r, AT_PHDR, A + 0x2003);
	IS_RUN(r);
}

static void exe_i386(struct rig *r)
{
	build_fini(&r->exe);
	build_init(&r->exe, 32, ET_EXEC, 0x8000);
	build_load(&r->exe, RX, 0, TEXT, 0x1000, 0x1000);
	build_load(&r->exe, RW, 0x1000, A + 0x2000, 0x500, 0x1800);
	build_exit(&r->exe, CODE, EXE_STATUS);
	r->exe.eh.e_entry = TEXT + CODE;
}

static void row_48_i386_without_gnu_stack_reads_imply_exec(void **state)
{
	struct rig *r = *state;

	exe_i386(r);
	want_vma(r, A + 0x2000, A + 0x3000, "rwxp");
	want_vma(r, A + 0x3000, A + 0x4000, "rwxp");
	IS_RUN(r);
	assert_true(r->predicted.read_implies_exec);
}

static void row_49_i386_gnu_stack_rwx_concerns_the_stack_alone(void **state)
{
	struct rig *r = *state;

	exe_i386(r);
	build_phdr(&r->exe, PT_GNU_STACK, PF_R | PF_W | PF_X, 0, 0, 0, 0);
	want_vma(r, A + 0x2000, A + 0x3000, "rw-p");
	IS_RUN(r);
	assert_int_equal(r->predicted.stack_prot, PROT_READ | PROT_WRITE | PROT_EXEC);
	r->exe.phdr[2].p_flags = RW;
	IS_RUN(r);
	assert_int_equal(r->predicted.stack_prot, PROT_READ | PROT_WRITE);
}

static void row_50_unmapped_entry_faults(void **state)
{
	struct rig *r = *state;

	r->exe.eh.e_entry = 0x12345678;
	oracle_check(r, ELF_FAULTS, SIGSEGV);
}

static void row_51_entry_past_the_address_space_kills(void **state)
{
	struct rig *r = *state;

	r->exe.eh.e_entry = TASK_END;
	IS_SEGV(r);
	r->exe.eh.e_entry = 0xffffffff81000000ull;
	IS_SEGV(r);
	r->exe.eh.e_entry = TASK_END - 1;
	oracle_check(r, ELF_FAULTS, SIGSEGV);
}

static void row_52_phdrs_in_no_load(void **state)
{
	struct rig *r = *state;

	r->exe.eh.e_phoff = 0x2000;
	want_aux(r, AT_PHDR, 0);
	IS_RUN(r);
	rig_exe(r, ET_DYN, 0);
	r->exe.eh.e_phoff = 0x2000;
	rig_interp(r, ET_DYN, 0);
	want_aux(r, AT_PHDR, 0x555555554000);
	IS_RUN(r);
}

static void row_53_at_phdr_is_where_the_last_matching_load_has_them(void **state)
{
	struct rig *r = *state;

	r->exe.eh.e_phoff = 0x2040;
	build_load(&r->exe, PF_R, 0x2000, A + 0x5000, 0x1000, 0x1000);
	want_aux(r, AT_PHDR, A + 0x5040);
	IS_RUN(r);
	build_load(&r->exe, PF_R, 0x2000, A + 0x9000, 0x1000, 0x1000);
	build_phdr(&r->exe, PT_PHDR, PF_R, 0x40, A + 0x40, 0x100, 0x100);
	want_aux(r, AT_PHDR, A + 0x9040);
	IS_RUN(r);
}

static void row_54_interp_string_rules(void **state)
{
	static char path[ELF_INTERP_MAX];
	struct rig *r = *state;
	Elf64_Phdr *ph;

	rig_interp(r, ET_DYN, 0);
	ph = &r->exe.phdr[1];
	ph->p_filesz = 1;
	IS_ERRNO(r, ENOEXEC);
	ph->p_filesz = 0;
	IS_ERRNO(r, ENOEXEC);
	ph->p_filesz = strlen(r->interp_path); /* without its NUL */
	IS_ERRNO(r, ENOEXEC);
	/* 4096 bytes with the path, NULs behind it: it ends at the first. */
	memcpy(path, r->interp_path, strlen(r->interp_path));
	build_put(&r->exe, 0x2000, path, sizeof(path));
	ph->p_offset = 0x2000;
	ph->p_filesz = 4096;
	IS_RUN(r);
	ph->p_filesz = 4097;
	IS_ERRNO(r, ENOEXEC);
}

static void row_55_second_interp_is_ignored(void **state)
{
	struct rig *r = *state;

	rig_interp(r, ET_DYN, 0);
	build_interp(&r->exe, 0xe00, "/nonexistent/interp");
	IS_RUN(r);
}

/* Takes the interpreter away, so that the path stands for what the test puts there. */
static void no_interp_file(struct rig *r)
{
	rig_interp(r, ET_DYN, 0);
	build_fini(&r->interp);
}

static void row_56_interp_that_cannot_be_opened(void **state)
{
	struct rig *r = *state;

	no_interp_file(r);
	r->interp_errnum = ENOENT;
	IS_ERRNO(r, ENOENT);
	assert_int_equal(mkdir(r->interp_path, 0755), 0);
	r->interp_errnum = EACCES;
	IS_ERRNO(r, EACCES);
	assert_int_equal(rmdir(r->interp_path), 0);
	rig_interp(r, ET_DYN, 0);
	build_write(&r->interp, r->interp_path, 0644);
	IS_ERRNO(r, EACCES);
	build_put(&r->exe, 0xf00, "\0\0", 2);
	r->exe.phdr[1].p_filesz = 2;
	IS_ERRNO(r, EACCES);
}

static void row_57_interp_past_eof_and_short_interpreter(void **state)
{
	struct rig *r = *state;

	rig_interp(r, ET_DYN, 0);
	r->exe.phdr[1].p_offset = 0x7ff8;
	IS_ERRNO(r, EIO);
	r->exe.phdr[1].p_offset = 0x100000;
	IS_ERRNO(r, EIO);
	r->exe.phdr[1].p_offset = 0xf00;
	for (r->interp.size = 0; r->interp.size < 64; r->interp.size += 21)
		IS_ERRNO(r, EIO);
	r->interp.size = 0x8000;
	IS_RUN(r);
}

static void row_58_interpreter_of_the_wrong_kind(void **state)
{
	static const char script[] = "#!/bin/sh\n#............................................"
				     "....................................................\n";
	struct rig *r = *state;

	rig_interp(r, ET_DYN, 0);
	r->interp.eh.e_machine = EM_AARCH64;
	IS_ERRNO(r, ELIBBAD);
	r->interp.eh.e_machine = EM_X86_64;
	r->interp.phentsize = 32;
	IS_ERRNO(r, ELIBBAD);
	r->interp.phentsize = 0;
	r->interp.eh.e_phoff = 0x8000;
	IS_ERRNO(r, ELIBBAD);
	r->interp.eh.e_phoff = 64;
	IS_RUN(r);
	memcpy(r->interp.eh.e_ident, script, EI_NIDENT);
	IS_ERRNO(r, ELIBBAD);
}

static void row_59_interpreter_without_load_kills(void **state)
{
	struct rig *r = *state;

	rig_interp(r, ET_DYN, 0);
	r->interp.eh.e_type = ET_REL;
	IS_SEGV(r);
	r->interp.eh.e_type = ET_DYN;
	r->interp.phdr[0].p_type = PT_NOTE;
	IS_SEGV(r);
}

static void row_60_interpreters_own_interp_is_ignored(void **state)
{
	struct rig *r = *state;

	rig_interp(r, ET_DYN, 0);
	build_interp(&r->interp, 0xf00, "/nonexistent/interp");
	IS_RUN(r);
}

static void row_61_et_exec_interpreter_replaces_the_exe(void **state)
{
	struct rig *r = *state;

	build_load(&r->exe, RW, 0x1000, A + 0x1000, 0x1000, 0x1000);
	build_load(&r->exe, RW, 0x2000, A + 0x2000, 0x1000, 0x1000);
	rig_interp(r, ET_EXEC, TEXT);
	build_load(&r->interp, RW, 0x3000, A + 0x2000, 0x800, 0x800);
	want_interp_file(r, A + 0x2000, 0x1000, 0x3000);
	/* The span between its LOADs is given back, with what the exe had there. */
	want_hole(r, A + 0x1000);
	IS_RUN(r);
}

int main(void)
{
#define ROW(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)
	static const struct CMUnitTest tests[] = {
		ROW(row_35_senseless_p_align_is_ignored),
		ROW(row_36_pie_bias_uses_the_largest_power_of_two_align),
		ROW(row_37_static_pie_align_is_honoured),
		ROW(row_38_interpreter_align_is_ignored),
		ROW(row_39_interpreter_vaddr_is_a_hint_for_an_et_exec),
		ROW(row_40_at_base_is_the_load_bias),
		ROW(row_41_holes_stay_unmapped),
		ROW(row_42_static_pie_without_bytes_in_its_first_load_maps_at_0),
		ROW(row_43_ident_is_ignored),
		ROW(row_44_version_flags_and_ehsize_are_ignored),
		ROW(row_45_headers_that_are_enoexec),
		ROW(row_45_every_cut_of_the_headers_is_enoexec),
		ROW(row_46_phnum_up_to_64_kib_of_headers),
		ROW(row_47_phdrs_at_an_odd_offset),
		ROW(row_48_i386_without_gnu_stack_reads_imply_exec),
		ROW(row_49_i386_gnu_stack_rwx_concerns_the_stack_alone),
		ROW(row_50_unmapped_entry_faults),
		ROW(row_51_entry_past_the_address_space_kills),
		ROW(row_52_phdrs_in_no_load),
		ROW(row_53_at_phdr_is_where_the_last_matching_load_has_them),
		ROW(row_54_interp_string_rules),
		ROW(row_55_second_interp_is_ignored),
		ROW(row_56_interp_that_cannot_be_opened),
		ROW(row_57_interp_past_eof_and_short_interpreter),
		ROW(row_58_interpreter_of_the_wrong_kind),
		ROW(row_59_interpreter_without_load_kills),
		ROW(row_60_interpreters_own_interp_is_ignored),
		ROW(row_61_et_exec_interpreter_replaces_the_exe),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
