/* See spec.h. */
#include "tracer/align/spec.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "abi/abi.h"
#include "common/cleanup.h"

void spec_text(struct buf *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = text[i];

		if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
			(c && strchr("/._+:,-", c)))
			buf_add_byte(out, c);
		else
			buf_printf(out, "%%%02X", c);
	}
}

/* Whether the names in a call are the same in every run, so that words can hold them. */
static bool named(const struct names *names, const struct tok *t)
{
	return !names_volatile(names, t->obj[0]) && !names_volatile(names, t->obj[1]);
}

/* Whether the words that spec_place writes for `want` fit t as well. */
static bool same_place(const struct names *names, const struct tok *want, const struct tok *t)
{
	if (t->call != want->call || t->skel != want->skel)
		return false;
	return !named(names, want) || t->place == want->place;
}

/*
 * Calls f for every token that the spec's words fit: of the process that `tok` belongs to (all its
 * threads), or with `everywhere` of every process with its image.
 */
static void each_fit(const struct side *s, const struct names *names, int seg, int tok,
	bool everywhere, void (*f)(void *arg, const struct tok *t), void *arg)
{
	const struct seg *mine = &s->seg[seg];

	for (size_t i = 0; i < s->segs; i++) {
		const struct seg *other = &s->seg[i];

		if (everywhere ? other->image != mine->image : other->process != mine->process)
			continue;
		for (size_t k = 0; k < other->len; k++)
			if (same_place(names, &mine->tok[tok], &other->tok[k]))
				f(arg, &other->tok[k]);
	}
}

struct tally {
	const struct tok *want;
	uint32_t before, others;
};

static void tally_one(void *arg, const struct tok *t)
{
	struct tally *n = arg;

	n->before += t->seq <= n->want->seq;
	n->others += t->err != n->want->err;
}

bool spec_uniform(const struct side *s, const struct names *names, int seg, int tok)
{
	struct tally n = {.want = &s->seg[seg].tok[tok]};

	each_fit(s, names, seg, tok, true, tally_one, &n);
	return n.others == 0;
}

/* The place of the process among those that run (or were forked with) the same image, by birth,
 * from 1; 0 when it is the only one. */
static uint32_t process_place(const struct side *s, int seg)
{
	int process = s->seg[seg].process;
	uint32_t place = 0, all = 0;

	for (size_t i = 0; i < s->segs; i++) {
		if (s->seg[i].thread || s->seg[i].image != s->seg[process].image)
			continue;
		all++;
		if ((int)i <= process)
			place++;
	}
	return all > 1 ? place : 0;
}

static void base_name(struct buf *out, const char *path)
{
	const char *slash = strrchr(path, '/');

	path = slash && slash[1] ? slash + 1 : path;
	spec_text(out, path, strlen(path));
}

static void place_fd(struct buf *out, const struct detail *place, unsigned int i)
{
	if (place->fd[i].word == FD_WORD_NUMBER)
		buf_printf(out, " a%u=%d", i, (int32_t)place->ev.arg[i]);
	if (place->fd[i].word == FD_WORD_NAME) {
		/* the recorder asks /proc, which knows no symbolic links; files that only the run
		 * had stay as they are */
		CLEANUP(free) char *real = realpath(place->fd[i].name, NULL);
		const char *name = real ? real : place->fd[i].name;

		buf_printf(out, " f%u=", i);
		spec_text(out, name, strlen(name));
	}
}

static void place_path(struct buf *out, const struct detail *place, unsigned int i)
{
	struct trace_cap cap;

	if (!trace_cap_find(&place->ev, i, 0, 0, &cap))
		return;
	buf_printf(out, " p%u=", i);
	spec_text(out, (const char *)cap.data, strnlen((const char *)cap.data, cap.size));
}

static void place_args(
	struct buf *out, const struct names *names, const struct tok *t, const struct detail *place)
{
	const struct abi_call *c = abi_call(place->ev.nr);
	unsigned int nargs = c ? abi_nargs(c, place->ev.arg) : 0;
	bool with_names = named(names, t);

	for (unsigned int i = 0; i < nargs; i++) {
		const struct abi_arg *a = abi_resolve(c, i, place->ev.arg);

		switch (a->kind) {
		case AK_FLAGS:
		case AK_ENUM:
		case AK_SIGNO:
		case AK_HEX:
			/* a register with junk in its upper half is another number in the next run
			 */
			if (tok_flags_read(a, place->ev.arg[i]) == place->ev.arg[i])
				buf_printf(out, " a%u=0x%" PRIx64, i, place->ev.arg[i]);
			break;
		case AK_FD:
		case AK_DIRFD:
			if (with_names)
				place_fd(out, place, i);
			break;
		case AK_PATH:
			if (with_names)
				place_path(out, place, i);
			break;
		default:
			break;
		}
	}
}

void spec_place(struct buf *out, const struct side *s, const struct names *names, int seg, int tok,
	const struct detail *place, bool all)
{
	const struct tok *t = &s->seg[seg].tok[tok];
	const struct abi_call *c = abi_call(place->ev.nr);
	uint32_t process = process_place(s, seg);
	struct tally n = {.want = t};
	struct buf image = {0};

	buf_printf(out, "call=%s", c ? c->name : "?");
	names_text(names, s->seg[seg].image, &image);
	if (image.len) {
		buf_add_str(out, " image=");
		base_name(out, buf_str(&image));
	}
	buf_fini(&image);
	place_args(out, names, t, place);
	each_fit(s, names, seg, tok, false, tally_one, &n);
	if (all) {
		buf_add_str(out, " nth=all");
		return;
	}
	if (process)
		buf_printf(out, " proc=%u", process);
	buf_printf(out, " nth=%u", n.before ? n.before : 1);
}

static bool value_outs(struct buf *out, const struct detail *value)
{
	struct trace_cap_iter it = trace_caps(&value->ev);
	struct trace_cap cap;

	while (trace_cap_next(&it, &cap)) {
		if (!(cap.flags & TC_OUT) || cap.slot > 5)
			continue;
		if (cap.part || cap.size != cap.full)
			return false;
		buf_printf(out, " out%u=", cap.slot);
		for (uint32_t i = 0; i < cap.size; i++)
			buf_printf(out, "%02x", cap.data[i]);
	}
	return true;
}

bool spec_value(struct buf *out, const struct detail *value, const struct detail *place)
{
	const struct abi_call *c = abi_call(value->ev.nr);
	const char *name;
	unsigned int kind;

	if (!c || value->ev.kind != TK_CALL)
		return false;
	if (value->ev.ret < 0 && value->ev.ret >= -4095) {
		name = abi_errno_name((int)-value->ev.ret);
		if (!name)
			return false;
		buf_printf(out, " errno=%s", name);
		return true;
	}
	kind = abi_ret_kind(c, value->ev.arg);
	if (kind == AK_FD || kind == AK_ADDR || kind == AK_PID || c->classes & ABI_C_NORETURN)
		return false;
	buf_printf(out, " ret=%" PRId64, value->ev.ret);
	/* the call's effects stay where it succeeded: only what it says is changed */
	if (place->ev.kind == TK_CALL && place->ev.ret >= 0)
		buf_add_str(out, " after=1");
	return value_outs(out, value);
}
