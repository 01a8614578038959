#include "common/procmaps.h"

#include <stdio.h>
#include <string.h>

static bool parse(const char *line, struct map_line *m)
{
	int at = 0;

	if (sscanf(line, "%lx-%lx %4s %lx %x:%x %lu%n", &m->start, &m->end, m->prot, &m->off,
		    &m->major, &m->minor, &m->ino, &at) < 7 ||
		!at || m->start >= m->end || strlen(m->prot) != 4)
		return false;
	m->path = line + at + strspn(line + at, " ");
	return true;
}

bool procmaps_next(char **text, struct map_line *m)
{
	while (**text) {
		char *line = *text, *end = strchrnul(line, '\n');

		*text = *end ? end + 1 : end;
		*end = 0;
		if (parse(line, m))
			return true;
	}
	return false;
}
