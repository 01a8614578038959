/* The process model: calls that make, copy, name and close descriptors. */
#include "tracer/decode/model_internal.h"
#include "common/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

/* fanotify, and the others whose close-on-exec flag has a value of its own */
#define FAN_CLOEXEC_BIT	  1u
#define MFD_CLOEXEC_BIT	  1u
#define MOUNT_CLOEXEC_BIT 1u /* fsopen, fsmount, fspick */
#define PERF_CLOEXEC_BIT  8u

static void done(struct model *m, int rc)
{
	m->failed |= rc != 0;
}

struct ofile *model_install(struct model *m, struct task *t, const struct trace_event *ev, int fd,
	const char *name, uint8_t type, bool cloexec)
{
	struct ofile *of;

	if (fd < 0)
		return NULL;
	of = ofile_new(&m->ofiles, name, type);
	if (!of) {
		m->failed = true;
		return NULL;
	}
	of->pub.born_seq = ev->seq;
	of->pub.born_tid = ev->tid;
	of->pub.born_fd = fd;
	if (files_set(&m->ofiles, t->files, fd, of, cloexec)) {
		m->failed = true;
		return NULL;
	}
	return of;
}

/* ---- files by path ---- */

static void on_open(struct model *m, struct task *t, const struct trace_event *ev)
{
	bool at = ev->nr == SYS_openat || ev->nr == SYS_openat2;
	uint64_t flags = ev->arg[at ? 2 : 1];
	const char *name = "?";
	struct trace_cap cap;
	struct ofile *of;

	if (ev->nr == SYS_creat)
		flags = O_CREAT | O_WRONLY | O_TRUNC;
	if (ev->nr == SYS_openat2) {
		flags = 0;
		if (trace_cap_find(ev, 2, 0, 0, &cap) && cap.size >= sizeof(flags))
			memcpy(&flags, cap.data, sizeof(flags));
	}
	if (trace_cap_find(ev, at ? 1 : 0, 0, 0, &cap)) {
		buf_reset(&m->scratch);
		model_path(m, ev->tid, at ? (int)ev->arg[0] : AT_FDCWD, (const char *)cap.data,
			strnlen((const char *)cap.data, cap.size), &m->scratch);
		name = model_intern(m, m->scratch.data, m->scratch.len);
	}
	of = model_install(m, t, ev, ev->ret, name, FD_FILE, flags & O_CLOEXEC);
	if (of)
		of->pub.flags = flags;
}

/* ---- copies ---- */

static void copy_fd(struct model *m, struct task *t, int from, int to, bool cloexec)
{
	struct fd_entry *e = files_find(t->files, from);

	if (from == to)
		return;
	if (!e) {
		done(m, files_close(&m->ofiles, t->files, to));
		return;
	}
	e->of->refs++;
	done(m, files_set(&m->ofiles, t->files, to, e->of, cloexec));
}

static void on_dup(struct model *m, struct task *t, const struct trace_event *ev)
{
	copy_fd(m, t, (int)ev->arg[0], (int)ev->ret, ev->nr == SYS_dup3 && ev->arg[2] & O_CLOEXEC);
}

static void on_fcntl(struct model *m, struct task *t, const struct trace_event *ev)
{
	switch ((int)ev->arg[1]) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		copy_fd(m, t, (int)ev->arg[0], (int)ev->ret, ev->arg[1] == F_DUPFD_CLOEXEC);
		break;
	case F_SETFD:
		done(m, files_set_cloexec(t->files, (int)ev->arg[0], ev->arg[2] & FD_CLOEXEC));
		break;
	}
}

static void on_ioctl(struct model *m, struct task *t, const struct trace_event *ev)
{
	if (ev->arg[1] == FIOCLEX || ev->arg[1] == FIONCLEX)
		done(m, files_set_cloexec(t->files, (int)ev->arg[0], ev->arg[1] == FIOCLEX));
}

static void on_close(struct model *m, struct task *t, const struct trace_event *ev)
{
	/* The descriptor is gone whatever close(2) answers, but for EBADF. */
	if (ev->ret != -EBADF)
		done(m, files_close(&m->ofiles, t->files, (int)ev->arg[0]));
}

