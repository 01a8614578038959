/* How ld.so maps a library: elf_layout_add_ldso() of elf_layout.h. */
#include "loader/elf_pieces.h"

#include <errno.h>
#include <sys/mman.h>

static uint64_t down(const struct elf_env *env, uint64_t a)
{
	return a & ~((uint64_t)env->page_size - 1);
}

static uint64_t up(const struct elf_env *env, uint64_t a)
{
	return down(env, a + env->page_size - 1);
}

static int refuse(struct elf_layout *l, uint32_t segment, const char *why)
{
	l->why = why;
	l->why_segment = (uint16_t)segment;
	return -EFAULT;
}

/* What ld.so checks (glibc 2.36 elf/dl-load.c), and that no sum below can wrap. */
static int check_segment(struct elf_layout *l, const struct elf_image *img,
	const struct elf_env *env, uint64_t bias, uint32_t i)
{
	const Elf64_Phdr *ph = &img->phdr[i];
	uint64_t size = ph->p_memsz > ph->p_filesz ? ph->p_memsz : ph->p_filesz;

	if (ph->p_align & (env->page_size - 1))
		return refuse(l, i, "ELF load command alignment not page-aligned");
	if (ph->p_align && (ph->p_vaddr - ph->p_offset) & (ph->p_align - 1))
		return refuse(l, i, "ELF load command address/offset not page-aligned");
	if ((ph->p_vaddr - ph->p_offset) & (env->page_size - 1))
		return refuse(l, i, "ELF load command address/offset not page-aligned");
	if (ph->p_vaddr >= env->task_size || bias >= env->task_size || size > env->task_size ||
		bias + ph->p_vaddr > env->task_size - size || ph->p_offset > INT64_MAX / 2)
		return refuse(l, i, "segment reaches past the end of the address space");
	return 0;
}

static uint8_t prot_of(const Elf64_Phdr *ph)
{
	return (ph->p_flags & PF_R ? PROT_READ : 0) | (ph->p_flags & PF_W ? PROT_WRITE : 0) |
	       (ph->p_flags & PF_X ? PROT_EXEC : 0);
}

/* The first mapping is of the whole span; what no segment covers later has no access. */
static int put_span(struct elf_layout *l, const struct elf_image *img, const struct elf_env *env,
	uint64_t bias, uint32_t first, uint32_t last)
{
	const Elf64_Phdr *ph = &img->phdr[first], *end = &img->phdr[last];
	struct elf_piece p = {.start = bias + down(env, ph->p_vaddr),
		.end = bias + up(env, end->p_vaddr + end->p_memsz),
		.file_offset = down(env, ph->p_offset),
		.segment = (uint16_t)first,
		.role = ELF_GAP,
		.content = ELF_FILE,
		.prot = PROT_NONE};

	return pieces_put_file(l, img, env, p);
}

static int put_file(struct elf_layout *l, const struct elf_image *img, const struct elf_env *env,
	uint64_t bias, uint32_t i)
{
	const Elf64_Phdr *ph = &img->phdr[i];
	uint64_t va = bias + ph->p_vaddr;
	struct elf_piece p = {.start = down(env, va),
		.end = va,
		.file_offset = down(env, ph->p_offset),
		.segment = (uint16_t)i,
		.role = ELF_HEAD,
		.content = ELF_FILE,
		.prot = prot_of(ph)};
	int rc = pieces_put_file(l, img, env, p);

	piece_cut_front(&p, va);
	p.end = va + ph->p_filesz;
	p.role = ELF_BODY;
	if (!rc)
		rc = pieces_put_file(l, img, env, p);
	piece_cut_front(&p, p.end);
	p.end = up(env, p.start);
	p.role = ELF_TAIL;
	return rc ? rc : pieces_put_file(l, img, env, p);
}

static int put_bss(struct elf_layout *l, const struct elf_image *img, const struct elf_env *env,
	uint64_t bias, uint32_t i)
{
	const Elf64_Phdr *ph = &img->phdr[i];
	uint64_t start = bias + ph->p_vaddr + ph->p_filesz, end = bias + ph->p_vaddr + ph->p_memsz;
	const struct elf_piece *at = elf_layout_at(l, start);
	uint64_t page = up(env, start);
	struct elf_piece p = {
		.segment = (uint16_t)i, .role = ELF_BSS, .content = ELF_ANON, .prot = prot_of(ph)};
	int rc;

	if (end <= start)
		return 0;
	if (page > start) {
		if (!at || at->content == ELF_SIGBUS)
			return refuse(l, i, "bss begins past the end of the file");
		p = *at;
		piece_cut_front(&p, start);
		p.end = end < page ? end : page;
		p.content = ELF_ZERO;
		rc = pieces_put(l, &p);
		if (rc)
			return rc;
		p.role = ELF_BSS;
		p.content = ELF_ANON;
	}
	p.start = page;
	p.end = up(env, end);
	return pieces_put(l, &p);
}

static int protect_relro(
	struct elf_layout *l, const struct elf_image *img, const struct elf_env *env, uint64_t bias)
{
	uint64_t start = 0, end = 0;
	uint32_t i;

	for (i = 0; i < img->phdr_len; i++)
		if (img->phdr[i].p_type == PT_GNU_RELRO) {
			start = down(env, bias + img->phdr[i].p_vaddr);
			end = down(env, bias + img->phdr[i].p_vaddr + img->phdr[i].p_memsz);
		}
	return start < end ? pieces_protect(l, start, end, PROT_READ) : 0;
}

int elf_layout_add_ldso(
	struct elf_layout *l, const struct elf_image *img, const struct elf_env *env, uint64_t bias)
{
	uint32_t i, first = UINT32_MAX, last = 0;
	int rc = 0;

	for (i = 0; i < img->phdr_len; i++) {
		if (img->phdr[i].p_type != PT_LOAD)
			continue;
		rc = check_segment(l, img, env, bias, i);
		if (rc)
			return rc;
		first = first == UINT32_MAX ? i : first;
		last = i;
	}
	if (first == UINT32_MAX)
		return refuse(l, 0, "object file has no loadable segments");
	rc = put_span(l, img, env, bias, first, last);
	for (i = first; i <= last && !rc; i++) {
		if (img->phdr[i].p_type != PT_LOAD)
			continue;
		rc = put_file(l, img, env, bias, i);
		if (!rc)
			rc = put_bss(l, img, env, bias, i);
	}
	return rc ? rc : protect_relro(l, img, env, bias);
}
