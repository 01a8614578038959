/* lockstep trace: a command in a target, recorded. */
#include "tracer/cli/run_common.h"

#include "common/cleanup.h"
#include "tracer/cli/command.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct trace_options {
	const char *outcome, *out, *err, *in;
	uint64_t max_output, store_size, max_size;
	struct words inject;
	bool no_record;
};

#define AT(field) offsetof(struct trace_options, field)

/* clang-format off */
static const struct opt g_own[] = {
	{"outcome", 0, OPT_TEXT, AT(outcome), "FILE", "how it ended, as JSON (lockstep.outcome/1)"},
	{"stdin", 0, OPT_TEXT, AT(in), "FILE", "the command's standard input; default: ours"},
	{"stdout", 0, OPT_TEXT, AT(out), "FILE", "what it wrote; default: passed through"},
	{"stderr", 0, OPT_TEXT, AT(err), "FILE", "the same for standard error"},
	{"max-output", 0, OPT_SIZE, AT(max_output), "SIZE", "kept of each of them; default 16M, all is hashed"},
	{"string-size", 's', OPT_NUMBER, AT(store_size), "N", "bytes of each buffer that are stored; default 32"},
	{"max-size", 0, OPT_SIZE, AT(max_size), "SIZE", "of the trace, which then ends in order"},
	{"inject", 0, OPT_LIST, AT(inject), "SPEC", "changes one call's result (see lockstep-trace(1)); repeatable"},
	{"no-record", 0, OPT_FLAG, AT(no_record), NULL, "only the outcome"},
	{0},
};
/* clang-format on */

static const struct cli_usage g_usage = {
	.synopsis = "trace [OPTIONS] -o FILE [--] CMD...",
	.about = "Runs CMD in a target as `lockstep run` does, and records its system calls, "
		 "signals and\n"
		 "memory layout in FILE, to be read with `lockstep show` and `lockstep diff`. "
		 "Where a target\n"
		 "cannot be recorded, FILE.log holds the target's own log. The exit status is that "
		 "of `run`.",
	.examples = "  lockstep trace --target runsc -o true.trace -- /bin/true\n"
		    "  lockstep trace --target native -o t --outcome t.json --inject "
		    "'call=getrandom errno=ENOSYS' -- python3 -c 1",
	.groups = OG_TARGET | OG_STATE | OG_OUTPUT | OG_COMMAND,
	.own = g_own,
};

/* An absolute path for a file that need not exist yet; to be freed. */
static char *absolute(const char *path)
{
	CLEANUP(free) char *here = getcwd(NULL, 0);
	char *out = NULL;

	if (*path == '/')
		return strdup(path);
	if (!here || asprintf(&out, "%s/%s", here, path) < 0)
		return NULL;
	return out;
}

static void recorder_options(const struct trace_options *own, struct words *w)
{
	size_t i;

	words_addf(w, "-s%" PRIu64, own->store_size);
	if (own->max_size)
		words_addf(w, "--max-size=%" PRIu64, own->max_size);
	for (i = 0; i < own->inject.n; i++)
		words_addf(w, "--inject=%s", own->inject.v[i]);
}

static int check(const struct cli_options *o, const struct trace_options *own, struct err *e)
{
	if (!o->nwords)
		return err_set(
			e, EINVAL, "trace needs a command: lockstep trace -o FILE -- CMD...");
	if (!o->output && !own->no_record)
		return err_set(
			e, EINVAL, "trace needs -o FILE, or --no-record for the outcome alone");
	if (own->no_record && own->inject.n)
		return err_set(e, EINVAL, "--inject is done by the recorder: not with --no-record");
	return 0;
}

static int run_trace(
	const struct cli_options *o, const struct trace_options *own, struct words *recorder)
{
	CLEANUP(free) char *trace = NULL, *log = NULL, *maps = NULL;
	const char *base = o->output ? o->output : own->outcome;
	struct run_spec spec = {
		.max_output = own->max_output,
		.stdin_path = own->in,
		.stdout_path = own->out,
		.stderr_path = own->err,
		.pipes = true,
		.sample_host = true,
		.recorder_opts = recorder,
	};

	trace = base ? absolute(base) : NULL;
	if (trace &&
		(asprintf(&log, "%s.log", trace) < 0 || asprintf(&maps, "%s.maps", trace) < 0)) {
		warn_msg("out of memory");
		return EXIT_RUN_SELF;
	}
	spec.trace = own->no_record ? NULL : trace;
	spec.log = log;
	spec.peak_maps = maps;
	return run_and_tell(o, &spec, own->outcome);
}

int cmd_trace(int argc, char **argv)
{
	CLEANUP(options) struct cli_options o = {0};
	CLEANUP(words) struct words recorder = {0};
	struct trace_options own = {.max_output = 16 << 20, .store_size = 32};
	struct err e = {{0}};
	int rc = options_parse(&g_usage, &o, &own, argc, argv, &e);

	if (rc > 0)
		return EXIT_OK;
	if (!rc)
		rc = check(&o, &own, &e);
	if (rc) {
		err_print(&e);
		words_fini(&own.inject);
		return EXIT_USAGE;
	}
	recorder_options(&own, &recorder);
	rc = run_trace(&o, &own, &recorder);
	words_fini(&own.inject);
	return rc;
}
