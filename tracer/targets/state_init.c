/*
 * PID 1 of the disposable state: sets it up, starts the command, reaps, reports how it ended, and
 * takes everything down with it. It is a fork of lockstep that never executes anything itself, so
 * it may use all of its memory; it only ever ends by _exit.
 */
#include "tracer/targets/state_impl.h"

#include "common/buf.h"
#include "common/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

void state_note(struct state_ctx *c, const char *fmt, ...)
{
	struct state_msg m = {.kind = SM_NOTE};
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(m.a, sizeof(m.a), fmt, ap);
	va_end(ap);
	state_send(c->sock, &m, -1);
}

static _Noreturn void give_up(struct state_ctx *c, int rc, const char *why)
{
	struct state_msg m = {.kind = SM_FAILED, .value = -rc};

	snprintf(m.a, sizeof(m.a), "%s", why);
	state_send(c->sock, &m, -1);
	_exit(1);
}

/* Programs that talk to themselves over 127.0.0.1 do so natively too. */
static void loopback_up(struct state_ctx *c)
{
	struct ifreq ifr = {.ifr_name = "lo"};
	CLEANUP(fd) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	ifr.ifr_flags = IFF_UP | IFF_RUNNING | IFF_LOOPBACK;
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &ifr))
		state_note(c, "the loopback interface is down inside: %s", strerror(errno));
}

static void bound(struct state_ctx *c, int what, uint64_t value, const char *name)
{
	struct rlimit r = {value, value};

	if (value && setrlimit(what, &r))
		state_note(c, "%s could not be limited: %s", name, strerror(errno));
}

/* The first n of the CPUs that we may run on. */
static void pin(struct state_ctx *c, unsigned int n)
{
	cpu_set_t have, want;
	int cpu;

	CPU_ZERO(&want);
	if (!n || sched_getaffinity(0, sizeof(have), &have))
		return;
	for (cpu = 0; cpu < CPU_SETSIZE && n; cpu++) {
		if (!CPU_ISSET(cpu, &have))
			continue;
		CPU_SET(cpu, &want);
		n--;
	}
	if (sched_setaffinity(0, sizeof(want), &want))
		state_note(c, "the CPUs could not be limited: %s", strerror(errno));
}

static void reset_signals(void)
{
	struct sigaction dfl = {.sa_handler = SIG_DFL};
	sigset_t none;
	int s;

	for (s = 1; s < NSIG; s++)
		sigaction(s, &dfl, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* The standard streams get their numbers without overwriting one another on the way. */
static void place_streams(const int fds[3])
{
	int high[3], i;

	for (i = 0; i < 3; i++)
		high[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 10);
	for (i = 0; i < 3; i++)
		dup2(high[i], i);
}

/* A crash leaves no file beside the program's own. */
static void no_core(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_CORE, &r))
		return;
	r.rlim_cur = 0;
	setrlimit(RLIMIT_CORE, &r);
}

/* In the child: becomes the command, or writes the errno to `report` and exits. */
static _Noreturn void exec_command(struct state_ctx *c, char **argv, int report)
{
	int err;

	place_streams(c->spec->fds);
	reset_signals();
	no_core();
	if (c->spec->new_session)
		setsid();
	report = fcntl(report, F_DUPFD_CLOEXEC, 20);
	syscall(SYS_close_range, 3, report - 1, 0);
	syscall(SYS_close_range, report + 1, ~0U, 0);
	clearenv();
	environ = c->spec->env->v;
	execvpe(argv[0], argv, environ);
	err = errno;
	if (write(report, &err, sizeof(err)) < 0)
		_exit(126);
	_exit(err == ENOENT ? 127 : 126);
}

