/*
 * Any bytes as a trace file for fuzz targets: checksums and sizes are put right wherever the bytes
 * look like a head or a block, or no fuzzer would ever get past them.
 */
#ifndef LOCKSTEP_TRACER_STORE_FUZZ_MEND_H
#define LOCKSTEP_TRACER_STORE_FUZZ_MEND_H

#include <stddef.h>
#include <stdint.h>

/* The path of the file; the same one for every call. */
const char *mend_to_file(const uint8_t *data, size_t size);

#endif
