/* The trace file: what is written comes back, whatever happens to the file meanwhile. */
#include "tracer/store/tests/gen.h"
#include "tracer/store/writer.h"
#include "common/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static char g_path[] = "/tmp/lockstep-test-trace-XXXXXX";
static char g_copy[] = "/tmp/lockstep-test-trace-XXXXXX";

static int make_paths(void **state)
{
	close(mkstemp(g_path));
	close(mkstemp(g_copy));
	return 0;
}

static int remove_paths(void **state)
{
	unlink(g_path);
	unlink(g_copy);
	return 0;
}

static struct trace_writer *start(const struct trace_limits *limits, int level)
{
	int fd = open(g_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct trace_writer *w;

	assert_true(fd >= 0);
	assert_int_equal(
		trace_writer_open_level(&w, fd, "{\"command\":[\"true\"]}", limits, level, NULL),
		0);
	return w;
}

static void write_all(const struct trace_event *ev, unsigned int n, unsigned int flush_every)
{
	struct trace_writer *w = start(&(struct trace_limits){.flush_ns = UINT64_MAX}, 1);
	unsigned int i;

	for (i = 0; i < n; i++) {
		assert_int_equal(trace_writer_add(w, &ev[i]), 0);
		if (flush_every && i % flush_every == flush_every - 1)
			assert_int_equal(trace_writer_flush(w), 0);
	}
	assert_int_equal(trace_writer_close(w), 0);
}

/* Reads what is there and holds it to the first events of ev; how many there were. */
static unsigned int read_prefix(const char *path, const struct trace_event *ev, unsigned int n,
	unsigned int flags, enum trace_state *state)
{
	struct trace *t;
	struct trace_event got;
	unsigned int i = 0;
	const char *why;
	int rc;

	assert_int_equal(trace_open_flags(&t, path, flags, NULL), 0);
	while ((rc = trace_next(t, &got)) > 0) {
		assert_true(i < n);
		assert_int_equal(got.seq, i);
		assert_same_event(&got, &ev[i++]);
	}
	if (rc < 0) {
		assert_int_equal(rc, -EBADMSG);
		assert_int_equal(trace_next(t, &got), 0);
	}
	*state = trace_state(t, &why);
	assert_true(*state == TRACE_WHOLE ? !why : strlen(why) > 10);
	assert_int_equal(trace_event_count(t), i);
	trace_close(t);
	return i;
}

static void events_come_back(void **state)
{
	static const struct {
		unsigned int n, flush_every, flags;
	} c[] = {{0, 0, 0}, {1, 0, 0}, {2000, 0, 0}, {2000, 7, TRACE_STREAM}, {2000, 1, 0},
		{70000, 0, TRACE_STREAM}};
	unsigned int i;

	for (i = 0; i < ARRAY_LEN(c); i++) {
		struct trace_event *ev = gen_events(i + 1, c[i].n);
		enum trace_state whole;

		write_all(ev, c[i].n, c[i].flush_every);
		assert_int_equal(read_prefix(g_path, ev, c[i].n, c[i].flags, &whole), c[i].n);
		assert_int_equal(whole, TRACE_WHOLE);
		gen_events_free(ev, c[i].n);
	}
}

static void meta_comes_back(void **state)
{
	struct trace *t;

	write_all(NULL, 0, 0);
	assert_int_equal(trace_open(&t, g_path, NULL), 0);
	assert_string_equal(trace_meta(t), "{\"command\":[\"true\"]}");
	trace_close(t);
}

static void payloads_stay_without_stream(void **state)
{
	struct trace_event *ev = gen_events(5, 500), got[500];
	struct trace *t;
	unsigned int i;

	write_all(ev, 500, 50);
	assert_int_equal(trace_open(&t, g_path, NULL), 0);
	for (i = 0; i < 500; i++)
		assert_int_equal(trace_next(t, &got[i]), 1);
	trace_rewind(t);
	assert_int_equal(trace_next(t, &(struct trace_event){0}), 1);
	for (i = 0; i < 500; i++)
		assert_same_event(&got[i], &ev[i]);
	trace_close(t);
	gen_events_free(ev, 500);
}

static void seek_finds_any_event(void **state)
{
	struct trace_event *ev = gen_events(6, 300), got;
	struct trace *t;
	int i;

	write_all(ev, 300, 40);
	assert_int_equal(trace_open_flags(&t, g_path, TRACE_STREAM, NULL), 0);
	for (i = 299; i >= 0; i -= 13) {
		trace_seek(t, i);
		assert_int_equal(trace_next(t, &got), 1);
		assert_int_equal(got.seq, i);
		assert_same_event(&got, &ev[i]);
	}
	trace_seek(t, 300);
	assert_int_equal(trace_next(t, &got), 0);
	trace_seek(t, UINT64_MAX);
	assert_int_equal(trace_next(t, &got), 0);
	trace_close(t);
	gen_events_free(ev, 300);
}

static bool has_nr_77(const struct trace_block *b, void *arg)
{
	++*(unsigned int *)arg;
	assert_int_equal(b->n_events, 10);
	assert_true(b->min_ns <= b->max_ns);
	assert_int_equal(b->kinds, 1 << TK_CALL);
	assert_int_equal(b->n_tids, 1);
	assert_int_equal(b->tids[0], 9);
	return trace_block_has_nr(b, 77);
}

static void blocks_are_skipped_by_summary(void **state)
{
	struct trace_writer *w = start(NULL, 1);
	struct trace_event ev = {.kind = TK_CALL, .tid = 9};
	struct trace *t;
	unsigned int i, asked = 0;

	for (i = 0; i < 100; i++) {
		ev.nr = i == 55 ? 77 : 3;
		ev.enter_ns = i * 100;
		assert_int_equal(trace_writer_add(w, &ev), 0);
		if (i % 10 == 9)
			trace_writer_flush(w);
	}
	assert_int_equal(trace_writer_close(w), 0);
	assert_int_equal(trace_open(&t, g_path, NULL), 0);
	trace_skip_blocks(t, has_nr_77, &asked);
	for (i = 50; i < 60; i++) {
		assert_int_equal(trace_next(t, &ev), 1);
		assert_int_equal(ev.seq, i);
	}
	assert_int_equal(trace_next(t, &ev), 0);
	assert_int_equal(asked, 10);
	assert_int_equal(trace_state(t, NULL), TRACE_WHOLE);
	trace_close(t);
}

/* ---- damage ---- */

static void read_file(struct buf *b)
{
	CLEANUP(fd) int fd = open(g_path, O_RDONLY | O_CLOEXEC);

	assert_int_equal(buf_read_fd(b, fd, 1 << 30), 0);
}

static void write_copy(const uint8_t *data, size_t size)
{
	CLEANUP(fd) int fd = open(g_copy, O_WRONLY | O_TRUNC | O_CLOEXEC);

	assert_int_equal(write(fd, data, size), size);
}

static int open_copy(struct trace **t, struct err *e)
{
	e->text[0] = 0;
	return trace_open(t, g_copy, e);
}

static void torn_anywhere_keeps_whole_blocks(void **state)
{
	struct trace_event *ev = gen_events(7, 200);
	CLEANUP(buf) struct buf file = {0};
	unsigned int last = 0;
	size_t cut;

	write_all(ev, 200, 20);
	read_file(&file);
	for (cut = 44; cut < file.len; cut += 1 + cut % 3) {
		enum trace_state st;
		unsigned int n;

		write_copy(file.data, cut);
		n = read_prefix(g_copy, ev, 200, 0, &st);
		assert_int_equal(st, TRACE_TORN);
		assert_int_equal(n % 20, 0);
		assert_true(n >= last);
		last = n;
	}
	assert_int_equal(last, 200);
	gen_events_free(ev, 200);
}

static void a_cut_head_is_an_error_in_words(void **state)
{
	CLEANUP(buf) struct buf file = {0};
	struct trace *t;
	struct err e;
	size_t cut;

	write_all(NULL, 0, 0);
	read_file(&file);
	for (cut = 0; cut < 44; cut++) {
		write_copy(file.data, cut);
		assert_int_equal(open_copy(&t, &e), cut ? -EBADMSG : -ENODATA);
		assert_non_null(strstr(e.text, g_copy));
	}
}

static void flipped_bits_never_give_wrong_events(void **state)
{
	struct trace_event *ev = gen_events(8, 100);
	CLEANUP(buf) struct buf file = {0};
	size_t i;

	write_all(ev, 100, 25);
	read_file(&file);
	for (i = 44; i < file.len; i++) {
		enum trace_state st;

		file.data[i] ^= 1 << i % 8;
		write_copy(file.data, file.len);
		read_prefix(g_copy, ev, 100, TRACE_STREAM, &st);
		assert_int_equal(st, TRACE_TORN);
		file.data[i] ^= 1 << i % 8;
	}
	gen_events_free(ev, 100);
}

static void foreign_and_future_files_are_named(void **state)
{
	CLEANUP(buf) struct buf file = {0};
	struct trace *t;
	struct err e;

	write_copy((const uint8_t *)"#!/bin/sh\necho hello hello hello\n", 33);
	assert_int_equal(open_copy(&t, &e), -EBADMSG);
	assert_non_null(strstr(e.text, "not a trace"));
	write_all(NULL, 0, 0);
	read_file(&file);
	file.data[8] = 2;
	write_copy(file.data, file.len);
	assert_int_equal(open_copy(&t, &e), -EPROTONOSUPPORT);
	assert_non_null(strstr(e.text, "newer"));
	assert_int_equal(trace_open(&t, "/nonexistent/x", &e), -ENOENT);
	assert_int_equal(trace_open(&t, "/tmp", &e), -EISDIR);
}

static void bytes_after_the_end_are_noticed(void **state)
{
	struct trace_event *ev = gen_events(9, 10);
	CLEANUP(buf) struct buf file = {0};
	enum trace_state st;

	write_all(ev, 10, 0);
	read_file(&file);
	buf_add_str(&file, "more");
	write_copy(file.data, file.len);
	assert_int_equal(read_prefix(g_copy, ev, 10, 0, &st), 10);
	assert_int_equal(st, TRACE_TORN);
	gen_events_free(ev, 10);
}

/* Checksums are no signature: an index that tells of other blocks than there are is noticed. */
static void an_index_that_disagrees_is_noticed(void **state)
{
	struct trace_event *ev = gen_events(13, 40);
	CLEANUP(buf) struct buf file = {0}, other = {0};
	enum trace_state st;
	size_t index;

	write_all(ev, 40, 20);
	read_file(&file);
	write_all(ev, 40, 10);
	read_file(&other);
	/* the first file's blocks, the second's index: 64 bytes of head, 40 for each of 4 blocks */
	index = file.len - (64 + 2 * 40);
	file.len = index;
	buf_add(&file, other.data + other.len - (64 + 4 * 40), 64 + 4 * 40);
	write_copy(file.data, file.len);
	assert_int_equal(read_prefix(g_copy, ev, 40, 0, &st), 40);
	assert_int_equal(st, TRACE_TORN);
	gen_events_free(ev, 40);
}

static bool lists_no_tasks(const struct trace_block *b, void *arg)
{
	*(bool *)arg = !b->tids;
	return true;
}

/* More tasks and shapes in a block than its summary and the predictors have room for. */
static void very_many_tasks_come_back(void **state)
{
	enum { N = 20000 };
	struct trace_event *ev = calloc(N, sizeof(*ev)), got;
	struct trace *t;
	bool unlisted = false;
	unsigned int i;

	for (i = 0; i < N; i++)
		ev[i] = (struct trace_event){.kind = TK_CALL,
			.tid = i * 7919 % 9001,
			.nr = i * 31 % 700,
			.enter_ns = i * 640,
			.arg = {i, i / 2, i * 100000}};
	write_all(ev, N, 0);
	assert_int_equal(trace_open(&t, g_path, NULL), 0);
	trace_skip_blocks(t, lists_no_tasks, &unlisted);
	for (i = 0; i < N; i++) {
		assert_int_equal(trace_next(t, &got), 1);
		assert_same_event(&got, &ev[i]);
	}
	assert_true(unlisted);
	trace_close(t);
	free(ev);
}

/* ---- limits ---- */

static void size_limit_ends_in_order(void **state)
{
	static const uint64_t limits[] = {1, 5000, 20000, 100000, 300000};
	struct trace_event *ev = gen_events(10, 20000), got, last = {0};
	unsigned int i, k;

	for (k = 0; k < ARRAY_LEN(limits); k++) {
		struct trace_writer *w = start(&(struct trace_limits){.max_size = limits[k]}, 1);
		struct trace_cap cap;
		struct trace *t;
		struct stat st;
		uint64_t n = 0;

		for (i = 0; i < 20000 && !trace_writer_add(w, &ev[i]);)
			i++;
		assert_true(i < 20000);
		assert_int_equal(trace_writer_add(w, &ev[i]), -EFBIG);
		assert_int_equal(trace_writer_close(w), 0);
		assert_int_equal(stat(g_path, &st), 0);
		assert_true(st.st_size <= (off_t)limits[k] + 4096);
		assert_true(limits[k] < 50000 || st.st_size >= (off_t)limits[k] * 8 / 10);
		assert_int_equal(trace_open(&t, g_path, NULL), 0);
		while (trace_next(t, &got) == 1) {
			if (n <= i)
				assert_same_event(&got, &ev[n]);
			last = got;
			n++;
		}
		assert_int_equal(n, i + 2); /* the one that was refused is there, and the note */
		assert_int_equal(trace_state(t, NULL), TRACE_WHOLE);
		assert_int_equal(last.kind, TK_NOTE);
		assert_true(trace_cap_find(&last, TC_TEXT, 0, 0, &cap));
		assert_non_null(memmem(cap.data, cap.size, "size limit", 10));
		trace_close(t);
	}
	gen_events_free(ev, 20000);
}

static void time_closes_blocks(void **state)
{
	struct trace_writer *w = start(&(struct trace_limits){.flush_ns = 1000}, 1);
	struct trace_event ev = {.kind = TK_CALL, .tid = 1}, got;
	struct trace *t;
	unsigned int i, n = 0;

	for (i = 0; i < 23; i++) {
		ev.enter_ns = i * 300;
		assert_int_equal(trace_writer_add(w, &ev), 0);
	}
	/* What a killed recorder leaves: all but the open block. */
	assert_int_equal(trace_open(&t, g_path, NULL), 0);
	while (trace_next(t, &got) == 1)
		n++;
	assert_int_equal(n, 20);
	assert_int_equal(trace_state(t, NULL), TRACE_TORN);
	trace_close(t);
	assert_int_equal(trace_writer_close(w), 0);
}

static void huge_payload_is_refused(void **state)
{
	struct trace_writer *w = start(NULL, 1);
	struct trace_event ev = {.kind = TK_CALL, .payload_size = TRACE_PAYLOAD_MAX + 1};

	assert_int_equal(trace_writer_add(w, &ev), -EMSGSIZE);
	ev.payload_size = 0;
	assert_int_equal(trace_writer_add(w, &ev), 0);
	assert_int_equal(trace_writer_close(w), 0);
}

static void large_payloads_come_back(void **state)
{
	enum { SIZE = 5 << 20, N = 6 };
	CLEANUP(free) uint8_t *data = malloc(SIZE);
	struct trace_event ev[N];
	struct buf payload[N] = {0};
	enum trace_state st;
	unsigned int i;

	for (i = 0; i < SIZE; i++)
		data[i] = i * i >> 7;
	for (i = 0; i < N; i++) {
		struct trace_cap cap = {.slot = TC_BYTES, .size = SIZE, .full = SIZE, .data = data};

		data[i * 1000] ^= 0xff;
		trace_cap_put(&payload[i], &cap);
		ev[i] = (struct trace_event){.kind = TK_PAGE,
			.tid = 1,
			.payload = payload[i].data,
			.payload_size = payload[i].len};
	}
	write_all(ev, N, 0);
	assert_int_equal(read_prefix(g_path, ev, N, TRACE_STREAM, &st), N);
	assert_int_equal(st, TRACE_WHOLE);
	for (i = 0; i < N; i++)
		buf_fini(&payload[i]);
}

static void full_disk_is_said_once_and_again(void **state)
{
	struct trace_event *ev = gen_events(11, 100);
	struct trace_writer *w;
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	struct err e;

	assert_true(fd >= 0);
	assert_int_equal(trace_writer_open(&w, fd, "{}", NULL, &e), -ENOSPC);
	assert_non_null(strstr(e.text, strerror(ENOSPC)));
	assert_null(w);
	gen_events_free(ev, 100);
}

/* As a full disk does to write(2), with another errno; 0 ends it. */
static void limit_file_size(rlim_t size)
{
	struct rlimit r;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &r), 0);
	r.rlim_cur = size ? size : r.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &r), 0);
}

