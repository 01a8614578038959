/* See run.h. run_words.c puts the command line together, outcome.c says how it ended. */
#include "tracer/targets/run_impl.h"

#include "common/buf.h"
#include "common/cleanup.h"
#include "tracer/store/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

/* How long the recorder has, after the program's time is over, to store the stacks. */
#define GRACE_NS (5 * 1000000000ULL)
#define POLL_MAX 8

static volatile sig_atomic_t g_signal, g_own_session;

static void on_signal(int signo, siginfo_t *si, void *ctx)
{
	/* What the terminal sends reaches a program of our session by itself. */
	if (si->si_code != SI_KERNEL || g_own_session)
		g_signal = signo;
}

struct watch {
	const struct run_spec *spec;
	struct outcome *o;
	struct state *state;
	struct streams *streams;
	uint64_t began_ns;
	bool timed_out, ended;
	bool stopped; /* by a second signal to us */
	unsigned int signals;
	struct state_exit exit;
	int broke; /* errno of the state's own death */
};

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ULL + t.tv_nsec;
}

/* ---- while it lasts ---- */

/* When everything is ended by force. */
static uint64_t hard_limit(const struct run_spec *spec)
{
	bool grace = spec->trace && spec->target->record == RECORD_INSIDE;

	return spec->timeout_ns ? spec->timeout_ns + (grace ? GRACE_NS : 0) : UINT64_MAX;
}

/* Milliseconds until the next thing to do without being woken. */
static int next_wait(const struct watch *w, uint64_t t)
{
	uint64_t until = hard_limit(w->spec);

	if (w->spec->sample_host && w->o->vma.next_ns < until)
		until = w->o->vma.next_ns;
	if (until == UINT64_MAX)
		return 1000;
	if (until <= t)
		return 0;
	return (int)((until - t) / 1000000) + 1;
}

/* The first one is the program's; whoever sends a second wants it all to end. */
static void pass_signal_on(struct watch *w)
{
	int s = g_signal;

	g_signal = 0;
	if (!s)
		return;
	if (++w->signals > 1)
		w->stopped = w->ended = true;
	else
		state_signal(w->state, s);
}

static void watch_once(struct watch *w)
{
	struct pollfd p[POLL_MAX] = {{state_event_fd(w->state), POLLIN, 0}};
	unsigned int n = 1 + streams_poll(w->streams, p + 1);
	uint64_t t = now() - w->began_ns;
	int rc;

	if (poll(p, n, next_wait(w, t)) < 0 && errno != EINTR)
		w->ended = true;
	pass_signal_on(w);
	streams_pump(w->streams);
	t = now() - w->began_ns;
	if (w->spec->sample_host)
		host_vma_tick(&w->o->vma, state_proc_fd(w->state), &w->spec->target->memory, t);
	if (p[0].revents & (POLLIN | POLLHUP)) {
		rc = state_collect(w->state, &w->exit);
		w->ended = rc != 0;
		w->broke = rc < 0 ? -rc : 0;
	}
	if (!w->ended && t >= hard_limit(w->spec))
		w->timed_out = w->ended = true;
}

static const int g_handled[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE};

static void watch(struct watch *w)
{
	struct sigaction old[ARRAY_LEN(g_handled)];
	struct sigaction sa = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	size_t i;

	g_signal = 0;
	g_own_session = w->spec->pipes;
	for (i = 0; i < ARRAY_LEN(g_handled); i++)
		sigaction(g_handled[i], g_handled[i] == SIGPIPE ? &ignore : &sa, &old[i]);
	while (!w->ended)
		watch_once(w);
	w->o->wall_ns = now() - w->began_ns;
	state_kill(w->state);
	streams_drain(w->streams);
	for (i = 0; i < ARRAY_LEN(g_handled); i++)
		sigaction(g_handled[i], &old[i], NULL);
}

/* ---- before ---- */

static int need_programs(const struct run_spec *spec, const struct words *env, struct err *e)
{
	const struct target *t = spec->target;
	size_t i;

	if (t->needs_root && geteuid())
		return err_set(e, EPERM, "target %s needs root", t->name);
	for (i = 0; i < t->programs.n; i++) {
		CLEANUP(free) char *path = NULL;
		int rc = program_find(t->programs.v[i], words_value(env, "PATH"), "/", &path, NULL);

		if (rc)
			return err_set(e, ENOENT,
				"target %s needs the program %s, which is not installed here "
				"(`lockstep target check %s` says more)",
				t->name, t->programs.v[i], t->name);
	}
	return 0;
}

