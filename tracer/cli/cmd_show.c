/* `lockstep show FILE`: a trace as text people know from strace, as JSON, or as totals. */
#include "tracer/cli/command.h"
#include "tracer/cli/options.h"

#include "abi/abi.h"
#include "common/cleanup.h"
#include "tracer/decode/backtrace.h"
#include "tracer/decode/decode.h"
#include "tracer/decode/filter.h"
#include "tracer/decode/summary.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define OUT_CHUNK    65536u
#define ALIGN_COLUMN 40u /* where strace puts the result */

struct show_options {
	bool time, time_us, time_epoch, relative, spent, ip;
	bool follow; /* -f: always so, accepted by habit */
	bool failed, successful, summary, vma, fd_names;
	struct words exprs, pids, images, paths, errnos;
	uint64_t from_ns, to_ns, limit, strings;
	const char *sort;
};

#define AT(field) offsetof(struct show_options, field)

/* clang-format off */
static const struct opt g_own[] = {
	{"expr", 'e', OPT_LIST, AT(exprs), "EXPR", "trace=SET or signal=SET, as strace; SET is names, "
		"%file %network ..., /REGEX, all, none, separated by commas; ! before it: all others. Repeatable"},
	{"pid", 'p', OPT_LIST, AT(pids), "N", "only that process or thread; repeatable"},
	{"image", 0, OPT_LIST, AT(images), "PATH", "only processes running that program (path or base name); repeatable"},
	{"path", 'P', OPT_LIST, AT(paths), "PATH", "only calls with that path, or a descriptor of it; repeatable"},
	{"errno", 0, OPT_LIST, AT(errnos), "NAME", "only calls that failed so; repeatable"},
	{"failed", 'Z', OPT_FLAG, AT(failed), NULL, "only calls that failed"},
	{"successful", 'z', OPT_FLAG, AT(successful), NULL, "only calls that did not"},
	{"from", 0, OPT_SECONDS, AT(from_ns), "S", "from so many seconds after the start"},
	{"to", 0, OPT_SECONDS, AT(to_ns), "S", "until then"},
	{"limit", 0, OPT_COUNT, AT(limit), "N", "at most so many events"},
	{"follow", 'f', OPT_FLAG, AT(follow), NULL, "nothing: all processes are shown anyway"},
	{"time", 't', OPT_FLAG, AT(time), NULL, "time of day; -tt with microseconds, -ttt seconds since the epoch"},
	{"time-us", 0, OPT_FLAG, AT(time_us), NULL, "as -tt"},
	{"time-epoch", 0, OPT_FLAG, AT(time_epoch), NULL, "as -ttt"},
	{"relative", 'r', OPT_FLAG, AT(relative), NULL, "time since the event before"},
	{"spent", 'T', OPT_FLAG, AT(spent), NULL, "time spent in each call"},
	{"ip", 'i', OPT_FLAG, AT(ip), NULL, "instruction pointer"},
	{"fd-names", 'y', OPT_FLAG, AT(fd_names), NULL, "what descriptors stand for"},
	{"strings", 's', OPT_COUNT, AT(strings), "N", "bytes of strings and buffers that are shown (default 32)"},
	{"summary", 'c', OPT_FLAG, AT(summary), NULL, "calls, errors and time by call, instead of events"},
	{"sort", 'S', OPT_TEXT, AT(sort), "BY", "with -c: time, calls, errors or name"},
	{"vma", 0, OPT_FLAG, AT(vma), NULL, "how many VMAs each process had, instead of events"},
	{0},
};
/* clang-format on */

static const struct cli_usage g_usage = {
	.synopsis = "show [OPTIONS] FILE",
	.about = "Shows a trace: a line an event, in the order in which calls returned, the "
		 "process in "
		 "front. "
		 "A torn trace is shown as far as it goes, and said to be torn.",
	.examples = "  lockstep trace -o t -- python3 script.py\n"
		    "  lockstep show t -e %file --failed\n"
		    "  lockstep show t -ttt -T -y --image python3.11\n"
		    "  lockstep show t -c -S calls\n",
	.groups = OG_OUTPUT,
	.own = g_own,
};

struct show {
	struct show_options opt;
	struct cli_options cli;
	struct filter filter;
	enum call_order order;
	struct decode_opts decode;
	struct trace *trace;
	struct model *model; /* NULL when nothing asks for names */
	struct call_summary calls;
	struct vma_summary vmas;
	int fd;
	struct buf out;
	int64_t start_ns; /* since the epoch; 0 when the trace does not tell */
	uint64_t last_ns;
	uint64_t shown;
};

/* ---- options ---- */

/* -tt and -ttt are no repeated letters but modes of their own. */
static void name_times(int argc, char **argv)
{
	static char us[] = "--time-us", epoch[] = "--time-epoch";
	int i;

	for (i = 1; i < argc && strcmp(argv[i], "--"); i++) {
		if (!strcmp(argv[i], "-tt"))
			argv[i] = us;
		else if (!strcmp(argv[i], "-ttt"))
			argv[i] = epoch;
	}
}

