/*
 * Random events for the tests of the trace file: reproducible by seed, shaped like what a recorder
 * writes but with every field driven to its limits now and then.
 */
#ifndef LOCKSTEP_TRACER_STORE_TESTS_GEN_H
#define LOCKSTEP_TRACER_STORE_TESTS_GEN_H

#include "tracer/store/trace.h"

struct gen {
	uint64_t x; /* state of the generator; the seed */
	uint64_t now;
	struct buf payload;
};

uint64_t gen_u64(struct gen *g);
/* The next event; its payload stays until the one after. */
void gen_event(struct gen *g, struct trace_event *ev);
/* n events of that seed, their payloads malloc'ed; gen_events_free. */
struct trace_event *gen_events(uint64_t seed, unsigned int n);
void gen_events_free(struct trace_event *ev, unsigned int n);
/* Fails the running cmocka test when they differ (seq is not looked at; times are compared in
 * steps of TRACE_TIME_STEP). */
void assert_same_event(const struct trace_event *a, const struct trace_event *b);

#endif
