/* The alignment itself: what it returns is always an alignment, and a planted edit is found where
 * it was planted. */
#include "tracer/align/runs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static uint64_t rnd_state = 1;

static uint32_t rnd(uint32_t n)
{
	rnd_state = rnd_state * 6364136223846793005ull + 1442695040888963407ull;
	return (rnd_state >> 33) % n;
}

/* Runs ascend in both sequences and hold equal tokens; returns how many tokens matched. */
static size_t check(
	const struct runs *r, const uint64_t *a, size_t na, const uint64_t *b, size_t nb)
{
	size_t x = 0, y = 0, matched = 0;

	for (size_t i = 0; i < r->len; i++) {
		const struct run *q = &r->run[i];

		assert_true(q->len > 0 && q->a_pos >= x && q->b_pos >= y);
		assert_true(q->a_pos + q->len <= na && q->b_pos + q->len <= nb);
		assert_memory_equal(a + q->a_pos, b + q->b_pos, q->len * sizeof(*a));
		x = q->a_pos + q->len;
		y = q->b_pos + q->len;
		matched += q->len;
	}
	return matched;
}

static void identical_sequences_are_one_run(void **state)
{
	uint64_t a[500];
	struct runs r = {0};

	for (int i = 0; i < 500; i++)
		a[i] = rnd(5);
	assert_int_equal(runs_align(&r, a, 500, a, 500), 0);
	assert_int_equal(r.len, 1);
	assert_int_equal(r.run[0].len, 500);
	runs_fini(&r);
}

static void one_side_empty_gives_nothing(void **state)
{
	uint64_t a[3] = {1, 2, 3};
	struct runs r = {0};

	assert_int_equal(runs_align(&r, a, 3, a, 0), 0);
	assert_int_equal(runs_align(&r, a, 0, a, 3), 0);
	assert_int_equal(r.len, 0);
	runs_fini(&r);
}

static void a_planted_replacement_is_the_only_gap(void **state)
{
	enum { N = 3000 };
	static uint64_t a[N], b[N];

	for (int round = 0; round < 50; round++) {
		struct runs r = {0};
		uint32_t at = rnd(N);

		for (int i = 0; i < N; i++)
			a[i] = b[i] = rnd(40);
		b[at] = 1000;
		assert_int_equal(runs_align(&r, a, N, b, N), 0);
		assert_int_equal(check(&r, a, N, b, N), N - 1);
		for (size_t i = 0; i < r.len; i++)
			assert_false(r.run[i].a_pos <= at && at < r.run[i].a_pos + r.run[i].len);
		runs_fini(&r);
	}
}

static void random_edits_leave_an_alignment(void **state)
{
	enum { N = 2000 };
	static uint64_t a[N], b[2 * N];

	for (int round = 0; round < 200; round++) {
		struct runs r = {0};
		size_t nb = 0, kept = 0;
		uint32_t edits = 1 + rnd(60);

		for (int i = 0; i < N; i++) {
			a[i] = rnd(30);
			if (rnd(N) < edits)
				continue;
			kept++;
			b[nb++] = a[i];
			if (rnd(N) < edits)
				b[nb++] = rnd(30);
		}
		assert_int_equal(runs_align(&r, a, N, b, nb), 0);
		assert_true(check(&r, a, N, b, nb) >= kept - kept / 50);
		runs_fini(&r);
	}
}

static void a_large_block_on_one_side_is_stepped_over(void **state)
{
	enum { N = 40000, BLOCK = 15000 };
	static uint64_t a[N], b[N];
	struct runs r = {0};

	for (int i = 0; i < N; i++)
		a[i] = rnd(100000);
	memcpy(b, a, 100 * sizeof(*a));
	memcpy(b + 100, a + 100 + BLOCK, (N - BLOCK - 100) * sizeof(*a));
	assert_int_equal(runs_align(&r, a, N, b, N - BLOCK), 0);
	assert_true(check(&r, a, N, b, N - BLOCK) >= N - BLOCK - RUNS_COMMIT);
	runs_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(identical_sequences_are_one_run),
		cmocka_unit_test(one_side_empty_gives_nothing),
		cmocka_unit_test(a_planted_replacement_is_the_only_gap),
		cmocka_unit_test(random_edits_leave_an_alignment),
		cmocka_unit_test(a_large_block_on_one_side_is_stepped_over),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
