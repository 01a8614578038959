/* See names.h. Nodes live in one array; a hash table finds the child of a node by component. */
#include "tracer/align/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define NO_NODE 0 /* the root: never anybody's child */

struct node {
	uint32_t parent;
	uint32_t text, text_len; /* in pool */
	uint32_t runs;		 /* which runs have a name that goes through here */
	uint32_t child, sibling;
	uint32_t canon; /* after settling: index in canon[] */
};

/* A node of the canonical tree: one or more nodes of the tree above. */
struct canon {
	uint32_t parent;
	uint32_t node; /* one of them, for its text */
	uint64_t hash;
	uint32_t members; /* first in `chain` */
	bool dollar;	  /* stands for several components, or below one that does */
	bool merged;
};

struct names {
	struct node *node;
	size_t len, size;
	uint32_t *slot; /* hash table of node indices, 0 empty */
	size_t slots;
	struct buf pool;
	struct canon *canon;
	size_t canon_len, canon_size;
	uint32_t *chain; /* by node: the next member of the same canonical node */
	bool failed;
};

struct names *names_new(void)
{
	struct names *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	n->size = 1024;
	n->slots = 4096;
	n->node = calloc(n->size, sizeof(*n->node));
	n->slot = calloc(n->slots, sizeof(*n->slot));
	n->len = 1; /* the root */
	if (!n->node || !n->slot) {
		names_free(n);
		return NULL;
	}
	return n;
}

void names_free(struct names *n)
{
	if (!n)
		return;
	free(n->node);
	free(n->slot);
	free(n->canon);
	free(n->chain);
	buf_fini(&n->pool);
	free(n);
}

static uint64_t child_hash(uint32_t parent, const char *text, size_t len)
{
	return XXH3_64bits_withSeed(text, len, parent);
}

static const char *node_text(const struct names *n, const struct node *d)
{
	return d->text_len ? (const char *)n->pool.data + d->text : "";
}

static int slots_grow(struct names *n)
{
	size_t slots = n->slots * 2;
	uint32_t *slot = calloc(slots, sizeof(*slot));

	if (!slot)
		return -ENOMEM;
	for (size_t i = 1; i < n->len; i++) {
		const struct node *d = &n->node[i];
		size_t s = child_hash(d->parent, node_text(n, d), d->text_len) & (slots - 1);

		while (slot[s])
			s = (s + 1) & (slots - 1);
		slot[s] = i;
	}
	free(n->slot);
	n->slot = slot;
	n->slots = slots;
	return 0;
}

static uint32_t node_append(struct names *n, uint32_t parent, const char *text, size_t len)
{
	if (n->len == n->size) {
		struct node *node = realloc(n->node, n->size * 2 * sizeof(*node));

		if (!node)
			return NO_NODE;
		n->node = node;
		n->size *= 2;
	}
	n->node[n->len] = (struct node){
		.parent = parent,
		.text = n->pool.len,
		.text_len = len,
		.sibling = n->node[parent].child,
	};
	buf_add(&n->pool, text, len);
	if (n->pool.failed)
		return NO_NODE;
	n->node[parent].child = n->len;
	return n->len++;
}

/* The child of that name, made when it is missing; NO_NODE when memory ran out. */
static uint32_t child_get(struct names *n, uint32_t parent, const char *text, size_t len)
{
	size_t s;
	uint32_t i;

	if (n->len * 2 > n->slots && slots_grow(n))
		return NO_NODE;
	for (s = child_hash(parent, text, len) & (n->slots - 1); n->slot[s];
		s = (s + 1) & (n->slots - 1)) {
		const struct node *d = &n->node[n->slot[s]];

		if (d->parent == parent && d->text_len == len &&
			!memcmp(node_text(n, d), text, len))
			return n->slot[s];
	}
	i = node_append(n, parent, text, len);
	if (i != NO_NODE)
		n->slot[s] = i;
	return i;
}

uint32_t names_add(struct names *n, const char *text, size_t len, unsigned int run)
{
	uint32_t at = 0, bit = 1u << (run % NAMES_RUN_MAX);
	const char *end = text + len;

	while (text < end) {
		const char *slash = memchr(text, '/', end - text);
		size_t part = slash ? (size_t)(slash - text) : (size_t)(end - text);

		if (part) {
			uint32_t child = child_get(n, at, text, part);

			if (child == NO_NODE) {
				n->failed = true;
				return at;
			}
			at = child;
			n->node[at].runs |= bit;
		}
		text += part + 1;
	}
	return at;
}

static uint32_t canon_append(struct names *n, uint32_t parent, uint32_t node, bool merged)
{
	struct canon *p = n->canon_len ? &n->canon[parent] : NULL;
	const struct node *d = &n->node[node];

	if (n->canon_len == n->canon_size) {
		size_t size = n->canon_size ? n->canon_size * 2 : 1024;
		struct canon *canon = realloc(n->canon, size * sizeof(*canon));

		if (!canon)
			return NO_NODE;
		n->canon = canon;
		n->canon_size = size;
		p = n->canon_len ? &n->canon[parent] : NULL;
	}
	n->canon[n->canon_len] = (struct canon){
		.parent = parent,
		.node = node,
		.merged = merged,
		.dollar = merged || (p && p->dollar),
		.hash = XXH3_64bits_withSeed(
			merged ? "$" : node_text(n, d), merged ? 1 : d->text_len, p ? p->hash : 0),
	};
	return n->canon_len++;
}

