/*
 * Opening a trace: by hopping from one block's head to the next. The index at the end only says
 * whether all of them are there.
 */
#include "tracer/store/reader_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

int trace_read_at(struct trace *t, uint64_t off, void *to, size_t size)
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

void trace_torn(struct trace *t, const char *fmt, ...)
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
	rc = trace_read_at(t, 0, &h, t->size < sizeof(h) ? t->size : sizeof(h));
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
	rc = trace_read_at(t, sizeof(h), t->meta, h.meta_size);
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
	rc = trace_read_at(t, off + sizeof(*h), t->bytes.data, size);
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
		trace_torn(t, "%llu bytes follow the end of the trace",
			(unsigned long long)(t->size - off - sizeof(*h) - size));
	return 0;
wrong:
	trace_torn(t, "the index at its end does not agree with its blocks");
	return 0;
}

static int find_blocks(struct trace *t, uint64_t off)
{
	struct fmt_block_head h;
	int rc;

	for (;; off += sizeof(h) + h.size) {
		if (off == t->size)
			trace_torn(t,
				"it has no end: the recorder was stopped before it could finish");
		else if (t->size - off < sizeof(h))
			trace_torn(t, "it is cut off at byte %llu", (unsigned long long)t->size);
		if (t->why[0])
			return 0;
		rc = trace_read_at(t, off, &h, sizeof(h));
		if (rc)
			return rc;
		if (!head_fits(t, &h, off)) {
			trace_torn(t, "the block at byte %llu is damaged", (unsigned long long)off);
			t->damaged = true;
			return 0;
		}
		if (h.size > t->size - off - sizeof(h)) {
			trace_torn(t, "it is cut off inside the block at byte %llu",
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
