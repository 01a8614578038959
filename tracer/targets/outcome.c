/* See run.h: how a run ended, in words, as an exit status and as JSON. */
#include "tracer/targets/run_impl.h"

#include "common/cleanup.h"
#include "common/json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* lockstep-record --timeout, as timeout(1). */
#define EXIT_RECORDER_TIMEOUT 124

void outcome_why(struct outcome *o, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(o->why, sizeof(o->why), fmt, ap);
	va_end(ap);
}

void outcome_not_executed(struct outcome *o, const char *program, int errnum)
{
	o->status = RUN_EXITED;
	o->exec_errno = errnum;
	o->exit = errnum == ENOENT ? EXIT_RUN_NOTFOUND : EXIT_RUN_NOEXEC;
	outcome_why(o, "%.150s: %s", program,
		errnum == ENOENT && strchr(program, '/')
			? "no such file, or its interpreter is missing"
		: errnum == ENOENT ? "command not found in PATH"
				   : strerror(errnum));
}

static void from_wait(struct outcome *o, int status)
{
	if (WIFSIGNALED(status)) {
		o->status = RUN_SIGNALED;
		o->signal = WTERMSIG(status);
	} else {
		o->status = RUN_EXITED;
		o->exit = WEXITSTATUS(status);
	}
}

/* How the target itself ended, for sentences. */
static const char *ended_how(int status, char text[64])
{
	if (WIFSIGNALED(status))
		snprintf(text, 64, "died of signal %d", WTERMSIG(status));
	else
		snprintf(text, 64, "ended with status %d", WEXITSTATUS(status));
	return text;
}

static void target_broke(struct outcome *o, const struct run_spec *spec, int status, bool started)
{
	char how[64];

	o->status = RUN_BROKE;
	outcome_why(o, "target %s %s %s; see its messages, and `lockstep target check %s`",
		spec->target->name, ended_how(status, how),
		started ? "while the program was running" : "before the program started",
		spec->target->name);
}

/*
 * The recorder's own statuses. LIMIT: a program that exits with 125 looks like a recorder that
 * failed, and is told apart by the trace being there.
 */
static void from_recorder(struct outcome *o, const struct run_spec *spec)
{
	uint64_t limit = spec->timeout_ns;
	struct stat st;

	if (o->exit == EXIT_RECORDER_TIMEOUT && limit && o->wall_ns >= limit) {
		o->status = RUN_TIMEOUT;
	} else if (o->exit == EXIT_RUN_SELF && (stat(spec->trace, &st) || !st.st_size)) {
		o->status = RUN_BROKE;
		outcome_why(o, "the recorder failed inside target %s; see its messages",
			spec->target->name);
	}
}

static void from_status_file(struct outcome *o, const struct run_spec *spec,
	const struct state_exit *x, const struct program_status *st)
{
	switch (st->kind) {
	case STATUS_EXITED:
		o->status = RUN_EXITED;
		o->exit = st->value;
		if (spec->trace)
			from_recorder(o, spec);
		break;
	case STATUS_SIGNALED:
		o->status = RUN_SIGNALED;
		o->signal = st->value;
		break;
	case STATUS_FAILED:
		outcome_not_executed(o, spec->command[0], st->value);
		break;
	case STATUS_RUNNING:
	case STATUS_NONE:
		target_broke(o, spec, x->status, st->kind == STATUS_RUNNING);
		break;
	}
}

void outcome_decide(struct outcome *o, const struct run_spec *spec, const struct state_exit *x,
	const struct program_status *st, bool timed_out, int broke)
{
	if (timed_out) {
		o->status = RUN_TIMEOUT;
	} else if (broke) {
		o->status = RUN_BROKE;
		outcome_why(o, "the disposable state died: %s", strerror(broke));
	} else if (!x->started) {
		o->status = RUN_BROKE;
		outcome_why(o, "target %s could not be started: %s", spec->target->name,
			strerror(x->exec_errno));
	} else if (spec->target->record == RECORD_INSIDE) {
		from_status_file(o, spec, x, st);
	} else {
		from_wait(o, x->status);
	}
	if (o->status == RUN_TIMEOUT)
		outcome_why(
			o, "still running after %g s (--timeout)", (double)spec->timeout_ns / 1e9);
}

int outcome_exit_status(const struct outcome *o)
{
	switch (o->status) {
	case RUN_EXITED:
		return o->exit;
	case RUN_SIGNALED:
		return 128 + o->signal;
	case RUN_TIMEOUT:
		return 128 + 9; /* it was ended by SIGKILL */
	default:
		return EXIT_RUN_SELF;
	}
}