static void on_close_range(struct model *m, struct task *t, const struct trace_event *ev)
{
	struct files *own;

	if (ev->arg[2] & CLOSE_RANGE_UNSHARE && t->files->refs > 1) {
		own = files_copy(t->files);
		m->failed |= !own;
		if (!own)
			return;
		files_put(&m->ofiles, t->files);
		t->files = own;
	}
	done(m, files_close_range(&m->ofiles, t->files, ev->arg[0], ev->arg[1],
			ev->arg[2] & CLOSE_RANGE_CLOEXEC));
}

/* ---- pairs ---- */

/* The two descriptors that a call wrote to what argument `slot` points to. */
static bool get_pair(const struct trace_event *ev, unsigned int slot, int32_t fd[2])
{
	struct trace_cap cap;

	if (!trace_cap_find(ev, slot, 0, TC_OUT, &cap) || cap.size < 2 * sizeof(*fd))
		return false;
	memcpy(fd, cap.data, 2 * sizeof(*fd));
	return fd[0] >= 0 && fd[1] >= 0 && fd[0] != fd[1];
}

static void on_pair(struct model *m, struct task *t, const struct trace_event *ev)
{
	bool pipe = ev->nr == SYS_pipe || ev->nr == SYS_pipe2;
	uint64_t flags = ev->nr == SYS_pipe ? 0 : ev->arg[1];
	bool cloexec = flags & (pipe ? (unsigned int)O_CLOEXEC : (unsigned int)SOCK_CLOEXEC);
	uint8_t type = pipe ? FD_PIPE : FD_SOCKET;
	const char *name = pipe ? "/@pipe" : "/@unix";
	struct ofile *a, *b;
	int32_t fd[2];

	if (!get_pair(ev, pipe ? 0 : 3, fd))
		return;
	a = model_install(m, t, ev, fd[0], name, type, cloexec);
	b = a ? model_install(m, t, ev, fd[1], name, type, cloexec) : NULL;
	if (!b)
		return;
	ofile_pair(a, b);
	b->pub.write_end = pipe;
	if (!pipe)
		a->pub.domain = b->pub.domain = (int)ev->arg[0];
}

/* ---- sockets ---- */

static const char *socket_name(int domain)
{
	switch (domain) {
	case AF_UNIX:
		return "/@unix";
	case AF_INET:
		return "/@inet";
	case AF_INET6:
		return "/@inet6";
	case AF_NETLINK:
		return "/@netlink";
	}
	return "/@socket";
}

static void on_socket(struct model *m, struct task *t, const struct trace_event *ev)
{
	struct ofile *of = model_install(m, t, ev, (int)ev->ret, socket_name((int)ev->arg[0]),
		FD_SOCKET, ev->arg[1] & SOCK_CLOEXEC);

	if (of)
		of->pub.domain = (int)ev->arg[0];
}

static void on_address(struct model *m, struct task *t, const struct trace_event *ev)
{
	struct fd_entry *e = files_find(t->files, (int)ev->arg[0]);
	struct trace_cap cap;
	char text[256];

	if (!e || !trace_cap_find(ev, 1, 0, 0, &cap))
		return;
	if (ret_is_error(ev->ret) && ev->ret != -EINPROGRESS && ev->ret != -EINTR)
		return;
	model_sockaddr_name(cap.data, cap.size, text, sizeof(text));
	e->of->pub.name = model_intern(m, text, strlen(text));
}

/* The peer's address is as good as random; the listener's is what the program chose. */
static void on_accept(struct model *m, struct task *t, const struct trace_event *ev)
{
	struct fd_entry *e = files_find(t->files, (int)ev->arg[0]);
	struct ofile *of;

	of = model_install(m, t, ev, (int)ev->ret, e ? e->of->pub.name : "/@socket", FD_SOCKET,
		ev->nr == SYS_accept4 && ev->arg[3] & SOCK_CLOEXEC);
	e = files_find(t->files, (int)ev->arg[0]);
	if (of && e)
		of->pub.domain = e->of->pub.domain;
}

/* ---- descriptors inside messages ---- */

typedef void (*rights_fn)(struct model *m, struct task *t, const struct trace_event *ev,
	struct ofile *socket, int fd);

