/*
 * Redaction. A descriptor counts as hidden from an open of a hidden name until its number is closed
 * or given to something else; dup and fcntl(F_DUPFD) carry it on, a fork copies it, threads share
 * it. LIMIT: descriptors that are passed through sockets or inherited from before the trace are not
 * followed.
 */
#include "tracer/record/redact.h"

#include "tracer/store/trace.h"

#include "abi/abi.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#define HIDDEN_FD_MAX 65536u

struct redact {
	bool env, argv, data;
	char **globs;
	unsigned int nglobs;
};

struct redact *redact_new(void)
{
	return calloc(1, sizeof(struct redact));
}

void redact_free(struct redact *rd)
{
	if (!rd)
		return;
	for (unsigned int i = 0; i < rd->nglobs; i++)
		free(rd->globs[i]);
	free(rd->globs);
	free(rd);
}

bool redact_is_empty(const struct redact *rd)
{
	return !rd->env && !rd->argv && !rd->data && !rd->nglobs;
}

static int add_glob(struct redact *rd, const char *glob, struct err *e)
{
	char **globs;

	if (!*glob)
		return err_set(e, EINVAL, "--redact path: needs a pattern, as in path:/home/*");
	globs = reallocarray(rd->globs, rd->nglobs + 1, sizeof(*globs));
	if (!globs)
		return err_set(e, ENOMEM, "out of memory");
	rd->globs = globs;
	globs[rd->nglobs] = strdup(glob);
	if (!globs[rd->nglobs])
		return err_set(e, ENOMEM, "out of memory");
	rd->nglobs++;
	return 0;
}

int redact_add(struct redact *rd, const char *rule, struct err *e)
{
	if (!strcmp(rule, "env"))
		rd->env = true;
	else if (!strcmp(rule, "argv"))
		rd->argv = true;
	else if (!strcmp(rule, "data"))
		rd->data = true;
	else if (!strncmp(rule, "path:", 5))
		return add_glob(rd, rule + 5, e);
	else
		return err_set(e, EINVAL,
			"--redact %s: no such rule; there are env, argv, data and path:GLOB", rule);
	return 0;
}

bool redact_path(const struct redact *rd, const char *name, size_t len)
{
	char text[4097];

	if (!rd || !rd->nglobs)
		return false;
	if (len >= sizeof(text))
		len = sizeof(text) - 1;
	memcpy(text, name, len);
	text[len] = 0;
	for (unsigned int i = 0; i < rd->nglobs; i++) {
		if (!fnmatch(rd->globs[i], text, 0))
			return true;
	}
	return false;
}

bool redact_stack(const struct redact *rd)
{
	return rd && rd->data;
}

bool redact_stack_strings(const struct redact *rd)
{
	return rd && (rd->env || rd->argv || rd->nglobs);
}

/* Copies pieces that end in `sep` from text to out, with what is hidden replaced. */
static bool redact_pieces(
	const struct redact *rd, const struct buf *text, char sep, struct buf *out)
{
	const char *at = (const char *)text->data, *stop = at + text->len, *end;
	bool any = false;

	for (; at < stop; at = end + 1) {
		const char *path;

		end = memchr(at, sep, (size_t)(stop - at));
		if (!end)
			end = stop;
		path = memchr(at, '/', (size_t)(end - at));
		if (path && redact_path(rd, path, (size_t)(end - path))) {
			buf_add(out, at, (size_t)(path - at));
			buf_add_str(out, "[redacted]");
			any = true;
		} else {
			buf_add(out, at, (size_t)(end - at));
		}
		if (end < stop)
			buf_add_byte(out, (uint8_t)sep);
	}
	return any;
}

static bool redact_text(const struct redact *rd, struct buf *text, char sep)
{
	struct buf out = {0};
	bool any;

	if (!rd || !rd->nglobs || !text->len)
		return false;
	any = redact_pieces(rd, text, sep, &out);
	buf_fini(text);
	*text = out;
	return any;
}

bool redact_lines(const struct redact *rd, struct buf *text)
{
	return redact_text(rd, text, '\n');
}

bool redact_strings(const struct redact *rd, struct buf *text)
{
	return redact_text(rd, text, 0);
}

bool redact_env(const struct redact *rd)
{
	return rd && rd->env;
}

bool redact_argv(const struct redact *rd)
{
	return rd && rd->argv;
}

bool redact_vector(const struct redact *rd, struct task *t, unsigned int slot)
{
	unsigned int argv = t->cur.nr == SYS_execveat ? 2 : 1;
	bool hide = slot == argv ? redact_argv(rd) : redact_env(rd);

	if (hide)
		t->cur.flags |= TF_REDACTED;
	return hide;
}

static bool fd_hidden(const struct proc *p, uint64_t fd)
{
	return fd / 64 < p->hidden_words && (p->hidden_fds[fd / 64] >> (fd % 64) & 1);
}

static void fd_set_hidden(struct proc *p, uint64_t fd, bool hide)
{
	if (fd >= HIDDEN_FD_MAX)
		return;
	if (fd / 64 >= p->hidden_words) {
		unsigned int words = (unsigned int)(fd / 64 + 1);
		uint64_t *bits;

		if (!hide)
			return;
		bits = reallocarray(p->hidden_fds, words, sizeof(*bits));
		if (!bits)
			return;
		memset(bits + p->hidden_words, 0, (words - p->hidden_words) * sizeof(*bits));
		p->hidden_fds = bits;
		p->hidden_words = words;
	}
	if (hide)
		p->hidden_fds[fd / 64] |= 1ull << (fd % 64);
	else
		p->hidden_fds[fd / 64] &= ~(1ull << (fd % 64));
}

bool redact_data(const struct redact *rd, const struct task *t)
{
	if (!rd)
		return false;
	return rd->data || (t->proc->hidden_words && fd_hidden(t->proc, t->cur.arg[0]));
}

void redact_track(const struct redact *rd, struct task *t, int64_t ret)
{
	struct call *c = &t->cur;

	if (!rd || !rd->nglobs || ret < 0)
		return;
	switch (c->nr) {
	case SYS_open:
	case SYS_openat:
	case SYS_openat2:
	case SYS_creat:
		fd_set_hidden(t->proc, (uint64_t)ret, c->flags & TF_REDACTED);
		break;
	case SYS_close:
		fd_set_hidden(t->proc, c->arg[0], false);
		break;
	case SYS_fcntl:
		if (c->arg[1] != F_DUPFD && c->arg[1] != F_DUPFD_CLOEXEC)
			break;
		/* fall through */
	case SYS_dup:
	case SYS_dup2:
	case SYS_dup3:
		fd_set_hidden(t->proc, (uint64_t)ret, fd_hidden(t->proc, c->arg[0]));
		break;
	}
}
