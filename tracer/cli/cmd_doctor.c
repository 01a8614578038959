/*
 * lockstep doctor: what this host lacks or should tune, each with the command that mends it. The
 * checks stand in doctor_checks.c; this file runs them all and prints.
 */
#include "tracer/cli/command.h"
#include "tracer/cli/doctor.h"
#include "tracer/cli/options.h"

#include "common/buf.h"
#include "common/cleanup.h"
#include "common/json.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct cli_usage g_usage = {
	.synopsis = "doctor [OPTIONS]",
	.about = "Says what this host lacks or should tune for running and recording programs, "
		 "each with the\n"
		 "command that mends it. Exit status 1 when there is something to mend.",
	.examples = "  lockstep doctor",
};

static const char *const g_words[] = {"ok", "hint", "mend"};

void doctor_say(struct doctor *d, enum doctor_state state, const char *name, const char *mend,
	const char *fmt, ...)
{
	struct doctor_item *i;
	va_list ap;

	if (d->n == DOCTOR_MAX)
		return;
	i = &d->items[d->n++];
	i->state = state;
	i->name = name;
	snprintf(i->mend, sizeof(i->mend), "%s", mend ? mend : "");
	va_start(ap, fmt);
	vsnprintf(i->text, sizeof(i->text), fmt, ap);
	va_end(ap);
}

static void print_json(const struct doctor *d, bool mend)
{
	CLEANUP(buf) struct buf b = {0};
	struct json j = {&b, false};
	unsigned int i;

	json_line_begin(&j, "lockstep.doctor/1");
	json_bool(&j, "ok", !mend);
	json_array(&j, "items");
	for (i = 0; i < d->n; i++) {
		const struct doctor_item *it = &d->items[i];

		json_begin(&j, NULL);
		json_str(&j, "name", it->name);
		json_str(&j, "state", g_words[it->state]);
		json_str(&j, "text", it->text);
		json_str(&j, "mend", it->mend[0] ? it->mend : NULL);
		json_end(&j);
	}
	json_array_end(&j);
	json_line_end(&j);
	fwrite(b.data, 1, b.len, stdout);
}

static void print_text(const struct doctor *d)
{
	unsigned int i;

	for (i = 0; i < d->n; i++) {
		const struct doctor_item *it = &d->items[i];

		printf("%-5s %-16s %s\n", g_words[it->state], it->name, it->text);
		if (it->mend[0])
			printf("%-22s $ %s\n", "", it->mend);
	}
}

int cmd_doctor(int argc, char **argv)
{
	CLEANUP(options) struct cli_options o = {0};
	struct doctor d = {.n = 0};
	struct err e = {{0}};
	bool mend = false;
	unsigned int i;
	int rc = options_parse(&g_usage, &o, NULL, argc, argv, &e);

	if (rc > 0)
		return EXIT_OK;
	if (!rc && o.nwords)
		rc = err_set(&e, EINVAL, "doctor takes no words; see lockstep doctor --help");
	if (rc) {
		err_print(&e);
		return EXIT_USAGE;
	}
	doctor_kernel(&d);
	doctor_state_checks(&d);
	doctor_programs(&d);
	for (i = 0; i < d.n; i++)
		mend |= d.items[i].state == DOCTOR_MEND;
	if (o.json)
		print_json(&d, mend);
	else
		print_text(&d);
	return mend ? EXIT_FOUND : EXIT_OK;
}
