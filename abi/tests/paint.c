#include "abi/tests/paint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

static const uint8_t g_paint[2] = {0x55, 0xaa};
uint8_t paint_mem[6][PAINT_SIZE], paint_before[2][6][PAINT_SIZE], paint_after[2][6][PAINT_SIZE];
static unsigned int g_outs;

static bool written(unsigned int i, size_t k)
{
	return paint_before[0][i][k] != paint_after[0][i][k] ||
	       paint_before[1][i][k] != paint_after[1][i][k];
}

static size_t written_end(unsigned int i)
{
	size_t n = PAINT_SIZE;

	while (n && !written(i, n - 1))
		n--;
	return n;
}

static void check_all_written(
	const char *call, const char *what, unsigned int i, size_t from, size_t size)
{
	for (size_t k = from; k < from + size; k++)
		if (!written(i, k))
			fail_msg("%s: byte %zu of %s is not written", call, k, what);
}

static void check_fields_written(
	const char *call, const struct abi_arg *a, unsigned int i, size_t size)
{
	const struct abi_struct *s = abi_struct(a->type);

	for (size_t at = 0; at + s->size <= size; at += s->size)
		for (unsigned int k = 0; k < s->nfields; k++) {
			const struct abi_field *f = &s->fields[k];

			if (f->kind != AK_PAD && f->kind != AK_STRUCT)
				check_all_written(call, f->name[0] ? f->name : s->name, i,
					at + f->off, (size_t)f->size * f->count);
		}
}

static void check_argument(
	const struct abi_call *c, unsigned int i, const uint64_t args[6], int64_t ret)
{
	const struct abi_arg *a = abi_resolve(c, i, args);
	int lp = abi_len_ptr(a);
	uint32_t word = 0;
	size_t end = written_end(i), size;

	if (lp >= 0)
		memcpy(&word, paint_after[1][lp], sizeof(word));
	size = abi_bytes(a, args, true, ret, word);
	if (!(a->dir & ABI_OUT) && end)
		fail_msg("%s writes its argument %s", c->name, a->name);
	if (!(a->dir & ABI_OUT) || a->kind == AK_IOVEC || a->kind == AK_MSGHDR)
		return;
	g_outs++;
	if (end > size)
		fail_msg("%s writes %zu bytes of %s, the table has %zu", c->name, end, a->name,
			size);
	if (a->dir == ABI_INOUT)
		return;
	assert_true(size > 0);
	if (a->kind == AK_STRUCT)
		check_fields_written(c->name, a, i, size);
	else if (!a->type) /* between records the kernel leaves gaps: fs/readdir.c */
		check_all_written(c->name, a->name, i, 0, size);
}

int64_t paint_shoot(const char *name, paint_prepare *prep, unsigned int round, uint64_t args[6])
{
	int64_t ret;

	memset(paint_mem, g_paint[round], sizeof(paint_mem));
	if (prep)
		prep(args);
	memcpy(paint_before[round], paint_mem, sizeof(paint_mem));
	ret = syscall(
		abi_call_by_name(name)->nr, args[0], args[1], args[2], args[3], args[4], args[5]);
	if (ret < 0)
		ret = -errno;
	memcpy(paint_after[round], paint_mem, sizeof(paint_mem));
	return ret;
}

int64_t paint_call(const char *name, paint_prepare *prep, uint64_t a, uint64_t b, uint64_t c,
	uint64_t d, uint64_t e, uint64_t f)
{
	const struct abi_call *call = abi_call_by_name(name);
	uint64_t args[6] = {a, b, c, d, e, f};
	int64_t ret = 0;

	assert_non_null(call);
	for (unsigned int round = 0; round < 2; round++) {
		ret = paint_shoot(name, prep, round, args);
		if (ret == -ENOSYS)
			return ret; /* an older kernel than the table's */
		if (ret < 0)
			fail_msg("%s: %s", name, abi_errno_name((int)-ret));
	}
	for (unsigned int i = 0; i < 6; i++)
		if (i < call->nargs && args[i] == B(i))
			check_argument(call, i, args, ret);
		else if (written_end(i))
			fail_msg("%s writes where argument %u does not point", name, i);
	return ret;
}

void paint_put(unsigned int i, const void *data, size_t size)
{
	memcpy(paint_mem[i], data, size);
}

void paint_put_u32(unsigned int i, uint32_t v)
{
	paint_put(i, &v, sizeof(v));
}

void paint_put_u64(unsigned int i, uint64_t v)
{
	paint_put(i, &v, sizeof(v));
}

unsigned int paint_outs(void)
{
	return g_outs;
}
