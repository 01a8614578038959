/* Bytes at exec that target runs have and native runs do not: elf-page differences as JSON lines.
 * See emit.h. */
#ifndef LOCKSTEP_TRACER_ALIGN_EMIT_PAGE_H
#define LOCKSTEP_TRACER_ALIGN_EMIT_PAGE_H

#include "common/json.h"
#include "tracer/align/finding.h"

/* The number of lines. */
int emit_pages(struct json *j, const struct differ *d, const struct candidates *c);

#endif
