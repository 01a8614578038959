/* Events as text and JSON: what people know from strace, line by line. */
#include "tracer/decode/decode.h"
#include "tracer/decode/tests/make_event.h"
#include "tracer/store/tests/gen.h"
#include "abi/abi.h"
#include "common/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <cmocka.h>

static struct made k;

static void expect_with(const struct decode_opts *o, const char *line)
{
	CLEANUP(buf) struct buf out = {0};

	decode_event(&out, &k.ev, o);
	assert_string_equal(buf_str(&out), line);
}

static void expect(const char *line)
{
	expect_with(NULL, line);
}

#define CALL(nr, ret, ...) make_call_n(nr, ret, (const uint64_t[6]){__VA_ARGS__})

static void make_call_n(unsigned int nr, int64_t ret, const uint64_t a[6])
{
	make_call(&k, nr, ret, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* ---- calls ---- */

static void paths_and_flags(void **state)
{
	CALL(SYS_openat, 3, (uint32_t)AT_FDCWD, 0x1000, O_RDONLY | O_CLOEXEC);
	make_str(&k, 1, "/etc/passwd");
	expect("openat(AT_FDCWD, \"/etc/passwd\", O_RDONLY|O_CLOEXEC) = 3");
	CALL(SYS_openat, -ENOENT, 5, 0x1000, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	make_str(&k, 1, "x\ny\"\1");
	expect("openat(5, \"x\\ny\\\"\\1\", O_WRONLY|O_CREAT|O_TRUNC, 0644) = -1 ENOENT "
	       "(No such file or directory)");
	CALL(SYS_access, -EACCES, 0x1000, 6);
	make_str(&k, 0, "/root");
	expect("access(\"/root\", R_OK|W_OK) = -1 EACCES (Permission denied)");
	/* a path that could not be read */
	CALL(SYS_unlink, -EFAULT, 0x10);
	make_cut(&k, 0, 0, TC_FAULT, "", 0, 0);
	expect("unlink(0x10) = -1 EFAULT (Bad address)");
	CALL(SYS_unlink, -EFAULT, 0);
	expect("unlink(NULL) = -1 EFAULT (Bad address)");
}

static void addresses_and_memory(void **state)
{
	CALL(SYS_mmap, 0x7f0000000000, 0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		UINT64_MAX);
	expect("mmap(NULL, 8192, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = "
	       "0x7f0000000000");
	CALL(SYS_mmap, 0x7f0000000000, 0x5000, 8192, PROT_READ, MAP_SHARED, 3, 0x26000);
	expect("mmap(0x5000, 8192, PROT_READ, MAP_SHARED, 3, 0x26000) = 0x7f0000000000");
	CALL(SYS_mprotect, 0, 0x1000, 4096, PROT_NONE);
	expect("mprotect(0x1000, 4096, PROT_NONE) = 0");
	CALL(SYS_brk, 0x5000, 0);
	expect("brk(NULL) = 0x5000");
}

static void buffers(void **state)
{
	static const char text[] = "0123456789abcdefghijklmnopqrstuvwxyz";

	CALL(SYS_write, 36, 1, 0x1000, 36);
	make_cap(&k, 1, 0, 0, text, 36);
	expect("write(1, \"0123456789abcdefghijklmnopqrstuv\"..., 36) = 36");
	expect_with(&(struct decode_opts){.string_max = 100},
		"write(1, \"0123456789abcdefghijklmnopqrstuvwxyz\", 36) = 36");
	CALL(SYS_read, 5000, 0, 0x1000, 8192);
	make_cut(&k, 1, 0, TC_OUT,
		"\0\1"
		"17",
		4, 5000);
	expect("read(0, \"\\0\\00117\"..., 8192) = 5000");
	/* what was not captured is an address */
	CALL(SYS_read, -EAGAIN, 0, 0x1000, 8192);
	expect("read(0, 0x1000, 8192) = -1 EAGAIN (Resource temporarily unavailable)");
}

static void structs_in_short_and_whole(void **state)
{
	struct stat st = {.st_mode = S_IFREG | 0644, .st_size = 1234, .st_nlink = 1};
	struct timespec ts = {1, 500};
	struct rlimit lim = {8388608, RLIM_INFINITY};

	CALL(SYS_fstat, 0, 3, 0x1000);
	make_cap(&k, 1, 0, TC_OUT, &st, sizeof(st));
	expect("fstat(3, {st_mode=S_IFREG|0644, st_size=1234, ...}) = 0");
	expect_with(&(struct decode_opts){.verbose = true},
		"fstat(3, {st_dev=makedev(0, 0), st_ino=0, st_nlink=1, st_mode=S_IFREG|0644, "
		"st_uid=0, st_gid=0, st_rdev=makedev(0, 0), st_size=1234, st_blksize=0, "
		"st_blocks=0, st_atim={tv_sec=0, tv_nsec=0}, st_mtim={tv_sec=0, tv_nsec=0}, "
		"st_ctim={tv_sec=0, tv_nsec=0}}) = 0");
	CALL(SYS_nanosleep, 0, 0x1000, 0);
	make_cap(&k, 0, 0, 0, &ts, sizeof(ts));
	expect("nanosleep({tv_sec=1, tv_nsec=500}, NULL) = 0");
	CALL(SYS_prlimit64, 0, 0, RLIMIT_STACK, 0, 0x1000);
	make_cap(&k, 3, 0, TC_OUT, &lim, sizeof(lim));
	expect("prlimit64(0, RLIMIT_STACK, NULL, {rlim_cur=8388608, rlim_max=RLIM64_INFINITY}) = "
	       "0");
	/* cut: what is not there is not made up */
	CALL(SYS_nanosleep, 0, 0x1000, 0);
	make_cut(&k, 0, 0, 0, &ts, 8, 16);
	expect("nanosleep({tv_sec=1, ...}, NULL) = 0");
}

static void scalars_behind_pointers(void **state)
{
	int32_t fds[2] = {3, 4}, before = 128, after = 16, status = 0x100, killed = SIGKILL;
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(80)};

	CALL(SYS_pipe2, 0, 0x1000, O_CLOEXEC);
	make_cap(&k, 0, 0, TC_OUT, fds, sizeof(fds));
	expect("pipe2([3, 4], O_CLOEXEC) = 0");
	CALL(SYS_getpeername, 0, 3, 0x1000, 0x2000);
	make_cap(&k, 1, 0, TC_OUT, &in, sizeof(in));
	make_cap(&k, 2, 0, 0, &before, sizeof(before));
	make_cap(&k, 2, 0, TC_OUT, &after, sizeof(after));
	expect("getpeername(3, {sa_family=AF_INET, sin_port=htons(80), "
	       "sin_addr=inet_addr(\"0.0.0.0\")}, [128 => 16]) = 0");
	CALL(SYS_wait4, 77, UINT64_MAX, 0x1000, 0, 0);
	make_cap(&k, 1, 0, TC_OUT, &status, sizeof(status));
	expect("wait4(-1, [{WIFEXITED(s) && WEXITSTATUS(s) == 1}], 0, NULL) = 77");
	CALL(SYS_wait4, 77, 77, 0x1000, 1, 0);
	make_cap(&k, 1, 0, TC_OUT, &killed, sizeof(killed));
	expect("wait4(77, [{WIFSIGNALED(s) && WTERMSIG(s) == SIGKILL}], WNOHANG, NULL) = 77");
}

static void arrays(void **state)
{
	struct pollfd p[2] = {{.fd = 3, .events = POLLIN}, {.fd = 4, .events = POLLIN | POLLOUT}};

	CALL(SYS_poll, 0, 0x1000, 2, 100);
	make_cap(&k, 0, 0, 0, p, sizeof(p));
	make_cap(&k, 0, 0, TC_OUT, p, sizeof(p));
	expect("poll([{fd=3, events=POLLIN, revents=0}, {fd=4, events=POLLIN|POLLOUT, revents=0}], "
	       "2, 100) = 0 (Timeout)");
}

static void strings_of_exec(void **state)
{
	CALL(SYS_execve, 0, 0x1000, 0x2000, 0x3000);
	make_str(&k, 0, "/bin/ls");
	make_cut(&k, 1, 0, 0, "", 0, 16);
	make_cap(&k, 1, 1, 0, "ls", 2);
	make_cap(&k, 1, 2, 0, "-l", 2);
	make_cut(&k, 2, 0, 0, "", 0, 8);
	make_cap(&k, 2, 1, 0, "HOME=/", 6);
	expect("execve(\"/bin/ls\", [\"ls\", \"-l\"], 0x3000 /* 1 vars */) = 0");
	expect_with(&(struct decode_opts){.verbose = true},
		"execve(\"/bin/ls\", [\"ls\", \"-l\"], [\"HOME=/\"]) = 0");
}

static void sockets(void **state)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "/run/x"};
	uint8_t abstract[] = {1, 0, 0, 'a', 'b'};

	CALL(SYS_socket, 3, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 6);
	expect("socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_TCP) = 3");
	CALL(SYS_connect, -ECONNREFUSED, 3, 0x1000, 9);
	make_cap(&k, 1, 0, 0, &un, 9);
	expect("connect(3, {sa_family=AF_UNIX, sun_path=\"/run/x\"}, 9) = -1 ECONNREFUSED "
	       "(Connection refused)");
	CALL(SYS_bind, 0, 3, 0x1000, 5);
	make_cap(&k, 1, 0, 0, abstract, sizeof(abstract));
	expect("bind(3, {sa_family=AF_UNIX, sun_path=@\"ab\"}, 5) = 0");
}

