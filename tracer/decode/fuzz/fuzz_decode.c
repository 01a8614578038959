/*
 * libFuzzer target: any bytes as a trace (see tracer/store/fuzz/mend.h), every event of it replayed
 * into the process model and printed as text and as JSON.
 */
#include "tracer/decode/decode.h"
#include "tracer/decode/filter.h"
#include "tracer/store/fuzz/mend.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void print(const struct trace_event *ev, struct model *m)
{
	struct decode_opts o = {.fd_names = true, .verbose = ev->seq & 1, .model = m};
	struct buf out = {0};
	struct addr_info a;

	decode_event(&out, ev, &o);
	decode_json(&out, ev, &o);
	model_addr(m, ev->tid, ev->ip, &a);
	buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct filter paths = {.paths = {"/x"}, .n_paths = 1};
	struct model *m = model_new();
	struct trace_event ev;
	struct trace *t;
	struct err e;

	if (!m)
		abort();
	if (!trace_open_flags(&t, mend_to_file(data, size), TRACE_STREAM, &e)) {
		while (trace_next(t, &ev) > 0 && ev.seq < 4096) {
			print(&ev, m);
			filter_wants(&paths, &ev, m);
			model_event(m, &ev);
		}
		trace_close(t);
	}
	model_free(m);
	return 0;
}
