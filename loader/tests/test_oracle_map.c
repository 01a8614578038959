/*
 * Catalogue rows 1-34: how PT_LOADs become memory. Each row is built by hand, run, and held against
 * elf_predict; the row's own words are want_*(). True of Linux 6.18; elf_env_default() says so.
 */
#include "loader/tests/oracle.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#define A	   TEXT /* file offsets and addresses of the second LOAD in most rows: file 0x1000 up */
#define TASK_END   0x7ffffffff000ull
#define IS_RUN(r)  oracle_check(r, ELF_RUNS, EXE_STATUS)
#define IS_SEGV(r) oracle_check(r, ELF_KILLED, SIGSEGV)

static void row_01_equal_sizes_keep_file_bytes_to_page_end(void **state)
{
	struct rig *r = *state;

	build_load(&r->exe, RW, 0x1000, A + 0x2000, 0x520, 0x520);
	build_load(&r->exe, PF_R, 0x2000, A + 0x3000, 0x640, 0x640);
	want_file(r, A + 0x2520, 0xae0, 0x1520);
	want_file(r, A + 0x3640, 0x9c0, 0x2640);
	IS_RUN(r);
	rig_interp(r, ET_DYN, 0);
	build_load(&r->interp, RW, 0x1000, 0x2000, 0x520, 0x520);
	build_load(&r->interp, PF_R, 0x2000, 0x3000, 0x640, 0x640);
	want_interp_file(r, 0x2520, 0xae0, 0x1520);
	want_interp_file(r, 0x3640, 0x9c0, 0x2640);
	oracle_check(r, ELF_RUNS, INTERP_STATUS);
}

static void row_02_first_page_before_p_offset_is_visible(void **state)
{
	struct rig *r = *state;

	build_load(&r->exe, RW, 0x1888, A + 0x2888, 0x100, 0x100);
	want_file(r, A + 0x2000, 0x888, 0x1000);
	IS_RUN(r);
}

static void row_03_writable_bss_zeroes_to_page_end(void **state)
{
	struct rig *r = *state;

	build_load(&r->exe, RW, 0x1000, A + 0x2000, 0x520, 0x540);
	build_load(&r->exe, RW, 0x2000, A + 0x4000, 0x520, 0x2800);
	want_zero(r, A + 0x2520, 0xae0);
	want_zero(r, A + 0x4520, 0x2ae0);
	want_vma(r, A + 0x5000, A + 0x7000, "rw-p");
	IS_RUN(r);
}

static void row_04_readonly_bss_tail_is_not_zeroed(void **state)
{
	struct rig *r = *state;

	build_load(&r->exe, PF_R, 0x1000, A + 0x2000, 0x520, 0x540);
	build_load(&r->exe, PF_R, 0x2000, A + 0x4000, 0x520, 0x1800);
	want_file(r, A + 0x2520, 0xae0, 0x1520);
	want_file(r, A + 0x4520, 0xae0, 0x2520);
	want_zero(r, A + 0x5000, 0x1000);
	IS_RUN(r);
}

static void row_05_interpreter_follows_the_same_rules(void **state)
{
	struct rig *r = *state;

	rig_interp(r, ET_DYN, 0);
	build_load(&r->interp, RW, 0x1000, 0x2000, 0x520, 0x520);
	build_load(&r->interp, PF_R, 0x2000, 0x3000, 0x640, 0x700);
	build_load(&r->interp, RW, 0x3000, 0x5000, 0x640, 0x700);
	want_interp_file(r, 0x2520, 0xae0, 0x1520);
	want_interp_file(r, 0x3640, 0x9c0, 0x2640);
	want_interp_zero(r, 0x5640, 0x9c0);
	oracle_check(r, ELF_RUNS, INTERP_STATUS);
}

static void row_06_bss_pages_are_rw_and_x_only_if_the_segment_is(void **state)
{
	struct rig *r = *state;

	build_load(&r->exe, PF_R, 0x1000, A + 0x2000, 0x520, 0x1800);
	build_load(&r->exe, RX, 0x2000, A + 0x5000, 0x520, 0x1800);
	build_load(&r->exe, 0, 0x3000, A + 0x8000, 0x520, 0x1800);
	want_vma(r, A + 0x3000, A + 0x4000, "rw-p");
	want_vma(r, A + 0x6000, A + 0x7000, "rwxp");
	want_vma(r, A + 0x9000, A + 0xa000, "rw-p");
	IS_RUN(r);
}