void outcome_fini(struct outcome *o)
{
	host_vma_fini(&o->vma);
	changes_fini(&o->changes);
	words_fini(&o->notes);
}

/* ---- JSON ---- */

static void put_stream(
	struct json *j, const char *key, const char *path, const struct stream_result *r)
{
	json_begin(j, key);
	json_str(j, "path", path);
	if (r->known) {
		json_uint(j, "size", r->size);
		json_strf(j, "hash", "%016" PRIx64, r->hash);
	} else {
		json_null(j, "size");
		json_null(j, "hash");
	}
	json_bool(j, "cut", r->cut);
	json_end(j);
}

static void put_vma(struct json *j, const struct outcome *o, const struct run_spec *spec)
{
	size_t i;

	json_begin(j, "host_vma");
	json_uint(j, "peak", o->vma.peak);
	json_uint(j, "limit", o->vma.limit);
	json_str(j, "process", o->vma.process[0] ? o->vma.process : NULL);
	json_array(j, "samples");
	for (i = 0; i < o->vma.nsamples; i++) {
		json_array(j, NULL);
		json_uint(j, NULL, o->vma.samples[i].t_ns);
		json_uint(j, NULL, o->vma.samples[i].count);
		json_array_end(j);
	}
	json_array_end(j);
	json_str(j, "peak_maps", o->maps_saved ? spec->peak_maps : NULL);
	json_end(j);
}

static const char *type_name(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return "file";
	case S_IFDIR:
		return "directory";
	case S_IFLNK:
		return "link";
	case S_IFIFO:
		return "fifo";
	case S_IFSOCK:
		return "socket";
	default:
		return "device";
	}
}

static void put_changes(struct json *j, const struct changes *c)
{
	static const char *const kinds[] = {"new", "changed", "deleted"};
	size_t i;

	json_array(j, "files");
	for (i = 0; i < c->n; i++) {
		const struct change *ch = &c->v[i];

		json_begin(j, NULL);
		json_str(j, "path", ch->path);
		json_str(j, "change", kinds[ch->kind]);
		json_str(j, "type", type_name(ch->mode));
		json_strf(j, "mode", "%04o", (unsigned int)ch->mode & 07777);
		json_uint(j, "size", ch->size);
		if (ch->has_hash)
			json_strf(j, "hash", "%016" PRIx64, ch->hash);
		else
			json_null(j, "hash");
		json_end(j);
	}
	json_array_end(j);
	json_bool(j, "files_cut", c->cut);
	json_uint(j, "dropped_bytes", c->dropped_size);
}

/* Without SIG; real-time ones as RT_n, counted from the kernel's 32. */
static const char *signal_name(int signo, char text[16])
{
	const char *name = sigabbrev_np(signo);

	if (name)
		return name;
	snprintf(text, 16, "RT_%d", signo - 32);
	return text;
}

static void put_end(struct json *j, const struct outcome *o)
{
	static const char *const names[] = {"exited", "signaled", "timeout", "broke"};
	char text[16];

	json_str(j, "status", names[o->status]);
	if (o->status == RUN_EXITED)
		json_int(j, "exit", o->exit);
	else
		json_null(j, "exit");
	if (o->status == RUN_SIGNALED)
		json_strf(j, "signal", "SIG%s", signal_name(o->signal, text));
	else
		json_null(j, "signal");
	json_str(j, "why", o->why[0] ? o->why : NULL);
	json_uint(j, "wall_ns", o->wall_ns);
	json_uint(j, "cpu_ns", o->cpu_ns);
	json_uint(j, "max_rss_kib", o->max_rss_kib);
}

void outcome_json(const struct outcome *o, const struct run_spec *spec, struct buf *b)
{
	struct json j = {b, false};
	char *const *word;
	size_t i;

	json_line_begin(&j, "lockstep.outcome/1");
	json_str(&j, "target", spec->target->name);
	json_array(&j, "argv");
	for (word = spec->command; *word; word++)
		json_str(&j, NULL, *word);
	json_array_end(&j);
	json_str(&j, "cwd", spec->cwd);
	put_end(&j, o);
	put_stream(&j, "stdout", spec->stdout_path, &o->out);
	put_stream(&j, "stderr", spec->stderr_path, &o->err);
	put_vma(&j, o, spec);
	put_changes(&j, &o->changes);
	json_str(&j, "target_log", o->logged ? spec->log : NULL);
	json_str(&j, "trace", o->traced ? spec->trace : NULL);
	json_array(&j, "notes");
	for (i = 0; i < o->notes.n; i++)
		json_str(&j, NULL, o->notes.v[i]);
	json_array_end(&j);
	json_line_end(&j);
}
