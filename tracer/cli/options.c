/* See options.h: the tables of shared options, parsing, --help. */
#include "tracer/cli/options.h"

#include "common/buf.h"
#include "common/cleanup.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define AT(field) offsetof(struct cli_options, field)

/* clang-format off */
static const struct opt g_target[] = {
	{"target", 0, OPT_TEXT, AT(target), "NAME",
		"where it runs: native, runsc, or another description (`lockstep target list`)"},
	{"target-cmd", 0, OPT_TEXT, AT(target_cmd), "'PREFIX ARG...'",
		"a target on the spot: these words go before the command"},
	{"target-opt", 0, OPT_PAIR, AT(target_opts), "K=V",
		"an option of the target (`lockstep target show NAME`); repeatable"},
	{0},
};
static const struct opt g_state[] = {
	{"rootfs", 0, OPT_TEXT, AT(rootfs), "DIR", "a root file system to run in, instead of the host's"},
	{"cwd", 0, OPT_TEXT, AT(cwd), "DIR", "working folder inside; default: this one"},
	{"env", 0, OPT_PAIR, AT(env), "K=V", "in the environment, which is otherwise PATH, HOME, LANG, "
		"TZ and TERM only; repeatable"},
	{"bind", 0, OPT_LIST, AT(binds), "SRC:DST[:ro]", "shows a file or folder of the host's inside, "
		"written to directly unless :ro; repeatable"},
	{"rw", 0, OPT_FLAG, AT(rw), NULL, "the host's files directly: no disposable layer"},
	{"keep-changes", 0, OPT_TEXT, AT(keep_changes), "DIR", "keeps new and changed files there; they are "
		"thrown away otherwise"},
	{"memory", 0, OPT_SIZE, AT(memory), "SIZE", "limit, as in 2G"},
	{"cpus", 0, OPT_COUNT, AT(cpus), "N", "CPUs to run on"},
	{"pids", 0, OPT_COUNT, AT(pids), "N", "processes and threads at most"},
	{"timeout", 0, OPT_SECONDS, AT(timeout_ns), "S", "seconds until everything is ended"},
	{0},
};
static const struct opt g_runs[] = {
	{"runs", 0, OPT_COUNT, AT(runs), "N", "native runs, for what differs by chance"},
	{"target-runs", 0, OPT_COUNT, AT(target_runs), "N", "runs on the target"},
	{0},
};
static const struct opt g_output[] = {
	{"output", 'o', OPT_TEXT, AT(output), "FILE", "where the result goes"},
	{0},
};
static const struct opt g_common[] = {
	{"json", 0, OPT_FLAG, AT(json), NULL, "one JSON object a line on standard output"},
	{"verbose", 'v', OPT_FLAG, AT(verbose), NULL, "says more on standard error"},
	{"quiet", 'q', OPT_FLAG, AT(quiet), NULL, "says less on standard error"},
	{"no-color", 0, OPT_FLAG, AT(no_color), NULL, "no colours (also NO_COLOR, CI)"},
	{"help", 'h', OPT_FLAG, AT(help), NULL, "this text"},
	{0},
};
/* clang-format on */

static const struct {
	unsigned int group; /* 0: always */
	const struct opt *table;
	const char *title;
} g_groups[] = {
	{OG_TARGET, g_target, "Target"},
	{OG_STATE, g_state, "Run"},
	{OG_RUNS, g_runs, "Comparing"},
	{OG_OUTPUT, g_output, "Result"},
	{0, g_common, "Everywhere"},
};

void options_fini(struct cli_options *o)
{
	words_fini(&o->target_opts);
	words_fini(&o->env);
	words_fini(&o->binds);
}

/* ---- values ---- */

bool parse_size(const char *text, uint64_t *size)
{
	static const char units[] = "KMGT";
	uint64_t n = 0, factor = 1;
	const char *u;

	if (!isdigit((unsigned char)*text))
		return false;
	for (; isdigit((unsigned char)*text); text++)
		if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, *text - '0', &n))
			return false;
	u = *text ? strchr(units, toupper((unsigned char)*text)) : NULL;
	if (u) {
		factor = 1ULL << (10 * (u - units + 1));
		text++;
		if (*text == 'i')
			text++;
		if (*text == 'B')
			text++;
	}
	return !*text && !__builtin_mul_overflow(n, factor, size);
}

bool parse_seconds(const char *text, uint64_t *ns)
{
	char *end;
	double s;

	if (!isdigit((unsigned char)*text) && *text != '.')
		return false;
	s = strtod(text, &end);
	if (*end == 's')
		end++;
	if (*end || !isfinite(s) || s <= 0 || s > 1e9)
		return false;
	*ns = (uint64_t)(s * 1e9);
	return true;
}

