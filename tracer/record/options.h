/*
 * What the command line of lockstep-record asked for. Filled once by options_parse, immutable
 * afterwards.
 */
#ifndef LOCKSTEP_TRACER_RECORD_OPTIONS_H
#define LOCKSTEP_TRACER_RECORD_OPTIONS_H

#include "common/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct inject;
struct redact;

struct options {
	const char *out_path;
	char **cmd;	       /* NULL-terminated; points into argv */
	size_t store_size;     /* -s: bytes of each buffer that are stored */
	uint64_t max_size;     /* bytes of trace file; 0 no limit */
	uint64_t vma_every_ns; /* 0: no samples */
	uint64_t timeout_ns;   /* 0: none */
	uint64_t grace_ns;     /* how long tracees may outlive the root */
	bool no_calls;
	bool no_pages;	/* no comparison of pages at exec */
	bool no_follow; /* tracees stay where the scheduler puts them */
	bool fallback;	/* as if GET_SYSCALL_INFO, process_vm_readv and pagemap did not exist */
	struct inject *inject; /* owned */
	struct redact *redact; /* owned */
};

/* 0; 1 when help or version was printed and there is nothing to do; negative errno with the
 * sentence for the user. */
int options_parse(struct options *o, int argc, char **argv, struct err *e);
void options_fini(struct options *o);

#endif
