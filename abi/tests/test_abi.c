/*
 * Calls, structs, sets and names: looked up, unique, whole. That numbers, values and layouts are
 * the kernel's is test_headers.py's part.
 */
#include "abi/abi.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void numbers_and_names_are_unique(void **state)
{
	unsigned int n = 0;

	for (unsigned int nr = 0; nr <= ABI_NR_MAX; nr++) {
		const struct abi_call *c = abi_call(nr);

		if (!c)
			continue;
		n++;
		assert_int_equal(c->nr, nr);
		assert_ptr_equal(abi_call_by_name(c->name), c);
		assert_in_range(c->nargs, 0, 6);
		assert_non_null(c->note);
	}
	assert_int_equal(n, 337 + 46); /* 0-336 and 424-469 */
	assert_null(abi_call(337));
	assert_null(abi_call(470));
	assert_null(abi_call(~0u));
	assert_null(abi_call_by_name(""));
}

static void check_fields(const struct abi_struct *s)
{
	unsigned int end = 0;

	for (unsigned int i = 0; i < s->nfields; i++) {
		const struct abi_field *f = &s->fields[i];

		if (f->off < end)
			fail_msg("%s.%s overlaps what is before it", s->name, f->name);
		end = f->off + f->size * f->count;
		if (end > s->size)
			fail_msg("%s.%s reaches past the end", s->name, f->name);
		if (f->kind == AK_STRUCT)
			assert_int_equal(abi_struct(f->type)->size, f->size);
		if (f->kind == AK_FLAGS || f->kind == AK_ENUM)
			assert_non_null(abi_set(f->type));
		if (f->kind == AK_STR || f->kind == AK_BUF)
			assert_int_equal(f->size, 1);
		if (f->kind < AK_ADDR && f->kind != AK_PAD)
			assert_true(f->size == 1 || f->size == 2 || f->size == 4 || f->size == 8);
	}
}

static void fields_lie_inside_their_structs(void **state)
{
	for (unsigned int id = 1; id < ABI_S_COUNT; id++) {
		assert_non_null(abi_struct(id));
		assert_true(abi_struct(id)->nfields > 0);
		check_fields(abi_struct(id));
	}
	assert_null(abi_struct(0));
	assert_null(abi_struct(ABI_S_COUNT));
}

/* No name twice, and no flag hidden behind an earlier one that is part of it. */
static void check_set(const struct abi_set *s)
{
	for (unsigned int i = 0; i < s->n; i++) {
		const struct abi_name *a = &s->names[i];

		assert_int_equal(a->value & ~a->mask, 0);
		for (unsigned int k = i + 1; k < s->n; k++) {
			const struct abi_name *b = &s->names[k];
			bool flags = a->mask == a->value && b->mask == b->value;

			if (!strcmp(a->name, b->name))
				fail_msg("%s: %s twice", s->name, a->name);
			if (a->mask == b->mask && a->value == b->value)
				fail_msg("%s: %s hides %s", s->name, a->name, b->name);
			if (flags && (a->value & b->value) == a->value)
				fail_msg("%s: %s stands before %s", s->name, a->name, b->name);
		}
	}
}

static void sets_name_each_bit_once(void **state)
{
	for (unsigned int id = 1; id < ABI_SET_COUNT; id++) {
		assert_non_null(abi_set(id));
		assert_true(abi_set(id)->n > 0);
		check_set(abi_set(id));
	}
	assert_null(abi_set(0));
	assert_null(abi_set(ABI_SET_COUNT));
	assert_string_equal(abi_enum_name(ABI_SET_seek, 2), "SEEK_END");
	assert_string_equal(abi_enum_name(ABI_SET_rusage, ~0ull), "RUSAGE_CHILDREN");
	assert_string_equal(abi_enum_name(ABI_SET_rusage, 0xffffffff), "RUSAGE_CHILDREN");
	assert_null(abi_enum_name(ABI_SET_seek, 99));
	assert_null(abi_enum_name(0, 0));
}

static void errno_names_are_the_c_librarys(void **state)
{
	for (int i = 1; i < 512; i++) {
		const char *ours = abi_errno_name(i), *theirs = strerrorname_np(i);

		/* two names of one number: the kernel's headers have EOPNOTSUPP */
		if (theirs && !strcmp(theirs, "ENOTSUP"))
			theirs = "EOPNOTSUPP";
		assert_int_equal(!ours, !theirs);
		if (ours)
			assert_string_equal(ours, theirs);
		if (ours)
			assert_int_equal(abi_errno_by_name(ours), i);
	}
	assert_string_equal(abi_errno_name(512), "ERESTARTSYS");
	assert_string_equal(abi_errno_name(516), "ERESTART_RESTARTBLOCK");
	assert_null(abi_errno_name(0));
	assert_null(abi_errno_name(-2));
	assert_null(abi_errno_name(100000));
	assert_int_equal(abi_errno_by_name("EWOULDBLOCK"), 11);
	assert_int_equal(abi_errno_by_name("ENOTSUP"), 95);
	assert_int_equal(abi_errno_by_name("EDEADLOCK"), 35);
	assert_int_equal(abi_errno_by_name("ENOSUCH"), 0);
}

static void signal_names_are_the_c_librarys(void **state)
{
	for (int i = 1; i < 32; i++) {
		const char *theirs = sigabbrev_np(i);

		/* two names of one number: the kernel's headers have SIGIO first */
		assert_string_equal(abi_signal_name(i) + 3, strcmp(theirs, "POLL") ? theirs : "IO");
		assert_int_equal(abi_signal_by_name(abi_signal_name(i)), i);
	}
	assert_string_equal(abi_signal_name(32), "SIGRTMIN");
	assert_string_equal(abi_signal_name(37), "SIGRT_5");
	assert_string_equal(abi_signal_name(64), "SIGRT_32");
	assert_int_equal(abi_signal_by_name("RT_32"), 64);
	assert_int_equal(abi_signal_by_name("SEGV"), 11);
	assert_int_equal(abi_signal_by_name("POLL"), 29);
	assert_int_equal(abi_signal_by_name("SIGIOT"), 6);
	assert_int_equal(abi_signal_by_name("SIGCLD"), 17);
	assert_null(abi_signal_name(0));
	assert_null(abi_signal_name(65));
	assert_null(abi_signal_name(-1));
	assert_int_equal(abi_signal_by_name("SIGNOSUCH"), 0);
	assert_int_equal(abi_signal_by_name(""), 0);
}

static void other_names(void **state)
{
	assert_string_equal(abi_auxv_name(3), "AT_PHDR");
	assert_string_equal(abi_auxv_name(51), "AT_MINSIGSTKSZ");
	assert_null(abi_auxv_name(18));
	assert_null(abi_auxv_name(~0ull));
	assert_string_equal(abi_call_i386(1), "exit");
	assert_string_equal(abi_call_i386(11), "execve");
	assert_null(abi_call_i386(222));
	assert_null(abi_call_i386(~0u));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_and_names_are_unique),
		cmocka_unit_test(fields_lie_inside_their_structs),
		cmocka_unit_test(sets_name_each_bit_once),
		cmocka_unit_test(errno_names_are_the_c_librarys),
		cmocka_unit_test(signal_names_are_the_c_librarys),
		cmocka_unit_test(other_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
