/* See status.h. */
#include "tracer/targets/status.h"

#include "common/cleanup.h"

#include <ctype.h>
#include <string.h>

/* A decimal number up to 9999, then the end of the line. */
static bool number(const char *s, int *value)
{
	int n = 0, digits = 0;

	for (; isdigit((unsigned char)*s) && digits < 4; s++, digits++)
		n = n * 10 + (*s - '0');
	*value = n;
	return digits && (!*s || !strcmp(s, "\n"));
}

struct program_status status_parse(const char *text)
{
	static const struct {
		const char *word;
		enum status_kind kind;
		int max;
	} kinds[] = {{"exited ", STATUS_EXITED, 255}, {"signaled ", STATUS_SIGNALED, 64},
		{"failed ", STATUS_FAILED, 4095}};
	struct program_status s = {STATUS_NONE, 0};
	size_t i;

	if (!strcmp(text, "running\n"))
		s.kind = STATUS_RUNNING;
	for (i = 0; i < ARRAY_LEN(kinds); i++) {
		size_t len = strlen(kinds[i].word);

		if (strncmp(text, kinds[i].word, len) || !number(text + len, &s.value))
			continue;
		s.kind = s.value <= kinds[i].max ? kinds[i].kind : STATUS_NONE;
	}
	return s;
}
