/*
 * Targets: where a program runs. A target is a description file (README.md beside this one), so
 * that an emulator is added without C. This header finds and reads them and puts together the
 * command line; it starts nothing.
 *
 * Description files may be anybody's: everything in them is checked, every error names file and
 * line. A struct target owns all it points to and does not change after target_load.
 */
#ifndef LOCKSTEP_TRACER_TARGETS_TARGET_H
#define LOCKSTEP_TRACER_TARGETS_TARGET_H

#include "common/err.h"
#include "tracer/targets/words.h"

#include <stdbool.h>

/* How what the program did is learnt. */
enum target_record {
	RECORD_INSIDE, /* the ptrace recorder runs inside the target, around the program */
	RECORD_LOG,    /* the target writes a log of its own to {log} */
	RECORD_OUTCOME /* only how it ended */
};

/* What stands as the program's words after `start`. */
enum target_command {
	COMMAND_AS_IS, /* the words as given; the target looks the program up */
	COMMAND_PATH,  /* the program's absolute path, interpreters of #! scripts resolved */
};

/* An option that --target-opt K=V sets. */
struct target_option {
	char *name;
	struct words allowed; /* empty: any text */
	char *def;	      /* NULL: has no value unless given */
	bool repeat;
};

struct target {
	char *name;
	char *path; /* of the description; NULL for --target-cmd */
	char *about;
	char *install;		 /* the command that installs it; NULL: unknown */
	struct words start;	 /* before the program; empty for native */
	struct words start_user; /* the same when not root; empty: as `start` */
	struct words env;	 /* K=V for the target itself, not for the program */
	struct words recorder;	 /* more words for the recorder's options */
	struct words version;	 /* prints its version; empty: none */
	struct words programs;	 /* must be found in PATH */
	struct words devices;	 /* device files it wants to see, where they exist */
	struct words memory;	 /* comm=GLOB, exe=GLOB: processes that hold guest memory */
	enum target_record record;
	enum target_command command;
	bool needs_root;
	struct target_option *options;
	size_t noptions;
};

/*
 * Loads target `name` from the search path (a path of folders: LOCKSTEP_TARGETS, then `builtin`),
 * or from a file when name has a '/'. -ENOENT when there is none (the sentence lists those there
 * are); -EINVAL when the file is not well-formed. The caller frees it with target_free.
 */
int target_load(struct target **out, const char *name, const char *builtin, struct err *e);
/* As target_load for text that stands in memory; `where` names it in errors. */
int target_parse(
	struct target **out, const char *name, const char *text, const char *where, struct err *e);
/* The target of --target-cmd 'PREFIX ARG...': record inside, memory in every process. */
int target_from_command(struct target **out, const char *prefix, struct err *e);
void target_free(struct target *t);
/* Adds "NAME" of every description in the search path, in order, each once. */
void target_names(struct words *out, const char *builtin);

/* What the placeholders in a description stand for, beside its options. */
struct target_values {
	const struct words *opts; /* K=V, as given */
	const char *state;	  /* {state}: a private folder that vanishes with the run */
	const char *log;	  /* {log}: where the target's own log goes */
	const char *argv0;	  /* {argv0}: the program's first word, as given */
	const char *rootfs; /* {rootfs}: the root file system to run in; NULL: the target's own */
};

/* Whether `start` mentions a placeholder. */
bool target_mentions(const struct target *t, const char *placeholder);
/* -EINVAL with a sentence when an option is unknown or its value not allowed. */
int target_check_options(const struct target *t, const struct words *opts, struct err *e);
/*
 * Adds the words of `from` with their placeholders filled in. A word with a placeholder that has no
 * value is left out; one with a repeatable option stands once for each value.
 */
int target_expand(const struct target *t, const struct words *from, const struct target_values *v,
	struct words *out, struct err *e);

static inline void cleanup_target(struct target **t)
{
	target_free(*t);
}

#endif
