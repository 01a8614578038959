/* See filter.h. */
#include "tracer/decode/filter.h"
#include "abi/abi.h"
#include "common/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

/* ---- expressions ---- */

static const struct {
	const char *name;
	unsigned int class;
} g_classes[] = {{"file", ABI_C_FILE}, {"desc", ABI_C_DESC}, {"process", ABI_C_PROCESS},
	{"network", ABI_C_NETWORK}, {"net", ABI_C_NETWORK}, {"signal", ABI_C_SIGNAL},
	{"ipc", ABI_C_IPC}, {"memory", ABI_C_MEMORY}, {"time", ABI_C_TIME}, {"clock", ABI_C_TIME},
	{"creds", ABI_C_CREDS}};

struct set {
	bool call[FILTER_NR_MAX];
	bool signal[65];
};

static int add_class(struct set *s, const char *name, struct err *e)
{
	unsigned int i, nr;

	for (i = 0; i < ARRAY_LEN(g_classes); i++) {
		if (strcmp(g_classes[i].name, name))
			continue;
		for (nr = 0; nr < ABI_NR_MAX; nr++)
			if (abi_call(nr) && abi_call(nr)->classes & g_classes[i].class)
				s->call[nr] = true;
		return 0;
	}
	return err_set(e, EINVAL,
		"%%%s is no class of calls: there are %%file %%desc %%process %%network %%signal "
		"%%ipc %%memory %%time %%creds",
		name);
}

static int add_regex(struct set *s, const char *pattern, struct err *e)
{
	char text[128];
	unsigned int nr;
	regex_t re;
	int rc = regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB);

	if (rc) {
		regerror(rc, &re, text, sizeof(text));
		return err_set(e, EINVAL, "/%s is no regular expression: %s", pattern, text);
	}
	for (nr = 0; nr < ABI_NR_MAX; nr++)
		if (abi_call(nr) && !regexec(&re, abi_call(nr)->name, 0, NULL, 0))
			s->call[nr] = true;
	regfree(&re);
	return 0;
}

static int add_call(struct set *s, const char *word, struct err *e)
{
	const struct abi_call *call;

	if (*word == '%')
		return add_class(s, word + 1, e);
	if (*word == '/')
		return add_regex(s, word + 1, e);
	if (!strcmp(word, "none"))
		return 0;
	if (!strcmp(word, "all")) {
		memset(s->call, true, sizeof(s->call));
		return 0;
	}
	call = abi_call_by_name(word);
	if (!call)
		return err_set(e, EINVAL,
			"'%s' is no system call of x86-64; /REGEX and %%CLASS work too", word);
	s->call[call->nr] = true;
	return 0;
}

static int add_signal(struct set *s, const char *word, struct err *e)
{
	int signo = abi_signal_by_name(word);

	if (!strcmp(word, "none"))
		return 0;
	if (!strcmp(word, "all")) {
		memset(s->signal, true, sizeof(s->signal));
		return 0;
	}
	if (signo <= 0 || signo > 64)
		return err_set(e, EINVAL, "'%s' is no signal", word);
	s->signal[signo] = true;
	return 0;
}

static int parse_set(struct set *s, char *words, bool signals, struct err *e)
{
	char *save, *word;
	int rc = 0;

	for (word = strtok_r(words, ",", &save); word && !rc; word = strtok_r(NULL, ",", &save))
		rc = signals ? add_signal(s, word, e) : add_call(s, word, e);
	return rc;
}

/* Several expressions add up. */
static void merge(bool *to, const bool *from, size_t n, bool negate)
{
	size_t i;

	for (i = 0; i < n; i++)
		to[i] |= from[i] != negate;
}

