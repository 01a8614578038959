/* See unpack.h. Events here; captures in unpack_payload.c. */
#include "tracer/store/unpack_internal.h"
#include "common/cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <zstd.h>

int unpacker_new(struct unpacker **out)
{
	struct unpacker *u = calloc(1, sizeof(*u));

	*out = NULL;
	if (!u)
		return -ENOMEM;
	u->zstd = ZSTD_createDCtx();
	u->predict = malloc(sizeof(*u->predict));
	if (!u->zstd || !u->predict) {
		unpacker_free(u);
		return -ENOMEM;
	}
	*out = u;
	return 0;
}

void unpacker_free(struct unpacker *u)
{
	if (!u)
		return;
	ZSTD_freeDCtx(u->zstd);
	free(u->predict);
	buf_fini(&u->raw);
	buf_fini(&u->shapes);
	buf_fini(&u->tasks);
	unpack_payload_fini(u);
	free(u);
}

/* ---- columns ---- */

static bool column_set(struct unpacker *u, uint64_t id, const uint8_t *p, size_t size)
{
	if (id >= FMT_COLUMN_IDS || u->col[id].p)
		return false;
	u->col[id] = (struct cursor){p, p + size};
	return true;
}

static bool bundle_open(struct unpacker *u)
{
	struct cursor c = u->col[COL_BUNDLE];
	uint64_t id, size;

	while (c.p < c.end) {
		if (!cursor_varint(&c, &id) || !cursor_varint(&c, &size) ||
			size > (size_t)(c.end - c.p) || !column_set(u, id, c.p, size))
			return false;
		c.p += size;
	}
	return true;
}

static bool column_unpack(struct unpacker *u, const struct fmt_column_head *c, const uint8_t *data)
{
	uint8_t *to = u->raw.data + u->raw.len;

	if (!c->packed) {
		if (c->raw_size != c->size)
			return false;
		memcpy(to, data, c->size);
	} else {
		size_t n = ZSTD_decompressDCtx(u->zstd, to, c->raw_size, data, c->size);

		if (ZSTD_isError(n) || n != c->raw_size)
			return false;
	}
	u->raw.len += c->raw_size;
	return column_set(u, c->id, to, c->raw_size);
}

/* All columns into u->raw, whose size the head bounds. */
static int columns_unpack(struct unpacker *u, const struct fmt_block_head *h, const uint8_t *data,
	size_t size, const char **why)
{
	struct fmt_column_head c;

	memset(u->col, 0, sizeof(u->col));
	buf_reset(&u->raw);
	if (!buf_reserve(&u->raw, h->raw_size + 1))
		return -ENOMEM;
	while (size) {
		if (size < sizeof(c))
			return bad(why, "a column is cut off");
		memcpy(&c, data, sizeof(c));
		data += sizeof(c);
		size -= sizeof(c);
		if (c.size > size || c.raw_size > h->raw_size - u->raw.len)
			return bad(why, "a column is larger than its block");
		if (!column_unpack(u, &c, data))
			return bad(why, "a column cannot be unpacked, is unknown or there twice");
		data += c.size;
		size -= c.size;
	}
	if (!bundle_open(u))
		return bad(why, "its small columns are malformed");
	return 0;
}

/* ---- one event ---- */

struct shape {
	uint8_t kind, flags;
	uint16_t nr;
};

struct task {
	uint32_t tid;
	uint64_t last_end;
};

static bool get_shape(struct unpacker *u, struct trace_event *ev, uint32_t *number)
{
	uint64_t v, nr;
	uint8_t kind, flags;
	const struct shape *s;

	if (!cursor_varint(&u->col[COL_SHAPE], &v))
		return false;
	if (!v) {
		struct cursor *c = &u->col[COL_SHAPES];

		if (!cursor_byte(c, &kind) || !cursor_byte(c, &flags) || !cursor_varint(c, &nr))
			return false;
		if (!kind || kind >= TK_KIND_MAX || nr > UINT16_MAX)
			return false;
		buf_add(&u->shapes, &(struct shape){kind, flags, nr}, sizeof(*s));
		v = u->shapes.len / sizeof(*s);
	}
	if (v > u->shapes.len / sizeof(*s) || u->shapes.failed)
		return false;
	s = (const struct shape *)u->shapes.data + v - 1;
	ev->kind = s->kind;
	ev->flags = s->flags;
	ev->nr = s->nr;
	*number = v - 1;
	return true;
}

