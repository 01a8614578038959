/*
 * The reading side of trace.h. A trace is opened by hopping from one block's head to the next; the
 * index at the end only says whether all of them are there. Blocks are unpacked one at a time.
 */
#include "tracer/store/unpack.h"
#include "common/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

/* LIMIT: without TRACE_STREAM, payloads of one trace held in memory at most. */
#define KEPT_MAX ((size_t)2 << 30)

struct block_ref {
	uint64_t off; /* of its head */
	struct fmt_block_head head;
	uint8_t *arena; /* payloads, once unpacked; kept without TRACE_STREAM */
};

struct trace {
	int fd;
	unsigned int flags;
	uint64_t size; /* of the file */
	char *meta;
	uint64_t head_size; /* of the file's head, meta text included */
	struct block_ref *block;
	uint32_t n_blocks, blocks_size;
	uint64_t n_events; /* in all blocks */
	bool whole;	   /* the index was there and right */
	bool damaged;	   /* a block was */
	uint32_t usable;   /* blocks before the first damaged one */
	char why[256];

	struct unpacker *unpack;
	struct buf bytes;	/* of the block last read */
	struct trace_event *ev; /* of the block `loaded` */
	uint32_t ev_size;
	uint32_t loaded;   /* UINT32_MAX: none */
	uint32_t block_at; /* where trace_next goes on */
	uint32_t event_at;
	size_t kept;
	bool reported; /* -EBADMSG was returned since the last rewind */

	bool (*want)(const struct trace_block *b, void *arg);
	void *want_arg;
};

/* ---- opening ---- */

static int read_at(struct trace *t, uint64_t off, void *to, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = pread(t->fd, (char *)to + done, size - done, off + done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			return -ENODATA;
		done += n;
	}
	return 0;
}

static void __attribute__((format(printf, 2, 3))) torn(struct trace *t, const char *fmt, ...)
{
	va_list ap;

	if (t->why[0])
		return;
	va_start(ap, fmt);
	vsnprintf(t->why, sizeof(t->why), fmt, ap);
	va_end(ap);
}

static bool head_sum_right(const struct fmt_file_head *h, const char *meta)
{
	XXH3_state_t x;

	XXH3_64bits_reset(&x);
	XXH3_64bits_update(&x, h, offsetof(struct fmt_file_head, sum));
	XXH3_64bits_update(&x, meta, h->meta_size);
	return XXH3_64bits_digest(&x) == h->sum;
}

static int read_head(struct trace *t, const char *path, struct err *e)
{
	struct fmt_file_head h;
	int rc;

	if (!t->size)
		return err_set(e, ENODATA,
			"%s is empty: the recorder did not get as far as its first line", path);
	memset(&h, 0, sizeof(h));
	rc = read_at(t, 0, &h, t->size < sizeof(h) ? t->size : sizeof(h));
	if (rc)
		return err_set(e, -rc, "cannot read %s: %s", path, strerror(-rc));
	if (memcmp(h.magic, FMT_MAGIC, sizeof(h.magic)))
		return err_set(e, EBADMSG,
			"%s is not a trace: record one with `lockstep trace -o FILE -- CMD`", path);
	if (t->size >= offsetof(struct fmt_file_head, meta_size) && h.version > FMT_VERSION)
		return err_set(e, EPROTONOSUPPORT,
			"%s was written by a newer lockstep (format %u; this one reads up to %u): "
			"read it with that one",
			path, h.version, FMT_VERSION);
	if (t->size < sizeof(h) || h.meta_size > t->size - sizeof(h))
		return err_set(e, EBADMSG, "%s is cut off before its first event", path);
	if (h.meta_size > FMT_META_MAX || !h.version)
		return err_set(e, EBADMSG, "%s is damaged in its head: record it again", path);
	t->meta = malloc((size_t)h.meta_size + 1);
	if (!t->meta)
		return err_set(e, ENOMEM, "no memory for %s", path);
	rc = read_at(t, sizeof(h), t->meta, h.meta_size);
	if (rc)
		return err_set(e, -rc, "cannot read %s: %s", path, strerror(-rc));
	t->meta[h.meta_size] = 0;
	t->head_size = sizeof(h) + h.meta_size;
	if (!head_sum_right(&h, t->meta))
		return err_set(e, EBADMSG, "%s is damaged in its head: record it again", path);
	return 0;
}

/* Whether a head is one that a block of events may have. */
static bool head_fits(const struct trace *t, const struct fmt_block_head *h, uint64_t off)
{
	if (h->magic != FMT_BLOCK_MAGIC ||
		h->head_sum != XXH3_64bits(h, offsetof(struct fmt_block_head, head_sum)))
		return false;
	if (h->kind == FB_INDEX)
		return true;
	return h->kind == FB_EVENTS && h->n_events && h->n_events <= FMT_EVENTS_MAX &&
	       h->raw_size <= FMT_RAW_MAX && h->summary >= sizeof(struct fmt_summary) &&
	       h->summary <= h->size && h->first_seq == t->n_events;
}

