/* lockstep run: a command in a target, in the disposable state. */
#include "tracer/cli/run_common.h"

#include "common/cleanup.h"
#include "tracer/cli/command.h"

#include <errno.h>

static const struct cli_usage g_usage = {
	.synopsis = "run [OPTIONS] [--] CMD...",
	.about = "Runs CMD in a target. The run starts from the host's files, in a layer that is "
		 "thrown\n"
		 "away afterwards, with a private /tmp, no network but loopback, and a cleared "
		 "environment.\n"
		 "The exit status is the command's; 128+n: it died of signal n; 125: lockstep or "
		 "the target\n"
		 "failed; 126, 127: CMD cannot be executed, was not found.",
	.examples = "  lockstep run --target runsc -- python3 -c 'print(1)'\n"
		    "  lockstep run --target native --keep-changes out -- make",
	.groups = OG_TARGET | OG_STATE | OG_COMMAND,
};

int cmd_run(int argc, char **argv)
{
	CLEANUP(options) struct cli_options o = {0};
	struct run_spec spec = {.max_output = UINT64_MAX};
	struct err e = {{0}};
	int rc = options_parse(&g_usage, &o, NULL, argc, argv, &e);

	if (rc > 0)
		return EXIT_OK;
	if (!rc && !o.nwords)
		rc = err_set(&e, EINVAL, "run needs a command: lockstep run -- CMD...");
	if (rc) {
		err_print(&e);
		return EXIT_USAGE;
	}
	return run_and_tell(&o, &spec, NULL);
}