static void vectors_and_messages(void **state)
{
	struct iovec iov[2] = {{(void *)0x5000, 2}, {(void *)0x6000, 3}};
	char control[CMSG_SPACE(8)] = {0};
	struct cmsghdr *c = (struct cmsghdr *)control;
	struct msghdr m = {.msg_iov = (void *)0x4000,
		.msg_iovlen = 1,
		.msg_control = (void *)0x3000,
		.msg_controllen = sizeof(control)};
	int32_t fds[2] = {5, 6};

	CALL(SYS_writev, 5, 1, 0x4000, 2);
	make_cap(&k, 1, 0, 0, iov, sizeof(iov));
	make_cap(&k, 1, 1, 0, "ab", 2);
	make_cap(&k, 1, 2, 0, "cde", 3);
	expect("writev(1, [{iov_base=\"ab\", iov_len=2}, {iov_base=\"cde\", iov_len=3}], 2) = 5");
	c->cmsg_len = CMSG_LEN(8);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	memcpy(CMSG_DATA(c), fds, sizeof(fds));
	CALL(SYS_sendmsg, 2, 3, 0x1000, 0);
	make_cap(&k, 1, 0, 0, &m, sizeof(m));
	make_cap(&k, 1, 2, 0, iov, sizeof(iov[0]));
	make_cap(&k, 1, 16, 0, "ab", 2);
	make_cap(&k, 1, 3, 0, control, sizeof(control));
	expect("sendmsg(3, {msg_name=NULL, msg_namelen=0, msg_iov=[{iov_base=\"ab\", iov_len=2}], "
	       "msg_iovlen=1, msg_control=[{cmsg_len=24, cmsg_level=SOL_SOCKET, "
	       "cmsg_type=SCM_RIGHTS, cmsg_data=[5, 6]}], msg_controllen=24, msg_flags=0}, 0) = 2");
}

