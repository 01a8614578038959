/* See options.h: from the shared options to a target and a run_spec. */
#include "tracer/cli/options.h"

#include "common/cleanup.h"
#include "tracer/cli/command.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

int options_target(
	const struct cli_options *o, const char *otherwise, struct target **t, struct err *e)
{
	if (o->target && o->target_cmd)
		return err_set(e, EINVAL,
			"--target and --target-cmd are two ways to say the same: "
			"give one of them");
	if (o->target_cmd)
		return target_from_command(t, o->target_cmd, e);
	return target_load(t, o->target ? o->target : otherwise, targets_folder(), e);
}

/* An absolute path of a folder or file that exists, without links; to be freed. */
static char *absolute(const char *what, const char *path, bool folder, struct err *e)
{
	CLEANUP(free) char *real = realpath(path, NULL);
	struct stat st;

	if (!real || stat(real, &st)) {
		err_set(e, errno, "%s %s: %s", what, path, strerror(errno));
		return NULL;
	}
	if (folder && !S_ISDIR(st.st_mode)) {
		err_set(e, ENOTDIR, "%s %s: not a folder", what, path);
		return NULL;
	}
	return STEAL(real);
}

/* SRC:DST[:ro], with SRC from here and DST absolute. */
static int one_bind(struct run_options *r, struct state_bind *b, const char *text, struct err *e)
{
	CLEANUP(free) char *copy = strdup(text);
	CLEANUP(free) char *src = NULL;
	char *dst = copy ? strchr(copy, ':') : NULL, *flag;

	if (!dst)
		return err_set(e, EINVAL, "--bind takes SRC:DST or SRC:DST:ro, not '%.80s'", text);
	*dst++ = 0;
	flag = strchr(dst, ':');
	if (flag)
		*flag++ = 0;
	if (*dst != '/' || !dst[1] || strstr(dst, "/../") || (flag && strcmp(flag, "ro")))
		return err_set(e, EINVAL,
			"--bind %.80s: DST must be an absolute path, and the only "
			"flag is ro",
			text);
	src = absolute("--bind", copy, false, e);
	if (!src)
		return -EINVAL;
	words_add(&r->paths, src);
	words_add(&r->paths, dst);
	if (r->paths.failed)
		return err_set(e, ENOMEM, "out of memory");
	b->src = r->paths.v[r->paths.n - 2];
	b->dst = r->paths.v[r->paths.n - 1];
	b->read_only = flag != NULL;
	return 0;
}

static int fill_binds(const struct cli_options *o, struct run_options *r, struct err *e)
{
	int rc = 0;

	if (!o->binds.n)
		return 0;
	r->binds = calloc(o->binds.n, sizeof(*r->binds));
	if (!r->binds)
		return err_set(e, ENOMEM, "out of memory");
	for (; !rc && r->nbinds < o->binds.n; r->nbinds++)
		rc = one_bind(r, &r->binds[r->nbinds], o->binds.v[r->nbinds], e);
	return rc;
}

/* The working folder: on the host it must exist; in a rootfs the run itself says so. */
static int fill_cwd(const struct cli_options *o, struct run_options *r, struct err *e)
{
	if (o->rootfs) {
		const char *cwd = o->cwd ? o->cwd : "/";

		if (*cwd != '/')
			return err_set(e, EINVAL, "--cwd must be an absolute path with --rootfs");
		r->cwd = strdup(cwd);
		return r->cwd ? 0 : err_set(e, ENOMEM, "out of memory");
	}
	r->cwd = absolute("--cwd", o->cwd ? o->cwd : ".", true, e);
	return r->cwd ? 0 : -EINVAL;
}

static int check(const struct cli_options *o, struct err *e)
{
	if (o->rw && (o->keep_changes || o->rootfs || o->binds.n))
		return err_set(e, EINVAL,
			"--rw uses the host's files directly: it does not go with "
			"--keep-changes, --rootfs or --bind");
	if (o->cpus > 4096)
		return err_set(e, EINVAL, "--cpus %llu: that many there are not",
			(unsigned long long)o->cpus);
	return 0;
}

int options_run(
	const struct cli_options *o, struct run_options *r, struct run_spec *spec, struct err *e)
{
	int rc = check(o, e);

	if (!rc && o->rootfs) {
		r->rootfs = absolute("--rootfs", o->rootfs, true, e);
		rc = r->rootfs ? 0 : -EINVAL;
	}
	if (!rc)
		rc = fill_cwd(o, r, e);
	if (!rc)
		rc = fill_binds(o, r, e);
	if (rc)
		return rc;
	spec->rootfs = r->rootfs;
	spec->cwd = r->cwd;
	spec->binds = r->binds;
	spec->nbinds = r->nbinds;
	spec->keep_changes = o->keep_changes;
	spec->rw = o->rw;
	spec->env = &o->env;
	spec->limits = (struct limits){o->memory, o->pids, (unsigned int)o->cpus};
	spec->timeout_ns = o->timeout_ns;
	spec->target_opts = &o->target_opts;
	spec->command = o->words;
	spec->helper_dir = exe_folder();
	return 0;
}

void run_options_fini(struct run_options *r)
{
	free(r->cwd);
	free(r->rootfs);
	free(r->binds);
	words_fini(&r->paths);
}