static void row_07_aligned_filesz_gets_one_more_page(void **state)
{
	struct rig *r = *state;

	build_load(&r->exe, RW, 0x1000, A + 0x2000, 0x1000, 0x1001);
	want_file(r, A + 0x2000, 0x1000, 0x1000);
	want_vma(r, A + 0x3000, A + 0x4000, "rw-p");
	want_zero(r, A + 0x3000, 0x1000);
	IS_RUN(r);
}

static void row_08_memsz_below_filesz_kills(void **state)
{
	struct rig *r = *state;

	build_load(&r->exe, RW, 0x1000, A + 0x2000, 0x520, 0x51f);
	IS_SEGV(r);
	rig_exe(r, ET_EXEC, TEXT);
	build_load(&r->exe, RW, 0x1000, A + 0x2000, 0x520, 0);
	IS_SEGV(r);
	rig_exe(r, ET_EXEC, TEXT);
	rig_interp(r, ET_DYN, 0);
	build_load(&r->interp, RW, 0x1000, 0x2000, 0x520, 0x51f);
	IS_SEGV(r);
}

static void row_09_filesz_0_aligned_is_anonymous(void **state)
{
	struct rig *r = *state;

	build_load(&r->exe, PF_R, 0x1000, A + 0x2000, 0, 0x1800);
	want_vma(r, A + 0x2000, A + 0x4000, "rw-p");
	want_zero(r, A + 0x2000, 0x2000);
	IS_RUN(r);
}

static void row_10_filesz_0_misaligned_starts_at_its_page(void **state)
{
	struct rig *r = *state;

	build_load(&r->exe, RW, 0x1234, A + 0x2678, 0, 0x100);
	want_vma(r, A + 0x2000, A + 0x3000, "rw-p");
	want_zero(r, A + 0x2000, 0x1000);
	IS_RUN(r);
}

static void row_11_filesz_0_in_a_mapped_page_zeroes_all_of_it(void **state)
{
	struct rig *r = *state;

	build_load(&r->exe, RW, 0x1000, A + 0x2000, 0x520, 0x520);
	build_load(&r->exe, RW, 0x1600, A + 0x2600, 0, 0x100);
	want_zero(r, A + 0x2000, 0x1000);
	IS_RUN(r);
}

static void row_12_empty_load_only_raises_brk(void **state)
{
	struct rig *r = *state;

	build_load(&r->exe, RW, 0x1000, A + 0x100000, 0, 0);
	want_hole(r, A + 0x100000);
	want_brk(r, A + 0x100000);
	IS_RUN(r);
}

static void row_13_incongruent_offset_kills(void **state)
{
	struct rig *r = *state;

	build_load(&r->exe, RW, 0x1010, A + 0x2000, 0x100, 0x100);
	IS_SEGV(r);
}

static void row_14_overlapping_loads_later_wins(void **state)
{
	struct rig *r = *state;

	build_load(&r->exe, RW, 0x1000, A + 0x2000, 0x3000, 0x3000);
	build_load(&r->exe, PF_R, 0x5000, A + 0x3000, 0x1000, 0x1000);
	want_file(r, A + 0x2000, 0x1000, 0x1000);
	want_file(r, A + 0x3000, 0x1000, 0x5000);
	want_file(r, A + 0x4000, 0x1000, 0x3000);
	want_vma(r, A + 0x3000, A + 0x4000, "r--p");
	IS_RUN(r);
}

static void row_15_two_loads_in_one_page_are_all_the_later(void **state)
{
	struct rig *r = *state;

	build_load(&r->exe, RW, 0x1000, A + 0x2000, 0x520, 0x520);
	build_load(&r->exe, RW, 0x3800, A + 0x2800, 0x100, 0x100);
	want_file(r, A + 0x2000, 0x1000, 0x3000);
	IS_RUN(r);
}

static void row_16_later_load_makes_bss_file_bytes_again(void **state)
{
	struct rig *r = *state;

	build_load(&r->exe, RW, 0x1000, A + 0x2000, 0x520, 0x600);
	build_load(&r->exe, RW, 0x1800, A + 0x2800, 0x100, 0x100);
	want_file(r, A + 0x2000, 0x1000, 0x1000);
	IS_RUN(r);
}

static void row_17_lower_bss_replaces_an_earlier_higher_load(void **state)
{
	struct rig *r = *state;

	build_load(&r->exe, PF_R, 0x3000, A + 0x4000, 0x1000, 0x1000);
	build_load(&r->exe, RW, 0x1000, A + 0x2000, 0x520, 0x2800);
	want_zero(r, A + 0x2520, 0x2ae0);
	want_vma(r, A + 0x3000, A + 0x5000, "rw-p");
	IS_RUN(r);
}

