/*
 * libFuzzer target: any bytes as a trace file (see mend.h). Reads everything twice, with and
 * without TRACE_STREAM, walks the captures, and seeks.
 */
#include "tracer/store/fuzz/mend.h"
#include "tracer/store/trace.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t look_at(const struct trace_event *ev)
{
	struct trace_cap_iter it = trace_caps(ev);
	struct trace_cap cap;
	uint64_t sum = 0;

	if (ev->payload_size)
		sum += ev->payload[0] + ev->payload[ev->payload_size - 1];
	while (trace_cap_next(&it, &cap))
		sum += cap.hash + cap.size;
	return sum;
}

static uint64_t read_all(const char *path, unsigned int flags)
{
	struct trace *t;
	struct trace_event ev;
	struct err e;
	uint64_t sum = 0, n = 0;
	const char *why;

	if (trace_open_flags(&t, path, flags, &e))
		return 0;
	while (trace_next(t, &ev) > 0) {
		sum = sum * 31 + look_at(&ev) + ev.enter_ns + ev.arg[0];
		if (ev.seq != n++)
			abort();
	}
	if (trace_state(t, &why) == TRACE_WHOLE && trace_event_count(t) != n)
		abort();
	trace_seek(t, n / 2);
	if (trace_next(t, &ev) > 0)
		look_at(&ev);
	trace_close(t);
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *path = mend_to_file(data, size);

	if (read_all(path, TRACE_STREAM) != read_all(path, 0))
		abort();
	return 0;
}
