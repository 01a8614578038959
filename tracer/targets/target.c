/* See target.h: finding descriptions, options, placeholders. target_parse.c reads the files. */
#include "tracer/targets/target.h"

#include "common/buf.h"
#include "common/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* A description is a few hundred bytes; what is larger is something else. */
#define TARGET_FILE_MAX (64 * 1024)
#define SUFFIX		".target"

static void option_fini(struct target_option *o)
{
	free(o->name);
	free(o->def);
	words_fini(&o->allowed);
}

void target_free(struct target *t)
{
	size_t i;

	if (!t)
		return;
	for (i = 0; i < t->noptions; i++)
		option_fini(&t->options[i]);
	free(t->options);
	free(t->name);
	free(t->path);
	free(t->about);
	free(t->install);
	words_fini(&t->start);
	words_fini(&t->start_user);
	words_fini(&t->env);
	words_fini(&t->recorder);
	words_fini(&t->version);
	words_fini(&t->programs);
	words_fini(&t->devices);
	words_fini(&t->memory);
	free(t);
}

static int load_file(struct target **out, const char *name, const char *path, struct err *e)
{
	CLEANUP(buf) struct buf text = {0};
	CLEANUP(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	int rc;

	if (fd < 0)
		return err_set(e, errno, "cannot read the target description %s: %s", path,
			strerror(errno));
	rc = buf_read_fd(&text, fd, TARGET_FILE_MAX);
	if (rc)
		return err_set(
			e, -rc, "cannot read the target description %s: %s", path, strerror(-rc));
	if (memchr(text.data ? (char *)text.data : "", 0, text.len))
		return err_set(
			e, EINVAL, "%s is not a target description: it holds NUL bytes", path);
	rc = target_parse(out, name, buf_str(&text), path, e);
	if (rc)
		return rc;
	(*out)->path = strdup(path);
	return 0;
}

/* The folders of the search path, most wanted first. */
static void folders(struct words *out, const char *builtin)
{
	const char *list = getenv("LOCKSTEP_TARGETS");
	size_t len;

	for (; list && *list; list += len + (list[len] == ':')) {
		len = strcspn(list, ":");
		if (len)
			words_addf(out, "%.*s", (int)len, list);
	}
	if (builtin)
		words_add(out, builtin);
}

static bool has(const struct words *w, const char *word)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		if (!strcmp(w->v[i], word))
			return true;
	return false;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void names_in(struct words *out, const char *folder)
{
	CLEANUP(dir) DIR *d = opendir(folder);
	size_t first = out->n;
	struct dirent *de;

	while (d && (de = readdir(d))) {
		size_t len = strlen(de->d_name), tail = strlen(SUFFIX);

		if (len <= tail || strcmp(de->d_name + len - tail, SUFFIX) || de->d_name[0] == '.')
			continue;
		de->d_name[len - tail] = 0;
		if (!has(out, de->d_name))
			words_add(out, de->d_name);
	}
	if (out->n > first)
		qsort(out->v + first, out->n - first, sizeof(*out->v), by_name);
}

void target_names(struct words *out, const char *builtin)
{
	CLEANUP(words) struct words dirs = {0};
	size_t i;

	folders(&dirs, builtin);
	for (i = 0; i < dirs.n; i++)
		names_in(out, dirs.v[i]);
}

static int not_found(const char *name, const char *builtin, struct err *e)
{
	CLEANUP(words) struct words names = {0};
	CLEANUP(buf) struct buf text = {0};
	size_t i;

	target_names(&names, builtin);
	for (i = 0; i < names.n && text.len < 200; i++)
		buf_printf(&text, "%s%s", i ? ", " : "", names.v[i]);
	return err_set(e, ENOENT,
		"there is no target named %.80s (there are: %s); a description is found in the "
		"folders of LOCKSTEP_TARGETS, or given as a path with a slash",
		name, names.n ? buf_str(&text) : "none");
}

int target_load(struct target **out, const char *name, const char *builtin, struct err *e)
{
	CLEANUP(words) struct words dirs = {0};
	size_t i;

	*out = NULL;
	if (strchr(name, '/')) {
		CLEANUP(free) char *base = strdup(strrchr(name, '/') + 1);
		size_t len = base ? strlen(base) : 0, tail = strlen(SUFFIX);

		if (len > tail && !strcmp(base + len - tail, SUFFIX))
			base[len - tail] = 0;
		return load_file(out, base && *base ? base : "target", name, e);
	}
	folders(&dirs, builtin);
	for (i = 0; i < dirs.n; i++) {
		CLEANUP(free) char *path = NULL;

		if (asprintf(&path, "%s/%s" SUFFIX, dirs.v[i], name) < 0)
			return err_set(e, ENOMEM, "out of memory");
		if (!access(path, F_OK))
			return load_file(out, name, path, e);
	}
	return not_found(name, builtin, e);
}

int target_from_command(struct target **out, const char *prefix, struct err *e)
{
	struct target *t = calloc(1, sizeof(*t));
	int rc = t ? words_split(&t->start, prefix, e) : err_set(e, ENOMEM, "out of memory");

	if (!rc && !t->start.n)
		rc = err_set(e, EINVAL,
			"--target-cmd needs at least one word, as in "
			"--target-cmd 'qemu-x86_64'");
	if (!rc) {
		t->name = strdup("target-cmd");
		t->about = strdup("the words of --target-cmd");
		words_add(&t->programs, t->start.v[0]);
		if (!t->name || !t->about || t->programs.failed)
			rc = err_set(e, ENOMEM, "out of memory");
	}
	if (rc) {
		target_free(t);
		t = NULL;
	}
	*out = t;
	return rc;
}

/* ---- options and placeholders ---- */

static const struct target_option *option_find(const struct target *t, const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < t->noptions; i++)
		if (strlen(t->options[i].name) == len && !strncmp(t->options[i].name, name, len))
			return &t->options[i];
	return NULL;
}

