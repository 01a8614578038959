/*
 * The file system of the disposable state. Runs inside the new mount namespace, before anything of
 * the command does. While it is being built the root is a tmpfs of ours:
 *
 *   /old     the host's root      /up/N, /work/N   what layer N catches
 *   /new     the root to be
 *
 * Lower folders are entered by chdir and named `.`: no path of the host's has to be quoted for
 * mount(2), and the command's /proc/mounts is the same on every host.
 */
#include "tracer/targets/state_impl.h"

#include "common/buf.h"
#include "common/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>

#define MOUNTINFO_MAX (16 * 1024 * 1024)
/* A named file directly in a private folder is copied in; a larger one is shown read-only. */
#define COPY_MAX (64 * 1024 * 1024)

/* Folders that are private to a run, whatever the host has there. */
static const char *const g_private[] = {"/tmp", "/dev/shm"};
/* Where the first tmpfs may be mounted: any folder does, it is hidden only inside. */
static const char *const g_bases[] = {"/tmp", "/run", "/mnt", "/var"};

struct build {
	struct state_ctx *c;
	struct err *e;
	struct host_mounts mounts;
	struct words visible; /* layers under private folders, so far */
};

#define FAIL(b, ...) err_set((b)->e, errno, __VA_ARGS__)

__attribute__((format(printf, 2, 3))) static const char *fmt_path(char *out, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(out, PATH_MAX, fmt, ap);
	va_end(ap);
	return out;
}

/* mkdir -p for /new + path, from below /new on. */
static int make_dirs(struct build *b, const char *path)
{
	char at[PATH_MAX];
	char *p;

	fmt_path(at, "/new%s", path);
	for (p = at + strlen("/new/"); *p; p++) {
		if (*p != '/')
			continue;
		*p = 0;
		if (mkdir(at, 0755) && errno != EEXIST)
			return FAIL(b, "cannot make %s inside: %s", at + 4, strerror(errno));
		*p = '/';
	}
	if (mkdir(at, 0755) && errno != EEXIST)
		return FAIL(b, "cannot make %s inside: %s", at + 4, strerror(errno));
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
		return FAIL(b, "cannot make %s inside: %s", path, strerror(errno));
	close(fd);
	return 0;
}

static int remount_read_only(const char *at)
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
static int bind_at(struct build *b, const char *src, const char *dst, bool read_only)
{
	char at[PATH_MAX];
	struct stat st;
	int rc;

	if (stat(src, &st))
		return FAIL(b, "%s: %s", src, strerror(errno));
	rc = S_ISDIR(st.st_mode) ? make_dirs(b, dst) : make_file(b, dst);
	if (rc)
		return rc;
	fmt_path(at, "/new%s", dst);
	if (mount(src, at, NULL, MS_BIND | MS_REC, NULL))
		return FAIL(b, "cannot show %s inside: %s", dst, strerror(errno));
	if (read_only && remount_read_only(at))
		return FAIL(b, "cannot make %s read-only inside: %s", dst, strerror(errno));
	return 0;
}

static int send_dir(struct build *b, int kind, const char *dir, const char *path, const char *lower)
{
	CLEANUP(fd) int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct state_msg m = {.kind = kind};

	if (fd < 0)
		return FAIL(b, "%s: %s", dir, strerror(errno));
	snprintf(m.a, sizeof(m.a), "%s", path);
	snprintf(m.b, sizeof(m.b), "%s", lower ? lower : "");
	return state_send(b->c->sock, &m, fd);
}

/* /up/N with the looks of `like` (the root of an overlay shows the upper's owner and mode). */
static int make_upper(struct build *b, const char *like, char *up)
{
	char work[PATH_MAX];
	struct stat st;
	unsigned int n = b->c->nlayers++;

	if (mkdir(fmt_path(up, "/up/%u", n), 0700) || mkdir(fmt_path(work, "/work/%u", n), 0700))
		return FAIL(b, "cannot make a layer: %s", strerror(errno));
	if (!like || stat(like, &st))
		return 0;
	if (chown(up, st.st_uid, st.st_gid) && !b->c->user_ns)
		return FAIL(b, "chown of a layer: %s", strerror(errno));
	chmod(up, st.st_mode & 07777);
	return 0;
}

/* Programs look up their own host name: the layer that holds /etc gets an /etc/hosts that knows it.
 */