/* An empty file that can be shown inside, and written there. */
static int make_file(const char *path, struct err *e)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0)
		return err_set(e, errno, "cannot write %s: %s", path, strerror(errno));
	close(fd);
	return 0;
}

static int make_files(const struct run_spec *spec, struct err *e)
{
	int rc = 0;

	if (spec->trace && spec->target->record == RECORD_INSIDE)
		rc = make_file(spec->trace, e);
	if (!rc && run_has_log(spec))
		rc = make_file(spec->log, e);
	return rc;
}

static void say_limits(const struct run_spec *spec, const struct cgroup *g, struct state_spec *s,
	struct outcome *o)
{
	const struct limits *l = &spec->limits;

	s->cpus = l->cpus;
	if (l->memory && !g->memory) {
		s->data_limit = l->memory;
		words_add(&o->notes, "memory is limited for each process (RLIMIT_DATA): no cgroup "
				     "could be made");
	}
	if (l->pids && !g->pids) {
		s->nproc_limit = l->pids;
		words_add(&o->notes,
			"processes are limited by RLIMIT_NPROC, which counts all of "
			"the user's (and does not bind root): no cgroup could be made");
	}
}

/* ---- after ---- */

static void read_status(const struct watch *w, struct program_status *st)
{
	CLEANUP(buf) struct buf text = {0};
	CLEANUP(fd)
	int fd = openat(state_inside_fd(w->state), "status",
		O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0 && !buf_read_fd(&text, fd, 4096))
		*st = status_parse(buf_str(&text));
}

/* What we put into every state: /etc/hosts has our host name. */
static const char *const g_ours[] = {STATE_DIR, "/etc/hosts", "/proc", "/sys", "/dev", "/tmp"};

static int list_changes(const struct run_spec *spec, struct watch *w, struct err *e)
{
	CLEANUP(words) struct words skip = {0};
	const struct state_layer *layers;
	size_t n, i;

	if (!spec->list_changes && !spec->keep_changes)
		return 0;
	for (i = 0; i < ARRAY_LEN(g_ours); i++)
		words_add(&skip, g_ours[i]);
	for (i = 0; i < spec->nbinds; i++)
		words_add(&skip, spec->binds[i].dst);
	layers = state_layers(w->state, &n);
	return changes_collect(&w->o->changes, layers, n, &skip, spec->keep_changes, e);
}

static void save_peak_maps(const struct run_spec *spec, struct outcome *o)
{
	CLEANUP(fd) int fd = -1;

	if (!spec->peak_maps || !o->vma.peak_maps.len)
		return;
	fd = open(spec->peak_maps, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || buf_write_fd(&o->vma.peak_maps, fd))
		words_addf(&o->notes, "the host's maps could not be written to %s: %s",
			spec->peak_maps, strerror(errno));
	else
		o->maps_saved = true;
}

static uint64_t file_size(const char *path)
{
	struct stat st;

	return path && !stat(path, &st) ? (uint64_t)st.st_size : 0;
}

static uint64_t ns_of(struct timeval t)
{
	return (uint64_t)t.tv_sec * 1000000000ULL + (uint64_t)t.tv_usec * 1000;
}

/* A trace without an end: whoever wrote it was killed. */
static bool is_torn(const char *path)
{
	struct trace_event ev;
	struct trace *t = NULL;
	bool torn;

	if (trace_open_flags(&t, path, TRACE_STREAM, NULL))
		return true;
	while (trace_next(t, &ev) > 0)
		;
	torn = trace_state(t, NULL) == TRACE_TORN;
	trace_close(t);
	return torn;
}

/*
 * The recorder dies as the program did. SIGKILL may also have been meant for the recorder itself,
 * with which the program dies as well: then there is no verdict.
 */
static void look_for_killed_recorder(struct outcome *o, const struct run_spec *spec)
{
	if (!spec->trace || spec->target->record != RECORD_INSIDE || o->status != RUN_SIGNALED ||
		o->signal != SIGKILL || !is_torn(spec->trace))
		return;
	o->status = RUN_BROKE;
	outcome_why(o, "the recorder was killed; %.150s holds what it saw until then", spec->trace);
}

