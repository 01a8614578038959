/* See streams.h. */
#define XXH_INLINE_ALL
#include "tracer/targets/streams.h"

#include "common/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <xxhash.h>

#define CHUNK_SIZE 65536

/* One output: from the program's pipe to a file, or to our own descriptor. */
struct outlet {
	int theirs;    /* write end, or the descriptor handed on */
	bool borrowed; /* theirs is one of ours, not to be closed */
	int from;      /* read end; -1: not pumped, or ended */
	int to;	       /* -1: only counted */
	bool to_file;
	const char *path;
	uint64_t max;
	XXH3_state_t hash;
	struct stream_result r;
	int error;
	uint8_t chunk[CHUNK_SIZE]; /* read, not yet written to a slow reader of ours */
	size_t len, done;
};

struct streams {
	struct outlet out, err;
	int in_theirs;
	bool in_borrowed;
	int in_to;   /* write end of the program's stdin pipe, -1 */
	int in_from; /* the file */
	uint8_t chunk[CHUNK_SIZE];
	size_t len, done;
};

static int nonblock_pipe(int p[2], int ours)
{
	if (pipe2(p, O_CLOEXEC))
		return -errno;
	fcntl(p[ours], F_SETFL, O_NONBLOCK);
	return 0;
}

/* Terminals and pipes can be handed on: there is no offset to go wrong. */
static bool can_hand_on(int fd)
{
	struct stat st;

	return !fstat(fd, &st) &&
	       (S_ISCHR(st.st_mode) || S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode));
}

static int outlet_open(
	struct outlet *o, const char *path, int own, const struct streams_spec *spec, struct err *e)
{
	int p[2], rc;

	o->path = path;
	o->max = path ? spec->max_output : UINT64_MAX;
	o->from = o->to = o->theirs = -1;
	if (!path && !spec->pipes && can_hand_on(own)) {
		o->theirs = own;
		o->borrowed = true;
		return 0;
	}
	rc = nonblock_pipe(p, 0);
	if (rc)
		return err_set(e, -rc, "cannot make a pipe: %s", strerror(-rc));
	o->from = p[0];
	o->theirs = p[1];
	o->r.known = true;
	XXH3_64bits_reset(&o->hash);
	o->to_file = path != NULL;
	o->to = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)
		     : fcntl(own, F_DUPFD_CLOEXEC, 3);
	if (path && o->to < 0)
		return err_set(e, errno, "cannot write %s: %s", path, strerror(errno));
	return 0;
}

static int in_open(struct streams *s, const struct streams_spec *spec, struct err *e)
{
	int p[2], fd = STDIN_FILENO, rc;
	struct stat st;

	if (spec->stdin_path)
		fd = open(spec->stdin_path, O_RDONLY | O_CLOEXEC);
	else if (fcntl(fd, F_GETFD) < 0)
		fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_set(e, errno, "cannot read %s: %s", spec->stdin_path, strerror(errno));
	s->in_borrowed = fd == STDIN_FILENO;
	s->in_theirs = fd;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		return 0;
	rc = nonblock_pipe(p, 1);
	if (rc)
		return err_set(e, -rc, "cannot make a pipe: %s", strerror(-rc));
	s->in_from = fd;
	s->in_theirs = p[0];
	s->in_borrowed = false;
	s->in_to = p[1];
	return 0;
}

int streams_open(struct streams **out, const struct streams_spec *spec, struct err *e)
{
	/* XXH3's state wants more alignment than malloc gives */
	struct streams *s = aligned_alloc(_Alignof(struct streams), sizeof(*s));
	int rc;

	*out = s;
	if (!s)
		return err_set(e, ENOMEM, "out of memory");
	memset(s, 0, sizeof(*s));
	s->in_theirs = s->in_to = s->in_from = -1;
	s->out.from = s->out.to = s->out.theirs = -1;
	s->err.from = s->err.to = s->err.theirs = -1;
	rc = in_open(s, spec, e);
	if (!rc)
		rc = outlet_open(&s->out, spec->stdout_path, STDOUT_FILENO, spec, e);
	if (!rc)
		rc = outlet_open(&s->err, spec->stderr_path, STDERR_FILENO, spec, e);
	if (rc) {
		streams_free(s);
		*out = NULL;
	}
	return rc;
}

void streams_fds(const struct streams *s, int fds[3])
{
	fds[0] = s->in_theirs;
	fds[1] = s->out.theirs;
	fds[2] = s->err.theirs;
}

static void close_theirs(int *fd, bool borrowed)
{
	if (*fd >= 0 && !borrowed)
		close(*fd);
	*fd = -1;
}

