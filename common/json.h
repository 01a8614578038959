/*
 * Writing JSON, one object a line, into a struct buf. Commas and quotes are kept by the writer; the
 * caller keeps begin and end in pairs. Strings that are not UTF-8 are written with each bad byte as
 * U+DCxx (Python's surrogateescape), so that any path survives the way out and back. Not locked.
 */
#ifndef LOCKSTEP_COMMON_JSON_H
#define LOCKSTEP_COMMON_JSON_H

#include "common/buf.h"

struct json {
	struct buf *out;
	bool comma; /* a value stands before: the next one needs a comma */
};

void json_begin(struct json *j, const char *key); /* {; key NULL inside arrays and at the top */
void json_end(struct json *j);			  /* } */
void json_array(struct json *j, const char *key); /* [ */
void json_array_end(struct json *j);
void json_str(struct json *j, const char *key, const char *value); /* value NULL writes null */
void json_strn(struct json *j, const char *key, const void *value, size_t len);
void json_strf(struct json *j, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void json_int(struct json *j, const char *key, int64_t value);
void json_uint(struct json *j, const char *key, uint64_t value);
void json_hex(struct json *j, const char *key, uint64_t value); /* "0x..." as text */
void json_double(struct json *j, const char *key, double value);
void json_bool(struct json *j, const char *key, bool value);
void json_null(struct json *j, const char *key);
/* A whole top-level object: json_line_begin(j, "lockstep.elf/1") writes {"schema":...;
 * json_line_end writes }\n */
void json_line_begin(struct json *j, const char *schema);
void json_line_end(struct json *j);

#endif
