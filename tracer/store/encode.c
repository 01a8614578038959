/*
 * Events into columns, one at a time, as they come: nothing is kept of an event but its bytes in
 * the columns. block.c makes a block of them.
 */
#include "tracer/store/encode.h"
#include "tracer/store/capture.h"
#include "common/cleanup.h"

#include <errno.h>
#include <stdlib.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

int encoder_init(struct encoder *e, int level)
{
	*e = (struct encoder){.level = level, .last_task = UINT32_MAX, .min_ns = UINT64_MAX};
	e->predict = calloc(1, sizeof(*e->predict));
	return e->predict ? 0 : -ENOMEM;
}

void encoder_fini(struct encoder *e)
{
	uint32_t i;

	for (i = 0; i < ARRAY_LEN(e->col); i++)
		buf_fini(&e->col[i]);
	for (i = 0; i < e->heads_size; i++)
		buf_fini(&e->head[i].blobs);
	numbering_fini(&e->shapes);
	numbering_fini(&e->tasks);
	numbering_fini(&e->heads);
	dedup_fini(&e->payloads);
	dedup_fini(&e->blobs);
	buf_fini(&e->arena);
	free(e->predict);
	free(e->task_end);
	free(e->head);
}

/* The columns are written byte by byte, mostly: the usual case is worth being inline. */
static inline void put_byte(struct buf *b, uint8_t c)
{
	if (b->len < b->size && !b->failed)
		b->data[b->len++] = c;
	else
		buf_add_byte(b, c);
}

static inline void put_varint(struct buf *b, uint64_t v)
{
	if (v < 0x80)
		put_byte(b, v);
	else
		buf_add_varint(b, v);
}

static void put_bits(struct bit_writer *w, struct buf *b, uint64_t v, unsigned int n)
{
	while (n) {
		unsigned int take = n < 8 - w->n ? n : 8 - w->n;

		w->acc |= (v & ((1u << take) - 1)) << w->n;
		v >>= take;
		n -= take;
		w->n += take;
		if (w->n == 8) {
			put_byte(b, w->acc);
			w->acc = w->n = 0;
		}
	}
}

static inline void put_code(
	struct encoder *e, unsigned int column, struct bit_writer *w, uint64_t v)
{
	unsigned int code = fmt_code_of(v), n = fmt_code_bits(code);

	put_byte(&e->col[column], code);
	put_bits(w, &e->col[column + 1], n ? v & ((1ull << n) - 1) : 0, n);
}

static void add_shape(struct encoder *e, const struct trace_event *ev, uint32_t *shape)
{
	uint32_t key = (uint32_t)ev->kind << 24 | (uint32_t)ev->flags << 16 | ev->nr;
	unsigned int bit = ev->nr < FMT_NR_BITS ? ev->nr : FMT_NR_BITS - 1;
	bool is_new;
	int64_t n = numbering_get(&e->shapes, key, &is_new);

	*shape = n < 0 ? 0 : n;
	e->failed |= n < 0;
	put_varint(&e->col[COL_SHAPE], is_new ? 0 : n + 1);
	if (!is_new)
		return;
	put_byte(&e->col[COL_SHAPES], ev->kind);
	put_byte(&e->col[COL_SHAPES], ev->flags);
	put_varint(&e->col[COL_SHAPES], ev->nr);
	e->kinds |= 1u << (ev->kind & 31);
	if (ev->kind == TK_CALL || ev->kind == TK_CALL_OPEN)
		e->nrs[bit / 8] |= 1u << bit % 8;
}

static bool grow_tasks(struct encoder *e)
{
	uint32_t size = e->task_ends_size ? e->task_ends_size * 2 : 64;
	uint64_t *p = realloc(e->task_end, size * sizeof(*p));

	if (!p)
		return false;
	e->task_end = p;
	e->task_ends_size = size;
	return true;
}

