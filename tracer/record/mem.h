/*
 * Reading and writing a tracee's memory. Three ways, the first that works here is kept:
 * process_vm_readv, /proc/TID/mem, PTRACE_PEEKDATA. Some emulators lack the first, and their
 * /proc/TID/mem reads but does not write.
 *
 * The tracee must be in a ptrace stop. Nothing here is fatal to the caller.
 */
#ifndef LOCKSTEP_TRACER_RECORD_MEM_H
#define LOCKSTEP_TRACER_RECORD_MEM_H

#include "common/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* For tests and --fallback: no process_vm_readv from here on. */
void mem_force_fallback(void);

/*
 * Copies up to n bytes from addr. Returns how many could be read, less than n when an unreadable
 * page came first, 0 when not even one byte could be. Never fails otherwise.
 */
size_t mem_read(pid_t tid, uint64_t addr, void *dst, size_t n);

/* The same through /proc/TID/mem first: reads pages that the tracee itself may not read. */
size_t mem_read_forced(pid_t tid, uint64_t addr, void *dst, size_t n);

/*
 * Appends the string at addr to out, without its NUL, at most max bytes. True when the NUL was
 * found; *fault tells that memory ended first.
 */
bool mem_read_str(pid_t tid, uint64_t addr, size_t max, struct buf *out, bool *fault);

/*
 * Pages read before, for strings that lie close together (an environment). Good for one stop of one
 * task; zero-initialise.
 */
#define MEM_WINDOW_PAGES 8u
struct mem_window {
	struct mem_page {
		uint64_t page; /* address */
		size_t size;   /* bytes read; 0 none */
		uint8_t data[4096];
	} slot[MEM_WINDOW_PAGES]; /* by the low bits of the page's number */
};
bool mem_window_str(
	struct mem_window *w, pid_t tid, uint64_t addr, size_t max, struct buf *out, bool *fault);

/* Writes n bytes by POKEDATA (goes through read-only mappings). 0 or negative errno. */
int mem_write(pid_t tid, uint64_t addr, const void *src, size_t n);

/* Forgets the descriptor of /proc/TID/mem that is kept between calls (at exec and at exit). */
void mem_forget(pid_t tid);

#endif
