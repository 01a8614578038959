/*
 * What the writer and the reader of a trace file share: the constants of FORMAT.md and the
 * predictors that both sides run in step. Internal to tracer/store; everybody else uses trace.h.
 */
#ifndef LOCKSTEP_TRACER_STORE_FORMAT_H
#define LOCKSTEP_TRACER_STORE_FORMAT_H

#include "common/buf.h"
#include "tracer/store/trace.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define FMT_MAGIC   "lockstep"
#define FMT_VERSION 1

/* Sizes no well-formed file exceeds: what a reader may be made to allocate. */
#define FMT_META_MAX	(16u << 20) /* bytes of the JSON text */
#define FMT_EVENTS_MAX	65536u	    /* events of a block */
#define FMT_RAW_MAX	(96u << 20) /* bytes of all columns of a block, unpacked */
#define FMT_PAYLOAD_MAX (96u << 20) /* bytes of the distinct payloads of a block */
#define FMT_ONE_PAYLOAD (32u << 20) /* bytes of one event's payload */
#define FMT_TASKS_MAX	4096u	    /* tasks that a block's summary lists; more: it lists none */
#define FMT_NR_BITS	1024u	    /* calls in the summary's bitmap; the last bit: any higher */

#define FMT_BLOCK_MAGIC 0x314b424cu /* "LBK1" */
/* log2 of TRACE_TIME_STEP; a difference of two moments is a multiple of it. */
#define FMT_TIME_SHIFT 6
_Static_assert(1u << FMT_TIME_SHIFT == TRACE_TIME_STEP, "time step");

enum fmt_block_kind { FB_EVENTS = 1, FB_INDEX = 2 };

struct fmt_file_head {
	char magic[8];
	uint32_t version;
	uint32_t meta_size;
	uint64_t sum; /* XXH3 of what stands above and of the meta text */
} __attribute__((packed));

struct fmt_block_head {
	uint32_t magic;
	uint32_t kind;
	uint32_t n_events;  /* FB_INDEX: blocks */
	uint32_t size;	    /* bytes that follow this head */
	uint32_t raw_size;  /* bytes of all columns, unpacked */
	uint32_t summary;   /* of `size`, the summary's bytes, which come first */
	uint64_t first_seq; /* FB_INDEX: events in the file */
	uint64_t min_ns;    /* first entry */
	uint64_t max_ns;    /* last return */
	uint64_t body_sum;  /* XXH3 of the bytes that follow */
	uint64_t head_sum;  /* XXH3 of this head up to here */
} __attribute__((packed));

struct fmt_summary {
	uint32_t kinds;	  /* bit k: an event of enum trace_kind k is there */
	uint32_t n_tasks; /* that many tids follow; UINT32_MAX: too many to list */
	uint8_t nrs[FMT_NR_BITS / 8];
} __attribute__((packed));

struct fmt_column_head {
	uint16_t id;
	uint16_t packed; /* 0: as it is; 1: zstd */
	uint32_t raw_size;
	uint32_t size;
} __attribute__((packed));

struct fmt_index_entry {
	uint64_t off;
	uint64_t first_seq;
	uint64_t min_ns, max_ns;
	uint32_t n_events;
	uint32_t size; /* of the block, its head included */
} __attribute__((packed));

/* ---- columns ---- */

enum fmt_column {
	COL_SHAPE,    /* per event: 0 new shape (then COL_SHAPES has it), else 1 + its number */
	COL_SHAPES,   /* per new shape: kind, flags, nr (varint) */
	COL_TID,      /* per event: 0 as the event before, 1 new, else 2 + its number */
	COL_TIDS,     /* per new task: tid (varint) */
	COL_GAP,      /* per event: entry, from the same task's last return; a size code */
	COL_GAP_BITS, /* the low bits that go with it */
	COL_DUR,      /* per event: how long it took; a size code */
	COL_DUR_BITS,
	COL_MASK,  /* per event: which of arg 0-5, ret differ from what was predicted;
		      bit 7: ip or sp does */
	COL_MASK2, /* with bit 7: 1 ip, 2 sp, 3 both */
	COL_ARG,   /* COL_ARG + n: values of argument n that differ */
	COL_RET = COL_ARG + 6,
	COL_IP,
	COL_SP,
	COL_PAYLOAD,   /* per event: 0 none, 1 new, else 2 + how many distinct ones ago */
	COL_CAP_COUNT, /* per new payload: captures; 0: not captures but bytes, size follows */
	COL_CAP,       /* per capture: 0 new head, else 1 + its number */
	COL_CAPS,      /* per new head: slot, flags, part (varint) */
	COL_CAP_SIZE,  /* per capture: 0 as the last with that head, else 1 + size */
	COL_CAP_MORE,  /* per capture: full - size */
	COL_CAP_HASH,  /* per cut capture: 8 bytes */
	COL_BLOB,      /* per capture of >= FMT_BLOB_MIN bytes: 0 new, else how many blobs ago */
	COL_TOTALS,    /* bytes of all distinct payloads (varint) */
	COL_BUNDLE,    /* small columns together: each id, size (varints), bytes */
	COL_FIXED_MAX,
	/* data of captures with head number n: COL_DATA + 2n how it is transformed, + 1 the bytes
	 */
	COL_DATA = 64,
};

