/*
 * What a scope owns, it frees when it ends: CLEANUP(kind) on a variable, STEAL(x) to hand it on.
 * Not to be mixed with `goto out` in one function.
 */
#ifndef LOCKSTEP_COMMON_CLEANUP_H
#define LOCKSTEP_COMMON_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <dirent.h>

static inline void cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_file(FILE **f)
{
	if (*f)
		fclose(*f);
}

static inline void cleanup_dir(DIR **d)
{
	if (*d)
		closedir(*d);
}

/* CLEANUP(free) char *p; CLEANUP(fd) int fd = -1; CLEANUP(file) FILE *f; CLEANUP(dir) DIR *d;
 * CLEANUP(buf) struct buf b */
#define CLEANUP(kind) __attribute__((cleanup(cleanup_##kind)))

/* The value of x, which is emptied so that its cleanup does nothing. */
#define STEAL(p)                                                                                   \
	({                                                                                         \
		__typeof__(p) steal_tmp = (p);                                                     \
		(p) = 0;                                                                           \
		steal_tmp;                                                                         \
	})
#define STEAL_FD(fd)                                                                               \
	({                                                                                         \
		int steal_tmp = (fd);                                                              \
		(fd) = -1;                                                                         \
		steal_tmp;                                                                         \
	})

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