static void row_18_descending_loads_exec(void **state)
{
	struct rig *r = *state;

	build_load(&r->exe, PF_R, 0x3000, A - 0x4000, 0x1000, 0x1000);
	build_load(&r->exe, RW, 0x1000, A - 0x6000, 0x520, 0x520);
	want_vma(r, A - 0x4000, A - 0x3000, "r--p");
	IS_RUN(r);
}

static void row_19_descending_loads_dyn(void **state)
{
	struct rig *r = *state;

	rig_exe(r, ET_DYN, 0x10000);
	build_load(&r->exe, PF_R, 0x3000, 0x4000, 0x1000, 0x1000);
	build_load(&r->exe, RW, 0x1000, 0, 0x520, 0x520);
	want_vma(r, 0x4000, 0x5000, "r--p");
	want_hole(r, 0x5000);
	IS_RUN(r);
	rig_interp(r, ET_DYN, 0x10000);
	build_load(&r->interp, RW, 0x1000, 0, 0x520, 0x520);
	want_vma(r, 0x4000, 0x5000, "r--p");
	oracle_check(r, ELF_RUNS, INTERP_STATUS);
}

static void row_20_load_past_eof_is_mapped_and_sigbus(void **state)
{
	struct rig *r = *state;

	build_load(&r->exe, PF_R, 0x20000, A + 0x2000, 0x1000, 0x1000);
	build_touch(&r->exe, CODE, A + 0x2000, EXE_STATUS);
	want_vma(r, A + 0x2000, A + 0x3000, "r--p");
	want_bus(r, A + 0x2000);
	oracle_check_dies(r, SIGBUS);
}

static void row_21_past_eof_with_writable_bss_kills(void **state)
{
	struct rig *r = *state;

	build_load(&r->exe, RW, 0x20000, A + 0x2000, 0x520, 0x600);
	IS_SEGV(r);
}

static void row_22_eof_in_mid_page_reads_zeroes(void **state)
{
	struct rig *r = *state;

	r->exe.size = 0x3456;
	build_load(&r->exe, PF_R, 0x3000, A + 0x2000, 0x1000, 0x1000);
	build_load(&r->exe, PF_R, 0x3000, A + 0x4000, 0x2000, 0x2000);
	want_file(r, A + 0x2000, 0x456, 0x3000);
	want_zero(r, A + 0x2456, 0xbaa);
	want_bus(r, A + 0x5000);
	IS_RUN(r);
}

static void row_23_vaddr_0_is_for_root(void **state)
{
	struct rig *r = *state;

	build_load(&r->exe, PF_R, 0x1000, 0, 0x1000, 0x1000);
	want_vma(r, 0, 0x1000, "r--p");
	IS_RUN(r);
	r->how.uid = ORACLE_UID;
	IS_SEGV(r);
	rig_exe(r, ET_EXEC, TEXT);
	IS_RUN(r);
}

static void row_24_beyond_the_address_space_kills(void **state)
{
	static const uint64_t cases[][2] = {{TASK_END, 0x1000}, {TASK_END - 0x1000, 0x2000},
		{0xffffffff80000000ull, 0x1000}, {A + 0x2000, TASK_END}, {A + 0x2000, ~0ull},
		{A + 0x2000, 1ull << 63}, {~0ull - 0xfff, 0x1000}};
	struct rig *r = *state;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		rig_exe(r, ET_EXEC, TEXT);
		build_load(&r->exe, PF_R, 0x1000, cases[i][0], 0x1000, cases[i][1]);
		IS_SEGV(r);
	}
}

static void row_25_senseless_file_ranges_kill(void **state)
{
	static const uint64_t cases[][3] = {{~0ull - 0xfff, 0x1000, 0x1000},
		{1ull << 63, 0x1000, 0x1000}, {0x7ffffffffffff000ull, 0x1000, 0x1000},
		{0x1000, ~0ull, ~0ull}, {0x1000, ~0ull - 0x1000, TASK_END / 2}};
	struct rig *r = *state;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		rig_exe(r, ET_EXEC, TEXT);
		build_load(&r->exe, PF_R, cases[i][0], A + 0x2000, cases[i][1], cases[i][2]);
		IS_SEGV(r);
	}
	/* p_offset smaller than p_vaddr's place in its page: the mapping would begin before the
	 * file.
	 */
	rig_exe(r, ET_EXEC, TEXT);
	build_load(&r->exe, PF_R, 0x10, A + 0x2010 + 0x800, 0x100, 0x100);
	IS_SEGV(r);
}

