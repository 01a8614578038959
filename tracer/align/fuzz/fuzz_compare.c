/*
 * libFuzzer target: any bytes as a trace (see tracer/store/fuzz/mend.h), compared with itself.
 * Whatever it says, the comparison ends, in bounds, and finds no difference of value between a run
 * and itself.
 */
#include "tracer/align/differ.h"
#include "tracer/align/emit.h"
#include "tracer/store/fuzz/mend.h"

#include <fcntl.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct differ *d)
{
	for (size_t i = 0; i < d->ndiffs[0]; i++)
		if (d->diffs[0][i].what == DIFF_VALUE)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int null = -1;
	const char *path = mend_to_file(data, size);
	const char *paths[2] = {path, path};
	struct differ d;
	struct err e;

	if (null < 0)
		null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (!differ_run(&d, paths, 2, paths, 1, &e)) {
		check(&d);
		emit_all(&d, null, &e);
	}
	differ_fini(&d);
	return 0;
}
