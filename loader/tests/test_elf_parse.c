/* Parsing and the fast layout, on images in memory: what no kernel need be asked for. */
#include "loader/elf_layout.h"

#include "common/cleanup.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#define FILE_SIZE 0x3000

struct fixture {
	char data[FILE_SIZE];
	struct elf_mem mem;
	struct elf_image img;
};

static Elf64_Ehdr *ehdr(struct fixture *f)
{
	return (Elf64_Ehdr *)f->data;
}

static Elf64_Phdr *phdr(struct fixture *f, int i)
{
	return (Elf64_Phdr *)(f->data + 64) + i;
}

/* One RW LOAD of 0x520 bytes at 0x400000, filesz == memsz, DYNAMIC at 0x540: the prophet shape. */
static void prophet_shape(struct fixture *f)
{
	memset(f->data, 0x5a, sizeof(f->data));
	*ehdr(f) =
		(Elf64_Ehdr){.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
			.e_type = ET_EXEC,
			.e_machine = EM_X86_64,
			.e_phoff = 64,
			.e_phentsize = sizeof(Elf64_Phdr),
			.e_phnum = 2,
			.e_entry = 0x400100};
	*phdr(f, 0) = (Elf64_Phdr){.p_type = PT_LOAD,
		.p_flags = PF_R | PF_W,
		.p_offset = 0x10,
		.p_vaddr = 0x400010,
		.p_filesz = 0x510,
		.p_memsz = 0x510,
		.p_align = 4096};
	*phdr(f, 1) = (Elf64_Phdr){.p_type = PT_DYNAMIC,
		.p_flags = PF_R | PF_W,
		.p_offset = 0x540,
		.p_vaddr = 0x400540,
		.p_filesz = 0x40,
		.p_memsz = 0x40};
	memset(f->data + 0x540, 0, 0x40);
	((Elf64_Dyn *)(f->data + 0x540))[0] = (Elf64_Dyn){DT_RELA, {0x400300}};
	((Elf64_Dyn *)(f->data + 0x540))[1] = (Elf64_Dyn){DT_RELASZ, {0x30}};
	f->mem = (struct elf_mem){f->data, sizeof(f->data)};
}

static int parse(struct fixture *f)
{
	struct elf_reader rd = elf_reader_mem(&f->mem);

	return elf_parse(&f->img, &rd);
}