static int seed_hosts(struct build *b, const char *lower, const char *up, const char *etc)
{
	CLEANUP(buf) struct buf text = {0};
	CLEANUP(fd) int in = -1, out = -1;
	char path[PATH_MAX];
	struct stat st;

	if (stat(fmt_path(path, "%s%s", lower, etc), &st) || !S_ISDIR(st.st_mode))
		return 0;
	in = open(fmt_path(path, "%s%s/hosts", lower, etc), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (in < 0 || buf_read_fd(&text, in, 1 << 20))
		return 0;
	if (text.len && text.data[text.len - 1] != '\n')
		buf_add_byte(&text, '\n');
	buf_add_str(&text, "127.0.0.1\t" STATE_HOST_NAME "\n");
	if (*etc && mkdir(fmt_path(path, "%s%s", up, etc), st.st_mode & 07777))
		return -errno;
	out = open(fmt_path(path, "%s%s/hosts", up, etc), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	return out < 0 ? -errno : buf_write_fd(&text, out);
}

/*
 * An overlay of the host's folder `lower` ("/old...") at /new + path, which exists. Negative errno
 * without a sentence: the caller may know another way.
 */
static int overlay_at(struct build *b, const char *lower, const char *path)
{
	char up[PATH_MAX], at[PATH_MAX], opts[128];
	unsigned int n = b->c->nlayers;
	int rc = make_upper(b, lower, up);

	if (!rc && !strcmp(path, "/"))
		rc = seed_hosts(b, lower, up, "/etc");
	if (!rc && !strcmp(path, "/etc"))
		rc = seed_hosts(b, lower, up, "");
	if (rc)
		return rc;
	snprintf(opts, sizeof(opts), "lowerdir=.,upperdir=/up/%u,workdir=/work/%u%s", n, n,
		b->c->user_ns ? ",userxattr" : ",index=off,metacopy=off,redirect_dir=nofollow");
	if (chdir(lower))
		return -errno;
	rc = mount("lockstep", fmt_path(at, "/new%s", path), "overlay", 0, opts) ? -errno : 0;
	if (chdir("/") || rc)
		return rc ? rc : -errno;
	return send_dir(b, SM_LAYER, up, path, lower[4] ? lower + 4 : "/");
}

static bool is_private(const char *path)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(g_private); i++)
		if (path_below(path, g_private[i]))
			return true;
	return false;
}

/* Folders that are made fresh: nothing of the host's is mirrored there. */
static bool is_fresh(const char *path)
{
	return path_below(path, "/proc") || path_below(path, "/sys") || path_below(path, "/dev") ||
	       is_private(path);
}

static const char *rootfs_of(const struct build *b)
{
	return b->c->spec->rootfs ? b->c->spec->rootfs : "";
}

/* A mount point of the host, as a path inside; NULL when it is not below the root to be. */
static const char *inside_of(const struct build *b, const char *point)
{
	const char *root = rootfs_of(b);

	if (!path_below(point, *root ? root : "/"))
		return NULL;
	point += strlen(root);
	return *point && strcmp(point, "/") ? point : NULL;
}

static int overlay_or_read_only(struct build *b, const char *lower, const char *path)
{
	int rc = overlay_at(b, lower, path);

	if (!rc)
		return 0;
	state_note(
		b->c, "%s is read-only inside: an overlay of it failed (%s)", path, strerror(-rc));
	return bind_at(b, lower, path, true);
}

/* Other file systems of the host that are mounted below the root: each gets its own layer. */
static int mirror_mounts(struct build *b)
{
	char lower[PATH_MAX];
	struct stat st;
	size_t i;
	int rc = 0;

	for (i = 0; !rc && i < b->mounts.n; i++) {
		const char *path = inside_of(b, b->mounts.v[i].point);

		if (!path || is_fresh(path) || fstype_is_pseudo(b->mounts.v[i].fstype))
			continue;
		if (stat(fmt_path(lower, "/old%s", b->mounts.v[i].point), &st))
			continue;
		if (S_ISDIR(st.st_mode))
			rc = overlay_or_read_only(b, lower, path);
		else
			rc = bind_at(b, lower, path, true);
	}
	return rc;
}

static bool has_mounts_below(const struct build *b, const char *path)
{
	size_t i;

	for (i = 0; i < b->mounts.n; i++) {
		const char *point = inside_of(b, b->mounts.v[i].point);

		if (point && strcmp(point, path) && path_below(point, path))
			return true;
	}
	return false;
}

