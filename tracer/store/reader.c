/* The reading side of trace.h: blocks are unpacked one at a time. */
#include "tracer/store/reader_internal.h"
#include "common/cleanup.h"

#include <errno.h>
#include <stdlib.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

/* LIMIT: without TRACE_STREAM, payloads of one trace held in memory at most. */
#define KEPT_MAX ((size_t)2 << 30)

static int block_damaged(struct trace *t, uint32_t i, const char *what)
{
	t->usable = i;
	t->damaged = true;
	t->why[0] = 0;
	trace_torn(t, "the block at byte %llu is damaged (%s); %llu of %llu events are there",
		(unsigned long long)t->block[i].off, what,
		(unsigned long long)t->block[i].head.first_seq, (unsigned long long)t->n_events);
	return -EBADMSG;
}

/* The bytes after a block's head into t->bytes. */
static int read_body(struct trace *t, uint32_t i)
{
	const struct fmt_block_head *h = &t->block[i].head;
	int rc;

	buf_reset(&t->bytes);
	if (!buf_reserve(&t->bytes, (size_t)h->size + 1))
		return -ENOMEM;
	rc = trace_read_at(t, t->block[i].off + sizeof(*h), t->bytes.data, h->size);
	if (rc == -ENODATA)
		return block_damaged(t, i, "the file became shorter");
	if (rc)
		return rc;
	if (XXH3_64bits(t->bytes.data, h->size) != h->body_sum)
		return block_damaged(t, i, "its checksum is wrong");
	return 0;
}

/* Whether the caller's filter wants block i, whose body is in t->bytes. */
static bool block_wanted(struct trace *t, uint32_t i)
{
	const struct fmt_block_head *h = &t->block[i].head;
	struct trace_block b = {.first_seq = h->first_seq,
		.n_events = h->n_events,
		.min_ns = h->min_ns,
		.max_ns = h->max_ns};
	struct fmt_summary s;

	if (!t->want)
		return true;
	memcpy(&s, t->bytes.data, sizeof(s));
	b.kinds = s.kinds;
	b.nrs = s.nrs;
	if (s.n_tasks <= (h->summary - sizeof(s)) / sizeof(uint32_t)) {
		b.tids = (const uint32_t *)(t->bytes.data + sizeof(s));
		b.n_tids = s.n_tasks;
	}
	return t->want(&b, t->want_arg);
}

/* A block that is read again has its payloads in memory already: they keep their place. */
static void use_kept_arena(struct trace *t, uint32_t i, uint8_t *arena)
{
	uint32_t k;

	for (k = 0; k < t->block[i].head.n_events; k++)
		if (t->ev[k].payload)
			t->ev[k].payload = t->block[i].arena + (t->ev[k].payload - arena);
	free(arena);
}

static int keep_arena(struct trace *t, uint32_t i, uint8_t *arena, size_t size)
{
	bool stream = t->flags & TRACE_STREAM;

	if (stream && t->loaded < t->n_blocks)
		free(STEAL(t->block[t->loaded].arena));
	if (t->block[i].arena) {
		use_kept_arena(t, i, arena);
		return 0;
	}
	t->block[i].arena = arena;
	if (stream)
		return 0;
	t->kept += size;
	return t->kept > KEPT_MAX ? -ENOMEM : 0;
}

static bool events_room(struct trace *t, uint32_t n)
{
	struct trace_event *ev;

	if (n <= t->ev_size)
		return true;
	ev = realloc(t->ev, n * sizeof(*ev));
	if (!ev)
		return false;
	t->ev = ev;
	t->ev_size = n;
	return true;
}

/* Unpacks block i into t->ev. 0, 1 when the filter does not want it, negative errno. */
static int block_load(struct trace *t, uint32_t i)
{
	const struct fmt_block_head *h = &t->block[i].head;
	const char *why = "";
	uint8_t *arena;
	size_t size;
	int rc;

	rc = read_body(t, i);
	if (rc)
		return rc;
	if (!block_wanted(t, i))
		return 1;
	if (!events_room(t, h->n_events))
		return -ENOMEM;
	rc = unpack_block(t->unpack, h, t->bytes.data + h->summary, h->size - h->summary, t->ev,
		&arena, &size, &why);
	if (rc == -EBADMSG)
		rc = block_damaged(t, i, why);
	if (!rc)
		rc = keep_arena(t, i, arena, size);
	t->loaded = rc ? UINT32_MAX : i;
	return rc;
}

static int report_end(struct trace *t)
{
	if (!t->damaged || t->reported)
		return 0;
	t->reported = true;
	return -EBADMSG;
}

int trace_next(struct trace *t, struct trace_event *ev)
{
	int rc;

	while (t->block_at < t->usable) {
		const struct block_ref *b = &t->block[t->block_at];

		if (t->event_at >= b->head.n_events) {
			t->block_at++;
			t->event_at = 0;
			continue;
		}
		rc = t->loaded == t->block_at ? 0 : block_load(t, t->block_at);
		if (rc == -EBADMSG)
			break;
		if (rc < 0)
			return rc;
		if (rc) {
			t->event_at = UINT32_MAX;
			continue;
		}
		*ev = t->ev[t->event_at++];
		return 1;
	}
	return report_end(t);
}

void trace_seek(struct trace *t, uint64_t seq)
{
	uint32_t lo = 0, hi = t->n_blocks;

	/* The last block that starts at or before seq. */
	while (hi - lo > 1) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (t->block[mid].head.first_seq <= seq)
			lo = mid;
		else
			hi = mid;
	}
	t->block_at = lo;
	t->event_at = 0;
	if (t->n_blocks)
		t->event_at = seq - t->block[lo].head.first_seq < t->block[lo].head.n_events
				      ? seq - t->block[lo].head.first_seq
				      : UINT32_MAX;
	t->reported = false;
}

void trace_rewind(struct trace *t)
{
	trace_seek(t, 0);
}

bool trace_block_has_nr(const struct trace_block *b, unsigned int nr)
{
	if (nr >= FMT_NR_BITS)
		nr = FMT_NR_BITS - 1;
	return b->nrs[nr / 8] >> nr % 8 & 1;
}

void trace_skip_blocks(
	struct trace *t, bool (*want)(const struct trace_block *b, void *arg), void *arg)
{
	t->want = want;
	t->want_arg = arg;
}

enum trace_state trace_state(const struct trace *t, const char **why)
{
	bool torn_now = t->damaged || !t->whole;

	if (why)
		*why = torn_now ? t->why : NULL;
	return torn_now ? TRACE_TORN : TRACE_WHOLE;
}

uint64_t trace_event_count(const struct trace *t)
{
	return t->usable < t->n_blocks ? t->block[t->usable].head.first_seq : t->n_events;
}
