/*
 * Files, descriptors, sockets and devices, held to the running kernel.
 */
#include "abi/tests/paint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/xattr.h>

static void put_path(unsigned int i)
{
	strcpy((char *)paint_mem[i], "/");
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
	strcpy((char *)paint_mem[args[0] == B(0) ? 0 : 1], "/proc/self/exe");
}

static void rewind_fd(uint64_t args[6])
{
	lseek((int)args[0], 0, SEEK_SET);
}

static void offsets(uint64_t args[6])
{
	if (args[1] == B(1))
		paint_put_u64(1, 0);
	if (args[2] == B(2))
		paint_put_u64(2, 0);
	if (args[3] == B(3))
		paint_put_u64(3, 4096);
}

static void whole_file(uint64_t args[6])
{
	memset(paint_mem[1], 0, 16);
}

static void lock_whole(uint64_t args[6])
{
	struct flock l = {.l_type = F_WRLCK};

	paint_put(2, &l, sizeof(l));
}

static void stat_calls(void **state)
{
	int fd = open("/", O_RDONLY | O_DIRECTORY);

	paint_call("stat", path_0, B(0), B(1), 0, 0, 0, 0);
	paint_call("lstat", path_0, B(0), B(1), 0, 0, 0, 0);
	paint_call("fstat", NULL, (uint64_t)fd, B(1), 0, 0, 0, 0);
	paint_call("newfstatat", path_1, (uint64_t)AT_FDCWD, B(1), B(2), 0, 0, 0);
	paint_call("statx", path_1, (uint64_t)AT_FDCWD, B(1), 0, STATX_BASIC_STATS, B(4), 0);
	paint_call("statfs", path_0, B(0), B(1), 0, 0, 0, 0);
	paint_call("fstatfs", NULL, (uint64_t)fd, B(1), 0, 0, 0, 0);
	paint_call("access", path_0, B(0), 0, 0, 0, 0, 0);
	close(fd);
}

static void file_calls(void **state)
{
	int dir = open("/proc/self", O_RDONLY | O_DIRECTORY);
	int f = memfd_create("lockstep-test", 0), g = memfd_create("lockstep-test", 0);

	assert_int_equal(ftruncate(f, 65536), 0);
	paint_call("getdents64", rewind_fd, (uint64_t)dir, B(1), 1024, 0, 0, 0);
	paint_call("getdents", rewind_fd, (uint64_t)dir, B(1), 1024, 0, 0, 0);
	paint_call("readlink", path_exe, B(0), B(1), 1024, 0, 0, 0);
	paint_call("readlinkat", path_exe, (uint64_t)AT_FDCWD, B(1), B(2), 1024, 0, 0);
	paint_call("getcwd", NULL, B(0), 1024, 0, 0, 0, 0);
	paint_call("read", NULL, (uint64_t)f, B(1), 100, 0, 0, 0);
	paint_call("pread64", NULL, (uint64_t)f, B(1), 100, 65500, 0, 0);
	paint_call("write", NULL, (uint64_t)f, B(1), 100, 0, 0, 0);
	paint_call("pwrite64", NULL, (uint64_t)f, B(1), 100, 0, 0, 0);
	paint_call("sendfile", offsets, (uint64_t)g, (uint64_t)f, B(2), 100, 0, 0);
	paint_call("copy_file_range", offsets, (uint64_t)f, B(1), (uint64_t)f, B(3), 100, 0);
	paint_call("cachestat", whole_file, (uint64_t)f, B(1), B(2), 0, 0, 0);
	paint_call("fcntl", lock_whole, (uint64_t)f, F_GETLK, B(2), 0, 0, 0);
	paint_call("fcntl", lock_whole, (uint64_t)f, F_SETLK, B(2), 0, 0, 0);
	paint_call("fcntl", lock_whole, (uint64_t)g, F_OFD_SETLK, B(2), 0, 0, 0);
	paint_call("fcntl", NULL, (uint64_t)f, 16, B(2), 0, 0, 0); /* F_GETOWN_EX */
	paint_call("fcntl", NULL, (uint64_t)f, 17, B(2), 0, 0, 0); /* F_GETOWNER_UIDS */
	paint_call("fcntl", NULL, (uint64_t)f, F_GETFL, 0, 0, 0, 0);
	close(dir);
	close(f);
	close(g);
}

static void iov_1(uint64_t args[6])
{
	struct iovec v[2] = {{paint_mem[5], 10}, {paint_mem[5] + 100, 20}};

	paint_put(1, v, sizeof(v));
}

/* The vector itself is never written; the data lies where no argument points, so it is not
 * compared. */
static void vectors_stay_as_they_are(void **state)
{
	int f = memfd_create("lockstep-test", 0);
	uint64_t args[6] = {(uint64_t)f, B(1), 2};

	assert_int_equal(ftruncate(f, 4096), 0);
	assert_int_equal(paint_call("writev", iov_1, (uint64_t)f, B(1), 2, 0, 0, 0), 30);
	assert_int_equal(paint_shoot("readv", iov_1, 0, args), 30);
	assert_memory_equal(paint_before[0][1], paint_after[0][1], PAINT_SIZE);
	close(f);
}

