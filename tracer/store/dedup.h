/*
 * A table of byte strings by content, for one block: which of them were seen, in order of first
 * sight. Contents live in the caller's arena, as offsets, and are compared, not only hashed (a
 * tracee can make hashes collide). Internal to tracer/store; not locked.
 */
#ifndef LOCKSTEP_TRACER_STORE_DEDUP_H
#define LOCKSTEP_TRACER_STORE_DEDUP_H

#include <stdbool.h>
#include <stdint.h>

struct dedup_item {
	uint64_t hash;
	uint32_t off, size; /* in the arena */
};

struct dedup {
	struct dedup_item *item; /* in order of first sight */
	uint32_t n, items_size;
	uint32_t *slot; /* 1 + item, open addressing; 0 empty */
	uint32_t slots; /* a power of two */
};

void dedup_fini(struct dedup *d);
void dedup_reset(struct dedup *d);
/* The number of the item with that content, or -1. */
int64_t dedup_find(const struct dedup *d, const uint8_t *arena, uint64_t hash, const void *data,
	uint32_t size);
/* Adds an item that dedup_find did not find. False when memory ran out. */
bool dedup_add(struct dedup *d, uint64_t hash, uint32_t off, uint32_t size);

/* Distinct keys, numbered in order of first sight. */
struct numbering {
	uint64_t *key; /* by number */
	uint32_t n, keys_size;
	uint32_t *slot; /* 1 + number, open addressing; 0 empty */
	uint32_t slots;
};

void numbering_fini(struct numbering *k);
void numbering_reset(struct numbering *k);
/* The key's number, given to it now (then *is_new) or earlier; -1 when memory ran out. */
int64_t numbering_get(struct numbering *k, uint64_t key, bool *is_new);

#endif
