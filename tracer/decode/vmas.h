/*
 * What is mapped where, for the process model. A fork shares the pieces until one side changes
 * them. Addresses and lengths come from a trace: anything that wraps is refused. Not locked.
 */
#ifndef LOCKSTEP_TRACER_DECODE_VMAS_H
#define LOCKSTEP_TRACER_DECODE_VMAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vma {
	uint64_t start, end;
	uint64_t base; /* address of offset 0: of the file, or of the mapping at its birth */
	const char *name;
	uint32_t birth;
	uint8_t kind; /* enum addr_kind */
	uint8_t prot;
	bool shared;
};

#define VMA_CHUNK 64u

struct vma_chunk {
	uint32_t n; /* never 0 */
	struct vma v[VMA_CHUNK];
};

/* Sorted, in chunks, so that a change moves little however many there are. */
struct vma_set {
	uint32_t refs;
	uint32_t n, size; /* chunks */
	size_t total;	  /* VMAs */
	struct vma_chunk **chunk;
};

struct mm {
	uint32_t refs; /* tasks */
	uint32_t births;
	uint64_t brk_start, brk; /* 0: not known */
	struct vma_set *set;
};

struct mm *mm_new(void);
struct mm *mm_copy(struct mm *mm); /* NULL when memory ran out */
static inline struct mm *mm_get(struct mm *mm)
{
	mm->refs++;
	return mm;
}
void mm_put(struct mm *mm);
/* The VMA that holds addr, else the next one above it (*next set), else NULL. */
const struct vma *mm_find(const struct mm *mm, uint64_t addr, bool *next);
/* 0, -ENOMEM, -EINVAL for what cannot be a mapping. */
int mm_insert(struct mm *mm, const struct vma *v); /* over whatever is there */
int mm_remove(struct mm *mm, uint64_t start, uint64_t size);
int mm_protect(struct mm *mm, uint64_t start, uint64_t size, uint8_t prot);

#endif