static void name_1(uint64_t args[6])
{
	strcpy((char *)paint_mem[1], "user.lockstep");
}

static void extended_attributes(void **state)
{
	char dir[] = "/var/tmp/lockstep-abi-XXXXXX";
	int fd = mkstemp(dir);

	assert_true(fd >= 0);
	if (!fsetxattr(fd, "user.lockstep", "value", 5, 0)) {
		paint_call("fgetxattr", name_1, (uint64_t)fd, B(1), B(2), 64, 0, 0);
		paint_call("flistxattr", NULL, (uint64_t)fd, B(1), 64, 0, 0, 0);
	}
	unlink(dir);
	close(fd);
}

static void mount_request(uint64_t args[6])
{
	const uint64_t req[3] = {24, 0xffffffffffffffff, 0};

	paint_put(0, req, sizeof(req));
}

static void mount_of_root(uint64_t args[6])
{
	struct statx x;
	uint64_t req[3] = {24, 0, 3};

	assert_int_equal(statx(AT_FDCWD, "/", 0, 0x4000, &x), 0); /* STATX_MNT_ID_UNIQUE */
	req[1] = x.stx_mnt_id;
	paint_put(0, req, sizeof(req));
}

static void mounts(void **state)
{
	paint_call("listmount", mount_request, B(0), B(1), 2, 0, 0, 0);
	paint_call("statmount", mount_of_root, B(0), B(1), 512, 0, 0, 0);
}

/* ---- waiting ---- */

static void pollfd_of_pipe(uint64_t args[6])
{
	struct {
		int fd;
		short events, revents;
	} p = {(int)args[5], 4, 0};

	paint_put(0, &p, sizeof(p));
	if (args[2] == B(2))
		memset(paint_mem[2], 0, 16);
}

static void empty_sets(uint64_t args[6])
{
	memset(paint_mem[1], 0, 8);
	memset(paint_mem[4], 0, 16);
}

static void event_in(uint64_t args[6])
{
	struct epoll_event e = {.events = EPOLLIN};

	paint_put(3, &e, sizeof(e));
}

static void interval(uint64_t args[6])
{
	memset(paint_mem[1], 0, 32);
	memset(paint_mem[2], 0, 32);
}

static void zero_1(uint64_t args[6])
{
	memset(paint_mem[1], 0, 256);
}

static void waiting_for_descriptors(void **state)
{
	int ep = epoll_create1(0), ev = eventfd(1, 0), t = timerfd_create(CLOCK_MONOTONIC, 0), p[2];
	struct epoll_event e = {.events = EPOLLIN};

	assert_int_equal(pipe(p), 0);
	assert_int_equal(epoll_ctl(ep, EPOLL_CTL_ADD, ev, &e), 0);
	paint_call("poll", pollfd_of_pipe, B(0), 1, 0, 0, 0, (uint64_t)p[1]);
	paint_call("ppoll", pollfd_of_pipe, B(0), 1, B(2), 0, 8, (uint64_t)p[1]);
	paint_call("select", empty_sets, 33, B(1), 0, 0, B(4), 0);
	paint_call("pselect6", empty_sets, 33, B(1), 0, 0, B(4), 0);
	paint_call("epoll_ctl", event_in, (uint64_t)ep, EPOLL_CTL_MOD, (uint64_t)ev, B(3), 0, 0);
	paint_call("epoll_wait", NULL, (uint64_t)ep, B(1), 8, 0, 0, 0);
	paint_call("epoll_pwait", NULL, (uint64_t)ep, B(1), 8, 0, 0, 8);
	paint_call("timerfd_gettime", NULL, (uint64_t)t, B(1), 0, 0, 0, 0);
	paint_call("timerfd_settime", interval, (uint64_t)t, 0, B(2), B(3), 0, 0);
	paint_call("pipe", NULL, B(0), 0, 0, 0, 0, 0);
	paint_call("pipe2", NULL, B(0), O_CLOEXEC, 0, 0, 0, 0);
	close(ep);
	close(ev);
	close(t);
}

static void io_setup_prepare(uint64_t args[6])
{
	paint_put_u64(1, 0);
}

static void asynchronous_io(void **state)
{
	paint_call("io_setup", io_setup_prepare, 4, B(1), 0, 0, 0, 0);
	if (syscall(SYS_io_uring_setup, 4, NULL) < 0 && errno == EFAULT)
		paint_call("io_uring_setup", zero_1, 4, B(1), 0, 0, 0, 0);
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
	paint_call("io_getevents", io_event_ready, ctx, 1, 4, B(3), 0, (uint64_t)f);
	close(f);
}

/* ---- sockets ---- */

static int g_pair[2], g_listener;
static struct sockaddr_in g_addr;

