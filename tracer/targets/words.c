/* See words.h. */
#include "tracer/targets/words.h"

#include "common/buf.h"
#include "common/cleanup.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void words_fini(struct words *w)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		free(w->v[i]);
	free(w->v);
	*w = (struct words){0};
}

/* Takes over `word`, which may be NULL after a failed allocation. */
static void take(struct words *w, char *word)
{
	if (!word || w->failed)
		goto failed;
	if (w->n + 2 > w->size) {
		size_t size = w->size ? w->size * 2 : 8;
		char **v = realloc(w->v, size * sizeof(*v));

		if (!v)
			goto failed;
		w->v = v;
		w->size = size;
	}
	w->v[w->n++] = word;
	w->v[w->n] = NULL;
	return;
failed:
	free(word);
	w->failed = true;
}

void words_add(struct words *w, const char *word)
{
	take(w, strdup(word));
}

void words_addf(struct words *w, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	take(w, text);
}

void words_add_all(struct words *w, char *const *more)
{
	for (; more && *more; more++)
		words_add(w, *more);
}

const char *words_value(const struct words *w, const char *key)
{
	size_t len = strlen(key), i = w->n;

	while (i-- > 0)
		if (!strncmp(w->v[i], key, len) && w->v[i][len] == '=')
			return w->v[i] + len + 1;
	return NULL;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

/* Appends one word to `word`, starting at *p (not a blank). Returns false when a quote stays open.
 */
static bool split_one(struct buf *word, const char **p)
{
	char quote = 0;

	for (; **p && (quote || !is_blank(**p)); (*p)++) {
		char c = **p;

		if (quote && c == quote) {
			quote = 0;
		} else if (!quote && (c == '\'' || c == '"')) {
			quote = c;
		} else if (c == '\\' && quote != '\'' && (*p)[1]) {
			buf_add_byte(word, *++*p);
		} else {
			buf_add_byte(word, c);
		}
	}
	return !quote;
}

int words_split(struct words *w, const char *line, struct err *e)
{
	CLEANUP(buf) struct buf word = {0};

	for (;;) {
		while (is_blank(*line))
			line++;
		if (!*line)
			return w->failed || word.failed ? err_set(e, ENOMEM, "out of memory") : 0;
		buf_reset(&word);
		if (!split_one(&word, &line))
			return err_set(e, EINVAL, "a quote is not closed in: %.200s", line);
		words_add(w, buf_str(&word));
	}
}