static void send_fd(
	struct model *m, struct task *t, const struct trace_event *ev, struct ofile *socket, int fd)
{
	struct fd_entry *e = files_find(t->files, fd);

	if (e && socket)
		done(m, ofile_send(socket, e->of));
}

static void receive_fd(
	struct model *m, struct task *t, const struct trace_event *ev, struct ofile *socket, int fd)
{
	struct ofile *of = socket ? ofile_receive(socket) : NULL;
	bool cloexec = ev->arg[ev->nr == SYS_recvmsg ? 2 : 3] & MSG_CMSG_CLOEXEC;

	if (of)
		done(m, files_set(&m->ofiles, t->files, fd, of, cloexec));
	else
		model_install(m, t, ev, fd, "/@received", FD_UNKNOWN, cloexec);
}

static void each_right(struct model *m, struct task *t, const struct trace_event *ev,
	const struct trace_cap *control, rights_fn fn)
{
	const uint8_t *p = control->data, *end = p + control->size;
	struct fd_entry *e = files_find(t->files, (int)ev->arg[0]);
	/* Held: receiving may close the very socket by reusing its number in a made-up trace. */
	struct ofile *socket = e ? e->of : NULL;

	if (socket)
		socket->refs++;
	while ((size_t)(end - p) >= sizeof(struct cmsghdr)) {
		struct cmsghdr h;
		size_t i, size;
		int32_t fd;

		memcpy(&h, p, sizeof(h));
		if (h.cmsg_len < sizeof(h) || h.cmsg_len > (size_t)(end - p))
			break;
		for (i = sizeof(h); h.cmsg_level == SOL_SOCKET && h.cmsg_type == SCM_RIGHTS &&
				    i + sizeof(fd) <= h.cmsg_len;
			i += sizeof(fd)) {
			memcpy(&fd, p + i, sizeof(fd));
			fn(m, t, ev, socket, fd);
		}
		size = (h.cmsg_len + 7) & ~(size_t)7;
		p += size < (size_t)(end - p) ? size : (size_t)(end - p);
	}
	ofile_put(&m->ofiles, socket);
}

/* Part 3 of a message (and 1024 m + 3 of message m) is its control data. */
static void on_message(struct model *m, struct task *t, const struct trace_event *ev)
{
	bool sends = ev->nr == SYS_sendmsg || ev->nr == SYS_sendmmsg;
	struct trace_cap_iter it = trace_caps(ev);
	struct trace_cap cap;

	while (trace_cap_next(&it, &cap))
		if (cap.slot == 1 && cap.part % 1024 == 3 && sends == !(cap.flags & TC_OUT))
			each_right(m, t, ev, &cap, sends ? send_fd : receive_fd);
}

/* ---- everything else that returns a descriptor ---- */

static void on_memfd(struct model *m, struct task *t, const struct trace_event *ev)
{
	struct trace_cap cap;

	buf_reset(&m->scratch);
	buf_add_str(&m->scratch, "/@memfd/");
	if (trace_cap_find(ev, 0, 0, 0, &cap))
		buf_add(&m->scratch, cap.data, strnlen((const char *)cap.data, cap.size));
	model_install(m, t, ev, (int)ev->ret, model_intern(m, m->scratch.data, m->scratch.len),
		FD_OTHER, ev->arg[1] & MFD_CLOEXEC_BIT);
}

struct maker {
	uint16_t nr;
	uint8_t flags_arg; /* 6: always closes on exec; 7: never */
	uint32_t cloexec_flag;
	const char *name;
};

