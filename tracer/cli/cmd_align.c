/*
 * lockstep align: two traces side by side, segment by segment, as rows for the report. Plumbing:
 * what it finds is drawn, never judged.
 */
#include "tracer/cli/command.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/json.h"
#include "tracer/align/differ.h"
#include "tracer/decode/decode.h"

#define ROWS_DEFAULT 200000

static const char usage[] =
	"usage: lockstep align [--json] [--rows N] A B\n"
	"\n"
	"Two traces side by side: a header line (lockstep.aligned/1), then a line a row:\n"
	"[segment, event of A or null, event of B or null, text of A, text of B, mark]\n"
	"marks: = the same, ! another result, ~ other inputs, o another object, < only A, > only "
	"B\n"
	"\n"
	"  lockstep align native-1/trace target-1/trace\n";

struct row {
	uint32_t segment;
	int32_t a, b; /* sequence numbers or -1 */
	char mark;
};

struct rows {
	struct row *row;
	size_t len, size;
	size_t max;
	bool cut;
};

/* Texts of one side's events by sequence number; NULL where no row needs one. */
struct texts {
	char **text;
	size_t len;
};

static int row_add(struct rows *r, struct row row)
{
	if (r->len == r->max) {
		r->cut = true;
		return 0;
	}
	if (r->len == r->size) {
		size_t size = r->size ? r->size * 2 : 1024;
		struct row *p = realloc(r->row, size * sizeof(*p));

		if (!p)
			return -ENOMEM;
		r->row = p;
		r->size = size;
	}
	r->row[r->len++] = row;
	return 0;
}

static char mark_of(const struct tok *a, const struct tok *b, bool loose)
{
	unsigned int parts;

	if (!a || !b)
		return a ? '<' : '>';
	if (loose)
		return 'o';
	parts = tok_differs(a, b);
	return parts & (TOK_ERR | TOK_RET | TOK_OUT) ? '!' : parts ? '~' : '=';
}

static int rows_of(struct rows *out, uint32_t segment, const struct seg *a, const struct seg *b,
	const struct names *names)
{
	static const struct seg nothing;
	struct pairs p = {0};
	int rc;

	a = a ? a : &nothing;
	b = b ? b : &nothing;
	rc = segs_align(&p, a, b, names);
	for (size_t i = 0; i < p.len && !rc; i++) {
		const struct tok *x = p.pair[i].a >= 0 ? &a->tok[p.pair[i].a] : NULL;
		const struct tok *y = p.pair[i].b >= 0 ? &b->tok[p.pair[i].b] : NULL;

		rc = row_add(
			out, (struct row){segment, x ? (int32_t)x->seq : -1,
				     y ? (int32_t)y->seq : -1, mark_of(x, y, p.pair[i].loose)});
	}
	pairs_fini(&p);
	return rc;
}

static int texts_read(
	struct texts *t, const struct rows *rows, bool side_b, const char *path, struct err *e)
{
	struct trace *trace = NULL;
	struct trace_event ev;
	struct buf text = {0};
	int rc = trace_open_flags(&trace, path, TRACE_STREAM, e);

	for (size_t i = 0; i < rows->len; i++) {
		int32_t seq = side_b ? rows->row[i].b : rows->row[i].a;

		if (seq >= (int32_t)t->len)
			t->len = (size_t)seq + 1;
	}
	t->text = calloc(t->len + 1, sizeof(*t->text));
	if (!t->text)
		rc = -ENOMEM;
	while (!rc && (rc = trace_next(trace, &ev)) == 1 && ev.seq < t->len) {
		rc = 0;
		buf_reset(&text);
		decode_event(&text, &ev, NULL);
		t->text[ev.seq] = strdup(buf_str(&text));
	}
	trace_close(trace);
	buf_fini(&text);
	return rc == 1 || rc == -EBADMSG ? 0 : rc;
}

static void texts_fini(struct texts *t)
{
	for (size_t i = 0; t->text && i < t->len; i++)
		free(t->text[i]);
	free(t->text);
}

static void put_side(struct json *j, int32_t seq)
{
	if (seq < 0)
		json_null(j, NULL);
	else
		json_int(j, NULL, seq);
}

static const char *text_at(const struct texts *t, int32_t seq)
{
	return seq >= 0 && (size_t)seq < t->len && t->text[seq] ? t->text[seq] : "";
}

static void put_name(struct json *j, const struct names *names, const struct seg *seg)
{
	struct buf text = {0};
	const char *base;

	names_text(names, seg->image, &text);
	base = strrchr(buf_str(&text), '/');
	json_strf(j, "name", "%s%s%s", base ? base + 1 : buf_str(&text),
		seg->thread	    ? " thread"
		: seg->born_by_exec ? ""
				    : " (forked)",
		seg->ord ? " again" : "");
	buf_fini(&text);
}

/* The segments in order, each with its rows and the first row that is not the same on both sides.
 */
