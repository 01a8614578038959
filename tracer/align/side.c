/*
 * See side.h. Tasks are followed by tid: the recorder's TK_TASK, TK_EXEC and TK_EXIT say when one
 * begins, becomes another image and ends. A trace that is torn or lies about this costs segments,
 * never a crash.
 */
#include "tracer/align/side.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

struct load {
	struct side *side;
	struct names *names;
	struct model *model;
	int *by_tid; /* hash: tid -> 1 + segment */
	uint32_t *tids;
	size_t slots, used;
};

/* ---- tid -> current segment ---- */

static size_t tid_slot(const struct load *l, uint32_t tid)
{
	size_t s = (tid * 2654435761u) & (l->slots - 1);

	while (l->by_tid[s] && l->tids[s] != tid)
		s = (s + 1) & (l->slots - 1);
	return s;
}

static int seg_of(const struct load *l, uint32_t tid)
{
	return l->by_tid[tid_slot(l, tid)] - 1;
}

static int tids_grow(struct load *l)
{
	struct load next = *l;

	next.slots = l->slots ? l->slots * 2 : 256;
	next.by_tid = calloc(next.slots, sizeof(*next.by_tid));
	next.tids = calloc(next.slots, sizeof(*next.tids));
	if (!next.by_tid || !next.tids) {
		free(next.by_tid);
		free(next.tids);
		return -ENOMEM;
	}
	for (size_t i = 0; i < l->slots; i++) {
		size_t s;

		if (!l->by_tid[i])
			continue;
		s = tid_slot(&next, l->tids[i]);
		next.by_tid[s] = l->by_tid[i];
		next.tids[s] = l->tids[i];
	}
	free(l->by_tid);
	free(l->tids);
	*l = next;
	return 0;
}

static int seg_set(struct load *l, uint32_t tid, int seg)
{
	size_t s;

	if (l->used * 2 >= l->slots && tids_grow(l))
		return -ENOMEM;
	s = tid_slot(l, tid);
	if (!l->by_tid[s])
		l->used++;
	l->by_tid[s] = seg + 1;
	l->tids[s] = tid;
	return 0;
}

/* ---- growing arrays ---- */

static void *grown(void *array, size_t len, size_t *size, size_t item)
{
	size_t want = *size + *size / 4 + 64;
	void *p;

	if (len < *size)
		return array;
	p = realloc(array, want * item);
	if (p)
		*size = want;
	return p;
}

static struct seg *seg_new(struct load *l, uint32_t tid)
{
	struct side *s = l->side;
	struct seg *seg = grown(s->seg, s->segs, &s->seg_size, sizeof(*seg));

	if (!seg)
		return NULL;
	s->seg = seg;
	if (seg_set(l, tid, (int)s->segs))
		return NULL;
	seg = &s->seg[s->segs];
	*seg = (struct seg){
		.tid = tid, .tgid = tid, .parent = NO_SEG, .process = (int)s->segs, .crash = -1};
	s->segs++;
	return seg;
}

/* The segment in which tid lives now; made when the trace never said that it was born. */
static struct seg *seg_get(struct load *l, uint32_t tid)
{
	int i = seg_of(l, tid);

	return i >= 0 ? &l->side->seg[i] : seg_new(l, tid);
}

static int tok_add(struct seg *seg, const struct tok *t)
{
	struct tok *tok = grown(seg->tok, seg->len, &seg->size, sizeof(*tok));

	if (!tok)
		return -ENOMEM;
	seg->tok = tok;
	seg->tok[seg->len++] = *t;
	return 0;
}

/* ---- events ---- */

static int on_task(struct load *l, const struct trace_event *ev)
{
	int parent = seg_of(l, (uint32_t)ev->arg[0]);
	struct seg *seg = seg_new(l, ev->tid);

	if (!seg)
		return -ENOMEM;
	seg->parent = parent;
	seg->thread = (ev->arg[1] & CLONE_THREAD) != 0;
	seg->tgid = (uint32_t)ev->ret ? (uint32_t)ev->ret : ev->tid;
	if (parent >= 0)
		seg->image = l->side->seg[parent].image;
	if (seg->thread && parent >= 0)
		seg->process = l->side->seg[parent].process;
	seg->born_seq = (uint32_t)ev->seq;
	seg->born_ns = ev->enter_ns;
	return 0;
}

static char *argv_text(const struct trace_event *ev)
{
	struct trace_cap cap;
	char *text;

	if (!trace_cap_find(ev, TC_ARGV, 0, 0, &cap))
		return NULL;
	text = malloc((size_t)cap.size + 1);
	if (!text)
		return NULL;
	for (uint32_t i = 0; i < cap.size; i++)
		text[i] = cap.data[i] ? (char)cap.data[i] : i + 1 < cap.size ? ' ' : 0;
	text[cap.size] = 0;
	return text;
}

