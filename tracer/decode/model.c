/*
 * The process model: tasks, and what events do to them. See model.h.
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
#include <sys/prctl.h>
#include <sys/syscall.h>

/* How far below the main stack's lowest page an address still is the stack's: it grows when
 * touched. The usual RLIMIT_STACK. */
#define STACK_GROWS (8ull << 20)

struct model *model_new(void)
{
	return calloc(1, sizeof(struct model));
}

void model_free(struct model *m)
{
	uint32_t i;

	if (!m)
		return;
	for (i = 0; i < m->n_tasks; i++) {
		model_task_drop(m, m->task[i]);
		free(m->task[i]);
	}
	ofiles_fini(&m->ofiles);
	intern_fini(&m->names);
	buf_fini(&m->scratch);
	free(m->task);
	free(m->by_tid);
	free(m);
}

const char *model_intern(struct model *m, const void *s, size_t len)
{
	const char *p = intern_add(&m->names, s, len);

	m->failed |= !p;
	return p ? p : "";
}

const char *model_cap_text(struct model *m, const struct trace_event *ev, unsigned int slot)
{
	struct trace_cap cap;

	if (!trace_cap_find(ev, slot, 0, 0, &cap) || cap.flags & TC_FAULT || cap.size < cap.full)
		return NULL;
	return model_intern(m, cap.data, strnlen((const char *)cap.data, cap.size));
}

/* A map that comes with a crash or a stack fills in what was not known. */
static void on_maps(struct model *m, const struct trace_event *ev)
{
	struct task *t = model_get(m, ev->tid);
	struct trace_cap cap;
	struct mm *mm;

	if (!t || t->mm->set->total || !trace_cap_find(ev, TC_MAPS, 0, 0, &cap))
		return;
	mm = model_mm_parse(m, cap.data, cap.size);
	if (!mm)
		return;
	mm_put(t->mm);
	t->mm = mm;
}

/* ---- calls ---- */

static void set_comm(struct model *m, struct task *t, const struct trace_event *ev)
{
	struct trace_cap cap;

	if (ev->arg[0] == PR_SET_NAME && trace_cap_find(ev, 1, 0, 0, &cap))
		t->pub.comm = model_intern(m, cap.data,
			strnlen((const char *)cap.data, cap.size < 15 ? cap.size : 15));
}

static void unshare_fs(struct model *m, struct task *t)
{
	struct fs *own;

	if (t->fs->refs == 1)
		return;
	own = model_fs_new(t->fs->cwd);
	m->failed |= !own;
	if (own) {
		t->fs->refs--;
		t->fs = own;
	}
}

static void unshare_files(struct model *m, struct task *t)
{
	struct files *own;

	if (t->files->refs == 1)
		return;
	own = files_copy(t->files);
	m->failed |= !own;
	if (own) {
		files_put(&m->ofiles, t->files);
		t->files = own;
	}
}

static void change_dir(struct model *m, struct task *t, const struct trace_event *ev)
{
	const struct fd_entry *e;
	struct trace_cap cap;

	if (ev->nr == SYS_fchdir) {
		e = files_find(t->files, (int)ev->arg[0]);
		t->fs->cwd = e && e->of->pub.type == FD_FILE ? e->of->pub.name : NULL;
		return;
	}
	buf_reset(&m->scratch);
	if (trace_cap_find(ev, 0, 0, 0, &cap) &&
		model_path(m, ev->tid, -100, (const char *)cap.data,
			strnlen((const char *)cap.data, cap.size), &m->scratch))
		t->fs->cwd = model_intern(m, m->scratch.data, m->scratch.len);
	else
		t->fs->cwd = NULL;
}

/* getcwd's answer is the truth. */
static void learn_dir(struct model *m, struct task *t, const struct trace_event *ev)
{
	struct trace_cap cap;

	if (!trace_cap_find(ev, 0, 0, TC_OUT, &cap) || cap.size < cap.full || !cap.size ||
		cap.data[0] != '/')
		return;
	t->fs->cwd = model_intern(m, cap.data, strnlen((const char *)cap.data, cap.size));
}

static void task_call(struct model *m, struct task *t, const struct trace_event *ev)
{
	switch (ev->nr) {
	case SYS_chdir:
	case SYS_fchdir:
		change_dir(m, t, ev);
		break;
	case SYS_getcwd:
		learn_dir(m, t, ev);
		break;
	case SYS_prctl:
		set_comm(m, t, ev);
		break;
	case SYS_unshare:
		if (ev->arg[0] & CLONE_FS)
			unshare_fs(m, t);
		if (ev->arg[0] & CLONE_FILES)
			unshare_files(m, t);
		break;
	}
}

/* Which part of the model a call number concerns: most concern none, and cost nothing. */
enum part { PART_NONE = 0, PART_TASK, PART_FD, PART_MM };