static void size_2(uint64_t args[6])
{
	paint_put_u32(2, 128);
}

static void size_4(uint64_t args[6])
{
	paint_put_u32(4, args[2] == SO_LINGER	  ? 8
			 : args[2] == SO_RCVTIMEO ? 16
			 : args[2] == SO_PEERCRED ? 12
						  : 4);
}

static void message(uint64_t args[6])
{
	assert_int_equal(send(g_pair[0], "hello", 5, 0), 5);
	paint_put_u32(5, 128);
}

static void connection(uint64_t args[6])
{
	int c = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(connect(c, (struct sockaddr *)&g_addr, sizeof(g_addr)), 0);
	paint_put_u32(2, 128);
}

static void address_1(uint64_t args[6])
{
	paint_put(1, &g_addr, sizeof(g_addr));
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
	paint_call("socketpair", NULL, AF_UNIX, SOCK_STREAM, 0, B(3), 0, 0);
	paint_call("getsockname", size_2, l, B(1), B(2), 0, 0, 0);
	paint_call("connect", address_1, 0, B(1), sizeof(g_addr), 0, 0, 0);
	paint_call("accept4", connection, l, B(1), B(2), 0, 0, 0);
	paint_call("accept", connection, l, B(1), B(2), 0, 0, 0);
	paint_call("recvfrom", message, p, B(1), 100, 0, 0, 0);
	paint_call("recvfrom", message, p, B(1), 2, 0x20, 0,
		0); /* MSG_TRUNC: a result past the size */
	paint_call("sendto", NULL, (uint64_t)g_pair[0], B(1), 5, 0, 0, 0);
	paint_call("ioctl", NULL, p, FIONREAD, B(2), 0, 0, 0);
	paint_call("getsockopt", size_4, l, SOL_SOCKET, SO_TYPE, B(3), B(4), 0);
	paint_call("getsockopt", size_4, l, SOL_SOCKET, SO_ERROR, B(3), B(4), 0);
	paint_call("getsockopt", size_4, l, SOL_SOCKET, SO_LINGER, B(3), B(4), 0);
	paint_call("getsockopt", size_4, l, SOL_SOCKET, SO_RCVTIMEO, B(3), B(4), 0);
	paint_call("getsockopt", size_4, p, SOL_SOCKET, SO_PEERCRED, B(3), B(4), 0);
	paint_call("getsockopt", size_4, l, IPPROTO_TCP, TCP_NODELAY, B(3), B(4), 0);
	paint_call("getsockopt", size_4, l, IPPROTO_IP, IP_TTL, B(3), B(4), 0);
}

/* ---- terminals and other devices ---- */

static void window(uint64_t args[6])
{
	memset(paint_mem[2], 1, 8);
}

static void termios_2(uint64_t args[6])
{
	syscall(SYS_ioctl, args[0], 0x5401, paint_mem[2]);
}

static void interface_lo(uint64_t args[6])
{
	memset(paint_mem[2], 0, 40);
	strcpy((char *)paint_mem[2], "lo");
}

static void devices(void **state)
{
	int master, slave, s = socket(AF_INET, SOCK_DGRAM, 0);
	uint64_t t;

	assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
	t = (uint64_t)slave;
	paint_call("ioctl", NULL, t, 0x5401, B(2), 0, 0, 0); /* TCGETS: the kernel's struct */
	paint_call("ioctl", termios_2, t, 0x5402, B(2), 0, 0, 0);
	paint_call("ioctl", NULL, t, 0x802c542a, B(2), 0, 0, 0); /* TCGETS2 */
	paint_call("ioctl", NULL, t, TIOCGWINSZ, B(2), 0, 0, 0);
	paint_call("ioctl", window, t, TIOCSWINSZ, B(2), 0, 0, 0);
	paint_call("ioctl", NULL, t, TIOCOUTQ, B(2), 0, 0, 0);
	paint_call("ioctl", NULL, t, TIOCGETD, B(2), 0, 0, 0);
	paint_call("ioctl", NULL, t, FIONREAD, B(2), 0, 0, 0);
	paint_call("ioctl", NULL, (uint64_t)master, TIOCGPTN, B(2), 0, 0, 0);
	paint_call("ioctl", window, t, FIONBIO, B(2), 0, 0, 0);
	paint_call("ioctl", interface_lo, (uint64_t)s, 0x8913, B(2), 0, 0, 0); /* SIOCGIFFLAGS */
	paint_call("ioctl", interface_lo, (uint64_t)s, 0x8933, B(2), 0, 0, 0); /* SIOCGIFINDEX */
	close(master);
	close(slave);
	close(s);
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
		cmocka_unit_test(sockets),
		cmocka_unit_test(devices),
		cmocka_unit_test(finished_io),
	};
	int rc = cmocka_run_group_tests(tests, NULL, NULL);

	if (paint_outs() < 60) {
		fprintf(stderr, "only %u arguments that come out were looked at\n", paint_outs());
		return 1;
	}
	return rc;
}
