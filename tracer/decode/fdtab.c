/* See fdtab.h. */
#include "tracer/decode/fdtab.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Descriptors in flight through one socket; a real kernel has a limit too (SCM_MAX_FD, rlimits). */
#define QUEUE_MAX 1024u

/* ---- open files ---- */

struct ofile *ofile_new(struct ofiles *all, const char *name, uint8_t type)
{
	struct ofile *of = calloc(1, sizeof(*of));

	if (!of)
		return NULL;
	of->refs = 1;
	of->pub = (struct fd_info){.name = name, .type = type, .serial = ++all->born, .domain = -1};
	of->next = all->first;
	if (all->first)
		all->first->prev = of;
	all->first = of;
	return of;
}

static void ofile_unlink(struct ofiles *all, struct ofile *of)
{
	if (of->prev)
		of->prev->next = of->next;
	else
		all->first = of->next;
	if (of->next)
		of->next->prev = of->prev;
	if (of->peer)
		of->peer->peer = NULL;
}

/* Files that were in flight to a socket go with it, and may be sockets with files in flight. */
void ofile_put(struct ofiles *all, struct ofile *of)
{
	struct ofile *dead = NULL, *cur = of;

	if (!of || --of->refs)
		return;
	ofile_unlink(all, of);
	of->next = NULL;
	for (dead = of; dead; dead = cur) {
		cur = dead->next;
		while (dead->queue_at < dead->queued) {
			struct ofile *q = dead->queue[dead->queue_at++];

			if (--q->refs)
				continue;
			ofile_unlink(all, q);
			q->next = cur;
			cur = q;
		}
		free(dead->queue);
		free(dead);
	}
}

void ofile_pair(struct ofile *a, struct ofile *b)
{
	a->peer = b;
	b->peer = a;
	a->pub.peer = b->pub.serial;
	b->pub.peer = a->pub.serial;
}

int ofile_send(struct ofile *through, struct ofile *sent)
{
	struct ofile *to = through->peer;
	struct ofile **queue;

	if (!to || to->queued == QUEUE_MAX)
		return 0;
	queue = realloc(to->queue, (to->queued + 1) * sizeof(*queue));
	if (!queue)
		return -ENOMEM;
	to->queue = queue;
	sent->refs++;
	to->queue[to->queued++] = sent;
	return 0;
}

struct ofile *ofile_receive(struct ofile *through)
{
	struct ofile *of;

	if (through->queue_at == through->queued)
		return NULL;
	of = through->queue[through->queue_at++];
	if (through->queue_at == through->queued)
		through->queue_at = through->queued = 0;
	return of;
}

void ofiles_fini(struct ofiles *all)
{
	while (all->first) {
		struct ofile *next = all->first->next;

		free(all->first->queue);
		free(all->first);
		all->first = next;
	}
}

/* ---- entries ---- */

static struct fd_entries *entries_new(uint32_t slots)
{
	struct fd_entries *e = calloc(1, sizeof(*e));
	uint32_t i;

	if (!e)
		return NULL;
	e->slot = malloc(slots * sizeof(*e->slot));
	if (!e->slot) {
		free(e);
		return NULL;
	}
	e->refs = 1;
	e->slots = slots;
	for (i = 0; i < slots; i++)
		e->slot[i].fd = -1;
	return e;
}

static struct fd_entry *slot_of(const struct fd_entries *e, int fd)
{
	uint32_t i = (uint32_t)fd & (e->slots - 1);

	while (e->slot[i].fd >= 0 && e->slot[i].fd != fd)
		i = (i + 1) & (e->slots - 1);
	return &e->slot[i];
}

static void entries_put(struct ofiles *all, struct fd_entries *e)
{
	uint32_t i;

	if (--e->refs)
		return;
	for (i = 0; i < e->slots; i++)
		if (e->slot[i].fd >= 0)
			ofile_put(all, e->slot[i].of);
	free(e->slot);
	free(e);
}

/* The entries for this table alone, with `slots` slots. The references are the copy's own unless
 * the old ones go away. */
static int entries_own(struct files *f, uint32_t slots)
{
	struct fd_entries *old = f->e, *e;
	uint32_t i;

	if (old->refs == 1 && slots == old->slots)
		return 0;
	e = entries_new(slots);
	if (!e)
		return -ENOMEM;
	for (i = 0; i < old->slots; i++) {
		if (old->slot[i].fd < 0)
			continue;
		*slot_of(e, old->slot[i].fd) = old->slot[i];
		if (old->refs > 1)
			old->slot[i].of->refs++;
	}
	e->n = old->n;
	f->e = e;
	if (--old->refs)
		return 0;
	free(old->slot);
	free(old);
	return 0;
}

