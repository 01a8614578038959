/*
 * The image that a process executes and its interpreter, as their files say, and where they lie.
 * Used at exec-stops only; one set of static buffers (240 KiB), overwritten by the next call.
 */
#ifndef LOCKSTEP_TRACER_RECORD_IMAGE_H
#define LOCKSTEP_TRACER_RECORD_IMAGE_H

#include "loader/elf_layout.h"
#include "loader/elf_parse.h"

#include <sys/types.h>

struct image_file {
	int fd; /* -1: there is none, or it could not be opened */
	uint64_t bias;
	const char *path; /* as the tracee names it */
	struct elf_image *elf;
};

struct exec_image {
	struct image_file exe, interp;
};

/*
 * Opens and parses both through /proc/TID. 0; negative errno when even the exe cannot be read or
 * is not a 64-bit ELF. image_close in either case.
 */
int image_open(struct exec_image *im, pid_t tid);
void image_close(struct exec_image *im);

#endif