static void put_header(struct json *j, const struct side *s, const struct names *names,
	const struct rows *rows, const struct seg *const *heads, uint32_t n)
{
	size_t at = 0;
	int64_t first = -1;

	json_line_begin(j, "lockstep.aligned/1");
	json_str(j, "a", s[0].name);
	json_str(j, "b", s[1].name);
	json_bool(j, "cut", rows->cut);
	json_uint(j, "rows", rows->len);
	json_array(j, "segments");
	for (uint32_t i = 0; i < n; i++) {
		size_t from = at;
		int64_t mine = -1;

		for (; at < rows->len && rows->row[at].segment == i; at++)
			if (mine < 0 && rows->row[at].mark == '!')
				mine = (int64_t)at;
		first = first < 0 ? mine : first;
		json_begin(j, NULL);
		put_name(j, names, heads[i]);
		json_strf(j, "key", "%016llx.%u", (unsigned long long)heads[i]->key, heads[i]->ord);
		json_str(j, "argv", heads[i]->argv);
		json_uint(j, "tid", heads[i]->tid);
		json_uint(j, "from", from);
		json_uint(j, "to", at);
		json_int(j, "first", mine);
		json_end(j);
	}
	json_array_end(j);
	json_int(j, "first", first);
	json_line_end(j);
}

static int put_all(const struct side *s, const struct names *names, const struct rows *rows,
	const struct seg *const *heads, uint32_t n, struct err *e)
{
	struct texts a = {0}, b = {0};
	struct buf out = {0};
	struct json j = {.out = &out};
	int rc = texts_read(&a, rows, false, s[0].path, e);

	rc = rc ? rc : texts_read(&b, rows, true, s[1].path, e);
	if (!rc)
		put_header(&j, s, names, rows, heads, n);
	for (size_t i = 0; i < rows->len && !rc; i++) {
		const struct row *r = &rows->row[i];
		const char mark[2] = {r->mark, 0};

		j.comma = false;
		json_array(&j, NULL);
		json_uint(&j, NULL, r->segment);
		put_side(&j, r->a);
		put_side(&j, r->b);
		json_str(&j, NULL, text_at(&a, r->a));
		json_str(&j, NULL, text_at(&b, r->b));
		json_str(&j, NULL, mark);
		json_array_end(&j);
		buf_add_byte(&out, '\n');
		if (out.len > 1 << 20) {
			rc = buf_write_fd(&out, STDOUT_FILENO);
			buf_reset(&out);
		}
	}
	if (!rc)
		rc = buf_write_fd(&out, STDOUT_FILENO);
	buf_fini(&out);
	texts_fini(&a);
	texts_fini(&b);
	return rc;
}

/* Segments of A in order of birth, then those that only B has. */
static int align_sides(struct side *s, const struct names *names, size_t max, struct err *e)
{
	CLEANUP(free) const struct seg **heads = calloc(s[0].segs + s[1].segs + 1, sizeof(*heads));
	struct rows rows = {.max = max};
	uint32_t n = 0;
	int rc = heads ? 0 : -ENOMEM;

	for (size_t i = 0; i < s[0].segs && !rc; i++) {
		const struct seg *a = &s[0].seg[i], *b = side_find(&s[1], a->key, a->ord);

		heads[n] = a;
		rc = rows_of(&rows, n++, a, b, names);
	}
	for (size_t i = 0; i < s[1].segs && !rc; i++) {
		const struct seg *b = &s[1].seg[i];

		if (side_find(&s[0], b->key, b->ord))
			continue;
		heads[n] = b;
		rc = rows_of(&rows, n++, NULL, b, names);
	}
	if (!rc)
		rc = put_all(s, names, &rows, heads, n, e);
	free(rows.row);
	return rc;
}

static int align_files(const char *a, const char *b, size_t max, struct err *e)
{
	struct names *names = names_new();
	struct side s[2] = {0};
	int rc = names ? side_load(&s[0], a, 0, names, e) : -ENOMEM;

	rc = rc ? rc : side_load(&s[1], b, 1, names, e);
	rc = rc ? rc : names_settle(names, 1);
	rc = rc ? rc : side_key(&s[0], names);
	rc = rc ? rc : side_key(&s[1], names);
	rc = rc ? rc : align_sides(s, names, max, e);
	side_fini(&s[0]);
	side_fini(&s[1]);
	names_free(names);
	return rc;
}

int cmd_align(int argc, char **argv)
{
	static const struct option options[] = {
		{"json", no_argument, NULL, 'j'},
		{"rows", required_argument, NULL, 'r'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	struct err e = {"align: out of memory"};
	size_t max = ROWS_DEFAULT;
	int c, rc;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c == 'h') {
			fputs(usage, stdout);
			return EXIT_OK;
		}
		if (c == '?')
			return EXIT_USAGE;
		if (c == 'r')
			max = strtoul(optarg, NULL, 10);
	}
	if (argc - optind != 2 || !max) {
		fputs(usage, stderr);
		return EXIT_USAGE;
	}
	rc = align_files(argv[optind], argv[optind + 1], max, &e);
	if (rc < 0)
		err_print(&e);
	return !rc						? EXIT_OK
	       : rc == -ENOMEM || rc == -EPIPE || rc == -ENOSPC ? EXIT_BROKE
								: EXIT_USAGE;
}