static void sets_of_signals_and_descriptors(void **state)
{
	uint64_t some = 1 << (SIGINT - 1) | 1 << (SIGTERM - 1), all_but = ~(1ull << (SIGKILL - 1));
	uint8_t fds[8] = {1 << 3 | 1 << 5};
	struct timeval tv = {0, 0};

	CALL(SYS_rt_sigprocmask, 0, SIG_BLOCK, 0x1000, 0, 8);
	make_cap(&k, 1, 0, 0, &some, 8);
	expect("rt_sigprocmask(SIG_BLOCK, [INT TERM], NULL, 8) = 0");
	CALL(SYS_rt_sigprocmask, 0, SIG_SETMASK, 0x1000, 0, 8);
	make_cap(&k, 1, 0, 0, &all_but, 8);
	expect("rt_sigprocmask(SIG_SETMASK, ~[KILL], NULL, 8) = 0");
	CALL(SYS_select, 1, 6, 0x1000, 0, 0, 0x2000);
	make_cap(&k, 1, 0, 0, fds, 8);
	make_cap(&k, 1, 0, TC_OUT, fds, 8);
	make_cap(&k, 4, 0, 0, &tv, sizeof(tv));
	make_cap(&k, 4, 0, TC_OUT, &tv, sizeof(tv));
	expect("select(6, [3 5], NULL, NULL, {tv_sec=0, tv_usec=0}) = 1");
}