static void add_task(struct encoder *e, const struct trace_event *ev, uint32_t *task)
{
	bool is_new = false;
	int64_t n = e->last_task;

	if (n < e->tasks.n && e->tasks.key[n] == ev->tid) {
		put_byte(&e->col[COL_TID], 0);
	} else {
		n = numbering_get(&e->tasks, ev->tid, &is_new);
		if (n < 0 || (n >= e->task_ends_size && !grow_tasks(e))) {
			e->failed = true;
			n = 0;
			is_new = false;
		}
		put_varint(&e->col[COL_TID], is_new ? 1 : n + 2);
	}
	if (is_new) {
		put_varint(&e->col[COL_TIDS], ev->tid);
		e->task_end[n] = e->last_end;
	}
	e->last_task = n;
	*task = n;
}

static void add_times(struct encoder *e, const struct trace_event *ev, uint32_t task)
{
	const uint64_t low = TRACE_TIME_STEP - 1;
	uint64_t enter = ev->enter_ns & ~low, end = (ev->enter_ns + ev->dur_ns) & ~low;

	put_code(e, COL_GAP, &e->gap_bits, (enter - e->task_end[task]) >> FMT_TIME_SHIFT);
	put_code(e, COL_DUR, &e->dur_bits, (end - enter) >> FMT_TIME_SHIFT);
	e->task_end[task] = e->last_end = end;
	if (enter < e->min_ns)
		e->min_ns = enter;
	if (end > e->max_ns)
		e->max_ns = end;
}

static void add_values(
	struct encoder *e, const struct trace_event *ev, uint32_t shape, uint32_t task)
{
	struct fmt_context *c = fmt_predict_get(e->predict, shape, task);
	unsigned int mask = 0, mask2 = 0, i;

	for (i = 0; i < 6; i++) {
		if (ev->arg[i] == c->arg[i])
			continue;
		mask |= 1u << i;
		fmt_value_put(&e->col[COL_ARG + i], ev->arg[i], c->arg[i]);
		c->arg[i] = ev->arg[i];
	}
	if ((uint64_t)ev->ret != c->ret) {
		mask |= 1u << 6;
		fmt_value_put(&e->col[COL_RET], ev->ret, c->ret);
		c->ret = ev->ret;
	}
	if (ev->ip != c->ip) {
		mask2 |= 1;
		fmt_value_put(&e->col[COL_IP], ev->ip, c->ip);
		c->ip = ev->ip;
	}
	if (ev->sp != c->sp) {
		mask2 |= 2;
		fmt_value_put(&e->col[COL_SP], ev->sp, c->sp);
		c->sp = ev->sp;
	}
	put_byte(&e->col[COL_MASK], mask | (mask2 ? 0x80 : 0));
	if (mask2)
		put_byte(&e->col[COL_MASK2], mask2);
}

/* ---- payloads ---- */

static bool grow_heads(struct encoder *e)
{
	uint32_t size = e->heads_size ? e->heads_size * 2 : 64;
	struct enc_head *p = realloc(e->head, size * sizeof(*p));

	if (!p)
		return false;
	memset(p + e->heads_size, 0, (size - e->heads_size) * sizeof(*p));
	e->head = p;
	e->heads_size = size;
	return true;
}

/* The number of the capture's head, or -1. Each call has heads of its own, so that what shares a
 * group are structs of one type. */
static int64_t add_head(struct encoder *e, const struct trace_cap *cap)
{
	uint64_t key = (uint64_t)e->nr << 32 | (uint32_t)cap->slot << 24 |
		       (uint32_t)cap->flags << 16 | cap->part;
	bool is_new;
	int64_t n = numbering_get(&e->heads, key, &is_new);

	if (n < 0 || (n >= e->heads_size && !grow_heads(e)))
		return -1;
	put_varint(&e->col[COL_CAP], is_new ? 0 : n + 1);
	if (is_new) {
		put_byte(&e->col[COL_CAPS], cap->slot);
		put_byte(&e->col[COL_CAPS], cap->flags);
		put_varint(&e->col[COL_CAPS], cap->part);
		e->head[n].last_size = 0;
	}
	return n;
}

