/*
 * The process model: tasks by tid; birth, exec and death.
 *
 * A thread shares files, memory and working directory with its creator as clone(2)'s flags say;
 * what is not shared is copied when one side changes it. Linux v6.18 kernel/fork.c:copy_process().
 */
#include "tracer/decode/model_internal.h"
#include "common/cleanup.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

void model_task_drop(struct model *m, struct task *t)
{
	files_put(&m->ofiles, STEAL(t->files));
	mm_put(STEAL(t->mm));
	if (t->fs && !--t->fs->refs)
		free(t->fs);
	t->fs = NULL;
}

/* ---- tasks by tid ---- */

static struct task **tid_slot(const struct model *m, uint32_t tid)
{
	uint32_t i = tid * 0x9e3779b1u & (m->tid_slots - 1);

	while (m->by_tid[i] && m->by_tid[i]->pub.tid != tid)
		i = (i + 1) & (m->tid_slots - 1);
	return &m->by_tid[i];
}

struct task *model_find(struct model *m, uint32_t tid)
{
	struct task *t;

	if (m->last && m->last->pub.tid == tid)
		return m->last;
	if (!m->tid_slots)
		return NULL;
	t = *tid_slot(m, tid);
	if (t)
		m->last = t;
	return t;
}

static int tids_grow(struct model *m)
{
	struct model bigger = {.tid_slots = m->tid_slots ? m->tid_slots * 2 : 64};
	uint32_t i;

	bigger.by_tid = calloc(bigger.tid_slots, sizeof(struct task *));
	if (!bigger.by_tid)
		return -ENOMEM;
	for (i = 0; i < m->tid_slots; i++)
		if (m->by_tid[i])
			*tid_slot(&bigger, m->by_tid[i]->pub.tid) = m->by_tid[i];
	free(m->by_tid);
	m->by_tid = bigger.by_tid;
	m->tid_slots = bigger.tid_slots;
	return 0;
}

/* A task with nothing yet; it takes the tid over from whoever had it. */
static struct task *task_add(struct model *m, uint32_t tid)
{
	struct task *t, **slot;

	if (m->n_tasks == m->tasks_size) {
		uint32_t size = m->tasks_size ? m->tasks_size * 2 : 64;
		struct task **p = realloc(m->task, size * sizeof(struct task *));

		if (!p)
			return NULL;
		m->task = p;
		m->tasks_size = size;
	}
	if (m->n_tids >= m->tid_slots / 2 && tids_grow(m))
		return NULL;
	t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	t->pub = (struct model_task){.tid = tid,
		.tgid = tid,
		.ord = m->n_tasks,
		.parent_ord = UINT32_MAX,
		.exec_seq = UINT64_MAX,
		.image = "",
		.comm = ""};
	t->group_next = t;
	slot = tid_slot(m, tid);
	m->n_tids += !*slot;
	*slot = t;
	m->task[m->n_tasks++] = t;
	m->last = t;
	return t;
}

struct fs *model_fs_new(const char *cwd)
{
	struct fs *fs = malloc(sizeof(*fs));

	if (fs)
		*fs = (struct fs){.refs = 1, .cwd = cwd};
	return fs;
}

/* What it did not get from a parent. */
static void task_fill(struct model *m, struct task *t)
{
	if (!t->files)
		t->files = files_new();
	if (!t->mm)
		t->mm = mm_new();
	if (!t->fs)
		t->fs = model_fs_new(NULL);
	m->failed |= !t->files || !t->mm || !t->fs;
}

struct task *model_get(struct model *m, uint32_t tid)
{
	struct task *t = model_find(m, tid);

	if (!t)
		t = task_add(m, tid);
	if (!t) {
		m->failed = true;
		return NULL;
	}
	if (!t->files || !t->mm || !t->fs)
		task_fill(m, t);
	return t->files && t->mm && t->fs ? t : NULL;
}

/* ---- birth, exec, death ---- */

static void task_inherit(struct task *t, struct task *parent, uint64_t flags)
{
	t->pub.image = parent->pub.image;
	t->pub.comm = parent->pub.comm;
	t->pub.argv = parent->pub.argv;
	t->pub.argv_size = parent->pub.argv_size;
	t->pub.parent_ord = parent->pub.ord;
	t->pub.execs = flags & CLONE_THREAD ? parent->pub.execs : 0;
	t->pub.exec_seq = flags & CLONE_THREAD ? parent->pub.exec_seq : UINT64_MAX;
	t->files = flags & CLONE_FILES ? files_get(parent->files) : files_copy(parent->files);
	t->mm = flags & CLONE_VM ? mm_get(parent->mm) : mm_copy(parent->mm);
	if (flags & CLONE_FS) {
		t->fs = parent->fs;
		t->fs->refs++;
	} else {
		t->fs = model_fs_new(parent->fs->cwd);
	}
}

