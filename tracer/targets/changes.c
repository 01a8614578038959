/*
 * See changes.h. In an overlay's upper folder: a character device 0/0 is a deleted name, a folder
 * with the "opaque" attribute hides all of the lower one (Linux
 * Documentation/filesystems/overlayfs.rst). The names found there are the program's, hence hostile:
 * nothing is followed, folders are opened one component at a time.
 */
#define XXH_INLINE_ALL
#include "tracer/targets/changes.h"

#include "common/buf.h"
#include "common/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <xxhash.h>

#define DEPTH_MAX 512

struct walk {
	struct changes *c;
	const struct state_layer *layers;
	size_t nlayers, layer;
	const struct words *skip;
	int keep; /* folder, -1 */
	struct buf deleted;
	struct err *e;
	XXH3_state_t *hash;
};

static int entry_compare(const void *a, const void *b)
{
	return strcmp(((const struct change *)a)->path, ((const struct change *)b)->path);
}

static void put(struct walk *w, const struct change *ch, const char *path)
{
	struct changes *c = w->c;

	if (ch->kind != CHANGE_DELETED && S_ISREG(ch->mode))
		c->dropped_size += ch->size;
	if (c->n == CHANGES_MAX) {
		c->cut = true;
		return;
	}
	if (!c->v)
		c->v = calloc(CHANGES_MAX, sizeof(*c->v));
	if (!c->v)
		return;
	c->v[c->n] = *ch;
	c->v[c->n].path = strdup(path);
	if (c->v[c->n].path)
		c->n++;
}

/* ---- contents ---- */

static bool hash_file(struct walk *w, int dir, const char *name, uint64_t *hash)
{
	static uint8_t chunk[1 << 16];
	CLEANUP(fd)
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	ssize_t n;

	if (fd < 0)
		return false;
	XXH3_64bits_reset(w->hash);
	while ((n = read(fd, chunk, sizeof(chunk))) > 0)
		XXH3_64bits_update(w->hash, chunk, n);
	*hash = XXH3_64bits_digest(w->hash);
	return n == 0;
}

static bool hash_entry(
	struct walk *w, int dir, const char *name, const struct stat *st, uint64_t *hash)
{
	char text[PATH_MAX];
	ssize_t n;

	if (S_ISREG(st->st_mode))
		return hash_file(w, dir, name, hash);
	if (!S_ISLNK(st->st_mode))
		return false;
	n = readlinkat(dir, name, text, sizeof(text));
	if (n < 0)
		return false;
	*hash = XXH3_64bits(text, n);
	return true;
}

/* ---- --keep-changes ---- */