int filter_expr(struct filter *f, const char *expr, struct err *e)
{
	bool signals = !strncmp(expr, "signal=", 7) || !strncmp(expr, "signals=", 8), negate;
	const char *eq = strchr(expr, '=');
	CLEANUP(free) struct set *s = calloc(1, sizeof(*s));
	CLEANUP(free) char *words = NULL;
	int rc;

	if (eq && !signals && strncmp(expr, "trace=", 6) && strncmp(expr, "t=", 2))
		return err_set(e, EINVAL, "-e %s: only trace=SET and signal=SET are known", expr);
	expr = eq ? eq + 1 : expr;
	negate = *expr == '!';
	words = strdup(expr + negate);
	if (!s || !words)
		return err_set(e, ENOMEM, "out of memory");
	rc = parse_set(s, words, signals, e);
	if (rc)
		return rc;
	if (signals) {
		f->by_signal = true;
		merge(f->signal, s->signal, ARRAY_LEN(f->signal), negate);
		return 0;
	}
	f->by_call = true;
	f->call_unknown |= negate || s->call[FILTER_NR_MAX - 1];
	merge(f->call, s->call, ARRAY_LEN(f->call), negate);
	return 0;
}

static int list_full(struct err *e)
{
	return err_set(e, E2BIG, "more than %d conditions of one kind", FILTER_LIST_MAX);
}

int filter_errno(struct filter *f, const char *name, struct err *e)
{
	int err = abi_errno_by_name(name);

	if (err <= 0)
		return err_set(e, EINVAL, "'%s' is no errno: say for example ENOENT", name);
	if (f->n_errnos == FILTER_LIST_MAX)
		return list_full(e);
	f->errnos[f->n_errnos++] = err;
	return 0;
}

int filter_image(struct filter *f, const char *image, struct err *e)
{
	if (f->n_images == FILTER_LIST_MAX)
		return list_full(e);
	f->images[f->n_images++] = image;
	return 0;
}

int filter_path(struct filter *f, const char *path, struct err *e)
{
	if (f->n_paths == FILTER_LIST_MAX)
		return list_full(e);
	f->paths[f->n_paths++] = path;
	return 0;
}

int filter_pid(struct filter *f, const char *pid, struct err *e)
{
	char *end;
	unsigned long v = strtoul(pid, &end, 10);

	if (end == pid || *end || !v || v > UINT32_MAX)
		return err_set(e, EINVAL, "'%s' is no process id", pid);
	if (f->n_pids == FILTER_LIST_MAX)
		return list_full(e);
	f->pids[f->n_pids++] = v;
	return 0;
}

/* ---- events ---- */

static bool is_call(const struct trace_event *ev)
{
	return ev->kind == TK_CALL || ev->kind == TK_CALL_OPEN;
}

static bool wants_pid(const struct filter *f, const struct trace_event *ev, struct model *m)
{
	const struct model_task *t = m ? model_task(m, ev->tid) : NULL;
	unsigned int i;

	for (i = 0; i < f->n_pids; i++)
		if (f->pids[i] == ev->tid || (t && f->pids[i] == t->tgid))
			return true;
	return !f->n_pids;
}

static bool wants_image(const struct filter *f, const struct trace_event *ev, struct model *m)
{
	const struct model_task *t = m ? model_task(m, ev->tid) : NULL;
	const char *image = t ? t->image : "", *slash = strrchr(image, '/');
	unsigned int i;

	for (i = 0; i < f->n_images; i++)
		if (!strcmp(f->images[i], image) || (slash && !strcmp(f->images[i], slash + 1)))
			return true;
	return !f->n_images;
}

static bool is_wanted_path(const struct filter *f, const char *path, size_t len)
{
	unsigned int i;

	for (i = 0; i < f->n_paths; i++)
		if (strlen(f->paths[i]) == len && !memcmp(f->paths[i], path, len))
			return true;
	return false;
}