static void row_26_limits_kill(void **state)
{
	struct rig *r = *state;
	uint64_t huge = r->env.commit_limit == UINT64_MAX ? 0 : 1ull << 46;

	build_load(&r->exe, RW, 0x1000, A + 0x2000, 0x1000, 64 << 20);
	IS_RUN(r);
	r->how.rlimit_as = 32 << 20;
	IS_SEGV(r);
	r->how.rlimit_as = 0;
	r->env.rlimit_as = UINT64_MAX;
	r->how.rlimit_data = 32 << 20;
	IS_SEGV(r);
	r->how.rlimit_data = 0;
	r->env.rlimit_data = UINT64_MAX;
	assert_true(huge); /* vm.overcommit_memory=1 would allow anything */
	r->exe.phdr[1].p_memsz = huge;
	IS_SEGV(r);
}

static void row_27_first_load_over_the_stack_kills(void **state)
{
	struct rig *r = *state;

	rig_exe(r, ET_EXEC, 0x7fffffff0000ull);
	IS_SEGV(r);
	rig_exe(r, ET_EXEC, TEXT);
	IS_RUN(r);
}

static void row_28_later_load_and_bss_replace_the_stack(void **state)
{
	struct rig *r = *state;

	r->ignore_stack_area = true;
	build_load(&r->exe, PF_R, 0x1000, 0x7fffffff0000ull, 0x1000, 0x1000);
	want_file(r, 0x7fffffff0000ull, 0x1000, 0x1000);
	want_vma(r, 0x7fffffff0000ull, 0x7fffffff1000ull, "r--p");
	IS_RUN(r);
	rig_exe(r, ET_EXEC, TEXT);
	build_load(&r->exe, RX, 0x1000, 0x7fffffff0000ull, 0, 0x1000);
	want_vma(r, 0x7fffffff0000ull, 0x7fffffff1000ull, "rwxp");
	IS_RUN(r);
}

static void row_29_no_load_faults_at_entry(void **state)
{
	struct rig *r = *state;

	r->exe.phdr[0].p_type = PT_NOTE;
	want_aux(r, AT_PHDR, 0);
	oracle_check(r, ELF_FAULTS, SIGSEGV);
	rig_exe(r, ET_DYN, 0);
	r->exe.phdr[0].p_type = PT_NOTE;
	want_aux(r, AT_PHDR, 0);
	oracle_check(r, ELF_FAULTS, SIGSEGV);
}

static void row_30_flags_become_permissions(void **state)
{
	struct rig *r = *state;

	build_load(&r->exe, PF_W, 0x1000, A + 0x2000, 0x1000, 0x1000);
	build_load(&r->exe, PF_X, 0x2000, A + 0x4000, 0x1000, 0x1000);
	build_load(&r->exe, 0, 0x3000, A + 0x6000, 0x1000, 0x1000);
	build_load(&r->exe, PF_R | PF_MASKOS | PF_MASKPROC, 0x4000, A + 0x8000, 0x1000, 0x1000);
	build_load(&r->exe, PF_W | PF_X, 0x5000, A + 0xa000, 0x500, 0x600);
	want_vma(r, A + 0x2000, A + 0x3000, "-w-p");
	want_vma(r, A + 0x4000, A + 0x5000, "--xp");
	want_vma(r, A + 0x6000, A + 0x7000, "---p");
	want_vma(r, A + 0x8000, A + 0x9000, "r--p");
	want_vma(r, A + 0xa000, A + 0xb000, "-wxp");
	IS_RUN(r);
}

static void row_31_readonly_text_faults_at_entry(void **state)
{
	struct rig *r = *state;

	r->exe.phdr[0].p_flags = PF_R;
	oracle_check(r, ELF_FAULTS, SIGSEGV);
}

static void row_32_contiguous_loads_are_one_vma(void **state)
{
	struct rig *r = *state;

	build_load(&r->exe, PF_R, 0x2000, A + 0x2000, 0x1000, 0x1000);
	build_load(&r->exe, PF_R, 0x3000, A + 0x3000, 0x1000, 0x1000);
	build_load(&r->exe, RW, 0x4000, A + 0x5000, 0x1000, 0x1000);
	build_load(&r->exe, RW, 0x5000, A + 0x6000, 0x800, 0x1800);
	build_load(&r->exe, PF_R, 0x5000, A + 0x8000, 0, 0x1000);
	/* Neighbours in memory, but not in the file. */
	build_load(&r->exe, PF_R, 0x2000, A + 0xa000, 0x1000, 0x1000);
	build_load(&r->exe, PF_R, 0x4000, A + 0xb000, 0x1000, 0x1000);
	want_vma(r, A + 0xa000, A + 0xb000, "r--p");
	want_vma(r, A + 0x2000, A + 0x4000, "r--p");
	want_vma(r, A + 0x5000, A + 0x7000, "rw-p");
	want_vma(r, A + 0x7000, A + 0x9000, "rw-p");
	IS_RUN(r);
}

