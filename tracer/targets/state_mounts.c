/*
 * See state_build.h: the order in which the file system of the disposable state is built.
 *
 * With a root file system (--rootfs) and a target that is started with words of its own, the target
 * itself must be found, which the root file system has not: then the new root stands at
 * STATE_ROOTFS in a tree of the host's files, and the target is told where.
 */
#include "tracer/targets/state_build.h"

#include "common/buf.h"
#include "common/cleanup.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MOUNTINFO_MAX (16 * 1024 * 1024)

/* Where the first tmpfs may be mounted: any folder does, it is hidden only inside. */
static const char *const g_bases[] = {"/tmp", "/run", "/mnt", "/var"};

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
		return BUILD_FAIL(b, "cannot mount a tmpfs: %s", strerror(errno));
	mkdir(fmt_path(old, "%s/old", base), 0755);
	if (pivot(base, old) || chdir("/"))
		return BUILD_FAIL(b, "pivot_root: %s", strerror(errno));
	if (mkdir("/new", 0755) || mkdir("/up", 0700) || mkdir("/work", 0700))
		return BUILD_FAIL(b, "cannot make the layers' folders: %s", strerror(errno));
	return 0;
}

/* The host's tree as it is, with a private /tmp that holds the new root. */
static int move_beside(struct build *b)
{
	char at[PATH_MAX];

	if (mkdir("/host", 0755) || mount("/old", "/host", NULL, MS_BIND | MS_REC, NULL))
		return BUILD_FAIL(
			b, "cannot show the host's files to the target: %s", strerror(errno));
	if (mount("proc", "/host/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) ||
		mount("lockstep", "/host/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777"))
		return BUILD_FAIL(
			b, "cannot mount /proc and /tmp for the target: %s", strerror(errno));
	if (mkdir("/host" STATE_DIR, 0755) || mkdir(fmt_path(at, "/host%s", STATE_ROOTFS), 0755) ||
		mount("/new", at, NULL, MS_MOVE, NULL))
		return BUILD_FAIL(
			b, "cannot show the root file system to the target: %s", strerror(errno));
	return 0;
}

static int new_enter(struct build *b)
{
	const char *root = b->c->spec->beside ? "/host" : "/new";

	if (chdir(root) || pivot(".", ".") || umount2(".", MNT_DETACH) || chdir("/"))
		return BUILD_FAIL(b, "cannot enter the new root: %s", strerror(errno));
	return 0;
}

static int build_disposable(struct build *b)
{
	int rc = base_enter(b);

	if (!rc)
		rc = mount_root(b);
	if (!rc)
		rc = mount_system(b);
	if (!rc)
		rc = mount_privates(b);
	if (!rc)
		rc = mount_inside(b, "/new", "/old");
	if (!rc)
		rc = mount_binds(b);
	if (!rc && b->c->spec->beside)
		rc = move_beside(b);
	return rc ? rc : new_enter(b);
}

/* --rw: the host's files as they are. Only /proc has to be that of the new PID namespace. */
static int build_rw(struct build *b)
{
	if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL))
		return BUILD_FAIL(b, "cannot mount /proc inside: %s", strerror(errno));
	return mount_inside(b, "", "");
}

int state_mount_all(struct state_ctx *c, struct err *e)
{
	struct build b = {.c = c, .e = e};
	int rc = read_mounts(&b);

	if (!rc && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		rc = BUILD_FAIL(&b, "cannot make the mounts private: %s", strerror(errno));
	if (!rc)
		rc = c->spec->rw ? build_rw(&b) : build_disposable(&b);
	if (!rc && !c->host_proc)
		rc = send_dir(&b, SM_PROC, "/proc", "/proc", NULL);
	host_mounts_fini(&b.mounts);
	words_fini(&b.visible);
	return rc;
}
