/* The process model, replayed from events built by hand. */
#include "tracer/decode/model.h"
#include "tracer/decode/tests/make_event.h"
#include "tracer/store/tests/gen.h"
#include "common/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <cmocka.h>

static const char g_maps[] =
	"00400000-00401000 r--p 00000000 08:01 77                                 /usr/bin/prog\n"
	"00401000-00402000 r-xp 00001000 08:01 77                                 /usr/bin/prog\n"
	"00500000-00521000 rw-p 00000000 00:00 0                                  [heap]\n"
	"7f0000000000-7f0000002000 rw-p 00000000 00:00 0 \n"
	"7ffc00000000-7ffc00021000 rw-p 00000000 00:00 0                          [stack]\n"
	"7ffc00100000-7ffc00102000 r-xp 00000000 00:00 0                          [vdso]\n";

/* Applies a call by `tid`. */
static void by(struct model *m, struct made *k, uint32_t tid)
{
	k->ev.tid = tid;
	assert_int_equal(model_event(m, &k->ev), 0);
}

static void call(struct model *m, uint32_t tid, unsigned int nr, int64_t ret, uint64_t a0,
	uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5)
{
	struct made k;

	make_call(&k, nr, ret, a0, a1, a2, a3, a4, a5);
	by(m, &k, tid);
}

static void open_at(struct model *m, uint32_t tid, int dirfd, const char *path, int flags, int fd)
{
	struct made k;

	make_call(&k, SYS_openat, fd, (uint32_t)dirfd, 0, flags, 0, 0, 0);
	make_str(&k, 1, path);
	by(m, &k, tid);
}

static void birth(struct model *m, uint32_t parent, uint32_t tid, uint64_t flags)
{
	struct made k;

	make_kind(&k, TK_TASK, tid);
	k.ev.arg[0] = parent;
	k.ev.arg[1] = flags;
	k.ev.ret = flags & CLONE_THREAD ? parent : tid;
	by(m, &k, tid);
}

static void exec(struct model *m, uint32_t tid, uint32_t former, const char *fds)
{
	struct made k;

	make_kind(&k, TK_EXEC, tid);
	k.ev.arg[0] = former;
	make_str(&k, TC_EXE, "/usr/bin/prog");
	make_str(&k, TC_CWD, "/home/u");
	make_cap(&k, TC_MAPS, 0, 0, g_maps, sizeof(g_maps) - 1);
	make_cap(&k, TC_ARGV, 0, 0, "prog\0-v", 8);
	if (fds)
		make_str(&k, TC_FDS, fds);
	by(m, &k, tid);
}

/* Task 100, executing /usr/bin/prog, with standard streams. */
static struct model *started(void)
{
	struct model *m = model_new();

	assert_non_null(m);
	birth(m, 0, 100, SIGCHLD);
	exec(m, 100, 100,
		"0 0100000 /dev/null\n1 01 pipe:[4711]\n2 02 socket:[1]\n"
		"9 02000002 anon_inode:[eventpoll]\n");
	return m;
}

static void assert_fd(struct model *m, uint32_t tid, int fd, const char *name)
{
	const char *got = model_fd_name(m, tid, fd);

	if (!name)
		assert_null(got);
	else if (!got)
		fail_msg("fd %d is not known", fd);
	else
		assert_string_equal(got, name);
}

static void listed_descriptors_are_there(void **state)
{
	struct model *m = started();

	assert_fd(m, 100, 0, "/dev/null");
	assert_fd(m, 100, 1, "/@pipe");
	assert_true(model_fd(m, 100, 1)->write_end);
	assert_fd(m, 100, 2, "/@socket");
	assert_fd(m, 100, 9, "/@eventpoll");
	assert_true(model_fd_cloexec(m, 100, 9));
	assert_false(model_fd_cloexec(m, 100, 0));
	assert_fd(m, 100, 3, NULL);
	assert_fd(m, 100, -1, NULL);
	assert_fd(m, 5, 0, NULL);
	model_free(m);
}