static void results(void **state)
{
	CALL(SYS_read, -512, 0, 0x1000, 1);
	expect("read(0, 0x1000, 1) = ? ERESTARTSYS (To be restarted if SA_RESTART is set)");
	CALL(SYS_exit_group, 0, 1);
	expect("exit_group(1) = ?");
	CALL(SYS_pause, 0, 0);
	k.ev.kind = TK_CALL_OPEN;
	expect("pause() = ?");
	CALL(SYS_getpid, 42, 0);
	k.ev.flags = TF_INJECTED;
	expect("getpid() = 42 (INJECTED)");
	CALL(SYS_close, 0, 3);
	expect_with(
		&(struct decode_opts){.align = 40}, "close(3)                                = 0");
}

static void unknown_calls_are_numbers(void **state)
{
	CALL(599, 7, 1, 2, 0, 0, 0, 0xffff);
	expect("syscall_0x257(0x1, 0x2, 0, 0, 0, 0xffff) = 7");
	CALL(5, 3, 0x1000, 0);
	k.ev.flags = TF_I386;
	expect("i386:open(0x1000, 0, 0, 0, 0, 0) = 3");
}

static void descriptors_with_names(void **state)
{
	struct model *m = model_new();
	struct decode_opts o = {.fd_names = true, .model = m};

	CALL(SYS_openat, 3, (uint32_t)AT_FDCWD, 0x1000, O_RDONLY);
	make_str(&k, 1, "/etc/passwd");
	assert_int_equal(model_event(m, &k.ev), 0);
	CALL(SYS_lseek, 0, 3, 0, SEEK_SET);
	expect_with(&o, "lseek(3</etc/passwd>, 0, SEEK_SET) = 0");
	CALL(SYS_lseek, -EBADF, 9, 0, SEEK_END);
	expect_with(&o, "lseek(9, 0, SEEK_END) = -1 EBADF (Bad file descriptor)");
	model_free(m);
}

/* Every call of the table with wild arguments and no captures: each prints and each has its name.
 */
static void every_call_prints(void **state)
{
	struct gen g = {.x = 9};
	char name[64];
	unsigned int nr, i, known = 0;

	for (nr = 0; nr < ABI_NR_MAX; nr++) {
		CLEANUP(buf) struct buf out = {0};

		CALL(nr, 0, 0);
		for (i = 0; i < 6; i++)
			k.ev.arg[i] = gen_u64(&g);
		decode_call(&out, &k.ev, NULL);
		known += abi_call(nr) != NULL;
		i = strlen(decode_call_name(&k.ev, name, sizeof(name)));
		assert_memory_equal(buf_str(&out), decode_call_name(&k.ev, name, sizeof(name)), i);
		assert_int_equal(out.data[i], '(');
		assert_non_null(strstr(buf_str(&out), ") = "));
	}
	assert_true(known > 350);
}