static void row_33_other_phdrs_change_nothing(void **state)
{
	struct rig *r = *state;

	build_load(&r->exe, RW, 0x1000, A + 0x2000, 0x1000, 0x1000);
	build_phdr(&r->exe, PT_GNU_RELRO, PF_R, 0x1000, A + 0x2000, 0x1000, 0x1000);
	build_phdr(&r->exe, PT_TLS, PF_R, 0x1000, A + 0x2000, 0x100, 1ull << 40);
	build_phdr(&r->exe, PT_DYNAMIC, RW, ~0ull, ~0ull, ~0ull, 3);
	build_phdr(&r->exe, PT_LOPROC + 1, PF_R, 0, 0, ~0ull, 1);
	build_phdr(&r->exe, PT_GNU_PROPERTY, PF_R, 0x1357, 1, 0x2468, 9);
	build_phdr(&r->exe, PT_SHLIB, 7, 1, 2, 3, 4);
	want_vma(r, A + 0x2000, A + 0x3000, "rw-p");
	IS_RUN(r);
}

static void row_34_six_hundred_loads(void **state)
{
	struct rig *r = *state;
	int i;

	build_fini(&r->exe);
	build_init(&r->exe, 64, ET_EXEC, 0x20000);
	r->exe.eh.e_phoff = 0x10000;
	build_load(&r->exe, RX, 0, TEXT, 0x1000, 0x1000);
	build_exit(&r->exe, CODE, EXE_STATUS);
	r->exe.eh.e_entry = TEXT + CODE;
	for (i = 1; i < 600; i++)
		build_load(&r->exe, i % 2 ? PF_R : RW, 0x1000, A + 0x2000 * (uint64_t)i, 0x100,
			i % 4 ? 0x100 : 0x180);
	IS_RUN(r);
	assert_true(r->native.vma_len > 600);
}

int main(void)
{
#define ROW(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)
	static const struct CMUnitTest tests[] = {
		ROW(row_01_equal_sizes_keep_file_bytes_to_page_end),
		ROW(row_02_first_page_before_p_offset_is_visible),
		ROW(row_03_writable_bss_zeroes_to_page_end),
		ROW(row_04_readonly_bss_tail_is_not_zeroed),
		ROW(row_05_interpreter_follows_the_same_rules),
		ROW(row_06_bss_pages_are_rw_and_x_only_if_the_segment_is),
		ROW(row_07_aligned_filesz_gets_one_more_page),
		ROW(row_08_memsz_below_filesz_kills),
		ROW(row_09_filesz_0_aligned_is_anonymous),
		ROW(row_10_filesz_0_misaligned_starts_at_its_page),
		ROW(row_11_filesz_0_in_a_mapped_page_zeroes_all_of_it),
		ROW(row_12_empty_load_only_raises_brk),
		ROW(row_13_incongruent_offset_kills),
		ROW(row_14_overlapping_loads_later_wins),
		ROW(row_15_two_loads_in_one_page_are_all_the_later),
		ROW(row_16_later_load_makes_bss_file_bytes_again),
		ROW(row_17_lower_bss_replaces_an_earlier_higher_load),
		ROW(row_18_descending_loads_exec),
		ROW(row_19_descending_loads_dyn),
		ROW(row_20_load_past_eof_is_mapped_and_sigbus),
		ROW(row_21_past_eof_with_writable_bss_kills),
		ROW(row_22_eof_in_mid_page_reads_zeroes),
		ROW(row_23_vaddr_0_is_for_root),
		ROW(row_24_beyond_the_address_space_kills),
		ROW(row_25_senseless_file_ranges_kill),
		ROW(row_26_limits_kill),
		ROW(row_27_first_load_over_the_stack_kills),
		ROW(row_28_later_load_and_bss_replace_the_stack),
		ROW(row_29_no_load_faults_at_entry),
		ROW(row_30_flags_become_permissions),
		ROW(row_31_readonly_text_faults_at_entry),
		ROW(row_32_contiguous_loads_are_one_vma),
		ROW(row_33_other_phdrs_change_nothing),
		ROW(row_34_six_hundred_loads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