static int add_each(struct filter *f, const struct words *w,
	int (*add)(struct filter *, const char *, struct err *), struct err *e)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < w->n && !rc; i++)
		rc = add(f, w->v[i], e);
	return rc;
}

static int set_order(struct show *s, struct err *e)
{
	static const char *const names[] = {[BY_TIME] = "time",
		[BY_CALLS] = "calls",
		[BY_ERRORS] = "errors",
		[BY_NAME] = "name"};
	size_t i;

	for (i = 0; s->opt.sort && i < ARRAY_LEN(names); i++)
		if (!strcmp(names[i], s->opt.sort)) {
			s->order = i;
			return 0;
		}
	return s->opt.sort
		       ? err_set(e, EINVAL, "--sort takes time, calls, errors or name, not '%s'",
				 s->opt.sort)
		       : 0;
}

static int set_filter(struct show *s, struct err *e)
{
	struct filter *f = &s->filter;
	int rc = add_each(f, &s->opt.exprs, filter_expr, e);

	if (!rc)
		rc = add_each(f, &s->opt.pids, filter_pid, e);
	if (!rc)
		rc = add_each(f, &s->opt.images, filter_image, e);
	if (!rc)
		rc = add_each(f, &s->opt.paths, filter_path, e);
	if (!rc)
		rc = add_each(f, &s->opt.errnos, filter_errno, e);
	f->failed = s->opt.failed;
	f->successful = s->opt.successful;
	f->from_ns = s->opt.from_ns;
	f->to_ns = s->opt.to_ns;
	return rc ? rc : set_order(s, e);
}

static int parse(struct show *s, int argc, char **argv, struct err *e)
{
	int rc;

	name_times(argc, argv);
	rc = options_parse(&g_usage, &s->cli, &s->opt, argc, argv, e);
	if (rc)
		return rc;
	if (s->cli.nwords != 1)
		return err_set(e, EINVAL, "%s: lockstep show FILE; see lockstep show --help",
			s->cli.nwords ? "one trace at a time" : "no trace was named");
	return set_filter(s, e);
}

/* ---- times ---- */

/* When the trace began: "started" (s) or "started_ns" among what the recorder noted. Whatever else
 * stands there, the worst that comes of it is a wrong time of day. */
static int64_t start_of(const struct trace *t)
{
	const char *ns = strstr(trace_meta(t), "\"started_ns\":");
	const char *s = strstr(trace_meta(t), "\"started\":");
	double sec;

	if (ns)
		return strtoll(ns + strlen("\"started_ns\":"), NULL, 10);
	sec = s ? strtod(s + strlen("\"started\":"), NULL) : 0;
	return sec > 0 && sec < 9e9 ? (int64_t)(sec * 1e9) : 0;
}

static void put_time(struct show *s, const struct trace_event *ev)
{
	uint64_t ns = (uint64_t)s->start_ns + ev->enter_ns;
	time_t sec = ns / 1000000000;
	unsigned int us = ns % 1000000000 / 1000;
	struct tm tm;
	char text[32];

	if (s->opt.time_epoch) {
		buf_printf(&s->out, "%lld.%06u ", (long long)sec, us);
	} else if (s->opt.time || s->opt.time_us) {
		localtime_r(&sec, &tm);
		strftime(text, sizeof(text), "%H:%M:%S", &tm);
		buf_add_str(&s->out, text);
		if (s->opt.time_us)
			buf_printf(&s->out, ".%06u", us);
		buf_add_byte(&s->out, ' ');
	}
	if (s->opt.relative) {
		uint64_t d = s->shown && ev->enter_ns > s->last_ns ? ev->enter_ns - s->last_ns : 0;

		buf_printf(&s->out, "%6" PRIu64 ".%06" PRIu64 " ", d / 1000000000,
			d % 1000000000 / 1000);
	}
	s->last_ns = ev->enter_ns;
}

/* ---- events ---- */

static void frames_json(const struct trace_event *ev, struct json *j)
{
	struct backtrace bt;

	if (!backtrace_from_event(&bt, ev))
		backtrace_json(&bt, j, "frames");
	backtrace_fini(&bt);
}

static void put_frames(struct show *s, const struct trace_event *ev)
{
	struct backtrace bt;

	if (!backtrace_from_event(&bt, ev))
		backtrace_text(&bt, &s->out);
	backtrace_fini(&bt);
}

static void put_line(struct show *s, const struct trace_event *ev)
{
	buf_printf(&s->out, "%-5u ", ev->tid);
	put_time(s, ev);
	if (s->opt.ip)
		buf_printf(&s->out, "[%016" PRIx64 "] ", ev->ip);
	decode_event(&s->out, ev, &s->decode);
	if (s->opt.spent && ev->kind == TK_CALL)
		buf_printf(&s->out, " <%" PRIu64 ".%06" PRIu64 ">", ev->dur_ns / 1000000000,
			ev->dur_ns % 1000000000 / 1000);
	buf_add_byte(&s->out, '\n');
	if (ev->kind == TK_CRASH || ev->kind == TK_STACK)
		put_frames(s, ev);
}