static void member_add(struct names *n, uint32_t c, uint32_t node)
{
	n->node[node].canon = c;
	n->chain[node] = n->canon[c].members;
	n->canon[c].members = node;
}

/* The children of all members of a canonical node, sorted by text so that equal components stand
 * together. */
struct kid {
	const struct names *names;
	uint32_t node;
};

static int kid_cmp(const void *va, const void *vb)
{
	const struct kid *a = va, *b = vb;
	const struct node *x = &a->names->node[a->node], *y = &b->names->node[b->node];
	size_t len = x->text_len < y->text_len ? x->text_len : y->text_len;
	int c = memcmp(node_text(a->names, x), node_text(b->names, y), len);

	return c ? c : (x->text_len > y->text_len) - (x->text_len < y->text_len);
}

static size_t kids_collect(
	const struct names *n, const struct canon *c, struct kid **kids, size_t *size)
{
	size_t len = 0;

	for (uint32_t m = c->members;; m = n->chain[m]) {
		for (uint32_t k = n->node[m].child; k; k = n->node[k].sibling) {
			if (len == *size) {
				size_t want = *size ? *size * 2 : 256;
				struct kid *more = realloc(*kids, want * sizeof(*more));

				if (!more)
					return SIZE_MAX;
				*kids = more;
				*size = want;
			}
			(*kids)[len++] = (struct kid){n, k};
		}
		if (!m || !n->chain[m])
			break;
	}
	if (len)
		qsort(*kids, len, sizeof(**kids), kid_cmp);
	return len;
}

static size_t same_text(const struct kid *kids, size_t i, size_t len, uint32_t *runs)
{
	size_t j = i;

	for (*runs = 0; j < len && !kid_cmp(&kids[i], &kids[j]); j++)
		*runs |= kids[j].names->node[kids[j].node].runs;
	return j;
}

/* Gives every child of canonical node `at` its own canonical node, or the one "$" where that folder
 * is volatile. */
static int settle_children(
	struct names *n, uint32_t at, uint32_t natives, struct kid **kids, size_t *size)
{
	size_t len = kids_collect(n, &n->canon[at], kids, size);
	uint32_t runs, dollar = NO_NODE, c;
	bool is_volatile = false;

	if (len == SIZE_MAX)
		return -ENOMEM;
	for (size_t i = 0; i < len; i = same_text(*kids, i, len, &runs)) {
		same_text(*kids, i, len, &runs);
		runs &= natives;
		is_volatile |= runs && runs != natives;
	}
	for (size_t i = 0, j; i < len; i = j) {
		bool merge;

		j = same_text(*kids, i, len, &runs);
		merge = is_volatile && (runs & natives) != natives;
		c = merge ? dollar : NO_NODE;
		if (c == NO_NODE)
			c = canon_append(n, at, (*kids)[i].node, merge);
		if (c == NO_NODE)
			return -ENOMEM;
		if (merge)
			dollar = c;
		for (size_t k = i; k < j; k++)
			member_add(n, c, (*kids)[k].node);
	}
	return 0;
}

int names_settle(struct names *n, uint32_t natives)
{
	struct kid *kids = NULL;
	size_t size = 0;
	int rc = n->failed ? -ENOMEM : 0;

	free(n->chain);
	n->chain = calloc(n->len, sizeof(*n->chain));
	n->canon_len = 0;
	if (!n->chain)
		return -ENOMEM;
	canon_append(n, 0, 0, false);
	if (!n->canon_len)
		rc = -ENOMEM;
	for (uint32_t at = 0; at < n->canon_len && !rc; at++)
		rc = settle_children(n, at, natives, &kids, &size);
	free(kids);
	return rc;
}

uint64_t names_hash(const struct names *n, uint32_t id)
{
	return n->canon[n->node[id].canon].hash;
}

bool names_volatile(const struct names *n, uint32_t id)
{
	return n->canon[n->node[id].canon].dollar;
}

void names_text(const struct names *n, uint32_t id, struct buf *out)
{
	const struct node *d = &n->node[id];

	if (!id)
		return;
	names_text(n, d->parent, out);
	buf_add_byte(out, '/');
	buf_add(out, node_text(n, d), d->text_len);
}

static void canon_text(const struct names *n, uint32_t c, struct buf *out)
{
	const struct canon *k = &n->canon[c];
	const struct node *d = &n->node[k->node];

	if (!c)
		return;
	canon_text(n, k->parent, out);
	buf_add_byte(out, '/');
	if (k->merged)
		buf_add_byte(out, '$');
	else
		buf_add(out, node_text(n, d), d->text_len);
}

void names_canonical(const struct names *n, uint32_t id, struct buf *out)
{
	canon_text(n, n->node[id].canon, out);
}