static void seg_end(struct seg *seg, const struct trace_event *ev)
{
	seg->end_seq = (uint32_t)ev->seq;
	seg->end_ns = ev->enter_ns + ev->dur_ns;
}

static int on_exec(struct load *l, const struct trace_event *ev)
{
	uint32_t former = ev->arg[0] ? (uint32_t)ev->arg[0] : ev->tid;
	struct seg *old = seg_get(l, former), *seg;
	int parent = old ? (int)(old - l->side->seg) : NO_SEG;
	struct trace_cap cap;

	if (!old)
		return -ENOMEM;
	old->execed = true;
	seg_end(old, ev);
	seg = seg_new(l, ev->tid);
	if (!seg)
		return -ENOMEM;
	seg->parent = parent;
	seg->born_by_exec = true;
	seg->born_seq = (uint32_t)ev->seq;
	seg->born_ns = ev->enter_ns;
	seg->argv = argv_text(ev);
	if (trace_cap_find(ev, TC_EXE, 0, 0, &cap))
		seg->image = names_add(l->names, (const char *)cap.data,
			strnlen((const char *)cap.data, cap.size), l->side->run);
	return 0;
}

static int on_end(struct load *l, const struct trace_event *ev)
{
	struct seg *seg = seg_get(l, ev->tid);
	struct trace_cap cap;
	struct rusage ru;

	if (!seg)
		return -ENOMEM;
	if (seg->ended && ev->nr != 1)
		return 0;
	seg->ended = true;
	seg->status = (int)ev->ret;
	seg_end(seg, ev);
	if (trace_cap_find(ev, TC_RUSAGE, 0, 0, &cap) && cap.size >= sizeof(ru)) {
		memcpy(&ru, cap.data, sizeof(ru));
		seg->cpu_ns = (uint64_t)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) * 1000000000ull +
			      (uint64_t)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) * 1000ull;
		seg->max_rss_kib = (uint64_t)ru.ru_maxrss;
	}
	return 0;
}

static int on_mark(struct load *l, const struct trace_event *ev)
{
	struct side *s = l->side;
	struct mark *mark = grown(s->mark, s->marks, &s->mark_size, sizeof(*mark));
	struct seg *seg = seg_get(l, ev->tid);
	struct trace_cap cap;

	if (!mark || !seg)
		return -ENOMEM;
	s->mark = mark;
	mark += s->marks;
	*mark = (struct mark){
		.kind = ev->kind, .seq = (uint32_t)ev->seq, .seg = (int)(seg - s->seg)};
	memcpy(mark->arg, ev->arg, sizeof(mark->arg));
	if (trace_cap_find(ev, TC_EXE, 0, 0, &cap))
		mark->file = names_add(l->names, (const char *)cap.data,
			strnlen((const char *)cap.data, cap.size), s->run);
	if (trace_cap_find(ev, TC_BYTES, 0, 0, &cap))
		mark->hash = cap.hash;
	if (ev->kind == TK_CRASH || (ev->kind == TK_STACK && seg->crash < 0))
		s->seg[s->seg[mark->seg].process].crash = (int)s->marks;
	s->marks++;
	return 0;
}

static int on_vma(struct load *l, const struct trace_event *ev)
{
	struct side *s = l->side;
	struct vma_point *vma = grown(s->vma, s->vmas, &s->vma_size, sizeof(*vma));

	if (!vma)
		return -ENOMEM;
	s->vma = vma;
	vma[s->vmas++] = (struct vma_point){ev->enter_ns, (uint32_t)ev->arg[0]};
	return 0;
}

static int on_event(struct load *l, const struct trace_event *ev)
{
	struct seg *seg;
	struct tok t;

	switch (ev->kind) {
	case TK_TASK:
		return on_task(l, ev);
	case TK_EXIT:
		return on_end(l, ev);
	case TK_VMA:
		return on_vma(l, ev);
	case TK_PAGE:
	case TK_DIRTY:
	case TK_CRASH:
	case TK_STACK:
	case TK_NOTE:
		return on_mark(l, ev);
	default:
		break;
	}
	if (tok_make(&t, ev, l->model, l->names, l->side->run)) {
		seg = seg_get(
			l, ev->kind == TK_EXEC && ev->arg[0] ? (uint32_t)ev->arg[0] : ev->tid);
		if (!seg || tok_add(seg, &t))
			return -ENOMEM;
	}
	return ev->kind == TK_EXEC ? on_exec(l, ev) : 0;
}