static void add_blob(struct encoder *e, uint32_t head, uint32_t off, uint32_t size)
{
	struct enc_blob blob = {off, size};
	const uint8_t *data = e->arena.data + off;

	if (size >= FMT_BLOB_MIN) {
		uint64_t hash = XXH3_64bits(data, size);
		int64_t seen = dedup_find(&e->blobs, e->arena.data, hash, data, size);

		put_varint(&e->col[COL_BLOB], seen < 0 ? 0 : e->blobs.n - seen);
		if (seen >= 0)
			return;
		e->failed |= !dedup_add(&e->blobs, hash, off, size);
	}
	buf_add(&e->head[fmt_group(head)].blobs, &blob, sizeof(blob));
}

static void add_capture(struct encoder *e, const struct trace_cap *cap)
{
	int64_t n = add_head(e, cap);

	if (n < 0) {
		e->failed = true;
		return;
	}
	if (cap->size == e->head[n].last_size)
		put_byte(&e->col[COL_CAP_SIZE], 0);
	else
		put_varint(&e->col[COL_CAP_SIZE], (uint64_t)cap->size + 1);
	e->head[n].last_size = cap->size;
	put_varint(&e->col[COL_CAP_MORE], cap->full - cap->size);
	if (cap->size < cap->full)
		buf_add(&e->col[COL_CAP_HASH], &cap->hash, sizeof(cap->hash));
	if (cap->size)
		add_blob(e, n, cap->data - e->arena.data, cap->size);
}

/* Bytes that are no sequence of captures: kept as one blob all the same. */
static void add_foreign(struct encoder *e, uint32_t off, uint32_t size)
{
	while (e->heads_size < FMT_GROUPS)
		if (!grow_heads(e)) {
			e->failed = true;
			return;
		}
	put_byte(&e->col[COL_CAP_COUNT], 0);
	put_varint(&e->col[COL_CAP_COUNT], size);
	add_blob(e, FMT_GROUPS - 1, off, size);
}

static void add_new_payload(struct encoder *e, uint32_t off, uint32_t size)
{
	struct trace_event ev = {.payload = e->arena.data + off, .payload_size = size};
	struct trace_cap_iter it = trace_caps(&ev);
	struct trace_cap cap;
	uint32_t n = 0;

	while (trace_cap_step(&it, &cap))
		n++;
	if (it.p != it.end) {
		add_foreign(e, off, size);
		return;
	}
	put_varint(&e->col[COL_CAP_COUNT], n);
	for (it = trace_caps(&ev); trace_cap_step(&it, &cap);)
		add_capture(e, &cap);
}

static void add_payload(struct encoder *e, const struct trace_event *ev)
{
	uint64_t hash;
	int64_t seen;
	size_t off = e->arena.len;

	if (!ev->payload_size) {
		put_byte(&e->col[COL_PAYLOAD], 0);
		return;
	}
	hash = XXH3_64bits(ev->payload, ev->payload_size);
	seen = dedup_find(&e->payloads, e->arena.data, hash, ev->payload, ev->payload_size);
	if (seen >= 0) {
		put_varint(&e->col[COL_PAYLOAD], 1 + e->payloads.n - seen);
		return;
	}
	put_byte(&e->col[COL_PAYLOAD], 1);
	e->nr = ev->nr;
	buf_add(&e->arena, ev->payload, ev->payload_size);
	if (e->arena.failed || !dedup_add(&e->payloads, hash, off, ev->payload_size)) {
		e->failed = true;
		return;
	}
	add_new_payload(e, off, ev->payload_size);
}

int encoder_add(struct encoder *e, const struct trace_event *ev)
{
	uint32_t shape, task;

	add_shape(e, ev, &shape);
	add_task(e, ev, &task);
	if (e->failed)
		return -ENOMEM;
	add_times(e, ev, task);
	add_values(e, ev, shape, task);
	add_payload(e, ev);
	e->n++;
	return e->failed ? -ENOMEM : 0;
}

size_t encoder_size(const struct encoder *e)
{
	size_t size = e->arena.len;
	unsigned int i;

	for (i = 0; i < COL_FIXED_MAX; i++)
		size += e->col[i].len;
	return size;
}
