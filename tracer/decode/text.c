/* Nodes as text, the way strace prints values. */
#include "tracer/decode/tree.h"

#include <inttypes.h>

#define STRING_MAX_DEFAULT 32u

/* ---- strings ---- */

static bool is_octal(uint8_t c)
{
	return c >= '0' && c <= '7';
}

static void put_escaped(struct buf *out, uint8_t c, bool octal_follows)
{
	static const char named[] = {
		['\t'] = 't', ['\n'] = 'n', ['\v'] = 'v', ['\f'] = 'f', ['\r'] = 'r'};

	if (c == '"' || c == '\\') {
		buf_add_byte(out, '\\');
		buf_add_byte(out, c);
	} else if (c >= ' ' && c < 0x7f) {
		buf_add_byte(out, c);
	} else if (c < sizeof(named) && named[c]) {
		buf_add_byte(out, '\\');
		buf_add_byte(out, named[c]);
	} else {
		buf_printf(out, octal_follows ? "\\%03o" : "\\%o", c);
	}
}

void tree_escape(struct buf *out, const void *bytes, size_t size)
{
	const uint8_t *p = bytes;
	size_t i;

	for (i = 0; i < size; i++)
		put_escaped(out, p[i], i + 1 < size && is_octal(p[i + 1]));
}

static void put_string(const struct tree *t, const struct node *n, struct buf *out)
{
	uint32_t max = t->opts->string_max ? t->opts->string_max : STRING_MAX_DEFAULT;
	uint32_t size = n->size, skip = 0;

	if (n->kind != AK_PATH && size > max)
		size = max;
	/* An abstract socket's name: its NUL is customary as @. */
	if (n->kind == AK_STR && size && !n->bytes[0] && n->name && n->name[0] == 's') {
		buf_add_byte(out, '@');
		skip = 1;
	}
	buf_add_byte(out, '"');
	tree_escape(out, n->bytes + skip, size - skip);
	buf_add_byte(out, '"');
	if (size < n->full)
		buf_add_str(out, "...");
}

/* ---- numbers ---- */

static void put_number(const struct tree *t, const struct node *n, struct buf *out)
{
	if (n->text_len) {
		buf_add(out, t->text.data + n->text_off, n->text_len);
		return;
	}
	switch (n->kind) {
	case AK_UINT:
	case AK_ULONG:
	case AK_SIZE:
	case AK_INO:
		buf_printf(out, "%" PRIu64, n->value);
		break;
	case AK_HEX:
	case AK_FLAGS:
	case AK_ENUM:
	case AK_DEV:
		buf_printf(out, "%#" PRIx64, n->value);
		break;
	default:
		buf_printf(out, "%" PRId64, (int64_t)n->value);
	}
}

static void put_address(uint64_t v, struct buf *out)
{
	if (v)
		buf_printf(out, "%#" PRIx64, v);
	else
		buf_add_str(out, "NULL");
}

/* ---- structs and arrays ---- */

static void put_children(struct tree *t, const struct node *n, struct buf *out)
{
	const char *between = n->sets ? " " : ", ";
	uint32_t c;

	for (c = n->child; c; c = t->node[c].next) {
		const struct node *child = &t->node[c];

		if (c != n->child)
			buf_add_str(out, between);
		if (n->form == NF_STRUCT && child->name)
			buf_printf(out, "%s=", child->name);
		tree_text(t, c, out);
	}
}

static void put_change(struct tree *t, const struct node *n, struct buf *out)
{
	uint32_t a = n->child, b = a ? t->node[a].next : 0;
	size_t at = out->len;

	tree_text(t, a, out);
	/* [128] and [16] are [128 => 16] */
	if (a && b && t->node[a].form == NF_ARRAY && t->node[b].form == NF_ARRAY && out->len > at &&
		out->data[out->len - 1] == ']') {
		out->len--;
		buf_add_str(out, " => ");
		put_children(t, &t->node[b], out);
		buf_add_byte(out, ']');
		return;
	}
	buf_add_str(out, " => ");
	tree_text(t, b, out);
}

void tree_text(struct tree *t, uint32_t index, struct buf *out)
{
	const struct node *n = tree_node(t, index);

	switch (n->form) {
	case NF_NUM:
		put_number(t, n, out);
		break;
	case NF_BYTES:
		put_string(t, n, out);
		break;
	case NF_STRUCT:
		buf_add_byte(out, '{');
		put_children(t, n, out);
		buf_add_byte(out, '}');
		break;
	case NF_ARRAY:
		if (n->all_but)
			buf_add_byte(out, '~');
		buf_add_byte(out, '[');
		put_children(t, n, out);
		buf_add_byte(out, ']');
		break;
	case NF_CHANGE:
		put_change(t, n, out);
		break;
	case NF_ADDR:
		put_address(n->value, out);
		break;
	case NF_REST:
		buf_add_str(out, "...");
		break;
	}
	if (n->note_len) {
		buf_add_str(out, " /* ");
		buf_add(out, t->text.data + n->note_off, n->note_len);
		buf_add_str(out, " */");
	}
}
