/*
 * A block of the file out of an encoder's columns: transforms of captured data, compression,
 * summary, checksums.
 */
#include "tracer/store/encode.h"
#include "common/cleanup.h"

#include <errno.h>
#include <stdlib.h>
#define XXH_INLINE_ALL
#include <xxhash.h>
#include <zstd.h>

/* Rows shorter than this or fewer are not worth turning. */
#define LANES_MAX_SIZE 1024u
#define LANES_MIN_ROWS 4u

struct block_builder {
	struct encoder *e;
	ZSTD_CCtx *zstd;
	struct buf *out;
	uint32_t raw_size;
};

static void put_column(struct block_builder *bb, unsigned int id, const struct buf *col)
{
	struct fmt_column_head h = {.id = id, .raw_size = col->len, .size = col->len};
	size_t at = bb->out->len, packed;
	uint8_t *p;

	if (!col->len)
		return;
	bb->raw_size += col->len;
	p = buf_reserve(bb->out, sizeof(h) + ZSTD_compressBound(col->len));
	if (!p)
		return;
	packed = bb->e->level
			 ? ZSTD_compressCCtx(bb->zstd, p + sizeof(h), ZSTD_compressBound(col->len),
				   col->data, col->len, bb->e->level)
			 : col->len;
	if (!ZSTD_isError(packed) && packed < col->len) {
		h.packed = 1;
		h.size = packed;
	} else {
		memcpy(p + sizeof(h), col->data, col->len);
	}
	memcpy(bb->out->data + at, &h, sizeof(h));
	bb->out->len += sizeof(h) + h.size;
}

/* ---- captured data ---- */

static bool lanes_fit(const struct enc_blob *blob, uint32_t n)
{
	uint32_t i;

	if (n < LANES_MIN_ROWS || blob[0].size > LANES_MAX_SIZE)
		return false;
	for (i = 1; i < n; i++)
		if (blob[i].size != blob[0].size)
			return false;
	return true;
}

/* One row as differences from the one before: 64-bit lanes, then single bytes; into planes. */
static void lanes_row(uint8_t *planes, uint32_t n, uint32_t row, const uint8_t *prev,
	const uint8_t *cur, uint32_t size)
{
	uint32_t at = 0, k;

	for (; at + 8 <= size; at += 8) {
		uint64_t a, b, d;

		memcpy(&a, prev + at, 8);
		memcpy(&b, cur + at, 8);
		d = zigzag((int64_t)(b - a));
		for (k = 0; k < 8; k++)
			planes[(size_t)(at + k) * n + row] = d >> 8 * k;
	}
	for (; at < size; at++)
		planes[(size_t)at * n + row] = cur[at] - prev[at];
}

static void put_lanes(const uint8_t *arena, const struct enc_blob *blob, uint32_t n,
	struct buf *how, struct buf *data)
{
	static const uint8_t zero[LANES_MAX_SIZE];
	uint32_t size = blob[0].size, i;
	uint8_t *p = buf_reserve(data, (size_t)size * n);

	buf_add_byte(how, FT_LANES);
	buf_add_varint(how, n);
	buf_add_varint(how, size);
	if (!p)
		return;
	for (i = 0; i < n; i++)
		lanes_row(p, n, i, i ? arena + blob[i - 1].off : zero, arena + blob[i].off, size);
	data->len += (size_t)size * n;
}

static uint32_t shared_prefix(const uint8_t *a, uint32_t a_size, const uint8_t *b, uint32_t b_size)
{
	uint32_t max = a_size < b_size ? a_size : b_size, n = 0;

	while (n < max && a[n] == b[n])
		n++;
	return n;
}

static void put_front(const uint8_t *arena, const struct enc_blob *blob, uint32_t n,
	struct buf *how, struct buf *data)
{
	uint32_t i;

	buf_add_byte(how, FT_FRONT);
	for (i = 0; i < n; i++) {
		const uint8_t *cur = arena + blob[i].off;
		uint32_t same = i ? shared_prefix(arena + blob[i - 1].off, blob[i - 1].size, cur,
					    blob[i].size)
				  : 0;

		buf_add_varint(how, same);
		buf_add(data, cur + same, blob[i].size - same);
	}
}

