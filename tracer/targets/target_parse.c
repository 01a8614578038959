/*
 * Reads a target description: lines of `key = value`, # starts a comment line. The keys are in
 * README.md beside this file. Unknown keys are errors, so that a misspelt one does not go
 * unnoticed.
 */
#include "tracer/targets/target.h"

#include "common/cleanup.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#define OPTIONS_MAX 32

struct parse {
	struct target *t;
	const char *where;
	unsigned int line;
	struct err *e;
};

#define FAIL(p, ...)                                                                               \
	err_prefix((p)->e, err_set((p)->e, EINVAL, __VA_ARGS__), "%s:%u", (p)->where, (p)->line)

enum key_kind { KEY_TEXT, KEY_WORDS };

static const struct key {
	const char *name;
	enum key_kind kind;
	size_t off;
} g_keys[] = {
	{"about", KEY_TEXT, offsetof(struct target, about)},
	{"install", KEY_TEXT, offsetof(struct target, install)},
	{"start", KEY_WORDS, offsetof(struct target, start)},
	{"start.user", KEY_WORDS, offsetof(struct target, start_user)},
	{"env", KEY_WORDS, offsetof(struct target, env)},
	{"recorder", KEY_WORDS, offsetof(struct target, recorder)},
	{"version", KEY_WORDS, offsetof(struct target, version)},
	{"need.program", KEY_WORDS, offsetof(struct target, programs)},
	{"device", KEY_WORDS, offsetof(struct target, devices)},
	{"memory", KEY_WORDS, offsetof(struct target, memory)},
};

static int set_field(struct parse *p, const struct key *k, const char *value)
{
	char *at = (char *)p->t + k->off;
	struct words *w = (struct words *)at;
	int rc;

	if (k->kind == KEY_TEXT) {
		if (*(char **)at)
			return FAIL(p, "%s is given twice", k->name);
		*(char **)at = strdup(value);
		return *(char **)at ? 0 : err_set(p->e, ENOMEM, "out of memory");
	}
	if (w->n)
		return FAIL(p, "%s is given twice", k->name);
	rc = words_split(w, value, p->e);
	return rc ? err_prefix(p->e, rc, "%s:%u: %s", p->where, p->line, k->name) : 0;
}

static int set_record(struct parse *p, const char *value)
{
	static const char *const names[] = {"inside", "log", "outcome"};
	unsigned int i;

	for (i = 0; i < ARRAY_LEN(names); i++) {
		if (strcmp(value, names[i]))
			continue;
		p->t->record = i;
		return 0;
	}
	return FAIL(p, "record must be inside, log or outcome, not %.40s", value);
}

static int set_command(struct parse *p, const char *value)
{
	if (!strcmp(value, "as-is"))
		p->t->command = COMMAND_AS_IS;
	else if (!strcmp(value, "path"))
		p->t->command = COMMAND_PATH;
	else
		return FAIL(p, "command must be as-is or path, not %.40s", value);
	return 0;
}

static int set_root(struct parse *p, const char *value)
{
	if (strcmp(value, "yes") && strcmp(value, "no"))
		return FAIL(p, "need.root must be yes or no, not %.40s", value);
	p->t->needs_root = value[0] == 'y';
	return 0;
}

/* A new option, or the one of that name (for the .values, .repeat lines that may follow it). */
static struct target_option *option_get(struct parse *p, const char *name, size_t len)
{
	struct target *t = p->t;
	struct target_option *o;
	size_t i;

	for (i = 0; i < t->noptions; i++)
		if (strlen(t->options[i].name) == len && !memcmp(t->options[i].name, name, len))
			return &t->options[i];
	if (t->noptions == OPTIONS_MAX)
		return NULL;
	o = realloc(t->options, (t->noptions + 1) * sizeof(*o));
	if (!o)
		return NULL;
	t->options = o;
	o += t->noptions;
	*o = (struct target_option){.name = strndup(name, len)};
	if (!o->name)
		return NULL;
	t->noptions++;
	return o;
}

/* option.NAME.default, option.NAME.values, option.NAME.repeat */
static int set_option(struct parse *p, const char *key, const char *value)
{
	const char *name = key + strlen("option."), *dot = strchr(name, '.');
	struct target_option *o;

	if (!dot || dot == name ||
		strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != (size_t)(dot - name))
		return FAIL(p,
			"%.60s: options are written option.NAME.default, option.NAME.values or "
			"option.NAME.repeat, NAME in lower case",
			key);
	o = option_get(p, name, dot - name);
	if (!o)
		return FAIL(p, "more than %d options", OPTIONS_MAX);
	if (!strcmp(dot, ".default")) {
		free(o->def);
		o->def = strdup(value);
		return o->def ? 0 : err_set(p->e, ENOMEM, "out of memory");
	}
	if (!strcmp(dot, ".values") && !o->allowed.n)
		return words_split(&o->allowed, value, p->e);
	if (!strcmp(dot, ".repeat") && (!strcmp(value, "yes") || !strcmp(value, "no"))) {
		o->repeat = value[0] == 'y';
		return 0;
	}
	return FAIL(p, "%.60s: not a property of an option, given twice, or not its kind of value",
		key);
}

