/* See host_vma.h. */
#include "tracer/targets/host_vma.h"

#include "common/cleanup.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <string.h>
#include <time.h>

#define FIRST_NS      (2 * 1000000ULL)
#define INTERVAL_NS   (50 * 1000000ULL)
#define MAX_SAMPLES   2000
#define COST_SHARE    20 /* of the time, one part in so many goes into looking */
#define MAPS_SIZE_MAX (64 << 20)

static int read_at(int dir, const char *path, struct buf *b, size_t max)
{
	CLEANUP(fd) int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);

	buf_reset(b);
	return fd < 0 ? -errno : buf_read_fd(b, fd, max);
}

void host_vma_init(struct host_vma *v)
{
	CLEANUP(buf) struct buf text = {0};

	*v = (struct host_vma){.interval_ns = FIRST_NS};
	if (!read_at(AT_FDCWD, "/proc/sys/vm/max_map_count", &text, 64))
		v->limit = strtoull(buf_str(&text), NULL, 10);
}

void host_vma_fini(struct host_vma *v)
{
	free(v->samples);
	buf_fini(&v->peak_maps);
	*v = (struct host_vma){0};
}

/* Reads comm; false for what is ours or gone. */
static bool read_comm(int proc_fd, const char *pid, char comm[64])
{
	CLEANUP(buf) struct buf text = {0};
	char path[64];

	snprintf(path, sizeof(path), "%.20s/comm", pid);
	if (read_at(proc_fd, path, &text, 64))
		return false;
	snprintf(comm, 64, "%.*s", (int)strcspn(buf_str(&text), "\n"), buf_str(&text));
	return strncmp(comm, "lockstep-", strlen("lockstep-")) != 0;
}

static bool wanted(int proc_fd, const char *pid, const char *comm, const struct words *patterns)
{
	char path[64], exe[4096] = "";
	ssize_t n;
	size_t i;

	snprintf(path, sizeof(path), "%.20s/exe", pid);
	n = readlinkat(proc_fd, path, exe, sizeof(exe) - 1);
	exe[n > 0 ? n : 0] = 0;
	for (i = 0; i < patterns->n; i++) {
		const char *p = patterns->v[i];

		if (!strncmp(p, "comm=", 5) ? !fnmatch(p + 5, comm, 0) : !fnmatch(p + 4, exe, 0))
			return true;
	}
	return false;
}

static uint64_t count_lines(const struct buf *b)
{
	const char *p = (const char *)b->data, *end = p + b->len;
	uint64_t n = 0;

	while (p < end && (p = memchr(p, '\n', end - p))) {
		n++;
		p++;
	}
	return n;
}

/* The largest count among the processes that are wanted; its maps end in `best`. */
static uint64_t look(int proc_fd, const struct words *patterns, struct buf *best, char process[64])
{
	CLEANUP(buf) struct buf maps = {0};
	CLEANUP(dir) DIR *d = NULL;
	int fd = openat(proc_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *de;
	uint64_t max = 0;

	d = fd < 0 ? NULL : fdopendir(fd);
	while (d && (de = readdir(d))) {
		char comm[64], path[64];
		uint64_t n;

		if (!isdigit((unsigned char)de->d_name[0]) ||
			!read_comm(proc_fd, de->d_name, comm) ||
			!wanted(proc_fd, de->d_name, comm, patterns))
			continue;
		snprintf(path, sizeof(path), "%.20s/maps", de->d_name);
		if (read_at(proc_fd, path, &maps, MAPS_SIZE_MAX))
			continue;
		n = count_lines(&maps);
		if (n <= max)
			continue;
		max = n;
		memcpy(process, comm, sizeof(comm));
		buf_reset(best);
		buf_add(best, maps.data, maps.len);
	}
	return max;
}

/* Every other sample goes when there are many; later ones come half as often. */
static void thin_out(struct host_vma *v)
{
	size_t i;

	for (i = 0; i < v->nsamples / 2; i++)
		v->samples[i] = v->samples[2 * i];
	v->nsamples /= 2;
	v->interval_ns *= 2;
}

static void keep(struct host_vma *v, uint64_t t_ns, uint64_t count)
{
	if (!v->samples)
		v->samples = calloc(MAX_SAMPLES, sizeof(*v->samples));
	if (!v->samples)
		return;
	v->samples[v->nsamples++] = (struct host_vma_point){t_ns, count};
	if (v->nsamples == MAX_SAMPLES)
		thin_out(v);
}

static uint64_t clock_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ULL + t.tv_nsec;
}

void host_vma_tick(struct host_vma *v, int proc_fd, const struct words *patterns, uint64_t now_ns)
{
	CLEANUP(buf) struct buf maps = {0};
	uint64_t began = clock_now(), count, cost;
	char process[64] = "";

	if (now_ns < v->next_ns)
		return;
	count = look(proc_fd, patterns, &maps, process);
	if (count)
		keep(v, now_ns, count);
	if (count > v->peak) {
		v->peak = count;
		memcpy(v->process, process, sizeof(process));
		buf_fini(&v->peak_maps);
		v->peak_maps = maps;
		maps = (struct buf){0};
	}
	cost = (clock_now() - began) * COST_SHARE;
	/* short programs are seen too: the first looks follow one another quickly */
	if (v->interval_ns < INTERVAL_NS)
		v->interval_ns *= 2;
	v->next_ns = now_ns + (cost > v->interval_ns ? cost : v->interval_ns);
}