static char *run_name(const char *path)
{
	const char *end = strrchr(path, '/'), *begin;

	if (!end || end == path)
		return strdup(path);
	for (begin = end; begin > path && begin[-1] != '/'; begin--)
		;
	return strndup(begin, end - begin);
}

int side_load(
	struct side *s, const char *path, unsigned int run, struct names *names, struct err *e)
{
	struct load l = {.side = s, .names = names, .model = model_new()};
	struct trace *t = NULL;
	struct trace_event ev;
	int rc;

	*s = (struct side){.path = path, .run = run, .name = run_name(path)};
	rc = trace_open_flags(&t, path, TRACE_STREAM, e);
	if (!rc && (!l.model || !s->name || tids_grow(&l)))
		rc = err_set(e, ENOMEM, "%s: out of memory", path);
	while (!rc && (rc = trace_next(t, &ev)) != 0) {
		if (rc == -EBADMSG) { /* once: what comes before was read */
			rc = 0;
			continue;
		}
		s->events++;
		rc = rc < 0 ? rc : on_event(&l, &ev);
		if (rc)
			err_set(e, -rc, "%s: out of memory at event %llu", path,
				(unsigned long long)ev.seq);
		else
			model_event(l.model, &ev);
	}
	if (!rc)
		s->torn = trace_state(t, NULL) == TRACE_TORN;
	trace_close(t);
	model_free(l.model);
	free(l.by_tid);
	free(l.tids);
	return rc;
}

void side_fini(struct side *s)
{
	for (size_t i = 0; i < s->segs; i++) {
		free(s->seg[i].tok);
		free(s->seg[i].argv);
	}
	free(s->seg);
	free(s->by_key);
	free(s->mark);
	free(s->vma);
	free(s->name);
	*s = (struct side){0};
}

/* ---- keys ---- */

static uint64_t seg_key(const struct side *s, const struct seg *seg, const struct names *names)
{
	uint64_t word[3] = {
		seg->parent >= 0 && seg->parent < seg - s->seg ? s->seg[seg->parent].key : 1,
		seg->born_by_exec ? 'e'
		: seg->thread	  ? 't'
				  : 'f',
		seg->born_by_exec ? names_hash(names, seg->image) : 0,
	};

	return XXH3_64bits(word, sizeof(word));
}

static int by_key_cmp(const void *va, const void *vb, void *vs)
{
	const struct side *s = vs;
	const struct seg *a = &s->seg[*(const uint32_t *)va], *b = &s->seg[*(const uint32_t *)vb];

	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	return (a->ord > b->ord) - (a->ord < b->ord);
}

static int by_key_make(struct side *s)
{
	s->by_key = calloc(s->segs + 1, sizeof(*s->by_key));
	if (!s->by_key)
		return -ENOMEM;
	for (size_t i = 0; i < s->segs; i++)
		s->by_key[i] = (uint32_t)i;
	qsort_r(s->by_key, s->segs, sizeof(*s->by_key), by_key_cmp, s);
	return 0;
}

int side_key(struct side *s, const struct names *names)
{
	struct {
		uint64_t key;
		uint32_t count;
	} * table;
	size_t slots = 64;

	while (slots < s->segs * 2)
		slots *= 2;
	table = calloc(slots, sizeof(*table));
	if (!table)
		return -ENOMEM;
	/* a parent stands before its children, since it was there first */
	for (size_t i = 0; i < s->segs; i++) {
		struct seg *seg = &s->seg[i];
		size_t slot;

		seg->key = seg_key(s, seg, names) | 1;
		for (slot = seg->key & (slots - 1); table[slot].key && table[slot].key != seg->key;)
			slot = (slot + 1) & (slots - 1);
		table[slot].key = seg->key;
		seg->ord = table[slot].count++;
	}
	free(table);
	return by_key_make(s);
}

/* The first place in by_key whose segment is not before (key, ord). */
static size_t key_place(const struct side *s, uint64_t key, uint32_t ord)
{
	size_t lo = 0, hi = s->segs;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct seg *seg = &s->seg[s->by_key[mid]];

		if (seg->key < key || (seg->key == key && seg->ord < ord))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct seg *side_find(const struct side *s, uint64_t key, uint32_t ord)
{
	size_t at = key_place(s, key, ord);
	struct seg *seg = at < s->segs ? &s->seg[s->by_key[at]] : NULL;

	return seg && seg->key == key && seg->ord == ord ? seg : NULL;
}

uint32_t side_count(const struct side *s, uint64_t key)
{
	return (uint32_t)(key_place(s, key + 1, 0) - key_place(s, key, 0));
}
