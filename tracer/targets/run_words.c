/*
 * What one run starts: the target's own words, the recorder (or lockstep-exec) inside, the program;
 * its environment, and which host files are shown.
 */
#include "tracer/targets/run_impl.h"

#include "common/cleanup.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
/* Linux v6.18 fs/exec.c: BINPRM_BUF_SIZE, and how deep scripts may name scripts. */
#define SHEBANG_MAX   256
#define SHEBANG_DEPTH 5

void plan_fini(struct run_plan *plan)
{
	words_fini(&plan->argv);
	words_fini(&plan->env);
	words_fini(&plan->target_env);
	words_fini(&plan->visible);
	words_fini(&plan->paths);
	if (plan->rw_dir[0])
		rmdir(plan->rw_dir);
}

/* ---- environment ---- */

static void env_keep(struct words *env, const char *name, const char *otherwise)
{
	const char *v = getenv(name);

	if (v || otherwise)
		words_addf(env, "%s=%s", name, v ? v : otherwise);
}

/* A later K=V replaces an earlier one: programs take the first that they find. */
static void env_set(struct words *env, const char *kv)
{
	size_t len = strcspn(kv, "="), i;

	for (i = 0; i < env->n; i++) {
		if (strncmp(env->v[i], kv, len) || env->v[i][len] != '=')
			continue;
		free(env->v[i]);
		env->v[i] = strdup(kv);
		env->failed |= !env->v[i];
		return;
	}
	words_add(env, kv);
}

int plan_env(struct run_plan *plan, const struct run_spec *spec)
{
	size_t i;

	env_keep(&plan->env, "PATH", DEFAULT_PATH);
	env_keep(&plan->env, "HOME", "/");
	words_add(&plan->env, "LANG=C.UTF-8");
	env_keep(&plan->env, "TZ", NULL);
	env_keep(&plan->env, "TERM", NULL);
	for (i = 0; spec->env && i < spec->env->n; i++)
		env_set(&plan->env, spec->env->v[i]);
	return plan->env.failed ? -ENOMEM : 0;
}

/* ---- finding the program ---- */

static int program_ok(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EACCES;
	return access(path, X_OK) ? -errno : 0;
}

static char *join(const char *dir, const char *name)
{
	char *path = NULL;

	if (asprintf(&path, "%s/%s", dir, name) < 0)
		return NULL;
	return path;
}

static int look_in_path(const char *word, const char *list, const char *cwd, char **out)
{
	int rc = -ENOENT;

	for (;;) {
		size_t len = strcspn(list, ":");
		CLEANUP(free) char *dir = len ? strndup(list, len) : strdup(cwd);
		CLEANUP(free) char *path = dir ? join(dir, word) : NULL;
		int one = path ? program_ok(path) : -ENOMEM;

		if (!one) {
			*out = STEAL(path);
			return 0;
		}
		if (one == -EACCES)
			rc = one;
		if (!list[len])
			return rc;
		list += len + 1;
	}
}

int program_find(const char *word, const char *path_var, const char *cwd, char **out, struct err *e)
{
	int rc;

	*out = NULL;
	if (!*word) {
		rc = -ENOENT;
	} else if (strchr(word, '/')) {
		*out = *word == '/' ? strdup(word) : join(cwd, word);
		rc = *out ? program_ok(*out) : -ENOMEM;
	} else {
		rc = look_in_path(word, path_var ? path_var : DEFAULT_PATH, cwd, out);
	}
	if (!rc)
		return 0;
	free(STEAL(*out));
	return err_set(e, -rc, "%.200s: %s", word, strerror(-rc));
}

/* The interpreter line of a script: *interp and *arg (may be NULL), to be freed. False: none. */
static bool shebang(const char *path, char **interp, char **arg)
{
	char line[SHEBANG_MAX + 1], *p, *end;
	CLEANUP(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, line, SHEBANG_MAX);

	*interp = *arg = NULL;
	if (n < 3 || line[0] != '#' || line[1] != '!')
		return false;
	line[n] = 0;
	line[strcspn(line, "\n")] = 0;
	p = line + 2 + strspn(line + 2, " \t");
	end = p + strcspn(p, " \t");
	if (end == p)
		return false;
	*interp = strndup(p, end - p);
	end += strspn(end, " \t");
	for (p = end + strlen(end); p > end && isspace((unsigned char)p[-1]); p--)
		p[-1] = 0;
	*arg = *end ? strdup(end) : NULL;
	return *interp != NULL;
}

/*
 * For a target that takes the path of an ELF file: PATH is searched and scripts are replaced by
 * their interpreters, as execve(2) would. Adds to argv; a program that cannot be executed is noted
 * in the outcome.
 */
