/* See tree.h. */
#include "tracer/decode/tree.h"

#include <stdlib.h>
#include <string.h>

/* An event can carry 16 MiB of captures; what is made of them stays in proportion. */
#define NODES_MAX (1u << 20)
#define STEPS_MAX (1u << 20)

void tree_fini(struct tree *t)
{
	free(t->node);
	buf_fini(&t->text);
	*t = (struct tree){0};
}

void tree_reset(struct tree *t, const struct trace_event *ev, const struct decode_opts *opts)
{
	static const struct decode_opts none;

	t->n = 1;
	t->failed = false;
	t->at = trace_caps(ev);
	t->steps = STEPS_MAX;
	t->ev = ev;
	t->opts = opts ? opts : &none;
	buf_reset(&t->text);
}

struct node *tree_node(struct tree *t, uint32_t n)
{
	static struct node spare;

	return n ? &t->node[n] : &spare;
}

/* From t->at to `end`, or to the end of the captures when it is NULL. */
static bool find_until(struct tree *t, const uint8_t *end, unsigned int slot, unsigned int part,
	enum tree_when when, struct trace_cap *cap)
{
	while ((!end || t->at.p < end) && trace_cap_step(&t->at, cap)) {
		bool after = cap->flags & TC_OUT;

		if (!t->steps) {
			t->failed = true;
			return false;
		}
		t->steps--;
		if (cap->slot == slot && cap->part == part &&
			(when == WHENEVER || after == (when == AFTER)))
			return true;
	}
	return false;
}

bool tree_find(struct tree *t, unsigned int slot, unsigned int part, enum tree_when when,
	struct trace_cap *cap)
{
	const uint8_t *from = t->at.p;

	if (find_until(t, NULL, slot, part, when, cap))
		return true;
	t->at = trace_caps(t->ev);
	return find_until(t, from, slot, part, when, cap);
}

static bool grow(struct tree *t)
{
	uint32_t size = t->size ? t->size * 2 : 64;
	struct node *p;

	if (t->n < t->size)
		return true;
	p = size > NODES_MAX ? NULL : realloc(t->node, size * sizeof(*p));
	if (!p)
		return false;
	t->node = p;
	t->size = size;
	return true;
}

uint32_t tree_add(
	struct tree *t, uint32_t parent, const char *name, enum node_form form, unsigned int kind)
{
	uint32_t n = t->n, *link;

	if (!grow(t)) {
		t->failed = true;
		return 0;
	}
	t->n++;
	t->node[n] = (struct node){.name = name, .form = form, .kind = kind};
	if (parent) {
		link = t->node[parent].last ? &t->node[t->node[parent].last].next
					    : &t->node[parent].child;
		*link = n;
		t->node[parent].last = n;
	}
	return n;
}

void tree_set_text(struct tree *t, uint32_t n, uint32_t mark)
{
	tree_node(t, n)->text_off = mark;
	tree_node(t, n)->text_len = t->text.len - mark;
}

void tree_set_note(struct tree *t, uint32_t n, uint32_t mark)
{
	tree_node(t, n)->note_off = mark;
	tree_node(t, n)->note_len = t->text.len - mark;
}
