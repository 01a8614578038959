/*
 * Options, the same in every command: names, meanings and errors. A command says which groups of
 * the shared options it takes and adds a table of its own; parsing, --help and the error texts come
 * from the tables.
 */
#ifndef LOCKSTEP_TRACER_CLI_OPTIONS_H
#define LOCKSTEP_TRACER_CLI_OPTIONS_H

#include "common/err.h"
#include "tracer/targets/run.h"
#include "tracer/targets/target.h"
#include "tracer/targets/words.h"

#include <stdbool.h>
#include <stdint.h>

enum opt_kind {
	OPT_FLAG,    /* bool */
	OPT_TEXT,    /* const char * */
	OPT_LIST,    /* struct words: repeatable */
	OPT_PAIR,    /* struct words of K=V: repeatable */
	OPT_COUNT,   /* uint64_t: decimal, at least 1 */
	OPT_NUMBER,  /* uint64_t: decimal, may be 0 */
	OPT_SIZE,    /* uint64_t bytes: 100, 64K, 16M, 2G */
	OPT_SECONDS, /* uint64_t ns: 5, 0.5 */
};

struct opt {
	const char *name; /* without -- */
	char letter;	  /* 0: none */
	uint8_t kind;	  /* enum opt_kind */
	size_t off;	  /* of the destination in the struct that the table is for */
	const char *arg;  /* what --help calls its value */
	const char *help;
};

/* Groups of shared options. */
enum opt_group {
	OG_TARGET = 1 << 0,  /* --target, --target-cmd, --target-opt */
	OG_STATE = 1 << 1,   /* where it runs: --rootfs, --cwd, --env, --bind, --rw, limits, ... */
	OG_RUNS = 1 << 2,    /* --runs, --target-runs */
	OG_OUTPUT = 1 << 3,  /* -o */
	OG_COMMAND = 1 << 4, /* ends with -- CMD...: options end at the first word */
};

/* The shared options; every command has --json, -v, --quiet, --no-color, --help. */
struct cli_options {
	const char *target, *target_cmd;
	struct words target_opts;
	const char *rootfs, *cwd, *keep_changes;
	struct words env, binds;
	bool rw;
	uint64_t memory, cpus, pids, timeout_ns;
	uint64_t runs, target_runs;
	const char *output;
	bool json, verbose, quiet, no_color, help;
	char **words; /* what is no option: the command, files; points into argv */
	int nwords;
};

struct cli_usage {
	const char *synopsis; /* "run [OPTIONS] [--] CMD..." */
	const char *about;    /* a paragraph, wrapped */
	const char *examples; /* lines */
	unsigned int groups;
	const struct opt *own; /* ends with a NULL name; may be NULL */
};

/*
 * Parses argv[1..] into `shared` and `own_at` (what the own table's offsets are of). 0 to go on; 1
 * when --help was printed; -EINVAL with a sentence that names the option and the way to --help.
 * Numbers that are not given keep what was there before, so defaults are set before the call.
 */
int options_parse(const struct cli_usage *u, struct cli_options *shared, void *own_at, int argc,
	char **argv, struct err *e);
void options_fini(struct cli_options *o);
/* --no-color, NO_COLOR, CI, and what standard output is. */
bool options_color(const struct cli_options *o);
/* "16M" and so on. False when it is not a size. */
bool parse_size(const char *text, uint64_t *size);
bool parse_seconds(const char *text, uint64_t *ns);

/* The target that --target or --target-cmd names; default `otherwise`. */
int options_target(
	const struct cli_options *o, const char *otherwise, struct target **t, struct err *e);
/* What a run needs from the shared options; owned here, must outlive the run_spec. */
struct run_options {
	char *cwd;
	char *rootfs;
	struct state_bind *binds;
	struct words paths;
	size_t nbinds;
};
/* Checks the options of OG_STATE and fills in spec. */
int options_run(
	const struct cli_options *o, struct run_options *r, struct run_spec *spec, struct err *e);
void run_options_fini(struct run_options *r);

/* The word of `list` (NULL-terminated) that is most like `word`, or NULL when none is close. */
const char *closest(const char *word, const char *const *list);

static inline void cleanup_options(struct cli_options *o)
{
	options_fini(o);
}
static inline void cleanup_run_options(struct run_options *r)
{
	run_options_fini(r);
}

#endif
