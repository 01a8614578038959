/*
 * One injection rule, between its parser and its execution. Immutable once parsed.
 */
#ifndef LOCKSTEP_TRACER_RECORD_INJECT_RULE_H
#define LOCKSTEP_TRACER_RECORD_INJECT_RULE_H

#include "common/buf.h"

#include <stdbool.h>
#include <stdint.h>

enum rule_base { BASE_NONE = 0, BASE_EXE, BASE_INTERP };

struct inject_rule {
	unsigned int index; /* in its inject */
	/* which call */
	int nr; /* -1: bytes at exec, or not given */
	char *image;
	char *site; /* basename of the mapped file */
	uint64_t site_off;
	struct {
		bool have_value;
		uint64_t value;
		char *str;	/* what it points to */
		char *fd;	/* what its descriptor links to */
		struct buf out; /* bytes to write to what it points to */
		bool have_out;
	} arg[6];
	unsigned int nth;  /* 0: all */
	unsigned int proc; /* 0: any */
	/* what is done */
	bool have_ret, after;
	int64_t ret;
	int signo;
	/* bytes at exec */
	char *exec;
	bool have_at;
	uint64_t at;
	enum rule_base base;
	struct buf bytes;
};

struct inject {
	struct inject_rule *rules;
	unsigned int len;
};

#endif
