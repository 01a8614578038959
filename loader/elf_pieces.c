/* The list of pieces (elf_pieces.h), and the views of it that elf_layout.h offers. */
#include "loader/elf_pieces.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

/* Index of the first piece that ends behind addr. */
static size_t piece_after(const struct elf_layout *l, uint64_t addr)
{
	size_t lo = 0, hi = l->len;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (l->piece[mid].end <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

const struct elf_piece *elf_layout_at(const struct elf_layout *l, uint64_t addr)
{
	size_t i = piece_after(l, addr);

	return i < l->len && l->piece[i].start <= addr ? &l->piece[i] : NULL;
}

void piece_cut_front(struct elf_piece *p, uint64_t start)
{
	p->file_offset += start - p->start;
	p->start = start;
}

/* Opens a gap of n pieces at i. */
static int pieces_open(struct elf_layout *l, size_t i, size_t n)
{
	if (n > l->max - l->len)
		return -E2BIG;
	memmove(&l->piece[i + n], &l->piece[i], (l->len - i) * sizeof(l->piece[0]));
	l->len += n;
	return 0;
}

static void pieces_close(struct elf_layout *l, size_t i, size_t n)
{
	memmove(&l->piece[i], &l->piece[i + n], (l->len - i - n) * sizeof(l->piece[0]));
	l->len -= n;
}

/* Makes a boundary at addr, so that no piece reaches over it. */
static int pieces_split(struct elf_layout *l, uint64_t addr)
{
	size_t i = piece_after(l, addr);
	int rc;

	if (i == l->len || l->piece[i].start >= addr)
		return 0;
	rc = pieces_open(l, i, 1);
	if (rc)
		return rc;
	l->piece[i].end = addr;
	piece_cut_front(&l->piece[i + 1], addr);
	return 0;
}

int pieces_clear(struct elf_layout *l, uint64_t start, uint64_t end)
{
	size_t first, last;
	int rc;

	if (start >= end)
		return 0;
	rc = pieces_split(l, start);
	if (!rc)
		rc = pieces_split(l, end);
	if (rc)
		return rc;
	first = piece_after(l, start);
	last = piece_after(l, end - 1);
	if (last < l->len && l->piece[last].start < end)
		last++;
	if (last > first)
		pieces_close(l, first, last - first);
	return 0;
}

int pieces_put(struct elf_layout *l, const struct elf_piece *p)
{
	size_t i;
	int rc;

	if (p->start >= p->end)
		return 0;
	rc = pieces_clear(l, p->start, p->end);
	if (rc)
		return rc;
	i = piece_after(l, p->start);
	rc = pieces_open(l, i, 1);
	if (rc)
		return rc;
	l->piece[i] = *p;
	return 0;
}

int pieces_put_file(struct elf_layout *l, const struct elf_image *img, const struct elf_env *env,
	struct elf_piece p)
{
	uint64_t size = img->file_size,
		 whole = (size + env->page_size - 1) & ~((uint64_t)env->page_size - 1);
	uint64_t end = p.end, eof, bus;
	int rc;

	eof = size > p.file_offset ? p.start + (size - p.file_offset) : p.start;
	bus = whole > p.file_offset ? p.start + (whole - p.file_offset) : p.start;
	p.end = eof < end ? eof : end;
	rc = pieces_put(l, &p);
	if (rc || p.end == end)
		return rc;
	piece_cut_front(&p, p.end);
	p.content = ELF_PAST_EOF;
	p.end = bus < end ? bus : end;
	rc = pieces_put(l, &p);
	if (rc || p.end == end)
		return rc;
	piece_cut_front(&p, p.end);
	p.content = ELF_SIGBUS;
	p.end = end;
	return pieces_put(l, &p);
}

int pieces_protect(struct elf_layout *l, uint64_t start, uint64_t end, uint8_t prot)
{
	size_t i;
	int rc = pieces_split(l, start);

	if (!rc)
		rc = pieces_split(l, end);
	if (rc)
		return rc;
	for (i = piece_after(l, start); i < l->len && l->piece[i].start < end; i++) {
		if (l->piece[i].prot & ~prot & PROT_WRITE)
			l->piece[i].was_writable = true;
		l->piece[i].prot = prot;
	}
	return 0;
}

/* ---- views ---- */

size_t elf_tails(const struct elf_layout *l, struct elf_tail *out, size_t max)
{
	size_t i, n = 0;

	for (i = 0; i < l->len && n < max; i++) {
		const struct elf_piece *p = &l->piece[i];

		if (p->role == ELF_BODY || p->role == ELF_PAGEZERO || p->role == ELF_GAP ||
			p->content == ELF_SIGBUS)
			continue;
		out[n++] = (struct elf_tail){.address = p->start,
			.size = p->end - p->start,
			.file_offset = p->content == ELF_ANON ? 0 : p->file_offset,
			.segment = p->segment,
			.which = p->which,
			.role = p->role,
			.expect_zero = p->content != ELF_FILE,
			.file_backed = p->content != ELF_ANON,
			.prot = p->prot};
	}
	return n;
}

/* Whether piece b continues VMA a. Linux v6.18 mm/vma.c:can_vma_merge_after(). */
static bool vma_continues(const struct elf_vma *a, const struct elf_vma *b)
{
	if (a->end != b->start || a->prot != b->prot || a->which != b->which ||
		a->was_writable != b->was_writable)
		return false;
	return a->which == ELF_NEITHER || a->file_offset + (a->end - a->start) == b->file_offset;
}

size_t elf_vmas(const struct elf_layout *l, struct elf_vma *out, size_t max)
{
	size_t i, n = 0;

	for (i = 0; i < l->len; i++) {
		const struct elf_piece *p = &l->piece[i];
		bool anon = p->content == ELF_ANON;
		struct elf_vma v = {.start = p->start,
			.end = p->end,
			.file_offset = anon ? 0 : p->file_offset,
			.which = anon ? ELF_NEITHER : p->which,
			.prot = p->prot,
			.was_writable = p->was_writable};

		if (n && vma_continues(&out[n - 1], &v)) {
			out[n - 1].end = v.end;
			continue;
		}
		if (n == max)
			break;
		out[n++] = v;
	}
	return n;
}
