/* See elf_lint.h. One function a group of rules; the words stand in elf_lint_rules.h. */
#include "loader/elf_lint.h"
#include "loader/elf_lint_rules.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define RULE_NAME(name, id, severity, what, breaks) R_##name,
#define RULE_ROW(name, id, severity, what, breaks)  {id, severity, what, breaks},
enum rule_index { ELF_LINT_RULES(RULE_NAME) RULE_COUNT };
static const struct elf_rule rules[] = {ELF_LINT_RULES(RULE_ROW)};

const struct elf_rule *elf_lint_rules(size_t *n)
{
	*n = RULE_COUNT;
	return rules;
}

const char *elf_severity_name(enum elf_severity s)
{
	return s == ELF_ERROR ? "error" : s == ELF_WARN ? "warn" : "info";
}

struct lint {
	const struct elf_image *img;
	const struct elf_env *env;
	struct elf_layout *l; /* empty when mapping fails */
	uint64_t bias;
	bool library; /* loaded by ld.so, not by the kernel */
	struct elf_finding *out;
	size_t len, max;
};

static void found(struct lint *t, enum rule_index rule, int segment, uint64_t vaddr, uint64_t size,
	const char *fmt, ...) __attribute__((format(printf, 6, 7)));

static void found(struct lint *t, enum rule_index rule, int segment, uint64_t vaddr, uint64_t size,
	const char *fmt, ...)
{
	struct elf_finding *f = &t->out[t->len];
	va_list ap;

	if (t->len++ >= t->max)
		return;
	*f = (struct elf_finding){
		.rule = &rules[rule], .segment = segment, .vaddr = vaddr, .size = size};
	va_start(ap, fmt);
	vsnprintf(f->text, sizeof(f->text), fmt, ap);
	va_end(ap);
}

static uint64_t page_start(const struct lint *t, uint64_t a)
{
	return a & ~((uint64_t)t->env->page_size - 1);
}

static uint64_t page_align(const struct lint *t, uint64_t a)
{
	return page_start(t, a + t->env->page_size - 1);
}

static uint64_t task_size(const struct lint *t)
{
	return elf_task_size(t->img, t->env);
}

/* ---- the layout that page-level rules look at ---- */

/* An image whose address the kernel chooses is laid out here, clear of the low pages. */
static uint64_t some_bias(const struct elf_image *img)
{
	return img->eh.e_type == ET_EXEC ? 0 : img->bits == 64 ? 1ull << 32 : 1ull << 28;
}

static int lay_out(const struct elf_image *img, const struct elf_env *env, struct elf_layout *l)
{
	int rc;

	l->len = 0;
	rc = elf_is_library(img) ? elf_layout_add_ldso(l, img, env, some_bias(img))
				 : elf_layout_add(l, img, env, some_bias(img), ELF_EXE);
	if (rc)
		l->len = 0;
	return rc;
}

/* ---- DYNAMIC ---- */

static bool inside_one_load(const struct elf_image *img, uint64_t vaddr, uint64_t size)
{
	uint32_t i;

	for (i = 0; i < img->phdr_len; i++) {
		const Elf64_Phdr *ph = &img->phdr[i];

		if (ph->p_type == PT_LOAD && vaddr >= ph->p_vaddr && size <= ph->p_memsz &&
			vaddr - ph->p_vaddr <= ph->p_memsz - size)
			return true;
	}
	return false;
}

static enum elf_dynamic_place dynamic_place(const struct elf_image *img, const struct elf_layout *l)
{
	const Elf64_Phdr *dyn;
	uint64_t at, end;
	bool whole = true, any = false;

	if (img->dynamic < 0)
		return ELF_DYN_NONE;
	dyn = &img->phdr[img->dynamic];
	if (inside_one_load(img, dyn->p_vaddr, dyn->p_memsz))
		return ELF_DYN_INSIDE;
	at = some_bias(img) + dyn->p_vaddr;
	end = at + dyn->p_memsz;
	while (at < end) {
		const struct elf_piece *p = elf_layout_at(l, at);

		any |= p && p->role != ELF_GAP;
		if (!p || p->content != ELF_FILE || !(p->prot & PROT_WRITE || p->was_writable))
			whole = false;
		if (!p)
			break;
		at = p->end;
	}
	return any ? (whole ? ELF_DYN_EXT_RW : ELF_DYN_EXT_R) : ELF_DYN_OUTSIDE;
}

