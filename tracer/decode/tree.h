/*
 * An event's values as a tree, between what builds it (args.c, msg.c, info.c) and what prints it
 * (text.c, print_text.c, print_json.c), so that both print the same. Nodes are numbered; 0 is none.
 * The tree is reused from event to event. Internal to tracer/decode.
 */
#ifndef LOCKSTEP_TRACER_DECODE_TREE_H
#define LOCKSTEP_TRACER_DECODE_TREE_H

#include "abi/abi.h"
#include "common/buf.h"
#include "tracer/decode/decode.h"

enum node_form {
	NF_NUM,	   /* value; `text` when it has a name */
	NF_BYTES,  /* bytes[0..size) of `full`; value: where they were */
	NF_STRUCT, /* children: fields */
	NF_ARRAY,  /* children: elements */
	NF_CHANGE, /* two children: before and after the call */
	NF_ADDR,   /* value: an address, what is there is not known */
	NF_REST,   /* in a struct or array: there is more */
};

struct node {
	const char *name; /* of the argument or field; NULL in arrays */
	const char *type; /* NF_STRUCT: its name */
	uint32_t next, child, last;
	uint8_t form; /* enum node_form */
	uint8_t kind; /* enum abi_kind */
	bool sets;    /* NF_ARRAY: printed as [A B], no commas (signals, descriptors) */
	bool all_but; /* with sets: the complement is listed */
	uint64_t value;
	const uint8_t *bytes;
	uint32_t size, full;
	uint32_t text_off, text_len; /* in tree.text */
	uint32_t note_off, note_len; /* a comment */
};

/* Elements of an array that are shown; the rest is NF_REST. */
#define TREE_ELEMENTS_MAX 4096u

struct tree {
	struct node *node; /* [0] is not used */
	uint32_t n, size;
	struct buf text;
	const struct trace_event *ev;
	const struct decode_opts *opts;
	struct trace_cap_iter at; /* after the capture found last */
	uint32_t steps;		  /* left for finding captures */
	bool failed;
};

void tree_fini(struct tree *t);
void tree_reset(struct tree *t, const struct trace_event *ev, const struct decode_opts *opts);
enum tree_when { BEFORE, AFTER, WHENEVER };
/*
 * The capture of that slot and part, taken before or after the call; `hash` as trace_cap_step.
 * Looks on from where the last one was found, so that walking through parts in order costs no more
 * than there are; an event made up to cost more is cut short (then `failed` is set).
 */
bool tree_find(struct tree *t, unsigned int slot, unsigned int part, enum tree_when when,
	struct trace_cap *cap);
/* Adds a node as the last child of `parent` (0: nobody's). Its number; 0 when memory ran out (and
 * functions that get 0 as a node do nothing). */
uint32_t tree_add(
	struct tree *t, uint32_t parent, const char *name, enum node_form form, unsigned int kind);
/* Never NULL: a spare one when n is 0. Valid until the next tree_add. */
struct node *tree_node(struct tree *t, uint32_t n);
/* What is appended to t->text between the two is the node's text or note. */
static inline uint32_t tree_mark(const struct tree *t)
{
	return t->text.len;
}
void tree_set_text(struct tree *t, uint32_t n, uint32_t mark);
void tree_set_note(struct tree *t, uint32_t n, uint32_t mark);

/* ---- values.c: scalars ---- */

/* A node for a value of that kind; `size` in bytes says how much of it counts. */
uint32_t tree_value(struct tree *t, uint32_t parent, const char *name, unsigned int kind,
	unsigned int set, uint64_t value, unsigned int size);
/* The same, with one given name. */
uint32_t tree_word(struct tree *t, uint32_t parent, const char *name, unsigned int kind,
	uint64_t value, const char *word);
uint32_t tree_addr(
	struct tree *t, uint32_t parent, const char *name, unsigned int kind, uint64_t value);
uint32_t tree_bytes(struct tree *t, uint32_t parent, const char *name, unsigned int kind,
	uint64_t addr, const uint8_t *bytes, uint32_t size, uint32_t full);
/* A kernel sigset of 8 bytes. */
uint32_t tree_sigset(
	struct tree *t, uint32_t parent, const char *name, const uint8_t *bytes, uint32_t size);
uint32_t tree_fdset(
	struct tree *t, uint32_t parent, const char *name, const uint8_t *bytes, uint32_t size);
/* Flags of a set by name into t->text; false when it has no name for any. */
bool tree_flag_names(struct tree *t, const struct abi_set *set, uint64_t value);
/* An unsigned integer of size bytes (at most 8), little-endian. */
uint64_t tree_load(const uint8_t *p, unsigned int size);
/* "WIFEXITED(s) && WEXITSTATUS(s) == 0" into t->text. */
void tree_wait_status(struct tree *t, int status);

/* ---- args.c: arguments and structs ---- */

/* Struct `id` out of bytes; what is not there is NF_REST. */
uint32_t tree_struct(struct tree *t, uint32_t parent, const char *name, unsigned int id,
	const uint8_t *bytes, uint32_t size);
/* All arguments of a call, as children of a node that is returned. */
uint32_t tree_args(struct tree *t, const struct abi_call *call);

/* ---- msg.c: what sockets take ---- */

uint32_t tree_sockaddr(
	struct tree *t, uint32_t parent, const char *name, const uint8_t *bytes, uint32_t size);
/* Out of captures of argument `slot`; part 0 is the array (in `array_part`), elements' data from
 * `first`.
 */
uint32_t tree_iovec(struct tree *t, uint32_t parent, const char *name, unsigned int slot,
	unsigned int array_part, unsigned int first, enum tree_when when);
uint32_t tree_msghdr(struct tree *t, uint32_t parent, const char *name, unsigned int slot,
	unsigned int base, enum tree_when when);
uint32_t tree_mmsghdr(
	struct tree *t, uint32_t parent, const char *name, unsigned int slot, enum tree_when when);

/* ---- info.c: siginfo ---- */

uint32_t tree_siginfo(
	struct tree *t, uint32_t parent, const char *name, const uint8_t *bytes, uint32_t size);

/* ---- text.c, print_json.c ---- */

/* Appends a node's value as text, without its name. */
void tree_text(struct tree *t, uint32_t n, struct buf *out);
/* Appends bytes with what does not print, quotes and backslashes as escapes of C. */
void tree_escape(struct buf *out, const void *bytes, size_t size);
/* The nodes below n as the elements of an array called key. */
void tree_json_children(struct tree *t, uint32_t n, struct json *j, const char *key);

/* ---- result.c ---- */

/* The value of TK_CALL's ret, when it is not an error. */
uint32_t tree_result(struct tree *t, const struct abi_call *call);
static inline bool result_is_error(int64_t ret)
{
	return ret < 0 && ret >= -4095;
}
/* "No such file or directory"; what ERESTARTSYS and its like mean; NULL. */
const char *result_meaning(int err);

#endif