/* Starts the command. *exec_errno is 0 once it was executed. Its pid, or negative errno. */
static pid_t start_command(struct state_ctx *c, char **argv, int *exec_errno)
{
	int p[2];
	pid_t pid;
	ssize_t n;

	if (pipe2(p, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (pid == 0)
		exec_command(c, argv, p[1]);
	close(p[1]);
	*exec_errno = 0;
	do {
		n = read(p[0], exec_errno, sizeof(*exec_errno));
	} while (n < 0 && errno == EINTR);
	close(p[0]);
	return pid < 0 ? -EAGAIN : pid;
}

/* The words of the command stand NUL-separated in a memory file. NULL when memory ran out. */
static char **argv_read(int fd)
{
	struct buf text = {0};
	char **argv = NULL, *p, *end;
	size_t n = 0;

	if (fd < 0 || lseek(fd, 0, SEEK_SET) < 0 || buf_read_fd(&text, fd, SIZE_MAX / 4))
		return NULL;
	end = (char *)text.data + text.len;
	for (p = (char *)text.data; p < end; p += strlen(p) + 1)
		n++;
	argv = calloc(n + 1, sizeof(*argv));
	n = 0;
	for (p = (char *)text.data; argv && p < end; p += strlen(p) + 1)
		argv[n++] = p;
	return argv; /* both live until the end of this process */
}

/* Reaps everybody; when `pid` was among them, says so to the caller. */
static bool reap(struct state_ctx *c, pid_t pid, struct state_exit *x)
{
	struct rusage ru;
	bool ended = false;
	int status;
	pid_t p;

	while ((p = wait4(-1, &status, WNOHANG, &ru)) > 0) {
		struct state_msg m = {.kind = SM_ENDED};

		if (p != pid)
			continue;
		ended = true;
		x->status = status;
		x->rusage = ru;
		m.exit = *x;
		state_send(c->sock, &m, -1);
	}
	return ended;
}

static int by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* Lets go of everything that was the caller's: an end of a pipe held here would never be closed. */
static void close_others(const struct state_ctx *c)
{
	int keep[] = {2, c->sock, c->spec->fds[0], c->spec->fds[1], c->spec->fds[2]};
	size_t i, n = ARRAY_LEN(keep);

	qsort(keep, n, sizeof(*keep), by_number);
	for (i = 0; i + 1 < n; i++)
		if (keep[i] >= 2 && keep[i + 1] > keep[i] + 1)
			syscall(SYS_close_range, keep[i] + 1, keep[i + 1] - 1, 0);
	syscall(SYS_close_range, (keep[n - 1] < 2 ? 2 : keep[n - 1]) + 1, ~0U, 0);
}

/* The command has its own by now. */
static void close_streams(const struct state_ctx *c)
{
	int i;

	for (i = 0; i < 3; i++)
		if (c->spec->fds[i] > 2)
			close(c->spec->fds[i]);
}

/* Waits for orders and for children; the end of the socket is the end of everything. */
static _Noreturn void serve(struct state_ctx *c, int sfd)
{
	struct pollfd p[2] = {{c->sock, POLLIN, 0}, {sfd, POLLIN, 0}};
	struct state_exit x = {0};
	struct state_msg m;
	pid_t pid = -1;
	int fd;

	for (;;) {
		struct signalfd_siginfo si;

		if (poll(p, 2, -1) < 0 && errno != EINTR)
			_exit(1);
		if ((p[1].revents & POLLIN) && read(sfd, &si, sizeof(si)) > 0 && reap(c, pid, &x))
			pid = -1;
		if (!(p[0].revents & (POLLIN | POLLHUP)))
			continue;
		if (state_recv(c->sock, &m, &fd))
			_exit(0);
		if (m.kind == SM_SIGNAL && pid > 0)
			kill(pid, m.value);
		if (m.kind == SM_RUN) {
			char **argv = argv_read(fd);

			pid = argv ? start_command(c, argv, &x.exec_errno) : -ENOMEM;
			if (pid < 0)
				give_up(c, (int)pid, "the command could not be forked");
			x.started = !x.exec_errno;
			close_streams(c);
		}
	}
}

/*
 * PID 1 is a copy of lockstep: its command line and environment, which the program could read in
 * /proc/1, are the host's. Nothing here uses either. Fields 48 to 51 of /proc/PID/stat, proc(5).
 */
static void hide_words(void)
{
	CLEANUP(buf) struct buf text = {0};
	CLEANUP(fd) int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
	unsigned long at[4] = {0};
	const char *p;
	int i;

	if (fd < 0 || buf_read_fd(&text, fd, 65536))
		return;
	p = strrchr(buf_str(&text), ')');
	for (i = 2; p && i < 48; i++)
		p = strchr(p + 1, ' ');
	if (!p || sscanf(p, "%lu %lu %lu %lu", &at[0], &at[1], &at[2], &at[3]) != 4)
		return;
	clearenv();
	for (i = 0; i < 4; i += 2)
		if (at[i] && at[i] < at[i + 1])
			memset((char *)at[i], 0, at[i + 1] - at[i]);
}

static void enter_cwd(struct state_ctx *c)
{
	char path[PATH_MAX];
	struct err e;

	snprintf(path, sizeof(path), "%s%s", c->spec->beside ? STATE_ROOTFS : "", c->spec->cwd);
	if (!chdir(path))
		return;
	err_set(&e, errno, "cannot enter the working folder %s inside: %s", c->spec->cwd,
		strerror(errno));
	give_up(c, -errno, e.text);
}

_Noreturn void state_init_main(struct state_ctx *c)
{
	struct state_msg m;
	struct err e = {{0}};
	sigset_t chld;
	int fd, rc;

	/* The caller may have died before this line: its end of the socket tells. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "lockstep-init");
	close_others(c);
	if (state_recv(c->sock, &m, &fd) || m.kind != SM_MAPPED)
		_exit(1);
	if (sethostname(STATE_HOST_NAME, strlen(STATE_HOST_NAME)))
		state_note(c, "the host name is the host's: %s", strerror(errno));
	loopback_up(c);
	pin(c, c->spec->cpus);
	hide_words();
	umask(0);
	rc = state_mount_all(c, &e);
	if (rc)
		give_up(c, rc, e.text);
	umask(022);
	enter_cwd(c);
	bound(c, RLIMIT_DATA, c->spec->data_limit, "memory");
	bound(c, RLIMIT_NPROC, c->spec->nproc_limit, "the number of processes");
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_SETMASK, &chld, NULL);
	fd = signalfd(-1, &chld, SFD_CLOEXEC | SFD_NONBLOCK);
	m = (struct state_msg){.kind = SM_READY};
	if (fd < 0 || state_send(c->sock, &m, -1))
		_exit(1);
	serve(c, fd);
}