/* ---- everything else ---- */

static void signals(void **state)
{
	siginfo_t si = {.si_signo = SIGSEGV, .si_code = SEGV_MAPERR};

	si.si_addr = (void *)8;
	make_kind(&k, TK_SIGNAL, 1);
	k.ev.nr = SIGSEGV;
	make_cap(&k, TC_SIGINFO, 0, 0, &si, sizeof(si));
	expect("--- SIGSEGV {si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=0x8} ---");
	memset(&si, 0, sizeof(si));
	si.si_signo = SIGCHLD;
	si.si_code = CLD_EXITED;
	si.si_pid = 12;
	si.si_status = 3;
	make_kind(&k, TK_SIGNAL, 1);
	k.ev.nr = SIGCHLD;
	make_cap(&k, TC_SIGINFO, 0, 0, &si, sizeof(si));
	expect("--- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=12, si_uid=0, "
	       "si_status=3, si_utime=0, si_stime=0} ---");
	memset(&si, 0, sizeof(si));
	si.si_signo = SIGTERM;
	si.si_pid = 9;
	si.si_uid = 1000;
	make_kind(&k, TK_SIGNAL, 1);
	k.ev.nr = SIGTERM;
	make_cap(&k, TC_SIGINFO, 0, 0, &si, sizeof(si));
	expect("--- SIGTERM {si_signo=SIGTERM, si_code=SI_USER, si_pid=9, si_uid=1000} ---");
	make_kind(&k, TK_STOP, 1);
	k.ev.nr = SIGTSTP;
	expect("--- stopped by SIGTSTP ---");
	make_kind(&k, TK_CONT, 1);
	expect("--- continued ---");
}

static void ends(void **state)
{
	make_kind(&k, TK_EXIT, 1);
	k.ev.ret = 3 << 8;
	expect("+++ exited with 3 +++");
	k.ev.ret = SIGSEGV;
	expect("+++ killed by SIGSEGV +++");
	k.ev.ret = SIGABRT | 0x80;
	expect("+++ killed by SIGABRT (core dumped) +++");
}

static void births_and_evidence(void **state)
{
	make_kind(&k, TK_TASK, 5);
	k.ev.arg[0] = 4;
	k.ev.arg[1] = CLONE_THREAD;
	expect("=== new thread, made by 4");
	make_kind(&k, TK_EXEC, 5);
	make_str(&k, TC_EXE, "/bin/x");
	make_cap(&k, TC_ARGV, 0, 0, "x\0a b", 6);
	expect("=== exec \"/bin/x\" [\"x\", \"a b\"]");
	make_kind(&k, TK_PAGE, 5);
	k.ev.arg[0] = 0x4041a0;
	k.ev.arg[1] = 3680;
	k.ev.arg[2] = 0x31a0;
	make_str(&k, TC_EXE, "/bin/x");
	make_cap(&k, TC_BYTES, 0, 0, "\x7f\0\0", 3);
	make_cap(&k, TC_EXPECTED, 0, 0, "\x7f\x45\x4c", 3);
	expect("=== 0x4041a0 of 3680 bytes at 0x31a0 of \"/bin/x\" was not kept at exec: from "
	       "0x4041a1 "
	       "found 00 00, instead of 45 4c");
	make_kind(&k, TK_NOTE, 5);
	make_str(&k, TC_TEXT, "lost\nsome");
	expect("=== lost some");
	make_kind(&k, TK_VMA, 5);
	k.ev.arg[0] = 12;
	k.ev.arg[1] = 340;
	k.ev.arg[2] = 5600;
	expect("=== 12 VMAs, 340 KiB resident, 5600 KiB in all");
}

