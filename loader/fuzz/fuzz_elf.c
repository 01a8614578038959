/*
 * libFuzzer target: any bytes as an ELF file, parsed, laid out for old and new kernels and for
 * ld.so, predicted (the file as its own interpreter too), linted and asked for covers. What must
 * hold is that nothing is touched out of bounds and that the layout stays in order.
 */
#include "loader/elf_lint.h"
#include "loader/elf_predict.h"
#include "loader/exec_rules.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct elf_image g_img;
static struct elf_piece g_piece[ELF_LAYOUT_MAX];
static struct elf_tail g_tail[ELF_LAYOUT_MAX];
static struct elf_vma g_vma[ELF_LAYOUT_MAX];
static struct elf_finding g_finding[32];
static struct elf_section g_section[8];

static void check_layout(const struct elf_layout *l)
{
	size_t i, n = elf_tails(l, g_tail, ELF_LAYOUT_MAX);

	if (n > l->len || elf_vmas(l, g_vma, ELF_LAYOUT_MAX) > l->len)
		abort();
	for (i = 0; i < l->len; i++)
		if (l->piece[i].start >= l->piece[i].end ||
			(i && l->piece[i].start < l->piece[i - 1].end))
			abort();
	for (i = 0; i < n && i < 64; i++)
		elf_covers(&g_img, g_tail[i].address, g_tail[i].size);
}

static void predict(const struct elf_env *env, uint64_t bias, size_t room)
{
	struct elf_layout l = {.piece = g_piece, .max = room};
	struct elf_program p = {
		.exe = &g_img, .interp = &g_img, .exe_bias = bias, .interp_bias = bias + 0x100000};
	struct elf_prediction out;

	if (elf_predict(&p, env, &l, &out) && room == ELF_LAYOUT_MAX)
		abort(); /* there is always enough room */
	check_layout(&l);
	l.len = 0;
	elf_layout_add_ldso(&l, &g_img, env, bias);
	check_layout(&l);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct elf_mem mem = {data, size};
	struct elf_reader rd = elf_reader_mem(&mem);
	struct elf_layout l = {.piece = g_piece, .max = ELF_LAYOUT_MAX};
	struct elf_env env = elf_env_default();
	struct exec_script script;

	exec_script_parse(data, size, &script);
	if (elf_parse(&g_img, &rd))
		return 0;
	predict(&env, elf_fixed_bias(&g_img, &env), ELF_LAYOUT_MAX);
	predict(&env, 0x7ffff7f00000, 5);
	env.kernel = ELF_KERNEL(5, 4);
	env.rlimit_as = 1 << 30;
	predict(&env, size ? data[0] * 0x1000ull : 0, ELF_LAYOUT_MAX);
	elf_lint(&g_img, &env, &l, g_finding, 32);
	elf_sections(&g_img, &rd, g_img.eh.e_entry, 0x1000, g_section, 8);
	return 0;
}
