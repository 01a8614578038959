/* Each lint rule fires on the smallest file that breaks it, and on the usual file none does. */
#include "loader/elf_lint.h"
#include "loader/tests/elf_build.h"

#include "common/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define A  0x400000ull
#define RX (PF_R | PF_X)
#define RW (PF_R | PF_W)

static struct elf_build g_b;
static struct elf_image g_img;
static struct elf_piece g_piece[ELF_LAYOUT_MAX];
static struct elf_finding g_found[64];
static size_t g_len;

/* A dynamically linked ET_EXEC: phdrs 0 RX, 1 RW, 2 INTERP, 3 DYNAMIC, 4 GNU_STACK. */
static void usual(struct elf_build *b)
{
	build_fini(b);
	build_init(b, 64, ET_EXEC, 0x8000);
	build_load(b, RX, 0, A, 0x1000, 0x1000);
	build_load(b, RW, 0x1000, A + 0x2000, 0x520, 0x700);
	build_interp(b, 0xf00, "/lib64/ld.so");
	build_phdr(b, PT_DYNAMIC, RW, 0x1100, A + 0x2100, 0x100, 0x100)->p_align = 8;
	build_phdr(b, PT_GNU_STACK, RW, 0, 0, 0, 0)->p_align = 16;
	memset(b->data + 0x1100, 0, 0x100);
	b->eh.e_entry = A + 0x800;
}

static void lint(struct elf_build *b)
{
	struct elf_layout l = {.piece = g_piece, .max = ARRAY_LEN(g_piece)};
	struct elf_env env = elf_env_default();
	struct elf_mem mem;
	struct elf_reader rd;

	build_finish(b);
	mem = (struct elf_mem){b->data, b->size};
	rd = elf_reader_mem(&mem);
	assert_int_equal(elf_parse(&g_img, &rd), 0);
	g_len = elf_lint(&g_img, &env, &l, g_found, ARRAY_LEN(g_found));
}

static bool fired(const char *id)
{
	size_t i;

	for (i = 0; i < g_len && i < ARRAY_LEN(g_found); i++)
		if (!strcmp(g_found[i].rule->id, id))
			return true;
	return false;
}

