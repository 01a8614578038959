/*
 * How many memory areas (VMAs) the processes that hold the guest's memory have on the host, sampled
 * from outside while a run lasts. The host's limit (vm.max_map_count) is for each process, so a
 * sample is the largest process's count. LIMIT: what grows and goes between two samples is not
 * seen.
 */
#ifndef LOCKSTEP_TRACER_TARGETS_HOST_VMA_H
#define LOCKSTEP_TRACER_TARGETS_HOST_VMA_H

#include "common/buf.h"
#include "tracer/targets/words.h"

#include <stdint.h>

struct host_vma_point {
	uint64_t t_ns; /* since the run began */
	uint64_t count;
};

struct host_vma {
	uint64_t peak;
	uint64_t limit;	  /* vm.max_map_count; 0: unknown */
	char process[64]; /* name of the process with the peak */
	struct host_vma_point *samples;
	size_t nsamples;
	struct buf peak_maps; /* its maps, as text, when it had the most */
	/* when to look again */
	uint64_t interval_ns, next_ns;
};

void host_vma_init(struct host_vma *v);
/*
 * Looks once when the time has come. `proc_fd`: /proc of the run's PID namespace; `patterns`: the
 * target's comm=GLOB and exe=GLOB words. Costs at most a twentieth of one CPU on average.
 */
void host_vma_tick(struct host_vma *v, int proc_fd, const struct words *patterns, uint64_t now_ns);
void host_vma_fini(struct host_vma *v);

#endif