static int keep_file(int from, const char *name, int to, const struct stat *st)
{
	CLEANUP(fd) int in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	CLEANUP(fd)
	int out = openat(to, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	static uint8_t chunk[1 << 16];
	ssize_t n;

	if (in < 0 || out < 0)
		return -errno;
	while ((n = read(in, chunk, sizeof(chunk))) > 0)
		if (write(out, chunk, n) != n)
			return errno ? -errno : -ENOSPC;
	if (n < 0)
		return -errno;
	return fchmod(out, st->st_mode & 07777) ? -errno : 0;
}

static int keep_link(int from, const char *name, int to)
{
	char text[PATH_MAX];
	ssize_t n = readlinkat(from, name, text, sizeof(text) - 1);

	if (n < 0)
		return -errno;
	text[n] = 0;
	if (unlinkat(to, name, 0) && errno != ENOENT)
		return -errno;
	return symlinkat(text, to, name) ? -errno : 0;
}

/* The folder below `keep` that stands for the one with this path inside; -errno. */
static int keep_folder(int keep, const char *path)
{
	int fd = fcntl(keep, F_DUPFD_CLOEXEC, 3);
	char copy[PATH_MAX], *rest = copy, *name;

	snprintf(copy, sizeof(copy), "%s", path);
	while (fd >= 0 && (name = strsep(&rest, "/"))) {
		int next;

		if (!*name)
			continue;
		if (mkdirat(fd, name, 0755) && errno != EEXIST)
			next = -1;
		else
			next = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		close(fd);
		fd = next;
	}
	return fd < 0 ? -errno : fd;
}

static int keep_entry(
	struct walk *w, int dir, const char *name, const char *path, const struct stat *st)
{
	char folder[PATH_MAX];
	int to, rc = 0;

	if (w->keep < 0 || S_ISDIR(st->st_mode))
		return 0;
	snprintf(folder, sizeof(folder), "%s", path);
	*strrchr(folder, '/') = 0;
	to = keep_folder(w->keep, folder);
	if (to < 0)
		rc = to;
	else if (S_ISREG(st->st_mode))
		rc = keep_file(dir, name, to, st);
	else if (S_ISLNK(st->st_mode))
		rc = keep_link(dir, name, to);
	if (to >= 0)
		close(to);
	return rc ? err_set(w->e, -rc, "cannot keep the changed file %s: %s", path, strerror(-rc))
		  : 0;
}

/* ---- one entry ---- */

/* The host's file beneath; false when there is none. */
static bool lower_stat(const struct walk *w, const char *rel, char *lower, struct stat *st)
{
	const char *root = w->layers[w->layer].lower;

	if (!root)
		return false;
	snprintf(lower, PATH_MAX, "%s%s", strcmp(root, "/") ? root : "", rel);
	return !lstat(lower, st);
}

static int note_deleted(struct walk *w, const char *path, const char *rel)
{
	struct change ch = {.kind = CHANGE_DELETED};
	char lower[PATH_MAX];
	struct stat st;

	if (!lower_stat(w, rel, lower, &st))
		return 0;
	ch.mode = st.st_mode;
	ch.size = S_ISDIR(st.st_mode) ? 0 : st.st_size;
	put(w, &ch, path);
	buf_add(&w->deleted, path, strlen(path) + 1);
	return 0;
}

static int note_written(struct walk *w, int dir, const char *name, const char *path,
	const char *rel, const struct stat *st)
{
	struct change ch = {.kind = CHANGE_NEW, .mode = st->st_mode};
	char lower[PATH_MAX];
	struct stat old;
	uint64_t old_hash;

	ch.size = S_ISREG(st->st_mode) || S_ISLNK(st->st_mode) ? st->st_size : 0;
	ch.has_hash = hash_entry(w, dir, name, st, &ch.hash);
	if (lower_stat(w, rel, lower, &old)) {
		ch.kind = CHANGE_CHANGED;
		if (old.st_mode == st->st_mode && S_ISDIR(st->st_mode))
			return 0;
		if (old.st_mode == st->st_mode && old.st_size == st->st_size && ch.has_hash &&
			hash_entry(w, AT_FDCWD, lower, &old, &old_hash) && old_hash == ch.hash)
			return 0;
	}
	put(w, &ch, path);
	return keep_entry(w, dir, name, path, st);
}

static bool skipped(const struct walk *w, const char *path)
{
	size_t i;

	for (i = 0; w->skip && i < w->skip->n; i++)
		if (!strcmp(w->skip->v[i], path))
			return true;
	for (i = 0; i < w->nlayers; i++)
		if (i != w->layer && !strcmp(w->layers[i].path, path))
			return true;
	return false;
}

/* Folders that were made to mount something below them are not the program's. */
static bool leads_to_mount(const struct walk *w, const char *path)
{
	size_t i, len = strlen(path);

	for (i = 0; i < w->nlayers; i++)
		if (!strncmp(w->layers[i].path, path, len) && w->layers[i].path[len] == '/')
			return true;
	for (i = 0; w->skip && i < w->skip->n; i++)
		if (!strncmp(w->skip->v[i], path, len) && w->skip->v[i][len] == '/')
			return true;
	return false;
}

static bool is_opaque(int fd)
{
	char v;

	return fgetxattr(fd, "trusted.overlay.opaque", &v, 1) == 1 ||
	       fgetxattr(fd, "user.overlay.opaque", &v, 1) == 1;
}

static int walk_dir(struct walk *w, int fd, const char *path, const char *rel, unsigned int depth);

/* A folder that replaced another: whatever the old one had and the new one has not, was deleted. */
static int note_hidden(struct walk *w, int upper, const char *path, const char *rel)
{
	CLEANUP(dir) DIR *d = NULL;
	char lower[PATH_MAX], p[PATH_MAX], r[PATH_MAX];
	struct dirent *de;
	struct stat st;

	if (!lower_stat(w, rel, lower, &st) || !S_ISDIR(st.st_mode))
		return 0;
	d = opendir(lower);
	while (d && (de = readdir(d))) {
		if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, "..") ||
			!fstatat(upper, de->d_name, &st, AT_SYMLINK_NOFOLLOW))
			continue;
		if (snprintf(p, sizeof(p), "%s/%s", path, de->d_name) < (int)sizeof(p) &&
			snprintf(r, sizeof(r), "%s/%s", rel, de->d_name) < (int)sizeof(r))
			note_deleted(w, p, r);
	}
	return 0;
}