static const uint8_t g_part[512] = {
	[SYS_chdir] = PART_TASK,
	[SYS_fchdir] = PART_TASK,
	[SYS_getcwd] = PART_TASK,
	[SYS_prctl] = PART_TASK,
	[SYS_unshare] = PART_TASK,
	[SYS_mmap] = PART_MM,
	[SYS_munmap] = PART_MM,
	[SYS_mremap] = PART_MM,
	[SYS_mprotect] = PART_MM,
	[SYS_pkey_mprotect] = PART_MM,
	[SYS_brk] = PART_MM,
	[SYS_open] = PART_FD,
	[SYS_creat] = PART_FD,
	[SYS_openat] = PART_FD,
	[SYS_openat2] = PART_FD,
	[SYS_close] = PART_FD,
	[SYS_close_range] = PART_FD,
	[SYS_dup] = PART_FD,
	[SYS_dup2] = PART_FD,
	[SYS_dup3] = PART_FD,
	[SYS_fcntl] = PART_FD,
	[SYS_ioctl] = PART_FD,
	[SYS_pipe] = PART_FD,
	[SYS_pipe2] = PART_FD,
	[SYS_socket] = PART_FD,
	[SYS_socketpair] = PART_FD,
	[SYS_bind] = PART_FD,
	[SYS_connect] = PART_FD,
	[SYS_accept] = PART_FD,
	[SYS_accept4] = PART_FD,
	[SYS_sendmsg] = PART_FD,
	[SYS_recvmsg] = PART_FD,
	[SYS_sendmmsg] = PART_FD,
	[SYS_recvmmsg] = PART_FD,
	[SYS_eventfd] = PART_FD,
	[SYS_eventfd2] = PART_FD,
	[SYS_epoll_create] = PART_FD,
	[SYS_epoll_create1] = PART_FD,
	[SYS_timerfd_create] = PART_FD,
	[SYS_signalfd] = PART_FD,
	[SYS_signalfd4] = PART_FD,
	[SYS_inotify_init] = PART_FD,
	[SYS_inotify_init1] = PART_FD,
	[SYS_fanotify_init] = PART_FD,
	[SYS_memfd_create] = PART_FD,
	[SYS_userfaultfd] = PART_FD,
	[SYS_perf_event_open] = PART_FD,
	[SYS_pidfd_open] = PART_FD,
	[SYS_pidfd_getfd] = PART_FD,
	[SYS_open_tree] = PART_FD,
	[SYS_fsopen] = PART_FD,
	[SYS_fsmount] = PART_FD,
	[SYS_fspick] = PART_FD,
	[SYS_mq_open] = PART_FD,
	[SYS_open_by_handle_at] = PART_FD,
	[SYS_io_uring_setup] = PART_FD,
	[SYS_bpf] = PART_FD,
};

static void on_call(struct model *m, const struct trace_event *ev)
{
	unsigned int part = ev->nr < ARRAY_LEN(g_part) ? g_part[ev->nr] : PART_NONE;
	struct task *t;

	if (part == PART_NONE || ev->flags & TF_I386)
		return;
	/* connect(2) that goes on in the background has a name already; see model_fd.c. */
	if (ret_is_error(ev->ret) && ev->nr != SYS_connect && ev->nr != SYS_close)
		return;
	t = model_get(m, ev->tid);
	if (!t)
		return;
	if (part == PART_TASK)
		task_call(m, t, ev);
	else if (part == PART_FD)
		model_fd_call(m, t, ev);
	else
		model_mm_call(m, t, ev);
}

int model_event(struct model *m, const struct trace_event *ev)
{
	m->failed = false;
	switch (ev->kind) {
	case TK_CALL:
		on_call(m, ev);
		break;
	case TK_TASK:
		model_on_task(m, ev);
		break;
	case TK_EXEC:
		model_on_exec(m, ev);
		break;
	case TK_EXIT:
		model_on_end(m, ev);
		break;
	case TK_CRASH:
	case TK_STACK:
		on_maps(m, ev);
		break;
	}
	return m->failed ? -ENOMEM : 0;
}

/* ---- queries ---- */

static struct fd_entry *fd_find(struct model *m, uint32_t tid, int fd)
{
	struct task *t = model_find(m, tid);

	return t ? files_find(t->files, fd) : NULL;
}

const struct fd_info *model_fd(struct model *m, uint32_t tid, int fd)
{
	struct fd_entry *e = fd_find(m, tid, fd);

	return e ? &e->of->pub : NULL;
}

const char *model_fd_name(struct model *m, uint32_t tid, int fd)
{
	struct fd_entry *e = fd_find(m, tid, fd);

	return e ? e->of->pub.name : NULL;
}

bool model_fd_cloexec(struct model *m, uint32_t tid, int fd)
{
	struct fd_entry *e = fd_find(m, tid, fd);

	return e && e->cloexec;
}

void model_fds(struct model *m, uint32_t tid,
	void (*each)(int fd, const struct fd_info *info, void *arg), void *arg)
{
	struct task *t = model_find(m, tid);
	uint32_t i;

	if (!t || !t->files)
		return;
	for (i = 0; i < t->files->e->slots; i++)
		if (t->files->e->slot[i].fd >= 0)
			each(t->files->e->slot[i].fd, &t->files->e->slot[i].of->pub, arg);
}

const char *model_cwd(struct model *m, uint32_t tid)
{
	struct task *t = model_find(m, tid);

	return t && t->fs ? t->fs->cwd : NULL;
}

bool model_addr(struct model *m, uint32_t tid, uint64_t addr, struct addr_info *out)
{
	struct task *t = model_find(m, tid);
	const struct vma *v;
	bool next;

	*out = (struct addr_info){.name = ""};
	if (!t || !t->mm)
		return false;
	v = mm_find(t->mm, addr, &next);
	if (!v || (next && (v->kind != ADDR_STACK || v->start - addr > STACK_GROWS)))
		return false;
	*out = (struct addr_info){.kind = v->kind,
		.prot = v->prot,
		.shared = v->shared,
		.name = v->name,
		.off = v->kind == ADDR_STACK ? v->end - addr : addr - v->base,
		.birth = v->birth,
		.start = v->start,
		.end = v->end};
	return true;
}

size_t model_vmas(struct model *m, uint32_t tid)
{
	struct task *t = model_find(m, tid);

	return t && t->mm ? t->mm->set->total : 0;
}

const struct model_task *model_task(struct model *m, uint32_t tid)
{
	struct task *t = model_find(m, tid);

	return t ? &t->pub : NULL;
}

const struct model_task *model_task_at(struct model *m, uint32_t ord)
{
	return ord < m->n_tasks ? &m->task[ord]->pub : NULL;
}
