/*
 * The writing side of trace.h: when a block is closed, how a trace ends, what a failing disk does.
 * The file is only ever appended to, a block a write(2); what was written is never touched again,
 * but for cutting off the part of a block that a failed write left.
 */
#include "tracer/store/encode.h"
#include "tracer/store/writer.h"
#include "common/cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>
#include <zstd.h>

/* A block is closed when it holds this many bytes of distinct payloads. */
#define BLOCK_PAYLOAD (8u << 20)
/* With this little left before max_size, the trace ends. */
#define END_MARGIN 4096u

struct trace_writer {
	int fd;
	struct trace_limits limits;
	struct encoder enc;
	ZSTD_CCtx *zstd;
	struct buf out;
	struct buf index;  /* struct fmt_index_entry each */
	uint64_t off;	   /* bytes written */
	uint64_t seq;	   /* events in blocks written */
	uint64_t block_ns; /* end of the first event of the open block */
	uint64_t dropped;
	int error;  /* the first, negative errno */
	bool ended; /* max_size was reached; the index is written */
};

static void fail(struct trace_writer *w, int error)
{
	if (!w->error)
		w->error = error;
}

/* Appends `out` to the file; a part that a full disk left is cut off again. */
static int write_out(struct trace_writer *w)
{
	int rc = buf_write_fd(&w->out, w->fd);

	if (rc) {
		/* Pipes cannot be cut; readers see a torn block then, and say so. */
		int ignored = ftruncate(w->fd, w->off);

		(void)ignored;
		fail(w, rc);
		return rc;
	}
	w->off += w->out.len;
	return 0;
}

static int write_head(struct trace_writer *w, const char *meta)
{
	struct fmt_file_head h = {.version = FMT_VERSION, .meta_size = strlen(meta)};
	XXH3_state_t x;

	memcpy(h.magic, FMT_MAGIC, sizeof(h.magic));
	XXH3_64bits_reset(&x);
	XXH3_64bits_update(&x, &h, offsetof(struct fmt_file_head, sum));
	XXH3_64bits_update(&x, meta, h.meta_size);
	h.sum = XXH3_64bits_digest(&x);
	buf_add(&w->out, &h, sizeof(h));
	buf_add(&w->out, meta, h.meta_size);
	return write_out(w);
}

static void writer_free(struct trace_writer *w)
{
	encoder_fini(&w->enc);
	ZSTD_freeCCtx(w->zstd);
	buf_fini(&w->out);
	buf_fini(&w->index);
	if (w->fd >= 0)
		close(w->fd);
	free(w);
}

int trace_writer_open_level(struct trace_writer **out, int fd, const char *meta,
	const struct trace_limits *limits, int level, struct err *e)
{
	struct trace_writer *w = calloc(1, sizeof(*w));
	int rc = -ENOMEM;

	*out = NULL;
	if (!w) {
		close(fd);
		return err_set(e, ENOMEM, "no memory for writing a trace");
	}
	w->fd = fd;
	if (limits)
		w->limits = *limits;
	if (!w->limits.flush_ns)
		w->limits.flush_ns = 1000000000;
	w->zstd = ZSTD_createCCtx();
	if (w->zstd && !encoder_init(&w->enc, level))
		rc = strlen(meta) > FMT_META_MAX ? -E2BIG : write_head(w, meta);
	if (rc) {
		writer_free(w);
		return err_set(e, -rc, "cannot start the trace file: %s", strerror(-rc));
	}
	*out = w;
	return 0;
}

int trace_writer_open(struct trace_writer **out, int fd, const char *meta,
	const struct trace_limits *limits, struct err *e)
{
	return trace_writer_open_level(out, fd, meta, limits, 1, e);
}

