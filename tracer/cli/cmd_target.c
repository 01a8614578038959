/* lockstep target list | show NAME | check NAME | learn NAME (learn is Python). */
#include "tracer/cli/command.h"
#include "tracer/cli/target_check.h"

#include "common/buf.h"
#include "common/cleanup.h"
#include "common/json.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *const g_record[] = {"inside", "log", "outcome"};

static const struct cli_usage g_usage = {
	.synopsis = "target list | show NAME | check NAME | learn NAME [OPTIONS]",
	.about = "Targets are where programs run: native, and the emulators that a description "
		 "file tells of.\n"
		 "list   those there are, and whether they are installed\n"
		 "show   how one is started and recorded, and its options\n"
		 "check  tries it out here; says in words why it cannot run (exit status 1)\n"
		 "learn  keeps what it does differently in every program, so that `diff` lists "
		 "that apart",
	.examples = "  lockstep target check runsc\n  lockstep target check runsc --target-opt "
		    "platform=kvm",
	.groups = OG_TARGET | OG_STATE,
};

static void print_json(struct buf *b)
{
	fwrite(b->data, 1, b->len, stdout);
}

/* The first program of the target that is not in PATH, or NULL. */
static const char *missing(const struct target *t)
{
	size_t i;

	for (i = 0; i < t->programs.n; i++) {
		CLEANUP(free) char *path = NULL;

		if (program_find(t->programs.v[i], getenv("PATH"), ".", &path, NULL))
			return t->programs.v[i];
	}
	return NULL;
}

/* ---- list ---- */

static void list_json(const struct target *t)
{
	CLEANUP(buf) struct buf b = {0};
	struct json j = {&b, false};

	json_line_begin(&j, "lockstep.target/1");
	json_str(&j, "name", t->name);
	json_str(&j, "about", t->about);
	json_str(&j, "path", t->path);
	json_str(&j, "record", g_record[t->record]);
	json_str(&j, "missing", missing(t));
	json_str(&j, "install", t->install);
	json_line_end(&j);
	print_json(&b);
}

static void list_text(const struct target *t)
{
	const char *m = missing(t);

	printf("%-14s %s%s%s%s\n", t->name, t->about ? t->about : "", m ? " (not installed: " : "",
		m ? m : "", m ? ")" : "");
}

static int do_list(const struct cli_options *o)
{
	CLEANUP(words) struct words names = {0};
	int status = EXIT_OK;
	size_t i;

	target_names(&names, targets_folder());
	for (i = 0; i < names.n; i++) {
		CLEANUP(target) struct target *t = NULL;
		struct err e = {{0}};

		if (target_load(&t, names.v[i], targets_folder(), &e)) {
			err_print(&e);
			status = EXIT_USAGE;
		} else if (o->json) {
			list_json(t);
		} else {
			list_text(t);
		}
	}
	return status;
}

/* ---- show ---- */

static void put_words(struct json *j, const char *key, const struct words *w)
{
	size_t i;

	json_array(j, key);
	for (i = 0; i < w->n; i++)
		json_str(j, NULL, w->v[i]);
	json_array_end(j);
}

static void put_options(struct json *j, const struct target *t)
{
	size_t i;

	json_array(j, "options");
	for (i = 0; i < t->noptions; i++) {
		json_begin(j, NULL);
		json_str(j, "name", t->options[i].name);
		json_str(j, "default", t->options[i].def);
		put_words(j, "values", &t->options[i].allowed);
		json_bool(j, "repeat", t->options[i].repeat);
		json_end(j);
	}
	json_array_end(j);
}

static void show_json(const struct target *t)
{
	CLEANUP(buf) struct buf b = {0};
	struct json j = {&b, false};

	json_line_begin(&j, "lockstep.target-description/1");
	json_str(&j, "name", t->name);
	json_str(&j, "about", t->about);
	json_str(&j, "path", t->path);
	json_str(&j, "record", g_record[t->record]);
	json_str(&j, "command", t->command == COMMAND_PATH ? "path" : "as-is");
	put_words(&j, "start", &t->start);
	put_words(&j, "start_user", &t->start_user);
	put_words(&j, "env", &t->env);
	put_words(&j, "recorder", &t->recorder);
	put_words(&j, "version", &t->version);
	put_words(&j, "programs", &t->programs);
	put_words(&j, "devices", &t->devices);
	put_words(&j, "memory", &t->memory);
	json_bool(&j, "needs_root", t->needs_root);
	put_options(&j, t);
	json_line_end(&j);
	print_json(&b);
}

static void print_words(const char *label, const struct words *w)
{
	size_t i;

	if (!w->n)
		return;
	printf("%-10s", label);
	for (i = 0; i < w->n; i++)
		printf(" %s", w->v[i]);
	printf("\n");
}

