/*
 * An event as the comparison sees it: what was asked (skeleton, objects, other inputs) apart from
 * what came back. Addresses, descriptor numbers, process ids, inode numbers and moments are not
 * part of any of it, since they differ between any two runs.
 */
#ifndef LOCKSTEP_TRACER_ALIGN_TOKEN_H
#define LOCKSTEP_TRACER_ALIGN_TOKEN_H

#include "abi/abi.h"
#include "tracer/align/names.h"
#include "tracer/decode/model.h"
#include "tracer/store/trace.h"

#include <stdbool.h>
#include <stdint.h>

/* `call` of tokens that are not system calls. */
enum { TOK_SIGNAL = 0x4000, TOK_EXEC = 0x5000, TOK_NEVER = 0x6000 };

/* Parts of a token that two events with the same shape may differ in; also the mask of what natives
 * were seen to differ in. */
enum tok_part {
	TOK_ERR = 1 << 0,  /* success or which errno */
	TOK_RET = 1 << 1,  /* the number returned, where numbers can be compared */
	TOK_OUT = 1 << 2,  /* what was written to memory */
	TOK_ARGS = 1 << 3, /* what was passed in memory */
	TOK_GONE = 1 << 4, /* natives do not all make this call here */
	TOK_NUMS = 1 << 5, /* sizes, offsets and other numbers passed in */
	TOK_ALL = (1 << 6) - 1,
};

struct tok {
	uint32_t seq;	 /* in its trace */
	uint32_t skel;	 /* hash of the call and its flags: what the aN words of an injection say */
	uint32_t place;	 /* the same with paths as they were passed and what descriptors are: its pN
			    and fN words too */
	uint32_t obj[2]; /* names: paths, what descriptors stand for, addresses of sockets */
	uint32_t args;
	uint32_t nums;
	uint32_t ret;
	uint32_t out;
	int16_t err;   /* errno, 0 success, -1 never returned */
	uint16_t call; /* number, or TOK_SIGNAL + signo ... */
};

/* Which parts differ between two tokens. */
static inline unsigned int tok_differs(const struct tok *a, const struct tok *b)
{
	unsigned int in = (a->args != b->args ? TOK_ARGS : 0) | (a->nums != b->nums ? TOK_NUMS : 0);

	if (a->err != b->err)
		return TOK_ERR | in;
	return (a->ret != b->ret ? TOK_RET : 0) | (a->out != b->out ? TOK_OUT : 0) | in;
}

/*
 * Makes the token of a TK_CALL, TK_CALL_OPEN, TK_SIGNAL or TK_EXEC event, in the state that `m` is
 * in before the event. Names are added for run `run`. False for events that no comparison looks at:
 * other kinds, and calls that exist only because a vDSO call escaped or whose count is up to the
 * scheduler.
 */
bool tok_make(struct tok *t, const struct trace_event *ev, struct model *m, struct names *names,
	unsigned int run);

/*
 * Which fields of what the calls wrote differ between two events of the same call: their names,
 * comma-separated, into out
 * ("st_blksize,st_blocks"; "data" for buffers). Empty when none can be named.
 */
void tok_fields(const struct trace_event *a, const struct trace_event *b, struct buf *out);

/*
 * A flag or enum argument as the kernel reads it: where all names of its set lie in 32 bits, so
 * does what the kernel looks at, and the upper half of the register is what happened to be there.
 */
uint64_t tok_flags_read(const struct abi_arg *a, uint64_t value);

/* How an injection names a descriptor in another run. */
enum fd_word {
	FD_WORD_NONE,	/* not at all: a pipe, a socket, ... */
	FD_WORD_NUMBER, /* by its number: what the program was given */
	FD_WORD_NAME,	/* by the path that it stands for */
};
/* *name is set for FD_WORD_NAME, and lives as long as the model. */
enum fd_word tok_fd_word(struct model *m, uint32_t tid, int fd, const char **name);

/* Whether a value of that kind can be compared between two runs. */
bool tok_kind_comparable(unsigned int kind);

#endif