static int block_add(struct trace *t, uint64_t off, const struct fmt_block_head *h)
{
	if (t->n_blocks == t->blocks_size) {
		uint32_t n = t->blocks_size ? t->blocks_size * 2 : 16;
		struct block_ref *p = realloc(t->block, n * sizeof(*p));

		if (!p)
			return -ENOMEM;
		t->block = p;
		t->blocks_size = n;
	}
	t->block[t->n_blocks++] = (struct block_ref){.off = off, .head = *h};
	t->n_events += h->n_events;
	return 0;
}

/* The index must tell of exactly the blocks that were found. */
static int check_index(struct trace *t, uint64_t off, const struct fmt_block_head *h)
{
	size_t size = (size_t)t->n_blocks * sizeof(struct fmt_index_entry);
	const struct fmt_index_entry *ix;
	uint32_t i;
	int rc;

	if (h->n_events != t->n_blocks || h->size != size || h->first_seq != t->n_events)
		goto wrong;
	buf_reset(&t->bytes);
	if (!buf_reserve(&t->bytes, size + 1))
		return -ENOMEM;
	rc = read_at(t, off + sizeof(*h), t->bytes.data, size);
	if (rc)
		return rc;
	if (XXH3_64bits(t->bytes.data, size) != h->body_sum)
		goto wrong;
	ix = (const struct fmt_index_entry *)t->bytes.data;
	for (i = 0; i < t->n_blocks; i++)
		if (ix[i].off != t->block[i].off || ix[i].n_events != t->block[i].head.n_events)
			goto wrong;
	t->whole = off + sizeof(*h) + size == t->size;
	if (!t->whole)
		torn(t, "%llu bytes follow the end of the trace",
			(unsigned long long)(t->size - off - sizeof(*h) - size));
	return 0;
wrong:
	torn(t, "the index at its end does not agree with its blocks");
	return 0;
}

static int find_blocks(struct trace *t, uint64_t off)
{
	struct fmt_block_head h;
	int rc;

	for (;; off += sizeof(h) + h.size) {
		if (off == t->size)
			torn(t, "it has no end: the recorder was stopped before it could finish");
		else if (t->size - off < sizeof(h))
			torn(t, "it is cut off at byte %llu", (unsigned long long)t->size);
		if (t->why[0])
			return 0;
		rc = read_at(t, off, &h, sizeof(h));
		if (rc)
			return rc;
		if (!head_fits(t, &h, off)) {
			torn(t, "the block at byte %llu is damaged", (unsigned long long)off);
			t->damaged = true;
			return 0;
		}
		if (h.size > t->size - off - sizeof(h)) {
			torn(t, "it is cut off inside the block at byte %llu",
				(unsigned long long)off);
			return 0;
		}
		rc = h.kind == FB_INDEX ? check_index(t, off, &h) : block_add(t, off, &h);
		if (rc || h.kind == FB_INDEX)
			return rc;
	}
}

static int open_file(struct trace *t, const char *path, struct err *e)
{
	struct stat st;

	t->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (t->fd < 0 || fstat(t->fd, &st))
		return err_set(e, errno, "cannot open %s: %s", path, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return err_set(e, EISDIR, "%s is a folder, not a trace", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ESPIPE, "%s is not a regular file: save the trace to one", path);
	t->size = st.st_size;
	return 0;
}

int trace_open_flags(struct trace **out, const char *path, unsigned int flags, struct err *e)
{
	struct trace *t = calloc(1, sizeof(*t));
	int rc = -ENOMEM;

	*out = NULL;
	if (!t)
		return err_set(e, ENOMEM, "no memory for %s", path);
	t->fd = -1;
	t->flags = flags;
	t->loaded = UINT32_MAX;
	rc = open_file(t, path, e);
	if (!rc)
		rc = read_head(t, path, e);
	if (!rc) {
		rc = find_blocks(t, t->head_size);
		if (!rc)
			rc = unpacker_new(&t->unpack);
		if (rc)
			err_set(e, -rc, "cannot read %s: %s", path, strerror(-rc));
	}
	if (rc) {
		trace_close(t);
		return rc;
	}
	t->usable = t->n_blocks;
	*out = t;
	return 0;
}

int trace_open(struct trace **out, const char *path, struct err *e)
{
	return trace_open_flags(out, path, 0, e);
}

void trace_close(struct trace *t)
{
	uint32_t i;

	if (!t)
		return;
	for (i = 0; i < t->n_blocks; i++)
		free(t->block[i].arena);
	free(t->block);
	free(t->meta);
	free(t->ev);
	buf_fini(&t->bytes);
	unpacker_free(t->unpack);
	if (t->fd >= 0)
		close(t->fd);
	free(t);
}

const char *trace_meta(const struct trace *t)
{
	return t->meta;
}

/* ---- reading ---- */

static int block_damaged(struct trace *t, uint32_t i, const char *what)
{
	t->usable = i;
	t->damaged = true;
	t->why[0] = 0;
	torn(t, "the block at byte %llu is damaged (%s); %llu of %llu events are there",
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
	rc = read_at(t, t->block[i].off + sizeof(*h), t->bytes.data, h->size);
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