static int put_groups(struct block_builder *bb)
{
	uint32_t i, groups = bb->e->heads_size < FMT_GROUPS ? bb->e->heads_size : FMT_GROUPS;
	CLEANUP(buf) struct buf how = {0}, data = {0};

	for (i = 0; i < groups; i++) {
		const struct buf *blobs = &bb->e->head[i].blobs;
		const struct enc_blob *blob = (const struct enc_blob *)blobs->data;
		uint32_t n = blobs->len / sizeof(*blob);

		if (blobs->failed)
			return -ENOMEM;
		if (!n)
			continue;
		buf_reset(&how);
		buf_reset(&data);
		if (lanes_fit(blob, n))
			put_lanes(bb->e->arena.data, blob, n, &how, &data);
		else
			put_front(bb->e->arena.data, blob, n, &how, &data);
		if (how.failed || data.failed)
			return -ENOMEM;
		put_column(bb, COL_DATA + 2 * i, &how);
		put_column(bb, COL_DATA + 2 * i + 1, &data);
	}
	return 0;
}

/* ---- the block ---- */

static void put_summary(struct encoder *e, struct buf *out)
{
	bool listed = e->tasks.n <= FMT_TASKS_MAX;
	struct fmt_summary s = {.kinds = e->kinds, .n_tasks = listed ? e->tasks.n : UINT32_MAX};

	memcpy(s.nrs, e->nrs, sizeof(s.nrs));
	buf_add(out, &s, sizeof(s));
	if (listed)
		buf_add(out, e->tasks.key, e->tasks.n * sizeof(*e->tasks.key));
}

static void flush_bits(struct bit_writer *w, struct buf *b)
{
	if (w->n)
		buf_add_byte(b, w->acc);
	*w = (struct bit_writer){0};
}

static int put_columns(struct block_builder *bb)
{
	struct encoder *e = bb->e;
	unsigned int i;

	flush_bits(&e->gap_bits, &e->col[COL_GAP_BITS]);
	flush_bits(&e->dur_bits, &e->col[COL_DUR_BITS]);
	if (e->arena.len)
		buf_add_varint(&e->col[COL_TOTALS], e->arena.len);
	for (i = 0; i < COL_FIXED_MAX; i++) {
		if (e->col[i].failed)
			return -ENOMEM;
		put_column(bb, i, &e->col[i]);
	}
	return put_groups(bb);
}

static void encoder_reset(struct encoder *e)
{
	uint32_t i;

	for (i = 0; i < COL_FIXED_MAX; i++)
		buf_reset(&e->col[i]);
	for (i = 0; i < e->heads_size; i++)
		buf_reset(&e->head[i].blobs);
	numbering_reset(&e->shapes);
	numbering_reset(&e->tasks);
	numbering_reset(&e->heads);
	dedup_reset(&e->payloads);
	dedup_reset(&e->blobs);
	buf_reset(&e->arena);
	fmt_predict_reset(e->predict);
	memset(e->nrs, 0, sizeof(e->nrs));
	e->last_task = UINT32_MAX;
	e->last_end = e->max_ns = 0;
	e->min_ns = UINT64_MAX;
	e->n = e->kinds = 0;
}

int encoder_finish(struct encoder *e, ZSTD_CCtx *zstd, uint64_t first_seq, struct buf *out)
{
	struct block_builder bb = {.e = e, .zstd = zstd, .out = out};
	struct fmt_block_head h = {.magic = FMT_BLOCK_MAGIC,
		.kind = FB_EVENTS,
		.n_events = e->n,
		.first_seq = first_seq,
		.min_ns = e->min_ns,
		.max_ns = e->max_ns};
	size_t at = out->len;
	int rc;

	buf_add(out, &h, sizeof(h));
	put_summary(e, out);
	h.summary = out->len - at - sizeof(h);
	rc = put_columns(&bb);
	if (rc || out->failed || e->failed)
		return -ENOMEM;
	h.size = out->len - at - sizeof(h);
	h.raw_size = bb.raw_size;
	h.body_sum = XXH3_64bits(out->data + at + sizeof(h), h.size);
	h.head_sum = XXH3_64bits(&h, offsetof(struct fmt_block_head, head_sum));
	memcpy(out->data + at, &h, sizeof(h));
	encoder_reset(e);
	return 0;
}
