/* See json.h. */
#include "common/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* The length of the UTF-8 sequence at p (no overlong forms, no surrogates, at most U+10FFFF), or 0.
 * RFC 3629. */
static size_t utf8_len(const uint8_t *p, const uint8_t *end)
{
	size_t n, i;

	if (*p < 0x80)
		return 1;
	n = *p >= 0xf0 && *p <= 0xf4 ? 4 : *p >= 0xe0 ? 3 : *p >= 0xc2 ? 2 : 0;
	if (*p > 0xf4 || !n || (size_t)(end - p) < n)
		return 0;
	for (i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
		(p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

static void quote(struct buf *b, const void *s, size_t len)
{
	const uint8_t *p = s, *end = p + len;

	buf_add_byte(b, '"');
	while (p < end) {
		size_t n = utf8_len(p, end);

		if (n == 1 && (*p == '"' || *p == '\\')) {
			buf_add_byte(b, '\\');
			buf_add_byte(b, *p);
		} else if (n == 1 && *p == '\n') {
			buf_add_str(b, "\\n");
		} else if (n == 1 && (*p < 0x20 || *p == 0x7f)) {
			buf_printf(b, "\\u%04x", *p);
		} else if (n) {
			buf_add(b, p, n);
		} else {
			buf_printf(b, "\\udc%02x", *p);
			n = 1;
		}
		p += n;
	}
	buf_add_byte(b, '"');
}

static void key_put(struct json *j, const char *key)
{
	if (j->comma)
		buf_add_byte(j->out, ',');
	j->comma = true;
	if (key) {
		quote(j->out, key, strlen(key));
		buf_add_byte(j->out, ':');
	}
}

static void open_with(struct json *j, const char *key, char c)
{
	key_put(j, key);
	buf_add_byte(j->out, c);
	j->comma = false;
}

static void close_with(struct json *j, char c)
{
	buf_add_byte(j->out, c);
	j->comma = true;
}

void json_begin(struct json *j, const char *key)
{
	open_with(j, key, '{');
}

void json_end(struct json *j)
{
	close_with(j, '}');
}

void json_array(struct json *j, const char *key)
{
	open_with(j, key, '[');
}

void json_array_end(struct json *j)
{
	close_with(j, ']');
}

void json_strn(struct json *j, const char *key, const void *value, size_t len)
{
	key_put(j, key);
	quote(j->out, value, len);
}

void json_str(struct json *j, const char *key, const char *value)
{
	if (value)
		json_strn(j, key, value, strlen(value));
	else
		json_null(j, key);
}

void json_strf(struct json *j, const char *key, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	json_str(j, key, text);
}

void json_int(struct json *j, const char *key, int64_t value)
{
	key_put(j, key);
	buf_printf(j->out, "%" PRId64, value);
}

void json_uint(struct json *j, const char *key, uint64_t value)
{
	key_put(j, key);
	buf_printf(j->out, "%" PRIu64, value);
}

void json_hex(struct json *j, const char *key, uint64_t value)
{
	key_put(j, key);
	buf_printf(j->out, "\"0x%" PRIx64 "\"", value);
}

void json_double(struct json *j, const char *key, double value)
{
	key_put(j, key);
	if (isfinite(value))
		buf_printf(j->out, "%.9g", value);
	else
		buf_add_str(j->out, "null");
}

void json_bool(struct json *j, const char *key, bool value)
{
	key_put(j, key);
	buf_add_str(j->out, value ? "true" : "false");
}

void json_null(struct json *j, const char *key)
{
	key_put(j, key);
	buf_add_str(j->out, "null");
}

void json_line_begin(struct json *j, const char *schema)
{
	j->comma = false;
	json_begin(j, NULL);
	json_str(j, "schema", schema);
}

void json_line_end(struct json *j)
{
	json_end(j);
	buf_add_byte(j->out, '\n');
	j->comma = false;
}