/* Argument i as a path: as it was given, or made absolute. */
static bool path_fits(const struct filter *f, const struct trace_event *ev, struct model *m,
	unsigned int i, int dirfd)
{
	CLEANUP(buf) struct buf abs = {0};
	struct trace_cap cap;
	size_t len;

	if (!trace_cap_find(ev, i, 0, 0, &cap))
		return false;
	len = strnlen((const char *)cap.data, cap.size);
	if (is_wanted_path(f, (const char *)cap.data, len))
		return true;
	if (!m || !model_path(m, ev->tid, dirfd, (const char *)cap.data, len, &abs))
		return false;
	return is_wanted_path(f, (const char *)abs.data, abs.len);
}

static bool wants_path(const struct filter *f, const struct trace_event *ev, struct model *m)
{
	const struct abi_call *call = ev->flags & TF_I386 ? NULL : abi_call(ev->nr);
	unsigned int i, n = call ? abi_nargs(call, ev->arg) : 0;
	int dirfd = AT_FDCWD;

	for (i = 0; i < n; i++) {
		unsigned int kind = abi_resolve(call, i, ev->arg)->kind;
		const char *name;

		if (kind == AK_DIRFD)
			dirfd = (int)ev->arg[i];
		if (kind == AK_PATH && path_fits(f, ev, m, i, dirfd))
			return true;
		if (kind != AK_FD && kind != AK_DIRFD)
			continue;
		name = m ? model_fd_name(m, ev->tid, (int)ev->arg[i]) : NULL;
		if (name && is_wanted_path(f, name, strlen(name)))
			return true;
	}
	return false;
}

static bool wants_result(const struct filter *f, const struct trace_event *ev)
{
	bool error = ev->kind == TK_CALL && ev->ret < 0 && ev->ret >= -4095;
	unsigned int i;

	if (f->failed && !error)
		return false;
	if (f->successful && (error || ev->kind == TK_CALL_OPEN))
		return false;
	for (i = 0; i < f->n_errnos; i++)
		if (error && f->errnos[i] == -ev->ret)
			return true;
	return !f->n_errnos;
}

static bool wants_call(const struct filter *f, const struct trace_event *ev, struct model *m)
{
	bool known = ev->nr < FILTER_NR_MAX && !(ev->flags & TF_I386) && abi_call(ev->nr);

	if (f->by_call && !(known ? f->call[ev->nr] : f->call_unknown))
		return false;
	return wants_result(f, ev) && (!f->n_paths || wants_path(f, ev, m));
}

static bool about_calls(const struct filter *f)
{
	return f->by_call || f->failed || f->successful || f->n_errnos || f->n_paths;
}

static bool wants_other(const struct filter *f, const struct trace_event *ev)
{
	if (ev->kind == TK_SIGNAL && f->by_signal)
		return ev->nr <= 64 && f->signal[ev->nr];
	/* As strace: what is asked of calls leaves signals and ends in sight; what is asked of
	 * results and paths does not. */
	if (f->by_call && !f->failed && !f->successful && !f->n_errnos && !f->n_paths)
		return ev->kind == TK_SIGNAL || ev->kind == TK_EXIT || ev->kind == TK_CRASH;
	return !about_calls(f);
}

bool filter_wants(const struct filter *f, const struct trace_event *ev, struct model *m)
{
	if (ev->enter_ns < f->from_ns || (f->to_ns && ev->enter_ns > f->to_ns))
		return false;
	if (!wants_pid(f, ev, m) || !wants_image(f, ev, m))
		return false;
	return is_call(ev) ? wants_call(f, ev, m) : wants_other(f, ev);
}

bool filter_needs_model(const struct filter *f)
{
	return f->n_images || f->n_paths || f->n_pids;
}

bool filter_wants_block(const struct trace_block *b, void *arg)
{
	const struct filter *f = arg;
	unsigned int nr;

	if (b->max_ns < f->from_ns || (f->to_ns && b->min_ns > f->to_ns))
		return false;
	if (!f->by_call || b->kinds & ~(1u << TK_CALL | 1u << TK_CALL_OPEN) || f->call_unknown)
		return true;
	for (nr = 0; nr < FILTER_NR_MAX; nr++)
		if (f->call[nr] && trace_block_has_nr(b, nr))
			return true;
	return false;
}
