/* See intern.h. */
#include "tracer/decode/intern.h"

#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#define CHUNK_SIZE (64u << 10)

struct intern_chunk {
	struct intern_chunk *next;
	size_t used, size;
	char bytes[];
};

void intern_fini(struct intern *in)
{
	while (in->chunk) {
		struct intern_chunk *next = in->chunk->next;

		free(in->chunk);
		in->chunk = next;
	}
	free(in->slot);
	*in = (struct intern){0};
}

static struct intern_item *slot_of(
	const struct intern *in, uint64_t hash, const void *s, size_t len)
{
	size_t i = hash & (in->slots - 1);

	while (in->slot[i].s && (in->slot[i].hash != hash || in->slot[i].len != len ||
					memcmp(in->slot[i].s, s, len)))
		i = (i + 1) & (in->slots - 1);
	return &in->slot[i];
}

static int grow(struct intern *in)
{
	struct intern bigger = {.slots = in->slots ? in->slots * 2 : 1024};
	size_t i;

	bigger.slot = calloc(bigger.slots, sizeof(*bigger.slot));
	if (!bigger.slot)
		return -1;
	for (i = 0; i < in->slots; i++) {
		const struct intern_item *it = &in->slot[i];

		if (it->s)
			*slot_of(&bigger, it->hash, it->s, it->len) = *it;
	}
	free(in->slot);
	in->slot = bigger.slot;
	in->slots = bigger.slots;
	return 0;
}

static const char *copy(struct intern *in, const void *s, size_t len)
{
	struct intern_chunk *c = in->chunk;
	char *p;

	if (!c || c->size - c->used <= len) {
		size_t size = len + 1 > CHUNK_SIZE ? len + 1 : CHUNK_SIZE;

		c = malloc(sizeof(*c) + size);
		if (!c)
			return NULL;
		*c = (struct intern_chunk){.next = in->chunk, .size = size};
		in->chunk = c;
	}
	p = c->bytes + c->used;
	memcpy(p, s, len);
	p[len] = 0;
	c->used += len + 1;
	return p;
}

const char *intern_add(struct intern *in, const void *s, size_t len)
{
	uint64_t hash;
	struct intern_item *it;

	if (!len)
		s = "";
	if (in->n >= in->slots / 2 && grow(in))
		return NULL;
	hash = XXH3_64bits(s, len);
	it = slot_of(in, hash, s, len);
	if (!it->s) {
		const char *p = copy(in, s, len);

		if (!p)
			return NULL;
		*it = (struct intern_item){hash, p, len};
		in->n++;
	}
	return it->s;
}
