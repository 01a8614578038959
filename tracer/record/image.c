/*
 * LIMIT: 64-bit images; the auxiliary vector of i386 programs is not read.
 */
#include "tracer/record/image.h"

#include "common/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define CACHE_LEN  8u
#define BLOCK_SIZE 4096u
#define BLOCKS_MAX 32u

/* One file that was looked at, and the blocks of it that were asked for. */
struct image_cache {
	struct stat st;
	uint64_t used; /* counts up: the smallest goes first */
	struct elf_image elf;
	unsigned int len;
	struct block {
		uint64_t off;
		size_t size; /* less than BLOCK_SIZE at the end of the file */
		uint8_t data[BLOCK_SIZE];
	} block[BLOCKS_MAX];
};

static struct image_cache *g_cache[CACHE_LEN];
static uint64_t g_uses;

static ssize_t read_fd(void *ctx, uint64_t off, void *buf, size_t n)
{
	ssize_t rc = pread(*(int *)ctx, buf, n, (off_t)off);

	return rc < 0 ? -errno : rc;
}

/* Any write to the file changes one of these. */
static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       !memcmp(&a->st_mtim, &b->st_mtim, sizeof(a->st_mtim)) &&
	       !memcmp(&a->st_ctim, &b->st_ctim, sizeof(a->st_ctim));
}

/* The entry of that file, or the one to be overwritten (*found false); NULL: no memory. */
static struct image_cache *cache_slot(const struct stat *st, bool *found)
{
	unsigned int oldest = 0;

	for (unsigned int i = 0; i < CACHE_LEN; i++) {
		*found = g_cache[i] && same_file(&g_cache[i]->st, st);
		if (*found)
			return g_cache[i];
		if (!g_cache[i] || (g_cache[oldest] && g_cache[i]->used < g_cache[oldest]->used))
			oldest = i;
	}
	if (!g_cache[oldest])
		g_cache[oldest] = calloc(1, sizeof(struct image_cache));
	return g_cache[oldest];
}

static bool file_open(struct image_file *f)
{
	if (f->fd < 0)
		f->fd = open(f->open_path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	return f->fd >= 0;
}

static int parse(struct image_file *f)
{
	struct elf_reader rd = {.read = read_fd, .ctx = &f->fd};
	struct image_cache *c;
	struct stat st;
	bool found;
	int rc = 0;

	if (stat(f->open_path, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -ENOEXEC;
	c = cache_slot(&st, &found);
	if (!c)
		return -ENOMEM;
	if (!found && !file_open(f))
		return -errno;
	if (!found) {
		rd.size = (uint64_t)st.st_size;
		c->len = 0;
		rc = elf_parse(&c->elf, &rd);
		/* A failure is not kept. */
		memset(&c->st, 0, sizeof(c->st));
		if (!rc)
			c->st = st;
	}
	c->used = ++g_uses;
	f->cache = c;
	f->elf = &c->elf;
	f->there = !rc;
	return rc;
}

static const struct block *block_at(struct image_file *f, uint64_t off)
{
	struct image_cache *c = f->cache;
	struct block *b;
	ssize_t n;

	for (unsigned int i = 0; i < c->len; i++) {
		if (c->block[i].off == off)
			return &c->block[i];
	}
	b = &c->block[c->len < BLOCKS_MAX ? c->len++ : off / BLOCK_SIZE % BLOCKS_MAX];
	n = file_open(f) ? pread(f->fd, b->data, BLOCK_SIZE, (off_t)off) : -1;
	b->off = off;
	b->size = n < 0 ? 0 : (size_t)n;
	return b;
}

bool image_read(struct image_file *f, uint64_t off, void *out, size_t size)
{
	size_t done = 0;

	while (done < size) {
		uint64_t at = off + done;
		size_t skip = (size_t)(at % BLOCK_SIZE);
		const struct block *b = block_at(f, at - skip);
		size_t n = b->size > skip ? b->size - skip : 0;

		if (!n)
			return false;
		if (n > size - done)
			n = size - done;
		memcpy((uint8_t *)out + done, b->data + skip, n);
		done += n;
	}
	return true;
}

/* In the tracee's root, which may not be ours; emulators do not all have those links. */
static int find_file(struct image_file *f, pid_t tid, const char *link)
{
	int rc;

	snprintf(f->open_path, sizeof(f->open_path), "/proc/%d/%s", (int)tid, link);
	rc = parse(f);
	if (rc != -ENOENT || strlen(f->path) >= sizeof(f->open_path))
		return rc;
	strcpy(f->open_path, f->path);
	return parse(f);
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
	char link[64];

	if (exe->interp < 0 || exe->interp_errnum || !base ||
		strlen(exe->interp_path) > sizeof(link) - 6)
		return;
	im->interp.path = exe->interp_path;
	im->interp.bias = base;
	snprintf(link, sizeof(link), "%s%s", *exe->interp_path == '/' ? "root" : "cwd/",
		exe->interp_path);
	find_file(&im->interp, tid, link);
}

int image_open(struct exec_image *im, pid_t tid, const char *path)
{
	uint64_t entry, base;
	int rc;

	im->exe = (struct image_file){.fd = -1, .path = path ? path : ""};
	im->interp = (struct image_file){.fd = -1};
	rc = find_file(&im->exe, tid, "exe");
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
