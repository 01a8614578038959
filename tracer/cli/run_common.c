/* See run_common.h. */
#include "tracer/cli/run_common.h"

#include "common/buf.h"
#include "common/cleanup.h"
#include "tracer/cli/command.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int write_outcome(
	const struct outcome *out, const struct run_spec *spec, const char *path, int fd)
{
	CLEANUP(buf) struct buf b = {0};
	CLEANUP(fd)
	int file = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644) : -1;
	int rc;

	outcome_json(out, spec, &b);
	rc = path && file < 0 ? -errno : buf_write_fd(&b, path ? file : fd);
	if (rc)
		warn_msg("cannot write the outcome%s%s: %s", path ? " to " : "", path ? path : "",
			strerror(-rc));
	return rc;
}

static void tell_changes(const struct cli_options *o, const struct outcome *out)
{
	if (o->quiet || !out->changes.n || o->rw)
		return;
	if (o->keep_changes)
		warn_msg("%s%zu changed files are kept in %s", out->changes.cut ? "more than " : "",
			out->changes.n, o->keep_changes);
	else
		warn_msg("%s%zu changed files (%" PRIu64 " bytes) were thrown away; "
			 "--keep-changes DIR keeps them",
			out->changes.cut ? "more than " : "", out->changes.n,
			out->changes.dropped_size);
}

static void tell(const struct cli_options *o, const struct outcome *out)
{
	size_t i;

	for (i = 0; o->verbose && i < out->notes.n; i++)
		warn_msg("note: %s", out->notes.v[i]);
	if (out->why[0])
		warn_msg("%s", out->why);
	tell_changes(o, out);
}

/* The exit status for what kept lockstep from running anything. */
static int failure(int rc, const struct err *e)
{
	err_print(e);
	return rc == -EINVAL ? EXIT_USAGE : EXIT_RUN_SELF;
}

int run_and_tell(const struct cli_options *o, struct run_spec *spec, const char *outcome_path)
{
	CLEANUP(target) struct target *t = NULL;
	CLEANUP(run_options) struct run_options r = {0};
	CLEANUP(outcome) struct outcome out = {0};
	struct err e = {{0}};
	int rc = options_target(o, DEFAULT_TARGET, &t, &e);

	if (!rc)
		rc = options_run(o, &r, spec, &e);
	if (rc)
		return failure(-EINVAL, &e);
	spec->target = t;
	spec->list_changes = !o->rw;
	rc = run_once(spec, &out, &e);
	if (rc)
		return failure(rc, &e);
	tell(o, &out);
	if (outcome_path && write_outcome(&out, spec, outcome_path, -1))
		return EXIT_RUN_SELF;
	if (o->json && write_outcome(&out, spec, NULL, STDOUT_FILENO))
		return EXIT_RUN_SELF;
	return outcome_exit_status(&out);
}