enum elf_dynamic_place elf_dynamic_place(
	const struct elf_image *img, const struct elf_env *env, struct elf_layout *scratch)
{
	lay_out(img, env, scratch);
	return dynamic_place(img, scratch);
}

static void lint_dynamic(struct lint *t)
{
	static const enum rule_index rule_of[] = {[ELF_DYN_EXT_RW] = R_DYNAMIC_EXT_RW,
		[ELF_DYN_EXT_R] = R_DYNAMIC_EXT_R,
		[ELF_DYN_OUTSIDE] = R_DYNAMIC_OUTSIDE};
	enum elf_dynamic_place place = dynamic_place(t->img, t->l);
	const struct elf_piece *p;
	const Elf64_Phdr *dyn;

	/* Only ld.so, or a program that relocates itself, reads it. */
	if (place == ELF_DYN_NONE || (t->img->eh.e_type == ET_EXEC && t->img->interp < 0))
		return;
	dyn = &t->img->phdr[t->img->dynamic];
	p = elf_layout_at(t->l, t->bias + dyn->p_vaddr);
	if (place != ELF_DYN_INSIDE)
		found(t, rule_of[place], t->img->dynamic, dyn->p_vaddr, dyn->p_memsz,
			"DYNAMIC at 0x%" PRIx64 ", 0x%" PRIx64 " bytes", dyn->p_vaddr,
			dyn->p_memsz);
	if (p && p->content == ELF_FILE &&
		p->file_offset + (t->bias + dyn->p_vaddr - p->start) != dyn->p_offset)
		found(t, R_DYNAMIC_OFFSET, t->img->dynamic, dyn->p_vaddr, dyn->p_memsz,
			"p_offset says 0x%" PRIx64 ", mapped there is 0x%" PRIx64, dyn->p_offset,
			p->file_offset + (t->bias + dyn->p_vaddr - p->start));
}

/* ---- what lies in pages beside the segments ---- */

/* What is read at run time; PT_INTERP is read by offset, RELRO only names pages. */
#define COVERS_USED                                                                                \
	(ELF_COVER_TLS | ELF_COVER_NOTE | ELF_COVER_EH_FRAME | ELF_COVER_RELOC |                   \
		ELF_COVER_SYMTAB | ELF_COVER_STRTAB | ELF_COVER_HASH | ELF_COVER_VERSION |         \
		ELF_COVER_INIT | ELF_COVER_GOT | ELF_COVER_ENTRY)

static void lint_tails(struct lint *t)
{
	size_t i;

	for (i = 0; i < t->l->len; i++) {
		const struct elf_piece *p = &t->l->piece[i];
		uint64_t vaddr = p->start - t->bias, size = p->end - p->start;
		uint32_t covers = elf_covers(t->img, vaddr, size) & COVERS_USED;
		uint32_t bit;

		if (p->role != ELF_HEAD && p->role != ELF_TAIL)
			continue;
		/* Declared all the same, by another PT_LOAD. */
		if (elf_covers(t->img, vaddr, size) & ELF_COVER_LOAD)
			continue;
		for (bit = 1; covers; bit <<= 1) {
			if (!(covers & bit))
				continue;
			covers &= ~bit;
			found(t, R_TAIL_IN_USE, p->segment, vaddr, size, "%s in the page's %s",
				elf_cover_name(bit),
				p->role == ELF_HEAD ? "bytes before the segment"
						    : "bytes behind the segment");
		}
	}
}

/* ---- each PT_LOAD by itself ---- */

static bool ends_past_task(const struct lint *t, const Elf64_Phdr *ph)
{
	uint64_t end;

	return ph->p_vaddr >= task_size(t) || ph->p_memsz > task_size(t) ||
	       __builtin_add_overflow(ph->p_vaddr, ph->p_memsz, &end) || end > task_size(t);
}

static void lint_eof(struct lint *t, int i, const Elf64_Phdr *ph)
{
	uint64_t size = t->img->file_size, last = ph->p_offset + ph->p_filesz;
	bool bss = ph->p_memsz > ph->p_filesz && ph->p_flags & PF_W;

	if (!ph->p_filesz || (last >= ph->p_offset && last <= size))
		return;
	if (last < ph->p_offset || page_align(t, last) > page_align(t, size))
		found(t, bss && last % t->env->page_size ? R_PAST_EOF_BSS : R_PAST_EOF, i,
			ph->p_vaddr, ph->p_filesz,
			"segment %d wants the file up to 0x%" PRIx64 ", it ends at 0x%" PRIx64, i,
			last, size);
	else
		found(t, R_EOF_IN_SEGMENT, i, ph->p_vaddr + (size - ph->p_offset), last - size,
			"segment %d wants the file up to 0x%" PRIx64 ", it ends at 0x%" PRIx64, i,
			last, size);
}

