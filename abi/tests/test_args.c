/*
 * Arguments: every reference goes somewhere sensible, every union resolves whatever the other
 * arguments are, lengths come out right.
 */
#include "abi/abi.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/ioctl.h>
#include <sys/ioctl.h>

#define ADDRESS 0x1000

static bool is_count(unsigned int kind)
{
	return kind == AK_SIZE || kind == AK_INT || kind == AK_UINT || kind == AK_LONG ||
	       kind == AK_ULONG;
}

/* The argument that a length refers to is a number, or a pointer to a 32-bit word. */
static void check_length(const struct abi_call *c, const struct abi_arg *a, const uint64_t args[6])
{
	const struct abi_arg *l;

	if (a->len_by == ABI_LEN_NONE || a->len_by == ABI_LEN_RET || a->len_by == ABI_LEN_FIXED)
		return;
	if (a->len_arg >= c->nargs)
		fail_msg("%s(%s): length in argument %u of %u", c->name, a->name, a->len_arg,
			c->nargs);
	l = abi_resolve(c, a->len_arg, args);
	if (a->len_by == ABI_LEN_PTR) {
		if (l->kind != AK_STRUCT || abi_struct(l->type)->size != 4)
			fail_msg("%s(%s): %s is no pointer to a length", c->name, a->name, l->name);
	} else if (a->len_by == ABI_LEN_IOC) {
		assert_int_equal(l->type, ABI_SET_ioctl);
	} else if (!is_count(l->kind)) {
		fail_msg("%s(%s): %s is no count", c->name, a->name, l->name);
	}
}

static void check_type(const struct abi_call *c, const struct abi_arg *a)
{
	switch (a->kind) {
	case AK_STRUCT:
		assert_non_null(abi_struct(a->type));
		break;
	case AK_FLAGS:
	case AK_ENUM:
		assert_non_null(abi_set(a->type));
		break;
	case AK_BUF:
		if (a->len_by == ABI_LEN_NONE)
			fail_msg("%s(%s): bytes without a length", c->name, a->name);
		break;
	default:
		assert_int_equal(a->type, 0);
	}
}

static void check_arg(const struct abi_call *c, const struct abi_arg *a, const uint64_t args[6])
{
	bool pointer = a->kind > AK_ADDR && a->kind != AK_UNION;

	assert_non_null(a->name);
	assert_true(a->name[0]);
	if (pointer != (a->dir != 0))
		fail_msg("%s(%s): direction %d for kind %d", c->name, a->name, a->dir, a->kind);
	check_type(c, a);
	check_length(c, a, args);
}

static void every_argument_refers_to_something(void **state)
{
	static const uint64_t zero[6];

	for (unsigned int nr = 0; nr <= ABI_NR_MAX; nr++) {
		const struct abi_call *c = abi_call(nr);

		for (unsigned int i = 0; c && i < c->nargs; i++)
			if (c->arg[i].kind != AK_UNION)
				check_arg(c, &c->arg[i], zero);
	}
}

/* Each value of each selecting argument, the other arguments being anything. */
static void check_resolved(const struct abi_call *c, uint64_t args[6])
{
	unsigned int n = abi_nargs(c, args);

	assert_in_range(n, 0, c->nargs);
	assert_in_range(abi_ret_kind(c, args), AK_NONE, AK_ERRNO + 1);
	for (unsigned int i = 0; i < c->nargs; i++) {
		const struct abi_arg *a = abi_resolve(c, i, args);

		assert_non_null(a);
		assert_int_not_equal(a->kind, AK_UNION);
		check_arg(c, a, args);
		abi_bytes(a, args, false, 0, 0);
		abi_bytes(a, args, true, 4096, ~0u);
		abi_bytes(a, args, true, -14, 0);
	}
}

static void resolve_all(const struct abi_call *c)
{
	for (unsigned int sel = 0; sel < c->nargs; sel++) {
		const struct abi_set *s = NULL;
		uint64_t args[6] = {ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS};

		if (c->arg[sel].kind == AK_ENUM || c->arg[sel].kind == AK_FLAGS)
			s = abi_set(c->arg[sel].type);
		for (unsigned int k = 0; s && k < s->n; k++) {
			args[sel] = s->names[k].value | 0xffff000000000000;
			check_resolved(c, args);
		}
	}
}

