/*
 * The command line of lockstep-record.
 */
#include "tracer/record/options.h"

#include "tracer/record/inject.h"
#include "tracer/record/redact.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char g_usage[] =
	"usage: lockstep-record -o FILE [OPTION]... -- COMMAND [ARG]...\n"
	"Runs COMMAND and records its system calls and memory evidence to FILE.\n"
	"\n"
	"  -o, --output FILE    the trace\n"
	"  -s, --store N        bytes of each buffer that are stored (default 32); the hash is of "
	"all\n"
	"      --max-size SIZE  end the trace, not the command, at that size (K, M, G)\n"
	"      --inject SPEC    change one call or bytes at exec (repeatable)\n"
	"      --redact RULE    keep out of the trace: env, argv, data, path:GLOB (repeatable)\n"
	"      --vma-every MS   sample VMA counts at most that often (default 50; 0: not)\n"
	"      --timeout S      after S seconds record every task's stack, then kill; status 124\n"
	"      --grace S        how long processes may outlive COMMAND (default 5)\n"
	"      --no-calls       signals, births, exec, crashes and exits only\n"
	"      --no-pages       do not compare the pages of images at exec\n"
	"      --no-follow      leave the tracees' CPUs to the scheduler\n"
	"      --fallback       use only what every ptrace has\n"
	"\n"
	"The exit status is COMMAND's own; it died of signal n: so does lockstep-record; 125: the\n"
	"recorder failed; 126, 127 as env(1).\n"
	"Example: lockstep-record -o true.trace -- /bin/true\n";

enum {
	OPT_MAX_SIZE = 256,
	OPT_INJECT,
	OPT_REDACT,
	OPT_VMA_EVERY,
	OPT_TIMEOUT,
	OPT_GRACE,
	OPT_NO_CALLS,
	OPT_NO_PAGES,
	OPT_NO_FOLLOW,
	OPT_FALLBACK,
	OPT_VERSION,
};

static const struct option g_long[] = {
	{"output", required_argument, NULL, 'o'},
	{"store", required_argument, NULL, 's'},
	{"max-size", required_argument, NULL, OPT_MAX_SIZE},
	{"inject", required_argument, NULL, OPT_INJECT},
	{"redact", required_argument, NULL, OPT_REDACT},
	{"vma-every", required_argument, NULL, OPT_VMA_EVERY},
	{"timeout", required_argument, NULL, OPT_TIMEOUT},
	{"grace", required_argument, NULL, OPT_GRACE},
	{"no-calls", no_argument, NULL, OPT_NO_CALLS},
	{"no-pages", no_argument, NULL, OPT_NO_PAGES},
	{"no-follow", no_argument, NULL, OPT_NO_FOLLOW},
	{"fallback", no_argument, NULL, OPT_FALLBACK},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, OPT_VERSION},
	{NULL, 0, NULL, 0},
};

/* A size with K, M or G. */
static int parse_size(const char *name, const char *v, uint64_t *out, struct err *e)
{
	static const char units[] = "KMG";
	const char *unit;
	char *end;

	errno = 0;
	*out = strtoull(v, &end, 10);
	unit = *end ? strchr(units, *end) : NULL;
	if (errno || end == v || *v == '-' || (*end && (!unit || end[1])))
		return err_set(e, EINVAL, "%s %s: not a size, as 65536, 64K, 10M or 2G", name, v);
	for (long i = unit ? unit - units + 1 : 0; i > 0; i--) {
		if (*out >> 54)
			return err_set(e, EINVAL, "%s %s: too large", name, v);
		*out <<= 10;
	}
	return 0;
}

static int parse_time(const char *name, const char *v, double unit_ns, uint64_t *out, struct err *e)
{
	char *end;
	double t = strtod(v, &end);

	if (end == v || *end || !isfinite(t) || t < 0 || t * unit_ns > 9e18)
		return err_set(e, EINVAL, "%s %s: not a time", name, v);
	*out = (uint64_t)(t * unit_ns);
	return 0;
}

static int parse_store(struct options *o, const char *v, struct err *e)
{
	uint64_t n;
	int rc = parse_size("-s", v, &n, e);

	if (rc)
		return rc;
	if (n > 64 << 10)
		return err_set(e, EINVAL, "-s %s: at most 64K of each buffer can be stored", v);
	o->store_size = n;
	return 0;
}

static int parse_option(struct options *o, int c, struct err *e)
{
	switch (c) {
	case 'o':
		o->out_path = optarg;
		return 0;
	case 's':
		return parse_store(o, optarg, e);
	case OPT_MAX_SIZE:
		return parse_size("--max-size", optarg, &o->max_size, e);
	case OPT_INJECT:
		return inject_add(o->inject, optarg, e);
	case OPT_REDACT:
		return redact_add(o->redact, optarg, e);
	case OPT_VMA_EVERY:
		return parse_time("--vma-every", optarg, 1e6, &o->vma_every_ns, e);
	case OPT_TIMEOUT:
		return parse_time("--timeout", optarg, 1e9, &o->timeout_ns, e);
	case OPT_GRACE:
		return parse_time("--grace", optarg, 1e9, &o->grace_ns, e);
	case OPT_NO_CALLS:
		o->no_calls = true;
		return 0;
	case OPT_NO_PAGES:
		o->no_pages = true;
		return 0;
	case OPT_NO_FOLLOW:
		o->no_follow = true;
		return 0;
	case OPT_FALLBACK:
		o->fallback = true;
		return 0;
	case 'h':
		fputs(g_usage, stdout);
		return 1;
	case OPT_VERSION:
		puts("lockstep-record " LOCKSTEP_VERSION);
		return 1;
	}
	return err_set(e, EINVAL, "wrong option; see lockstep-record --help");
}

int options_parse(struct options *o, int argc, char **argv, struct err *e)
{
	int c, rc;

	*o = (struct options){
		.store_size = 32,
		.vma_every_ns = 50000000,
		.grace_ns = 5000000000u,
		.inject = inject_new(),
		.redact = redact_new(),
	};
	if (!o->inject || !o->redact)
		return err_set(e, ENOMEM, "out of memory");
	while ((c = getopt_long(argc, argv, "+o:s:h", g_long, NULL)) != -1) {
		rc = parse_option(o, c, e);
		if (rc)
			return rc;
	}
	if (!o->out_path)
		return err_set(e, EINVAL, "no trace file given: use -o FILE");
	if (optind >= argc)
		return err_set(e, EINVAL, "no command given: lockstep-record -o FILE -- COMMAND");
	o->cmd = argv + optind;
	if (!inject_len(o->inject)) {
		/* The test for injection at each call then is one for NULL. */
		inject_free(o->inject);
		o->inject = NULL;
	}
	if (redact_is_empty(o->redact)) {
		redact_free(o->redact);
		o->redact = NULL;
	}
	return 0;
}

void options_fini(struct options *o)
{
	inject_free(o->inject);
	redact_free(o->redact);
}