static void json_names_everything(void **state)
{
	CLEANUP(buf) struct buf out = {0};

	CALL(SYS_openat, -ENOENT, (uint32_t)AT_FDCWD, 0x1000, O_RDONLY);
	make_cap(&k, 1, 0, 0, "/x\xff", 3);
	k.ev.seq = 7;
	k.ev.enter_ns = 640;
	decode_json(&out, &k.ev, NULL);
	assert_string_equal(buf_str(&out),
		"{\"schema\":\"lockstep.event/"
		"1\",\"seq\":7,\"kind\":\"call\",\"tid\":100,\"t_ns\":640,"
		"\"dur_ns\":0,\"flags\":[],\"name\":\"openat\",\"nr\":257,\"args\":["
		"{\"name\":\"dfd\",\"kind\":\"dirfd\",\"value\":-100,\"text\":\"AT_FDCWD\"},"
		"{\"name\":\"filename\",\"kind\":\"path\",\"value\":\"0x1000\",\"data\":\"/"
		"x\\udcff\","
		"\"size\":3},"
		"{\"name\":\"flags\",\"kind\":\"flags\",\"value\":\"0x0\",\"text\":\"O_RDONLY\"}],"
		"\"ret\":-2,\"errno\":\"ENOENT\",\"meaning\":\"No such file or directory\"}\n");
}

/* ---- hostile ---- */

/* Braces and quotes of a JSON line balance, whatever the event. */
static void assert_balanced(const struct buf *b)
{
	int depth = 0;
	bool quoted = false;
	size_t i;

	for (i = 0; i + 1 < b->len; i++) {
		char c = b->data[i];

		assert_true((uint8_t)c >= ' ');
		if (c == '\\' && quoted)
			i++;
		else if (c == '"')
			quoted = !quoted;
		else if (!quoted)
			depth += c == '{' || c == '[' ? 1 : c == '}' || c == ']' ? -1 : 0;
		assert_true(depth > 0 || i + 2 == b->len);
	}
	assert_int_equal(depth, 0);
	assert_int_equal(b->data[b->len - 1], '\n');
}

static void random_events_print(void **state)
{
	struct model *m = model_new();
	struct decode_opts o = {.fd_names = true, .verbose = true, .model = m};
	struct gen g = {.x = 77};
	struct buf out = {0};
	struct trace_event ev;
	unsigned int i;

	for (i = 0; i < 20000; i++) {
		gen_event(&g, &ev);
		if (ev.kind == TK_CALL)
			ev.nr = gen_u64(&g) % 470;
		o.verbose = i & 1;
		buf_reset(&out);
		decode_event(&out, &ev, &o);
		assert_true(out.len > 0 && !memchr(out.data, '\n', out.len));
		buf_reset(&out);
		decode_json(&out, &ev, &o);
		assert_balanced(&out);
		model_event(m, &ev);
	}
	assert_false(out.failed);
	buf_fini(&out);
	buf_fini(&g.payload);
	model_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_and_flags),
		cmocka_unit_test(addresses_and_memory),
		cmocka_unit_test(buffers),
		cmocka_unit_test(structs_in_short_and_whole),
		cmocka_unit_test(scalars_behind_pointers),
		cmocka_unit_test(arrays),
		cmocka_unit_test(strings_of_exec),
		cmocka_unit_test(sockets),
		cmocka_unit_test(vectors_and_messages),
		cmocka_unit_test(sets_of_signals_and_descriptors),
		cmocka_unit_test(results),
		cmocka_unit_test(unknown_calls_are_numbers),
		cmocka_unit_test(descriptors_with_names),
		cmocka_unit_test(every_call_prints),
		cmocka_unit_test(signals),
		cmocka_unit_test(ends),
		cmocka_unit_test(births_and_evidence),
		cmocka_unit_test(json_names_everything),
		cmocka_unit_test(random_events_print),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