static int set_key(struct parse *p, const char *key, const char *value)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(g_keys); i++)
		if (!strcmp(g_keys[i].name, key))
			return set_field(p, &g_keys[i], value);
	if (!strcmp(key, "record"))
		return set_record(p, value);
	if (!strcmp(key, "command"))
		return set_command(p, value);
	if (!strcmp(key, "need.root"))
		return set_root(p, value);
	if (!strncmp(key, "option.", strlen("option.")))
		return set_option(p, key, value);
	return FAIL(p, "unknown key %.60s", key);
}

/* Cuts blanks off both ends, in place. */
static char *trim(char *s)
{
	size_t len;

	while (isspace((unsigned char)*s))
		s++;
	for (len = strlen(s); len && isspace((unsigned char)s[len - 1]); len--)
		s[len - 1] = 0;
	return s;
}

static int parse_line(struct parse *p, char *line)
{
	char *eq, *key;

	line = trim(line);
	if (!*line || *line == '#')
		return 0;
	eq = strchr(line, '=');
	if (!eq)
		return FAIL(p, "expected `key = value`, found: %.60s", line);
	*eq = 0;
	key = trim(line);
	if (!*key)
		return FAIL(p, "no key before the =");
	return set_key(p, key, trim(eq + 1));
}

static bool placeholder_known(const struct target *t, const char *name, size_t len)
{
	static const char *const fixed[] = {"state", "log", "argv0", "rootfs"};
	size_t i;

	for (i = 0; i < ARRAY_LEN(fixed); i++)
		if (strlen(fixed[i]) == len && !memcmp(fixed[i], name, len))
			return true;
	for (i = 0; i < t->noptions; i++)
		if (strlen(t->options[i].name) == len && !memcmp(t->options[i].name, name, len))
			return true;
	return false;
}

static int check_words(struct parse *p, const struct words *w, const char *what)
{
	size_t i;

	for (i = 0; i < w->n; i++) {
		const char *open, *end;

		for (open = strchr(w->v[i], '{'); open; open = strchr(end, '{')) {
			end = strchr(open, '}');
			if (!end)
				return FAIL(p, "%s: { without } in %.60s", what, w->v[i]);
			if (!placeholder_known(p->t, open + 1, end - open - 1))
				return FAIL(p,
					"%s: {%.*s} is neither an option of this target nor "
					"state, log, argv0 or rootfs",
					what, (int)(end - open - 1 > 40 ? 40 : end - open - 1),
					open + 1);
		}
	}
	return 0;
}

static int check_env(struct parse *p)
{
	size_t i;

	for (i = 0; i < p->t->env.n; i++)
		if (!strchr(p->t->env.v[i], '=') || p->t->env.v[i][0] == '=')
			return FAIL(p, "env: words are NAME=VALUE, not %.60s", p->t->env.v[i]);
	return 0;
}

static int check_memory(struct parse *p)
{
	size_t i;

	for (i = 0; i < p->t->memory.n; i++)
		if (strncmp(p->t->memory.v[i], "comm=", 5) && strncmp(p->t->memory.v[i], "exe=", 4))
			return FAIL(p, "memory: words are comm=PATTERN or exe=PATTERN, not %.60s",
				p->t->memory.v[i]);
	return 0;
}

static int check_whole(struct parse *p)
{
	int rc = check_words(p, &p->t->start, "start");

	if (!rc)
		rc = check_words(p, &p->t->start_user, "start.user");
	if (!rc)
		rc = check_words(p, &p->t->recorder, "recorder");
	if (!rc)
		rc = check_words(p, &p->t->env, "env");
	if (!rc)
		rc = check_env(p);
	return rc ? rc : check_memory(p);
}

int target_parse(
	struct target **out, const char *name, const char *text, const char *where, struct err *e)
{
	CLEANUP(free) char *copy = strdup(text);
	struct parse p = {.t = calloc(1, sizeof(struct target)), .where = where, .e = e};
	char *line, *rest = copy;
	int rc = 0;

	*out = NULL;
	if (copy && p.t)
		p.t->name = strdup(name);
	if (!copy || !p.t || !p.t->name) {
		target_free(p.t);
		return err_set(e, ENOMEM, "out of memory");
	}
	while (!rc && (line = strsep(&rest, "\n"))) {
		p.line++;
		rc = parse_line(&p, line);
	}
	if (!rc)
		rc = check_whole(&p);
	if (rc)
		target_free(p.t);
	else
		*out = p.t;
	return rc;
}
