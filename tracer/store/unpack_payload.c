/* Payloads out of their columns; see unpack.h. */
#include "tracer/store/unpack_internal.h"
#include "tracer/store/capture.h"

#include <stdlib.h>

void unpack_payload_fini(struct unpacker *u)
{
	buf_fini(&u->rows);
	buf_fini(&u->heads);
	buf_fini(&u->payloads);
	buf_fini(&u->blobs);
	free(u->arena);
}

/* ---- groups of captured data ---- */

static bool take_bytes(struct cursor *c, void *to, size_t size)
{
	if (size > (size_t)(c->end - c->p))
		return false;
	memcpy(to, c->p, size);
	c->p += size;
	return true;
}

static uint64_t row_word(const struct group *g, int64_t row, int64_t word)
{
	uint64_t v = 0;

	if (row >= 0 && word >= 0)
		memcpy(&v, g->rows + (size_t)row * g->size + 8 * (size_t)word, sizeof(v));
	return v;
}

/* A word that its code does not tell alone. */
static bool get_word(struct cursor *data, uint8_t code, uint64_t prev, uint64_t *v)
{
	uint64_t d = 0;

	if (code >= FW_RAW && code <= FW_RAW + 8) {
		*v = 0;
		return take_bytes(data, v, code - FW_RAW);
	}
	if (code < FW_DIFF || code > FW_DIFF + 8 || !take_bytes(data, &d, code - FW_DIFF))
		return false;
	*v = prev + (uint64_t)unzigzag(d);
	return true;
}

/* The reverse of block.c:put_word_column(). */
static bool get_word_column(
	const struct group *g, uint32_t w, const uint8_t *code, struct cursor *data)
{
	uint64_t cache[FMT_WORD_CACHE] = {0}, v = 0;
	uint32_t i;

	for (i = 0; i < g->n; i++) {
		uint64_t prev = v;
		uint8_t slot;

		switch (code[i]) {
		case FW_SAME:
			break;
		case FW_TWO_BACK:
			v = row_word(g, i, (int64_t)w - 2);
			break;
		case FW_ONE_BACK:
			v = row_word(g, i, (int64_t)w - 1);
			break;
		case FW_CACHED:
			if (!cursor_byte(data, &slot))
				return false;
			v = cache[slot];
			break;
		default:
			if (!get_word(data, code[i], prev, &v))
				return false;
			cache[fmt_word_slot(v)] = v;
		}
		memcpy(g->rows + (size_t)i * g->size + 8 * (size_t)w, &v, sizeof(v));
	}
	return true;
}

/* The reverse of block.c:put_rows(). Rows of all groups together are no more than the payloads. */
static bool rows_undo(struct unpacker *u, struct group *g, struct cursor *how, struct cursor *data)
{
	uint64_t n, size, words, w, at, i;

	if (!cursor_varint(how, &n) || !cursor_varint(how, &size))
		return false;
	if (!n || !size || n > FMT_PAYLOAD_MAX || size > FMT_PAYLOAD_MAX ||
		n * size > u->arena_size - u->rows.len)
		return false;
	words = size / 8;
	if (words * n != (uint64_t)(how->end - how->p))
		return false;
	g->n = n;
	g->size = size;
	g->rows = u->rows.data + u->rows.len;
	for (w = 0; w < words; w++)
		if (!get_word_column(g, w, how->p + w * n, data))
			return false;
	for (at = 8 * words; at < size; at++)
		for (i = 0; i < n; i++)
			if (!cursor_byte(data, g->rows + i * size + at))
				return false;
	u->rows.len += n * size;
	return data->p == data->end;
}

static bool groups_start(struct unpacker *u)
{
	unsigned int i;

	for (i = 0; i < FMT_GROUPS; i++) {
		struct group *g = &u->group[i];
		struct cursor *how = &u->col[COL_DATA + 2 * i];

		*g = (struct group){0};
		if (!how->p)
			continue;
		if (!cursor_byte(how, &g->transform) || g->transform > FT_ROWS)
			return false;
		g->started = true;
		if (g->transform == FT_ROWS && !rows_undo(u, g, how, how + 1))
			return false;
	}
	return true;
}

static bool group_take_front(
	struct unpacker *u, struct group *g, unsigned int i, uint8_t *to, uint32_t size)
{
	struct cursor *how = &u->col[COL_DATA + 2 * i], *data = how + 1;
	uint64_t same;

	if (!cursor_varint(how, &same) || same > size || same > g->prev.size)
		return false;
	if (size - same > (size_t)(data->end - data->p))
		return false;
	if (same)
		memcpy(to, g->prev.p, same);
	if (size > same)
		memcpy(to + same, data->p, size - same);
	data->p += size - same;
	g->prev = (struct bytes){to, size};
	return true;
}

/* The next blob of group i, which has that size, to `to`. */
static bool group_take(struct unpacker *u, unsigned int i, uint8_t *to, uint32_t size)
{
	struct group *g = &u->group[i];

	if (!g->started)
		return false;
	if (g->transform == FT_FRONT)
		return group_take_front(u, g, i, to, size);
	if (g->at == g->n || size != g->size)
		return false;
	memcpy(to, g->rows + (size_t)g->at++ * g->size, size);
	return true;
}

/* ---- captures ---- */

/* Room for n more bytes of payload, or NULL: the block claims to hold less. */
static uint8_t *arena_take(struct unpacker *u, size_t n)
{
	if (!n || n > u->arena_size - u->arena_used)
		return NULL;
	u->arena_used += n;
	return u->arena + u->arena_used - n;
}