void streams_started(struct streams *s)
{
	close_theirs(&s->in_theirs, s->in_borrowed);
	close_theirs(&s->out.theirs, s->out.borrowed);
	close_theirs(&s->err.theirs, s->err.borrowed);
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

unsigned int streams_poll(struct streams *s, struct pollfd *p)
{
	struct outlet *both[2] = {&s->out, &s->err};
	unsigned int i, n = 0;

	for (i = 0; i < 2; i++) {
		struct outlet *o = both[i];

		if (o->from < 0)
			continue;
		if (o->done < o->len)
			p[n++] = (struct pollfd){o->to, POLLOUT, 0};
		else
			p[n++] = (struct pollfd){o->from, POLLIN, 0};
	}
	if (s->in_to >= 0)
		p[n++] = (struct pollfd){s->in_to, POLLOUT, 0};
	return n;
}

/* Nobody reads our output any more: the program shall see that as it would without us. */
static void outlet_refused(struct outlet *o)
{
	if (o->to_file)
		o->error = errno;
	o->len = o->done = 0;
	close_fd(&o->to);
	if (!o->to_file)
		close_fd(&o->from);
}

/*
 * Writes what was read. Our own stdout may be a slow pipe, and is not ours to make non-blocking: it
 * is written to only after poll said so, and at most what a pipe takes at once.
 */
static bool outlet_write(struct outlet *o, bool wait)
{
	while (o->done < o->len) {
		struct pollfd p = {o->to, POLLOUT, 0};
		size_t n = o->len - o->done;
		ssize_t w;

		if (!o->to_file && !wait && poll(&p, 1, 0) == 0)
			return false;
		if (!o->to_file && n > PIPE_BUF)
			n = PIPE_BUF;
		w = write(o->to, o->chunk + o->done, n);
		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0 && errno == EAGAIN) { /* whoever gave it to us made it non-blocking */
			if (!wait)
				return false;
			poll(&p, 1, -1);
			continue;
		}
		if (w < 0) {
			outlet_refused(o);
			return true;
		}
		o->done += w;
	}
	return true;
}

/* Counts and hashes n fresh bytes of the chunk, and says how many of them are to be written. */
static size_t outlet_account(struct outlet *o, size_t n)
{
	uint64_t room = o->r.size < o->max ? o->max - o->r.size : 0;

	XXH3_64bits_update(&o->hash, o->chunk, n);
	o->r.size += n;
	if (n > room) {
		o->r.cut = true;
		n = room;
	}
	return o->to < 0 ? 0 : n;
}

static void outlet_pump(struct outlet *o, bool wait)
{
	unsigned int rounds = 0;

	while (o->from >= 0 && (wait || rounds++ < 16)) {
		ssize_t n;

		if (!outlet_write(o, wait) || o->from < 0)
			return;
		n = read(o->from, o->chunk, sizeof(o->chunk));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			close_fd(&o->from);
			return;
		}
		o->done = 0;
		o->len = outlet_account(o, n);
	}
}

static void in_pump(struct streams *s)
{
	while (s->in_to >= 0) {
		ssize_t n;

		if (s->done == s->len) {
			n = read(s->in_from, s->chunk, sizeof(s->chunk));
			s->done = 0;
			s->len = n > 0 ? n : 0;
			if (n <= 0) {
				close_fd(&s->in_to);
				return;
			}
		}
		n = write(s->in_to, s->chunk + s->done, s->len - s->done);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0 && errno != EINTR)
			close_fd(&s->in_to);
		if (n > 0)
			s->done += n;
	}
}

void streams_pump(struct streams *s)
{
	in_pump(s);
	outlet_pump(&s->out, false);
	outlet_pump(&s->err, false);
}

void streams_drain(struct streams *s)
{
	close_fd(&s->in_to);
	outlet_pump(&s->out, true);
	outlet_pump(&s->err, true);
	outlet_write(&s->out, true);
	outlet_write(&s->err, true);
}

static int outlet_finish(struct outlet *o, struct stream_result *r, struct err *e)
{
	if (o->r.known)
		o->r.hash = XXH3_64bits_digest(&o->hash);
	*r = o->r;
	if (o->to_file && o->to >= 0 && close(STEAL_FD(o->to)) && !o->error)
		o->error = errno;
	return o->error ? err_set(e, o->error,
				  "cannot write %s: %s; free some space or name "
				  "another folder",
				  o->path, strerror(o->error))
			: 0;
}

int streams_finish(
	struct streams *s, struct stream_result *out, struct stream_result *err, struct err *e)
{
	int rc = outlet_finish(&s->out, out, e), rc2 = outlet_finish(&s->err, err, rc ? NULL : e);

	return rc ? rc : rc2;
}

void streams_free(struct streams *s)
{
	if (!s)
		return;
	streams_started(s);
	close_fd(&s->in_to);
	close_fd(&s->in_from);
	close_fd(&s->out.from);
	close_fd(&s->out.to);
	close_fd(&s->err.from);
	close_fd(&s->err.to);
	free(s);
}
