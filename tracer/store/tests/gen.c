/* See gen.h. */
#include "tracer/store/tests/gen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* splitmix64 */
uint64_t gen_u64(struct gen *g)
{
	uint64_t z = g->x += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static uint64_t upto(struct gen *g, uint64_t n)
{
	return gen_u64(g) % n;
}

/* Small mostly, sometimes an address, sometimes anything. */
static uint64_t value(struct gen *g)
{
	switch (upto(g, 8)) {
	case 0:
		return 0x7f0000000000 + upto(g, 1 << 20) * 16;
	case 1:
		return gen_u64(g);
	case 2:
		return -upto(g, 200);
	default:
		return upto(g, 12);
	}
}

/* Like a struct: words that repeat the row before, a neighbour, an old value, or nothing. */
static void fill_struct(struct gen *g, uint8_t *data, uint32_t size)
{
	uint64_t w = 0;
	uint32_t i;

	for (i = 0; i < size; i++)
		data[i] = upto(g, 3);
	for (i = 0; i + 8 <= size; i += 8) {
		switch (upto(g, 6)) {
		case 0:
			w = value(g);
			break;
		case 1:
			w = g->now;
			break;
		case 2:
			w = gen_u64(g) >> upto(g, 64);
			break;
		case 3:
			w = i;
			break;
		}
		memcpy(data + i, &w, 8);
	}
}

static void fill_text(struct gen *g, uint8_t *data, uint32_t size)
{
	uint64_t pattern = upto(g, 50);
	uint32_t i;

	for (i = 0; i < size; i++)
		data[i] = i < 100 ? pattern + i % 7 : upto(g, 2);
}

/* Slots 4 and 5 hold structs of one size, the others anything. */
static void capture(struct gen *g, unsigned int slot)
{
	static const uint32_t sizes[] = {0, 1, 8, 15, 16, 17, 144, 144, 144, 300};
	bool is_struct = slot == 4 || slot == 5;
	uint8_t data[300];
	struct trace_cap cap = {.slot = slot, .flags = is_struct ? TC_OUT : 0};

	if (!is_struct && !upto(g, 20)) {
		cap.flags = upto(g, 8);
		cap.part = upto(g, 3);
	}
	cap.size = cap.full = slot == 4 ? 144 : slot == 5 ? 21 : sizes[upto(g, 10)];
	(is_struct ? fill_struct : fill_text)(g, data, cap.size);
	if (!is_struct && !upto(g, 5)) {
		cap.full += 1 + upto(g, 5000);
		cap.hash = gen_u64(g);
	}
	cap.data = data;
	trace_cap_put(&g->payload, &cap);
}

static void payload(struct gen *g)
{
	unsigned int n = upto(g, 4), i;

	buf_reset(&g->payload);
	for (i = 0; i < n; i++)
		capture(g, upto(g, 10) ? i + upto(g, 3) : upto(g, 256));
	/* not captures at all */
	if (!upto(g, 50))
		for (n = 1 + upto(g, 40); n; n--)
			buf_add_byte(&g->payload, gen_u64(g));
}

void gen_event(struct gen *g, struct trace_event *ev)
{
	unsigned int i;

	*ev = (struct trace_event){.kind = upto(g, 20) ? TK_CALL : 1 + upto(g, TK_KIND_MAX - 1),
		.flags = upto(g, 20) ? 0 : upto(g, 256),
		.nr = upto(g, 30) ? upto(g, 20) : upto(g, 65536),
		.tid = upto(g, 50) ? 100 + upto(g, 3) : upto(g, UINT32_MAX),
		.enter_ns = upto(g, 100) ? g->now : gen_u64(g),
		.dur_ns = upto(g, 100) ? upto(g, 10000) : gen_u64(g),
		.ret = value(g),
		.ip = upto(g, 3) ? 0x400000 : value(g),
		.sp = upto(g, 3) ? 0x7ffffff0 : value(g)};
	for (i = 0; i < 6; i++)
		ev->arg[i] = value(g);
	g->now += upto(g, 20000);
	payload(g);
	ev->payload = g->payload.len ? g->payload.data : NULL;
	ev->payload_size = g->payload.len;
}

struct trace_event *gen_events(uint64_t seed, unsigned int n)
{
	struct gen g = {.x = seed};
	struct trace_event *ev = calloc(n, sizeof(*ev));
	unsigned int i;

	assert_non_null(ev);
	for (i = 0; i < n; i++) {
		uint8_t *copy;

		gen_event(&g, &ev[i]);
		if (!ev[i].payload_size)
			continue;
		copy = malloc(ev[i].payload_size);
		assert_non_null(copy);
		memcpy(copy, ev[i].payload, ev[i].payload_size);
		ev[i].payload = copy;
	}
	buf_fini(&g.payload);
	return ev;
}

void gen_events_free(struct trace_event *ev, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		free((void *)ev[i].payload);
	free(ev);
}

static uint64_t step_down(uint64_t ns)
{
	return ns / TRACE_TIME_STEP * TRACE_TIME_STEP;
}

void assert_same_event(const struct trace_event *a, const struct trace_event *b)
{
	assert_int_equal(a->kind, b->kind);
	assert_int_equal(a->flags, b->flags);
	assert_int_equal(a->nr, b->nr);
	assert_int_equal(a->tid, b->tid);
	assert_int_equal(step_down(a->enter_ns), step_down(b->enter_ns));
	assert_int_equal(step_down(a->enter_ns + a->dur_ns), step_down(b->enter_ns + b->dur_ns));
	assert_int_equal(a->ret, b->ret);
	assert_int_equal(a->ip, b->ip);
	assert_int_equal(a->sp, b->sp);
	assert_memory_equal(a->arg, b->arg, sizeof(a->arg));
	assert_int_equal(a->payload_size, b->payload_size);
	if (a->payload_size)
		assert_memory_equal(a->payload, b->payload, a->payload_size);
}