static bool get_blob(struct unpacker *u, uint32_t head, uint8_t *to, uint32_t size)
{
	uint64_t ago = 0;
	uint32_t n = u->blobs.len / sizeof(struct bytes);
	struct bytes b = {to, size};

	if (size >= FMT_BLOB_MIN && !cursor_varint(&u->col[COL_BLOB], &ago))
		return false;
	if (ago) {
		if (ago > n)
			return false;
		b = ((const struct bytes *)u->blobs.data)[n - ago];
		if (b.size != size)
			return false;
		memcpy(to, b.p, size);
		return true;
	}
	if (!group_take(u, fmt_group(head), to, size))
		return false;
	if (size >= FMT_BLOB_MIN)
		buf_add(&u->blobs, &b, sizeof(b));
	return !u->blobs.failed;
}

static struct head *get_head(struct unpacker *u, uint32_t *number)
{
	struct cursor *c = &u->col[COL_CAPS];
	uint64_t v, part;
	struct head h = {0};

	if (!cursor_varint(&u->col[COL_CAP], &v))
		return NULL;
	if (!v) {
		if (!cursor_byte(c, &h.slot) || !cursor_byte(c, &h.flags) ||
			!cursor_varint(c, &part) || part > UINT16_MAX)
			return NULL;
		h.part = part;
		buf_add(&u->heads, &h, sizeof(h));
		v = u->heads.len / sizeof(h);
	}
	if (u->heads.failed || v > u->heads.len / sizeof(h))
		return NULL;
	*number = v - 1;
	return (struct head *)u->heads.data + v - 1;
}

static bool get_hash(struct unpacker *u, uint64_t *hash)
{
	struct cursor *c = &u->col[COL_CAP_HASH];

	if ((size_t)(c->end - c->p) < sizeof(*hash))
		return false;
	memcpy(hash, c->p, sizeof(*hash));
	c->p += sizeof(*hash);
	return true;
}

static bool get_capture(struct unpacker *u)
{
	uint32_t number;
	struct head *h = get_head(u, &number);
	uint64_t size, more;
	struct trace_cap cap;
	uint8_t *p;

	if (!h || !cursor_varint(&u->col[COL_CAP_SIZE], &size) ||
		!cursor_varint(&u->col[COL_CAP_MORE], &more))
		return false;
	size = size ? size - 1 : h->last_size;
	if (size > FMT_ONE_PAYLOAD || more > UINT32_MAX - size)
		return false;
	h->last_size = size;
	cap = (struct trace_cap){.slot = h->slot,
		.flags = h->flags,
		.part = h->part,
		.full = size + more,
		.size = size};
	if (more && !get_hash(u, &cap.hash))
		return false;
	p = arena_take(u, cap_stored_size(&cap));
	if (!p)
		return false;
	cap_write(p, &cap);
	return !size || get_blob(u, number, p + cap_stored_size(&cap) - size, size);
}

static bool get_foreign(struct unpacker *u)
{
	uint64_t size;
	uint8_t *p;

	if (!cursor_varint(&u->col[COL_CAP_COUNT], &size) || !size || size > FMT_ONE_PAYLOAD)
		return false;
	p = arena_take(u, size);
	return p && get_blob(u, FMT_GROUPS - 1, p, size);
}

static bool new_payload(struct unpacker *u)
{
	struct bytes b;
	size_t before = u->arena_used;
	uint64_t count;

	if (!cursor_varint(&u->col[COL_CAP_COUNT], &count))
		return false;
	if (!count && !get_foreign(u))
		return false;
	for (; count; count--)
		if (!get_capture(u))
			return false;
	if (u->arena_used - before > FMT_ONE_PAYLOAD)
		return false;
	b = (struct bytes){u->arena + before, u->arena_used - before};
	buf_add(&u->payloads, &b, sizeof(b));
	return !u->payloads.failed;
}

int unpack_payload(struct unpacker *u, struct trace_event *ev, const char **why)
{
	uint64_t ago;
	uint32_t n;
	const struct bytes *b;

	if (!cursor_varint(&u->col[COL_PAYLOAD], &ago))
		return bad(why, "an event's payload is missing");
	ev->payload = NULL;
	ev->payload_size = 0;
	if (!ago)
		return 0;
	if (ago == 1) {
		if (!new_payload(u))
			return bad(why, "an event's payload is malformed");
		ago = 2;
	}
	n = u->payloads.len / sizeof(*b);
	if (ago - 1 > n)
		return bad(why, "an event's payload is not there");
	b = (const struct bytes *)u->payloads.data + n - (ago - 1);
	ev->payload = b->p;
	ev->payload_size = b->size;
	return 0;
}

int unpack_payload_start(struct unpacker *u, const char **why)
{
	uint64_t total = 0;

	buf_reset(&u->rows);
	buf_reset(&u->heads);
	buf_reset(&u->payloads);
	buf_reset(&u->blobs);
	u->arena = NULL;
	u->arena_size = u->arena_used = 0;
	if (u->col[COL_TOTALS].p && !cursor_varint(&u->col[COL_TOTALS], &total))
		return bad(why, "the size of its payloads is malformed");
	if (total > FMT_PAYLOAD_MAX)
		return bad(why, "its payloads are too large");
	u->arena_size = total;
	if (!buf_reserve(&u->rows, total + 1))
		return -ENOMEM;
	if (!groups_start(u))
		return bad(why, "its captured data are malformed");
	if (!total)
		return 0;
	u->arena = malloc(total);
	return u->arena ? 0 : -ENOMEM;
}
