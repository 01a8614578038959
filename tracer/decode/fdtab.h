/*
 * Descriptor tables of the process model: descriptor -> open file. A table may be shared by tasks
 * (CLONE_FILES); a copied one (fork) shares its entries until one side changes them. Open files
 * are counted. Not locked.
 */
#ifndef LOCKSTEP_TRACER_DECODE_FDTAB_H
#define LOCKSTEP_TRACER_DECODE_FDTAB_H

#include "tracer/decode/model.h"

struct ofile {
	struct fd_info pub;
	uint32_t refs;
	struct ofile *peer;	   /* of a socketpair or pipe, while both are there */
	struct ofile **queue;	   /* sent to it by SCM_RIGHTS, not received yet */
	uint32_t queued, queue_at; /* elements, next to receive */
	struct ofile *prev, *next; /* all there are */
};

struct fd_entry {
	int32_t fd; /* -1: none */
	bool cloexec;
	struct ofile *of;
};

struct fd_entries {
	uint32_t refs;
	uint32_t n, slots;
	struct fd_entry *slot; /* open addressing by fd */
};

struct files {
	uint32_t refs; /* tasks */
	struct fd_entries *e;
};

/* Where open files live. */
struct ofiles {
	struct ofile *first;
	uint32_t born;
};

/* A new open file with one reference; NULL when memory ran out. */
struct ofile *ofile_new(struct ofiles *all, const char *name, uint8_t type);
void ofile_put(struct ofiles *all, struct ofile *of);
void ofile_pair(struct ofile *a, struct ofile *b);
/* SCM_RIGHTS: to the peer of `through`; from `through`, the caller's reference then, or NULL. */
int ofile_send(struct ofile *through, struct ofile *sent);
struct ofile *ofile_receive(struct ofile *through);
/* Frees what is left, references or not. */
void ofiles_fini(struct ofiles *all);

struct files *files_new(void);
struct files *files_copy(struct files *f); /* NULL when memory ran out */
static inline struct files *files_get(struct files *f)
{
	f->refs++;
	return f;
}
void files_put(struct ofiles *all, struct files *f);
struct fd_entry *files_find(const struct files *f, int fd);
/* Takes the caller's reference of `of`, also on failure; replaces what was there. 0 or -ENOMEM. */
int files_set(struct ofiles *all, struct files *f, int fd, struct ofile *of, bool cloexec);
int files_close(struct ofiles *all, struct files *f, int fd);
int files_set_cloexec(struct files *f, int fd, bool cloexec);
/* Closes, or marks to close on exec, all from first to last. */
int files_close_range(
	struct ofiles *all, struct files *f, uint32_t first, uint32_t last, bool cloexec);
/* Closes what closes on exec. */
int files_exec(struct ofiles *all, struct files *f);

#endif
