/*
 * lockstep spec: one event of a trace as an injection, for `lockstep trace --inject`. It names the
 * call by what it is about, so that the same call is found in another run.
 */
#include "tracer/cli/command.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "tracer/align/spec.h"

static const char usage[] = "usage: lockstep spec TRACE SEQ VALUE...\n"
			    "\n"
			    "Prints the injection that gives event SEQ of a trace (a call; "
			    "`lockstep show --json` has the numbers) another\n"
			    "result: errno=NAME, ret=N, or any other words of an injection.\n"
			    "\n"
			    "  lockstep trace --inject \"$(lockstep spec t.trace 120 "
			    "errno=ENOSYS)\" -o again.trace -- CMD\n";

static bool find_token(const struct side *s, uint32_t seq, int *seg, int *tok)
{
	for (size_t i = 0; i < s->segs; i++)
		for (size_t k = 0; k < s->seg[i].len; k++)
			if (s->seg[i].tok[k].seq == seq && s->seg[i].tok[k].call < TOK_SIGNAL) {
				*seg = (int)i;
				*tok = (int)k;
				return true;
			}
	return false;
}

static int print_spec(const char *path, uint32_t seq, char **words, int nwords, struct err *e)
{
	struct names *names = names_new();
	struct side s = {0};
	struct details details = {0};
	CLEANUP(buf) struct buf out = {0};
	const struct detail *place;
	int seg = 0, tok = 0, rc = names ? side_load(&s, path, 0, names, e) : -ENOMEM;

	rc = rc ? rc : names_settle(names, 1);
	rc = rc ? rc : side_key(&s, names);
	if (!rc && !find_token(&s, seq, &seg, &tok))
		rc = err_set(e, EINVAL,
			"%s: event %u is no call that a comparison looks at; see lockstep show "
			"--json",
			path, seq);
	rc = rc ? rc : details_want(&details, seq);
	rc = rc ? rc : details_read(&details, path, e);
	place = rc ? NULL : details_get(&details, seq);
	if (place) {
		spec_place(&out, &s, names, seg, tok, place, false);
		for (int i = 0; i < nwords; i++)
			buf_printf(&out, " %s", words[i]);
		/* a call that worked keeps its effects where only its number is changed */
		if (nwords && !strncmp(words[0], "ret=", 4))
			buf_add_str(&out, " after=1");
		puts(buf_str(&out));
	}
	details_fini(&details);
	side_fini(&s);
	names_free(names);
	return rc;
}

int cmd_spec(int argc, char **argv)
{
	struct err e = {"spec: out of memory"};
	char *end;
	unsigned long seq;
	int rc;

	if (argc == 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		fputs(usage, stdout);
		return EXIT_OK;
	}
	if (argc < 4) {
		fputs(usage, stderr);
		return EXIT_USAGE;
	}
	seq = strtoul(argv[2], &end, 10);
	if (*end || seq > UINT32_MAX) {
		warn_msg("spec: %s: the number of an event", argv[2]);
		return EXIT_USAGE;
	}
	rc = print_spec(argv[1], (uint32_t)seq, argv + 3, argc - 3, &e);
	if (rc < 0)
		err_print(&e);
	return rc < 0 ? EXIT_USAGE : EXIT_OK;
}
