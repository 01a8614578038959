/* See state_build.h: what every run gets new. */
#include "tracer/targets/state_build.h"

#include "common/buf.h"
#include "common/cleanup.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

/* A named file directly in a private folder is copied in; a larger one is shown read-only. */
#define COPY_MAX (64 * 1024 * 1024)

static const char *const g_private[] = {"/tmp", "/dev/shm"};

bool is_private(const char *path)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(g_private); i++)
		if (path_below(path, g_private[i]))
			return true;
	return false;
}

/* ---- what every Linux has: /proc, /sys, /dev ---- */

static int mount_proc(struct build *b)
{
	if (make_dirs(b, "/proc"))
		return -EIO;
	if (!mount("proc", "/new/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL))
		return 0;
	if (!b->c->user_ns)
		return BUILD_FAIL(b, "cannot mount /proc inside: %s", strerror(errno));
	b->c->host_proc = true;
	state_note(b->c,
		"/proc inside is the host's, with the host's process ids: %s (parts of "
		"the host's /proc are covered, as in a container)",
		strerror(errno));
	return bind_at(b, "/old/proc", "/proc", false);
}

static int mount_sys(struct build *b)
{
	if (make_dirs(b, "/sys"))
		return -EIO;
	if (!mount("sysfs", "/new/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY,
		    NULL))
		return 0;
	if (mount("/old/sys", "/new/sys", NULL, MS_BIND | MS_REC, NULL))
		state_note(b->c, "/sys is empty inside: %s", strerror(errno));
	return 0;
}

static int show_device(struct build *b, const char *path)
{
	char src[PATH_MAX];

	if (path_below(path, "/dev/shm") || !path_below(path, "/dev") || strstr(path, "/../"))
		return err_set(b->e, EINVAL, "%s is not a device file below /dev", path);
	if (access(fmt_path(src, "/old%s", path), F_OK))
		return 0; /* the target itself says what it misses */
	return bind_at(b, src, path, false);
}

static int mount_dev(struct build *b)
{
	static const char *const nodes[] = {
		"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"};
	static const char *const links[][2] = {{"/proc/self/fd", "/new/dev/fd"},
		{"/proc/self/fd/0", "/new/dev/stdin"}, {"/proc/self/fd/1", "/new/dev/stdout"},
		{"/proc/self/fd/2", "/new/dev/stderr"}, {"pts/ptmx", "/new/dev/ptmx"}};
	const struct words *more = b->c->spec->devices;
	size_t i;
	int rc = make_dirs(b, "/dev");

	if (!rc && mount("lockstep-dev", "/new/dev", "tmpfs", MS_NOSUID, "mode=0755"))
		rc = BUILD_FAIL(b, "cannot mount /dev inside: %s", strerror(errno));
	for (i = 0; !rc && i < ARRAY_LEN(nodes); i++)
		rc = show_device(b, nodes[i]);
	for (i = 0; !rc && more && i < more->n; i++)
		rc = show_device(b, more->v[i]);
	for (i = 0; !rc && i < ARRAY_LEN(links); i++)
		if (symlink(links[i][0], links[i][1]))
			rc = BUILD_FAIL(b, "%s: %s", links[i][1], strerror(errno));
	if (!rc)
		rc = make_dirs(b, "/dev/pts");
	if (!rc && mount("devpts", "/new/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
			   "newinstance,ptmxmode=0666,mode=0620"))
		state_note(b->c, "no terminals can be made inside: %s", strerror(errno));
	return rc;
}

int mount_system(struct build *b)
{
	int rc = mount_proc(b);

	if (!rc)
		rc = mount_sys(b);
	return rc ? rc : mount_dev(b);
}

/* ---- private folders, and what stays visible below them ---- */

static int mount_private(struct build *b, const char *path)
{
	char up[PATH_MAX], at[PATH_MAX];
	int rc = make_dirs(b, path);

	if (!rc)
		rc = make_upper(b, NULL, up);
	if (rc)
		return rc;
	chmod(up, 01777);
	if (mount(up, fmt_path(at, "/new%s", path), NULL, MS_BIND, NULL))
		return BUILD_FAIL(b, "cannot mount a private %s: %s", path, strerror(errno));
	return send_dir(b, SM_LAYER, up, path, NULL);
}

static int copy_file(struct build *b, const char *src, const char *path, const struct stat *st)
{
	CLEANUP(buf) struct buf text = {0};
	CLEANUP(fd) int in = open(src, O_RDONLY | O_CLOEXEC), out = -1;
	char at[PATH_MAX];
	int rc;

	if (st->st_size > COPY_MAX || in < 0 || buf_read_fd(&text, in, COPY_MAX))
		return bind_at(b, src, path, true);
	out = open(fmt_path(at, "/new%s", path), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	rc = out < 0 ? -errno : buf_write_fd(&text, out);
	if (!rc && (fchmod(out, st->st_mode & 07777) || fchown(out, st->st_uid, st->st_gid)))
		rc = b->c->user_ns ? 0 : -errno;
	if (out >= 0)
		close(out);
	return rc ? err_set(b->e, -rc, "cannot copy %s into the private folder: %s", path,
			    strerror(-rc))
		  : 0;
}

static int show_folder(struct build *b, const char *path)
{
	char lower[PATH_MAX];
	int rc = make_dirs(b, path);

	if (!rc)
		rc = overlay_or_read_only(b, fmt_path(lower, "/old%s", path), path);
	return rc;
}

/*
 * Something under a private folder that the user named. What is shown is the entry directly below
 * the private folder: a program named /tmp/venv/bin/python needs /tmp/venv/lib as well.
 */
static int show_visible(struct build *b, const char *path)
{
	char lower[PATH_MAX], entry[PATH_MAX];
	struct stat st;
	size_t i, len = 0;

	for (i = 0; i < ARRAY_LEN(g_private); i++)
		if (path_below(path, g_private[i]))
			len = strlen(g_private[i]);
	if (!len || !path[len])
		return 0;
	fmt_path(entry, "%.*s", (int)(len + 1 + strcspn(path + len + 1, "/")), path);
	for (i = 0; i < b->visible.n; i++)
		if (!strcmp(entry, b->visible.v[i]))
			return 0;
	if (lstat(fmt_path(lower, "/old%s", entry), &st))
		return 0;
	words_add(&b->visible, entry);
	if (S_ISLNK(st.st_mode))
		return build_link(b, lower, entry);
	if (S_ISDIR(st.st_mode))
		return show_folder(b, entry);
	return S_ISREG(st.st_mode) ? copy_file(b, lower, entry, &st) : 0;
}

int mount_privates(struct build *b)
{
	const struct words *v = b->c->spec->visible;
	size_t i;
	int rc = 0;

	for (i = 0; !rc && i < ARRAY_LEN(g_private); i++)
		rc = mount_private(b, g_private[i]);
	for (i = 0; !rc && v && i < v->n; i++)
		rc = show_visible(b, v->v[i]);
	return rc;
}
