/* The `lockstep` program: one table of commands. */
#include "tracer/cli/command.h"

#include "common/cleanup.h"
#include "common/err.h"
#include "tracer/cli/options.h"

#include <stdio.h>
#include <string.h>

#pragma weak cmd_run
#pragma weak cmd_trace
#pragma weak cmd_target
#pragma weak cmd_doctor
#pragma weak cmd_show
#pragma weak cmd_elf
#pragma weak cmd_compare
#pragma weak cmd_align
#pragma weak cmd_spec

struct command {
	const char *name;
	const char *help;
	command_fn *fn;
	const char *module; /* Python */
	bool plumbing;	    /* used by other commands: not listed */
};

/* clang-format off */
static const struct command g_commands[] = {
	{"run", "runs a command in a target", .fn = cmd_run},
	{"trace", "runs it and records what it does", .fn = cmd_trace},
	{"show", "a trace as text, JSON or a summary", .fn = cmd_show},
	{"diff", "what a command does differently in a target, ranked and proven", .module = "lockstep.compare"},
	{"elf", "an ELF file's layout as Linux makes it, and what is wrong with it", .fn = cmd_elf},
	{"corpus", "many packages: run, list, add, report", .module = "lockstep.corpus"},
	{"report", "results as HTML", .module = "lockstep.report"},
	{"repro", "shows a finding again", .module = "lockstep.compare.repro"},
	{"target", "targets: list, show, check, learn", .fn = cmd_target},
	{"doctor", "what this host lacks or should tune", .fn = cmd_doctor},
	{"selftest", "whether lockstep finds what it should, and nothing else", .module = "lockstep.compare.selftest"},
	{"compare", "differences between traces (plumbing of diff)", .fn = cmd_compare, .plumbing = true},
	{"align", "two traces side by side (plumbing of report)", .fn = cmd_align, .plumbing = true},
	{"spec", "an event of a trace as an injection (plumbing)", .fn = cmd_spec, .plumbing = true},
};
/* clang-format on */

static bool exists(const struct command *c)
{
	return c->module ? python_has(c->module) : c->fn != NULL;
}

static void usage(FILE *out)
{
	size_t i;

	fprintf(out, "usage: lockstep COMMAND [OPTIONS] [-- CMD...]\n\n"
		     "Runs a program natively and under a user-space Linux emulator, and shows "
		     "with proof\n"
		     "where the two part.\n\nCommands:\n");
	for (i = 0; i < ARRAY_LEN(g_commands); i++)
		if (exists(&g_commands[i]) && !g_commands[i].plumbing)
			fprintf(out, "  %-9s %s\n", g_commands[i].name, g_commands[i].help);
	fprintf(out, "\n`lockstep COMMAND --help` says more.\n\nExample:\n"
		     "  lockstep diff --target runsc -- python3 script.py\n");
}

static const struct command *find(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(g_commands); i++)
		if (exists(&g_commands[i]) && !strcmp(g_commands[i].name, name))
			return &g_commands[i];
	return NULL;
}

static int unknown(const char *name)
{
	const char *names[ARRAY_LEN(g_commands) + 1], *like;
	size_t i, n = 0;

	for (i = 0; i < ARRAY_LEN(g_commands); i++)
		if (exists(&g_commands[i]) && !g_commands[i].plumbing)
			names[n++] = g_commands[i].name;
	names[n] = NULL;
	like = closest(name, names);
	if (like)
		warn_msg("there is no command '%s'; did you mean `lockstep %s`?", name, like);
	else
		warn_msg("there is no command '%s'; `lockstep --help` lists them", name);
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	const struct command *c;

	if (argc < 2) {
		usage(stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		usage(stdout);
		return EXIT_OK;
	}
	if (!strcmp(argv[1], "--version")) {
		printf("lockstep %s\n", LOCKSTEP_VERSION);
		return EXIT_OK;
	}
	c = find(argv[1]);
	if (!c)
		return unknown(argv[1]);
	return c->module ? python_exec(c->module, argv + 1) : c->fn(argc - 1, argv + 1);
}
