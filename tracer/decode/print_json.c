/* Nodes, and whole events, as JSON: lockstep.event/1. */
#include "tracer/decode/tree.h"

#include <string.h>
#include <sys/wait.h>

/* Addresses and bit patterns as text, so that no reader rounds them; the others as numbers. */
static void put_value(const struct node *n, struct json *j)
{
	switch (n->kind) {
	case AK_UINT:
	case AK_ULONG:
	case AK_SIZE:
	case AK_INO:
	case AK_MODE:
		json_uint(j, "value", n->value);
		break;
	case AK_HEX:
	case AK_FLAGS:
	case AK_DEV:
	case AK_SIGSET:
		json_hex(j, "value", n->value);
		break;
	default:
		if (n->kind >= AK_ADDR)
			json_hex(j, "value", n->value);
		else
			json_int(j, "value", (int64_t)n->value);
	}
}

static void put_node(struct tree *t, uint32_t index, struct json *j);

static void put_change(struct tree *t, const struct node *n, struct json *j)
{
	uint32_t a = n->child, b = a ? t->node[a].next : 0;

	json_array(j, "before");
	if (a)
		put_node(t, a, j);
	json_array_end(j);
	json_array(j, "after");
	if (b)
		put_node(t, b, j);
	json_array_end(j);
}

static void put_form(struct tree *t, const struct node *n, struct json *j)
{
	switch (n->form) {
	case NF_NUM:
		put_value(n, j);
		if (n->text_len)
			json_strn(j, "text", t->text.data + n->text_off, n->text_len);
		break;
	case NF_ADDR:
		json_hex(j, "value", n->value);
		break;
	case NF_BYTES:
		json_hex(j, "value", n->value);
		json_strn(j, "data", n->bytes, n->size);
		json_uint(j, "size", n->full);
		break;
	case NF_STRUCT:
		json_hex(j, "value", n->value);
		json_str(j, "type", n->type);
		tree_json_children(t, n - t->node, j, "fields");
		break;
	case NF_ARRAY:
		json_hex(j, "value", n->value);
		if (n->all_but)
			json_bool(j, "all_but", true);
		tree_json_children(t, n - t->node, j, "items");
		break;
	case NF_CHANGE:
		json_hex(j, "value", n->value);
		put_change(t, n, j);
		break;
	}
}

static void put_node(struct tree *t, uint32_t index, struct json *j)
{
	const struct node *n = &t->node[index];

	json_begin(j, NULL);
	if (n->form == NF_REST) {
		json_bool(j, "more", true);
		json_end(j);
		return;
	}
	if (n->name)
		json_str(j, "name", n->name);
	json_str(j, "kind", abi_kind_name(n->kind));
	put_form(t, n, j);
	if (n->note_len)
		json_strn(j, "note", t->text.data + n->note_off, n->note_len);
	json_end(j);
}

void tree_json_children(struct tree *t, uint32_t n, struct json *j, const char *key)
{
	uint32_t c;

	json_array(j, key);
	for (c = tree_node(t, n)->child; c; c = t->node[c].next)
		put_node(t, c, j);
	json_array_end(j);
}
