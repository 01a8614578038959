/*
 * LIMIT: 64-bit images; the auxiliary vector of i386 programs is not read.
 */
#include "tracer/record/image.h"

#include "common/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static struct elf_image g_exe, g_interp;
static char g_exe_path[4096];

static ssize_t read_fd(void *ctx, uint64_t off, void *buf, size_t n)
{
	ssize_t rc = pread(*(int *)ctx, buf, n, (off_t)off);

	return rc < 0 ? -errno : rc;
}

static int parse(struct image_file *f)
{
	struct elf_reader rd = {.read = read_fd, .ctx = &f->fd};
	struct stat st;

	if (fstat(f->fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -ENOEXEC;
	rd.size = (uint64_t)st.st_size;
	return elf_parse(f->elf, &rd);
}

/* /proc/TID/exe, or the path that it names where the link cannot be opened. */
static int open_exe(pid_t tid)
{
	char link[32];
	ssize_t n;
	int fd;

	snprintf(link, sizeof(link), "/proc/%d/exe", (int)tid);
	n = readlink(link, g_exe_path, sizeof(g_exe_path) - 1);
	g_exe_path[n > 0 ? n : 0] = 0;
	fd = open(link, O_RDONLY | O_CLOEXEC);
	return fd >= 0 ? fd : open(g_exe_path, O_RDONLY | O_CLOEXEC);
}

/* In the tracee's root, which may not be ours; emulators do not all have that link. */
static int open_interp(pid_t tid, const char *path)
{
	char in_root[ELF_INTERP_MAX + 32];
	int fd;

	snprintf(in_root, sizeof(in_root), "/proc/%d/%s%s", (int)tid,
		*path == '/' ? "root" : "cwd/", path);
	fd = open(in_root, O_RDONLY | O_CLOEXEC);
	return fd >= 0 ? fd : open(path, O_RDONLY | O_CLOEXEC);
}

static int read_auxv(pid_t tid, uint64_t *entry, uint64_t *base)
{
	Elf64_auxv_t av[64];
	CLEANUP(fd) int fd = -1;
	char path[32];
	ssize_t n;

	*entry = *base = 0;
	snprintf(path, sizeof(path), "/proc/%d/auxv", (int)tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, av, sizeof(av));
	for (ssize_t i = 0; i < n / (ssize_t)sizeof(av[0]); i++) {
		if (av[i].a_type == AT_ENTRY)
			*entry = av[i].a_un.a_val;
		else if (av[i].a_type == AT_BASE)
			*base = av[i].a_un.a_val;
	}
	return *entry ? 0 : -ENXIO;
}

static void interp_open(struct exec_image *im, pid_t tid, uint64_t base)
{
	const struct elf_image *exe = im->exe.elf;

	if (exe->interp < 0 || exe->interp_errnum || !base)
		return;
	im->interp.path = exe->interp_path;
	im->interp.bias = base;
	im->interp.fd = open_interp(tid, exe->interp_path);
	if (im->interp.fd >= 0 && parse(&im->interp)) {
		close(im->interp.fd);
		im->interp.fd = -1;
	}
}

int image_open(struct exec_image *im, pid_t tid)
{
	uint64_t entry, base;
	int rc;

	im->exe = (struct image_file){.fd = -1, .path = g_exe_path, .elf = &g_exe};
	im->interp = (struct image_file){.fd = -1, .elf = &g_interp};
	im->exe.fd = open_exe(tid);
	if (im->exe.fd < 0)
		return -errno;
	rc = parse(&im->exe);
	if (rc)
		return rc;
	if (im->exe.elf->bits != 64)
		return -ENOEXEC;
	rc = read_auxv(tid, &entry, &base);
	if (rc)
		return rc;
	im->exe.bias = entry - im->exe.elf->eh.e_entry;
	interp_open(im, tid, base);
	return 0;
}

void image_close(struct exec_image *im)
{
	if (im->exe.fd >= 0)
		close(im->exe.fd);
	if (im->interp.fd >= 0)
		close(im->interp.fd);
	im->exe.fd = im->interp.fd = -1;
}