static const struct maker g_makers[] = {
	{SYS_eventfd, 7, 0, "/@eventfd"},
	{SYS_eventfd2, 1, O_CLOEXEC, "/@eventfd"},
	{SYS_epoll_create, 7, 0, "/@epoll"},
	{SYS_epoll_create1, 0, O_CLOEXEC, "/@epoll"},
	{SYS_timerfd_create, 1, O_CLOEXEC, "/@timerfd"},
	{SYS_signalfd, 7, 0, "/@signalfd"},
	{SYS_signalfd4, 3, O_CLOEXEC, "/@signalfd"},
	{SYS_inotify_init, 7, 0, "/@inotify"},
	{SYS_inotify_init1, 0, O_CLOEXEC, "/@inotify"},
	{SYS_fanotify_init, 0, FAN_CLOEXEC_BIT, "/@fanotify"},
	{SYS_userfaultfd, 0, O_CLOEXEC, "/@userfaultfd"},
	{SYS_perf_event_open, 4, PERF_CLOEXEC_BIT, "/@perf"},
	{SYS_pidfd_open, 6, 0, "/@pidfd"},
	{SYS_pidfd_getfd, 6, 0, "/@received"},
	{SYS_open_tree, 2, O_CLOEXEC, "/@tree"},
	{SYS_fsopen, 1, MOUNT_CLOEXEC_BIT, "/@fsopen"},
	{SYS_fsmount, 1, MOUNT_CLOEXEC_BIT, "/@fsmount"},
	{SYS_fspick, 2, MOUNT_CLOEXEC_BIT, "/@fspick"},
	{SYS_mq_open, 6, 0, "/@mqueue"},
	{SYS_open_by_handle_at, 2, O_CLOEXEC, "/@handle"},
	{SYS_io_uring_setup, 6, 0, "/@io_uring"},
};

static void on_maker(struct model *m, struct task *t, const struct trace_event *ev)
{
	const struct maker *k;
	bool cloexec;

	for (k = g_makers; k < g_makers + ARRAY_LEN(g_makers); k++) {
		if (k->nr != ev->nr)
			continue;
		cloexec = k->flags_arg < 6 ? ev->arg[k->flags_arg] & k->cloexec_flag
					   : k->flags_arg == 6;
		/* signalfd(2) on a descriptor that is one already changes its mask */
		if ((ev->nr == SYS_signalfd || ev->nr == SYS_signalfd4) && (int)ev->arg[0] >= 0)
			return;
		model_install(m, t, ev, (int)ev->ret, k->name, FD_OTHER, cloexec);
		return;
	}
}

/* bpf(2) makes descriptors with some commands: Linux v6.18 kernel/bpf/syscall.c:__sys_bpf(). */
static void on_bpf(struct model *m, struct task *t, const struct trace_event *ev)
{
	static const uint64_t makes = 1ull << 0 | 1ull << 5 | 1ull << 7 | 1ull << 13 | 1ull << 14 |
				      1ull << 17 | 1ull << 18 | 1ull << 19 | 1ull << 28 |
				      1ull << 30 | 1ull << 32 | 1ull << 33 | 1ull << 36;

	if (ev->arg[0] < 64 && makes >> ev->arg[0] & 1)
		model_install(m, t, ev, (int)ev->ret, "/@bpf", FD_OTHER, true);
}

void model_fd_call(struct model *m, struct task *t, const struct trace_event *ev)
{
	switch (ev->nr) {
	case SYS_open:
	case SYS_creat:
	case SYS_openat:
	case SYS_openat2:
		on_open(m, t, ev);
		break;
	case SYS_close:
		on_close(m, t, ev);
		break;
	case SYS_close_range:
		on_close_range(m, t, ev);
		break;
	case SYS_dup:
	case SYS_dup2:
	case SYS_dup3:
		on_dup(m, t, ev);
		break;
	case SYS_fcntl:
		on_fcntl(m, t, ev);
		break;
	case SYS_ioctl:
		on_ioctl(m, t, ev);
		break;
	case SYS_pipe:
	case SYS_pipe2:
	case SYS_socketpair:
		on_pair(m, t, ev);
		break;
	case SYS_socket:
		on_socket(m, t, ev);
		break;
	case SYS_bind:
	case SYS_connect:
		on_address(m, t, ev);
		break;
	case SYS_accept:
	case SYS_accept4:
		on_accept(m, t, ev);
		break;
	case SYS_sendmsg:
	case SYS_recvmsg:
	case SYS_sendmmsg:
	case SYS_recvmmsg:
		on_message(m, t, ev);
		break;
	case SYS_memfd_create:
		on_memfd(m, t, ev);
		break;
	case SYS_bpf:
		on_bpf(m, t, ev);
		break;
	default:
		on_maker(m, t, ev);
	}
}
