/* See vmas.h. */
#include "tracer/decode/vmas.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_SIZE 4096ull

static struct vma_set *set_new(void)
{
	struct vma_set *s = calloc(1, sizeof(*s));

	if (s)
		s->refs = 1;
	return s;
}

static void set_put(struct vma_set *s)
{
	uint32_t i;

	if (!s || --s->refs)
		return;
	for (i = 0; i < s->n; i++)
		free(s->chunk[i]);
	free(s->chunk);
	free(s);
}

/* Room for one more chunk. */
static int set_grow(struct vma_set *s)
{
	uint32_t size = s->size ? s->size * 2 : 4;
	struct vma_chunk **p;

	if (s->n < s->size)
		return 0;
	p = realloc(s->chunk, size * sizeof(struct vma_chunk *));
	if (!p)
		return -ENOMEM;
	s->chunk = p;
	s->size = size;
	return 0;
}

/* The set for this mm alone. */
static int set_own(struct mm *mm)
{
	struct vma_set *old = mm->set, *s;

	if (old->refs == 1)
		return 0;
	s = set_new();
	if (!s)
		return -ENOMEM;
	while (s->n < old->n) {
		struct vma_chunk *c = set_grow(s) ? NULL : malloc(sizeof(*c));

		if (!c) {
			set_put(s);
			return -ENOMEM;
		}
		*c = *old->chunk[s->n];
		s->chunk[s->n++] = c;
	}
	s->total = old->total;
	old->refs--;
	mm->set = s;
	return 0;
}

struct mm *mm_new(void)
{
	struct mm *mm = calloc(1, sizeof(*mm));

	if (!mm)
		return NULL;
	mm->refs = 1;
	mm->set = set_new();
	if (!mm->set) {
		free(mm);
		return NULL;
	}
	return mm;
}

struct mm *mm_copy(struct mm *mm)
{
	struct mm *copy = malloc(sizeof(*copy));

	if (!copy)
		return NULL;
	*copy = *mm;
	copy->refs = 1;
	copy->set->refs++;
	return copy;
}

void mm_put(struct mm *mm)
{
	if (!mm || --mm->refs)
		return;
	set_put(mm->set);
	free(mm);
}

/* ---- places: chunk c, index i; i may be the chunk's n only in the last chunk ---- */

struct place {
	uint32_t c, i;
};

/* The first VMA that ends after addr; the place past the last one when there is none. */
static struct place place_of(const struct vma_set *s, uint64_t addr)
{
	uint32_t lo = 0, hi = s->n;
	struct place p = {0};

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		const struct vma_chunk *c = s->chunk[mid];

