/* What the two ways to print an event share. Internal to tracer/decode. */
#ifndef LOCKSTEP_TRACER_DECODE_EVENT_H
#define LOCKSTEP_TRACER_DECODE_EVENT_H

#include "tracer/decode/tree.h"

/* The table's row, or NULL (i386, unknown number). */
const struct abi_call *event_call(const struct trace_event *ev);
/* The thread's tree, emptied. */
struct tree *event_tree(const struct trace_event *ev, const struct decode_opts *opts);

#endif
