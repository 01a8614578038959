/*
 * See elf_layout.h. The rules, as Linux has had them since 6.7 (fs/binfmt_elf.c:elf_load()), for
 * each PT_LOAD in table order:
 *
 *  1. filesz > 0: map the file over [PAGESTART(va), PAGEALIGN(va + filesz)); if memsz > filesz,
 * zero the rest of that last page - which fails, silently, where the segment is not writable.
 *  2. filesz == 0: nothing; what follows starts at PAGESTART(va).
 *  3. memsz > filesz: anonymous memory, always rw, over the pages from there to va + memsz.
 *  4. Whatever was in the way is replaced.
 *
 * Before 6.7 bss was made from running maxima: for all LOADs so far whenever another one followed,
 * and once after the last; there the zeroing had to succeed.
 */
#include "loader/elf_pieces.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

struct elf_env elf_env_default(void)
{
	return (struct elf_env){
		.kernel = ELF_KERNEL(6, 18),
		.page_size = 4096,
		.low_pages = true,
		.min_addr = 65536,
		.task_size = ELF_TASK_SIZE_64,
		.randomize = 2,
		.i386 = true,
		.rlimit_as = UINT64_MAX,
		.rlimit_data = UINT64_MAX,
		.rlimit_stack = 8 << 20,
		.commit_limit = UINT64_MAX,
	};
}

static uint64_t page_start(const struct elf_env *env, uint64_t a)
{
	return a & ~((uint64_t)env->page_size - 1);
}

static uint64_t page_offset(const struct elf_env *env, uint64_t a)
{
	return a & (env->page_size - 1);
}

static uint64_t page_align(const struct elf_env *env, uint64_t a)
{
	return page_start(env, a + env->page_size - 1);
}

uint64_t elf_task_size(const struct elf_image *img, const struct elf_env *env)
{
	return img->bits == 64 ? env->task_size : ELF_TASK_SIZE_32;
}

bool elf_read_implies_exec(const struct elf_image *img, const struct elf_env *env)
{
	int stack_x = -1; /* no PT_GNU_STACK */
	uint32_t i;

	for (i = 0; i < img->phdr_len; i++)
		if (img->phdr[i].p_type == PT_GNU_STACK)
			stack_x = !!(img->phdr[i].p_flags & PF_X);
	if (env->kernel < ELF_KERNEL(5, 8))
		return stack_x != 0;
	return img->bits == 32 && stack_x < 0;
}

uint64_t elf_span(const struct elf_image *img, const struct elf_env *env)
{
	uint64_t min = UINT64_MAX, max = 0, first = 0, last = 0;
	bool any = false;
	uint32_t i;

	for (i = 0; i < img->phdr_len; i++) {
		const Elf64_Phdr *ph = &img->phdr[i];
		uint64_t start = page_start(env, ph->p_vaddr), end = ph->p_vaddr + ph->p_memsz;

		if (ph->p_type != PT_LOAD)
			continue;
		first = any ? first : start;
		last = end;
		any = true;
		min = start < min ? start : min;
		max = end > max ? end : max;
	}
	if (!any)
		return 0;
	return env->kernel < ELF_KERNEL(5, 18) ? last - first : max - min;
}

uint64_t elf_first_vaddr(const struct elf_image *img, const struct elf_env *env)
{
	uint32_t i;

	for (i = 0; i < img->phdr_len; i++)
		if (img->phdr[i].p_type == PT_LOAD)
			return page_start(env, img->phdr[i].p_vaddr);
	return 0;
}

/* ---- one image ---- */

struct loading {
	struct elf_layout *l;
	const struct elf_image *img;
	const struct elf_env *env;
	uint64_t bias, task_size;
	enum elf_which which;
	uint16_t segment;
};

static int give_up(struct loading *ld, const char *why)
{
	ld->l->why = why;
	ld->l->why_segment = ld->segment;
	return -EFAULT;
}

static uint8_t prot_of(const struct loading *ld, uint32_t flags)
{
	uint8_t prot = (flags & PF_R ? PROT_READ : 0) | (flags & PF_W ? PROT_WRITE : 0) |
		       (flags & PF_X ? PROT_EXEC : 0);

	if (ld->l->read_implies_exec && prot & PROT_READ)
		prot |= PROT_EXEC;
	return prot;
}

/* What mmap refuses at a fixed address. Linux v6.18 mm/mmap.c:get_unmapped_area(). */
static int check_range(struct loading *ld, uint64_t start, uint64_t end)
{
	if (end > ld->task_size)
		return give_up(ld, "mapping reaches past the end of the address space");
	if (start < ld->env->min_addr && !ld->env->low_pages)
		return give_up(ld, "mapping below vm.mmap_min_addr");
	return 0;
}

