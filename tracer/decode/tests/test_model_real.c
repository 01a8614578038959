/*
 * The process model against the kernel's own word: programs that end in a crash are recorded, and
 * the map that came with the crash (/proc/PID/maps at that moment) is compared with what the model
 * derived from the calls alone; and what a program finds in its /proc/self/fd with the model's
 * descriptors.
 */
#include "tracer/decode/model.h"
#include "common/cleanup.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static char g_trace[] = "/tmp/lockstep-test-model-XXXXXX";

static int make_path(void **state)
{
	close(mkstemp(g_trace));
	return 0;
}

static int remove_path(void **state)
{
	unlink(g_trace);
	return 0;
}

/* Records `command` (words of the shell); the recorder stands beside the tests' folder. */
static struct trace *record(const char *command)
{
	char exe[4096], line[9000];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	struct trace *t;
	struct err e;

	assert_true(n > 0);
	exe[n] = 0;
	*strrchr(exe, '/') = 0; /* tests/ */
	*strrchr(exe, '/') = 0;
	snprintf(line, sizeof(line), "%s/lockstep-record -o %s -- %s </dev/null >/dev/null 2>&1",
		exe, g_trace, command);
	assert_true(system(line) != -1);
	if (trace_open(&t, g_trace, &e))
		fail_msg("%s", e.text);
	return t;
}

/* One line of maps: does the model agree about its first and last byte? */
static void check_line(struct model *m, uint32_t tid, const char *line, unsigned int *files)
{
	unsigned long long start, end, off;
	struct addr_info a, b;
	char perm[8], path[4096] = "";
	int prot;

	assert_true(sscanf(line, "%llx-%llx %7s %llx %*s %*s %4095[^\n]", &start, &end, perm, &off,
			    path) >= 4);
	if (!strncmp(path, "[v", 2) || !strcmp(path, "[stack]") || !strcmp(path, "[heap]"))
		off = 0;
	if (!model_addr(m, tid, start, &a) || !model_addr(m, tid, end - 1, &b))
		fail_msg("not known to the model: %s", line);
	prot = (perm[0] == 'r') | (perm[1] == 'w') << 1 | (perm[2] == 'x') << 2;
	if (strncmp(path, "[v", 2) && (a.prot != prot || b.prot != prot))
		fail_msg("protection %d, %d in the model: %s", a.prot, b.prot, line);
	if (path[0] != '/')
		return;
	/* memory shared without a file, and files that are gone */
	if (strstr(path, " (deleted)"))
		return;
	assert_string_equal(a.name, path);
	assert_string_equal(b.name, path);
	assert_int_equal(a.off, off);
	assert_int_equal(b.off, off + (end - 1 - start));
	++*files;
}

static void check_maps(struct model *m, const struct trace_event *ev)
{
	struct trace_cap cap;
	unsigned int files = 0;
	char *text, *line, *save;

	assert_true(trace_cap_find(ev, TC_MAPS, 0, 0, &cap));
	text = strndup((const char *)cap.data, cap.size);
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		check_line(m, ev->tid, line, &files);
	free(text);
	assert_true(files >= 5);
}

static void crash_map_is_the_models(const char *command)
{
	struct trace *t = record(command);
	struct model *m = model_new();
	struct trace_event ev;
	unsigned int crashes = 0;

	while (trace_next(t, &ev) > 0) {
		if (ev.kind == TK_CRASH) {
			check_maps(m, &ev);
			crashes++;
		}
		assert_int_equal(model_event(m, &ev), 0);
	}
	assert_int_equal(crashes, 1);
	model_free(m);
	trace_close(t);
}

static void python_maps(void **state)
{
	crash_map_is_the_models("python3 -c 'import ctypes, json, ssl, mmap; "
				"a = mmap.mmap(-1, 1 << 20); a.resize(1 << 22); "
				"b = [bytes(1 << 18) for i in range(40)]; del b[::3]; "
				"ctypes.string_at(8)'");
}

static void thread_maps(void **state)
{
	crash_map_is_the_models("python3 -c 'import ctypes, threading; "
				"t = threading.Thread(target=ctypes.string_at, args=(8,)); "
				"t.start(); t.join()'");
}

static void fork_maps(void **state)
{
	crash_map_is_the_models("python3 -c 'import ctypes, os; p = os.fork(); "
				"p or ctypes.string_at(8); os.waitpid(p, 0)'");
}

/* `ls -l /proc/self/fd` reads each link: what it is told is compared with the model. */
static void descriptors_are_what_proc_says(void **state)
{
	struct trace *t = record("sh -c 'exec 5</etc/passwd 6>&1 7>/dev/null; cd /usr; exec 8<lib; "
				 "ls -l /proc/self/fd'");
	struct model *m = model_new();
	struct trace_event ev;
	unsigned int checked = 0;

	while (trace_next(t, &ev) > 0) {
		bool at = ev.nr == SYS_readlinkat;
		struct trace_cap path, link;

		if (ev.kind == TK_CALL && (ev.nr == SYS_readlink || at) && ev.ret > 0 &&
			trace_cap_find(&ev, at, 0, 0, &path) &&
			trace_cap_find(&ev, 1 + at, 0, TC_OUT, &link) && link.data[0] == '/') {
			CLEANUP(free) char *name = strndup((const char *)path.data, path.size);
			CLEANUP(free) char *to = strndup((const char *)link.data, link.size);
			const char *number = strrchr(name, '/') ? strrchr(name, '/') + 1 : name;
			const char *known = model_fd_name(m, ev.tid, atoi(number));

			/* the link of the folder being listed reads with the task's number */
			if (number[0] >= '0' && number[0] <= '9' && strncmp(to, "/proc/", 6) &&
				link.size == link.full) {
				assert_non_null(known);
				assert_string_equal(known, to);
				checked++;
			}
		}
		model_event(m, &ev);
	}
	assert_true(checked >= 4);
	model_free(m);
	trace_close(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(python_maps),
		cmocka_unit_test(thread_maps),
		cmocka_unit_test(fork_maps),
		cmocka_unit_test(descriptors_are_what_proc_says),
	};

	return cmocka_run_group_tests(tests, make_path, remove_path);
}