static int conclude(
	const struct run_spec *spec, struct watch *w, const struct cgroup *g, struct err *e)
{
	const struct rusage *ru = state_usage(w->state);
	struct program_status st = {STATUS_NONE, 0};
	struct outcome *o = w->o;
	unsigned int kills = cgroup_oom_kills(g);
	int rc;

	o->cpu_ns = ns_of(ru->ru_utime) + ns_of(ru->ru_stime);
	o->max_rss_kib = ru->ru_maxrss;
	read_status(w, &st);
	outcome_decide(o, spec, &w->exit, &st, w->timed_out, w->broke);
	if (w->stopped) {
		o->status = RUN_BROKE;
		outcome_why(o, "stopped by a second signal; the program did not end at the first");
	}
	look_for_killed_recorder(o, spec);
	if (kills)
		outcome_why(
			o, "the memory limit killed %u process%s", kills, kills > 1 ? "es" : "");
	o->traced = spec->trace && spec->target->record == RECORD_INSIDE && file_size(spec->trace);
	if (spec->trace && !o->traced)
		unlink(spec->trace);
	o->logged = run_has_log(spec) && file_size(spec->log) > 0;
	save_peak_maps(spec, o);
	words_add_all(&o->notes, state_notes(w->state)->v);
	rc = streams_finish(w->streams, &o->out, &o->err, e);
	return rc ? rc : list_changes(spec, w, e);
}

/* ---- all of it ---- */

static int write_env(const struct state *s, const struct words *env, struct err *e)
{
	CLEANUP(buf) struct buf text = {0};
	CLEANUP(fd)
	int fd = openat(state_inside_fd(s), "env", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	size_t i;
	int rc;

	for (i = 0; i < env->n; i++)
		buf_add(&text, env->v[i], strlen(env->v[i]) + 1);
	rc = fd < 0 ? -errno : buf_write_fd(&text, fd);
	return rc ? err_set(e, -rc, "cannot write the environment: %s", strerror(-rc)) : 0;
}

static int start(
	struct watch *w, const struct run_plan *plan, const struct cgroup *g, struct err *e)
{
	const struct state_spec *s = &plan->state;
	const struct words *argv = &plan->argv, *env = &plan->env;
	int rc = state_new(&w->state, s, e);

	if (!rc && g->n && (rc = cgroup_enter(g, state_pid(w->state))))
		err_set(e, -rc, "cannot enter the cgroup: %s", strerror(-rc));
	if (rc)
		return rc;
	rc = write_env(w->state, env, e);
	if (rc)
		return rc;
	w->began_ns = now();
	rc = state_run(w->state, argv->v, e);
	streams_started(w->streams);
	return rc;
}

static int run_prepared(const struct run_spec *spec, struct run_plan *plan, struct outcome *o,
	struct cgroup *g, struct err *e)
{
	CLEANUP(state) struct state *state = NULL;
	CLEANUP(streams) struct streams *streams = NULL;
	struct watch w = {.spec = spec, .o = o};
	struct streams_spec ss = {spec->stdin_path, spec->stdout_path, spec->stderr_path,
		spec->max_output, spec->pipes};
	int rc = streams_open(&streams, &ss, e);

	if (rc)
		return rc;
	streams_fds(streams, plan->state.fds);
	w.streams = streams;
	rc = start(&w, plan, g, e);
	state = w.state;
	if (rc)
		return rc;
	host_vma_init(&o->vma);
	watch(&w);
	return conclude(spec, &w, g, e);
}

int run_once(const struct run_spec *spec, struct outcome *o, struct err *e)
{
	CLEANUP(plan) struct run_plan plan = {0};
	struct cgroup g;
	int rc = target_check_options(spec->target, spec->target_opts, e);

	*o = (struct outcome){0};
	if (!rc)
		rc = plan_env(&plan, spec);
	if (!rc)
		rc = need_programs(spec, &plan.env, e);
	if (!rc)
		rc = make_files(spec, e);
	if (!rc)
		rc = plan_make(&plan, spec, o, e);
	if (rc || o->exec_errno)
		return rc;
	cgroup_make(&g, &spec->limits);
	say_limits(spec, &g, &plan.state, o);
	rc = run_prepared(spec, &plan, o, &g, e);
	cgroup_remove(&g);
	if (rc && spec->trace && !file_size(spec->trace))
		unlink(spec->trace);
	return rc;
}
