/*
 * The names of mapped files, as the kernel has them.
 */
#include "tracer/record/capture.h"

#include "tracer/record/redact.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The mapped file under the name that /proc/PID/maps has for it, free of symlinks: the path that it
 * was opened by may not be. */
static const char *mapped_name(struct task *t)
{
	struct proc *p = t->proc;
	int fd = (int)t->cur.arg[4];
	char link[64], to[PATH_MAX];
	ssize_t n;

	/* A library is mapped by several calls in a row. */
	if (p->mapped_name && p->mapped_fd == fd)
		return p->mapped_name;
	proc_forget_mapped(p);
	snprintf(link, sizeof(link), "/proc/%d/fd/%d", (int)t->tid, fd);
	n = readlink(link, to, sizeof(to));
	if (n <= 0)
		return NULL;
	p->mapped_fd = fd;
	p->mapped_name = strndup(to, (size_t)n);
	return p->mapped_name;
}

void capture_mapped(struct recorder *r, struct task *t)
{
	const char *name = mapped_name(t);
	struct trace_cap cap = {.slot = 4, .flags = TC_OUT};

	if (!name)
		return;
	if (redact_path(r->opt->redact, name, strlen(name))) {
		t->cur.flags |= TF_REDACTED;
		return;
	}
	cap.full = cap.size = (uint32_t)strlen(name);
	cap.data = (const uint8_t *)name;
	trace_cap_put(&t->cur.caps, &cap);
}
