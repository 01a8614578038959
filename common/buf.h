/*
 * A growable byte buffer. Memory errors are sticky: after one, `failed` is set, writes do nothing,
 * and whoever finally uses the bytes checks it once. Zero-initialise to start; buf_fini frees.
 * `len` and `size` in bytes. Not locked.
 */
#ifndef LOCKSTEP_COMMON_BUF_H
#define LOCKSTEP_COMMON_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
	uint8_t *data;
	size_t len;
	size_t size;
	bool failed;
};

void buf_fini(struct buf *b);
static inline void buf_reset(struct buf *b)
{
	b->len = 0;
}
/* Room for n more bytes, which the caller fills and adds to len; NULL when memory ran out. */
void *buf_reserve(struct buf *b, size_t n);
void buf_add(struct buf *b, const void *data, size_t n);
void buf_add_byte(struct buf *b, uint8_t c);
void buf_add_str(struct buf *b, const char *s);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* LEB128, and zigzag for signed values. */
void buf_add_varint(struct buf *b, uint64_t v);
/* NUL-terminates without counting the NUL; never returns NULL (an empty string when memory ran
 * out). */
const char *buf_str(struct buf *b);
/* Writes all of it to fd, over short writes and EINTR. 0 or negative errno. */
int buf_write_fd(const struct buf *b, int fd);
/* The whole of a file (or of a /proc file of unknown size), at most max bytes: -EFBIG past that. 0
 * or negative errno. */
int buf_read_fd(struct buf *b, int fd, size_t max);

static inline void cleanup_buf(struct buf *b)
{
	buf_fini(b);
}

static inline uint64_t zigzag(int64_t v)
{
	return ((uint64_t)v << 1) ^ (uint64_t)(v >> 63);
}
static inline int64_t unzigzag(uint64_t v)
{
	return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}
/* Reads a varint at *p, not past end. False (and *p unchanged) when it is cut off or longer than 10
 * bytes. */
bool varint_get(const uint8_t **p, const uint8_t *end, uint64_t *v);

#endif
