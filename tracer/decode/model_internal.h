/*
 * What the parts of the process model share: model.c (dispatch, queries), model_task.c, model_fd.c
 * (calls on descriptors), model_mm.c (calls on memory), model_path.c (names).
 */
#ifndef LOCKSTEP_TRACER_DECODE_MODEL_INTERNAL_H
#define LOCKSTEP_TRACER_DECODE_MODEL_INTERNAL_H

#include "tracer/decode/fdtab.h"
#include "tracer/decode/intern.h"
#include "tracer/decode/model.h"
#include "tracer/decode/vmas.h"

#define PATH_SIZE_MAX 8192u

struct fs {
	uint32_t refs;	 /* tasks */
	const char *cwd; /* NULL: unknown */
};

struct task {
	struct model_task pub;
	struct files *files; /* these three NULL once it is gone */
	struct mm *mm;
	struct fs *fs;
	struct task *group_next; /* ring of the tasks of its thread group */
};

struct model {
	struct intern names;
	struct ofiles ofiles;
	struct task **task; /* by ord */
	uint32_t n_tasks, tasks_size;
	struct task **by_tid; /* open addressing; the last that had the tid */
	uint32_t tid_slots, n_tids;
	struct task *last; /* asked for */
	struct buf scratch;
	bool failed; /* memory ran out during this event */
};

/* The task of an event, made up when nothing told of it. NULL when memory ran out. */
struct task *model_get(struct model *m, uint32_t tid);
/* The task that has the tid, or NULL. */
struct task *model_find(struct model *m, uint32_t tid);
/* Lets go of files, memory and working directory. */
void model_task_drop(struct model *m, struct task *t);
struct fs *model_fs_new(const char *cwd); /* NULL when memory ran out */
void model_on_task(struct model *m, const struct trace_event *ev);
void model_on_exec(struct model *m, const struct trace_event *ev);
void model_on_end(struct model *m, const struct trace_event *ev);
/* Interned; "" and failed when memory ran out. */
const char *model_intern(struct model *m, const void *s, size_t len);
/* The bytes of a capture as a string (what stands before a NUL), interned; NULL when there is
 * none, or it was cut or faulted. */
const char *model_cap_text(struct model *m, const struct trace_event *ev, unsigned int slot);

/* Effects of a call that returned; each looks only at the calls of its kind. */
void model_fd_call(struct model *m, struct task *t, const struct trace_event *ev);
void model_mm_call(struct model *m, struct task *t, const struct trace_event *ev);
/* A new open file at descriptor `fd`; NULL when memory ran out (then nothing is there). */
struct ofile *model_install(struct model *m, struct task *t, const struct trace_event *ev, int fd,
	const char *name, uint8_t type, bool cloexec);
/* The descriptors that TC_FDS lists. */
void model_fd_list(struct model *m, struct task *t, const struct trace_cap *cap);
/* A fresh address space out of the text of /proc/PID/maps. */
struct mm *model_mm_parse(struct model *m, const uint8_t *text, size_t size);

static inline bool ret_is_error(int64_t ret)
{
	return ret < 0 && ret >= -4095;
}

#endif
