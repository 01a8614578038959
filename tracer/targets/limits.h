/*
 * --memory, --cpus and --pids. Memory and processes are bounded by a cgroup where we may make one
 * (version 2, else version 1), otherwise by rlimits of each process; CPUs always by affinity, so
 * that a program counts as many as it may use. Which it was is said in words.
 */
#ifndef LOCKSTEP_TRACER_TARGETS_LIMITS_H
#define LOCKSTEP_TRACER_TARGETS_LIMITS_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "tracer/targets/words.h"

struct limits {
	uint64_t memory; /* bytes; 0: none */
	uint64_t pids;	 /* 0: none */
	unsigned int cpus;
};

struct cgroup {
	char path[4][PATH_MAX]; /* folders that were made */
	unsigned int n;
	bool memory, pids; /* bounded here */
};

/* Makes cgroups for what `l` bounds, as far as we may. */
void cgroup_make(struct cgroup *g, const struct limits *l);
/* Moves a process in. 0 or negative errno. */
int cgroup_enter(const struct cgroup *g, pid_t pid);
/* How many processes the memory limit killed. */
unsigned int cgroup_oom_kills(const struct cgroup *g);
/* Removes them; every process must be gone. */
void cgroup_remove(struct cgroup *g);

#endif
