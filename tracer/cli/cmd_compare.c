/*
 * lockstep compare: the measuring half of `lockstep diff`. Reads traces of native and target runs,
 * prints where they part as JSON lines. Plumbing: it runs nothing, ranks nothing and proves
 * nothing.
 */
#include "tracer/cli/command.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/err.h"
#include "tracer/align/differ.h"
#include "tracer/align/emit.h"

static const char usage[] =
	"usage: lockstep compare --json --native TRACE... --target-trace TRACE...\n"
	"\n"
	"Compares recorded runs: what target runs do that no native run does. Each option names "
	"one trace and is\n"
	"given as often as there are runs. Prints JSON lines (lockstep.difference/1, process/1, "
	"guest-vma/1).\n"
	"\n"
	"  lockstep compare --native n1/trace --native n2/trace --target-trace t1/trace\n";

enum { OPT_NATIVE = 256, OPT_TARGET, OPT_JSON };

static void say_torn(const struct side *s, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		if (s[i].torn)
			warn_msg("%s: torn after %llu events: compared as far as it goes",
				s[i].path, (unsigned long long)s[i].events);
}

int cmd_compare(int argc, char **argv)
{
	static const struct option options[] = {
		{"native", required_argument, NULL, OPT_NATIVE},
		{"target-trace", required_argument, NULL, OPT_TARGET},
		{"json", no_argument, NULL, OPT_JSON},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	const char *natives[NAMES_RUN_MAX], *targets[NAMES_RUN_MAX];
	unsigned int nnatives = 0, ntargets = 0;
	struct differ d;
	struct err e = {""};
	int c, rc;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c == 'h') {
			fputs(usage, stdout);
			return EXIT_OK;
		}
		if (c == '?')
			return EXIT_USAGE;
		if (nnatives + ntargets == NAMES_RUN_MAX) {
			warn_msg("compare: at most %d traces", NAMES_RUN_MAX);
			return EXIT_USAGE;
		}
		if (c == OPT_NATIVE)
			natives[nnatives++] = optarg;
		if (c == OPT_TARGET)
			targets[ntargets++] = optarg;
	}
	rc = differ_run(&d, natives, nnatives, targets, ntargets, &e);
	if (!rc) {
		say_torn(d.natives, d.nnatives);
		say_torn(d.targets, d.ntargets);
		rc = emit_all(&d, STDOUT_FILENO, &e);
	}
	differ_fini(&d);
	if (rc < 0) {
		err_print(&e);
		return rc == -ENOMEM || rc == -EPIPE || rc == -ENOSPC ? EXIT_BROKE : EXIT_USAGE;
	}
	return rc ? EXIT_FOUND : EXIT_OK;
}