static void every_union_resolves(void **state)
{
	unsigned int random = 1;

	for (unsigned int nr = 0; nr <= ABI_NR_MAX; nr++) {
		const struct abi_call *c = abi_call(nr);

		if (!c)
			continue;
		resolve_all(c);
		for (int round = 0; round < 200; round++) {
			uint64_t args[6];

			for (int i = 0; i < 6; i++)
				args[i] = (uint64_t)rand_r(&random) << (rand_r(&random) % 34);
			check_resolved(c, args);
		}
	}
}

/* Socket options hang on the level as well: all names of all levels, in and out. */
static void socket_options_resolve(void **state)
{
	static const struct {
		uint64_t level;
		unsigned int set;
	} levels[] = {
		{1, ABI_SET_so_socket},
		{0, ABI_SET_so_ip},
		{41, ABI_SET_so_ipv6},
		{6, ABI_SET_so_tcp},
		{17, ABI_SET_so_udp},
		{270, ABI_SET_so_netlink},
		{263, ABI_SET_so_packet},
	};
	const struct abi_call *set = abi_call_by_name("setsockopt");
	const struct abi_call *get = abi_call_by_name("getsockopt");

	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		const struct abi_set *names = abi_set(levels[i].set);

		for (unsigned int k = 0; k < names->n; k++) {
			uint64_t args[6] = {3, levels[i].level, names->names[k].value, ADDRESS, 4};

			assert_int_equal(abi_resolve(set, 2, args)->type, levels[i].set);
			assert_int_equal(abi_resolve(get, 2, args)->type, levels[i].set);
			assert_int_equal(abi_resolve(set, 3, args)->dir, ABI_IN);
			assert_int_equal(abi_resolve(get, 3, args)->dir, ABI_OUT);
			check_resolved(set, args);
			check_resolved(get, args);
		}
	}
}

/* A request that carries a size moves a struct of that size, and in the direction it says; but for
 * those whose numbers are known to lie (linux/fs.h, linux/if_tun.h, linux/userfaultfd.h). */
static void ioctl_sizes_are_those_of_their_numbers(void **state)
{
	static const char *const lies[] = {"FS_IOC_GETFLAGS", "FS_IOC_SETFLAGS",
		"FS_IOC_GETVERSION", "FS_IOC_SETVERSION", "BLKBSZGET", "BLKBSZSET", "TUNSETIFF",
		"TUNGETIFF", "UFFDIO_UNREGISTER", "UFFDIO_WAKE", "FIFREEZE", "FITHAW",
		"PERF_EVENT_IOC_SET_FILTER"};
	static const uint8_t dirs[] = {0, ABI_IN, ABI_OUT, ABI_INOUT};
	const struct abi_set *s = abi_set(ABI_SET_ioctl);
	const struct abi_call *c = abi_call_by_name("ioctl");
	int checked = 0;

	for (unsigned int k = 0; k < s->n; k++) {
		uint64_t args[6] = {0, s->names[k].value, ADDRESS};
		const struct abi_arg *a = abi_resolve(c, 2, args);
		bool lie = false;

		for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++)
			lie = lie || !strcmp(lies[i], s->names[k].name);
		if (lie || !_IOC_SIZE(args[1]) || !a->dir)
			continue;
		checked++;
		if (abi_bytes(a, args, false, 0, 0) != _IOC_SIZE(args[1]))
			fail_msg("%s: size", s->names[k].name);
		if (a->dir != dirs[_IOC_DIR(args[1])])
			fail_msg("%s: direction", s->names[k].name);
	}
	assert_true(checked > 20);
}

static void unknown_ioctls_go_by_their_number(void **state)
{
	const struct abi_call *c = abi_call_by_name("ioctl");
	uint64_t args[6] = {3, _IOC(_IOC_READ, 'z', 99, 3000), ADDRESS};

	assert_int_equal(abi_resolve(c, 2, args)->dir, ABI_OUT);
	assert_int_equal(abi_bytes(abi_resolve(c, 2, args), args, true, 0, 0), 3000);
	args[1] = _IOC(_IOC_WRITE, 'z', 99, 16383);
	assert_int_equal(abi_resolve(c, 2, args)->dir, ABI_IN);
	assert_int_equal(abi_bytes(abi_resolve(c, 2, args), args, false, 0, 0), 16383);
	args[1] = _IOC(_IOC_WRITE | _IOC_READ, 'z', 99, 1);
	assert_int_equal(abi_resolve(c, 2, args)->dir, ABI_INOUT);
	args[1] = _IO('z', 99);
	assert_int_equal(abi_resolve(c, 2, args)->kind, AK_ADDR);
	assert_int_equal(abi_nargs(c, args), 3);
}

