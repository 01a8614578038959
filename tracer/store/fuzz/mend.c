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