static void open_joins_paths(void **state)
{
	static const struct {
		const char *path, *name;
	} c[] = {{"/etc/passwd", "/etc/passwd"}, {"x", "/home/u/x"}, {"./a//b/../c", "/home/u/a/c"},
		{"../..", "/"}, {"../../../etc/", "/etc"}, {"/", "/"}, {".", "/home/u"}};
	struct model *m = started();
	unsigned int i;

	for (i = 0; i < ARRAY_LEN(c); i++) {
		open_at(m, 100, AT_FDCWD, c[i].path, O_RDONLY, 3);
		assert_fd(m, 100, 3, c[i].name);
	}
	open_at(m, 100, AT_FDCWD, "/usr/lib", O_DIRECTORY, 4);
	open_at(m, 100, 4, "python3/os.py", O_RDONLY | O_CLOEXEC, 5);
	assert_fd(m, 100, 5, "/usr/lib/python3/os.py");
	assert_int_equal(model_fd(m, 100, 5)->flags, O_RDONLY | O_CLOEXEC);
	open_at(m, 100, 77, "lost", O_RDONLY, 6);
	assert_fd(m, 100, 6, "?/lost");
	/* a failed one changes nothing */
	open_at(m, 100, AT_FDCWD, "/nowhere", O_RDONLY, -ENOENT);
	assert_fd(m, 100, 6, "?/lost");
	model_free(m);
}

static void directories_are_followed(void **state)
{
	struct model *m = started();
	struct made k;

	assert_string_equal(model_cwd(m, 100), "/home/u");
	make_call(&k, SYS_chdir, 0, 1, 0, 0, 0, 0, 0);
	make_str(&k, 0, "../v");
	by(m, &k, 100);
	assert_string_equal(model_cwd(m, 100), "/home/v");
	open_at(m, 100, AT_FDCWD, "/tmp", O_DIRECTORY, 3);
	call(m, 100, SYS_fchdir, 0, 3, 0, 0, 0, 0, 0);
	assert_string_equal(model_cwd(m, 100), "/tmp");
	/* a child has its own, a thread does not */
	birth(m, 100, 200, SIGCHLD);
	birth(m, 100, 101, CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_THREAD | CLONE_SIGHAND);
	make_call(&k, SYS_chdir, 0, 1, 0, 0, 0, 0, 0);
	make_str(&k, 0, "/var");
	by(m, &k, 101);
	assert_string_equal(model_cwd(m, 100), "/var");
	assert_string_equal(model_cwd(m, 200), "/tmp");
	make_call(&k, SYS_getcwd, 9, 1, 100, 0, 0, 0, 0);
	make_cap(&k, 0, 0, TC_OUT, "/private", 9);
	by(m, &k, 200);
	assert_string_equal(model_cwd(m, 200), "/private");
	model_free(m);
}

static void copies_share_the_open_file(void **state)
{
	struct model *m = started();
	uint32_t serial;

	open_at(m, 100, AT_FDCWD, "/a", O_CLOEXEC, 3);
	serial = model_fd(m, 100, 3)->serial;
	call(m, 100, SYS_dup, 4, 3, 0, 0, 0, 0, 0);
	call(m, 100, SYS_dup2, 1, 3, 1, 0, 0, 0, 0);
	call(m, 100, SYS_dup3, 5, 3, 5, O_CLOEXEC, 0, 0, 0);
	call(m, 100, SYS_fcntl, 20, 3, F_DUPFD, 20, 0, 0, 0);
	call(m, 100, SYS_fcntl, 21, 3, F_DUPFD_CLOEXEC, 20, 0, 0, 0);
	call(m, 100, SYS_close, 0, 3, 0, 0, 0, 0, 0);
	assert_fd(m, 100, 3, NULL);
	assert_int_equal(model_fd(m, 100, 4)->serial, serial);
	assert_int_equal(model_fd(m, 100, 1)->serial, serial);
	assert_int_equal(model_fd(m, 100, 5)->serial, serial);
	assert_false(model_fd_cloexec(m, 100, 4));
	assert_false(model_fd_cloexec(m, 100, 1));
	assert_true(model_fd_cloexec(m, 100, 5));
	assert_false(model_fd_cloexec(m, 100, 20));
	assert_true(model_fd_cloexec(m, 100, 21));
	call(m, 100, SYS_fcntl, 0, 20, F_SETFD, FD_CLOEXEC, 0, 0, 0);
	assert_true(model_fd_cloexec(m, 100, 20));
	call(m, 100, SYS_close, -EBADF, 4, 0, 0, 0, 0, 0);
	assert_fd(m, 100, 4, "/a");
	call(m, 100, SYS_close, -EINTR, 4, 0, 0, 0, 0, 0);
	assert_fd(m, 100, 4, NULL);
	model_free(m);
}

