/* See buf.h. */
#include "common/buf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void buf_fini(struct buf *b)
{
	free(b->data);
	*b = (struct buf){0};
}

void *buf_reserve(struct buf *b, size_t n)
{
	size_t want;
	void *p;

	if (b->failed || n > SIZE_MAX / 2 - b->len)
		goto failed;
	if (b->size - b->len >= n)
		return b->data + b->len;
	want = b->size ? b->size * 2 : 256;
	if (want < b->len + n)
		want = b->len + n;
	p = realloc(b->data, want);
	if (!p)
		goto failed;
	b->data = p;
	b->size = want;
	return b->data + b->len;
failed:
	b->failed = true;
	return NULL;
}

void buf_add(struct buf *b, const void *data, size_t n)
{
	void *p;

	if (!n)
		return;
	p = buf_reserve(b, n);
	if (!p)
		return;
	memcpy(p, data, n);
	b->len += n;
}

void buf_add_byte(struct buf *b, uint8_t c)
{
	buf_add(b, &c, 1);
}

void buf_add_str(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	char *p;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	p = buf_reserve(b, (size_t)n + 1);
	if (!p)
		return;
	va_start(ap, fmt);
	vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += n;
}

void buf_add_varint(struct buf *b, uint64_t v)
{
	uint8_t *p = buf_reserve(b, 10);
	size_t n = 0;

	if (!p)
		return;
	while (v >= 0x80) {
		p[n++] = (uint8_t)v | 0x80;
		v >>= 7;
	}
	p[n++] = (uint8_t)v;
	b->len += n;
}

const char *buf_str(struct buf *b)
{
	char *p = buf_reserve(b, 1);

	if (!p)
		return "";
	*p = 0;
	return (const char *)b->data;
}

int buf_write_fd(const struct buf *b, int fd)
{
	size_t done = 0;

	if (b->failed)
		return -ENOMEM;
	while (done < b->len) {
		ssize_t n = write(fd, b->data + done, b->len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		done += n;
	}
	return 0;
}

int buf_read_fd(struct buf *b, int fd, size_t max)
{
	for (;;) {
		void *p = buf_reserve(b, 65536);
		ssize_t n;

		if (!p)
			return -ENOMEM;
		n = read(fd, p, 65536);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		b->len += n;
		if (b->len > max)
			return -EFBIG;
	}
}

bool varint_get(const uint8_t **p, const uint8_t *end, uint64_t *v)
{
	const uint8_t *q = *p;
	uint64_t r = 0;
	unsigned int shift = 0;

	while (q < end && shift < 70) {
		uint8_t c = *q++;

		r |= (uint64_t)(c & 0x7f) << (shift < 64 ? shift : 63);
		if (!(c & 0x80)) {
			*p = q;
			*v = r;
			return true;
		}
		shift += 7;
	}
	return false;
}
