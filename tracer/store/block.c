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
#define ROWS_MAX_SIZE 256u
/* Columns up to this size go into the bundle. */
#define BUNDLE_MAX 512u
#define ROWS_MIN   4u

struct block_builder {
	struct encoder *e;
	ZSTD_CCtx *zstd;
	struct buf *out;
	struct buf bundle; /* COL_BUNDLE */
	uint32_t raw_size;
};

static void put_alone(struct block_builder *bb, unsigned int id, const struct buf *col)
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

/* A frame of its own costs more than it saves for a few bytes: those share one. */
static void put_column(struct block_builder *bb, unsigned int id, const struct buf *col)
{
	if (col->len > BUNDLE_MAX) {
		put_alone(bb, id, col);
	} else if (col->len) {
		buf_add_varint(&bb->bundle, id);
		buf_add_varint(&bb->bundle, col->len);
		buf_add(&bb->bundle, col->data, col->len);
	}
}

/* ---- captured data ---- */

static bool rows_fit(const struct enc_blob *blob, uint32_t n)
{
	uint32_t i;

	if (n < ROWS_MIN || blob[0].size > ROWS_MAX_SIZE)
		return false;
	for (i = 1; i < n; i++)
		if (blob[i].size != blob[0].size)
			return false;
	return true;
}

/* A word that no rule foretells, in as few bytes as it or its difference from `prev` takes. */
static uint8_t put_word(struct buf *data, uint64_t v, uint64_t prev)
{
	uint64_t d = zigzag((int64_t)(v - prev));
	unsigned int raw_size = fmt_word_size(v), diff_size = fmt_word_size(d);

	if (diff_size < raw_size) {
		buf_add(data, &d, diff_size);
		return FW_DIFF + diff_size;
	}
	buf_add(data, &v, raw_size);
	return FW_RAW + raw_size;
}

static uint64_t word_at(
	const uint8_t *arena, const struct enc_blob *blob, int32_t row, int32_t word)
{
	uint64_t v = 0;

	if (row >= 0 && word >= 0)
		memcpy(&v, arena + blob[row].off + 8 * word, sizeof(v));
	return v;
}

/* Word number w of all rows. */
static void put_word_column(const uint8_t *arena, const struct enc_blob *blob, uint32_t n,
	int32_t w, uint8_t *code, struct buf *data)
{
	uint64_t cache[FMT_WORD_CACHE] = {0};
	uint32_t i;

	for (i = 0; i < n; i++) {
		uint64_t v = word_at(arena, blob, i, w),
			 prev = word_at(arena, blob, (int32_t)i - 1, w);
		unsigned int slot = fmt_word_slot(v);

		if (v == prev) {
			code[i] = FW_SAME;
		} else if (v == word_at(arena, blob, i, w - 2)) {
			code[i] = FW_TWO_BACK;
		} else if (v == word_at(arena, blob, i, w - 1)) {
			code[i] = FW_ONE_BACK;
		} else if (v == cache[slot]) {
			code[i] = FW_CACHED;
			buf_add_byte(data, slot);
		} else {
			code[i] = put_word(data, v, prev);
			cache[slot] = v;
		}
	}
}

static void put_rows(const uint8_t *arena, const struct enc_blob *blob, uint32_t n, struct buf *how,
	struct buf *data)
{
	uint32_t size = blob[0].size, words = size / 8, w, i, at;
	uint8_t *code;

	buf_add_byte(how, FT_ROWS);
	buf_add_varint(how, n);
	buf_add_varint(how, size);
	code = buf_reserve(how, (size_t)words * n);
	if (!code)
		return;
	for (w = 0; w < words; w++)
		put_word_column(arena, blob, n, w, code + (size_t)w * n, data);
	how->len += (size_t)words * n;
	for (at = 8 * words; at < size; at++)
		for (i = 0; i < n; i++)
			buf_add_byte(data, arena[blob[i].off + at]);
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
		if (rows_fit(blob, n))
			put_rows(bb->e->arena.data, blob, n, &how, &data);
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
	uint32_t i;
	struct fmt_summary s = {.kinds = e->kinds, .n_tasks = listed ? e->tasks.n : UINT32_MAX};

	memcpy(s.nrs, e->nrs, sizeof(s.nrs));
	buf_add(out, &s, sizeof(s));
	for (i = 0; listed && i < e->tasks.n; i++)
		buf_add(out, &(uint32_t){e->tasks.key[i]}, sizeof(uint32_t));
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
	if (put_groups(bb) || bb->bundle.failed)
		return -ENOMEM;
	put_alone(bb, COL_BUNDLE, &bb->bundle);
	return 0;
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
	buf_fini(&bb.bundle);
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