static void show_option(const struct target_option *o)
{
	size_t i;

	printf("  %s=", o->name);
	for (i = 0; i < o->allowed.n; i++)
		printf("%s%s", i ? "|" : "", o->allowed.v[i]);
	printf("%s%s%s%s\n", o->allowed.n ? "" : "TEXT", o->def ? "  (default " : "",
		o->def ? o->def : "",
		o->def	    ? ")"
		: o->repeat ? "  (repeatable)"
			    : "");
}

static void show_text(const struct target *t)
{
	static const char *const how[] = {"the recorder runs inside, around the program",
		"the target's own log", "not at all: only how it ended"};
	size_t i;

	printf("%s: %s\n%-10s %s\n%-10s %s\n", t->name, t->about ? t->about : "", "file",
		t->path ? t->path : "(none)", "recorded", how[t->record]);
	print_words("start", &t->start);
	print_words("as a user", &t->start_user);
	print_words("needs", &t->programs);
	print_words("memory in", &t->memory);
	if (t->noptions)
		printf("options, each with --target-opt:\n");
	for (i = 0; i < t->noptions; i++)
		show_option(&t->options[i]);
}

/* ---- check ---- */

static void check_json(const struct target *t, const struct check *c)
{
	CLEANUP(buf) struct buf b = {0};
	struct json j = {&b, false};
	unsigned int i;

	json_line_begin(&j, "lockstep.target-check/1");
	json_str(&j, "target", t->name);
	json_bool(&j, "ok", c->ok);
	json_array(&j, "steps");
	for (i = 0; i < c->n; i++) {
		json_begin(&j, NULL);
		json_str(&j, "name", c->steps[i].name);
		json_bool(&j, "ok", c->steps[i].ok);
		json_str(&j, "text", c->steps[i].text);
		json_end(&j);
	}
	json_array_end(&j);
	json_line_end(&j);
	print_json(&b);
}

static int do_check(const struct target *t, const struct cli_options *o)
{
	struct check c;
	struct err e = {{0}};
	unsigned int i;
	int rc = target_check(&c, t, o, &e);

	if (rc) {
		err_print(&e);
		return rc == -EINVAL ? EXIT_USAGE : EXIT_BROKE;
	}
	if (o->json) {
		check_json(t, &c);
		return c.ok ? EXIT_OK : EXIT_FOUND;
	}
	for (i = 0; i < c.n; i++)
		printf("%-8s %-4s %s\n", c.steps[i].name, c.steps[i].ok ? "ok" : "NO",
			c.steps[i].text);
	printf("%s %s here\n", t->name, c.ok ? "can run" : "cannot run, or not be recorded,");
	return c.ok ? EXIT_OK : EXIT_FOUND;
}

static int with_target(const char *verb, struct cli_options *o)
{
	CLEANUP(target) struct target *t = NULL;
	struct err e = {{0}};
	int rc;

	if (o->nwords == 2)
		o->target = o->words[1];
	if (o->nwords > 2 || (o->nwords < 2 && !o->target && !o->target_cmd))
		rc = err_set(&e, EINVAL,
			"target %s takes one name; `lockstep target list` has them", verb);
	else
		rc = options_target(o, NULL, &t, &e);
	if (rc) {
		err_print(&e);
		return EXIT_USAGE;
	}
	if (!strcmp(verb, "check"))
		return do_check(t, o);
	if (o->json)
		show_json(t);
	else
		show_text(t);
	return EXIT_OK;
}

int cmd_target(int argc, char **argv)
{
	static const char *const verbs[] = {"list", "show", "check", "learn", NULL};
	CLEANUP(options) struct cli_options o = {0};
	struct err e = {{0}};
	const char *like;
	int rc;

	if (argc > 1 && !strcmp(argv[1], "learn"))
		return python_exec("lockstep.compare.learn", argv + 1);
	rc = options_parse(&g_usage, &o, NULL, argc, argv, &e);
	if (rc > 0)
		return EXIT_OK;
	if (rc) {
		err_print(&e);
		return EXIT_USAGE;
	}
	if (o.nwords == 1 && !strcmp(o.words[0], "list"))
		return do_list(&o);
	if (o.nwords && (!strcmp(o.words[0], "show") || !strcmp(o.words[0], "check")))
		return with_target(o.words[0], &o);
	like = o.nwords ? closest(o.words[0], verbs) : NULL;
	warn_msg("target takes list, show NAME, check NAME or learn NAME%s%s%s",
		like ? "; did you mean " : "", like ? like : "", like ? "?" : "");
	return EXIT_USAGE;
}
