/* See dedup.h. */
#include "tracer/store/dedup.h"

#include <stdlib.h>
#include <string.h>

void dedup_fini(struct dedup *d)
{
	free(d->item);
	free(d->slot);
	*d = (struct dedup){0};
}

void dedup_reset(struct dedup *d)
{
	if (d->n)
		memset(d->slot, 0, d->slots * sizeof(*d->slot));
	d->n = 0;
}

int64_t dedup_find(
	const struct dedup *d, const uint8_t *arena, uint64_t hash, const void *data, uint32_t size)
{
	uint32_t i;

	if (!d->slots)
		return -1;
	for (i = hash & (d->slots - 1); d->slot[i]; i = (i + 1) & (d->slots - 1)) {
		const struct dedup_item *it = &d->item[d->slot[i] - 1];

		if (it->hash == hash && it->size == size && !memcmp(arena + it->off, data, size))
			return d->slot[i] - 1;
	}
	return -1;
}

static void put(struct dedup *d, uint32_t item)
{
	uint32_t i = d->item[item].hash & (d->slots - 1);

	while (d->slot[i])
		i = (i + 1) & (d->slots - 1);
	d->slot[i] = item + 1;
}

static bool grow(struct dedup *d)
{
	uint32_t size = d->items_size ? d->items_size * 2 : 512, i;
	struct dedup_item *item = realloc(d->item, size * sizeof(*item));
	uint32_t *slot;

	if (!item)
		return false;
	d->item = item;
	slot = calloc(size * 2, sizeof(*slot));
	if (!slot)
		return false;
	free(d->slot);
	d->slot = slot;
	d->slots = size * 2;
	d->items_size = size;
	for (i = 0; i < d->n; i++)
		put(d, i);
	return true;
}

bool dedup_add(struct dedup *d, uint64_t hash, uint32_t off, uint32_t size)
{
	if (d->n == d->items_size && !grow(d))
		return false;
	d->item[d->n] = (struct dedup_item){hash, off, size};
	put(d, d->n++);
	return true;
}

void numbering_fini(struct numbering *k)
{
	free(k->key);
	free(k->slot);
	*k = (struct numbering){0};
}

void numbering_reset(struct numbering *k)
{
	if (k->n)
		memset(k->slot, 0, k->slots * sizeof(*k->slot));
	k->n = 0;
}

static uint32_t *slot_of(const struct numbering *k, uint64_t key)
{
	uint32_t i = (key * 0x9e3779b97f4a7c15u) >> (64 - __builtin_ctz(k->slots));

	while (k->slot[i] && k->key[k->slot[i] - 1] != key)
		i = (i + 1) & (k->slots - 1);
	return &k->slot[i];
}

static bool numbering_grow(struct numbering *k)
{
	uint32_t size = k->keys_size ? k->keys_size * 2 : 128, i;
	uint64_t *key = realloc(k->key, size * sizeof(*key));
	uint32_t *slot;

	if (!key)
		return false;
	k->key = key;
	slot = calloc(size * 2, sizeof(*slot));
	if (!slot)
		return false;
	free(k->slot);
	k->slot = slot;
	k->slots = size * 2;
	k->keys_size = size;
	for (i = 0; i < k->n; i++)
		*slot_of(k, k->key[i]) = i + 1;
	return true;
}

int64_t numbering_get(struct numbering *k, uint64_t key, bool *is_new)
{
	uint32_t *slot;

	*is_new = false;
	if (k->n == k->keys_size && !numbering_grow(k))
		return -1;
	slot = slot_of(k, key);
	if (*slot)
		return *slot - 1;
	k->key[k->n++] = key;
	*slot = k->n;
	*is_new = true;
	return k->n - 1;
}