static void fork_copies_and_exec_closes(void **state)
{
	struct model *m = started();

	open_at(m, 100, AT_FDCWD, "/keep", 0, 3);
	open_at(m, 100, AT_FDCWD, "/gone", O_CLOEXEC, 4);
	birth(m, 100, 200, SIGCHLD);
	call(m, 200, SYS_close, 0, 3, 0, 0, 0, 0, 0);
	assert_fd(m, 200, 3, NULL);
	assert_fd(m, 100, 3, "/keep");
	call(m, 100, SYS_dup2, 7, 3, 7, 0, 0, 0, 0);
	assert_fd(m, 200, 7, NULL);
	exec(m, 200, 200, NULL);
	assert_fd(m, 200, 4, NULL);
	assert_fd(m, 200, 0, "/dev/null");
	assert_fd(m, 100, 4, "/gone");
	model_free(m);
}

static void clone_files_shares_until_exec(void **state)
{
	struct model *m = started();

	birth(m, 100, 200, CLONE_FILES | CLONE_VM | SIGCHLD);
	open_at(m, 200, AT_FDCWD, "/both", O_CLOEXEC, 3);
	assert_fd(m, 100, 3, "/both");
	exec(m, 200, 200, NULL);
	assert_fd(m, 200, 3, NULL);
	assert_fd(m, 100, 3, "/both");
	model_free(m);
}

static void close_range_closes_or_marks(void **state)
{
	struct model *m = started();
	int fd;

	for (fd = 10; fd < 60; fd++)
		open_at(m, 100, AT_FDCWD, "/f", 0, fd);
	call(m, 100, SYS_close_range, 0, 20, 29, 0, 0, 0, 0);
	call(m, 100, SYS_close_range, 0, 50, UINT32_MAX, 4, 0, 0, 0);
	for (fd = 10; fd < 60; fd++) {
		assert_fd(m, 100, fd, fd >= 20 && fd < 30 ? NULL : "/f");
		assert_int_equal(model_fd_cloexec(m, 100, fd), fd >= 50);
	}
	model_free(m);
}

static void pairs_know_each_other(void **state)
{
	struct model *m = started();
	int32_t fds[2] = {3, 4};
	struct made k;

	make_call(&k, SYS_pipe2, 0, 1, O_CLOEXEC, 0, 0, 0, 0);
	make_cap(&k, 0, 0, TC_OUT, fds, sizeof(fds));
	by(m, &k, 100);
	assert_fd(m, 100, 3, "/@pipe");
	assert_false(model_fd(m, 100, 3)->write_end);
	assert_true(model_fd(m, 100, 4)->write_end);
	assert_int_equal(model_fd(m, 100, 3)->peer, model_fd(m, 100, 4)->serial);
	assert_int_equal(model_fd(m, 100, 4)->peer, model_fd(m, 100, 3)->serial);
	assert_true(model_fd_cloexec(m, 100, 4));
	model_free(m);
}

static void sockets_are_named_by_address(void **state)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(8080)};
	struct model *m = started();
	struct made k;

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	call(m, 100, SYS_socket, 3, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0, 0, 0, 0);
	assert_fd(m, 100, 3, "/@inet");
	make_call(&k, SYS_connect, -EINPROGRESS, 3, 1, sizeof(in), 0, 0, 0);
	make_cap(&k, 1, 0, 0, &in, sizeof(in));
	by(m, &k, 100);
	assert_fd(m, 100, 3, "/@inet/127.0.0.1/8080");
	call(m, 100, SYS_socket, 4, AF_INET, SOCK_STREAM, 0, 0, 0, 0);
	make_call(&k, SYS_connect, -ECONNREFUSED, 4, 1, sizeof(in), 0, 0, 0);
	make_cap(&k, 1, 0, 0, &in, sizeof(in));
	by(m, &k, 100);
	assert_fd(m, 100, 4, "/@inet");
	call(m, 100, SYS_accept4, 5, 3, 0, 0, SOCK_CLOEXEC, 0, 0);
	assert_fd(m, 100, 5, "/@inet/127.0.0.1/8080");
	assert_true(model_fd_cloexec(m, 100, 5));
	assert_int_equal(model_fd(m, 100, 5)->domain, AF_INET);
	model_free(m);
}