		if (c->v[c->n - 1].end <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	p.c = lo;
	if (lo == s->n)
		return p;
	lo = 0;
	hi = s->chunk[p.c]->n;
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (s->chunk[p.c]->v[mid].end <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	p.i = lo;
	return p;
}

static struct vma *at(const struct vma_set *s, struct place p)
{
	return p.c < s->n ? &s->chunk[p.c]->v[p.i] : NULL;
}

static int chunk_insert(struct vma_set *s, uint32_t where, struct vma_chunk *c)
{
	if (set_grow(s))
		return -ENOMEM;
	memmove(s->chunk + where + 1, s->chunk + where, (s->n - where) * sizeof(*s->chunk));
	s->chunk[where] = c;
	s->n++;
	return 0;
}

/* Splits a full chunk in two, and moves the place along. */
static int chunk_split(struct vma_set *s, struct place *p)
{
	struct vma_chunk *c = s->chunk[p->c], *upper = malloc(sizeof(*upper));

	if (!upper || chunk_insert(s, p->c + 1, upper)) {
		free(upper);
		return -ENOMEM;
	}
	upper->n = VMA_CHUNK / 2;
	memcpy(upper->v, c->v + VMA_CHUNK / 2, sizeof(*c->v) * upper->n);
	c->n = VMA_CHUNK - upper->n;
	if (p->i > c->n) {
		p->i -= c->n;
		p->c++;
	}
	return 0;
}

/* Puts v at its place, where nothing is. */
static int put_at(struct vma_set *s, struct place p, const struct vma *v)
{
	struct vma_chunk *c;

	if (p.c == s->n && p.c) {
		p.c--;
		p.i = s->chunk[p.c]->n;
	}
	if (!s->n) {
		c = calloc(1, sizeof(*c));
		if (!c || chunk_insert(s, 0, c)) {
			free(c);
			return -ENOMEM;
		}
	} else if (s->chunk[p.c]->n == VMA_CHUNK && chunk_split(s, &p)) {
		return -ENOMEM;
	}
	c = s->chunk[p.c];
	memmove(c->v + p.i + 1, c->v + p.i, (c->n - p.i) * sizeof(*c->v));
	c->v[p.i] = *v;
	c->n++;
	s->total++;
	return 0;
}

static void take_at(struct vma_set *s, struct place p)
{
	struct vma_chunk *c = s->chunk[p.c];

	c->n--;
	s->total--;
	memmove(c->v + p.i, c->v + p.i + 1, (c->n - p.i) * sizeof(*c->v));
	if (c->n)
		return;
	free(c);
	s->n--;
	memmove(s->chunk + p.c, s->chunk + p.c + 1, (s->n - p.c) * sizeof(*s->chunk));
}

/* ---- ranges ---- */

/* Page by page, as the kernel takes them. False for what wraps or is empty. */
static bool range_round(uint64_t *start, uint64_t size, uint64_t *end)
{
	if (!size || size > UINT64_MAX - PAGE_SIZE || *start > UINT64_MAX - size - PAGE_SIZE)
		return false;
	*end = (*start + size + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
	*start &= ~(PAGE_SIZE - 1);
	return true;
}

/* Cuts the VMA that holds addr in its middle in two there. */
static int split_at(struct vma_set *s, uint64_t addr)
{
	struct vma *v = at(s, place_of(s, addr)), upper;

	if (!v || v->start >= addr)
		return 0;
	upper = *v;
	upper.start = addr;
	v->end = addr;
	return put_at(s, place_of(s, addr), &upper);
}

static int remove_range(struct vma_set *s, uint64_t start, uint64_t end)
{
	if (split_at(s, start) || split_at(s, end))
		return -ENOMEM;
	for (;;) {
		struct place p = place_of(s, start);
		const struct vma *v = at(s, p);

		if (!v || v->start >= end)
			return 0;
		take_at(s, p);
	}
}

static bool same_mapping(const struct vma *a, const struct vma *b)
{
	return a->base == b->base && a->name == b->name && a->birth == b->birth &&
	       a->kind == b->kind && a->prot == b->prot && a->shared == b->shared;
}

int mm_insert(struct mm *mm, const struct vma *v)
{
	struct vma new = *v, *below;
	struct place p;
	uint64_t end;

	if (v->end <= v->start || !range_round(&new.start, v->end - v->start, &end))
		return -EINVAL;
	new.end = end;
	if (set_own(mm) || remove_range(mm->set, new.start, new.end))
		return -ENOMEM;
	/* What grows in place stays one piece. */
	p = new.start ? place_of(mm->set, new.start - 1) : (struct place){0};
	below = at(mm->set, p);
	if (below && below->end == new.start &&same_mapping(below, &new)) {
		below->end = new.end;
		return 0;
	}
	return put_at(mm->set, place_of(mm->set, new.start), &new);
}

int mm_remove(struct mm *mm, uint64_t start, uint64_t size)
{
	uint64_t end;

	if (!range_round(&start, size, &end))
		return -EINVAL;
	return set_own(mm) ? -ENOMEM : remove_range(mm->set, start, end);
}

int mm_protect(struct mm *mm, uint64_t start, uint64_t size, uint8_t prot)
{
	struct place p;
	struct vma *v;
	uint64_t end;

	if (!range_round(&start, size, &end))
		return -EINVAL;
	if (set_own(mm) || split_at(mm->set, start) || split_at(mm->set, end))
		return -ENOMEM;
	for (p = place_of(mm->set, start); (v = at(mm->set, p)) && v->start < end;) {
		v->prot = prot;
		if (++p.i == mm->set->chunk[p.c]->n)
			p = (struct place){p.c + 1, 0};
	}
	return 0;
}

const struct vma *mm_find(const struct mm *mm, uint64_t addr, bool *next)
{
	const struct vma *v = at(mm->set, place_of(mm->set, addr));

	*next = v && v->start > addr;
	return v;
}
