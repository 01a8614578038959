/*
 * The tracee's own seccomp filters, kept as they were installed and run beside the kernel, so that
 * the trace can say which results came from a filter and not from the call. (The stop at a call's
 * entry comes before its filters, and nothing at its exit tells; PTRACE_SECCOMP_GET_FILTER needs
 * CAP_SYS_ADMIN, and emulators lack it.)
 */
#ifndef LOCKSTEP_TRACER_RECORD_SECCOMP_H
#define LOCKSTEP_TRACER_RECORD_SECCOMP_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stdint.h>

/* Same bytes as the kernel's struct seccomp_data. */
struct filter_input {
	int32_t nr;
	uint32_t arch;
	uint64_t ip;
	uint64_t arg[6];
};

/* Immutable; one that was inherited is shared. */
struct seccomp_filter;

/* Copies len instructions. NULL when memory ran out, or the program is none that a kernel takes. */
struct seccomp_filter *seccomp_new(const struct sock_filter *insns, unsigned int len);
/* Puts f, which nobody else holds, before prev (may be NULL); both are owned by the result. */
struct seccomp_filter *seccomp_link(struct seccomp_filter *f, struct seccomp_filter *prev);
struct seccomp_filter *seccomp_get(struct seccomp_filter *f);
void seccomp_put(struct seccomp_filter *f);
/* What all filters together answer: a SECCOMP_RET_ value; ALLOW without any. */
uint32_t seccomp_run(const struct seccomp_filter *f, const struct filter_input *in);
/* Whether the answer stands in the call's stead. */
bool seccomp_answers(uint32_t ret);

#endif