static int add_resolved(struct run_plan *plan, const struct run_spec *spec, struct outcome *o)
{
	CLEANUP(words) struct words front = {0};
	CLEANUP(free) char *path = NULL;
	struct err e = {{0}};
	unsigned int depth;
	int rc = program_find(
		spec->command[0], words_value(&plan->env, "PATH"), spec->cwd, &path, &e);

	for (depth = 0; !rc; depth++) {
		CLEANUP(words) struct words old = front;
		char *interp, *arg;

		if (!shebang(path, &interp, &arg)) {
			front = (struct words){0};
			words_add_all(&front, old.v);
			break;
		}
		front = (struct words){0};
		if (arg)
			words_add(&front, arg);
		words_add(&front, path);
		words_add_all(&front, old.n ? old.v + 1 : NULL);
		free(path);
		path = interp;
		free(arg);
		rc = depth == SHEBANG_DEPTH ? -ELOOP : program_ok(path);
	}
	if (rc) {
		outcome_not_executed(o, spec->command[0], -rc);
		return 0;
	}
	words_add(&plan->argv, path);
	words_add_all(&plan->argv, front.v);
	words_add_all(&plan->argv, spec->command + 1);
	return 0;
}

/* ---- the words ---- */

/* --rw leaves no room for our files: an empty folder of the host's /tmp is mounted over. */
static int choose_inside(struct run_plan *plan, const struct run_spec *spec, struct err *e)
{
	plan->state.inside = STATE_DIR;
	if (!spec->rw)
		return 0;
	strcpy(plan->rw_dir, "/tmp/lockstep-XXXXXX");
	if (!mkdtemp(plan->rw_dir)) {
		plan->rw_dir[0] = 0;
		return err_set(e, errno, "cannot make a folder in /tmp: %s", strerror(errno));
	}
	chmod(plan->rw_dir, 0755);
	plan->state.inside = plan->rw_dir;
	return 0;
}

/*
 * lockstep-exec is the parent inside, also of the recorder: so how the program ended is told in one
 * way, and a recorder that is killed is seen.
 */
static void add_recorder(struct run_plan *plan, const struct run_spec *spec, const char *inside)
{
	words_addf(&plan->argv, "%s/lockstep-exec", inside);
	words_addf(&plan->argv, "%s/status", inside);
	words_addf(&plan->argv, "%s/env", inside);
	if (!spec->trace)
		return;
	words_add(&plan->argv, "--");
	words_addf(&plan->argv, "%s/lockstep-record", inside);
	words_add(&plan->argv, "-o");
	words_addf(&plan->argv, "%s/trace", inside);
	if (spec->timeout_ns)
		words_addf(&plan->argv, "--timeout=%.3f", (double)spec->timeout_ns / 1e9);
	words_add_all(&plan->argv, spec->recorder_opts ? spec->recorder_opts->v : NULL);
}

static void show_file(struct run_plan *plan, const char *name, const char *host_path, bool writable)
{
	words_add(&plan->paths, host_path);
	plan->state.files = plan->files;
	plan->files[plan->state.nfiles++] = (struct state_file){
		.name = name, .host_path = plan->paths.v[plan->paths.n - 1], .writable = writable};
}

static int show_helper(
	struct run_plan *plan, const struct run_spec *spec, const char *name, struct err *e)
{
	CLEANUP(free) char *path = join(spec->helper_dir, name);

	if (!path)
		return err_set(e, ENOMEM, "out of memory");
	if (access(path, X_OK))
		return err_set(e, errno, "cannot use %s: %s; build it (make) or reinstall", path,
			strerror(errno));
	show_file(plan, name, path, false);
	return 0;
}

static int show_files(struct run_plan *plan, const struct run_spec *spec, struct err *e)
{
	bool inside = spec->target->record == RECORD_INSIDE;
	int rc = 0;

	if (inside)
		rc = show_helper(plan, spec, "lockstep-exec", e);
	if (!rc && inside && spec->trace)
		rc = show_helper(plan, spec, "lockstep-record", e);
	if (!rc && inside && spec->trace)
		show_file(plan, "trace", spec->trace, true);
	if (!rc && run_has_log(spec))
		show_file(plan, "log", spec->log, true);
	return rc;
}

static void add_visible_path(struct run_plan *plan, const struct run_spec *spec, const char *text)
{
	CLEANUP(free) char *path = *text == '/' ? strdup(text) : join(spec->cwd, text);
	CLEANUP(free) char *real = path ? realpath(path, NULL) : NULL;

	if (real)
		words_add(&plan->visible, real);
	/* by the name that was given too: the folders on its way may be links */
	if (real && *text == '/' && !strstr(path, "/../") && strcmp(real, path))
		words_add(&plan->visible, path);
}

/* Each path of a list such as PATH. */
static void add_visible_list(struct run_plan *plan, const struct run_spec *spec, const char *list)
{
	size_t len;

	for (; *list; list += len + (list[len] == ':')) {
		CLEANUP(free) char *one = NULL;

		len = strcspn(list, ":");
		one = strndup(list, len);
		if (one && *one == '/')
			add_visible_path(plan, spec, one);
	}
}

