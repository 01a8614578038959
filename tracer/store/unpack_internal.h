/*
 * What unpack.c (events) and unpack_payload.c (captures) share.
 */
#ifndef LOCKSTEP_TRACER_STORE_UNPACK_INTERNAL_H
#define LOCKSTEP_TRACER_STORE_UNPACK_INTERNAL_H

#include "tracer/store/unpack.h"

#include <errno.h>

/* What is left of a column; p NULL: the block has no such column. */
struct cursor {
	const uint8_t *p, *end;
};

struct bit_reader {
	unsigned int acc, n; /* bits left of the byte last taken */
};

struct head { /* of captures */
	uint8_t slot, flags;
	uint16_t part;
	uint32_t last_size;
};

struct bytes {
	const uint8_t *p;
	uint32_t size;
};

/* Captured data of one group, in order. */
struct group {
	bool started;
	uint8_t transform;
	struct bytes prev;    /* FT_FRONT: the blob before */
	uint32_t n, size, at; /* FT_ROWS: rows, bytes of each, next one */
	uint8_t *rows;	      /* FT_ROWS: undone */
};

struct unpacker {
	struct ZSTD_DCtx_s *zstd;
	struct fmt_predict *predict;
	struct buf raw; /* all columns */
	struct cursor col[FMT_COLUMN_IDS];
	struct buf shapes, tasks; /* struct shape, struct task each */
	struct bit_reader gap_bits, dur_bits;
	uint32_t last_task;
	uint64_t last_end;

	struct group group[FMT_GROUPS];
	struct buf rows;		   /* undone rows of the groups */
	struct buf heads, payloads, blobs; /* struct head, struct bytes each */
	uint8_t *arena;			   /* distinct payloads */
	size_t arena_size, arena_used;
};

static inline int bad(const char **why, const char *text)
{
	*why = text;
	return -EBADMSG;
}

static inline bool cursor_byte(struct cursor *c, uint8_t *v)
{
	if (c->p == c->end)
		return false;
	*v = *c->p++;
	return true;
}

static inline bool cursor_varint(struct cursor *c, uint64_t *v)
{
	if (c->p == c->end)
		return false;
	if (*c->p < 0x80) {
		*v = *c->p++;
		return true;
	}
	return varint_get(&c->p, c->end, v);
}

static inline bool bits_get(struct bit_reader *r, struct cursor *c, unsigned int n, uint64_t *v)
{
	unsigned int have = 0;

	*v = 0;
	while (have < n) {
		unsigned int take;
		uint8_t byte;

		if (!r->n) {
			if (!cursor_byte(c, &byte))
				return false;
			r->acc = byte;
			r->n = 8;
		}
		take = n - have < r->n ? n - have : r->n;
		*v |= (uint64_t)(r->acc & ((1u << take) - 1)) << have;
		r->acc >>= take;
		r->n -= take;
		have += take;
	}
	return true;
}

/* Before the first event: the arena, the groups. 0, -ENOMEM, -EBADMSG. */
int unpack_payload_start(struct unpacker *u, const char **why);
/* The next event's payload. */
int unpack_payload(struct unpacker *u, struct trace_event *ev, const char **why);
void unpack_payload_fini(struct unpacker *u);

#endif
