/* See limits.h. cgroups(7). */
#include "tracer/targets/limits.h"

#include "common/buf.h"
#include "common/cleanup.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PREFIX "lockstep-"

static int write_file(const char *dir, const char *name, const char *text)
{
	char path[PATH_MAX + 64];
	int fd, rc;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	rc = write(fd, text, strlen(text)) < 0 ? -errno : 0;
	close(fd);
	return rc;
}

static int read_text(const char *path, struct buf *b)
{
	CLEANUP(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : buf_read_fd(b, fd, 1 << 20);
}

/*
 * Our own group's path below a hierarchy: `controller` as /proc/self/cgroup names it, "" for
 * version 2.
 */
static bool own_group(const char *controller, char *out, size_t size)
{
	CLEANUP(buf) struct buf text = {0};
	char *line, *rest;

	if (read_text("/proc/self/cgroup", &text))
		return false;
	rest = (char *)(uintptr_t)buf_str(&text);
	while ((line = strsep(&rest, "\n"))) {
		char *names = strchr(line, ':'), *path = names ? strchr(names + 1, ':') : NULL;

		if (!path)
			continue;
		*path++ = 0;
		if (strcmp(names + 1, controller))
			continue;
		return snprintf(out, size, "%s", strcmp(path, "/") ? path : "") < (int)size;
	}
	return false;
}

/* Groups of lockstep processes that were killed: nobody is in them any more. */
static void sweep(const char *parent)
{
	CLEANUP(dir) DIR *d = opendir(parent);
	struct dirent *de;

	while (d && (de = readdir(d))) {
		char path[PATH_MAX];
		int pid;

		if (strncmp(de->d_name, PREFIX, strlen(PREFIX)))
			continue;
		pid = atoi(de->d_name + strlen(PREFIX));
		if (pid <= 0 || !kill(pid, 0) || errno != ESRCH)
			continue;
		if (snprintf(path, sizeof(path), "%s/%s", parent, de->d_name) < (int)sizeof(path))
			rmdir(path);
	}
}

/* Makes a group below `parent` and sets one bound in it. */
static bool make_group(struct cgroup *g, const char *parent, const char *file, const char *value)
{
	char *dir = g->path[g->n];

	sweep(parent);
	if (snprintf(dir, PATH_MAX, "%s/" PREFIX "%d", parent, getpid()) >= PATH_MAX)
		return false;
	if (mkdir(dir, 0755))
		return false;
	if (write_file(dir, file, value)) {
		rmdir(dir);
		return false;
	}
	g->n++;
	return true;
}

static bool v1_bound(struct cgroup *g, const char *controller, const char *file, const char *value)
{
	char own[PATH_MAX / 2], parent[PATH_MAX];

	if (!own_group(controller, own, sizeof(own)))
		return false;
	snprintf(parent, sizeof(parent), "/sys/fs/cgroup/%s%s", controller, own);
	if (make_group(g, parent, file, value))
		return true;
	/* inside a container the path is often the host's: the root of what is mounted, then */
	snprintf(parent, sizeof(parent), "/sys/fs/cgroup/%s", controller);
	return make_group(g, parent, file, value);
}

/* Version 2: one group for both. Its parent must hand the controllers on. */
static bool v2_bounds(struct cgroup *g, const struct limits *l)
{
	char own[PATH_MAX / 2], parent[PATH_MAX], value[32];

	if (!own_group("", own, sizeof(own)) || access("/sys/fs/cgroup/cgroup.controllers", F_OK))
		return false;
	snprintf(parent, sizeof(parent), "/sys/fs/cgroup%s", own);
	snprintf(value, sizeof(value), "%" PRIu64, l->memory ? l->memory : l->pids);
	if (!make_group(g, parent, l->memory ? "memory.max" : "pids.max", value))
		return false;
	g->memory = l->memory != 0;
	g->pids = !l->memory;
	if (l->memory)
		write_file(g->path[0], "memory.swap.max", "0");
	if (l->memory && l->pids) {
		snprintf(value, sizeof(value), "%" PRIu64, l->pids);
		g->pids = !write_file(g->path[0], "pids.max", value);
	}
	return true;
}

void cgroup_make(struct cgroup *g, const struct limits *l)
{
	char value[32];

	*g = (struct cgroup){0};
	if ((!l->memory && !l->pids) || v2_bounds(g, l))
		return;
	snprintf(value, sizeof(value), "%" PRIu64, l->memory);
	if (l->memory)
		g->memory = v1_bound(g, "memory", "memory.limit_in_bytes", value);
	snprintf(value, sizeof(value), "%" PRIu64, l->pids);
	if (l->pids)
		g->pids = v1_bound(g, "pids", "pids.max", value);
}

int cgroup_enter(const struct cgroup *g, pid_t pid)
{
	char text[32];
	unsigned int i;
	int rc = 0;

	snprintf(text, sizeof(text), "%d", pid);
	for (i = 0; !rc && i < g->n; i++)
		rc = write_file(g->path[i], "cgroup.procs", text);
	return rc;
}

unsigned int cgroup_oom_kills(const struct cgroup *g)
{
	static const char *const files[] = {"memory.events", "memory.oom_control"};
	unsigned int i, k;

	for (i = 0; g->memory && i < g->n; i++) {
		for (k = 0; k < ARRAY_LEN(files); k++) {
			CLEANUP(buf) struct buf text = {0};
			char path[PATH_MAX + 32];
			const char *at;

			snprintf(path, sizeof(path), "%s/%s", g->path[i], files[k]);
			if (read_text(path, &text))
				continue;
			at = strstr(buf_str(&text), "oom_kill ");
			if (at)
				return (unsigned int)strtoul(at + strlen("oom_kill "), NULL, 10);
		}
	}
	return 0;
}

void cgroup_remove(struct cgroup *g)
{
	unsigned int tries;

	while (g->n) {
		/* a dying process stays in its group for a moment after it was waited for */
		for (tries = 0; rmdir(g->path[g->n - 1]) && errno == EBUSY && tries < 100; tries++)
			usleep(2000);
		g->n--;
	}
}