/* Takes an entry out and moves those up that its slot had pushed on. */
static void slot_clear(struct fd_entries *e, struct fd_entry *at)
{
	uint32_t mask = e->slots - 1, hole = at - e->slot, i = hole;

	for (;;) {
		uint32_t home;

		i = (i + 1) & mask;
		if (e->slot[i].fd < 0)
			break;
		home = (uint32_t)e->slot[i].fd & mask;
		if (((i - home) & mask) >= ((i - hole) & mask)) {
			e->slot[hole] = e->slot[i];
			hole = i;
		}
	}
	e->slot[hole].fd = -1;
	e->n--;
}

/* ---- tables ---- */

struct files *files_new(void)
{
	struct files *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->refs = 1;
	f->e = entries_new(16);
	if (!f->e) {
		free(f);
		return NULL;
	}
	return f;
}

struct files *files_copy(struct files *f)
{
	struct files *copy = calloc(1, sizeof(*copy));

	if (!copy)
		return NULL;
	copy->refs = 1;
	copy->e = f->e;
	copy->e->refs++;
	return copy;
}

void files_put(struct ofiles *all, struct files *f)
{
	if (!f || --f->refs)
		return;
	entries_put(all, f->e);
	free(f);
}

struct fd_entry *files_find(const struct files *f, int fd)
{
	struct fd_entry *e;

	if (!f || fd < 0)
		return NULL;
	e = slot_of(f->e, fd);
	return e->fd < 0 ? NULL : e;
}

int files_set(struct ofiles *all, struct files *f, int fd, struct ofile *of, bool cloexec)
{
	uint32_t slots = f->e->slots;
	struct fd_entry *e;

	if (fd < 0 || entries_own(f, f->e->n >= slots / 2 ? slots * 2 : slots)) {
		ofile_put(all, of);
		return fd < 0 ? 0 : -ENOMEM;
	}
	e = slot_of(f->e, fd);
	if (e->fd >= 0)
		ofile_put(all, e->of);
	else
		f->e->n++;
	*e = (struct fd_entry){fd, cloexec, of};
	return 0;
}

int files_close(struct ofiles *all, struct files *f, int fd)
{
	struct fd_entry *e;

	if (!files_find(f, fd))
		return 0;
	if (entries_own(f, f->e->slots))
		return -ENOMEM;
	e = files_find(f, fd);
	ofile_put(all, e->of);
	slot_clear(f->e, e);
	return 0;
}

int files_set_cloexec(struct files *f, int fd, bool cloexec)
{
	struct fd_entry *e = files_find(f, fd);

	if (!e || e->cloexec == cloexec)
		return 0;
	if (entries_own(f, f->e->slots))
		return -ENOMEM;
	files_find(f, fd)->cloexec = cloexec;
	return 0;
}

/* Rebuilds the table without what `closes` says. */
static int files_filter(struct ofiles *all, struct files *f,
	bool (*closes)(const struct fd_entry *e, const uint32_t *range), const uint32_t *range)
{
	struct fd_entries *e;
	uint32_t i;

	if (entries_own(f, f->e->slots))
		return -ENOMEM;
	e = entries_new(f->e->slots);
	if (!e)
		return -ENOMEM;
	for (i = 0; i < f->e->slots; i++) {
		struct fd_entry *old = &f->e->slot[i];

		if (old->fd < 0)
			continue;
		if (closes(old, range)) {
			ofile_put(all, old->of);
			continue;
		}
		*slot_of(e, old->fd) = *old;
		e->n++;
	}
	free(f->e->slot);
	free(f->e);
	f->e = e;
	return 0;
}

static bool in_range(const struct fd_entry *e, const uint32_t *range)
{
	return (uint32_t)e->fd >= range[0] && (uint32_t)e->fd <= range[1];
}

static bool on_exec(const struct fd_entry *e, const uint32_t *range)
{
	return e->cloexec;
}

int files_close_range(
	struct ofiles *all, struct files *f, uint32_t first, uint32_t last, bool cloexec)
{
	uint32_t range[2] = {first, last}, i;

	if (!cloexec)
		return files_filter(all, f, in_range, range);
	if (entries_own(f, f->e->slots))
		return -ENOMEM;
	for (i = 0; i < f->e->slots; i++)
		if (f->e->slot[i].fd >= 0 && in_range(&f->e->slot[i], range))
			f->e->slot[i].cloexec = true;
	return 0;
}

int files_exec(struct ofiles *all, struct files *f)
{
	return files_filter(all, f, on_exec, NULL);
}