static void group_join(struct task *t, struct task *member)
{
	t->group_next = member->group_next;
	member->group_next = t;
}

void model_on_task(struct model *m, const struct trace_event *ev)
{
	uint32_t parent_tid = ev->arg[0];
	uint64_t flags = ev->arg[1];
	struct task *parent = parent_tid ? model_get(m, parent_tid) : NULL;
	struct task *t = task_add(m, ev->tid);

	if (!t) {
		m->failed = true;
		return;
	}
	t->pub.tgid = ev->ret > 0 && ev->ret <= UINT32_MAX ? ev->ret : ev->tid;
	t->pub.parent = parent_tid;
	t->pub.clone_flags = flags;
	t->pub.born_seq = ev->seq;
	t->pub.born_ns = ev->enter_ns;
	if (parent && parent != t)
		task_inherit(t, parent, flags);
	if (parent && parent != t && flags & CLONE_THREAD)
		group_join(t, parent);
	task_fill(m, t);
}

static void task_end(struct model *m, struct task *t, int status)
{
	model_task_drop(m, t);
	if (t->pub.exited)
		return;
	t->pub.exited = true;
	t->pub.status = status;
}

/* All other tasks of the group are gone. */
static void group_end(struct model *m, struct task *t, int status)
{
	struct task *o = t->group_next;

	while (o != t) {
		struct task *next = o->group_next;

		task_end(m, o, status);
		o->group_next = o;
		o = next;
	}
	t->group_next = t;
}

void model_on_end(struct model *m, const struct trace_event *ev)
{
	struct task *t = model_find(m, ev->tid);

	if (!t)
		return;
	if (ev->nr == 1)
		group_end(m, t, ev->ret);
	task_end(m, t, ev->ret);
}

/* exec by a thread that is not the leader: it becomes the leader, with what it had. */
static void take_over(struct task *t, struct task *former)
{
	struct files *files = t->files;
	struct mm *mm = t->mm;
	struct fs *fs = t->fs;

	t->files = former->files;
	t->mm = former->mm;
	t->fs = former->fs;
	former->files = files;
	former->mm = mm;
	former->fs = fs;
	t->pub.comm = former->pub.comm;
}

static const char *base_name(struct model *m, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;

	return model_intern(m, base, strnlen(base, 15));
}

static void exec_names(struct model *m, struct task *t, const struct trace_event *ev)
{
	const char *exe = model_cap_text(m, ev, TC_EXE), *comm = model_cap_text(m, ev, TC_COMM);
	const char *cwd = model_cap_text(m, ev, TC_CWD);
	struct trace_cap cap;

	t->pub.image = exe ? exe : "";
	t->pub.comm = comm ? comm : base_name(m, t->pub.image);
	if (cwd)
		t->fs->cwd = cwd;
	t->pub.argv = NULL;
	t->pub.argv_size = 0;
	if (trace_cap_find(ev, TC_ARGV, 0, 0, &cap)) {
		t->pub.argv = (const uint8_t *)model_intern(m, cap.data, cap.size);
		t->pub.argv_size = cap.size;
	}
}

static void exec_files(struct model *m, struct task *t)
{
	if (t->files->refs > 1) {
		struct files *own = files_copy(t->files);

		if (!own) {
			m->failed = true;
			return;
		}
		files_put(&m->ofiles, t->files);
		t->files = own;
	}
	m->failed |= files_exec(&m->ofiles, t->files) != 0;
}

void model_on_exec(struct model *m, const struct trace_event *ev)
{
	uint32_t former_tid = ev->arg[0];
	struct task *t = model_get(m, ev->tid);
	struct task *former = former_tid && former_tid != ev->tid ? model_find(m, former_tid) : t;
	struct trace_cap cap;
	struct mm *mm = NULL;

	if (!t)
		return;
	if (former && former != t && former->files && former->mm && former->fs) {
		take_over(t, former);
		task_end(m, former, 0);
	}
	group_end(m, t, 0);
	t->pub.exited = false;
	t->pub.tgid = t->pub.tid;
	t->pub.execs++;
	t->pub.exec_seq = ev->seq;
	exec_names(m, t, ev);
	exec_files(m, t);
	if (trace_cap_find(ev, TC_FDS, 0, 0, &cap))
		model_fd_list(m, t, &cap);
	if (trace_cap_find(ev, TC_MAPS, 0, 0, &cap))
		mm = model_mm_parse(m, cap.data, cap.size);
	else
		mm = mm_new();
	m->failed |= !mm;
	if (mm) {
		mm_put(t->mm);
		t->mm = mm;
	}
}