static void lint_sizes(struct lint *t, int i, const Elf64_Phdr *ph)
{
	uint64_t page = t->env->page_size;

	if (ph->p_memsz < ph->p_filesz)
		found(t, R_MEMSZ_BELOW_FILESZ, i, ph->p_vaddr, ph->p_memsz,
			"segment %d: 0x%" PRIx64 " < 0x%" PRIx64, i, ph->p_memsz, ph->p_filesz);
	if (!ph->p_filesz && !ph->p_memsz)
		found(t, R_EMPTY_LOAD, i, ph->p_vaddr, 0, "segment %d at 0x%" PRIx64, i,
			ph->p_vaddr);
	else if (!ph->p_filesz && ph->p_vaddr % page)
		found(t, R_EMPTY_MISALIGNED, i, ph->p_vaddr, ph->p_memsz,
			"segment %d at 0x%" PRIx64, i, ph->p_vaddr);
	if (ph->p_filesz && ph->p_memsz > ph->p_filesz && !(ph->p_flags & PF_W))
		found(t, R_RO_BSS, i, ph->p_vaddr + ph->p_filesz, ph->p_memsz - ph->p_filesz,
			"segment %d: bss from 0x%" PRIx64, i, ph->p_vaddr + ph->p_filesz);
}

static void lint_align(struct lint *t, int i, const Elf64_Phdr *ph)
{
	uint64_t page = t->env->page_size, diff = ph->p_vaddr - ph->p_offset, a = ph->p_align;
	bool power = (a & (a - 1)) == 0;

	if (ph->p_filesz && diff % page)
		found(t, R_INCONGRUENT, i, ph->p_vaddr, ph->p_filesz,
			"segment %d: offset 0x%" PRIx64 ", address 0x%" PRIx64, i, ph->p_offset,
			ph->p_vaddr);
	if (!power || (a > 1 && a % page))
		found(t, R_ALIGN_ODD, i, ph->p_vaddr, 0, "segment %d: 0x%" PRIx64, i, a);
	else if (a > page && diff % a)
		found(t, R_ALIGN_INCONGRUENT, i, ph->p_vaddr, 0,
			"segment %d: offset 0x%" PRIx64 ", address 0x%" PRIx64
			", alignment 0x%" PRIx64,
			i, ph->p_offset, ph->p_vaddr, a);
	if (power && a > page && t->img->eh.e_type == ET_DYN && !t->library)
		found(t, R_ALIGN_LOST, i, ph->p_vaddr, 0, "segment %d: 0x%" PRIx64, i, a);
}

static void lint_place(struct lint *t, int i, const Elf64_Phdr *ph)
{
	if ((ph->p_flags & (PF_W | PF_X)) == (PF_W | PF_X))
		found(t, R_WX, i, ph->p_vaddr, ph->p_memsz, "segment %d", i);
	if (ends_past_task(t, ph))
		found(t, R_BEYOND, i, ph->p_vaddr, ph->p_memsz,
			"segment %d: 0x%" PRIx64 " + 0x%" PRIx64, i, ph->p_vaddr, ph->p_memsz);
	if (t->img->eh.e_type == ET_EXEC && page_start(t, ph->p_vaddr) < t->env->min_addr)
		found(t, R_LOW_ADDRESS, i, ph->p_vaddr, ph->p_memsz, "segment %d at 0x%" PRIx64, i,
			ph->p_vaddr);
}

static void lint_load(struct lint *t, int i)
{
	const Elf64_Phdr *ph = &t->img->phdr[i];

	lint_sizes(t, i, ph);
	lint_align(t, i, ph);
	lint_place(t, i, ph);
	lint_eof(t, i, ph);
}

/* ---- pairs of PT_LOADs ---- */

/* The last page of the file's part of `a`, where its bss begins, is mapped anew by the later `b`.
 */
static bool bss_overwritten(const struct lint *t, const Elf64_Phdr *a, const Elf64_Phdr *b)
{
	uint64_t bss = a->p_vaddr + a->p_filesz;

	return a->p_memsz > a->p_filesz && a->p_flags & PF_W && bss % t->env->page_size &&
	       b->p_filesz && page_start(t, bss) >= page_start(t, b->p_vaddr) &&
	       page_start(t, bss) < page_align(t, b->p_vaddr + b->p_filesz);
}

