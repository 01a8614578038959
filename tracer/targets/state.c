/* See state.h: the side that calls. state_init.c is PID 1 inside, state_mounts.c builds its root.
 */
#include "tracer/targets/state_impl.h"

#include "common/buf.h"
#include "common/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/resource.h>
#include <sys/wait.h>

struct state {
	pid_t pid;
	int sock;
	int inside, proc;
	struct state_layer *layers;
	size_t nlayers;
	struct words notes;
	bool ended;
	struct state_exit exit;
	struct rusage usage;
};

/* ---- messages ---- */

int state_send(int sock, const struct state_msg *m, int fd)
{
	struct iovec iov = {(void *)(uintptr_t)m, sizeof(*m)};
	union {
		struct cmsghdr h;
		char space[CMSG_SPACE(sizeof(int))];
	} u = {0};
	struct msghdr h = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t n;

	if (fd >= 0) {
		h.msg_control = &u;
		h.msg_controllen = sizeof(u.space);
		u.h = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)),
			.cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS};
		memcpy(CMSG_DATA(&u.h), &fd, sizeof(fd));
	}
	do {
		n = sendmsg(sock, &h, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

int state_recv(int sock, struct state_msg *m, int *fd)
{
	struct iovec iov = {m, sizeof(*m)};
	union {
		struct cmsghdr h;
		char space[CMSG_SPACE(sizeof(int))];
	} u = {0};
	struct msghdr h = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &u,
		.msg_controllen = sizeof(u.space)};
	struct cmsghdr *c;
	ssize_t n;

	*fd = -1;
	do {
		n = recvmsg(sock, &h, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	c = CMSG_FIRSTHDR(&h);
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
		memcpy(fd, CMSG_DATA(c), sizeof(*fd));
	if (n != (ssize_t)sizeof(*m)) {
		if (*fd >= 0)
			close(*fd);
		return -EPIPE;
	}
	m->a[sizeof(m->a) - 1] = 0;
	m->b[sizeof(m->b) - 1] = 0;
	return 0;
}

/* ---- birth ---- */

static int write_text(const char *path, const char *text)
{
	CLEANUP(fd) int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		return -errno;
	return 0;
}

/*
 * Inside, the user is root of its own namespace: emulators that run unprivileged (runsc --rootless)
 * show their programs uid 0, and a native run must show the same.
 */
static int write_maps(pid_t pid, struct err *e)
{
	char path[64], line[64];
	int rc;

	snprintf(path, sizeof(path), "/proc/%d/setgroups", pid);
	write_text(path, "deny");
	snprintf(path, sizeof(path), "/proc/%d/uid_map", pid);
	snprintf(line, sizeof(line), "0 %u 1\n", geteuid());
	rc = write_text(path, line);
	if (!rc) {
		snprintf(path, sizeof(path), "/proc/%d/gid_map", pid);
		snprintf(line, sizeof(line), "0 %u 1\n", getegid());
		rc = write_text(path, line);
	}
	return rc ? err_set(e, -rc, "cannot write %s: %s", path, strerror(-rc)) : 0;
}

static int clone_failed(int errnum, bool user_ns, struct err *e)
{
	return err_set(e, errnum,
		"cannot make %s for the disposable state: %s; run as root, allow user namespaces "
		"(`lockstep doctor` says how), or use --rw",
		user_ns ? "a user namespace" : "namespaces", strerror(errnum));
}

/* fork(2) into new namespaces. First as we are, then inside a user namespace of our own. */
static pid_t clone_init(struct state_ctx *c, int other, struct err *e)
{
	unsigned long flags =
		CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | SIGCHLD;
	pid_t pid = geteuid() ? -1 : (pid_t)syscall(SYS_clone, flags, 0, 0, 0, 0);

	if (pid < 0) {
		c->user_ns = true;
		pid = (pid_t)syscall(SYS_clone, flags | CLONE_NEWUSER, 0, 0, 0, 0);
	}
	if (pid < 0)
		return clone_failed(errno, c->user_ns, e);
	if (pid > 0)
		return pid;
	close(other);
	state_init_main(c);
}

static int keep_layer(struct state *s, const struct state_msg *m, int fd)
{
	struct state_layer *v = realloc(s->layers, (s->nlayers + 1) * sizeof(*v));

	if (!v)
		return -ENOMEM;
	s->layers = v;
	v += s->nlayers;
	*v = (struct state_layer){
		.path = strdup(m->a), .lower = m->b[0] ? strdup(m->b) : NULL, .upper = fd};
	s->nlayers++;
	return v->path ? 0 : -ENOMEM;
}

/* One message while the state is being made. 1: ready. */
static int set_up_one(struct state *s, const struct state_msg *m, int fd, struct err *e)
{
	switch (m->kind) {
	case SM_LAYER:
		return keep_layer(s, m, fd) ? err_set(e, ENOMEM, "out of memory") : 0;
	case SM_INSIDE:
		s->inside = fd;
		return 0;
	case SM_PROC:
		s->proc = fd;
		return 0;
	case SM_NOTE:
		words_add(&s->notes, m->a);
		return 0;
	case SM_READY:
		return 1;
	case SM_FAILED:
		return err_set(e, m->value ? m->value : EIO, "%s", m->a);
	default:
		return err_set(e, EPROTO, "the disposable state sent an unknown message");
	}
}

static int set_up(struct state *s, struct err *e)
{
	struct state_msg m = {.kind = SM_MAPPED};
	int fd, rc = state_send(s->sock, &m, -1);

	while (!rc) {
		rc = state_recv(s->sock, &m, &fd);
		if (rc)
			return err_set(e, -rc, "the disposable state died while it was being made");
		rc = set_up_one(s, &m, fd, e);
	}
	return rc < 0 ? rc : 0;
}

static int born(struct state *s, struct state_ctx *c, struct err *e)
{
	int pair[2], rc = 0;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return err_set(e, errno, "socketpair: %s", strerror(errno));
	c->sock = pair[1];
	s->sock = pair[0];
	s->pid = clone_init(c, pair[0], e);
	close(pair[1]);
	if (s->pid < 0)
		return s->pid;
	if (c->user_ns)
		rc = write_maps(s->pid, e);
	return rc ? rc : set_up(s, e);
}

int state_new(struct state **out, const struct state_spec *spec, struct err *e)
{
	struct state *s = calloc(1, sizeof(*s));
	struct state_ctx c = {.spec = spec, .inside = spec->inside ? spec->inside : STATE_DIR};
	int rc;

	*out = NULL;
	if (!s)
		return err_set(e, ENOMEM, "out of memory");
	s->sock = s->inside = s->proc = -1;
	rc = born(s, &c, e);
	if (rc) {
		state_free(s);
		return rc;
	}
	*out = s;
	return 0;
}

/* ---- life ---- */

int state_inside_fd(const struct state *s)
{
	return s->inside;
}

int state_proc_fd(const struct state *s)
{
	return s->proc;
}

pid_t state_pid(const struct state *s)
{
	return s->pid;
}

const struct state_layer *state_layers(const struct state *s, size_t *n)
{
	*n = s->nlayers;
	return s->layers;
}

const struct words *state_notes(const struct state *s)
{
	return &s->notes;
}

int state_event_fd(const struct state *s)
{
	return s->sock;
}

/* A command line may be longer than any message: it goes through a memory file. */
int state_run(struct state *s, char *const *argv, struct err *e)
{
	CLEANUP(buf) struct buf text = {0};
	CLEANUP(fd) int fd = memfd_create("argv", MFD_CLOEXEC);
	struct state_msg m = {.kind = SM_RUN};
	int rc;

	for (; *argv; argv++)
		buf_add(&text, *argv, strlen(*argv) + 1);
	rc = fd < 0 ? -errno : buf_write_fd(&text, fd);
	if (!rc)
		rc = state_send(s->sock, &m, fd);
	return rc ? err_set(e, -rc, "cannot hand the command to the disposable state: %s",
			    strerror(-rc))
		  : 0;
}

int state_collect(struct state *s, struct state_exit *exit)
{
	struct state_msg m;
	int fd;

	if (s->ended) {
		*exit = s->exit;
		return 1;
	}
	if (state_recv(s->sock, &m, &fd))
		return -ESRCH;
	if (fd >= 0)
		close(fd);
	if (m.kind == SM_NOTE)
		words_add(&s->notes, m.a);
	if (m.kind == SM_FAILED)
		return -m.value;
	if (m.kind != SM_ENDED)
		return 0;
	s->ended = true;
	s->exit = m.exit;
	*exit = m.exit;
	return 1;
}

void state_signal(struct state *s, int signo)
{
	struct state_msg m = {.kind = SM_SIGNAL, .value = signo};

	state_send(s->sock, &m, -1);
}

void state_kill(struct state *s)
{
	int status;

	if (s->pid <= 0)
		return;
	kill(s->pid, SIGKILL);
	while (wait4(s->pid, &status, 0, &s->usage) < 0 && errno == EINTR)
		;
	s->pid = -1;
}

const struct rusage *state_usage(const struct state *s)
{
	return &s->usage;
}

void state_free(struct state *s)
{
	size_t i;

	if (!s)
		return;
	state_kill(s);
	for (i = 0; i < s->nlayers; i++) {
		free(s->layers[i].path);
		free(s->layers[i].lower);
		if (s->layers[i].upper >= 0)
			close(s->layers[i].upper);
	}
	free(s->layers);
	words_fini(&s->notes);
	if (s->sock >= 0)
		close(s->sock);
	if (s->inside >= 0)
		close(s->inside);
	if (s->proc >= 0)
		close(s->proc);
	free(s);
}
