/*
 * The image that a process executes and its interpreter, as their files say, and where they lie.
 * What was read of the last few files is kept: most execs are of the same ones.
 */
#ifndef LOCKSTEP_TRACER_RECORD_IMAGE_H
#define LOCKSTEP_TRACER_RECORD_IMAGE_H

#include "loader/elf_layout.h"
#include "loader/elf_parse.h"

#include <sys/types.h>

struct image_cache;

struct image_file {
	bool there; /* and parsed: elf is valid */
	int fd;	    /* -1: not opened, as what was asked for is known */
	uint64_t bias;
	const char *path;   /* as the tracee names it */
	char open_path[96]; /* where it is found */
	const struct elf_image *elf;
	struct image_cache *cache;
};

struct exec_image {
	struct image_file exe, interp;
};

/*
 * Finds and parses both through /proc/TID; path names the exe (it must stay). 0; negative errno
 * when even the exe cannot be read or is not a 64-bit ELF. image_close in either case.
 */
int image_open(struct exec_image *im, pid_t tid, const char *path);
void image_close(struct exec_image *im);

/* size bytes of the file at off into out. False when it has not so many. */
bool image_read(struct image_file *f, uint64_t off, void *out, size_t size);

#endif