/* Two PT_LOADs, a before b in the table. True when something was found. */
static bool lint_pair(struct lint *t, int j, const Elf64_Phdr *a, const Elf64_Phdr *b)
{
	uint64_t a_end = a->p_vaddr + a->p_memsz, b_end = b->p_vaddr + b->p_memsz;
	bool pages = page_start(t, a->p_vaddr) < page_align(t, b_end) &&
		     page_start(t, b->p_vaddr) < page_align(t, a_end);

	if (!pages || !a->p_memsz || !b->p_memsz)
		return false;
	if (a->p_vaddr < b_end && b->p_vaddr < a_end)
		found(t, R_OVERLAP, j, b->p_vaddr, b->p_memsz,
			"segment %d over 0x%" PRIx64 "-0x%" PRIx64, j, a->p_vaddr, a_end);
	else if (!b->p_filesz)
		found(t, R_EMPTY_ZEROES_PAGE, j, page_start(t, b->p_vaddr),
			b->p_vaddr - page_start(t, b->p_vaddr), "segment %d", j);
	else if (bss_overwritten(t, a, b))
		found(t, R_BSS_OVERWRITTEN, j, a->p_vaddr + a->p_filesz, a->p_memsz - a->p_filesz,
			"by segment %d", j);
	else if (a->p_filesz && a->p_offset - a->p_vaddr != b->p_offset - b->p_vaddr)
		found(t, R_SHARED_PAGE, j, page_start(t, b->p_vaddr), t->env->page_size,
			"segment %d", j);
	else
		return false;
	return true;
}

static void lint_pairs(struct lint *t)
{
	const Elf64_Phdr *prev = NULL;
	uint32_t i, j;

	for (j = 0; j < t->img->phdr_len; j++) {
		const Elf64_Phdr *b = &t->img->phdr[j];

		if (b->p_type != PT_LOAD)
			continue;
		if (prev && b->p_vaddr < prev->p_vaddr)
			found(t, R_DESCENDING, (int)j, b->p_vaddr, 0,
				"segment %u at 0x%" PRIx64 " after 0x%" PRIx64, j, b->p_vaddr,
				prev->p_vaddr);
		prev = b;
		/* One finding a segment is enough, and senseless ranges have theirs. */
		for (i = 0; i < j && !ends_past_task(t, b); i++)
			if (t->img->phdr[i].p_type == PT_LOAD &&
				!ends_past_task(t, &t->img->phdr[i]) &&
				lint_pair(t, (int)j, &t->img->phdr[i], b))
				break;
	}
}

/* ---- the headers ---- */

static void lint_interp(struct lint *t)
{
	const struct elf_image *img = t->img;
	const Elf64_Phdr *ph;
	uint32_t i;

	if (img->interp < 0)
		return;
	ph = &img->phdr[img->interp];
	for (i = (uint32_t)img->interp + 1; i < img->phdr_len; i++)
		if (img->phdr[i].p_type == PT_INTERP)
			found(t, R_INTERP_SECOND, (int)i, img->phdr[i].p_vaddr,
				img->phdr[i].p_filesz, "segment %u", i);
	if (img->interp_errnum) {
		found(t, R_INTERP_BAD, img->interp, ph->p_vaddr, ph->p_filesz,
			"offset 0x%" PRIx64 ", 0x%" PRIx64 " bytes: execve gives %s", ph->p_offset,
			ph->p_filesz, img->interp_errnum == ENOEXEC ? "ENOEXEC" : "EIO");
		return;
	}
	if (img->interp_path[0] != '/')
		found(t, R_INTERP_RELATIVE, img->interp, ph->p_vaddr, ph->p_filesz, "\"%.100s\"",
			img->interp_path);
	if (strlen(img->interp_path) + 1 != ph->p_filesz)
		found(t, R_INTERP_CUT, img->interp, ph->p_vaddr, ph->p_filesz,
			"%zu of 0x%" PRIx64 " bytes", strlen(img->interp_path) + 1, ph->p_filesz);
}

