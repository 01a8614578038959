/*
 * elf_layout_add_ldso() held to the ld.so that started this very program: the libraries it has
 * mapped here. glibc 2.36.
 */
#include "loader/elf_layout.h"

#include "common/buf.h"
#include "common/cleanup.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <inttypes.h>
#include <link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

static struct elf_image g_img;
static struct elf_piece g_piece[ELF_LAYOUT_SMALL];

struct line {
	uint64_t start, end, off;
	char perm[5], name[256];
};

/* The lines of our maps in [start, end). */
static size_t maps_between(uint64_t start, uint64_t end, struct line *out, size_t max)
{
	CLEANUP(file) FILE *f = fopen("/proc/self/maps", "re");
	char text[512];
	size_t n = 0;

	assert_non_null(f);
	while (n < max && fgets(text, sizeof(text), f)) {
		struct line *l = &out[n];

		l->name[0] = '\0';
		assert_true(sscanf(text, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %*s %*s %255s",
				    &l->start, &l->end, l->perm, &l->off, l->name) >= 4);
		n += l->start >= start && l->end <= end;
	}
	return n;
}

static void compare_lines(const struct elf_layout *l, const char *path)
{
	struct elf_vma v[32];
	struct line m[32];
	size_t n = elf_vmas(l, v, 32), i, k;

	assert_in_range(n, 3, 31);
	k = maps_between(v[0].start, v[n - 1].end, m, 32);
	assert_int_equal(k, n);
	for (i = 0; i < n; i++) {
		assert_int_equal(m[i].start, v[i].start);
		assert_int_equal(m[i].end, v[i].end);
		assert_int_equal(m[i].perm[0] == 'r', !!(v[i].prot & PROT_READ));
		assert_int_equal(m[i].perm[1] == 'w', !!(v[i].prot & PROT_WRITE));
		assert_int_equal(m[i].perm[2] == 'x', !!(v[i].prot & PROT_EXEC));
		assert_string_equal(m[i].name, v[i].which == ELF_NEITHER ? "" : path);
		assert_int_equal(m[i].off, v[i].file_offset);
	}
}

/* Heads and tails keep the file's bytes, also behind p_memsz. */
static size_t compare_tails(const struct elf_layout *l, const struct buf *file)
{
	struct elf_tail t[32];
	size_t n = elf_tails(l, t, 32), i, compared = 0;

	for (i = 0; i < n; i++) {
		if (t[i].expect_zero || t[i].role == ELF_BSS)
			continue; /* in use by now */
		assert_true(t[i].file_offset + t[i].size <= file->len);
		assert_memory_equal((void *)t[i].address, file->data + t[i].file_offset, t[i].size);
		compared++;
	}
	return compared;
}

static size_t check_library(const char *soname)
{
	struct elf_layout l = {.piece = g_piece, .max = ELF_LAYOUT_SMALL};
	struct elf_env env = elf_env_default();
	CLEANUP(buf) struct buf file = {NULL};
	CLEANUP(fd) int fd = -1;
	CLEANUP(free) char *path = NULL;
	struct link_map *lm = NULL;
	void *h = dlopen(soname, RTLD_NOW | RTLD_NOLOAD);
	struct elf_mem mem;
	struct elf_reader rd;

	assert_non_null(h);
	assert_int_equal(dlinfo(h, RTLD_DI_LINKMAP, &lm), 0);
	path = realpath(lm->l_name, NULL);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(buf_read_fd(&file, fd, 64 << 20), 0);
	mem = (struct elf_mem){file.data, file.len};
	rd = elf_reader_mem(&mem);
	assert_int_equal(elf_parse(&g_img, &rd), 0);
	assert_int_equal(elf_layout_add_ldso(&l, &g_img, &env, lm->l_addr), 0);
	compare_lines(&l, path);
	dlclose(h);
	return compare_tails(&l, &file);
}

static void libraries_lie_as_predicted(void **state)
{
	size_t tails = check_library("libcmocka.so.0");

	tails += check_library("libc.so.6");
	assert_true(tails > 4);
	assert_int_equal(g_img.interp >= 0, 1); /* libc.so.6 can be run */
	assert_false(elf_is_library(&g_img));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(libraries_lie_as_predicted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