static int walk_entry(struct walk *w, int dir, const char *name, const char *path, const char *rel,
	unsigned int depth)
{
	CLEANUP(fd) int fd = -1;
	struct stat st;
	int rc = 0;

	if (skipped(w, path) || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW))
		return 0;
	if (S_ISCHR(st.st_mode) && st.st_rdev == makedev(0, 0))
		return note_deleted(w, path, rel);
	if (!S_ISDIR(st.st_mode) || !leads_to_mount(w, path))
		rc = note_written(w, dir, name, path, rel, &st);
	if (rc || !S_ISDIR(st.st_mode) || depth == DEPTH_MAX)
		return rc;
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return 0;
	if (is_opaque(fd))
		rc = note_hidden(w, fd, path, rel);
	return rc ? rc : walk_dir(w, fd, path, rel, depth + 1);
}

/* `path` inside and `rel` in the layer, without a slash at the end ("" for the layer's root). */
static int walk_dir(struct walk *w, int fd, const char *path, const char *rel, unsigned int depth)
{
	CLEANUP(dir) DIR *d = NULL;
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;
	struct dirent *de;

	d = copy < 0 ? NULL : fdopendir(copy);
	if (!d && copy >= 0)
		close(copy);
	while (!rc && d && (de = readdir(d))) {
		char p[PATH_MAX], r[PATH_MAX];

		if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, ".."))
			continue;
		if (snprintf(p, sizeof(p), "%s/%s", path, de->d_name) >= (int)sizeof(p) ||
			snprintf(r, sizeof(r), "%s/%s", rel, de->d_name) >= (int)sizeof(r)) {
			w->c->cut = true; /* deeper than any path can say */
			continue;
		}
		rc = walk_entry(w, fd, de->d_name, p, r, depth);
	}
	return rc;
}

static int write_deleted(struct walk *w, const char *keep)
{
	int fd, rc;

	if (w->keep < 0 || !w->deleted.len)
		return 0;
	fd = openat(w->keep, ".lockstep-deleted", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	rc = fd < 0 ? -errno : buf_write_fd(&w->deleted, fd);
	if (fd >= 0)
		close(fd);
	return rc ? err_set(w->e, -rc, "cannot write %s/.lockstep-deleted: %s", keep, strerror(-rc))
		  : 0;
}

static int open_keep(struct walk *w, const char *keep)
{
	if (mkdir(keep, 0755) && errno != EEXIST)
		return err_set(w->e, errno, "cannot make the folder %s: %s", keep, strerror(errno));
	w->keep = open(keep, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return w->keep < 0 ? err_set(w->e, errno, "cannot open the folder %s: %s", keep,
				     strerror(errno))
			   : 0;
}

int changes_collect(struct changes *c, const struct state_layer *layers, size_t nlayers,
	const struct words *skip, const char *keep, struct err *e)
{
	struct walk w = {
		.c = c, .layers = layers, .nlayers = nlayers, .skip = skip, .keep = -1, .e = e};
	int rc = 0;

	w.hash = XXH3_createState();
	if (!w.hash)
		return err_set(e, ENOMEM, "out of memory");
	if (keep)
		rc = open_keep(&w, keep);
	for (w.layer = 0; !rc && w.layer < nlayers; w.layer++) {
		const struct state_layer *l = &layers[w.layer];

		/* the private /dev/shm of an emulator's program is the emulator's own */
		if (strcmp(l->path, "/dev/shm"))
			rc = walk_dir(&w, l->upper, strcmp(l->path, "/") ? l->path : "", "", 0);
	}
	if (!rc)
		rc = write_deleted(&w, keep);
	if (c->n)
		qsort(c->v, c->n, sizeof(*c->v), entry_compare);
	if (w.keep >= 0)
		close(w.keep);
	buf_fini(&w.deleted);
	XXH3_freeState(w.hash);
	return rc;
}

void changes_fini(struct changes *c)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		free(c->v[i].path);
	free(c->v);
	*c = (struct changes){0};
}
