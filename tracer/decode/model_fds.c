/* The process model: the descriptors that were open when the trace began (TC_FDS). */
#include "tracer/decode/model_internal.h"
#include "common/cleanup.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/* A name as /proc/PID/fd spells it, as struct fd_info has it. */
static const char *listed_name(struct model *m, const char *s, size_t len, uint8_t *type)
{
	static const struct {
		const char *prefix, *name;
		uint8_t type;
	} kinds[] = {{"pipe:[", "/@pipe", FD_PIPE}, {"socket:[", "/@socket", FD_SOCKET}};
	static const char anon[] = "anon_inode:";
	unsigned int i;

	*type = FD_FILE;
	for (i = 0; i < ARRAY_LEN(kinds); i++) {
		size_t n = strlen(kinds[i].prefix);

		if (len < n || memcmp(s, kinds[i].prefix, n))
			continue;
		*type = kinds[i].type;
		return kinds[i].name;
	}
	if (len < sizeof(anon) || memcmp(s, anon, sizeof(anon) - 1))
		return model_intern(m, s, len);
	*type = FD_OTHER;
	s += sizeof(anon) - 1;
	len -= sizeof(anon) - 1;
	if (*s == '[') {
		s++;
		len--;
	}
	buf_reset(&m->scratch);
	buf_add_str(&m->scratch, "/@");
	for (; len && *s != ']'; s++, len--)
		buf_add_byte(&m->scratch, *s);
	return model_intern(m, m->scratch.data, m->scratch.len);
}

/* "fd flags path" */
static void list_line(struct model *m, struct task *t, const char *p, const char *end)
{
	struct trace_event start = {.tid = t->pub.tid};
	struct ofile *of;
	char number[24], *rest;
	const char *space = memchr(p, ' ', end - p);
	const char *path = space ? memchr(space + 1, ' ', end - space - 1) : NULL;
	const char *name;
	uint8_t type;
	long fd, flags;

	if (!path || (size_t)(path - p) >= sizeof(number))
		return;
	memcpy(number, p, path - p);
	number[path - p] = 0;
	fd = strtol(number, &rest, 10);
	if (rest == number || fd < 0 || fd > INT32_MAX)
		return;
	flags = strtol(rest, NULL, 0);
	name = listed_name(m, path + 1, end - path - 1, &type);
	of = model_install(m, t, &start, fd, name, type, flags > 0 && flags & O_CLOEXEC);
	if (!of || flags < 0)
		return;
	of->pub.flags = flags;
	of->pub.write_end = type == FD_PIPE && (flags & O_ACCMODE) == O_WRONLY;
}

void model_fd_list(struct model *m, struct task *t, const struct trace_cap *cap)
{
	const char *p = (const char *)cap->data, *end = p + cap->size;

	while (p < end) {
		const char *eol = memchr(p, '\n', end - p);

		if (!eol)
			eol = end;
		list_line(m, t, p, eol);
		p = eol + 1;
	}
}
