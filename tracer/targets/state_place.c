/* See state_build.h: making folders and files inside, and showing host files there. */
#include "tracer/targets/state_build.h"

#include "common/buf.h"
#include "common/cleanup.h"

#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

const char *fmt_path(char *out, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(out, PATH_MAX, fmt, ap);
	va_end(ap);
	return out;
}

/* mkdir -p for /new + path, from below /new on. */
int make_dirs(struct build *b, const char *path)
{
	char at[PATH_MAX];
	char *p;

	fmt_path(at, "/new%s", path);
	for (p = at + strlen("/new/"); *p; p++) {
		if (*p != '/')
			continue;
		*p = 0;
		if (mkdir(at, 0755) && errno != EEXIST)
			return BUILD_FAIL(b, "cannot make %s inside: %s", at + 4, strerror(errno));
		*p = '/';
	}
	if (mkdir(at, 0755) && errno != EEXIST)
		return BUILD_FAIL(b, "cannot make %s inside: %s", at + 4, strerror(errno));
	return 0;
}

/* An empty file at /new + path to mount on. */
static int make_file(struct build *b, const char *path)
{
	char at[PATH_MAX], *slash;
	int fd;

	fmt_path(at, "%s", path);
	slash = strrchr(at, '/');
	if (slash && slash != at) {
		*slash = 0;
		if (make_dirs(b, at))
			return -EIO;
	}
	fd = open(fmt_path(at, "/new%s", path), O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	if (fd < 0)
		return BUILD_FAIL(b, "cannot make %s inside: %s", path, strerror(errno));
	close(fd);
	return 0;
}

int remount_read_only(const char *at)
{
	struct statvfs vfs;
	unsigned long keep = 0;

	/* In a user namespace the flags that a mount has are locked, and must be repeated. */
	if (!statvfs(at, &vfs))
		keep = ((vfs.f_flag & ST_NOSUID) ? MS_NOSUID : 0) |
		       ((vfs.f_flag & ST_NODEV) ? MS_NODEV : 0) |
		       ((vfs.f_flag & ST_NOEXEC) ? MS_NOEXEC : 0) |
		       ((vfs.f_flag & ST_NOATIME) ? MS_NOATIME : 0) |
		       ((vfs.f_flag & ST_RELATIME) ? MS_RELATIME : 0);
	return mount(NULL, at, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | keep, NULL);
}

/* Shows `src` (as seen now) at /new + dst, which is made as needed. */
int bind_at(struct build *b, const char *src, const char *dst, bool read_only)
{
	char at[PATH_MAX];
	struct stat st;
	int rc;

	if (stat(src, &st))
		return BUILD_FAIL(b, "%s: %s", src, strerror(errno));
	rc = S_ISDIR(st.st_mode) ? make_dirs(b, dst) : make_file(b, dst);
	if (rc)
		return rc;
	fmt_path(at, "/new%s", dst);
	if (mount(src, at, NULL, MS_BIND | MS_REC, NULL))
		return BUILD_FAIL(b, "cannot show %s inside: %s", dst, strerror(errno));
	if (read_only && remount_read_only(at))
		return BUILD_FAIL(b, "cannot make %s read-only inside: %s", dst, strerror(errno));
	return 0;
}

int send_dir(struct build *b, int kind, const char *dir, const char *path, const char *lower)
{
	CLEANUP(fd) int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct state_msg m = {.kind = kind};

	if (fd < 0)
		return BUILD_FAIL(b, "%s: %s", dir, strerror(errno));
	snprintf(m.a, sizeof(m.a), "%s", path);
	snprintf(m.b, sizeof(m.b), "%s", lower ? lower : "");
	return state_send(b->c->sock, &m, fd);
}

/* ---- our own files, and the user's binds ---- */

/* `new_root` is "/new" while that is still to become the root. */
int mount_inside(struct build *b, const char *new_root, const char *old_root)
{
	const struct state_spec *spec = b->c->spec;
	char at[PATH_MAX], src[PATH_MAX];
	size_t i;

	fmt_path(at, "%s%s", new_root, b->c->inside);
	if (mkdir(at, 0755) && errno != EEXIST)
		return BUILD_FAIL(b, "cannot make %s: %s", at, strerror(errno));
	if (mount("lockstep", at, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755"))
		return BUILD_FAIL(b, "cannot mount %s: %s", at, strerror(errno));
	if (send_dir(b, SM_INSIDE, at, b->c->inside, NULL))
		return -EIO;
	mkdir(fmt_path(at, "%s%s/target", new_root, b->c->inside), 0700);
	if (symlink("../..", fmt_path(at, "%s%s/root", new_root, b->c->inside)))
		return BUILD_FAIL(b, "%s: %s", at, strerror(errno));
	for (i = 0; i < spec->nfiles; i++) {
		const struct state_file *f = &spec->files[i];
		int fd;

		fmt_path(at, "%s%s/%s", new_root, b->c->inside, f->name);
		fd = open(at, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
		if (fd >= 0)
			close(fd);
		fmt_path(src, "%s%s", old_root, f->host_path);
		if (mount(src, at, NULL, MS_BIND, NULL))
			return BUILD_FAIL(
				b, "cannot show %s inside: %s", f->host_path, strerror(errno));
		if (!f->writable && remount_read_only(at))
			return BUILD_FAIL(
				b, "cannot show %s read-only: %s", f->host_path, strerror(errno));
	}
	return 0;
}

int mount_binds(struct build *b)
{
	const struct state_spec *spec = b->c->spec;
	char src[PATH_MAX];
	size_t i;
	int rc = 0;

	for (i = 0; !rc && i < spec->nbinds; i++)
		rc = bind_at(b, fmt_path(src, "/old%s", spec->binds[i].src), spec->binds[i].dst,
			spec->binds[i].read_only);
	return rc;
}
