/*
 * What a run changed in its files: read from the layers of the disposable state after everything in
 * it has ended. A file that was opened for writing and left as it was is not a change.
 *
 * LIMIT: at most CHANGES_MAX entries are listed; `cut` says that there were more. Times and
 * extended attributes are not compared.
 */
#ifndef LOCKSTEP_TRACER_TARGETS_CHANGES_H
#define LOCKSTEP_TRACER_TARGETS_CHANGES_H

#include "common/err.h"
#include "tracer/targets/state.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define CHANGES_MAX 10000

enum change_kind { CHANGE_NEW, CHANGE_CHANGED, CHANGE_DELETED };

struct change {
	char *path; /* inside */
	enum change_kind kind;
	mode_t mode;   /* type and permissions; CHANGE_DELETED: of what was deleted */
	uint64_t size; /* regular files: bytes; links: length of their text */
	uint64_t hash; /* XXH3 of contents or link text */
	bool has_hash;
};

struct changes {
	struct change *v; /* by path */
	size_t n;
	bool cut;
	uint64_t dropped_size; /* bytes of new and changed files that go with the state */
};

/*
 * Lists the changes in `layers`, but for what is at or below one of `skip` (paths inside). With
 * `keep` also copies new and changed files there, by their path inside; deleted ones are listed in
 * keep/.lockstep-deleted, NUL-separated. 0 or negative errno with a sentence.
 */
int changes_collect(struct changes *c, const struct state_layer *layers, size_t nlayers,
	const struct words *skip, const char *keep, struct err *e);
void changes_fini(struct changes *c);

#endif
