/*
 * Turns events into the columns of one block. Internal to tracer/store; not locked.
 */
#ifndef LOCKSTEP_TRACER_STORE_ENCODE_H
#define LOCKSTEP_TRACER_STORE_ENCODE_H

#include "tracer/store/dedup.h"
#include "tracer/store/format.h"

struct ZSTD_CCtx_s;

/* Low bits of size codes, packed from the least significant bit of each byte up. */
struct bit_writer {
	uint64_t acc;
	unsigned int n; /* bits in acc */
};

/* Captures of one (slot, flags, part). */
struct enc_head {
	uint32_t last_size;
	struct buf blobs; /* of the first FMT_GROUPS: struct enc_blob each */
};

struct enc_blob {
	uint32_t off, size; /* in the arena */
};

struct encoder {
	struct buf col[COL_FIXED_MAX];
	struct bit_writer gap_bits, dur_bits;
	struct fmt_predict *predict;

	struct numbering shapes, tasks, heads;
	uint64_t *task_end;    /* by task number: when its last event was over */
	struct enc_head *head; /* by head number */
	uint32_t task_ends_size, heads_size;
	uint32_t last_task; /* of the event before */
	uint64_t last_end;  /* of any task */

	struct buf arena; /* distinct payloads */
	struct dedup payloads, blobs;

	uint16_t nr; /* of the event being added */
	uint32_t n;
	uint64_t min_ns, max_ns;
	uint32_t kinds;
	uint8_t nrs[FMT_NR_BITS / 8];
	int level; /* zstd's; 0: do not compress (for tests and fuzzing seeds) */
	bool failed;
};

int encoder_init(struct encoder *e, int level); /* 0 or -ENOMEM */
void encoder_fini(struct encoder *e);
/* 0 or -ENOMEM. The caller has checked payload_size. */
int encoder_add(struct encoder *e, const struct trace_event *ev);
/* Bytes before compression so far, about. */
size_t encoder_size(const struct encoder *e);
/* Bytes of distinct payloads so far. */
static inline size_t encoder_payload(const struct encoder *e)
{
	return e->arena.len;
}
/* Appends the block of everything added since the last time to out, and starts afresh. 0 or
 * -ENOMEM. */
int encoder_finish(
	struct encoder *e, struct ZSTD_CCtx_s *zstd, uint64_t first_seq, struct buf *out);

#endif
