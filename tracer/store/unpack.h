/*
 * The events of one block out of its bytes: the reverse of encode.c and block.c. Nothing in the
 * bytes is trusted. Internal to tracer/store; not locked.
 */
#ifndef LOCKSTEP_TRACER_STORE_UNPACK_H
#define LOCKSTEP_TRACER_STORE_UNPACK_H

#include "tracer/store/format.h"

struct ZSTD_DCtx_s;
struct unpacker;

int unpacker_new(struct unpacker **out); /* 0 or -ENOMEM */
void unpacker_free(struct unpacker *u);
/*
 * Unpacks the columns at `data` (what follows the summary) into ev[0..h->n_events - 1], seq and
 * payloads included. The payloads are in *arena, malloc'ed, the caller's; NULL when there are none.
 * 0, -ENOMEM, or -EBADMSG with *why in words.
 */
int unpack_block(struct unpacker *u, const struct fmt_block_head *h, const uint8_t *data,
	size_t size, struct trace_event *ev, uint8_t **arena, size_t *arena_size, const char **why);

#endif