static void d_ext_rw(struct elf_build *b)
{
	b->phdr[1].p_memsz = 0x520;
	b->phdr[3].p_vaddr = A + 0x2540;
	b->phdr[3].p_offset = 0x1540;
}
static void d_ext_r(struct elf_build *b)
{
	d_ext_rw(b);
	b->phdr[1].p_flags = PF_R;
}
static void d_crossing(struct elf_build *b)
{
	d_ext_rw(b);
	b->phdr[3].p_vaddr = A + 0x2f80;
	b->phdr[3].p_offset = 0x1f80;
}
static void d_zeroed(struct elf_build *b)
{
	d_ext_rw(b);
	b->phdr[1].p_memsz = 0x530;
}
static void d_outside(struct elf_build *b)
{
	b->phdr[3].p_vaddr = A + 0x9000;
}
static void d_offset(struct elf_build *b)
{
	b->phdr[3].p_offset = 0x1180;
}
static void tail_in_use(struct elf_build *b)
{
	b->phdr[1].p_memsz = 0x520;
	build_phdr(b, PT_NOTE, PF_R, 0x1600, A + 0x2600, 0x40, 0x40);
}
static void memsz_below(struct elf_build *b)
{
	b->phdr[1].p_memsz = 0x51f;
}
static void incongruent(struct elf_build *b)
{
	b->phdr[1].p_offset = 0x1010;
}
static void overlap(struct elf_build *b)
{
	build_load(b, PF_R, 0x3200, A + 0x2200, 0x100, 0x100);
}
static void shared_page(struct elf_build *b)
{
	build_load(b, PF_R, 0x3800, A + 0x2800, 0x100, 0x100);
	b->phdr[1].p_memsz = 0x520;
}
static void bss_overwritten(struct elf_build *b)
{
	build_load(b, RW, 0x1800, A + 0x2800, 0x100, 0x100);
}
static void descending(struct elf_build *b)
{
	build_load(b, RW, 0x3000, A - 0x2000, 0x100, 0x100);
}
static void many(struct elf_build *b)
{
	b->eh.e_phoff = 0x4000;
	while (b->phdr_len < 74)
		build_phdr(b, PT_NULL, 0, 0, 0, 0, 0);
}
static void too_many(struct elf_build *b)
{
	b->eh.e_phnum = 10000;
}
static void empty_misaligned(struct elf_build *b)
{
	build_load(b, RW, 0x1234, A + 0x5234, 0, 0x100);
}
static void empty_zeroes(struct elf_build *b)
{
	build_load(b, RW, 0x1800, A + 0x2800, 0, 0x100);
}
static void empty(struct elf_build *b)
{
	build_load(b, RW, 0x3000, A + 0x5000, 0, 0);
}
static void ro_bss(struct elf_build *b)
{
	b->phdr[1].p_flags = PF_R;
}
static void interp_bad(struct elf_build *b)
{
	b->phdr[2].p_filesz--;
}
static void interp_second(struct elf_build *b)
{
	build_interp(b, 0xe00, "/lib64/other");
}
static void interp_relative(struct elf_build *b)
{
	memcpy(b->data + 0xf00, "./ld-linux.s", 12);
}
static void interp_cut(struct elf_build *b)
{
	b->data[0xf05] = 0;
}
static void phdr_unmapped(struct elf_build *b)
{
	b->eh.e_phoff = 0x4000;
}
static void phdr_differs(struct elf_build *b)
{
	build_phdr(b, PT_PHDR, PF_R, 64, A + 0x100, 0x100, 0x100);
}
static void align_odd(struct elf_build *b)
{
	b->phdr[1].p_align = 3;
}
static void align_incongruent(struct elf_build *b)
{
	b->phdr[1].p_align = 0x200000;
}
static void align_lost(struct elf_build *b)
{
	b->eh.e_type = ET_DYN;
	b->phdr[0].p_align = 0x200000;
}
static void writable_text(struct elf_build *b)
{
	b->phdr[1].p_flags = 7;
}
static void exec_stack(struct elf_build *b)
{
	b->phdr[4].p_flags = 7;
}
static void no_stack(struct elf_build *b)
{
	b->phdr_len--;
}
static void past_eof(struct elf_build *b)
{
	build_load(b, PF_R, 0x8000, A + 0x9000, 0x2000, 0x2000);
}
static void past_eof_bss(struct elf_build *b)
{
	build_load(b, RW, 0x8000, A + 0x9000, 0x1100, 0x1200);
}
static void eof_in_segment(struct elf_build *b)
{
	b->size = 0x1400;
}
static void low(struct elf_build *b)
{
	build_load(b, PF_R, 0x3000, 0x1000, 0x100, 0x100);
}
static void beyond(struct elf_build *b)
{
	build_load(b, PF_R, 0x3000, 0x7ffffffff000, 0x100, 0x100);
}
static void entry(struct elf_build *b)
{
	b->eh.e_entry = A + 0x2000;
}
static void no_load(struct elf_build *b)
{
	b->phdr[0].p_type = b->phdr[1].p_type = PT_NULL;
}
static void object(struct elf_build *b)
{
	b->eh.e_type = ET_REL;
}
static void machine(struct elf_build *b)
{
	b->eh.e_machine = EM_AARCH64;
}
static void ident(struct elf_build *b)
{
	b->eh.e_ident[EI_DATA] = ELFDATA2MSB;
}

