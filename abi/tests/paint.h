/*
 * The table held to the running kernel: a call is made twice with painted buffers, once in each of
 * two colours, and what the kernel wrote is compared with what the table says of direction and
 * size. An IN argument is never written; of an OUT argument every byte of every field is, and
 * nothing past its end; nothing that the table takes for a plain value points to something that is
 * written. For tests: what does not agree fails the running test.
 */
#ifndef LOCKSTEP_ABI_TESTS_PAINT_H
#define LOCKSTEP_ABI_TESTS_PAINT_H

#include "abi/abi.h"

#define PAINT_SIZE 8192

/* A buffer for each argument; B(i) as argument i says that the call shall use it. */
extern uint8_t paint_mem[6][PAINT_SIZE];
#define B(i) ((uint64_t)(uintptr_t)paint_mem[i])
/* How they were just before and just after each of the two calls. */
extern uint8_t paint_before[2][6][PAINT_SIZE], paint_after[2][6][PAINT_SIZE];

/* Fills in what goes in, before each of the two calls: buffers, or arguments that are used up. */
typedef void paint_prepare(uint64_t args[6]);
void paint_put(unsigned int i, const void *data, size_t size);
void paint_put_u32(unsigned int i, uint32_t v);
void paint_put_u64(unsigned int i, uint64_t v);

/* Makes the call once, in colour 0 or 1, and compares nothing. Its result or negative errno. */
int64_t paint_shoot(const char *name, paint_prepare *prep, unsigned int round, uint64_t args[6]);
/* Makes the call twice and compares. The second result; -ENOSYS when the kernel is older than the
 * call; any other error fails the test. */
int64_t paint_call(const char *name, paint_prepare *prep, uint64_t a, uint64_t b, uint64_t c,
	uint64_t d, uint64_t e, uint64_t f);
/* How many OUT arguments were looked at so far. */
unsigned int paint_outs(void);

#endif