static unsigned int nargs_of(const char *name, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	const uint64_t args[6] = {a, b, c, d};

	return abi_nargs(abi_call_by_name(name), args);
}

static void arguments_that_do_not_count_are_left_out(void **state)
{
	assert_int_equal(nargs_of("open", ADDRESS, 0, 0, 0), 2);
	assert_int_equal(nargs_of("open", ADDRESS, 0100, 0, 0), 3);
	assert_int_equal(nargs_of("openat", 3, ADDRESS, 0200000, 0), 3);   /* O_DIRECTORY */
	assert_int_equal(nargs_of("openat", 3, ADDRESS, 020200000, 0), 4); /* O_TMPFILE */
	assert_int_equal(nargs_of("fcntl", 3, 1, 0, 0), 2);		   /* F_GETFD */
	assert_int_equal(nargs_of("fcntl", 3, 2, 0, 0), 3);		   /* F_SETFD */
	assert_int_equal(nargs_of("fcntl", 3, 4444, 0, 0), 3);		   /* unknown */
	assert_int_equal(nargs_of("ioctl", 3, FIOCLEX, 0, 0), 2);
	assert_int_equal(nargs_of("mremap", 0, 0, 0, 1), 4);
	assert_int_equal(nargs_of("mremap", 0, 0, 0, 3), 5);
	assert_int_equal(nargs_of("clone", 17, 0, 0, 0), 2);
	assert_int_equal(nargs_of("clone", 17 | 0x100000, 0, 0, 0), 3);
	assert_int_equal(nargs_of("clone", 17 | 0x1200000, 0, 0, 0), 4);
	assert_int_equal(nargs_of("clone", 17 | 0x80000, 0, 0, 0), 5);
	assert_int_equal(nargs_of("futex", ADDRESS, 0x81, 1, 0), 3); /* WAKE | PRIVATE */
	assert_int_equal(nargs_of("futex", ADDRESS, 0x80, 1, 0), 4); /* WAIT | PRIVATE */
	assert_int_equal(nargs_of("prctl", 15, ADDRESS, 0, 0), 2);
	assert_int_equal(nargs_of("epoll_ctl", 3, 2, 4, 0), 3);
	assert_int_equal(nargs_of("membarrier", 0, 0, 0, 0), 2);
	assert_int_equal(nargs_of("mknod", ADDRESS, 010644, 0, 0), 2);
	assert_int_equal(nargs_of("mknod", ADDRESS, 060644, 0, 0), 3);
	assert_int_equal(nargs_of("mknodat", 3, ADDRESS, 020644, 0), 4);
	assert_int_equal(nargs_of("preadv", 3, ADDRESS, 1, 0), 4);
}

static unsigned int ret_of(const char *name, uint64_t a, uint64_t b)
{
	const uint64_t args[6] = {a, b};

	return abi_ret_kind(abi_call_by_name(name), args);
}

static void results_follow_the_selector(void **state)
{
	assert_int_equal(ret_of("fcntl", 3, 0), AK_FD);
	assert_int_equal(ret_of("fcntl", 3, 1030), AK_FD);
	assert_int_equal(ret_of("fcntl", 3, 2), AK_INT);
	assert_int_equal(ret_of("ioctl", 3, TIOCGPTPEER), AK_FD);
	assert_int_equal(ret_of("ioctl", 3, TCGETS), AK_INT);
	assert_int_equal(ret_of("socket", 2, 1), AK_FD);
	assert_int_equal(ret_of("socketpair", 1, 1), AK_INT);
	assert_int_equal(ret_of("bpf", 5, 0), AK_FD);
	assert_int_equal(ret_of("read", 0, 0), AK_SIZE);
}

static const struct abi_arg *arg_of(const char *name, unsigned int i, const uint64_t args[6])
{
	return abi_resolve(abi_call_by_name(name), i, args);
}

