/* Writes seeds for fuzz_trace into the folder given: small traces, packed and not, with blocks of
 * several shapes. Deterministic. */
#include "tracer/store/tests/gen.h"
#include "tracer/store/writer.h"
#include "common/err.h"

#include <fcntl.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	unsigned int i, k;

	if (argc != 2)
		die(EXIT_USAGE, "usage: make_seeds FOLDER");
	for (i = 0; i < 12; i++) {
		struct trace_event ev;
		struct gen g = {.x = i};
		struct trace_writer *w;
		char path[4096];
		int fd;

		snprintf(path, sizeof(path), "%s/seed-%02u", argv[1], i);
		fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
		if (fd < 0 || trace_writer_open_level(&w, fd, "{}", NULL, i % 4 == 3, NULL))
			die(EXIT_BROKE, "cannot write %s", path);
		for (k = 0; k < 2u << i / 2; k++) {
			gen_event(&g, &ev);
			ev.nr %= 2; /* few groups, so that some have rows */
			trace_writer_add(w, &ev);
			if (k % 64 == 63)
				trace_writer_flush(w);
		}
		if (trace_writer_close(w))
			die(EXIT_BROKE, "cannot write %s", path);
		buf_fini(&g.payload);
	}
	return 0;
}
