/*
 * lockstep-record: runs a command under ptrace and writes what it did as a trace. One static
 * binary, the same natively and inside an emulator.
 */
#include "tracer/record/mem.h"
#include "tracer/record/inject.h"
#include "tracer/record/recorder.h"
#include "tracer/record/redact.h"

#include "common/cleanup.h"
#include "common/json.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>

#define EXIT_TIMEOUT 124

static void meta_command(struct json *j, char **cmd, const struct redact *rd)
{
	json_array(j, "argv");
	for (size_t size = 0; *cmd && size < 65536; cmd++) {
		json_str(j, NULL, redact_path(rd, *cmd, strlen(*cmd)) ? "[redacted]" : *cmd);
		size += strlen(*cmd);
	}
	json_array_end(j);
}

/* What readers must know to make sense of the events. */
static void make_meta(const struct options *o, struct buf *out)
{
	struct json j = {.out = out};
	struct utsname u = {0};
	struct timespec now;
	char cwd[4096];

	uname(&u);
	clock_gettime(CLOCK_REALTIME, &now);
	json_begin(&j, NULL);
	json_str(&j, "schema", "lockstep.trace-meta/1");
	json_str(&j, "recorder", "lockstep-record " LOCKSTEP_VERSION);
	if (!redact_argv(o->redact))
		meta_command(&j, o->cmd, o->redact);
	if (!getcwd(cwd, sizeof(cwd)) || redact_path(o->redact, cwd, strlen(cwd)))
		json_null(&j, "cwd");
	else
		json_str(&j, "cwd", cwd);
	json_str(&j, "kernel", u.release);
	json_str(&j, "machine", u.machine);
	json_str(&j, "host", u.nodename);
	json_uint(&j, "started_ns", (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec);
	json_uint(&j, "store_size", o->store_size);
	json_bool(&j, "calls", !o->no_calls);
	json_bool(&j, "injected", o->inject);
	json_end(&j);
}

static int open_trace(struct recorder *r, struct err *e)
{
	const struct options *o = r->opt;
	struct trace_limits limits = {.max_size = o->max_size};
	CLEANUP(buf) struct buf meta = {0};
	int fd = open(o->out_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	int rc;

	if (fd < 0)
		return err_set(e, errno, "%s: cannot be written: %s", o->out_path, strerror(errno));
	make_meta(o, &meta);
	rc = trace_writer_open(&r->w, fd, buf_str(&meta), &limits, e);
	return rc ? err_prefix(e, rc, "%s", o->out_path) : 0;
}

static void recorder_fini(struct recorder *r)
{
	task_table_fini(&r->tasks);
	buf_fini(&r->payload);
	buf_fini(&r->scratch);
	for (unsigned int i = 0; i < r->nbirths; i++)
		free(r->births[i].image);
	free(r->births);
	free(r->rule_done);
}

/* Dies as the command died, so that whoever waits sees the same. */
static int die_of(int sig)
{
	struct rlimit none = {0, 0};
	sigset_t all;

	setrlimit(RLIMIT_CORE, &none);
	signal(sig, SIG_DFL);
	sigfillset(&all);
	sigprocmask(SIG_UNBLOCK, &all, NULL);
	raise(sig);
	return 128 + sig;
}

/* An injection that never found its call changed nothing: whoever asked for it must not take this
 * run for its effect. */
static void report_unfit(struct recorder *r)
{
	const struct inject *in = r->opt->inject;

	for (unsigned int i = 0; i < inject_len(in); i++) {
		if (r->rule_done[i])
			continue;
		emit_note(r, r->root, "inject: rule %u found no call or image that fits", i + 1);
	}
}

static int finish(struct recorder *r)
{
	int rc;

	report_unfit(r);
	rc = trace_writer_close(r->w);

	if (rc && rc != -EFBIG) {
		fprintf(stderr, "lockstep: %s: the trace is not whole: %s\n", r->opt->out_path,
			strerror(-rc));
		return EXIT_RUN_SELF;
	}
	if (r->timed_out)
		return EXIT_TIMEOUT;
	if (r->ended_by)
		return die_of(r->ended_by);
	if (!r->root_gone)
		return EXIT_RUN_SELF;
	if (WIFSIGNALED(r->root_status))
		return die_of(WTERMSIG(r->root_status));
	return WEXITSTATUS(r->root_status);
}

static int start_failed(struct recorder *r, int rc, const struct err *e)
{
	err_print(e);
	trace_writer_close(r->w);
	if (rc == -ENOENT)
		return EXIT_RUN_NOTFOUND;
	return r->start_error || rc == -EACCES ? EXIT_RUN_NOEXEC : EXIT_RUN_SELF;
}

static int record(const struct options *o)
{
	struct recorder r = {.opt = o};
	struct err e = {{0}};
	int rc;

	r.rule_done = calloc(inject_len(o->inject) + 1, sizeof(*r.rule_done));
	rc = r.rule_done ? open_trace(&r, &e) : err_set(&e, ENOMEM, "out of memory");
	if (rc) {
		err_print(&e);
		recorder_fini(&r);
		return EXIT_RUN_SELF;
	}
	if (o->fallback) {
		mem_force_fallback();
		regs_force_fallback();
	}
	r.t0 = rec_now(&r);
	rc = loop_run(&r, &e);
	rc = rc ? start_failed(&r, rc, &e) : finish(&r);
	recorder_fini(&r);
	return rc;
}

int main(int argc, char **argv)
{
	struct options o;
	struct err e = {{0}};
	int rc;

	/* Buffers come and go with every exec: memory given back would be faulted in again. */
	mallopt(M_TRIM_THRESHOLD, 64 << 20);
	mallopt(M_MMAP_THRESHOLD, 32 << 20);
	rc = options_parse(&o, argc, argv, &e);

	if (rc < 0)
		err_print(&e);
	rc = rc < 0 ? EXIT_RUN_SELF : rc > 0 ? EXIT_OK : record(&o);
	options_fini(&o);
	return rc;
}