static bool is_pseudo_mount(const struct build *b, const char *path)
{
	size_t i;

	for (i = 0; i < b->mounts.n; i++) {
		const char *point = inside_of(b, b->mounts.v[i].point);

		if (point && !strcmp(point, path))
			return fstype_is_pseudo(b->mounts.v[i].fstype);
	}
	return false;
}

static int build_tree(struct build *b, const char *path);

static int build_link(struct build *b, const char *lower, const char *path)
{
	char to[PATH_MAX], at[PATH_MAX];
	ssize_t n = readlink(lower, to, sizeof(to) - 1);

	if (n < 0)
		return 0;
	to[n] = 0;
	if (symlink(to, fmt_path(at, "/new%s", path)) && errno != EEXIST)
		return FAIL(b, "cannot make the link %s inside: %s", path, strerror(errno));
	return 0;
}

static int build_entry(struct build *b, const char *path)
{
	char lower[PATH_MAX];
	struct stat st;
	int rc;

	if (lstat(fmt_path(lower, "/old%s%s", rootfs_of(b), path), &st))
		return 0;
	if (S_ISLNK(st.st_mode))
		return build_link(b, lower, path);
	if (!S_ISDIR(st.st_mode))
		return S_ISREG(st.st_mode) ? bind_at(b, lower, path, true) : 0;
	rc = make_dirs(b, path);
	if (rc || is_fresh(path) || is_pseudo_mount(b, path))
		return rc;
	return has_mounts_below(b, path) ? build_tree(b, path)
					 : overlay_or_read_only(b, lower, path);
}

/*
 * One layer for each folder without mounts below it. For user namespaces: there an overlay whose
 * lower folder has (locked) mounts below is EINVAL, Linux v6.18
 * fs/namespace.c:clone_private_mount().
 */
static int build_tree(struct build *b, const char *path)
{
	char lower[PATH_MAX], entry[PATH_MAX];
	CLEANUP(dir) DIR *d = opendir(fmt_path(lower, "/old%s%s", rootfs_of(b), path));
	struct dirent *de;
	int rc = 0;

	if (!d)
		return FAIL(b, "cannot read the folder %s: %s", lower + 4, strerror(errno));
	while (!rc && (de = readdir(d))) {
		if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, ".."))
			continue;
		rc = build_entry(b, fmt_path(entry, "%s/%s", path, de->d_name));
	}
	return rc;
}

static int mount_root(struct build *b)
{
	char lower[PATH_MAX];
	int rc = -EINVAL;

	if (!b->c->user_ns)
		rc = overlay_at(b, fmt_path(lower, "/old%s", rootfs_of(b)), "/");
	if (!rc)
		return mirror_mounts(b);
	if (mount("lockstep", "/new", "tmpfs", 0, "mode=0755"))
		return FAIL(b, "cannot mount a tmpfs: %s", strerror(errno));
	return build_tree(b, "");
}

/* ---- what every Linux has: /proc, /sys, /dev ---- */