static bool get_task(struct unpacker *u, struct trace_event *ev, uint32_t *number)
{
	uint64_t v, tid;

	if (!cursor_varint(&u->col[COL_TID], &v))
		return false;
	if (v == 1) {
		if (!cursor_varint(&u->col[COL_TIDS], &tid) || tid > UINT32_MAX)
			return false;
		u->last_task = u->tasks.len / sizeof(struct task);
		buf_add(&u->tasks, &(struct task){tid, u->last_end}, sizeof(struct task));
	} else if (v) {
		u->last_task = v - 2 < UINT32_MAX ? v - 2 : UINT32_MAX;
	}
	if (u->tasks.failed || u->last_task >= u->tasks.len / sizeof(struct task))
		return false;
	*number = u->last_task;
	ev->tid = ((const struct task *)u->tasks.data)[*number].tid;
	return true;
}

static bool get_code(struct unpacker *u, unsigned int column, struct bit_reader *bits, uint64_t *v)
{
	uint8_t code;
	uint64_t low;

	if (!cursor_byte(&u->col[column], &code))
		return false;
	if (!bits_get(bits, &u->col[column + 1], fmt_code_bits(code), &low))
		return false;
	*v = fmt_code_value(code, low);
	return true;
}

static bool get_times(struct unpacker *u, struct trace_event *ev, uint32_t number)
{
	struct task *t = (struct task *)u->tasks.data + number;
	uint64_t gap;

	if (!get_code(u, COL_GAP, &u->gap_bits, &gap) ||
		!get_code(u, COL_DUR, &u->dur_bits, &ev->dur_ns))
		return false;
	ev->dur_ns <<= FMT_TIME_SHIFT;
	ev->enter_ns = t->last_end + (gap << FMT_TIME_SHIFT);
	t->last_end = u->last_end = ev->enter_ns + ev->dur_ns;
	return true;
}

static inline bool get_value(struct unpacker *u, unsigned int column, uint64_t *v)
{
	struct cursor *c = &u->col[column];

	return c->p && fmt_value_get(&c->p, c->end, *v, v);
}

static bool get_values(struct unpacker *u, struct trace_event *ev, uint32_t shape, uint32_t task)
{
	struct fmt_context *c = fmt_predict_get(u->predict, shape, task);
	uint8_t mask, mask2 = 0;
	unsigned int i;

	if (!cursor_byte(&u->col[COL_MASK], &mask))
		return false;
	if (mask & 0x80 && !cursor_byte(&u->col[COL_MASK2], &mask2))
		return false;
	for (i = 0; i < 7; i++) {
		uint64_t *v = i < 6 ? &c->arg[i] : &c->ret;

		if (mask & 1u << i && !get_value(u, i < 6 ? COL_ARG + i : COL_RET, v))
			return false;
	}
	if (mask2 & 1 && !get_value(u, COL_IP, &c->ip))
		return false;
	if (mask2 & 2 && !get_value(u, COL_SP, &c->sp))
		return false;
	memcpy(ev->arg, c->arg, sizeof(ev->arg));
	ev->ret = c->ret;
	ev->ip = c->ip;
	ev->sp = c->sp;
	return true;
}

static void unpacker_reset(struct unpacker *u)
{
	fmt_predict_reset(u->predict);
	buf_reset(&u->shapes);
	buf_reset(&u->tasks);
	u->gap_bits = u->dur_bits = (struct bit_reader){0};
	u->last_task = UINT32_MAX;
	u->last_end = 0;
}

static int events_unpack(struct unpacker *u, const struct fmt_block_head *h, struct trace_event *ev,
	const char **why)
{
	uint32_t i, shape, task;
	int rc;

	for (i = 0; i < h->n_events; i++, ev++) {
		ev->seq = h->first_seq + i;
		if (!get_shape(u, ev, &shape) || !get_task(u, ev, &task))
			return bad(why, "an event's kind or task is malformed");
		if (!get_times(u, ev, task))
			return bad(why, "an event's times are malformed");
		if (!get_values(u, ev, shape, task))
			return bad(why, "an event's values are malformed");
		rc = unpack_payload(u, ev, why);
		if (rc)
			return rc;
	}
	return 0;
}

int unpack_block(struct unpacker *u, const struct fmt_block_head *h, const uint8_t *data,
	size_t size, struct trace_event *ev, uint8_t **arena, size_t *arena_size, const char **why)
{
	int rc;

	*arena = NULL;
	*arena_size = 0;
	unpacker_reset(u);
	rc = columns_unpack(u, h, data, size, why);
	if (!rc)
		rc = unpack_payload_start(u, why);
	if (!rc)
		rc = events_unpack(u, h, ev, why);
	if (rc) {
		free(STEAL(u->arena));
		return rc;
	}
	*arena_size = u->arena_size;
	*arena = STEAL(u->arena);
	return 0;
}