static void sockaddr_names(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
		const char *name;
	} c[] = {{"", 0, "/@socket"}, {"\1\0", 2, "/@unix"}, {"\1\0/run/x", 9, "/@unix/run/x"},
		{"\1\0/run/x\0junk", 14, "/@unix/run/x"}, {"\1\0rel", 5, "/@unix/rel"},
		{"\1\0\0a/b\1", 7, "/@unix/@a_b_"},
		{"\2\0\0\65\177\0\0\65", 8, "/@inet/127.0.0.53/53"}, {"\2\0\0\65", 4, "/@socket"},
		{"\20\0xxxxxxxxxx", 12, "/@netlink"},
		{"\12\0\0\120\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 24, "/@inet6/::1/80"}};
	char text[200];
	unsigned int i;

	for (i = 0; i < ARRAY_LEN(c); i++) {
		model_sockaddr_name(c[i].bytes, c[i].size, text, sizeof(text));
		assert_string_equal(text, c[i].name);
	}
	/* never past the end */
	model_sockaddr_name("\1\0\0abcdefghijklmnopqrstuvwxyz", 29, text, 12);
	assert_int_equal(strlen(text), 11);
}

static void put_rights(struct made *k, unsigned int flags, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = {0};
	struct cmsghdr *h = (struct cmsghdr *)control;

	h->cmsg_len = CMSG_LEN(sizeof(int));
	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	memcpy(CMSG_DATA(h), &fd, sizeof(fd));
	make_cap(k, 1, 3, flags, control, sizeof(control));
}

static void descriptors_travel_through_socketpairs(void **state)
{
	struct model *m = started();
	int32_t fds[2] = {3, 4};
	struct made k;

	make_call(&k, SYS_socketpair, 0, AF_UNIX, SOCK_STREAM, 0, 1, 0, 0);
	make_cap(&k, 3, 0, TC_OUT, fds, sizeof(fds));
	by(m, &k, 100);
	birth(m, 100, 200, SIGCHLD);
	open_at(m, 100, AT_FDCWD, "/secret", 0, 8);
	make_call(&k, SYS_sendmsg, 1, 3, 1, 0, 0, 0, 0);
	put_rights(&k, 0, 8);
	by(m, &k, 100);
	call(m, 100, SYS_close, 0, 8, 0, 0, 0, 0, 0);
	make_call(&k, SYS_recvmsg, 1, 4, 1, MSG_CMSG_CLOEXEC, 0, 0, 0);
	put_rights(&k, TC_OUT, 11);
	by(m, &k, 200);
	assert_fd(m, 200, 11, "/secret");
	assert_true(model_fd_cloexec(m, 200, 11));
	/* nothing more was sent */
	make_call(&k, SYS_recvmsg, 1, 4, 1, 0, 0, 0, 0);
	put_rights(&k, TC_OUT, 12);
	by(m, &k, 200);
	assert_fd(m, 200, 12, "/@received");
	/* in flight when both ends go */
	make_call(&k, SYS_sendmsg, 1, 3, 1, 0, 0, 0, 0);
	put_rights(&k, 0, 4);
	by(m, &k, 100);
	for (int fd = 3; fd <= 4; fd++) {
		call(m, 100, SYS_close, 0, fd, 0, 0, 0, 0, 0);
		call(m, 200, SYS_close, 0, fd, 0, 0, 0, 0, 0);
	}
	model_free(m);
}

static void others_are_named(void **state)
{
	struct model *m = started();
	struct made k;

	call(m, 100, SYS_eventfd2, 3, 0, O_CLOEXEC, 0, 0, 0, 0);
	call(m, 100, SYS_epoll_create1, 4, 0, 0, 0, 0, 0, 0);
	call(m, 100, SYS_pidfd_open, 5, 1, 0, 0, 0, 0, 0);
	make_call(&k, SYS_memfd_create, 6, 1, 1, 0, 0, 0, 0);
	make_str(&k, 0, "buf");
	by(m, &k, 100);
	assert_fd(m, 100, 3, "/@eventfd");
	assert_fd(m, 100, 4, "/@epoll");
	assert_fd(m, 100, 5, "/@pidfd");
	assert_fd(m, 100, 6, "/@memfd/buf");
	assert_true(model_fd_cloexec(m, 100, 3));
	assert_false(model_fd_cloexec(m, 100, 4));
	assert_true(model_fd_cloexec(m, 100, 5));
	assert_true(model_fd_cloexec(m, 100, 6));
	model_free(m);
}

/* ---- memory ---- */

static void assert_addr(struct model *m, uint64_t addr, int kind, const char *name, uint64_t off)
{
	struct addr_info a;

	assert_int_equal(model_addr(m, 100, addr, &a), kind != ADDR_NONE);
	assert_int_equal(a.kind, kind);
	if (kind == ADDR_NONE)
		return;
	assert_string_equal(a.name, name);
	assert_int_equal(a.off, off);
	assert_true(addr < a.end);
}

static void maps_are_read(void **state)
{
	struct model *m = started();

	assert_addr(m, 0x401010, ADDR_FILE, "/usr/bin/prog", 0x1010);
	assert_addr(m, 0x500010, ADDR_HEAP, "[heap]", 0x10);
	assert_addr(m, 0x7f0000001000, ADDR_ANON, "[anon]", 0x1000);
	assert_addr(m, 0x7ffc00020ff0, ADDR_STACK, "[stack]", 0x10);
	assert_addr(m, 0x7ffbfffffff0, ADDR_STACK, "[stack]", 0x21010); /* it grows */
	assert_addr(m, 0x7ffc00100040, ADDR_VDSO, "[vdso]", 0x40);
	assert_addr(m, 0x402000, ADDR_NONE, "", 0);
	assert_addr(m, 0, ADDR_NONE, "", 0);
	assert_addr(m, UINT64_MAX, ADDR_NONE, "", 0);
	assert_int_equal(model_vmas(m, 100), 6);
	model_free(m);
}

static void mappings_come_and_go(void **state)
{
	struct model *m = started();
	struct addr_info a, b;

	open_at(m, 100, AT_FDCWD, "/lib/x.so", 0, 3);
	call(m, 100, SYS_mmap, 0x10000000, 0, 0x8000, PROT_READ, MAP_PRIVATE, 3, 0x2000);
	assert_addr(m, 0x10001234, ADDR_FILE, "/lib/x.so", 0x3234);
	/* over its middle, from another offset */
	call(m, 100, SYS_mmap, 0x10002000, 0x10002000, 0x1000, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_FIXED, 3, 0);
	assert_addr(m, 0x10002008, ADDR_FILE, "/lib/x.so", 8);
	assert_addr(m, 0x10003008, ADDR_FILE, "/lib/x.so", 0x5008);
	call(m, 100, SYS_munmap, 0, 0x10001000, 0x1000, 0, 0, 0, 0);
	assert_addr(m, 0x10001234, ADDR_NONE, "", 0);
	call(m, 100, SYS_mmap, 0x20000000, 0, 0x3000, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		0);
	call(m, 100, SYS_mprotect, 0, 0x20001000, 0x1000, PROT_NONE, 0, 0, 0);
	assert_true(model_addr(m, 100, 0x20000000, &a));
	assert_true(model_addr(m, 100, 0x20001fff, &b));
	assert_int_equal(a.birth, b.birth);
	assert_int_equal(b.off, 0x1fff);
	assert_int_equal(a.prot, PROT_READ);
	assert_int_equal(b.prot, PROT_NONE);
	model_free(m);
}

static void mremap_keeps_identity(void **state)
{
	struct model *m = started();
	struct addr_info a, b;
	size_t before;

	call(m, 100, SYS_mmap, 0x20000000, 0, 0x1000, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(model_addr(m, 100, 0x20000000, &a));
	before = model_vmas(m, 100);
	call(m, 100, SYS_mremap, 0x20000000, 0x20000000, 0x1000, 0x4000, MREMAP_MAYMOVE, 0, 0);
	assert_int_equal(model_vmas(m, 100), before);
	call(m, 100, SYS_mremap, 0x30000000, 0x20000000, 0x4000, 0x8000, MREMAP_MAYMOVE, 0, 0);
	assert_false(model_addr(m, 100, 0x20000000, &b));
	assert_true(model_addr(m, 100, 0x30000010, &b));
	assert_int_equal(a.birth, b.birth);
	assert_int_equal(b.off, 0x10);
	call(m, 100, SYS_mremap, 0x30000000, 0x30000000, 0x8000, 0x1000, 0, 0, 0);
	assert_false(model_addr(m, 100, 0x30001000, &b));
	model_free(m);
}

static void heap_follows_the_break(void **state)
{
	struct model *m = started();

	call(m, 100, SYS_brk, 0x521000, 0, 0, 0, 0, 0, 0);
	call(m, 100, SYS_brk, 0x543000, 0x543000, 0, 0, 0, 0, 0);
	assert_addr(m, 0x542fff, ADDR_HEAP, "[heap]", 0x42fff);
	assert_int_equal(model_vmas(m, 100), 7); /* rw-p of another birth: grown pieces join */
	call(m, 100, SYS_brk, 0x550000, 0x550000, 0, 0, 0, 0, 0);
	assert_int_equal(model_vmas(m, 100), 7);
	call(m, 100, SYS_brk, 0x530000, 0x530000, 0, 0, 0, 0, 0);
	assert_addr(m, 0x531000, ADDR_NONE, "", 0);
	assert_addr(m, 0x52ffff, ADDR_HEAP, "[heap]", 0x2ffff);
	model_free(m);
}

static void memory_is_copied_by_fork_and_shared_by_threads(void **state)
{
	struct model *m = started();
	struct addr_info a;

	birth(m, 100, 101, CLONE_VM | CLONE_FILES | CLONE_FS | CLONE_THREAD | CLONE_SIGHAND);
	birth(m, 100, 200, SIGCHLD);
	call(m, 101, SYS_munmap, 0, 0x400000, 0x1000, 0, 0, 0, 0);
	assert_false(model_addr(m, 100, 0x400000, &a));
	assert_true(model_addr(m, 200, 0x400000, &a));
	exec(m, 200, 200, NULL);
	assert_false(model_addr(m, 100, 0x400000, &a));
	model_free(m);
}

/* Many pieces: order, splits and removal agree with a page-by-page account. */
static void many_mappings_agree_with_a_plain_account(void **state)
{
	enum { PAGES = 2000 };
	static uint32_t page[PAGES];
	struct model *m = started();
	struct gen g = {.x = 1};
	uint64_t base = 0x600000000000;
	unsigned int i, k, births = 6;

	memset(page, 0, sizeof(page));
	for (i = 0; i < 3000; i++) {
		unsigned int at = gen_u64(&g) % PAGES, n = 1 + gen_u64(&g) % 8;
		bool map = gen_u64(&g) % 3;

		if (at + n > PAGES)
			continue;
		if (map)
			call(m, 100, SYS_mmap, base + at * 4096ull, 0, n * 4096, 3,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		else
			call(m, 100, SYS_munmap, 0, base + at * 4096ull, n * 4096, 0, 0, 0, 0);
		births += map;
		for (k = at; k < at + n; k++)
			page[k] = map ? births : 0;
	}
	for (k = 0; k < PAGES; k++) {
		struct addr_info a;

		assert_int_equal(model_addr(m, 100, base + k * 4096ull + 5, &a), page[k] != 0);
		assert_int_equal(a.birth, page[k]);
	}
	model_free(m);
}

/* ---- tasks ---- */

static void the_tree_is_kept(void **state)
{
	struct model *m = started();
	struct made k;
	const struct model_task *t;

	birth(m, 100, 101, CLONE_VM | CLONE_FILES | CLONE_FS | CLONE_THREAD | CLONE_SIGHAND);
	birth(m, 101, 200, SIGCHLD);
	t = model_task(m, 200);
	assert_int_equal(t->parent, 101);
	assert_int_equal(t->ord, 2);
	assert_int_equal(t->parent_ord, 1);
	assert_int_equal(t->tgid, 200);
	assert_string_equal(t->image, "/usr/bin/prog");
	assert_string_equal(t->comm, "prog");
	assert_int_equal(t->argv_size, 8);
	assert_memory_equal(t->argv, "prog\0-v", 8);
	assert_int_equal(model_task(m, 101)->tgid, 100);
	make_call(&k, SYS_prctl, 0, PR_SET_NAME, 1, 0, 0, 0, 0);
	make_str(&k, 1, "worker");
	by(m, &k, 101);
	assert_string_equal(model_task(m, 101)->comm, "worker");
	assert_string_equal(model_task(m, 100)->comm, "prog");
	make_kind(&k, TK_EXIT, 200);
	k.ev.nr = 1;
	k.ev.ret = 0x100;
	by(m, &k, 200);
	assert_true(model_task(m, 200)->exited);
	assert_int_equal(model_task(m, 200)->status, 0x100);
	assert_fd(m, 200, 0, NULL);
	/* its number used again */
	birth(m, 100, 200, SIGCHLD);
	assert_false(model_task(m, 200)->exited);
	assert_int_equal(model_task(m, 200)->ord, 3);
	assert_true(model_task_at(m, 2)->exited);
	assert_null(model_task_at(m, 4));
	model_free(m);
}

static void exec_by_a_thread_leaves_one(void **state)
{
	struct model *m = started();

	birth(m, 100, 101, CLONE_VM | CLONE_FS | CLONE_THREAD | CLONE_SIGHAND); /* own files */
	birth(m, 100, 102, CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_THREAD | CLONE_SIGHAND);
	open_at(m, 101, AT_FDCWD, "/mine", 0, 30);
	assert_fd(m, 100, 30, NULL);
	exec(m, 100, 101, NULL);
	assert_fd(m, 100, 30, "/mine");
	assert_true(model_task(m, 101)->exited);
	assert_true(model_task(m, 102)->exited);
	assert_false(model_task(m, 100)->exited);
	assert_int_equal(model_task(m, 100)->execs, 2);
	model_free(m);
}

/* ---- hostile ---- */

static void random_events_do_no_harm(void **state)
{
	static const uint16_t nrs[] = {SYS_open, SYS_openat, SYS_close, SYS_dup2, SYS_dup3,
		SYS_mmap, SYS_munmap, SYS_mremap, SYS_brk, SYS_mprotect, SYS_pipe2, SYS_socketpair,
		SYS_sendmsg, SYS_recvmsg, SYS_close_range, SYS_fcntl, SYS_chdir, SYS_fchdir,
		SYS_unshare, SYS_prctl, SYS_connect, SYS_accept, SYS_memfd_create, SYS_getcwd};
	struct gen g = {.x = 3};
	struct model *m = model_new();
	struct trace_event ev;
	unsigned int i;

	for (i = 0; i < 30000; i++) {
		uint64_t x = gen_u64(&g);
		struct addr_info a;

		gen_event(&g, &ev);
		ev.nr = nrs[x % ARRAY_LEN(nrs)];
		ev.seq = i;
		if (x >> 20 & 3)
			ev.flags = 0;
		if (x >> 22 & 1)
			ev.ret = x >> 24 & 15;
		if (x % 20 == 0) {
			ev.kind = x % 3 ? TK_TASK : x % 7 ? TK_EXIT : TK_EXEC;
			ev.tid = 100 + (x >> 30 & 7);
			ev.arg[0] = 100 + (x >> 40 & 7);
			ev.arg[1] = x >> 32;
		}
		assert_int_equal(model_event(m, &ev), 0);
		model_addr(m, ev.tid, ev.arg[0], &a);
		model_fd_name(m, ev.tid, (int)ev.arg[0]);
	}
	assert_non_null(model_task_at(m, 10));
	model_free(m);
	buf_fini(&g.payload);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(listed_descriptors_are_there),
		cmocka_unit_test(open_joins_paths),
		cmocka_unit_test(directories_are_followed),
		cmocka_unit_test(copies_share_the_open_file),
		cmocka_unit_test(fork_copies_and_exec_closes),
		cmocka_unit_test(clone_files_shares_until_exec),
		cmocka_unit_test(close_range_closes_or_marks),
		cmocka_unit_test(pairs_know_each_other),
		cmocka_unit_test(sockets_are_named_by_address),
		cmocka_unit_test(sockaddr_names),
		cmocka_unit_test(descriptors_travel_through_socketpairs),
		cmocka_unit_test(others_are_named),
		cmocka_unit_test(maps_are_read),
		cmocka_unit_test(mappings_come_and_go),
		cmocka_unit_test(mremap_keeps_identity),
		cmocka_unit_test(heap_follows_the_break),
		cmocka_unit_test(memory_is_copied_by_fork_and_shared_by_threads),
		cmocka_unit_test(many_mappings_agree_with_a_plain_account),
		cmocka_unit_test(the_tree_is_kept),
		cmocka_unit_test(exec_by_a_thread_leaves_one),
		cmocka_unit_test(random_events_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