static int mount_proc(struct build *b)
{
	if (make_dirs(b, "/proc"))
		return -EIO;
	if (!mount("proc", "/new/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL))
		return 0;
	if (!b->c->user_ns)
		return FAIL(b, "cannot mount /proc inside: %s", strerror(errno));
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
		rc = FAIL(b, "cannot mount /dev inside: %s", strerror(errno));
	for (i = 0; !rc && i < ARRAY_LEN(nodes); i++)
		rc = show_device(b, nodes[i]);
	for (i = 0; !rc && more && i < more->n; i++)
		rc = show_device(b, more->v[i]);
	for (i = 0; !rc && i < ARRAY_LEN(links); i++)
		if (symlink(links[i][0], links[i][1]))
			rc = FAIL(b, "%s: %s", links[i][1], strerror(errno));
	if (!rc)
		rc = make_dirs(b, "/dev/pts");
	if (!rc && mount("devpts", "/new/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
			   "newinstance,ptmxmode=0666,mode=0620"))
		state_note(b->c, "no terminals can be made inside: %s", strerror(errno));
	return rc;
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
		return FAIL(b, "cannot mount a private %s: %s", path, strerror(errno));
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

static int mount_privates(struct build *b)
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

/* ---- our own files, and the user's binds ---- */

/* `new_root` is "/new" while that is still to become the root. */
static int mount_inside(struct build *b, const char *new_root, const char *old_root)
{
	const struct state_spec *spec = b->c->spec;
	char at[PATH_MAX], src[PATH_MAX];
	size_t i;

	fmt_path(at, "%s%s", new_root, b->c->inside);
	if (mkdir(at, 0755) && errno != EEXIST)
		return FAIL(b, "cannot make %s: %s", at, strerror(errno));
	if (mount("lockstep", at, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755"))
		return FAIL(b, "cannot mount %s: %s", at, strerror(errno));
	if (send_dir(b, SM_INSIDE, at, b->c->inside, NULL))
		return -EIO;
	mkdir(fmt_path(at, "%s%s/target", new_root, b->c->inside), 0700);
	for (i = 0; i < spec->nfiles; i++) {
		const struct state_file *f = &spec->files[i];
		int fd;

		fmt_path(at, "%s%s/%s", new_root, b->c->inside, f->name);
		fd = open(at, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
		if (fd >= 0)
			close(fd);
		fmt_path(src, "%s%s", old_root, f->host_path);
		if (mount(src, at, NULL, MS_BIND, NULL))
			return FAIL(b, "cannot show %s inside: %s", f->host_path, strerror(errno));
		if (!f->writable && remount_read_only(at))
			return FAIL(
				b, "cannot show %s read-only: %s", f->host_path, strerror(errno));
	}
	return 0;
}

static int mount_binds(struct build *b)
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

/* ---- the order of things ---- */

static int read_mounts(struct build *b)
{
	CLEANUP(buf) struct buf text = {0};
	CLEANUP(fd) int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	int rc = fd < 0 ? -errno : buf_read_fd(&text, fd, MOUNTINFO_MAX);

	if (!rc)
		rc = host_mounts_parse(&b->mounts, buf_str(&text));
	return rc ? err_set(b->e, -rc, "cannot read /proc/self/mountinfo: %s", strerror(-rc)) : 0;
}

static int pivot(const char *new_root, const char *put_old)
{
	return syscall(SYS_pivot_root, new_root, put_old) ? -errno : 0;
}

/* Makes a tmpfs the root, with the host's root at /old. */
static int base_enter(struct build *b)
{
	char old[PATH_MAX];
	const char *base = NULL;
	size_t i;

	for (i = 0; i < ARRAY_LEN(g_bases) && !base; i++)
		if (!mount("lockstep", g_bases[i], "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755"))
			base = g_bases[i];
	if (!base)
		return FAIL(b, "cannot mount a tmpfs: %s", strerror(errno));
	mkdir(fmt_path(old, "%s/old", base), 0755);
	if (pivot(base, old) || chdir("/"))
		return FAIL(b, "pivot_root: %s", strerror(errno));
	if (mkdir("/new", 0755) || mkdir("/up", 0700) || mkdir("/work", 0700))
		return FAIL(b, "cannot make the layers' folders: %s", strerror(errno));
	return 0;
}

static int new_enter(struct build *b)
{
	if (chdir("/new") || pivot(".", ".") || umount2(".", MNT_DETACH) || chdir("/"))
		return FAIL(b, "cannot enter the new root: %s", strerror(errno));
	return 0;
}

static int build_disposable(struct build *b)
{
	int rc = base_enter(b);

	if (!rc)
		rc = mount_root(b);
	if (!rc)
		rc = mount_proc(b);
	if (!rc)
		rc = mount_sys(b);
	if (!rc)
		rc = mount_dev(b);
	if (!rc)
		rc = mount_privates(b);
	if (!rc)
		rc = mount_inside(b, "/new", "/old");
	if (!rc)
		rc = mount_binds(b);
	return rc ? rc : new_enter(b);
}

/* --rw: the host's files as they are. Only /proc has to be that of the new PID namespace. */
static int build_rw(struct build *b)
{
	if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL))
		return FAIL(b, "cannot mount /proc inside: %s", strerror(errno));
	return mount_inside(b, "", "");
}

int state_mount_all(struct state_ctx *c, struct err *e)
{
	struct build b = {.c = c, .e = e};
	int rc = read_mounts(&b);

	if (!rc && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		rc = FAIL(&b, "cannot make the mounts private: %s", strerror(errno));
	if (!rc)
		rc = c->spec->rw ? build_rw(&b) : build_disposable(&b);
	if (!rc)
		rc = send_dir(&b, SM_PROC, "/proc", "/proc", NULL);
	host_mounts_fini(&b.mounts);
	words_fini(&b.visible);
	return rc;
}
