/*
 * See runs.h. From the present point a forward Myers search (E. Myers, "An O(ND) Difference
 * Algorithm", 1986) goes on until a snake of RUNS_COMMIT tokens or both ends are found, then its
 * path is taken and the search starts anew behind it. A search that reaches MAX_EDITS gives up on
 * the diagonals and looks for the nearest common stretch of RUNS_COMMIT tokens by hash: that is a
 * large block that only one side has, where the square of its size would be paid otherwise.
 */
#include "tracer/align/runs.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define MAX_EDITS  2048
#define ANCHOR_MAX (1u << 22) /* tokens of each side that the anchor search looks ahead */

struct side {
	const uint64_t *tok;
	size_t len;
};

/* One search's frontier: after d edits, row d holds the furthest x on diagonals -d, -d+2, .. d. */
struct search {
	int32_t *rows; /* triangular: row d starts at d*(d+1)/2 */
	size_t size;
};

struct point {
	uint32_t x, y;
};

void runs_fini(struct runs *r)
{
	free(r->run);
	*r = (struct runs){0};
}

int runs_add(struct runs *out, uint32_t a_pos, uint32_t b_pos, uint32_t len)
{
	struct run *last = out->len ? &out->run[out->len - 1] : NULL;

	if (!len)
		return 0;
	if (last && last->a_pos + last->len == a_pos && last->b_pos + last->len == b_pos) {
		last->len += len;
		return 0;
	}
	if (out->len == out->size) {
		size_t size = out->size ? out->size * 2 : 64;
		struct run *run = realloc(out->run, size * sizeof(*run));

		if (!run)
			return -ENOMEM;
		out->run = run;
		out->size = size;
	}
	out->run[out->len++] = (struct run){a_pos, b_pos, len};
	return 0;
}

static int32_t *row_at(struct search *s, int d)
{
	size_t start = (size_t)d * (d + 1) / 2, need = start + d + 1;

	if (need > s->size) {
		size_t size = need * 2;
		int32_t *rows = realloc(s->rows, size * sizeof(*rows));

		if (!rows)
			return NULL;
		s->rows = rows;
		s->size = size;
	}
	return s->rows + start;
}

/* The x where diagonal k (index i of row d) begins before its snake, from the row before. */
static int32_t step_from(const int32_t *prev, int d, int i, bool *down)
{
	int k = 2 * i - d;

	if (d == 0)
		return 0;
	/* index of diagonal k+1 in row d-1 is i, of k-1 is i-1 */
	*down = k == -d || (k != d && prev[i - 1] < prev[i]);
	return *down ? prev[i] : prev[i - 1] + 1;
}

static uint32_t snake_len(struct side a, struct side b, uint32_t x, uint32_t y)
{
	uint32_t n = 0;

	while (x + n < a.len && y + n < b.len && a.tok[x + n] == b.tok[y + n])
		n++;
	return n;
}

/* Follows the search's rows back from diagonal i of row d and appends the snakes, first one first.
 */
static int path_take(struct runs *out, struct search *s, int d, int i, struct point origin)
{
	struct run *stack = malloc((d + 1) * sizeof(*stack));
	int n = 0, rc = 0;

	if (!stack)
		return -ENOMEM;
	for (; d >= 0; d--) {
		bool down = false;
		int32_t x = row_at(s, d)[i];
		int32_t start = step_from(d ? row_at(s, d - 1) : NULL, d, i, &down);
		int k = 2 * i - d;

		stack[n++] = (struct run){origin.x + start, origin.y + start - k, x - start};
		i = down ? i : i - 1;
	}
	while (n-- > 0 && !rc)
		rc = runs_add(out, stack[n].a_pos, stack[n].b_pos, stack[n].len);
	free(stack);
	return rc;
}

/*
 * One search from `at`. 1: *at advanced behind what was committed; 0: MAX_EDITS reached, nothing
 * taken; negative errno.
 */
static int search_once(
	struct runs *out, struct search *s, struct side a, struct side b, struct point *at)
{
	struct side ra = {a.tok + at->x, a.len - at->x}, rb = {b.tok + at->y, b.len - at->y};

