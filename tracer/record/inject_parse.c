/*
 * From SPEC to rule. Words are key=value, separated by blanks; %XX stands for any byte.
 */
#include "tracer/record/inject.h"
#include "tracer/record/inject_rule.h"

#include "abi/abi.h"
#include "common/cleanup.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct inject *inject_new(void)
{
	return calloc(1, sizeof(struct inject));
}

static void rule_fini(struct inject_rule *ru)
{
	free(ru->image);
	free(ru->site);
	free(ru->exec);
	buf_fini(&ru->bytes);
	for (unsigned int i = 0; i < 6; i++) {
		free(ru->arg[i].str);
		free(ru->arg[i].fd);
		buf_fini(&ru->arg[i].out);
	}
}

void inject_free(struct inject *in)
{
	if (!in)
		return;
	for (unsigned int i = 0; i < in->len; i++)
		rule_fini(&in->rules[i]);
	free(in->rules);
	free(in);
}

unsigned int inject_len(const struct inject *in)
{
	return in ? in->len : 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Resolves %XX in place. A NUL byte cannot be part of any value. */
static int unescape(char *s, struct err *e)
{
	char *to = s;

	for (; *s; s++) {
		int hi, lo;

		if (*s != '%') {
			*to++ = *s;
			continue;
		}
		hi = hex_digit(s[1]);
		lo = hi < 0 ? -1 : hex_digit(s[2]);
		if (lo < 0 || hi * 16 + lo == 0)
			return err_set(e, EINVAL, "%% needs two hexadecimal digits, not 00");
		*to++ = (char)(hi * 16 + lo);
		s += 2;
	}
	*to = 0;
	return 0;
}

static int parse_number(const char *v, uint64_t *out, struct err *e)
{
	char *end;

	errno = 0;
	*out = *v == '-' ? (uint64_t)strtoll(v, &end, 0) : strtoull(v, &end, 0);
	if (errno || end == v || *end)
		return err_set(e, EINVAL, "'%s' is not a number (decimal, or 0x hexadecimal)", v);
	return 0;
}

static int parse_text(const char *v, char **out, struct err *e)
{
	if (!*v)
		return err_set(e, EINVAL, "is empty");
	free(*out);
	*out = strdup(v);
	return *out ? 0 : err_set(e, ENOMEM, "out of memory");
}

static int parse_hex(const char *v, struct buf *out, struct err *e)
{
	size_t n = strlen(v);

	buf_reset(out);
	if (!n || n % 2)
		return err_set(e, EINVAL, "needs an even number of hexadecimal digits");
	for (size_t i = 0; i < n; i += 2) {
		int hi = hex_digit(v[i]), lo = hex_digit(v[i + 1]);

		if (hi < 0 || lo < 0)
			return err_set(e, EINVAL, "'%.2s' is not a hexadecimal byte", v + i);
		buf_add_byte(out, (uint8_t)(hi * 16 + lo));
	}
	return out->failed ? err_set(e, ENOMEM, "out of memory") : 0;
}

/* ---- keys ---- */

static int key_call(struct inject_rule *ru, unsigned int n, const char *v, struct err *e)
{
	const struct abi_call *c = abi_call_by_name(v);

	if (!c)
		return err_set(e, EINVAL, "there is no system call '%s'", v);
	ru->nr = c->nr;
	return 0;
}

static int key_image(struct inject_rule *ru, unsigned int n, const char *v, struct err *e)
{
	return parse_text(v, &ru->image, e);
}

static int key_site(struct inject_rule *ru, unsigned int n, const char *v, struct err *e)
{
	const char *plus = strrchr(v, '+');
	int rc = parse_text(v, &ru->site, e);

	if (rc)
		return rc;
	if (!plus || plus == v)
		return err_set(e, EINVAL, "needs BASENAME+0xOFFSET");
	ru->site[plus - v] = 0;
	return parse_number(plus + 1, &ru->site_off, e);
}

static int key_value(struct inject_rule *ru, unsigned int n, const char *v, struct err *e)
{
	ru->arg[n].have_value = true;
	return parse_number(v, &ru->arg[n].value, e);
}

static int key_string(struct inject_rule *ru, unsigned int n, const char *v, struct err *e)
{
	free(ru->arg[n].str);
	ru->arg[n].str = strdup(v); /* may be empty: a path can be */
	return ru->arg[n].str ? 0 : err_set(e, ENOMEM, "out of memory");
}

static int key_fd(struct inject_rule *ru, unsigned int n, const char *v, struct err *e)
{
	return parse_text(v, &ru->arg[n].fd, e);
}

static int key_out(struct inject_rule *ru, unsigned int n, const char *v, struct err *e)
{
	ru->arg[n].have_out = true;
	return parse_hex(v, &ru->arg[n].out, e);
}

static int parse_count(const char *v, unsigned int *out, struct err *e)
{
	uint64_t k;
	int rc = parse_number(v, &k, e);

	if (rc)
		return rc;
	if (!k || k > 1u << 30)
		return err_set(e, EINVAL, "counts from 1");
	*out = (unsigned int)k;
	return 0;
}

static int key_nth(struct inject_rule *ru, unsigned int n, const char *v, struct err *e)
{
	if (strcmp(v, "all"))
		return parse_count(v, &ru->nth, e);
	ru->nth = 0;
	return 0;
}

static int key_proc(struct inject_rule *ru, unsigned int n, const char *v, struct err *e)
{
	return parse_count(v, &ru->proc, e);
}

static int key_ret(struct inject_rule *ru, unsigned int n, const char *v, struct err *e)
{
	ru->have_ret = true;
	return parse_number(v, (uint64_t *)&ru->ret, e);
}

static int key_errno(struct inject_rule *ru, unsigned int n, const char *v, struct err *e)
{
	int num = abi_errno_by_name(v);

	if (!num)
		return err_set(e, EINVAL, "there is no error '%s' (as in ENOENT)", v);
	ru->have_ret = true;
	ru->ret = -num;
	return 0;
}

static int key_after(struct inject_rule *ru, unsigned int n, const char *v, struct err *e)
{
	if (strcmp(v, "1") && strcmp(v, "0"))
		return err_set(e, EINVAL, "is 1 or 0");
	ru->after = *v == '1';
	return 0;
}

static int key_signal(struct inject_rule *ru, unsigned int n, const char *v, struct err *e)
{
	ru->signo = abi_signal_by_name(v);
	return ru->signo ? 0 : err_set(e, EINVAL, "there is no signal '%s' (as in SIGSEGV)", v);
}

static int key_exec(struct inject_rule *ru, unsigned int n, const char *v, struct err *e)
{
	return parse_text(v, &ru->exec, e);
}

static int key_at(struct inject_rule *ru, unsigned int n, const char *v, struct err *e)
{
	ru->have_at = true;
	return parse_number(v, &ru->at, e);
}

static int key_bytes(struct inject_rule *ru, unsigned int n, const char *v, struct err *e)
{
	return parse_hex(v, &ru->bytes, e);
}

static int key_rel(struct inject_rule *ru, unsigned int n, const char *v, struct err *e)
{
	if (!strcmp(v, "exe"))
		ru->base = BASE_EXE;
	else if (!strcmp(v, "interp"))
		ru->base = BASE_INTERP;
	else
		return err_set(e, EINVAL, "is exe or interp");
	return 0;
}

static const struct key {
	const char *name; /* N stands for the number of an argument */
	int (*parse)(struct inject_rule *ru, unsigned int n, const char *v, struct err *e);
} g_keys[] = {
	{"call", key_call},
	{"image", key_image},
	{"site", key_site},
	{"aN", key_value},
	{"pN", key_string},
	{"fN", key_fd},
	{"outN", key_out},
	{"nth", key_nth},
	{"proc", key_proc},
	{"ret", key_ret},
	{"errno", key_errno},
	{"after", key_after},
	{"signal", key_signal},
	{"exec", key_exec},
	{"at", key_at},
	{"bytes", key_bytes},
	{"rel", key_rel},
};

/* Whether word is the key, its number in *n. */
static bool key_is(const char *key, const char *word, unsigned int *n)
{
	size_t len = strlen(key);

	*n = 0;
	if (key[len - 1] != 'N')
		return !strcmp(key, word);
	if (strlen(word) != len || strncmp(key, word, len - 1))
		return false;
	*n = (unsigned int)(word[len - 1] - '0');
	return *n < 6;
}

static int parse_word(struct inject_rule *ru, char *word, struct err *e)
{
	char *eq = strchr(word, '=');
	unsigned int n;
	int rc;

	if (!eq)
		return err_set(e, EINVAL, "'%s' is not key=value", word);
	*eq = 0;
	for (size_t i = 0; i < ARRAY_LEN(g_keys); i++) {
		if (!key_is(g_keys[i].name, word, &n))
			continue;
		rc = unescape(eq + 1, e);
		if (!rc)
			rc = g_keys[i].parse(ru, n, eq + 1, e);
		return rc ? err_prefix(e, rc, "%s=", word) : 0;
	}
	return err_set(e, EINVAL,
		"there is no key '%s'; there are call image site aN pN fN outN nth proc ret errno "
		"after "
		"signal, and exec at bytes rel (N from 0 to 5)",
		word);
}

static bool has_out(const struct inject_rule *ru)
{
	for (unsigned int i = 0; i < 6; i++) {
		if (ru->arg[i].have_out)
			return true;
	}
	return false;
}

static int check_exec(const struct inject_rule *ru, struct err *e)
{
	if (ru->nr >= 0 || ru->site || ru->have_ret || ru->signo || has_out(ru))
		return err_set(e, EINVAL, "exec= stands alone with at=, bytes=, rel= and proc=");
	if (!ru->have_at || !ru->bytes.len)
		return err_set(e, EINVAL, "exec= needs at=ADDRESS and bytes=HEX");
	return 0;
}

static int check_rule(const struct inject_rule *ru, struct err *e)
{
	if (ru->exec)
		return check_exec(ru, e);
	if (ru->nr < 0)
		return err_set(e, EINVAL, "needs call=NAME or exec=IMAGE");
	if (ru->have_at || ru->bytes.len || ru->base)
		return err_set(e, EINVAL, "at=, bytes= and rel= go with exec=, not with call=");
	if (!ru->have_ret && !ru->signo && !has_out(ru))
		return err_set(e, EINVAL, "says no action: ret=, errno=, outN= or signal=");
	if (ru->after && !ru->have_ret)
		return err_set(e, EINVAL, "after=1 needs ret= or errno=");
	return 0;
}

static int parse_rule(struct inject_rule *ru, char *text, struct err *e)
{
	char *save = NULL;
	int rc;

	for (char *w = strtok_r(text, " \t\n", &save); w; w = strtok_r(NULL, " \t\n", &save)) {
		rc = parse_word(ru, w, e);
		if (rc)
			return rc;
	}
	return check_rule(ru, e);
}

int inject_add(struct inject *in, const char *spec, struct err *e)
{
	CLEANUP(free) char *text = strdup(spec);
	struct inject_rule *rules, *ru;
	int rc;

	rules = text ? reallocarray(in->rules, in->len + 1, sizeof(*rules)) : NULL;
	if (!rules)
		return err_set(e, ENOMEM, "out of memory");
	in->rules = rules;
	ru = &rules[in->len];
	memset(ru, 0, sizeof(*ru));
	ru->nr = -1;
	ru->nth = 1;
	ru->index = in->len;
	rc = parse_rule(ru, text, e);
	if (rc) {
		rule_fini(ru);
		return err_prefix(e, rc, "--inject '%.200s'", spec);
	}
	in->len++;
	return 0;
}
