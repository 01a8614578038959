#include "common/cleanup.h"
#include "tracer/record/task.h"

#include "tracer/record/seccomp.h"

#include <stdio.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

static struct task **bucket_of(struct task_table *tt, pid_t tid)
{
	return &tt->bucket[(unsigned int)tid % TASK_BUCKETS];
}

struct task *task_find(const struct task_table *tt, pid_t tid)
{
	struct task *t = tt->bucket[(unsigned int)tid % TASK_BUCKETS];

	while (t && t->tid != tid)
		t = t->next;
	return t;
}

struct task *task_new(struct task_table *tt, pid_t tid)
{
	struct task **head = bucket_of(tt, tid);
	struct task *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->tid = tid;
	t->next = *head;
	*head = t;
	tt->len++;
	return t;
}

static void proc_put(struct proc *p)
{
	if (!p || --p->refs)
		return;
	written_fini(&p->written);
	free(p->mapped_name);
	free(p->hidden_fds);
	free(p->rule_hits);
	free(p->image);
	free(p);
}

static void task_free(struct task *t)
{
	buf_fini(&t->cur.caps);
	for (unsigned int i = 0; i < CALL_PENDING_MAX; i++)
		buf_fini(&t->pending[i].caps);
	seccomp_put(t->filter);
	seccomp_put(t->filter_new);
	proc_put(t->proc);
	free(t);
}

static void unlink_task(struct task_table *tt, struct task *t)
{
	struct task **at = bucket_of(tt, t->tid);

	while (*at != t)
		at = &(*at)->next;
	*at = t->next;
}

void task_drop(struct task_table *tt, struct task *t)
{
	unlink_task(tt, t);
	tt->len--;
	task_free(t);
}

void task_rename(struct task_table *tt, struct task *t, pid_t tid)
{
	struct task **head = bucket_of(tt, tid);

	unlink_task(tt, t);
	t->tid = tid;
	t->next = *head;
	*head = t;
}

void task_each(struct task_table *tt, void (*fn)(struct task *t, void *arg), void *arg)
{
	for (unsigned int i = 0; i < TASK_BUCKETS; i++) {
		for (struct task *t = tt->bucket[i], *next; t; t = next) {
			next = t->next;
			fn(t, arg);
		}
	}
}

static void drop_one(struct task *t, void *arg)
{
	task_drop(arg, t);
}

void task_table_fini(struct task_table *tt)
{
	task_each(tt, drop_one, tt);
}

void task_join(struct task *t, struct proc *p)
{
	p->refs++;
	proc_put(t->proc);
	t->proc = p;
}

static bool copy_words(void *dst, const void *src, size_t n)
{
	void **out = dst;

	*out = NULL;
	if (!src || !n)
		return true;
	*out = malloc(n);
	if (*out)
		memcpy(*out, src, n);
	return *out;
}

static bool proc_inherit(struct proc *p, const struct proc *parent, unsigned int nrules)
{
	p->sig = parent->sig;
	written_copy(&p->written, &parent->written);
	p->hidden_words = parent->hidden_words;
	if (parent->image && !(p->image = strdup(parent->image)))
		return false;
	return copy_words(
		&p->hidden_fds, parent->hidden_fds, parent->hidden_words * sizeof(*p->hidden_fds));
}

struct proc *proc_new(pid_t tgid, const struct proc *parent, unsigned int nrules)
{
	struct proc *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->tgid = tgid;
	p->rule_hits = calloc(nrules + 1, sizeof(*p->rule_hits));
	if (p->rule_hits && (!parent || proc_inherit(p, parent, nrules)))
		return p;
	p->refs = 1;
	proc_put(p);
	return NULL;
}

void proc_forget_mapped(struct proc *p)
{
	free(p->mapped_name);
	p->mapped_name = NULL;
}

void call_reset(struct call *c)
{
	struct buf caps = c->caps;

	memset(c, 0, sizeof(*c));
	c->caps = caps;
	buf_reset(&c->caps);
}

const char *task_status(pid_t tid, struct buf *b)
{
	CLEANUP(fd) int fd = -1;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/status", (int)tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 || buf_read_fd(b, fd, 65536) ? NULL : buf_str(b);
}
