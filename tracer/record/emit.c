/*
 * Events on their way into the trace, and the captures that most of them share.
 */
#include "tracer/record/recorder.h"

#include "tracer/record/redact.h"

#include "common/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>

uint64_t rec_now(const struct recorder *r)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec - r->t0;
}

void emit(struct recorder *r, struct trace_event *ev)
{
	int rc;

	if (r->mode == REC_DETACH)
		return;
	rc = trace_writer_add(r->w, ev);
	r->last_event = ev->enter_ns + ev->dur_ns;
	if (!rc)
		return;
	if (rc != -EFBIG && !r->write_error)
		r->write_error = rc;
	if (r->mode == REC_RUN)
		loop_set_mode(r, REC_DETACH, 0);
}

void emit_note(struct recorder *r, pid_t tid, const char *fmt, ...)
{
	struct trace_event ev = {.kind = TK_NOTE, .tid = (uint32_t)tid, .enter_ns = rec_now(r)};
	CLEANUP(buf) struct buf payload = {0};
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	cap_whole(&payload, TC_TEXT, text, strlen(text));
	ev.payload = payload.data;
	ev.payload_size = (uint32_t)payload.len;
	emit(r, &ev);
}

void cap_whole(struct buf *payload, unsigned int slot, const void *data, size_t size)
{
	trace_cap_put(payload, &(struct trace_cap){.slot = (uint8_t)slot,
				       .full = (uint32_t)size,
				       .size = (uint32_t)size,
				       .data = data});
}

void cap_file(struct buf *payload, unsigned int slot, const char *path, size_t max)
{
	CLEANUP(buf) struct buf b = {0};
	CLEANUP(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct trace_cap cap = {.slot = (uint8_t)slot};

	if (fd < 0)
		return;
	/* -EFBIG: what was read so far is there. */
	if (buf_read_fd(&b, fd, max) == -EFBIG)
		cap.flags = TC_CUT;
	cap.full = cap.size = (uint32_t)b.len;
	cap.data = b.data;
	if (!b.failed)
		trace_cap_put(payload, &cap);
}

void cap_link(struct buf *payload, unsigned int slot, const char *path, const struct redact *rd)
{
	char to[4096];
	ssize_t n = readlink(path, to, sizeof(to));

	if (n > 0 && !redact_path(rd, to, (size_t)n))
		cap_whole(payload, slot, to, (size_t)n);
}
