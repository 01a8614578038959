/*
 * Captures inside a payload: {slot u8, flags u8, part u16, full u32, size u32}, hash u64 only when
 * size < full, then the data. Little-endian, not aligned.
 */
#include "tracer/store/capture.h"

#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

struct cap_head {
	uint8_t slot, flags;
	uint16_t part;
	uint32_t full, size;
} __attribute__((packed));

void trace_cap_put(struct buf *payload, const struct trace_cap *cap)
{
	bool cut = cap->size < cap->full;
	size_t need = sizeof(struct cap_head) + (cut ? sizeof(cap->hash) : 0) + cap->size;
	uint8_t *p = buf_reserve(payload, need);

	if (!p)
		return;
	cap_write(p, cap);
	payload->len += need;
}

size_t cap_write(uint8_t *p, const struct trace_cap *cap)
{
	struct cap_head h = {cap->slot, cap->flags, cap->part, cap->full, cap->size};
	uint8_t *q = p;

	if (h.full < h.size)
		h.full = h.size;
	memcpy(q, &h, sizeof(h));
	q += sizeof(h);
	if (h.size < h.full) {
		memcpy(q, &cap->hash, sizeof(cap->hash));
		q += sizeof(cap->hash);
	}
	if (cap->data && h.size)
		memcpy(q, cap->data, h.size);
	return (size_t)(q - p) + h.size;
}

bool trace_cap_step(struct trace_cap_iter *it, struct trace_cap *cap)
{
	const uint8_t *p = it->p;
	size_t left = it->end - p;
	struct cap_head h;

	if (left < sizeof(h))
		return false;
	memcpy(&h, p, sizeof(h));
	p += sizeof(h);
	left -= sizeof(h);
	if (h.size > h.full)
		return false;
	*cap = (struct trace_cap){
		.slot = h.slot, .flags = h.flags, .part = h.part, .full = h.full, .size = h.size};
	if (h.size < h.full) {
		if (left < sizeof(cap->hash))
			return false;
		memcpy(&cap->hash, p, sizeof(cap->hash));
		p += sizeof(cap->hash);
		left -= sizeof(cap->hash);
	}
	if (left < h.size)
		return false;
	cap->data = p;
	it->p = p + h.size;
	return true;
}

bool trace_cap_next(struct trace_cap_iter *it, struct trace_cap *cap)
{
	if (!trace_cap_step(it, cap))
		return false;
	if (cap->size == cap->full)
		cap->hash = XXH3_64bits(cap->data, cap->size);
	return true;
}

bool trace_cap_find(const struct trace_event *ev, unsigned int slot, unsigned int part,
	unsigned int flags, struct trace_cap *cap)
{
	struct trace_cap_iter it = trace_caps(ev);

	while (trace_cap_step(&it, cap)) {
		if (cap->slot != slot || cap->part != part || (cap->flags & flags) != flags)
			continue;
		if (cap->size == cap->full)
			cap->hash = XXH3_64bits(cap->data, cap->size);
		return true;
	}
	return false;
}