static const struct {
	const char *id;
	void (*change)(struct elf_build *b);
} g_cases[] = {
	{"dynamic-ext-rw", d_ext_rw},
	{"dynamic-ext-r", d_ext_r},
	{"dynamic-ext-r", d_crossing},
	{"dynamic-ext-r", d_zeroed},
	{"dynamic-outside", d_outside},
	{"dynamic-offset", d_offset},
	{"tail-in-use", tail_in_use},
	{"memsz-below-filesz", memsz_below},
	{"incongruent-offset", incongruent},
	{"overlapping-loads", overlap},
	{"shared-page", shared_page},
	{"bss-overwritten", bss_overwritten},
	{"descending-loads", descending},
	{"phdrs-over-a-page", many},
	{"phdrs-too-many", too_many},
	{"filesz-0-misaligned", empty_misaligned},
	{"filesz-0-zeroes-page", empty_zeroes},
	{"empty-load", empty},
	{"readonly-bss", ro_bss},
	{"interp-bad", interp_bad},
	{"interp-second", interp_second},
	{"interp-relative", interp_relative},
	{"interp-embedded-nul", interp_cut},
	{"phdrs-in-no-load", phdr_unmapped},
	{"pt-phdr-differs", phdr_differs},
	{"p-align-odd", align_odd},
	{"p-align-incongruent", align_incongruent},
	{"p-align-lost", align_lost},
	{"writable-text", writable_text},
	{"executable-stack", exec_stack},
	{"no-gnu-stack", no_stack},
	{"past-eof", past_eof},
	{"past-eof-bss", past_eof_bss},
	{"eof-in-segment", eof_in_segment},
	{"low-address", low},
	{"beyond-address-space", beyond},
	{"entry-not-executable", entry},
	{"no-load", no_load},
	{"not-loadable", object},
	{"other-machine", machine},
	{"ident-ignored", ident},
};

static void the_usual_file_has_no_findings(void **state)
{
	usual(&g_b);
	lint(&g_b);
	assert_int_equal(g_len, 0);
}

static void each_rule_fires_on_its_case(void **state)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(g_cases); i++) {
		usual(&g_b);
		g_cases[i].change(&g_b);
		lint(&g_b);
		if (!fired(g_cases[i].id))
			fail_msg("%s is silent in case %zu", g_cases[i].id, i);
	}
}

static void every_rule_has_a_case_and_a_name_of_its_own(void **state)
{
	size_t n, i, k;
	const struct elf_rule *rules = elf_lint_rules(&n);

	for (i = 0; i < n; i++) {
		for (k = 0; k < ARRAY_LEN(g_cases); k++)
			if (!strcmp(g_cases[k].id, rules[i].id))
				break;
		if (k == ARRAY_LEN(g_cases))
			fail_msg("no case for %s", rules[i].id);
		for (k = 0; k < i; k++)
			assert_string_not_equal(rules[i].id, rules[k].id);
	}
}

static void places_of_dynamic(void **state)
{
	static const struct {
		void (*change)(struct elf_build *b);
		enum elf_dynamic_place place;
	} cases[] = {{d_offset, ELF_DYN_INSIDE}, {d_ext_rw, ELF_DYN_EXT_RW},
		{d_ext_r, ELF_DYN_EXT_R}, {d_crossing, ELF_DYN_EXT_R}, {d_zeroed, ELF_DYN_EXT_R},
		{d_outside, ELF_DYN_OUTSIDE}};
	struct elf_layout l = {.piece = g_piece, .max = ARRAY_LEN(g_piece)};
	struct elf_env env = elf_env_default();
	size_t i;

	for (i = 0; i < ARRAY_LEN(cases); i++) {
		usual(&g_b);
		cases[i].change(&g_b);
		lint(&g_b);
		assert_int_equal(elf_dynamic_place(&g_img, &env, &l), cases[i].place);
	}
}

static void findings_past_the_array_are_counted(void **state)
{
	int i;

	usual(&g_b);
	for (i = 0; i < 100; i++)
		build_load(&g_b, 7, 0x3000, A + 0x100000 - 0x2000 * (uint64_t)i, 0x100, 0x80);
	lint(&g_b);
	assert_true(g_len > 200);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_usual_file_has_no_findings),
		cmocka_unit_test(each_rule_fires_on_its_case),
		cmocka_unit_test(every_rule_has_a_case_and_a_name_of_its_own),
		cmocka_unit_test(places_of_dynamic),
		cmocka_unit_test(findings_past_the_array_are_counted),
	};
	int rc = cmocka_run_group_tests(tests, NULL, NULL);

	build_fini(&g_b);
	return rc;
}
