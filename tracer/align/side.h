/*
 * One run as the comparison holds it: segments (an image's life in one task, from fork or exec to
 * the next exec or the end), each with its tokens, and what the recorder measured beside calls.
 * Memory: 40 bytes an event.
 *
 * Segments of two runs are the same by *key* (parent's key, how it was born, which image) and *ord*
 * (birth order among those with that key). Not locked; a side owns everything it points to.
 */
#ifndef LOCKSTEP_TRACER_ALIGN_SIDE_H
#define LOCKSTEP_TRACER_ALIGN_SIDE_H

#include "common/err.h"
#include "tracer/align/names.h"
#include "tracer/align/token.h"

#define NO_SEG (-1)

struct seg {
	uint64_t key;
	uint32_t ord; /* from 0 */
	int parent;   /* index of the segment that forked or exec'ed into this one, or NO_SEG */
	int process;  /* index of the segment that stands for its process at that time (itself,
			 unless a thread) */
	uint32_t tid, tgid;
	bool thread; /* a thread other than the one that began the process */
	bool execed; /* ended by an exec: it goes on as another segment */
	bool born_by_exec;
	bool ended;
	uint32_t image; /* name */
	char *argv;	/* words joined by blanks; NULL where there was no exec */
	int status;	/* wait status, valid when ended */
	uint32_t born_seq, end_seq;
	uint64_t born_ns, end_ns;
	struct tok *tok;
	size_t len, size;
	int crash; /* index in side.mark, or -1 */
	uint64_t cpu_ns, max_rss_kib;
};

/* An event that is kept by its place, to be read again: a departed page, a crash, a stack at a
 * hang, a note. */
struct mark {
	uint8_t kind; /* enum trace_kind */
	uint32_t seq;
	int seg;
	uint32_t file; /* name of TC_EXE */
	uint64_t arg[6];
	uint64_t hash; /* of what was found */
};

struct vma_point {
	uint64_t t_ns;
	uint32_t count;
};

struct side {
	const char *path; /* of the trace */
	char *name;	  /* its folder's name: "native-1" */
	unsigned int run; /* index for names */
	struct seg *seg;
	size_t segs, seg_size;
	uint32_t *by_key; /* segment indices by (key, ord) */
	struct mark *mark;
	size_t marks, mark_size;
	struct vma_point *vma; /* the largest count of any process, by time */
	size_t vmas, vma_size;
	uint64_t events;
	bool torn;
};

/* Reads a whole trace. The name is taken from the path: RUN/trace is RUN. 0 or negative errno with
 * a sentence. */
int side_load(
	struct side *s, const char *path, unsigned int run, struct names *names, struct err *e);
/* After names_settle: keys and ordinals. */
int side_key(struct side *s, const struct names *names);
void side_fini(struct side *s);

/* The segment with that key and ord, or NULL; how many have the key. */
struct seg *side_find(const struct side *s, uint64_t key, uint32_t ord);
uint32_t side_count(const struct side *s, uint64_t key);

/* What two tokens of equal shape share: skeleton and canonical objects. */
static inline uint64_t tok_shape(const struct tok *t, const struct names *names)
{
	uint64_t h = t->skel * 0x9e3779b97f4a7c15ull + t->call;

	h = (h ^ names_hash(names, t->obj[0])) * 0xbf58476d1ce4e5b9ull;
	h = (h ^ (h >> 31) ^ names_hash(names, t->obj[1])) * 0x94d049bb133111ebull;
	return h ^ (h >> 29);
}

#endif
