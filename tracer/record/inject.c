/*
 * Injection at work. Cheap tests come first: only when a rule's number, process and plain arguments
 * fit are strings read from the tracee or links and maps from /proc.
 */
#include "tracer/record/inject.h"
#include "tracer/record/inject_rule.h"

#include "tracer/record/image.h"
#include "tracer/record/mem.h"

#include "common/cleanup.h"
#include "common/procmaps.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* ---- does it fit? ---- */

/* Whether path is the name, or ends in it as its last part. */
static bool names(const char *name, const char *path)
{
	const char *slash;

	if (!path)
		return false;
	if (strchr(name, '/'))
		return !strcmp(name, path);
	slash = strrchr(path, '/');
	return !strcmp(name, slash ? slash + 1 : path);
}

static bool fits_process(const struct inject_rule *ru, const struct proc *p)
{
	if (ru->image && !names(ru->image, p->image))
		return false;
	return !ru->proc || ru->proc == p->birth;
}

static bool fits_string(const struct task *t, uint64_t addr, const char *want)
{
	CLEANUP(buf) struct buf s = {0};
	bool fault;

	return mem_read_str(t->tid, addr, 65536, &s, &fault) && !strcmp(buf_str(&s), want);
}

/* The link's text is free of symlinks; a name that came out of a trace may lead through some. */
static bool same_file(const char *a, const char *b)
{
	struct stat x, y;

	return !stat(a, &x) && !stat(b, &y) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static bool fits_fd(const struct task *t, uint64_t fd, const char *want)
{
	char path[64], to[4096];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)t->tid, (int)fd);
	n = readlink(path, to, sizeof(to) - 1);
	if (n < 0)
		return false;
	to[n] = 0;
	return !strcmp(to, want) || (want[0] == '/' && to[0] == '/' && same_file(path, want));
}

static bool fits_args(const struct inject_rule *ru, const struct task *t)
{
	const uint64_t *arg = t->cur.arg;

	for (unsigned int i = 0; i < 6; i++) {
		if (ru->arg[i].have_value && ru->arg[i].value != arg[i] &&
			/* a 32-bit argument written as a negative number */
			(ru->arg[i].value >> 32 != 0xffffffff ||
				(uint32_t)ru->arg[i].value != arg[i]))
			return false;
	}
	for (unsigned int i = 0; i < 6; i++) {
		if (ru->arg[i].str && !fits_string(t, arg[i], ru->arg[i].str))
			return false;
		if (ru->arg[i].fd && !fits_fd(t, arg[i], ru->arg[i].fd))
			return false;
	}
	return true;
}

static bool fits_site(const struct inject_rule *ru, const struct task *t)
{
	CLEANUP(buf) struct buf maps = {0};
	CLEANUP(fd) int fd = -1;
	struct map_line m;
	char path[32], *text;

	if (!ru->site)
		return true;
	snprintf(path, sizeof(path), "/proc/%d/maps", (int)t->tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || buf_read_fd(&maps, fd, 64u << 20) || !*buf_str(&maps))
		return false;
	text = (char *)maps.data;
	while (procmaps_next(&text, &m)) {
		if (t->cur.ip >= m.start && t->cur.ip < m.end)
			return t->cur.ip - m.start + m.off == ru->site_off &&
			       names(ru->site, m.path);
	}
	return false;
}

/* Counts a call that fits, and says whether its turn has come. */
static bool is_turn(const struct inject_rule *ru, struct proc *p)
{
	unsigned int hit = ++p->rule_hits[ru->index];

	return !ru->nth || ru->nth == hit;
}

void inject_enter(struct recorder *r, struct task *t)
{
	const struct inject *in = r->opt->inject;
	int rc;

	for (unsigned int i = 0; i < in->len; i++) {
		const struct inject_rule *ru = &in->rules[i];

		if (ru->nr != t->cur.nr || !fits_process(ru, t->proc) || !fits_args(ru, t) ||
			!fits_site(ru, t) || !is_turn(ru, t->proc) || t->cur.rule)
			continue;
		t->cur.rule = ru;
		r->rule_done[ru->index] = true;
		t->cur.flags |= TF_INJECTED;
		t->resume_sig = ru->signo;
		if (!ru->have_ret || ru->after)
			continue;
		rc = regs_skip_call(t->tid);
		if (rc)
			emit_note(r, t->tid, "inject: the call could not be skipped: %s",
				strerror(-rc));
	}
}

int64_t inject_leave(struct recorder *r, struct task *t, int64_t ret)
{
	const struct inject_rule *ru = t->cur.rule;
	int rc = 0;

	for (unsigned int i = 0; i < 6 && !rc; i++) {
		if (ru->arg[i].have_out)
			rc = mem_write(
				t->tid, t->cur.arg[i], ru->arg[i].out.data, ru->arg[i].out.len);
	}
	if (!rc && ru->have_ret) {
		rc = regs_set_ret(t->tid, ru->ret);
		ret = ru->ret;
	}
	if (rc)
		emit_note(r, t->tid, "inject: result or data could not be written: %s",
			strerror(-rc));
	return ret;
}

/* ---- bytes at exec ---- */

/* Where the image or its interpreter lies, less where its file says. */
static bool rule_base(const struct task *t, enum rule_base base, uint64_t *bias)
{
	struct exec_image im;
	bool found;

	*bias = 0;
	if (base == BASE_NONE)
		return true;
	found = !image_open(&im, t->tid, t->proc->image) && (base == BASE_EXE || im.interp.there);
	*bias = base == BASE_EXE ? im.exe.bias : im.interp.bias;
	image_close(&im);
	return found;
}

void inject_exec(struct recorder *r, struct task *t)
{
	const struct inject *in = r->opt->inject;

	for (unsigned int i = 0; i < inject_len(in); i++) {
		const struct inject_rule *ru = &in->rules[i];
		uint64_t bias;
		int rc = -ENXIO;

		if (!ru->exec || !names(ru->exec, t->proc->image) || !fits_process(ru, t->proc))
			continue;
		if (rule_base(t, ru->base, &bias))
			rc = mem_write(t->tid, bias + ru->at, ru->bytes.data, ru->bytes.len);
		if (rc)
			emit_note(r, t->tid,
				"inject: bytes at exec could not be written at %#lx: %s", ru->at,
				strerror(-rc));
		if (rc)
			continue;
		r->rule_done[i] = true;
		emit_note(r, t->tid, "inject: %zu bytes written at exec at %#lx", ru->bytes.len,
			bias + ru->at);
	}
}
