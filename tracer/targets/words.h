/*
 * A list of words: command lines, environments, repeatable options. Each word is owned by the list;
 * `v` is always NULL-terminated once something was added, so it can go to execve(2) as it is.
 * Memory errors are sticky (`failed`), checked once by whoever uses the list. Zero-initialise to
 * start. Not locked.
 */
#ifndef LOCKSTEP_TRACER_TARGETS_WORDS_H
#define LOCKSTEP_TRACER_TARGETS_WORDS_H

#include "common/err.h"

#include <stdbool.h>
#include <stddef.h>

struct words {
	char **v;
	size_t n;
	size_t size;
	bool failed;
};

void words_fini(struct words *w);
void words_add(struct words *w, const char *word);
void words_addf(struct words *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void words_add_all(struct words *w, char *const *more);
/* The value of the last "key=value" word, or NULL. */
const char *words_value(const struct words *w, const char *key);
/*
 * Adds the words of one line: blanks separate, '...' and "..." group, \ quotes one character (not
 * inside '...'). -EINVAL with a sentence when a quote is not closed.
 */
int words_split(struct words *w, const char *line, struct err *e);

static inline void cleanup_words(struct words *w)
{
	words_fini(w);
}

#endif