/* What the target's and the program's words and the environment name, absolute or from here. */
static void add_visible(struct run_plan *plan, const struct run_spec *spec)
{
	char *const *word;
	size_t i;

	if (spec->rootfs || spec->rw)
		return;
	words_add(&plan->visible, spec->cwd);
	for (word = plan->argv.v; *word; word++) {
		const char *value = strchr(*word, '=');

		if (strchr(*word, '/') && strlen(*word) < PATH_MAX)
			add_visible_path(plan, spec, *word);
		if (value && value[1] == '/' && strlen(value) < PATH_MAX)
			add_visible_path(plan, spec, value + 1);
	}
	for (i = 0; i < plan->env.n; i++)
		add_visible_list(plan, spec, strchr(plan->env.v[i], '=') + 1);
}

static int add_command(
	struct run_plan *plan, const struct run_spec *spec, const char *inside, struct outcome *o)
{
	if (spec->target->record == RECORD_INSIDE) {
		add_recorder(plan, spec, inside);
		return 0;
	}
	if (spec->target->command == COMMAND_PATH)
		return add_resolved(plan, spec, o);
	words_add_all(&plan->argv, spec->command);
	return 0;
}

/* What the target's options add to the recorder's; they mean nothing without it. */
static int add_recorder_words(struct run_plan *plan, const struct run_spec *spec,
	const struct target_values *v, struct err *e)
{
	CLEANUP(words) struct words more = {0};
	int rc = target_expand(spec->target, &spec->target->recorder, v, &more, e);

	if (!rc && more.n && !spec->trace)
		rc = err_set(e, EINVAL,
			"%s of target %s is done by the recorder: use `lockstep "
			"trace` without --no-record",
			more.v[0], spec->target->name);
	words_add_all(&plan->argv, more.v);
	return rc;
}

/* The target's own variables go over the program's; lockstep-exec gives the program its own back.
 */
static int expand_env(
	struct run_plan *plan, const struct target *t, const struct target_values *v, struct err *e)
{
	CLEANUP(words) struct words more = {0};
	int rc = target_expand(t, &t->env, v, &more, e);
	size_t i;

	for (i = 0; !rc && i < more.n; i++)
		env_set(&plan->target_env, more.v[i]);
	return rc;
}

static int plan_argv(
	struct run_plan *plan, const struct run_spec *spec, struct outcome *o, struct err *e)
{
	CLEANUP(free) char *state_dir = NULL, *log = NULL;
	const struct target *t = spec->target;
	const struct words *first = geteuid() && t->start_user.n ? &t->start_user : &t->start;
	const char *inside = plan->state.inside;
	struct target_values v = {.opts = spec->target_opts, .argv0 = spec->command[0]};
	int rc;

	if (spec->rootfs && t->start.n && !target_mentions(t, "{rootfs}"))
		return err_set(e, EINVAL,
			"target %s cannot use --rootfs: its description does not say "
			"how it is told of one ({rootfs})",
			t->name);
	plan->state.beside = spec->rootfs && t->start.n;
	/* as the target sees them, not the program */
	if (asprintf(&state_dir, "%s%s/target", plan->state.beside ? STATE_ROOTFS : "", inside) < 0)
		state_dir = NULL;
	if (asprintf(&log, "%s%s/log", plan->state.beside ? STATE_ROOTFS : "", inside) < 0)
		log = NULL;
	if (!state_dir || !log)
		return err_set(e, ENOMEM, "out of memory");
	v.rootfs = plan->state.beside ? STATE_ROOTFS : NULL;
	v.state = state_dir;
	v.log = run_has_log(spec) ? log : "/dev/null";
	words_add_all(&plan->target_env, plan->env.v);
	rc = expand_env(plan, t, &v, e);
	if (!rc)
		rc = target_expand(t, first, &v, &plan->argv, e);
	if (!rc)
		rc = add_command(plan, spec, inside, o);
	if (rc || t->record != RECORD_INSIDE)
		return rc;
	rc = add_recorder_words(plan, spec, &v, e);
	words_add(&plan->argv, "--");
	words_add_all(&plan->argv, spec->command);
	return rc;
}

int plan_make(struct run_plan *plan, const struct run_spec *spec, struct outcome *o, struct err *e)
{
	int rc = choose_inside(plan, spec, e);

	if (!rc)
		rc = show_files(plan, spec, e);
	if (!rc)
		rc = plan_argv(plan, spec, o, e);
	if (rc)
		return rc;
	add_visible(plan, spec);
	plan->state.rootfs = spec->rootfs;
	plan->state.cwd = spec->cwd;
	plan->state.rw = spec->rw;
	plan->state.new_session = spec->pipes;
	plan->state.visible = &plan->visible;
	plan->state.devices = &spec->target->devices;
	plan->state.binds = spec->binds;
	plan->state.nbinds = spec->nbinds;
	plan->state.env = &plan->target_env;
	if (plan->target_env.failed || plan->argv.failed || plan->visible.failed ||
		plan->paths.failed)
		return err_set(e, ENOMEM, "out of memory");
	return 0;
}