int trace_writer_flush(struct trace_writer *w)
{
	struct fmt_index_entry ix = {.off = w->off,
		.first_seq = w->seq,
		.min_ns = w->enc.min_ns,
		.max_ns = w->enc.max_ns,
		.n_events = w->enc.n};
	int rc;

	if (w->error || !w->enc.n)
		return w->error;
	buf_reset(&w->out);
	rc = encoder_finish(&w->enc, w->zstd, w->seq, &w->out);
	if (rc)
		fail(w, rc);
	else
		rc = write_out(w);
	if (rc) {
		w->dropped += ix.n_events;
		return rc;
	}
	ix.size = w->off - ix.off;
	w->seq += ix.n_events;
	buf_add(&w->index, &ix, sizeof(ix));
	if (w->index.failed)
		fail(w, -ENOMEM);
	return w->error;
}

static int write_index(struct trace_writer *w)
{
	struct fmt_block_head h = {.magic = FMT_BLOCK_MAGIC,
		.kind = FB_INDEX,
		.n_events = w->index.len / sizeof(struct fmt_index_entry),
		.size = w->index.len,
		.first_seq = w->seq};

	h.body_sum = XXH3_64bits(w->index.data, w->index.len);
	h.head_sum = XXH3_64bits(&h, offsetof(struct fmt_block_head, head_sum));
	buf_reset(&w->out);
	buf_add(&w->out, &h, sizeof(h));
	buf_add(&w->out, w->index.data, w->index.len);
	return write_out(w);
}

/* ---- the size limit ---- */

static uint64_t size_left(const struct trace_writer *w)
{
	uint64_t used = w->off + w->index.len + 2 * sizeof(struct fmt_block_head);

	return used < w->limits.max_size ? w->limits.max_size - used : 0;
}

static void note_end(struct trace_writer *w, const struct trace_event *last)
{
	CLEANUP(buf) struct buf payload = {0}, text = {0};
	struct trace_event note = {
		.kind = TK_NOTE, .tid = last->tid, .enter_ns = last->enter_ns + last->dur_ns};
	struct trace_cap cap = {.slot = TC_TEXT};

	buf_printf(&text, "the trace ends here: its size limit of %llu bytes was reached",
		(unsigned long long)w->limits.max_size);
	cap.data = text.data;
	cap.size = cap.full = text.len;
	trace_cap_put(&payload, &cap);
	note.payload = payload.data;
	note.payload_size = payload.len;
	if (encoder_add(&w->enc, &note))
		fail(w, -ENOMEM);
}

/*
 * What the open block takes is only known when it is packed. So it is closed as soon as it might
 * not fit unpacked; that makes it shorter than what was left, and so on, until little is left.
 */
static int check_size(struct trace_writer *w, const struct trace_event *ev)
{
	if (encoder_size(&w->enc) + END_MARGIN < size_left(w))
		return 0;
	if (encoder_size(&w->enc) >= END_MARGIN || size_left(w) <= END_MARGIN) {
		if (trace_writer_flush(w))
			return w->error;
	}
	if (size_left(w) > 2 * END_MARGIN)
		return 0;
	note_end(w, ev);
	if (trace_writer_flush(w) || write_index(w))
		return w->error;
	w->ended = true;
	return -EFBIG;
}

int trace_writer_add(struct trace_writer *w, const struct trace_event *ev)
{
	uint64_t end = ev->enter_ns + ev->dur_ns;
	int rc;

	if (ev->payload_size > TRACE_PAYLOAD_MAX)
		return -EMSGSIZE;
	if (w->error || w->ended) {
		w->dropped++;
		return w->error ? w->error : -EFBIG;
	}
	if (!w->enc.n)
		w->block_ns = end;
	rc = encoder_add(&w->enc, ev);
	if (rc) {
		fail(w, rc);
		return rc;
	}
	if (w->limits.max_size) {
		rc = check_size(w, ev);
		if (rc)
			return rc;
	}
	if (w->enc.n == FMT_EVENTS_MAX || encoder_payload(&w->enc) >= BLOCK_PAYLOAD ||
		(end > w->block_ns && end - w->block_ns >= w->limits.flush_ns))
		return trace_writer_flush(w);
	return 0;
}

int trace_writer_close(struct trace_writer *w)
{
	int rc;

	if (!w->ended && !trace_writer_flush(w))
		write_index(w);
	rc = w->error;
	if (close(w->fd) && !rc)
		rc = -errno;
	w->fd = -1;
	writer_free(w);
	return rc;
}
