/* See book.h. Open addressing; entries are never removed. */
#include "tracer/align/book.h"

#include <errno.h>
#include <stdlib.h>

static uint64_t entry_id(uint64_t key, uint64_t shape)
{
	uint64_t h = (key ^ (shape * 0x9e3779b97f4a7c15ull)) * 0xbf58476d1ce4e5b9ull;

	return (h ^ (h >> 31)) | 1;
}

static struct book_entry *slot_of(struct book_entry *entry, size_t slots, uint64_t id)
{
	size_t s = id & (slots - 1);

	while (entry[s].id && entry[s].id != id)
		s = (s + 1) & (slots - 1);
	return &entry[s];
}

static int book_grow(struct book *b)
{
	size_t slots = b->slots ? b->slots * 2 : 1024;
	struct book_entry *entry = calloc(slots, sizeof(*entry));

	if (!entry)
		return -ENOMEM;
	for (size_t i = 0; i < b->slots; i++)
		if (b->entry[i].id)
			*slot_of(entry, slots, b->entry[i].id) = b->entry[i];
	free(b->entry);
	b->entry = entry;
	b->slots = slots;
	return 0;
}

static bool holds(const uint32_t *v, unsigned int n, uint32_t x)
{
	if (n > BOOK_VALUES)
		return true;
	for (unsigned int i = 0; i < n; i++)
		if (v[i] == x)
			return true;
	return false;
}

static void note(uint32_t *v, uint8_t *n, uint32_t x)
{
	if (holds(v, *n, x))
		return;
	if (*n < BOOK_VALUES)
		v[*n] = x;
	++*n;
}

static bool holds_err(const struct book_entry *e, int16_t err)
{
	unsigned int n = e->nerr < BOOK_VALUES ? e->nerr : BOOK_VALUES;

	for (unsigned int i = 0; i < n; i++)
		if (e->err[i] == err)
			return true;
	return false;
}

int book_add(struct book *b, uint64_t key, uint64_t shape, const struct tok *t, unsigned int run)
{
	uint64_t id = entry_id(key, shape);
	struct book_entry *e;

	if (b->used * 2 >= b->slots && book_grow(b))
		return -ENOMEM;
	e = slot_of(b->entry, b->slots, id);
	if (!e->id) {
		e->id = id;
		b->used++;
	}
	e->runs |= 1u << run;
	if (!holds_err(e, t->err)) {
		if (e->nerr < BOOK_VALUES)
			e->err[e->nerr] = t->err;
		e->nerr += e->nerr <= BOOK_VALUES;
	}
	note(e->args, &e->nargs, t->args);
	note(e->nums, &e->nnums, t->nums);
	if (t->err)
		return 0;
	note(e->ret, &e->nret, t->ret);
	note(e->out, &e->nout, t->out);
	return 0;
}

const struct book_entry *book_find(const struct book *b, uint64_t key, uint64_t shape)
{
	const struct book_entry *e;

	if (!b->slots)
		return NULL;
	e = slot_of(b->entry, b->slots, entry_id(key, shape));
	return e->id ? e : NULL;
}

unsigned int book_news(const struct book_entry *e, const struct tok *t)
{
	unsigned int news = holds_err(e, t->err) ? 0 : TOK_ERR;

	if (!holds(e->args, e->nargs, t->args))
		news |= TOK_ARGS;
	if (!holds(e->nums, e->nnums, t->nums))
		news |= TOK_NUMS;
	if (t->err)
		return news;
	if (!holds(e->ret, e->nret, t->ret))
		news |= TOK_RET;
	if (!holds(e->out, e->nout, t->out))
		news |= TOK_OUT;
	return news;
}

void book_fini(struct book *b)
{
	free(b->entry);
	*b = (struct book){0};
}
