#include "tracer/record/written.h"

#include <stdlib.h>
#include <string.h>

void written_fini(struct written *w)
{
	free(w->range);
	memset(w, 0, sizeof(*w));
}

/* The first range that ends at or after addr. */
static size_t first_at(const struct written *w, uint64_t addr)
{
	size_t lo = 0, hi = w->len;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (w->range[mid].end < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool make_room(struct written *w)
{
	size_t size = w->size ? w->size * 2 : 16;
	struct written_range *range;

	if (w->len < w->size)
		return true;
	range = reallocarray(w->range, size, sizeof(*range));
	if (!range) {
		w->lost = true;
		return false;
	}
	w->range = range;
	w->size = size;
	return true;
}

void written_add(struct written *w, uint64_t start, uint64_t end)
{
	size_t i, n = 0;

	if (start >= end || w->lost)
		return;
	i = first_at(w, start);
	while (i + n < w->len && w->range[i + n].start <= end)
		n++;
	if (!n) {
		if (!make_room(w))
			return;
		memmove(w->range + i + 1, w->range + i, (w->len - i) * sizeof(*w->range));
		w->range[i] = (struct written_range){start, end};
		w->len++;
		return;
	}
	if (w->range[i].start > start)
		w->range[i].start = start;
	if (w->range[i + n - 1].end > end)
		end = w->range[i + n - 1].end;
	w->range[i].end = end;
	memmove(w->range + i + 1, w->range + i + n, (w->len - i - n) * sizeof(*w->range));
	w->len -= n - 1;
}

bool written_copy(struct written *to, const struct written *from)
{
	memset(to, 0, sizeof(*to));
	to->lost = from->lost;
	if (!from->len)
		return true;
	to->range = malloc(from->len * sizeof(*to->range));
	if (!to->range) {
		to->lost = true;
		return false;
	}
	memcpy(to->range, from->range, from->len * sizeof(*to->range));
	to->len = to->size = from->len;
	return true;
}

bool written_any(const struct written *w, uint64_t start, uint64_t end)
{
	size_t i = first_at(w, start + 1);

	return w->lost || (i < w->len && w->range[i].start < end);
}