/* A disk that fills up in the middle: what was written before is a readable, torn trace. */
static void disk_that_fills_up_leaves_whole_blocks(void **state)
{
	struct trace_event *ev = gen_events(12, 5000);
	struct trace_writer *w = start(&(struct trace_limits){.flush_ns = UINT64_MAX}, 1);
	enum trace_state st;
	unsigned int i, n;
	int rc = 0;

	limit_file_size(20000);
	for (i = 0; i < 5000 && !rc; i++) {
		rc = trace_writer_add(w, &ev[i]);
		if (!rc && i % 100 == 99)
			rc = trace_writer_flush(w);
	}
	assert_int_equal(rc, -EFBIG);
	assert_int_equal(trace_writer_add(w, &ev[0]), -EFBIG);
	assert_int_equal(trace_writer_close(w), -EFBIG);
	limit_file_size(0);
	n = read_prefix(g_path, ev, 5000, 0, &st);
	assert_true(n >= 100 && n < i);
	assert_int_equal(st, TRACE_TORN);
	gen_events_free(ev, 5000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_come_back),
		cmocka_unit_test(meta_comes_back),
		cmocka_unit_test(payloads_stay_without_stream),
		cmocka_unit_test(seek_finds_any_event),
		cmocka_unit_test(blocks_are_skipped_by_summary),
		cmocka_unit_test(torn_anywhere_keeps_whole_blocks),
		cmocka_unit_test(a_cut_head_is_an_error_in_words),
		cmocka_unit_test(flipped_bits_never_give_wrong_events),
		cmocka_unit_test(foreign_and_future_files_are_named),
		cmocka_unit_test(bytes_after_the_end_are_noticed),
		cmocka_unit_test(an_index_that_disagrees_is_noticed),
		cmocka_unit_test(very_many_tasks_come_back),
		cmocka_unit_test(size_limit_ends_in_order),
		cmocka_unit_test(time_closes_blocks),
		cmocka_unit_test(huge_payload_is_refused),
		cmocka_unit_test(large_payloads_come_back),
		cmocka_unit_test(full_disk_is_said_once_and_again),
		cmocka_unit_test(disk_that_fills_up_leaves_whole_blocks),
	};

	return cmocka_run_group_tests(tests, make_paths, remove_paths);
}