/* The limits on the sum of all mappings. Linux v6.18 mm/mmap.c:may_expand_vm(). */
static int check_limits(struct loading *ld, uint64_t size, uint8_t prot)
{
	const struct elf_env *env = ld->env;
	uint64_t total = env->stack_end - env->stack_start, data = 0;
	size_t i;

	if (prot & PROT_WRITE && size > env->commit_limit)
		return give_up(ld, "more memory than overcommit allows");
	if (env->rlimit_as == UINT64_MAX && env->rlimit_data == UINT64_MAX)
		return 0;
	for (i = 0; i < ld->l->len; i++) {
		const struct elf_piece *p = &ld->l->piece[i];

		total += p->end - p->start;
		data += p->prot & PROT_WRITE ? p->end - p->start : 0;
	}
	if (total > env->rlimit_as)
		return give_up(ld, "RLIMIT_AS exceeded");
	if (data > env->rlimit_data)
		return give_up(ld, "RLIMIT_DATA exceeded");
	return 0;
}

/* The file's part of a segment: head, body and tail. Linux v6.18 fs/binfmt_elf.c:elf_map(). */
static int map_file(struct loading *ld, const Elf64_Phdr *ph)
{
	uint64_t in_page = page_offset(ld->env, ph->p_vaddr), va = ld->bias + ph->p_vaddr;
	uint64_t end = page_align(ld->env, va + ph->p_filesz), off = ph->p_offset - in_page;
	struct elf_piece p = {.start = page_start(ld->env, va),
		.end = va,
		.file_offset = off,
		.segment = ld->segment,
		.which = ld->which,
		.role = ELF_HEAD,
		.content = ELF_FILE,
		.prot = prot_of(ld, ph->p_flags)};
	uint64_t size = end - p.start;
	int rc;

	if (page_offset(ld->env, off))
		return give_up(ld, "p_offset is not congruent to p_vaddr modulo the page size");
	if (off > INT64_MAX - size)
		return give_up(ld, "p_offset is negative or past what a file can have");
	rc = check_range(ld, p.start, end);
	if (!rc)
		rc = pieces_put_file(ld->l, ld->img, ld->env, p);
	piece_cut_front(&p, va);
	p.end = va + ph->p_filesz;
	p.role = ELF_BODY;
	if (!rc)
		rc = pieces_put_file(ld->l, ld->img, ld->env, p);
	piece_cut_front(&p, p.end);
	p.end = end;
	p.role = ELF_TAIL;
	if (!rc)
		rc = pieces_put_file(ld->l, ld->img, ld->env, p);
	return rc ? rc : check_limits(ld, size, p.prot);
}

/* Writes zeroes over [start, end) within one page, as clear_user does. must: failing is fatal. */
static int zero_range(struct loading *ld, uint64_t start, uint64_t end, bool must)
{
	const struct elf_piece *at = elf_layout_at(ld->l, start);
	struct elf_piece p;

	if (start >= end)
		return 0;
	if (!at || !(at->prot & PROT_WRITE) || at->content == ELF_SIGBUS)
		return must ? give_up(ld, "bss begins in a page that the kernel cannot zero") : 0;
	p = *at;
	piece_cut_front(&p, start);
	p.end = end;
	p.role = ELF_TAIL;
	if (p.content != ELF_ANON)
		p.content = ELF_ZERO;
	return pieces_put(ld->l, &p);
}

/* Anonymous memory for bss. Linux v6.18 mm/vma.c:vm_brk_flags(). */
static int map_anon(struct loading *ld, uint64_t start, uint64_t end, bool exec)
{
	struct elf_piece p = {.start = page_align(ld->env, start),
		.end = page_align(ld->env, end),
		.segment = ld->segment,
		.which = ld->which,
		.role = ELF_BSS,
		.content = ELF_ANON,
		.prot = PROT_READ | PROT_WRITE};
	int rc;

	if (p.start >= p.end)
		return 0;
	if (exec || ld->l->read_implies_exec)
		p.prot |= PROT_EXEC;
	rc = check_range(ld, p.start, p.end);
	if (!rc)
		rc = pieces_put(ld->l, &p);
	return rc ? rc : check_limits(ld, p.end - p.start, p.prot);
}

/* What the kernel refuses after it has mapped a segment; here first, so that sums cannot wrap. */
static int check_segment(struct loading *ld, const Elf64_Phdr *ph)
{
	/* The exe is judged by its own addresses, the interpreter by where it lands. */
	uint64_t k = ph->p_vaddr + (ld->which == ELF_INTERP ? ld->bias : 0);

	if (ph->p_filesz > ph->p_memsz)
		return give_up(ld, "p_filesz is larger than p_memsz");
	if (k >= ld->task_size || ph->p_memsz > ld->task_size || ld->task_size - ph->p_memsz < k)
		return give_up(ld, "segment reaches past the end of the address space");
	if (ld->bias + ph->p_vaddr >= ld->task_size)
		return give_up(ld, "segment lands past the end of the address space");
	return 0;
}

