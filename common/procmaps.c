#include "common/procmaps.h"

#include <string.h>

/* A number, and the character behind it; by hand, since sscanf is most of what reading maps costs.
 */
static bool number(const char **p, unsigned int base, char end, uint64_t *out)
{
	const char *at = *p;
	uint64_t v = 0;

	for (;; at++) {
		unsigned int digit = *at >= '0' && *at <= '9'	? (unsigned int)(*at - '0')
				     : *at >= 'a' && *at <= 'f' ? (unsigned int)(*at - 'a' + 10)
								: 16;

		if (digit >= base)
			break;
		if (v > (UINT64_MAX - digit) / base)
			return false;
		v = v * base + digit;
	}
	if (at == *p || (*at != end && (end != ' ' || *at)))
		return false;
	*out = v;
	*p = *at ? at + 1 : at;
	return true;
}

static bool parse(const char *at, struct map_line *m)
{
	uint64_t major, minor;

	if (!number(&at, 16, '-', &m->start) || !number(&at, 16, ' ', &m->end) ||
		m->start >= m->end || strcspn(at, " ") != 4 || !at[4])
		return false;
	memcpy(m->prot, at, 4);
	m->prot[4] = 0;
	at += 5;
	if (!number(&at, 16, ' ', &m->off) || !number(&at, 16, ':', &major) ||
		!number(&at, 16, ' ', &minor) || !number(&at, 10, ' ', &m->ino))
		return false;
	m->major = (unsigned int)major;
	m->minor = (unsigned int)minor;
	m->path = at + strspn(at, " ");
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