#define FMT_GROUPS     256u /* heads with data columns of their own; the rest share the last */
#define FMT_BLOB_MIN   16u
#define FMT_COLUMN_IDS (COL_DATA + 2 * FMT_GROUPS)

/* First byte of a COL_DATA + 2n column. */
enum fmt_transform {
	FT_FRONT, /* then per blob: bytes shared with the start of the blob before (varint) */
	FT_ROWS,  /* then n, size (varints): rows of equal size, 64-bit word by word; then a code
		     for each row's first word, each row's second word... */
};

/* Codes of words. */
enum fmt_word {
	FW_SAME,      /* as the row before */
	FW_TWO_BACK,  /* as the same row two words earlier */
	FW_ONE_BACK,  /* as the same row one word earlier */
	FW_CACHED,    /* as the last literal of this word in that place of the cache, a byte */
	FW_RAW = 8,   /* + n: n bytes follow, 0 to 8 */
	FW_DIFF = 24, /* + n: n bytes of the zigzag difference from the row before */
};

#define FMT_WORD_CACHE 256u

static inline unsigned int fmt_word_slot(uint64_t v)
{
	return v * 0x9e3779b97f4a7c15u >> 56;
}
static inline unsigned int fmt_word_size(uint64_t v)
{
	return v ? (71 - __builtin_clzll(v)) / 8 : 0;
}

static inline unsigned int fmt_group(uint32_t head)
{
	return head < FMT_GROUPS - 1 ? head : FMT_GROUPS - 1;
}

/* ---- prediction: both sides hold one of these per block ---- */

#define FMT_CONTEXTS 2048u

struct fmt_context {
	uint64_t key; /* 0: unused */
	uint64_t arg[6];
	uint64_t ret, ip, sp;
};

struct fmt_predict {
	uint16_t last_of_shape[256]; /* 1 + context last used for a call number (mod 256) */
	struct fmt_context ctx[FMT_CONTEXTS];
};

static inline void fmt_predict_reset(struct fmt_predict *p)
{
	memset(p, 0, sizeof(*p));
}

/*
 * What to expect of an event of that shape by that task: what the task's last one of that shape
 * held, or, for its first, what the last by anybody did. The caller stores the new values in it.
 */
static inline struct fmt_context *fmt_predict_get(
	struct fmt_predict *p, uint32_t shape, uint32_t task)
{
	uint64_t key = ((uint64_t)task << 32 | shape) + 1;
	unsigned int i = (shape + task * 61) & (FMT_CONTEXTS - 1);
	uint16_t *last = &p->last_of_shape[shape & 255];

	if (p->ctx[i].key != key) {
		if (*last && *last != i + 1)
			p->ctx[i] = p->ctx[*last - 1];
		p->ctx[i].key = key;
	}
	*last = i + 1;
	return &p->ctx[i];
}

/* ---- size codes: a value as one byte of magnitude, and its low bits apart ---- */

/* Values below 16 are their own code; else the place of the top bit and the two bits below it. */
static inline unsigned int fmt_code_of(uint64_t v)
{
	unsigned int e;

	if (v < 16)
		return v;
	e = 63 - __builtin_clzll(v);
	return 16 + (e - 4) * 4 + ((v >> (e - 2)) & 3);
}
/* How many low bits go with a code. */
static inline unsigned int fmt_code_bits(unsigned int code)
{
	return code < 16 ? 0 : (code - 16) / 4 + 2;
}
static inline uint64_t fmt_code_value(unsigned int code, uint64_t low)
{
	if (code < 16)
		return code;
	return (uint64_t)(4 + ((code - 16) & 3)) << fmt_code_bits(code) | low;
}

/* ---- differing values: small ones as they are, others as a difference ---- */

#define FMT_SMALL 65536u

static inline void fmt_value_put(struct buf *b, uint64_t v, uint64_t predicted)
{
	uint64_t d = zigzag((int64_t)(v - predicted));

	if (v < FMT_SMALL) {
		buf_add_varint(b, v << 1);
	} else if (d >> 63 || !d) {
		buf_add_varint(b, 1);
		buf_add_varint(b, v);
	} else {
		buf_add_varint(b, d << 1 | 1);
	}
}
static inline bool fmt_value_get(
	const uint8_t **p, const uint8_t *end, uint64_t predicted, uint64_t *v)
{
	uint64_t d;

	if (!varint_get(p, end, &d))
		return false;
	if (d == 1)
		return varint_get(p, end, v);
	*v = d & 1 ? predicted + (uint64_t)unzigzag(d >> 1) : d >> 1;
	return true;
}

#endif