static bool parse_count(const char *text, uint64_t least, uint64_t *n)
{
	const char *p;

	for (p = text; isdigit((unsigned char)*p); p++)
		;
	if (p == text || *p || strlen(text) > 18)
		return false;
	*n = strtoull(text, NULL, 10);
	return *n >= least;
}

static int bad_value(const struct opt *o, const char *value, const char *wants, struct err *e)
{
	return err_set(e, EINVAL, "--%s takes %s, not '%.80s'", o->name, wants, value);
}

static int set_pair(const struct opt *o, struct words *w, const char *value, struct err *e)
{
	if (!strchr(value, '=') || *value == '=')
		return bad_value(o, value, "NAME=VALUE", e);
	words_add(w, value);
	return w->failed ? err_set(e, ENOMEM, "out of memory") : 0;
}

static int set_value(const struct opt *o, void *at, const char *value, struct err *e)
{
	switch (o->kind) {
	case OPT_FLAG:
		*(bool *)at = true;
		return 0;
	case OPT_TEXT:
		*(const char **)at = value;
		return *value ? 0 : bad_value(o, value, o->arg, e);
	case OPT_LIST:
		words_add(at, value);
		return ((struct words *)at)->failed ? err_set(e, ENOMEM, "out of memory") : 0;
	case OPT_PAIR:
		return set_pair(o, at, value, e);
	case OPT_COUNT:
		return parse_count(value, 1, at) ? 0 : bad_value(o, value, "a number from 1", e);
	case OPT_NUMBER:
		return parse_count(value, 0, at) ? 0 : bad_value(o, value, "a number", e);
	case OPT_SIZE:
		return parse_size(value, at)
			       ? 0
			       : bad_value(o, value, "a size such as 512K, 64M or 2G", e);
	default:
		return parse_seconds(value, at)
			       ? 0
			       : bad_value(o, value, "seconds such as 5 or 0.5", e);
	}
}

/* ---- finding an option ---- */

static const struct opt *in_table(const struct opt *t, const char *name, size_t len, char letter)
{
	for (; t && t->name; t++)
		if (name ? strlen(t->name) == len && !strncmp(t->name, name, len)
			 : t->letter == letter)
			return t;
	return NULL;
}

/* Own options go before shared ones of the same letter. *own says which struct it is of. */
static const struct opt *find(
	const struct cli_usage *u, const char *name, size_t len, char letter, bool *own)
{
	const struct opt *o = in_table(u->own, name, len, letter);
	size_t i;

	*own = o != NULL;
	for (i = 0; !o && i < ARRAY_LEN(g_groups); i++)
		if (!g_groups[i].group || (g_groups[i].group & u->groups))
			o = in_table(g_groups[i].table, name, len, letter);
	return o;
}

/* Levenshtein distance, up to a small bound: names are short. */
static unsigned int distance(const char *a, const char *b)
{
	unsigned int row[33], i, j, la = strlen(a), lb = strlen(b);

	if (la > 32 || lb > 32)
		return 99;
	for (j = 0; j <= lb; j++)
		row[j] = j;
	for (i = 1; i <= la; i++) {
		unsigned int diag = row[0];

		row[0] = i;
		for (j = 1; j <= lb; j++) {
			unsigned int up = row[j], best = diag + (a[i - 1] != b[j - 1]);

			if (up + 1 < best)
				best = up + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			diag = up;
			row[j] = best;
		}
	}
	return row[lb];
}

const char *closest(const char *word, const char *const *list)
{
	unsigned int best = strlen(word) / 3 + 1;
	const char *found = NULL;

	for (; *list; list++) {
		unsigned int d = distance(word, *list);

		if (d <= best && (!found || d < best)) {
			best = d;
			found = *list;
		}
	}
	return found;
}

static const char *command_name(const struct cli_usage *u, char name[32])
{
	snprintf(name, 32, "%.*s", (int)strcspn(u->synopsis, "[<"), u->synopsis);
	name[strcspn(name, "[")] = 0;
	while (*name && name[strlen(name) - 1] == ' ')
		name[strlen(name) - 1] = 0;
	return name;
}

static int unknown(const struct cli_usage *u, const char *word, struct err *e)
{
	const char *names[96];
	size_t n = 0, i;
	const struct opt *o;
	char name[32], given[64];
	const char *like;

	for (o = u->own; o && o->name && n < 90; o++)
		names[n++] = o->name;
	for (i = 0; i < ARRAY_LEN(g_groups); i++)
		for (o = g_groups[i].table; o->name && n < 90; o++)
			if (!g_groups[i].group || (g_groups[i].group & u->groups))
				names[n++] = o->name;
	names[n] = NULL;
	snprintf(given, sizeof(given), "%.*s", (int)strcspn(word, "="), word);
	like = strncmp(given, "--", 2) ? NULL : closest(given + 2, names);
	return err_set(e, EINVAL, "unknown option %s%s%s%s; see lockstep %s --help", given,
		like ? " (did you mean --" : "", like ? like : "", like ? "?)" : "",
		command_name(u, name));
}