static int bad_option(const struct target *t, const char *kv, struct err *e)
{
	CLEANUP(buf) struct buf known = {0};
	size_t i;

	for (i = 0; i < t->noptions; i++)
		buf_printf(&known, "%s%s", i ? ", " : "", t->options[i].name);
	return err_set(e, EINVAL, "target %s has no option %.*s (it has: %s)", t->name,
		(int)strcspn(kv, "="), kv, t->noptions ? buf_str(&known) : "none");
}

static int bad_value(const struct target_option *o, const char *value, struct err *e)
{
	CLEANUP(buf) struct buf allowed = {0};
	size_t i;

	for (i = 0; i < o->allowed.n; i++)
		buf_printf(&allowed, "%s%s", i ? ", " : "", o->allowed.v[i]);
	return err_set(e, EINVAL, "--target-opt %s=%.80s: the value must be one of: %s", o->name,
		value, buf_str(&allowed));
}

int target_check_options(const struct target *t, const struct words *opts, struct err *e)
{
	size_t i;

	for (i = 0; opts && i < opts->n; i++) {
		const char *kv = opts->v[i], *eq = strchr(kv, '=');
		const struct target_option *o;

		if (!eq)
			return err_set(e, EINVAL, "--target-opt takes NAME=VALUE, not %.80s", kv);
		o = option_find(t, kv, eq - kv);
		if (!o)
			return bad_option(t, kv, e);
		if (o->allowed.n && !has(&o->allowed, eq + 1))
			return bad_value(o, eq + 1, e);
	}
	return 0;
}

/* The single value of a placeholder, or NULL. */
static const char *value_of(
	const struct target *t, const struct target_values *v, const char *name, size_t len)
{
	const struct target_option *o = option_find(t, name, len);
	const char *given;

	if (o) {
		given = v->opts ? words_value(v->opts, o->name) : NULL;
		return given ? given : o->def;
	}
	if (len == 5 && !strncmp(name, "state", 5))
		return v->state;
	if (len == 3 && !strncmp(name, "log", 3))
		return v->log;
	if (len == 5 && !strncmp(name, "argv0", 5))
		return v->argv0;
	if (len == 6 && !strncmp(name, "rootfs", 6))
		return v->rootfs;
	return NULL;
}

bool target_mentions(const struct target *t, const char *placeholder)
{
	size_t i;

	for (i = 0; i < t->start.n; i++)
		if (strstr(t->start.v[i], placeholder))
			return true;
	return false;
}

/* Fills in one word, with `forced` as the value of the repeatable option. False: leave it out. */
static bool expand_one(const struct target *t, const struct target_values *v, const char *word,
	const char *forced, struct buf *out)
{
	while (*word) {
		size_t len = strcspn(word, "{");
		const char *end = strchr(word + len, '}');
		const struct target_option *o;
		const char *value;

		buf_add(out, word, len);
		word += len;
		if (!*word)
			break;
		if (!end) { /* the parser lets no such word in */
			buf_add_str(out, word);
			break;
		}
		o = option_find(t, word + 1, end - word - 1);
		value = o && o->repeat ? forced : value_of(t, v, word + 1, end - word - 1);
		if (!value)
			return false;
		buf_add_str(out, value);
		word = end + 1;
	}
	return true;
}

/* The repeatable option that a word mentions, or NULL. */
static const struct target_option *repeatable(const struct target *t, const char *word)
{
	const char *open, *end;

	for (open = strchr(word, '{'); open; open = strchr(end, '{')) {
		const struct target_option *o;

		end = strchr(open, '}');
		if (!end)
			return NULL;
		o = option_find(t, open + 1, end - open - 1);
		if (o && o->repeat)
			return o;
	}
	return NULL;
}

static void expand_word(const struct target *t, const struct target_values *v, const char *word,
	const char *forced, struct words *out)
{
	CLEANUP(buf) struct buf text = {0};

	if (expand_one(t, v, word, forced, &text))
		words_add(out, buf_str(&text));
	if (text.failed)
		out->failed = true;
}

int target_expand(const struct target *t, const struct words *from, const struct target_values *v,
	struct words *out, struct err *e)
{
	size_t i, k;

	for (i = 0; i < from->n; i++) {
		const struct target_option *o = repeatable(t, from->v[i]);
		size_t len = o ? strlen(o->name) : 0;

		if (!o)
			expand_word(t, v, from->v[i], NULL, out);
		for (k = 0; o && v->opts && k < v->opts->n; k++)
			if (!strncmp(v->opts->v[k], o->name, len) && v->opts->v[k][len] == '=')
				expand_word(t, v, from->v[i], v->opts->v[k] + len + 1, out);
	}
	return out->failed ? err_set(e, ENOMEM, "out of memory") : 0;
}
