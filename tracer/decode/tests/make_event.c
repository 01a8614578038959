/* See make_event.h. */
#include "tracer/decode/tests/make_event.h"

#include <assert.h>
#include <string.h>

void make_call(struct made *k, unsigned int nr, int64_t ret, uint64_t a0, uint64_t a1, uint64_t a2,
	uint64_t a3, uint64_t a4, uint64_t a5)
{
	k->ev = (struct trace_event){.kind = TK_CALL,
		.nr = nr,
		.tid = 100,
		.ret = ret,
		.arg = {a0, a1, a2, a3, a4, a5},
		.payload = k->bytes};
}

void make_kind(struct made *k, enum trace_kind kind, uint32_t tid)
{
	k->ev = (struct trace_event){.kind = kind, .tid = tid, .payload = k->bytes};
}

void make_cut(struct made *k, unsigned int slot, unsigned int part, unsigned int flags,
	const void *data, size_t size, size_t full)
{
	struct trace_cap cap = {.slot = slot,
		.part = part,
		.flags = flags | (size < full ? TC_CUT : 0),
		.full = full,
		.size = size,
		.data = data};
	struct buf b = {0};

	trace_cap_put(&b, &cap);
	assert(!b.failed && k->ev.payload_size + b.len <= sizeof(k->bytes));
	memcpy(k->bytes + k->ev.payload_size, b.data, b.len);
	k->ev.payload_size += b.len;
	buf_fini(&b);
}

void make_cap(struct made *k, unsigned int slot, unsigned int part, unsigned int flags,
	const void *data, size_t size)
{
	make_cut(k, slot, part, flags, data, size, size);
}

void make_str(struct made *k, unsigned int slot, const char *s)
{
	make_cap(k, slot, 0, 0, s, strlen(s));
}
