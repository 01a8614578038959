/*
 * The text of /proc/PID/maps, line by line. It may come from a trace: nothing in it is trusted, and
 * lines that make no sense are left out.
 */
#ifndef LOCKSTEP_COMMON_PROCMAPS_H
#define LOCKSTEP_COMMON_PROCMAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map_line {
	uint64_t start, end; /* start < end */
	uint64_t off, ino;
	unsigned int major, minor; /* of the device */
	char prot[5];		   /* "r-xp" */
	const char *path;	   /* "" for anonymous memory; points into the text */
};

/*
 * The next line of the text at *text, which is changed in place (line ends become NULs) and must be
 * NUL-terminated. False at the end.
 */
bool procmaps_next(char **text, struct map_line *m);

#endif