static int load_segment(struct loading *ld, const Elf64_Phdr *ph)
{
	uint64_t va = ld->bias + ph->p_vaddr, end = va + ph->p_filesz;
	int rc;

	if (ph->p_filesz) {
		rc = map_file(ld, ph);
		if (!rc && ph->p_memsz > ph->p_filesz)
			rc = zero_range(ld, end, page_align(ld->env, end),
				ph->p_flags & PF_W ? true : false);
		if (rc)
			return rc;
	} else {
		end = page_start(ld->env, va);
	}
	if (ph->p_memsz <= ph->p_filesz)
		return 0;
	return map_anon(ld, end, va + ph->p_memsz, ph->p_flags & PF_X);
}

/* Before 6.7: the running maxima of bss. */
struct old_bss {
	uint64_t file_end, end;
	bool exec;
};

static int old_bss_flush(struct loading *ld, const struct old_bss *b, bool last)
{
	uint64_t stop = page_align(ld->env, b->file_end);
	bool unconditional = ld->which == ELF_INTERP;
	int rc;

	if (b->end > b->file_end) {
		rc = map_anon(ld, b->file_end, b->end, b->exec);
		if (rc)
			return rc;
	} else if (!unconditional) {
		return 0;
	}
	if (!last && stop > b->end)
		stop = b->end;
	return zero_range(ld, b->file_end, stop, last);
}

static int load_segment_old(struct loading *ld, const Elf64_Phdr *ph, struct old_bss *b)
{
	uint64_t va = ld->bias + ph->p_vaddr;
	int rc = 0;

	if (ld->which == ELF_EXE && b->end > b->file_end)
		rc = old_bss_flush(ld, b, false);
	if (!rc && ph->p_filesz + page_offset(ld->env, va))
		rc = map_file(ld, ph);
	if (va + ph->p_filesz > b->file_end)
		b->file_end = va + ph->p_filesz;
	if (va + ph->p_memsz > b->end) {
		b->end = va + ph->p_memsz;
		b->exec = ph->p_flags & PF_X;
	}
	return rc;
}

/* The first mapping of an image takes the whole span and gives the rest back. */
static int reserve_span(struct loading *ld, const Elf64_Phdr *ph)
{
	const struct elf_env *env = ld->env;
	uint64_t start = page_start(env, ld->bias + ph->p_vaddr), span, end;
	bool fixed = ld->img->eh.e_type == ET_EXEC;

	if (fixed && ld->which == ELF_EXE)
		return 0;
	span = page_align(env, elf_span(ld->img, env));
	if (!ph->p_filesz)
		return 0;
	if (__builtin_add_overflow(start, span, &end) || end > ld->task_size)
		return give_up(ld, "the image's span reaches past the end of the address space");
	if (span > env->rlimit_as)
		return give_up(ld, "RLIMIT_AS exceeded");
	return pieces_clear(ld->l, start, end);
}

/* The exe's first LOAD must not meet what is there: MAP_FIXED_NOREPLACE, since 4.17. */
static int check_stack(struct loading *ld, const Elf64_Phdr *ph)
{
	const struct elf_env *env = ld->env;
	uint64_t start = page_start(env, ld->bias + ph->p_vaddr);
	uint64_t end = page_align(env, ld->bias + ph->p_vaddr + ph->p_filesz);

	if (ld->which == ELF_INTERP || !ph->p_filesz || env->kernel < ELF_KERNEL(4, 17))
		return 0;
	if (start < env->stack_end && end > env->stack_start)
		return give_up(ld, "the first PT_LOAD meets the stack");
	return 0;
}

static int load_all(struct loading *ld)
{
	bool old = ld->env->kernel < ELF_KERNEL(6, 7), first = true;
	struct old_bss bss = {.end = 0};
	uint32_t i;
	int rc;

	for (i = 0; i < ld->img->phdr_len; i++) {
		const Elf64_Phdr *ph = &ld->img->phdr[i];

		if (ph->p_type != PT_LOAD)
			continue;
		ld->segment = (uint16_t)i;
		rc = check_segment(ld, ph);
		if (!rc && first)
			rc = check_stack(ld, ph);
		if (!rc && first)
			rc = reserve_span(ld, ph);
		if (!rc)
			rc = old ? load_segment_old(ld, ph, &bss) : load_segment(ld, ph);
		if (rc)
			return rc;
		first = false;
	}
	return old && !first ? old_bss_flush(ld, &bss, true) : 0;
}

int elf_layout_add(struct elf_layout *l, const struct elf_image *img, const struct elf_env *env,
	uint64_t bias, enum elf_which which)
{
	struct loading ld = {.l = l,
		.img = img,
		.env = env,
		.bias = bias,
		.task_size = elf_task_size(img, env),
		.which = which};

	if (which == ELF_EXE)
		l->read_implies_exec = elf_read_implies_exec(img, env);
	return load_all(&ld);
}