/* ---- parsing ---- */

struct parse {
	const struct cli_usage *u;
	struct cli_options *shared;
	void *own_at;
	char **argv;
	int argc, i;
	struct err *e;
};

static int apply(struct parse *p, const struct opt *o, bool own, const char *value)
{
	char *base = own ? p->own_at : p->shared;

	if (o->kind == OPT_FLAG && value)
		return err_set(p->e, EINVAL, "--%s takes no value", o->name);
	if (o->kind != OPT_FLAG && !value) {
		if (p->i + 1 >= p->argc)
			return err_set(p->e, EINVAL, "--%s needs a value: --%s %s", o->name,
				o->name, o->arg);
		value = p->argv[++p->i];
	}
	return set_value(o, base + o->off, value, p->e);
}

static int parse_long(struct parse *p, const char *word)
{
	size_t len = strcspn(word + 2, "=");
	bool own;
	const struct opt *o = find(p->u, word + 2, len, 0, &own);

	if (!o)
		return unknown(p->u, word, p->e);
	return apply(p, o, own, word[2 + len] ? word + 3 + len : NULL);
}

/* -v, -qv, -oFILE, -o FILE */
static int parse_short(struct parse *p, const char *word)
{
	int rc = 0;

	for (word++; !rc && *word; word++) {
		bool own;
		const struct opt *o = find(p->u, NULL, 0, *word, &own);
		char one[3] = {'-', *word, 0};

		if (!o)
			return unknown(p->u, one, p->e);
		if (o->kind != OPT_FLAG)
			return apply(p, o, own, word[1] ? word + 1 : NULL);
		rc = apply(p, o, own, NULL);
	}
	return rc;
}

static void print_opt(const struct opt *o)
{
	char left[64];

	snprintf(left, sizeof(left), "%s%c%s--%s%s%s", o->letter ? "-" : "  ",
		o->letter ? o->letter : ' ', o->letter ? ", " : " ", o->name, o->arg ? " " : "",
		o->arg ? o->arg : "");
	printf("  %-32s %s\n", left, o->help);
}

static void print_table(const char *title, const struct opt *t)
{
	printf("\n%s:\n", title);
	for (; t->name; t++)
		print_opt(t);
}

static void print_help(const struct cli_usage *u)
{
	size_t i;

	printf("usage: lockstep %s\n\n%s\n", u->synopsis, u->about);
	if (u->own && u->own->name)
		print_table("Options", u->own);
	for (i = 0; i < ARRAY_LEN(g_groups); i++)
		if (!g_groups[i].group || (g_groups[i].group & u->groups))
			print_table(g_groups[i].title, g_groups[i].table);
	printf("\n%s:\n%s\n", strchr(u->examples, '\n') ? "Examples" : "Example", u->examples);
}

static void add_word(struct parse *p, char *word)
{
	p->shared->words[p->shared->nwords++] = word;
}

int options_parse(const struct cli_usage *u, struct cli_options *shared, void *own_at, int argc,
	char **argv, struct err *e)
{
	struct parse p = {u, shared, own_at, argv, argc, 1, e};
	int rc = 0;

	shared->words = argv; /* words move to the front: never past the one being read */
	shared->nwords = 0;
	for (; !rc && p.i < argc; p.i++) {
		char *word = argv[p.i];

		if (!strcmp(word, "--"))
			break;
		if (word[0] != '-' || !word[1]) {
			if (u->groups & OG_COMMAND)
				break;
			add_word(&p, word);
		} else {
			rc = word[1] == '-' ? parse_long(&p, word) : parse_short(&p, word);
		}
	}
	if (rc)
		return rc;
	if (shared->help) {
		print_help(u);
		return 1;
	}
	if (p.i < argc && !strcmp(argv[p.i], "--"))
		p.i++;
	for (; p.i < argc; p.i++)
		add_word(&p, argv[p.i]);
	argv[shared->nwords] = NULL;
	return 0;
}

bool options_color(const struct cli_options *o)
{
	const char *term = getenv("TERM");

	return !o->no_color && !getenv("NO_COLOR") && !getenv("CI") && isatty(STDOUT_FILENO) &&
	       term && strcmp(term, "dumb") != 0;
}
