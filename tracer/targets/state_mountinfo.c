/* The host's mounts, from /proc/self/mountinfo (proc(5)). Text in, structs out: no I/O here. */
#include "tracer/targets/state_impl.h"

#include "common/cleanup.h"

#include <errno.h>
#include <string.h>

bool path_below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	if (!strcmp(dir, "/"))
		return path[0] == '/';
	return !strncmp(path, dir, len) && (!path[len] || path[len] == '/');
}

bool fstype_is_pseudo(const char *fstype)
{
	static const char *const pseudo[] = {"proc", "sysfs", "devtmpfs", "devpts", "cgroup",
		"cgroup2", "mqueue", "debugfs", "tracefs", "securityfs", "pstore", "bpf", "autofs",
		"binfmt_misc", "fusectl", "configfs", "hugetlbfs", "nsfs", "efivarfs", "selinuxfs",
		"rpc_pipefs"};
	size_t i;

	for (i = 0; i < ARRAY_LEN(pseudo); i++)
		if (!strcmp(pseudo[i], fstype))
			return true;
	return false;
}

void host_mounts_fini(struct host_mounts *m)
{
	size_t i;

	for (i = 0; i < m->n; i++) {
		free(m->v[i].point);
		free(m->v[i].fstype);
	}
	free(m->v);
	*m = (struct host_mounts){0};
}

static bool is_octal(char c)
{
	return c >= '0' && c <= '7';
}

/* \040 and so on, in place. */
static void unescape(char *s)
{
	char *out = s;

	for (; *s; s++) {
		if (s[0] == '\\' && is_octal(s[1]) && is_octal(s[2]) && is_octal(s[3])) {
			*out++ = (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 + (s[3] - '0'));
			s += 3;
		} else {
			*out++ = *s;
		}
	}
	*out = 0;
}

/* Mounts hide earlier ones at the same point: the last one counts. */
static bool replace(struct host_mounts *m, const char *point, const char *fstype)
{
	size_t i;

	for (i = 0; i < m->n; i++) {
		char *copy;

		if (strcmp(m->v[i].point, point))
			continue;
		copy = strdup(fstype);
		if (copy) {
			free(m->v[i].fstype);
			m->v[i].fstype = copy;
		}
		return true;
	}
	return false;
}

static int add(struct host_mounts *m, const char *point, const char *fstype)
{
	struct host_mount *v;

	if (replace(m, point, fstype))
		return 0;
	v = realloc(m->v, (m->n + 1) * sizeof(*v));
	if (!v)
		return -ENOMEM;
	m->v = v;
	v[m->n] = (struct host_mount){.point = strdup(point), .fstype = strdup(fstype)};
	m->n++;
	return v[m->n - 1].point && v[m->n - 1].fstype ? 0 : -ENOMEM;
}

/* 36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw */
static int parse_line(struct host_mounts *m, char *line)
{
	char *save = NULL, *word = strtok_r(line, " ", &save), *point = NULL;
	unsigned int i;

	for (i = 0; word && i < 4; i++) {
		word = strtok_r(NULL, " ", &save);
		point = word;
	}
	if (!point || point[0] != '/')
		return 0;
	while (word && strcmp(word, "-"))
		word = strtok_r(NULL, " ", &save);
	word = word ? strtok_r(NULL, " ", &save) : NULL;
	if (!word)
		return 0;
	unescape(point);
	return add(m, point, word);
}

int host_mounts_parse(struct host_mounts *out, const char *text)
{
	CLEANUP(free) char *copy = strdup(text);
	char *line, *rest = copy;
	int rc = copy ? 0 : -ENOMEM;

	*out = (struct host_mounts){0};
	while (!rc && (line = strsep(&rest, "\n")))
		rc = parse_line(out, line);
	if (rc)
		host_mounts_fini(out);
	return rc;
}
