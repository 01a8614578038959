/*
 * What reader_open.c (finding the blocks) and reader.c (reading them) share.
 */
#ifndef LOCKSTEP_TRACER_STORE_READER_INTERNAL_H
#define LOCKSTEP_TRACER_STORE_READER_INTERNAL_H

#include "tracer/store/unpack.h"

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

/* size bytes at off. 0, -ENODATA past the end, or what pread said. */
int trace_read_at(struct trace *t, uint64_t off, void *to, size_t size);
/* Notes why the trace is torn, unless that is known. */
void trace_torn(struct trace *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
