/*
 * The table held to the running kernel: calls are made twice with painted buffers, once in each of
 * two colours, and what the kernel wrote is compared with what the table says of direction and
 * size. An IN argument is never written; of an OUT argument every byte of every field is, and
 * nothing past its end; nothing that the table takes for a plain value points to something that is
 * written.
 */
#include "abi/abi.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <asm/prctl.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <termios.h>

#define SIZE 8192
#define B(i) ((uint64_t)(uintptr_t)g_mem[i])

static const uint8_t g_paint[2] = {0x55, 0xaa};
static uint8_t g_mem[6][SIZE], g_before[2][6][SIZE], g_after[2][6][SIZE];
static unsigned int g_outs; /* OUT arguments that were looked at */

/* Fills in what goes in, before each of the two calls: buffers, or arguments that are used up. */
typedef void prepare(uint64_t args[6]);

static bool written(unsigned int i, size_t k)
{
	return g_before[0][i][k] != g_after[0][i][k] || g_before[1][i][k] != g_after[1][i][k];
}

static size_t written_end(unsigned int i)
{
	size_t n = SIZE;

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
		memcpy(&word, g_after[1][lp], sizeof(word));
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

static int64_t shoot(const char *name, prepare *prep, unsigned int round, uint64_t args[6])
{
	int64_t ret;

	memset(g_mem, g_paint[round], sizeof(g_mem));
	if (prep)
		prep(args);
	memcpy(g_before[round], g_mem, sizeof(g_mem));
	ret = syscall(
		abi_call_by_name(name)->nr, args[0], args[1], args[2], args[3], args[4], args[5]);
	if (ret < 0)
		ret = -errno;
	memcpy(g_after[round], g_mem, sizeof(g_mem));
	return ret;
}

/* Makes the call twice and compares; gives the second result. */
static int64_t check_call(const char *name, prepare *prep, uint64_t a, uint64_t b, uint64_t c,
	uint64_t d, uint64_t e, uint64_t f)
{
	const struct abi_call *call = abi_call_by_name(name);
	uint64_t args[6] = {a, b, c, d, e, f};
	int64_t ret = 0;

	assert_non_null(call);
	for (unsigned int round = 0; round < 2; round++) {
		ret = shoot(name, prep, round, args);
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

static void put(unsigned int i, const void *data, size_t size)
{
	memcpy(g_mem[i], data, size);
}

static void put_u32(unsigned int i, uint32_t v)
{
	put(i, &v, sizeof(v));
}

static void put_u64(unsigned int i, uint64_t v)
{
	put(i, &v, sizeof(v));
}

static void put_path(unsigned int i)
{
	strcpy((char *)g_mem[i], "/");
}

/* ---- files ---- */

static void path_0(uint64_t args[6])
{
	put_path(0);
}

static void path_1(uint64_t args[6])
{
	put_path(1);
}

static void path_exe(uint64_t args[6])
{
	strcpy((char *)g_mem[args[0] == B(0) ? 0 : 1], "/proc/self/exe");
}

static void rewind_3(uint64_t args[6])
{
	lseek((int)args[0], 0, SEEK_SET);
}

static void offsets(uint64_t args[6])
{
	if (args[1] == B(1))
		put_u64(1, 0);
	if (args[2] == B(2))
		put_u64(2, 0);
	if (args[3] == B(3))
		put_u64(3, 4096);
}

static void whole_file(uint64_t args[6])
{
	memset(g_mem[1], 0, 16);
}

static void lock_whole(uint64_t args[6])
{
	struct flock l = {.l_type = F_WRLCK};

	put(2, &l, sizeof(l));
}

static void stat_calls(void **state)
{
	int fd = open("/", O_RDONLY | O_DIRECTORY);

	check_call("stat", path_0, B(0), B(1), 0, 0, 0, 0);
	check_call("lstat", path_0, B(0), B(1), 0, 0, 0, 0);
	check_call("fstat", NULL, (uint64_t)fd, B(1), 0, 0, 0, 0);
	check_call("newfstatat", path_1, (uint64_t)AT_FDCWD, B(1), B(2), 0, 0, 0);
	check_call("statx", path_1, (uint64_t)AT_FDCWD, B(1), 0, STATX_BASIC_STATS, B(4), 0);
	check_call("statfs", path_0, B(0), B(1), 0, 0, 0, 0);
	check_call("fstatfs", NULL, (uint64_t)fd, B(1), 0, 0, 0, 0);
	check_call("access", path_0, B(0), 0, 0, 0, 0, 0);
	close(fd);
}

static void file_calls(void **state)
{
	int dir = open("/proc/self", O_RDONLY | O_DIRECTORY);
	int f = memfd_create("lockstep-test", 0), g = memfd_create("lockstep-test", 0);

	assert_int_equal(ftruncate(f, 65536), 0);
	check_call("getdents64", rewind_3, (uint64_t)dir, B(1), 1024, 0, 0, 0);
	check_call("getdents", rewind_3, (uint64_t)dir, B(1), 1024, 0, 0, 0);
	check_call("readlink", path_exe, B(0), B(1), 1024, 0, 0, 0);
	check_call("readlinkat", path_exe, (uint64_t)AT_FDCWD, B(1), B(2), 1024, 0, 0);
	check_call("getcwd", NULL, B(0), 1024, 0, 0, 0, 0);
	check_call("read", NULL, (uint64_t)f, B(1), 100, 0, 0, 0);
	check_call("pread64", NULL, (uint64_t)f, B(1), 100, 65500, 0, 0);
	check_call("write", NULL, (uint64_t)f, B(1), 100, 0, 0, 0);
	check_call("pwrite64", NULL, (uint64_t)f, B(1), 100, 0, 0, 0);
	check_call("sendfile", offsets, (uint64_t)g, (uint64_t)f, B(2), 100, 0, 0);
	check_call("copy_file_range", offsets, (uint64_t)f, B(1), (uint64_t)f, B(3), 100, 0);
	check_call("cachestat", whole_file, (uint64_t)f, B(1), B(2), 0, 0, 0);
	check_call("fcntl", lock_whole, (uint64_t)f, F_GETLK, B(2), 0, 0, 0);
	check_call("fcntl", lock_whole, (uint64_t)f, F_SETLK, B(2), 0, 0, 0);
	check_call("fcntl", lock_whole, (uint64_t)g, F_OFD_SETLK, B(2), 0, 0, 0);
	check_call("fcntl", NULL, (uint64_t)f, 16, B(2), 0, 0, 0); /* F_GETOWN_EX */
	check_call("fcntl", NULL, (uint64_t)f, 17, B(2), 0, 0, 0); /* F_GETOWNER_UIDS */
	check_call("fcntl", NULL, (uint64_t)f, F_GETFL, 0, 0, 0, 0);
	close(dir);
	close(f);
	close(g);
}

static void iov_1(uint64_t args[6])
{
	struct iovec v[2] = {{g_mem[5], 10}, {g_mem[5] + 100, 20}};

	put(1, v, sizeof(v));
}

/* The vector itself is never written; the data lies where no argument points, so it is not
 * compared. */
static void vectors_stay_as_they_are(void **state)
{
	int f = memfd_create("lockstep-test", 0);
	uint64_t args[6] = {(uint64_t)f, B(1), 2};

	assert_int_equal(ftruncate(f, 4096), 0);
	assert_int_equal(check_call("writev", iov_1, (uint64_t)f, B(1), 2, 0, 0, 0), 30);
	assert_int_equal(shoot("readv", iov_1, 0, args), 30);
	assert_memory_equal(g_before[0][1], g_after[0][1], SIZE);
	close(f);
}

static void name_1(uint64_t args[6])
{
	strcpy((char *)g_mem[1], "user.lockstep");
}

static void extended_attributes(void **state)
{
	char dir[] = "/var/tmp/lockstep-abi-XXXXXX";
	int fd = mkstemp(dir);

	assert_true(fd >= 0);
	if (!fsetxattr(fd, "user.lockstep", "value", 5, 0)) {
		check_call("fgetxattr", name_1, (uint64_t)fd, B(1), B(2), 64, 0, 0);
		check_call("flistxattr", NULL, (uint64_t)fd, B(1), 64, 0, 0, 0);
	}
	unlink(dir);
	close(fd);
}

static void mount_request(uint64_t args[6])
{
	const uint64_t req[3] = {24, 0xffffffffffffffff, 0};

	put(0, req, sizeof(req));
}

static void mount_of_root(uint64_t args[6])
{
	struct statx x;
	uint64_t req[3] = {24, 0, 3};

	assert_int_equal(statx(AT_FDCWD, "/", 0, 0x4000, &x), 0); /* STATX_MNT_ID_UNIQUE */
	req[1] = x.stx_mnt_id;
	put(0, req, sizeof(req));
}

static void mounts(void **state)
{
	check_call("listmount", mount_request, B(0), B(1), 2, 0, 0, 0);
	check_call("statmount", mount_of_root, B(0), B(1), 512, 0, 0, 0);
}

/* ---- waiting ---- */

static void pollfd_of_pipe(uint64_t args[6])
{
	struct {
		int fd;
		short events, revents;
	} p = {(int)args[5], 4, 0};

	put(0, &p, sizeof(p));
	if (args[2] == B(2))
		memset(g_mem[2], 0, 16);
}

static void empty_sets(uint64_t args[6])
{
	memset(g_mem[1], 0, 8);
	memset(g_mem[4], 0, 16);
}

static void event_in(uint64_t args[6])
{
	struct epoll_event e = {.events = EPOLLIN};

	put(3, &e, sizeof(e));
}

static void interval(uint64_t args[6])
{
	memset(g_mem[1], 0, 32);
	memset(g_mem[2], 0, 32);
}

static void zero_0(uint64_t args[6])
{
	memset(g_mem[0], 0, 256);
}

static void zero_1(uint64_t args[6])
{
	memset(g_mem[1], 0, 256);
}

static void waiting_for_descriptors(void **state)
{
	int ep = epoll_create1(0), ev = eventfd(1, 0), t = timerfd_create(CLOCK_MONOTONIC, 0), p[2];
	struct epoll_event e = {.events = EPOLLIN};

	assert_int_equal(pipe(p), 0);
	assert_int_equal(epoll_ctl(ep, EPOLL_CTL_ADD, ev, &e), 0);
	check_call("poll", pollfd_of_pipe, B(0), 1, 0, 0, 0, (uint64_t)p[1]);
	check_call("ppoll", pollfd_of_pipe, B(0), 1, B(2), 0, 8, (uint64_t)p[1]);
	check_call("select", empty_sets, 33, B(1), 0, 0, B(4), 0);
	check_call("pselect6", empty_sets, 33, B(1), 0, 0, B(4), 0);
	check_call("epoll_ctl", event_in, (uint64_t)ep, EPOLL_CTL_MOD, (uint64_t)ev, B(3), 0, 0);
	check_call("epoll_wait", NULL, (uint64_t)ep, B(1), 8, 0, 0, 0);
	check_call("epoll_pwait", NULL, (uint64_t)ep, B(1), 8, 0, 0, 8);
	check_call("timerfd_gettime", NULL, (uint64_t)t, B(1), 0, 0, 0, 0);
	check_call("timerfd_settime", interval, (uint64_t)t, 0, B(2), B(3), 0, 0);
	check_call("pipe", NULL, B(0), 0, 0, 0, 0, 0);
	check_call("pipe2", NULL, B(0), O_CLOEXEC, 0, 0, 0, 0);
	close(ep);
	close(ev);
	close(t);
}

static void io_setup_prepare(uint64_t args[6])
{
	put_u64(1, 0);
}

static void asynchronous_io(void **state)
{
	check_call("io_setup", io_setup_prepare, 4, B(1), 0, 0, 0, 0);
	if (syscall(SYS_io_uring_setup, 4, NULL) < 0 && errno == EFAULT)
		check_call("io_uring_setup", zero_1, 4, B(1), 0, 0, 0, 0);
}

/* ---- processes, time, signals ---- */

static void own_processes(void **state)
{
	check_call("uname", NULL, B(0), 0, 0, 0, 0, 0);
	check_call("sysinfo", NULL, B(0), 0, 0, 0, 0, 0);
	check_call("getrusage", NULL, RUSAGE_SELF, B(1), 0, 0, 0, 0);
	check_call("getrlimit", NULL, RLIMIT_CORE, B(1), 0, 0, 0, 0);
	check_call("prlimit64", NULL, 0, RLIMIT_CORE, 0, B(3), 0, 0);
	check_call("getresuid", NULL, B(0), B(1), B(2), 0, 0, 0);
	check_call("getresgid", NULL, B(0), B(1), B(2), 0, 0, 0);
	check_call("sched_getparam", NULL, 0, B(1), 0, 0, 0, 0);
	check_call("sched_getattr", NULL, 0, B(1), 56, 0, 0, 0);
	check_call("sched_rr_get_interval", NULL, 0, B(1), 0, 0, 0, 0);
	check_call("sched_getaffinity", NULL, 0, 1024, B(2), 0, 0, 0);
	check_call("getcpu", NULL, B(0), B(1), 0, 0, 0, 0);
	check_call("get_robust_list", NULL, 0, B(1), B(2), 0, 0, 0);
	check_call("arch_prctl", NULL, ARCH_GET_FS, B(1), 0, 0, 0, 0);
	check_call("prctl", NULL, PR_GET_NAME, B(1), 0, 0, 0, 0);
	check_call("prctl", NULL, PR_GET_PDEATHSIG, B(1), 0, 0, 0, 0);
	check_call("prctl", NULL, PR_GET_CHILD_SUBREAPER, B(1), 0, 0, 0, 0);
	check_call("prctl", NULL, PR_GET_TSC, B(1), 0, 0, 0, 0);
}

static void header_3(uint64_t args[6])
{
	const uint32_t h[2] = {0x20080522, 0};

	put(0, h, sizeof(h));
}

static void capabilities(void **state)
{
	check_call("capget", header_3, B(0), B(1), 0, 0, 0, 0);
}

static void supplementary_groups(void **state)
{
	int n = getgroups(0, NULL);

	if (n > 0)
		check_call("getgroups", NULL, 64, B(1), 0, 0, 0, 0);
}

static void clocks(void **state)
{
	check_call("gettimeofday", NULL, B(0), B(1), 0, 0, 0, 0);
	check_call("clock_gettime", NULL, CLOCK_MONOTONIC, B(1), 0, 0, 0, 0);
	check_call("clock_getres", NULL, CLOCK_MONOTONIC, B(1), 0, 0, 0, 0);
	check_call("time", NULL, B(0), 0, 0, 0, 0, 0);
	check_call("times", NULL, B(0), 0, 0, 0, 0, 0);
	check_call("getitimer", NULL, ITIMER_VIRTUAL, B(1), 0, 0, 0, 0);
	check_call("setitimer", interval, ITIMER_VIRTUAL, B(1), B(2), 0, 0, 0);
	check_call("adjtimex", zero_0, B(0), 0, 0, 0, 0, 0);
	check_call("clock_adjtime", zero_1, CLOCK_REALTIME, B(1), 0, 0, 0, 0);
	check_call("nanosleep", zero_0, B(0), 0, 0, 0, 0, 0);
	check_call("timer_create", NULL, CLOCK_MONOTONIC, 0, B(2), 0, 0, 0);
	check_call("timer_gettime", NULL, *(uint32_t *)g_mem[2], B(1), 0, 0, 0, 0);
}

static void raise_usr1(uint64_t args[6])
{
	const uint64_t set = 1ull << (SIGUSR1 - 1);

	put(0, &set, sizeof(set));
	raise(SIGUSR1);
}

static void signals(void **state)
{
	sigset_t usr1;

	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	sigprocmask(SIG_BLOCK, &usr1, NULL);
	check_call("rt_sigaction", NULL, SIGUSR2, 0, B(2), 8, 0, 0);
	check_call("rt_sigprocmask", NULL, SIG_BLOCK, 0, B(2), 8, 0, 0);
	check_call("rt_sigpending", NULL, B(0), 8, 0, 0, 0, 0);
	check_call("sigaltstack", NULL, 0, B(1), 0, 0, 0, 0);
	check_call("rt_sigtimedwait", raise_usr1, B(0), B(1), 0, 8, 0, 0);
}

static void new_child(uint64_t args[6])
{
	pid_t pid = fork();

	if (!pid)
		_exit(7);
	args[args[0] == P_PID && args[2] == B(2) ? 1 : 0] = (uint64_t)pid;
}

static void children(void **state)
{
	check_call("wait4", new_child, 0, B(1), 0, B(3), 0, 0);
	check_call("waitid", new_child, P_PID, 0, B(2), WEXITED, B(4), 0);
}

/* ---- memory ---- */

static void one_page(uint64_t args[6])
{
	put_u64(2, (uint64_t)(uintptr_t)g_mem);
}

static void memory(void **state)
{
	void *p = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	check_call("mincore", NULL, (uint64_t)p, 2 * 4096 + 1, B(2), 0, 0, 0);
	check_call("getrandom", NULL, B(0), 256, 0, 0, 0, 0);
	check_call("get_mempolicy", NULL, B(0), B(1), 1024, 0, 0, 0);
	check_call("get_mempolicy", NULL, B(0), B(1), 1025, 0, 0, 0);
	check_call("move_pages", one_page, 0, 1, B(2), 0, B(4), 0);
	munmap(p, 3 * 4096);
}

/* ---- sockets ---- */

static int g_pair[2], g_listener;
static struct sockaddr_in g_addr;

static void size_2(uint64_t args[6])
{
	put_u32(2, 128);
}

static void size_4(uint64_t args[6])
{
	put_u32(4, args[2] == SO_LINGER	    ? 8
		   : args[2] == SO_RCVTIMEO ? 16
		   : args[2] == SO_PEERCRED ? 12
					    : 4);
}

static void message(uint64_t args[6])
{
	assert_int_equal(send(g_pair[0], "hello", 5, 0), 5);
	put_u32(5, 128);
}

static void connection(uint64_t args[6])
{
	int c = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(connect(c, (struct sockaddr *)&g_addr, sizeof(g_addr)), 0);
	put_u32(2, 128);
}

static void address_1(uint64_t args[6])
{
	put(1, &g_addr, sizeof(g_addr));
	args[0] = (uint64_t)socket(AF_INET, SOCK_STREAM, 0);
}

static void socket_setup(void)
{
	socklen_t size = sizeof(g_addr);

	g_listener = socket(AF_INET, SOCK_STREAM, 0);
	g_addr = (struct sockaddr_in){
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	assert_int_equal(bind(g_listener, (struct sockaddr *)&g_addr, sizeof(g_addr)), 0);
	assert_int_equal(listen(g_listener, 8), 0);
	assert_int_equal(getsockname(g_listener, (struct sockaddr *)&g_addr, &size), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, g_pair), 0);
}

static void sockets(void **state)
{
	uint64_t l, p;

	socket_setup();
	l = (uint64_t)g_listener;
	p = (uint64_t)g_pair[1];
	check_call("socketpair", NULL, AF_UNIX, SOCK_STREAM, 0, B(3), 0, 0);
	check_call("getsockname", size_2, l, B(1), B(2), 0, 0, 0);
	check_call("connect", address_1, 0, B(1), sizeof(g_addr), 0, 0, 0);
	check_call("accept4", connection, l, B(1), B(2), 0, 0, 0);
	check_call("accept", connection, l, B(1), B(2), 0, 0, 0);
	check_call("recvfrom", message, p, B(1), 100, 0, 0, 0);
	check_call("recvfrom", message, p, B(1), 2, 0x20, 0,
		0); /* MSG_TRUNC: a result past the size */
	check_call("sendto", NULL, (uint64_t)g_pair[0], B(1), 5, 0, 0, 0);
	check_call("ioctl", NULL, p, FIONREAD, B(2), 0, 0, 0);
	check_call("getsockopt", size_4, l, SOL_SOCKET, SO_TYPE, B(3), B(4), 0);
	check_call("getsockopt", size_4, l, SOL_SOCKET, SO_ERROR, B(3), B(4), 0);
	check_call("getsockopt", size_4, l, SOL_SOCKET, SO_LINGER, B(3), B(4), 0);
	check_call("getsockopt", size_4, l, SOL_SOCKET, SO_RCVTIMEO, B(3), B(4), 0);
	check_call("getsockopt", size_4, p, SOL_SOCKET, SO_PEERCRED, B(3), B(4), 0);
	check_call("getsockopt", size_4, l, IPPROTO_TCP, TCP_NODELAY, B(3), B(4), 0);
	check_call("getsockopt", size_4, l, IPPROTO_IP, IP_TTL, B(3), B(4), 0);
}

/* ---- terminals and other devices ---- */

static void window(uint64_t args[6])
{
	memset(g_mem[2], 1, 8);
}

static void termios_2(uint64_t args[6])
{
	syscall(SYS_ioctl, args[0], 0x5401, g_mem[2]);
}

static void interface_lo(uint64_t args[6])
{
	memset(g_mem[2], 0, 40);
	strcpy((char *)g_mem[2], "lo");
}

static void devices(void **state)
{
	int master, slave, s = socket(AF_INET, SOCK_DGRAM, 0);
	uint64_t t;

	assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
	t = (uint64_t)slave;
	check_call("ioctl", NULL, t, 0x5401, B(2), 0, 0, 0); /* TCGETS: the kernel's struct */
	check_call("ioctl", termios_2, t, 0x5402, B(2), 0, 0, 0);
	check_call("ioctl", NULL, t, 0x802c542a, B(2), 0, 0, 0); /* TCGETS2 */
	check_call("ioctl", NULL, t, TIOCGWINSZ, B(2), 0, 0, 0);
	check_call("ioctl", window, t, TIOCSWINSZ, B(2), 0, 0, 0);
	check_call("ioctl", NULL, t, TIOCOUTQ, B(2), 0, 0, 0);
	check_call("ioctl", NULL, t, TIOCGETD, B(2), 0, 0, 0);
	check_call("ioctl", NULL, t, FIONREAD, B(2), 0, 0, 0);
	check_call("ioctl", NULL, (uint64_t)master, TIOCGPTN, B(2), 0, 0, 0);
	check_call("ioctl", window, t, FIONBIO, B(2), 0, 0, 0);
	check_call("ioctl", interface_lo, (uint64_t)s, 0x8913, B(2), 0, 0, 0); /* SIOCGIFFLAGS */
	check_call("ioctl", interface_lo, (uint64_t)s, 0x8933, B(2), 0, 0, 0); /* SIOCGIFINDEX */
	close(master);
	close(slave);
	close(s);
}

/* ---- System V IPC and message queues ---- */

static int g_queue;

static void queue_message(uint64_t args[6])
{
	struct {
		long type;
		char text[16];
	} m = {1, "fifteen letters"};

	assert_int_equal(msgsnd(g_queue, &m, 16, 0), 0);
}

static void message_1(uint64_t args[6])
{
	put_u64(1, 1);
}

static void system_v(void **state)
{
	int shm = shmget(IPC_PRIVATE, 4096, 0600), sem = semget(IPC_PRIVATE, 1, 0600);

	g_queue = msgget(IPC_PRIVATE, 0600);
	assert_true(shm >= 0 && sem >= 0 && g_queue >= 0);
	check_call("shmctl", NULL, (uint64_t)shm, IPC_STAT, B(2), 0, 0, 0);
	check_call("shmctl", NULL, 0, IPC_INFO, B(2), 0, 0, 0);
	check_call("shmctl", NULL, 0, SHM_INFO, B(2), 0, 0, 0);
	check_call("semctl", NULL, (uint64_t)sem, 0, IPC_STAT, B(3), 0, 0);
	check_call("semctl", NULL, 0, 0, IPC_INFO, B(3), 0, 0);
	check_call("msgctl", NULL, (uint64_t)g_queue, IPC_STAT, B(2), 0, 0, 0);
	check_call("msgctl", NULL, 0, IPC_INFO, B(2), 0, 0, 0);
	check_call("msgrcv", queue_message, (uint64_t)g_queue, B(1), 64, 0, 0, 0);
	check_call("msgsnd", message_1, (uint64_t)g_queue, B(1), 8, 0, 0, 0);
	shmctl(shm, IPC_RMID, NULL);
	semctl(sem, 0, IPC_RMID);
	msgctl(g_queue, IPC_RMID, NULL);
}

static int g_mq;

static void mq_message(uint64_t args[6])
{
	assert_int_equal(mq_send(g_mq, "hello", 5, 3), 0);
}

static void posix_queues(void **state)
{
	struct mq_attr attr = {.mq_maxmsg = 4, .mq_msgsize = 64};
	char name[64];

	snprintf(name, sizeof(name), "/lockstep-abi-%d", getpid());
	g_mq = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attr);
	assert_true(g_mq >= 0);
	mq_unlink(name);
	check_call("mq_getsetattr", NULL, (uint64_t)g_mq, 0, B(2), 0, 0, 0);
	check_call("mq_timedreceive", mq_message, (uint64_t)g_mq, B(1), 64, B(3), 0, 0);
	check_call("mq_timedsend", NULL, (uint64_t)g_mq, B(1), 5, 1, 0, 0);
	mq_close(g_mq);
}

/* ---- ptrace: the kernel's own calling convention, not the C library's ---- */

static void ptrace_of_a_stopped_child(void **state)
{
	pid_t pid = fork();
	uint64_t p = (uint64_t)pid;

	if (!pid) {
		syscall(SYS_ptrace, 0, 0, 0, 0);
		raise(SIGSTOP);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	check_call("ptrace", NULL, 3, p, 120, B(3), 0, 0); /* PEEKUSER */
	check_call(
		"ptrace", NULL, 2, p, B(2), B(3), 0, 0);  /* PEEKDATA, of the child's copy of it */
	check_call("ptrace", NULL, 12, p, 0, B(3), 0, 0); /* GETREGS */
	check_call("ptrace", NULL, 14, p, 0, B(3), 0, 0); /* GETFPREGS */
	check_call("ptrace", NULL, 0x4201, p, 0, B(3), 0, 0); /* GETEVENTMSG */
	check_call("ptrace", NULL, 0x4202, p, 0, B(3), 0, 0); /* GETSIGINFO */
	check_call("ptrace", NULL, 0x420a, p, 8, B(3), 0, 0); /* GETSIGMASK */
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void io_event_ready(uint64_t args[6])
{
	struct {
		uint64_t data;
		uint32_t key, rw_flags;
		uint16_t opcode, prio;
		uint32_t fd;
		uint64_t buf, nbytes, offset, reserved;
		uint32_t flags, resfd;
	} cb = {.opcode = 1, .fd = (uint32_t)args[5]};
	void *list[1] = {&cb};

	assert_int_equal(syscall(SYS_io_submit, args[0], 1, list), 1);
}

static void finished_io(void **state)
{
	int f = memfd_create("lockstep-test", 0);
	uint64_t ctx = 0;

	if (syscall(SYS_io_setup, 4, &ctx) < 0)
		fail_msg("io_setup: %s", abi_errno_name(errno));
	check_call("io_getevents", io_event_ready, ctx, 1, 4, B(3), 0, (uint64_t)f);
	close(f);
}

static void keyring_name(uint64_t args[6])
{
	strcpy((char *)g_mem[1], "lockstep");
}

static void keys(void **state)
{
	if (syscall(SYS_keyctl, 1, NULL) < 0)
		fail_msg("keyctl: %s", abi_errno_name(errno));
	check_call("keyctl", keyring_name, 1, B(1), 0, 0, 0, 0);
	check_call("keyctl", NULL, 6, (uint64_t)-3, B(2), 256, 0, 0); /* DESCRIBE the session's */
}

static void remote_vector(uint64_t args[6])
{
	struct iovec mine = {g_mem[5], 8}, its = {g_mem[4], 8};

	put(1, &mine, sizeof(mine));
	put(3, &its, sizeof(its));
}

static void other_memory(void **state)
{
	uint64_t args[6] = {(uint64_t)getpid(), B(1), 1, B(3), 1, 0};

	assert_int_equal(shoot("process_vm_readv", remote_vector, 0, args), 8);
	assert_memory_equal(g_before[0][1], g_after[0][1], SIZE);
	assert_memory_equal(g_before[0][3], g_after[0][3], SIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stat_calls),
		cmocka_unit_test(file_calls),
		cmocka_unit_test(vectors_stay_as_they_are),
		cmocka_unit_test(extended_attributes),
		cmocka_unit_test(mounts),
		cmocka_unit_test(waiting_for_descriptors),
		cmocka_unit_test(asynchronous_io),
		cmocka_unit_test(own_processes),
		cmocka_unit_test(capabilities),
		cmocka_unit_test(supplementary_groups),
		cmocka_unit_test(clocks),
		cmocka_unit_test(signals),
		cmocka_unit_test(children),
		cmocka_unit_test(memory),
		cmocka_unit_test(sockets),
		cmocka_unit_test(devices),
		cmocka_unit_test(system_v),
		cmocka_unit_test(posix_queues),
		cmocka_unit_test(ptrace_of_a_stopped_child),
		cmocka_unit_test(finished_io),
		cmocka_unit_test(keys),
		cmocka_unit_test(other_memory),
	};
	int rc = cmocka_run_group_tests(tests, NULL, NULL);

	if (g_outs < 110) {
		fprintf(stderr, "only %u arguments that come out were looked at\n", g_outs);
		return 1;
	}
	return rc;
}