static void lengths_of_buffers(void **state)
{
	const uint64_t args[6] = {3, 100, 100, 100, 100, 100};

	assert_int_equal(abi_bytes(arg_of("write", 1, args), args, false, 0, 0), 100);
	assert_int_equal(abi_bytes(arg_of("read", 1, args), args, true, 7, 0), 7);
	assert_int_equal(abi_bytes(arg_of("read", 1, args), args, true, 0, 0), 0);
	assert_int_equal(abi_bytes(arg_of("read", 1, args), args, true, -4, 0), 0);
	/* getxattr(..., NULL, 0) says how long it would be; MSG_TRUNC likewise */
	assert_int_equal(abi_bytes(arg_of("read", 1, args), args, true, 5000, 0), 100);
	assert_int_equal(abi_bytes(arg_of("getdents64", 1, args), args, true, 48, 0), 48);
	assert_int_equal(abi_bytes(arg_of("recvfrom", 4, args), args, true, 48, 16), 16);
	assert_int_equal(abi_len_ptr(arg_of("recvfrom", 4, args)), 5);
	assert_int_equal(abi_len_ptr(arg_of("read", 1, args)), -1);
	assert_int_equal(abi_bytes(arg_of("msgsnd", 1, args), args, false, 0, 0), 108);
	assert_int_equal(abi_bytes(arg_of("msgrcv", 1, args), args, true, 5, 0), 13);
	assert_int_equal(abi_bytes(arg_of("open", 0, args), args, false, 0, 0), 0);
	assert_int_equal(abi_bytes(arg_of("getcwd", 0, args), args, true, 5, 0), 5);
}

static void lengths_of_structs(void **state)
{
	const uint64_t args[6] = {ADDRESS, 2, 3, 4, 40};
	uint64_t wide[6] = {ADDRESS, ~0ull, ~0ull, ~0ull};

	assert_int_equal(abi_bytes(arg_of("poll", 0, args), args, false, 0, 0), 16);
	assert_int_equal(abi_bytes(arg_of("poll", 0, args), args, true, 1, 0), 16);
	assert_int_equal(abi_bytes(arg_of("fstat", 1, args), args, true, 0, 0), 144);
	assert_int_equal(abi_bytes(arg_of("fstat", 1, args), args, true, -9, 0), 0);
	assert_int_equal(abi_bytes(arg_of("epoll_wait", 1, args), args, true, 3, 0), 36);
	assert_int_equal(abi_bytes(arg_of("epoll_wait", 1, args), args, true, 0, 0), 0);
	assert_int_equal(abi_bytes(arg_of("pipe", 0, args), args, true, 0, 0), 8);
	assert_int_equal(abi_bytes(arg_of("move_pages", 4, args), args, true, 0, 0), 8);
	assert_int_equal(abi_bytes(arg_of("clone3", 0, args), args, false, 0, 0), 2);
	assert_int_equal(abi_bytes(arg_of("clone3", 0, wide), wide, false, 0, 0), 88);
	assert_int_equal(abi_bytes(arg_of("readv", 1, args), args, false, 0, 0), 48);
	assert_int_equal(abi_bytes(arg_of("readv", 1, args), args, true, 1, 0), 48);
	assert_true(abi_bytes(arg_of("readv", 1, wide), wide, false, 0, 0) == UINT64_MAX);
}

static void lengths_in_bits_and_pages(void **state)
{
	uint64_t args[6] = {64, 4097, 65, 0, 0};

	assert_int_equal(abi_bytes(arg_of("select", 1, args), args, false, 0, 0), 8);
	args[0] = 65;
	assert_int_equal(abi_bytes(arg_of("select", 1, args), args, false, 0, 0), 16);
	args[0] = (uint64_t)-1;
	assert_int_equal(abi_bytes(arg_of("select", 1, args), args, false, 0, 0), 0);
	assert_int_equal(abi_bytes(arg_of("mincore", 2, args), args, true, 0, 0), 2);
	assert_int_equal(abi_bytes(arg_of("set_mempolicy", 1, args), args, false, 0, 0), 8);
	args[2] = 66;
	assert_int_equal(abi_bytes(arg_of("set_mempolicy", 1, args), args, false, 0, 0), 16);
	args[2] = 1;
	assert_int_equal(abi_bytes(arg_of("set_mempolicy", 1, args), args, false, 0, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_argument_refers_to_something),
		cmocka_unit_test(every_union_resolves),
		cmocka_unit_test(socket_options_resolve),
		cmocka_unit_test(ioctl_sizes_are_those_of_their_numbers),
		cmocka_unit_test(unknown_ioctls_go_by_their_number),
		cmocka_unit_test(arguments_that_do_not_count_are_left_out),
		cmocka_unit_test(results_follow_the_selector),
		cmocka_unit_test(lengths_of_buffers),
		cmocka_unit_test(lengths_of_structs),
		cmocka_unit_test(lengths_in_bits_and_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