	for (int d = 0; d <= MAX_EDITS; d++) {
		int32_t *row = row_at(s, d), *prev;

		if (!row)
			return -ENOMEM;
		prev = d ? row_at(s, d - 1) : NULL;
		for (int i = 0; i <= d; i++) {
			bool down = false;
			int64_t x = step_from(prev, d, i, &down), y = x - (2 * i - d);
			uint32_t n = 0;

			if (x <= (int64_t)ra.len && y >= 0 && y <= (int64_t)rb.len)
				n = snake_len(ra, rb, x, y);
			row[i] = x + n;
			if (y < 0 || x > (int64_t)ra.len || y > (int64_t)rb.len)
				continue;
			if (n >= RUNS_COMMIT ||
				((size_t)x + n == ra.len && (size_t)y + n == rb.len)) {
				int rc = path_take(out, s, d, i, *at);

				at->x += x + n;
				at->y += y + n;
				return rc ? rc : 1;
			}
		}
	}
	return 0;
}

static uint64_t gram_hash(const uint64_t *tok)
{
	uint64_t h = 0;

	for (int i = 0; i < RUNS_COMMIT; i++)
		h = (h ^ tok[i]) * 0x9e3779b97f4a7c15ull, h ^= h >> 29;
	return h;
}

struct gram {
	uint64_t hash;
	uint32_t pos; /* 1 + position; 0 an empty slot */
};

/* The first stretch of RUNS_COMMIT tokens of b, behind y, that a has too behind x (its first place
 * there). */
static int anchor_find(struct side a, struct side b, struct point at, struct point *found)
{
	size_t na = a.len - at.x, nb = b.len - at.y, slots = 1;
	struct gram *table;
	int rc = 0;

	na = na > ANCHOR_MAX ? ANCHOR_MAX : na;
	nb = nb > ANCHOR_MAX ? ANCHOR_MAX : nb;
	if (na < RUNS_COMMIT || nb < RUNS_COMMIT)
		return 0;
	while (slots < na * 2)
		slots *= 2;
	table = calloc(slots, sizeof(*table));
	if (!table)
		return -ENOMEM;
	for (size_t i = 0; i + RUNS_COMMIT <= na; i++) {
		uint64_t h = gram_hash(a.tok + at.x + i);
		size_t s = h & (slots - 1);

		while (table[s].pos && table[s].hash != h)
			s = (s + 1) & (slots - 1);
		if (!table[s].pos)
			table[s] = (struct gram){h, i + 1};
	}
	for (size_t j = 0; j + RUNS_COMMIT <= nb && !rc; j++) {
		uint64_t h = gram_hash(b.tok + at.y + j);

		for (size_t s = h & (slots - 1); table[s].pos; s = (s + 1) & (slots - 1)) {
			uint32_t x = at.x + table[s].pos - 1;

			if (table[s].hash != h)
				continue;
			if (!memcmp(a.tok + x, b.tok + at.y + j, RUNS_COMMIT * sizeof(*a.tok))) {
				*found = (struct point){x, at.y + j};
				rc = 1;
			}
			break;
		}
	}
	free(table);
	return rc;
}

int runs_align(struct runs *out, const uint64_t *ta, size_t na, const uint64_t *tb, size_t nb)
{
	struct side a = {ta, na}, b = {tb, nb};
	struct search s = {0};
	struct point at = {0, 0};
	int rc = 0;

	while (at.x < na && at.y < nb) {
		uint32_t n = snake_len(a, b, at.x, at.y);

		/* the common case by far: nothing differs */
		rc = runs_add(out, at.x, at.y, n);
		if (rc)
			break;
		at.x += n;
		at.y += n;
		if (at.x == na || at.y == nb)
			break;
		rc = search_once(out, &s, a, b, &at);
		if (rc == 0)
			rc = anchor_find(a, b, at, &at);
		if (rc <= 0)
			break;
		rc = 0;
	}
	free(s.rows);
	return rc;
}
