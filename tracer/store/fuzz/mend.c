/* See mend.h. */
#include "tracer/store/fuzz/mend.h"
#include "tracer/store/format.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

static size_t mend_head(uint8_t *p, size_t size)
{
	struct fmt_file_head h;
	XXH3_state_t x;

	if (size < sizeof(h))
		return size;
	memcpy(&h, p, sizeof(h));
	memcpy(h.magic, FMT_MAGIC, sizeof(h.magic));
	h.version = FMT_VERSION;
	if (h.meta_size > size - sizeof(h))
		h.meta_size = 0;
	XXH3_64bits_reset(&x);
	XXH3_64bits_update(&x, &h, offsetof(struct fmt_file_head, sum));
	XXH3_64bits_update(&x, p + sizeof(h), h.meta_size);
	h.sum = XXH3_64bits_digest(&x);
	memcpy(p, &h, sizeof(h));
	return sizeof(h) + h.meta_size;
}

/* Columns that reach past the block's end take what is left; the bytes of all, unpacked. */
static uint32_t mend_columns(uint8_t *p, size_t size)
{
	struct fmt_column_head c;
	uint64_t raw = 0;

	while (size >= sizeof(c)) {
		memcpy(&c, p, sizeof(c));
		c.id %= FMT_COLUMN_IDS;
		if (c.size > size - sizeof(c))
			c.size = size - sizeof(c);
		if (!c.packed)
			c.raw_size = c.size;
		c.raw_size %= 1u << 16; /* more is only slower */
		raw += c.raw_size;
		memcpy(p, &c, sizeof(c));
		p += sizeof(c) + c.size;
		size -= sizeof(c) + c.size;
	}
	return raw < FMT_RAW_MAX ? raw : FMT_RAW_MAX;
}

static void mend_events(struct fmt_block_head *h, uint8_t *body)
{
	if (h->summary < sizeof(struct fmt_summary) || h->summary > h->size)
		h->summary = sizeof(struct fmt_summary);
	if (h->summary > h->size)
		return;
	h->n_events = h->n_events % 1024 + !(h->n_events % 1024);
	h->raw_size = mend_columns(body + h->summary, h->size - h->summary);
}

/* Sizes too, when they reach past the end: the last block then takes what is left. */
static void mend_blocks(uint8_t *p, size_t size)
{
	uint64_t seq = 0;

	while (size >= sizeof(struct fmt_block_head)) {
		struct fmt_block_head h;

		memcpy(&h, p, sizeof(h));
		h.magic = FMT_BLOCK_MAGIC;
		if (h.size > size - sizeof(h))
			h.size = size - sizeof(h);
		if (h.kind != FB_INDEX) {
			h.kind = FB_EVENTS;
			mend_events(&h, p + sizeof(h));
			h.first_seq = seq;
			seq += h.n_events;
		}
		h.body_sum = XXH3_64bits(p + sizeof(h), h.size);
		h.head_sum = XXH3_64bits(&h, offsetof(struct fmt_block_head, head_sum));
		memcpy(p, &h, sizeof(h));
		p += sizeof(h) + h.size;
		size -= sizeof(h) + h.size;
	}
}

const char *mend_to_file(const uint8_t *data, size_t size)
{
	static int fd = -1;
	static char path[64];
	uint8_t *copy = malloc(size + 1);
	size_t head;

	if (fd < 0)
		fd = memfd_create("trace", MFD_CLOEXEC);
	if (!copy || fd < 0)
		abort();
	memcpy(copy, data, size);
	head = mend_head(copy, size);
	mend_blocks(copy + head, size - head);
	if (ftruncate(fd, 0) || pwrite(fd, copy, size, 0) != (ssize_t)size)
		abort();
	free(copy);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return path;
}