static int flush(struct show *s)
{
	int rc = buf_write_fd(&s->out, s->fd);

	buf_reset(&s->out);
	return rc;
}

static int show_event(struct show *s, const struct trace_event *ev)
{
	if (s->opt.vma)
		return vma_summary_add(&s->vmas, ev, s->model);
	if (s->opt.summary)
		return call_summary_add(&s->calls, ev);
	/* Samples of the address space are a curve, not lines: --vma. */
	if (ev->kind == TK_VMA && !s->cli.json && !s->cli.verbose)
		return 0;
	if (s->cli.json)
		decode_json(&s->out, ev, &s->decode);
	else
		put_line(s, ev);
	s->shown++;
	return s->out.len >= OUT_CHUNK ? flush(s) : 0;
}

/* Births and execs are applied before they are shown; everything else is shown as it was called. */
static int each_event(struct show *s, const struct trace_event *ev)
{
	bool first = ev->kind == TK_TASK || ev->kind == TK_EXEC;
	int rc = s->model && first ? model_event(s->model, ev) : 0;

	if (!rc && filter_wants(&s->filter, ev, s->model))
		rc = show_event(s, ev);
	if (!rc && s->model && !first)
		rc = model_event(s->model, ev);
	return rc;
}

static void put_totals(struct show *s)
{
	if (s->opt.vma) {
		(s->cli.json ? vma_summary_json : vma_summary_text)(&s->vmas, &s->out);
	} else if (s->opt.summary) {
		call_summary_sort(&s->calls, s->order);
		(s->cli.json ? call_summary_json : call_summary_text)(&s->calls, &s->out);
	}
}

static int show_all(struct show *s)
{
	struct trace_event ev;
	int rc = 0;

	while (!rc && (!s->opt.limit || s->shown < s->opt.limit)) {
		rc = trace_next(s->trace, &ev);
		if (rc <= 0)
			break;
		rc = each_event(s, &ev);
	}
	if (rc && rc != -EBADMSG)
		return rc;
	put_totals(s);
	return flush(s);
}

/* ---- the command ---- */

static int open_output(struct show *s, struct err *e)
{
	if (!s->cli.output)
		return 0;
	s->fd = open(s->cli.output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	return s->fd < 0 ? err_set(e, errno, "cannot write %s: %s", s->cli.output, strerror(errno))
			 : 0;
}

static int start(struct show *s, struct err *e)
{
	bool names = s->cli.json || s->opt.vma || s->opt.fd_names || filter_needs_model(&s->filter);
	bool narrow = s->filter.by_call || s->filter.from_ns || s->filter.to_ns;
	int rc = trace_open_flags(&s->trace, s->cli.words[0], TRACE_STREAM, e);

	if (!rc)
		rc = open_output(s, e);
	if (rc)
		return rc;
	s->start_ns = start_of(s->trace);
	/* Without names nothing depends on events that are not shown: whole blocks are passed over.
	 */
	if (!names && narrow) {
		trace_skip_blocks(s->trace, filter_wants_block, &s->filter);
	} else {
		s->model = model_new();
		if (!s->model)
			return err_set(e, ENOMEM, "out of memory");
	}
	s->decode = (struct decode_opts){.string_max = s->opt.strings,
		.verbose = s->cli.verbose,
		.fd_names = s->opt.fd_names,
		.align = ALIGN_COLUMN,
		.crash_json = frames_json,
		.model = s->model};
	return 0;
}

static int run(struct show *s, struct err *e)
{
	const char *why;
	int rc = show_all(s);

	if (rc) {
		err_set(e, -rc, "%s: %s",
			rc == -ENOMEM	? s->cli.words[0]
			: s->cli.output ? s->cli.output
					: "standard output",
			strerror(-rc));
		return EXIT_BROKE;
	}
	if (trace_state(s->trace, &why) == TRACE_TORN)
		warn_msg(
			"%s is torn: %s. What stands before that was shown.", s->cli.words[0], why);
	return EXIT_OK;
}

static void fini(struct show *s)
{
	trace_close(s->trace);
	model_free(s->model);
	call_summary_fini(&s->calls);
	vma_summary_fini(&s->vmas);
	buf_fini(&s->out);
	words_fini(&s->opt.exprs);
	words_fini(&s->opt.pids);
	words_fini(&s->opt.images);
	words_fini(&s->opt.paths);
	words_fini(&s->opt.errnos);
	options_fini(&s->cli);
	if (s->fd > STDERR_FILENO)
		close(s->fd);
}

int cmd_show(int argc, char **argv)
{
	struct show s = {.fd = STDOUT_FILENO};
	struct err e = {{0}};
	int status, rc = parse(&s, argc, argv, &e);

	if (rc > 0) {
		fini(&s);
		return EXIT_OK;
	}
	if (!rc)
		rc = start(&s, &e);
	status = rc ? (rc == -ENOMEM ? EXIT_BROKE : EXIT_USAGE) : run(&s, &e);
	if (status != EXIT_OK)
		err_print(&e);
	fini(&s);
	return status;
}
