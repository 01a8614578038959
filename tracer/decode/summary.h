/*
 * Totals over the events of a trace: calls, errors and time by call, as `strace -c` prints them;
 * and how many VMAs each process had over time. Zero-initialise to start. Not locked.
 */
#ifndef LOCKSTEP_TRACER_DECODE_SUMMARY_H
#define LOCKSTEP_TRACER_DECODE_SUMMARY_H

#include "common/buf.h"
#include "tracer/decode/model.h"
#include "tracer/store/trace.h"

struct call_total {
	char name[40];
	uint64_t calls, errors, ns;
};

struct call_summary {
	struct call_total *total; /* [0..1023] by nr, [1024..] i386, [2048] */
	uint32_t used;		  /* entries with calls, after call_summary_sort */
};

enum call_order { BY_TIME = 0, BY_CALLS, BY_ERRORS, BY_NAME };

int call_summary_add(struct call_summary *s, const struct trace_event *ev); /* 0 or -ENOMEM */
/* Puts those with calls first, in order. */
void call_summary_sort(struct call_summary *s, enum call_order order);
void call_summary_text(const struct call_summary *s, struct buf *out);
/* A line each, schema lockstep.call-summary/1. */
void call_summary_json(const struct call_summary *s, struct buf *out);
void call_summary_fini(struct call_summary *s);

struct vma_curve {
	uint32_t ord; /* of the task, as struct model_task has it */
	uint32_t tid;
	const char *image; /* the model's */
	uint64_t samples, first, last, peak, peak_ns;
};

struct vma_summary {
	struct vma_curve *curve;
	uint32_t n, size;
};

/* Takes TK_VMA events; the others are not looked at. 0 or -ENOMEM. */
int vma_summary_add(struct vma_summary *s, const struct trace_event *ev, struct model *m);
void vma_summary_text(const struct vma_summary *s, struct buf *out);
/* A line each, schema lockstep.vma-summary/1. */
void vma_summary_json(const struct vma_summary *s, struct buf *out);
void vma_summary_fini(struct vma_summary *s);

#endif