static void lint_phdr_place(struct lint *t)
{
	const struct elf_image *img = t->img;
	const Elf64_Phdr *in = NULL, *pt = NULL;
	uint64_t off = img->eh.e_phoff;
	uint32_t i;

	for (i = 0; i < img->phdr_len; i++) {
		const Elf64_Phdr *ph = &img->phdr[i];

		if (ph->p_type == PT_PHDR)
			pt = ph;
		if (ph->p_type == PT_LOAD && ph->p_offset <= off &&
			off - ph->p_offset < ph->p_filesz)
			in = ph;
	}
	if (t->library || !img->load_len)
		return;
	if (!in)
		found(t, R_PHDR_UNMAPPED, -1, 0, 0, "they are at offset 0x%" PRIx64, off);
	else if (pt && pt->p_vaddr != off - in->p_offset + in->p_vaddr)
		found(t, R_PHDR_DIFFERS, -1, pt->p_vaddr, 0,
			"PT_PHDR 0x%" PRIx64 ", the kernel 0x%" PRIx64, pt->p_vaddr,
			off - in->p_offset + in->p_vaddr);
}

static void lint_stack(struct lint *t)
{
	int stack = -1;
	uint32_t i;

	for (i = 0; i < t->img->phdr_len; i++)
		if (t->img->phdr[i].p_type == PT_GNU_STACK)
			stack = (int)i;
	if (stack < 0)
		found(t, R_STACK_ABSENT, -1, 0, 0, "%s", t->img->bits == 64 ? "x86-64" : "i386");
	else if (t->img->phdr[stack].p_flags & PF_X)
		found(t, R_STACK_EXEC, stack, 0, 0, "segment %d", stack);
}

static void lint_entry(struct lint *t)
{
	const struct elf_piece *p;
	uint64_t entry = t->img->eh.e_entry;

	if (t->library || !t->l->len || (t->img->eh.e_type == ET_DYN && !entry))
		return;
	p = elf_layout_at(t->l, t->bias + entry);
	if (!p || !(p->prot & PROT_EXEC))
		found(t, R_ENTRY, -1, entry, 1, "0x%" PRIx64 " is %s", entry,
			p ? "not executable" : "not mapped");
}

static void lint_ident(struct lint *t)
{
	const unsigned char *id = t->img->eh.e_ident;
	int class = t->img->bits == 64 ? ELFCLASS64 : ELFCLASS32;

	if (id[EI_CLASS] != class || id[EI_DATA] != ELFDATA2LSB || id[EI_VERSION] != EV_CURRENT)
		found(t, R_IDENT, -1, 0, 0, "class %u, data %u, version %u", id[EI_CLASS],
			id[EI_DATA], id[EI_VERSION]);
}

static void lint_header(struct lint *t)
{
	const struct elf_image *img = t->img;
	size_t size = (size_t)img->eh.e_phnum * (img->bits == 64 ? 56 : 32);
	bool ours = img->eh.e_machine == EM_X86_64 || img->eh.e_machine == EM_386 ||
		    img->eh.e_machine == 6;

	if (!ours)
		found(t, R_MACHINE, -1, 0, 0, "e_machine %u", img->eh.e_machine);
	else
		lint_ident(t);
	if (img->eh.e_type != ET_EXEC && img->eh.e_type != ET_DYN)
		found(t, R_TYPE, -1, 0, 0, "e_type %u%s", img->eh.e_type,
			img->eh.e_type == ET_REL    ? " (an object file)"
			: img->eh.e_type == ET_CORE ? " (a core dump)"
						    : "");
	else if (!img->load_len)
		found(t, R_NO_LOAD, -1, 0, 0, "%u program headers", img->eh.e_phnum);
	if (size > 65536)
		found(t, R_PHDRS_TOO_MANY, -1, 0, 0, "%u", img->eh.e_phnum);
	else if (size > t->env->page_size)
		found(t, R_PHDRS_OVER_PAGE, -1, 0, 0, "%u", img->eh.e_phnum);
}

size_t elf_lint(const struct elf_image *img, const struct elf_env *env, struct elf_layout *scratch,
	struct elf_finding *out, size_t max)
{
	struct lint t = {.img = img,
		.env = env,
		.l = scratch,
		.bias = some_bias(img),
		.library = elf_is_library(img),
		.out = out,
		.max = max};
	uint32_t i;

	lint_header(&t);
	if (img->eh.e_type != ET_EXEC && img->eh.e_type != ET_DYN)
		return t.len;
	lay_out(img, env, scratch);
	lint_dynamic(&t);
	lint_tails(&t);
	for (i = 0; i < img->phdr_len; i++)
		if (img->phdr[i].p_type == PT_LOAD)
			lint_load(&t, (int)i);
	lint_pairs(&t);
	lint_interp(&t);
	lint_phdr_place(&t);
	lint_stack(&t);
	lint_entry(&t);
	return t.len;
}
