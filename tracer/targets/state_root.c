/*
 * See state_build.h: the host's files, each file system under a layer that catches what is written.
 * Lower folders are entered by chdir and named `.`: no path of the host's has to be quoted for
 * mount(2), and the command's /proc/mounts is the same on every host.
 */
#include "tracer/targets/state_build.h"

#include "common/buf.h"
#include "common/cleanup.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

/* /up/N with the looks of `like` (the root of an overlay shows the upper's owner and mode). */
int make_upper(struct build *b, const char *like, char *up)
{
	char work[PATH_MAX];
	struct stat st;
	unsigned int n = b->c->nlayers++;

	if (mkdir(fmt_path(up, "/up/%u", n), 0700) || mkdir(fmt_path(work, "/work/%u", n), 0700))
		return BUILD_FAIL(b, "cannot make a layer: %s", strerror(errno));
	if (!like || stat(like, &st))
		return 0;
	if (chown(up, st.st_uid, st.st_gid) && !b->c->user_ns)
		return BUILD_FAIL(b, "chown of a layer: %s", strerror(errno));
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

int overlay_or_read_only(struct build *b, const char *lower, const char *path)
{
	int rc = overlay_at(b, lower, path);

	if (!rc)
		return 0;
	/* nothing could be written to a folder that may not even be entered */
	if (rc != -EACCES)
		state_note(b->c, "%s is read-only inside: an overlay of it failed (%s)", path,
			strerror(-rc));
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

int build_link(struct build *b, const char *lower, const char *path)
{
	char to[PATH_MAX], at[PATH_MAX];
	ssize_t n = readlink(lower, to, sizeof(to) - 1);

	if (n < 0)
		return 0;
	to[n] = 0;
	if (symlink(to, fmt_path(at, "/new%s", path)) && errno != EEXIST)
		return BUILD_FAIL(b, "cannot make the link %s inside: %s", path, strerror(errno));
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
		return BUILD_FAIL(b, "cannot read the folder %s: %s", lower + 4, strerror(errno));
	while (!rc && (de = readdir(d))) {
		if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, ".."))
			continue;
		rc = build_entry(b, fmt_path(entry, "%s/%s", path, de->d_name));
	}
	return rc;
}

int mount_root(struct build *b)
{
	char lower[PATH_MAX];
	int rc = -EINVAL;

	if (!b->c->user_ns)
		rc = overlay_at(b, fmt_path(lower, "/old%s", rootfs_of(b)), "/");
	if (!rc)
		return mirror_mounts(b);
	if (mount("lockstep", "/new", "tmpfs", 0, "mode=0755"))
		return BUILD_FAIL(b, "cannot mount a tmpfs: %s", strerror(errno));
	return build_tree(b, "");
}