static int setup(void **state)
{
	struct fixture *f = malloc(sizeof(*f));

	*state = f;
	return f ? (prophet_shape(f), 0) : -1;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static void empty_is_enodata_and_text_is_enoexec(void **state)
{
	struct fixture *f = *state;

	f->mem.size = 0;
	assert_int_equal(parse(f), -ENODATA);
	f->mem.size = 100;
	memcpy(f->data, "#!/bin/sh", 9);
	assert_int_equal(parse(f), -ENOEXEC);
}

static void cut_files_keep_what_is_whole(void **state)
{
	struct fixture *f = *state;
	size_t n;

	for (n = 4; n < 64 + 2 * sizeof(Elf64_Phdr); n++) {
		f->mem.size = n;
		assert_int_equal(parse(f), 0);
		assert_int_equal(f->img.header_size, n < 64 ? n : 64);
		assert_int_not_equal(f->img.phdr_errnum, 0);
		assert_true(f->img.phdr_len == (n < 64 + 56 ? 0 : 1));
	}
	f->mem.size = n;
	assert_int_equal(parse(f), 0);
	assert_int_equal(f->img.phdr_errnum, 0);
	assert_int_equal(f->img.phdr_len, 2);
}

static void covers_names_what_lies_in_the_tail(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(parse(f), 0);
	assert_int_equal(elf_covers(&f->img, 0x400520, 0x20), 0);
	assert_int_equal(elf_covers(&f->img, 0x400520, 0x21), ELF_COVER_DYNAMIC);
	assert_int_equal(elf_covers(&f->img, 0x40032f, 1), ELF_COVER_RELOC | ELF_COVER_LOAD);
	assert_int_equal(elf_covers(&f->img, 0x400330, 1), ELF_COVER_LOAD);
	assert_int_equal(elf_covers(&f->img, 0x400000, 0x10), ELF_COVER_EHDR);
	assert_true(elf_covers(&f->img, 0x400000, 0x80) & ELF_COVER_PHDR);
	assert_string_equal(elf_cover_name(ELF_COVER_DYNAMIC), "DYNAMIC");
	assert_null(elf_cover_name(3));
}

static size_t tails(struct fixture *f, const struct elf_env *env, struct elf_tail *out, size_t max)
{
	struct elf_piece piece[ELF_LAYOUT_SMALL];
	struct elf_layout l = {.piece = piece, .max = ELF_LAYOUT_SMALL};

	assert_int_equal(parse(f), 0);
	assert_int_equal(elf_layout_add(&l, &f->img, env, 0, ELF_EXE), 0);
	return elf_tails(&l, out, max);
}

static void equal_sizes_keep_file_bytes_before_and_behind(void **state)
{
	struct elf_env env = elf_env_default();
	struct elf_tail t[8];

	assert_int_equal(tails(*state, &env, t, 8), 2);
	assert_int_equal(t[0].address, 0x400000);
	assert_int_equal(t[0].size, 0x10);
	assert_int_equal(t[0].role, ELF_HEAD);
	assert_int_equal(t[0].file_offset, 0);
	assert_false(t[0].expect_zero);
	assert_int_equal(t[1].address, 0x400520);
	assert_int_equal(t[1].size, 0xae0);
	assert_int_equal(t[1].role, ELF_TAIL);
	assert_int_equal(t[1].file_offset, 0x520);
	assert_false(t[1].expect_zero);
}

static void bss_zeroes_to_the_page_end_where_writable(void **state)
{
	struct elf_env env = elf_env_default();
	struct fixture *f = *state;
	struct elf_tail t[8];

	phdr(f, 0)->p_memsz = 0x2000;
	assert_int_equal(tails(f, &env, t, 8), 3);
	assert_true(t[1].expect_zero && t[1].file_backed);
	assert_int_equal(t[1].size, 0xae0);
	assert_true(t[2].expect_zero && !t[2].file_backed);
	assert_int_equal(t[2].address, 0x401000);
	assert_int_equal(t[2].size, 0x2000);
	phdr(f, 0)->p_flags = PF_R;
	assert_int_equal(tails(f, &env, t, 8), 3);
	assert_false(t[1].expect_zero);
}

static void before_6_7_readonly_bss_kills(void **state)
{
	struct elf_env env = elf_env_default();
	struct fixture *f = *state;
	struct elf_piece piece[ELF_LAYOUT_SMALL];
	struct elf_layout l = {.piece = piece, .max = ELF_LAYOUT_SMALL};

	env.kernel = ELF_KERNEL(6, 6);
	phdr(f, 0)->p_memsz = 0x600;
	phdr(f, 0)->p_flags = PF_R;
	assert_int_equal(parse(f), 0);
	assert_int_equal(elf_layout_add(&l, &f->img, &env, 0, ELF_EXE), -EFAULT);
	assert_non_null(l.why);
}

static void too_small_an_array_is_e2big(void **state)
{
	struct elf_env env = elf_env_default();
	struct fixture *f = *state;
	struct elf_piece piece[2];
	struct elf_layout l = {.piece = piece, .max = 2};

	assert_int_equal(parse(f), 0);
	assert_int_equal(elf_layout_add(&l, &f->img, &env, 0, ELF_EXE), -E2BIG);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(empty_is_enodata_and_text_is_enoexec),
		TEST(cut_files_keep_what_is_whole),
		TEST(covers_names_what_lies_in_the_tail),
		TEST(equal_sizes_keep_file_bytes_before_and_behind),
		TEST(bss_zeroes_to_the_page_end_where_writable),
		TEST(before_6_7_readonly_bss_kills),
		TEST(too_small_an_array_is_e2big),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
