/*
 * The recorder on one small program per kernel behaviour: natively, with everything that a poorer
 * ptrace lacks turned off, and inside runsc where that is installed. The same expectations hold
 * everywhere but where a case says what a place's kernel cannot do.
 */
#include "tracer/record/tests/harness.h"

#include "common/procmaps.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum place { NATIVE, FALLBACK, RUNSC };

static enum place g_place;

static const struct rec_case g_cases[] = {
	{"births", "", "births", 0},
	{"exec_thread", "", "exec_thread", 0},
	{"threads", "", "threads", 7},
	{"jobs", "", "jobs", 0},
	{"restart", "", "restart", 0},
	{"filter", "", "filter", 0},
	{"notify", "", "filter notify", 0},
	{"int80", "", "int80", 0},
	{"tracer", "", "tracer", 0},
	{"daemon", "", "daemon", 3},
	{"grace", "--grace 0.3", "daemon forever", 3},
	{"segv", "", "crash segv", 139},
	{"abort", "", "crash abort", 134},
	{"term", "", "crash term", 143},
	{"handled", "", "crash handled", 17},
	{"spaces", "", "spaces", 0},
	{"many", "", "many", 0},
	{"data", "-s 16", "data", 0},
	{"hang", "--timeout 0.5", "hang", 124},
	{"maps", "--vma-every 10", "maps", 0},
	{"nocalls", "--no-calls", "births", 0},
	{"hidden", "--redact data --redact env --redact 'path:/no/*'", "data", 0},
	{"secret", "--redact env --redact 'path:*/tracees/*'", "crash segv", 139},
	{"capped", "--max-size 4K", "many", 0},
	{"missing", "", "/no/such/program", 127},
	{"noexec", "", "/etc/passwd", 126},
	{"inj_errno", "--inject 'call=access p0=/no/such/name errno=EPERM'", "data", 0},
	{"inj_fd", "--inject 'call=write f0=/dev/null a2=5 errno=EIO'", "data", 1},
	{"inj_nofd", "--inject 'call=write f0=/dev/zero a2=5 errno=EIO'", "data", 0},
	{"inj_image", "--inject 'call=write image=other a2=5 errno=EIO'", "data", 0},
	{"inj_ret", "--inject 'call=wait4 nth=2 errno=ECHILD'", "births", 2},
	{"inj_after", "--inject 'call=write a2=5 ret=4 after=1'", "data", 1},
	{"inj_signal", "--inject 'call=getppid nth=1 signal=SIGTERM'", "threads", 143},
	{"inj_out",
		"--inject 'call=readv f0=none a0=1 out1=00'  --inject 'call=pipe2 out0=ffffffff'",
		"data", 2},
	{"poked", "--inject 'exec=crash at=0x400008 bytes=4c4f434b'", "crash segv", 139},
	{"bomb", "--timeout 0.3", "bomb", 124},
	{"args", "", "/bin/true $(seq 100000)", 0},
	{"dirty", "", "dirty", 139},
	{"affinity", "", "affinity $(nproc)", 0},
};

static void check_status(const struct rec_trace *tr, const char *name)
{
	for (size_t i = 0; i < sizeof(g_cases) / sizeof(g_cases[0]); i++) {
		if (!strcmp(g_cases[i].name, name))
			assert_int_equal(tr->status, g_cases[i].status);
	}
}

static struct rec_trace load(const char *name)
{
	struct rec_trace tr = trace_load(name);

	check_status(&tr, name);
	return tr;
}

/* Wait status of the n-th process that ended. */
static int ended_with(const struct rec_trace *tr, int status)
{
	for (size_t i = 0; i < tr->len; i++) {
		if (tr->ev[i].kind == TK_EXIT && tr->ev[i].nr == 1 && tr->ev[i].ret == status)
			return 1;
	}
	return 0;
}

static void births_of_every_kind_are_announced_before_their_events(void **state)
{
	struct rec_trace tr = load("births");
	size_t n = count(&tr, TK_TASK, -1);

	assert_true(n == 5 || (g_place == RUNSC && n == 4)); /* without clone3 */
	assert_int_equal(count(&tr, TK_EXIT, 1), n);
	for (int code = 11; code <= 13; code++)
		assert_true(ended_with(&tr, code << 8));
	for (size_t i = 0; i < tr.len; i++) {
		size_t k = 0;

		while (tr.ev[k].kind != TK_TASK || tr.ev[k].tid != tr.ev[i].tid)
			k++;
		assert_true(k <= i);
	}
	assert_int_equal(find(&tr, TK_TASK, -1, 0)->arg[0], 0);
	assert_int_equal(
		find(&tr, TK_TASK, -1, 2)->arg[1] & (CLONE_VFORK | 0xff), CLONE_VFORK | SIGCHLD);
	trace_free(&tr);
}

static void every_exit_has_its_rusage_and_cpu_time(void **state)
{
	struct rec_trace tr = load("births");
	struct trace_cap cap;

	for (size_t i = 0; i < tr.len; i++) {
		if (tr.ev[i].kind != TK_EXIT)
			continue;
		assert_true(trace_cap_find(&tr.ev[i], TC_RUSAGE, 0, 0, &cap));
		assert_int_equal(cap.size, sizeof(struct rusage));
		/* runsc counts in ticks of 10 ms. */
		assert_true(tr.ev[i].arg[0] > 0 || g_place == RUNSC);
		assert_true(tr.ev[i].arg[0] < 1000000000);
	}
	trace_free(&tr);
}

static void exec_event_has_image_maps_auxv_cwd_argv_fds(void **state)
{
	struct rec_trace tr = load("births");
	const struct trace_event *ev = find(&tr, TK_EXEC, -1, 0);
	static const unsigned int slots[] = {TC_EXE, TC_MAPS, TC_AUXV, TC_CWD, TC_ARGV, TC_FDS};
	struct trace_cap cap;

	assert_non_null(ev);
	for (size_t i = 0; i < sizeof(slots) / sizeof(slots[0]); i++) {
		assert_true(trace_cap_find(ev, slots[i], 0, 0, &cap));
		assert_true(cap.size > 0);
	}
	assert_true(trace_cap_find(ev, TC_EXE, 0, 0, &cap));
	assert_non_null(memmem(cap.data, cap.size, "/births", 7));
	trace_free(&tr);
}

static void the_roots_execve_is_a_call_with_its_arguments(void **state)
{
	struct rec_trace tr = load("notify");
	const struct trace_event *ev = find(&tr, TK_CALL, SYS_execve, 0);

	assert_non_null(ev);
	assert_int_equal(ev->ret, 0);
	assert_true(has_text(ev, 1, 2, 0, "notify"));
	assert_int_equal(ev->flags & TF_NO_ENTRY, 0);
	trace_free(&tr);
}

static void exec_of_a_thread_goes_on_as_the_leader(void **state)
{
	struct rec_trace tr = load("exec_thread");
	const struct trace_event *root = find(&tr, TK_TASK, -1, 0), *ev = find(&tr, TK_EXEC, -1, 1);
	const struct trace_event *call = find(&tr, TK_CALL, SYS_execve, 1);

	assert_non_null(ev);
	assert_int_equal(ev->tid, root->tid);
	assert_int_not_equal(ev->arg[0], root->tid);
	assert_non_null(call);
	assert_int_equal(call->tid, root->tid);
	assert_int_equal(call->ret, 0);
	/* pause of leader and bystander never returned */
	assert_int_equal(count(&tr, TK_CALL_OPEN, SYS_pause), 2);
	assert_int_equal(count(&tr, TK_EXIT, 1), 1);
	trace_free(&tr);
}

static void threads_end_one_by_one_and_the_group_last(void **state)
{
	struct rec_trace tr = load("threads");

	assert_int_equal(count(&tr, TK_TASK, -1), 6);
	assert_int_equal(count(&tr, TK_EXIT, 0), 5);
	assert_int_equal(count(&tr, TK_EXIT, 1), 1);
	assert_int_equal(find(&tr, TK_EXIT, 1, 0)->ret, 7 << 8);
	assert_int_equal(count(&tr, TK_CALL, SYS_getppid), 80);
	assert_int_equal(count(&tr, TK_CALL_OPEN, SYS_exit_group), 1);
	trace_free(&tr);
}

static void group_stops_show_and_stay_visible_to_the_parent(void **state)
{
	struct rec_trace tr = load("jobs");
	const struct trace_event *stop = find(&tr, TK_STOP, SIGSTOP, 0);

	assert_non_null(stop);
	assert_int_equal(count(&tr, TK_CONT, -1), 1);
	assert_int_equal(find(&tr, TK_CONT, -1, 0)->tid, stop->tid);
	assert_true(ended_with(&tr, 5 << 8));
	trace_free(&tr);
}

/* The reads and the sleep of restart.c, in the root's order. */
static void restarted_calls_are_one_event(void **state)
{
	struct rec_trace tr = load("restart");
	uint32_t root = find(&tr, TK_TASK, -1, 0)->tid;
	const struct trace_event *reads[8] = {NULL}, *slept = NULL;
	size_t n = 0;

	for (size_t i = 0; i < tr.len; i++) {
		const struct trace_event *ev = &tr.ev[i];

		if (ev->tid != root || ev->kind != TK_CALL)
			continue;
		if (ev->nr == SYS_read && n < 8)
			reads[n++] = ev;
		if (ev->nr == SYS_nanosleep || ev->nr == SYS_clock_nanosleep)
			slept = ev;
		assert_int_not_equal(ev->nr, SYS_restart_syscall);
	}
	assert_int_equal(n, 3);
	assert_int_equal(reads[0]->ret, 1);
	assert_true(reads[0]->flags & TF_RESTARTED);
	assert_true(reads[0]->dur_ns > 50000000);
	assert_true(has_text(reads[0], 1, 0, TC_OUT, "x"));
	assert_int_equal(reads[1]->ret, -EINTR);
	assert_int_equal(reads[2]->ret, -512);
	assert_non_null(slept);
	assert_int_equal(slept->ret, 0);
	assert_true(slept->dur_ns > 80000000);
	trace_free(&tr);
}

static void filters_of_the_tracee_answer_and_are_named(void **state)
{
	struct rec_trace tr = load("filter");
	int64_t ret[4];
	size_t n = 0;

	for (size_t i = 0; i < tr.len; i++) {
		const struct trace_event *ev = &tr.ev[i];

		if (ev->nr == SYS_getppid && (ev->flags & TF_SECCOMP) && n < 4)
			ret[n++] = ev->kind == TK_CALL ? ev->ret : 0;
	}
	/* A kernel that asks the filter first shows nothing of the call that kills. */
	assert_int_equal(n, g_place == RUNSC ? 3 : 4);
	assert_int_equal(ret[0], -EXDEV);
	assert_int_equal(ret[2], -ENOSYS);
	assert_non_null(find(&tr, TK_SIGNAL, SIGSYS, 0));
	assert_true(find(&tr, TK_SIGNAL, SIGSYS, 0)->flags & TF_SECCOMP);
	assert_non_null(find(&tr, TK_CRASH, SIGSYS, 0));
	assert_true(ended_with(&tr, SIGSYS) || ended_with(&tr, SIGSYS | 0x80));
	trace_free(&tr);
}

static void a_notified_call_has_the_supervisors_answer(void **state)
{
	struct rec_trace tr = load("notify");
	int seen = 0;

	for (size_t i = 0; i < tr.len; i++) {
		if (tr.ev[i].kind == TK_CALL && tr.ev[i].ret == 4711)
			seen += (tr.ev[i].flags & TF_SECCOMP) && tr.ev[i].nr == SYS_getppid;
	}
	assert_int_equal(seen, 1);
	trace_free(&tr);
}

static void int80_calls_are_flagged(void **state)
{
	struct rec_trace tr = load("int80");
	const struct trace_event *ev = find(&tr, TK_CALL, 20, 0);

	assert_non_null(ev);
	assert_true(ev->flags & TF_I386);
	assert_int_equal(ev->ret, find(&tr, TK_TASK, -1, 0)->tid);
	trace_free(&tr);
}

static void a_tracee_that_traces_gets_eperm_and_a_note_says_so(void **state)
{
	struct rec_trace tr = load("tracer");
	const struct trace_event *note = find(&tr, TK_NOTE, -1, 0);
	struct trace_cap cap;

	assert_int_equal(find(&tr, TK_CALL, SYS_ptrace, 0)->ret, -EPERM);
	assert_int_equal(count(&tr, TK_NOTE, -1), 1);
	assert_true(trace_cap_find(note, TC_TEXT, 0, 0, &cap));
	assert_non_null(memmem(cap.data, cap.size, "EPERM", 5));
	trace_free(&tr);
}

static void a_daemon_is_recorded_to_its_end(void **state)
{
	struct rec_trace tr = load("daemon");

	assert_true(ended_with(&tr, 21 << 8));
	assert_int_equal(count(&tr, TK_EXIT, 1), 3);
	trace_free(&tr);
}

static void a_daemon_without_end_is_killed_after_the_grace_period(void **state)
{
	struct rec_trace tr = load("grace");

	assert_true(ended_with(&tr, SIGKILL));
	assert_int_equal(count(&tr, TK_NOTE, -1), 1);
	trace_free(&tr);
}

static void a_crash_leaves_registers_siginfo_maps_and_stack(void **state)
{
	struct rec_trace tr = load("segv");
	const struct trace_event *ev = find(&tr, TK_CRASH, SIGSEGV, 0);
	struct user_regs_struct regs;
	struct trace_cap cap;
	siginfo_t si;

	assert_non_null(ev);
	assert_int_equal(count(&tr, TK_CRASH, -1), 1);
	assert_true(trace_cap_find(ev, TC_SIGINFO, 0, 0, &cap));
	assert_int_equal(cap.size, sizeof(si));
	memcpy(&si, cap.data, sizeof(si));
	assert_int_equal(si.si_signo, SIGSEGV);
	assert_int_equal(ev->arg[0], 0x1234);
	assert_true(trace_cap_find(ev, TC_REGS, 0, 0, &cap));
	assert_int_equal(cap.size, sizeof(regs));
	memcpy(&regs, cap.data, sizeof(regs));
	assert_int_equal(regs.rip, ev->ip);
	assert_true(trace_cap_find(ev, TC_MAPS, 0, 0, &cap));
	assert_non_null(memmem(cap.data, cap.size, "/crash", 6));
	assert_true(trace_cap_find(ev, TC_STACK, 0, 0, &cap));
	assert_true(cap.size > 1024);
	assert_true(ended_with(&tr, SIGSEGV) || ended_with(&tr, SIGSEGV | 0x80));
	trace_free(&tr);
}

static void death_by_abort_and_by_term_are_crashes_and_a_handled_fault_is_not(void **state)
{
	struct rec_trace a = load("abort"), t = load("term"), h = load("handled");

	assert_non_null(find(&a, TK_CRASH, SIGABRT, 0));
	assert_non_null(find(&t, TK_CRASH, SIGTERM, 0));
	assert_int_equal(count(&h, TK_CRASH, -1), 0);
	assert_int_equal(count(&h, TK_SIGNAL, SIGSEGV), 1);
	trace_free(&a);
	trace_free(&t);
	trace_free(&h);
}

static void children_in_new_namespaces_are_recorded(void **state)
{
	struct rec_trace tr = load("spaces");

	if (g_place != RUNSC)
		assert_true(ended_with(&tr, 31 << 8));
	assert_int_equal(count(&tr, TK_NOTE, -1), 1); /* CLONE_UNTRACED */
	trace_free(&tr);
}

static void many_short_lives_are_all_accounted_for(void **state)
{
	struct rec_trace tr = load("many");

	assert_true(count(&tr, TK_TASK, -1) > 100);
	assert_int_equal(count(&tr, TK_TASK, -1), count(&tr, TK_EXIT, 1));
	trace_free(&tr);
}

static const struct trace_event *call_with(
	const struct rec_trace *tr, int nr, unsigned int arg, uint64_t value)
{
	for (size_t i = 0; i < tr->len; i++) {
		if (tr->ev[i].kind == TK_CALL && tr->ev[i].nr == nr && tr->ev[i].arg[arg] == value)
			return &tr->ev[i];
	}
	return NULL;
}

static void buffers_are_cut_but_hashed_whole(void **state)
{
	struct rec_trace tr = load("data");
	const struct trace_event *big = call_with(&tr, SYS_write, 2, 300000);
	const struct trace_event *small = call_with(&tr, SYS_write, 2, 5);
	const struct trace_event *bad = call_with(&tr, SYS_write, 1, 1);
	struct trace_cap cap;

	assert_non_null(big);
	assert_true(trace_cap_find(big, 1, 0, TC_CUT, &cap));
	assert_int_equal(cap.full, 300000);
	assert_int_equal(cap.size, 16);
	/* XXH3 of bytes i % 251, from the reference implementation */
	assert_int_equal(cap.hash, 0x5d12941f4cf541c5);
	assert_true(has_text(small, 1, 0, 0, "small"));
	assert_true(trace_cap_find(bad, 1, 0, TC_FAULT, &cap));
	assert_int_equal(cap.size, 0);
	trace_free(&tr);
}

static void vectors_and_messages_are_captured_part_by_part(void **state)
{
	struct rec_trace tr = load("data");
	const struct trace_event *w = find(&tr, TK_CALL, SYS_writev, 0);
	const struct trace_event *r = find(&tr, TK_CALL, SYS_readv, 0);
	const struct trace_event *s = find(&tr, TK_CALL, SYS_sendmsg, 0);
	const struct trace_event *m = find(&tr, TK_CALL, SYS_recvmsg, 0);
	struct trace_cap cap;

	assert_true(has_text(w, 1, 1, 0, "gather"));
	assert_true(has_text(w, 1, 2, 0, "ed"));
	assert_true(has_text(r, 1, 1, TC_OUT, "gathe"));
	assert_true(has_text(r, 1, 2, TC_OUT, "red"));
	assert_true(has_text(s, 1, 16, 0, "with"));
	assert_true(has_text(s, 1, 17, 0, " a descriptor"));
	assert_true(trace_cap_find(s, 1, 3, 0, &cap));
	assert_true(trace_cap_find(m, 1, 3, TC_OUT, &cap));
	assert_true(trace_cap_find(m, 1, 16, TC_OUT, &cap));
	assert_int_equal(cap.full, 17);
	trace_free(&tr);
}

static void names_are_read_up_to_the_end_of_memory(void **state)
{
	struct rec_trace tr = load("data");
	size_t n = count(&tr, TK_CALL, SYS_access);
	struct trace_cap cap;

	assert_true(has_text(find(&tr, TK_CALL, SYS_access, n - 3), 0, 0, 0, "/no/such/name"));
	assert_true(has_text(find(&tr, TK_CALL, SYS_access, n - 2), 0, 0, 0, "/tmp"));
	assert_true(trace_cap_find(find(&tr, TK_CALL, SYS_access, n - 1), 0, 0, TC_FAULT, &cap));
	assert_int_equal(cap.size, 5);
	trace_free(&tr);
}

static void redaction_keeps_data_environment_and_names_out(void **state)
{
	struct rec_trace tr = load("hidden");
	const struct trace_event *w = call_with(&tr, SYS_write, 2, 5);
	const struct trace_event *x = find(&tr, TK_CALL, SYS_execve, 0);
	struct trace_cap cap;

	assert_true(w->flags & TF_REDACTED);
	assert_false(trace_cap_find(w, 1, 0, 0, &cap));
	assert_true(x->flags & TF_REDACTED);
	assert_false(trace_cap_find(x, 2, 1, 0, &cap));
	for (size_t i = 0; i < tr.len; i++) {
		if (tr.ev[i].payload_size)
			assert_null(memmem(tr.ev[i].payload, tr.ev[i].payload_size, "/no/such", 8));
	}
	trace_free(&tr);
}

/* Every recording has $SECRET in its environment. */
static void redaction_keeps_environment_and_paths_out_of_evidence(void **state)
{
	struct rec_trace tr = load("secret"), open = load("segv");
	size_t seen = 0;

	for (size_t i = 0; i < open.len; i++)
		seen += open.ev[i].payload_size &&
			memmem(open.ev[i].payload, open.ev[i].payload_size, "hush-hush", 9);
	assert_true(seen > 0);
	for (size_t i = 0; i < tr.len; i++) {
		if (!tr.ev[i].payload_size)
			continue;
		assert_null(memmem(tr.ev[i].payload, tr.ev[i].payload_size, "hush-hush", 9));
		assert_null(memmem(tr.ev[i].payload, tr.ev[i].payload_size, "tracees/crash", 13));
	}
	assert_true(find(&tr, TK_CRASH, -1, 0)->flags & TF_REDACTED);
	trace_free(&tr);
	trace_free(&open);
}

static void time_limit_leaves_a_stack_of_every_task(void **state)
{
	struct rec_trace tr = load("hang");
	struct trace_cap cap;

	assert_int_equal(count(&tr, TK_STACK, -1), 3);
	for (size_t i = 0; i < 3; i++) {
		assert_true(trace_cap_find(find(&tr, TK_STACK, -1, i), TC_REGS, 0, 0, &cap));
		assert_true(trace_cap_find(find(&tr, TK_STACK, -1, i), TC_STACK, 0, 0, &cap));
	}
	assert_int_equal(count(&tr, TK_CALL_OPEN, SYS_pause), 1);
	assert_int_equal(count(&tr, TK_CALL_OPEN, SYS_read), 1);
	trace_free(&tr);
}

static void vma_counts_grow_over_time(void **state)
{
	struct rec_trace tr = load("maps");
	uint64_t peak = 0;

	assert_true(count(&tr, TK_VMA, -1) >= 3);
	for (size_t i = 0; i < tr.len; i++) {
		if (tr.ev[i].kind == TK_VMA && tr.ev[i].arg[0] > peak)
			peak = tr.ev[i].arg[0];
	}
	assert_true(peak > 380);
	trace_free(&tr);
}

static void a_program_that_forks_without_pause_is_ended(void **state)
{
	struct rec_trace tr = load("bomb");

	assert_true(count(&tr, TK_TASK, -1) > 10);
	assert_true(count(&tr, TK_STACK, -1) >= 1);
	trace_free(&tr);
}

static void long_command_lines_are_counted_if_not_kept(void **state)
{
	struct rec_trace tr = load("args");
	struct trace_cap cap;

	assert_true(trace_cap_find(find(&tr, TK_CALL, SYS_execve, 0), 1, 0, 0, &cap));
	assert_int_equal(cap.full, 8 * 100001);
	assert_true(cap.flags & TC_CUT);
	assert_true(has_text(find(&tr, TK_CALL, SYS_execve, 0), 1, 10, 0, "9"));
	trace_free(&tr);
}

static void a_full_disk_is_an_error_of_the_recorder(void **state)
{
	assert_int_equal(harness_run("-o /dev/full --vma-every %lu", 50, "births"), 125);
}

/* How many processes have `mark` in their environment. */
static int count_marked(const char *mark)
{
	char cmd[256];
	FILE *p;
	int n;

	snprintf(cmd, sizeof(cmd), "grep -ls %s /proc/[0-9]*/environ 2>/dev/null | wc -l", mark);
	p = popen(cmd, "r");
	assert_non_null(p);
	assert_int_equal(fscanf(p, "%d", &n), 1);
	pclose(p);
	return n;
}

static void tracees_die_with_a_killed_recorder(void **state)
{
	char mark[64];

	snprintf(mark, sizeof(mark), "RECORD_MARK=%d", (int)getpid());
	for (unsigned int i = 0; i < 12; i++) {
		pid_t pid = harness_start(mark, i % 2 ? "bomb" : "daemon", "forever");

		usleep(5000 + 17000 * i);
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		/* The kernel has sent them SIGKILL; they may still be on their way out. */
		for (int k = 0; count_marked(mark) && k < 100; k++)
			usleep(20000);
		assert_int_equal(count_marked(mark), 0);
	}
}

static void without_calls_the_frame_remains(void **state)
{
	struct rec_trace tr = load("nocalls");

	assert_true(count(&tr, TK_CALL, -1) <= 1); /* the root's execve */
	assert_true(count(&tr, TK_TASK, -1) >= 4);
	assert_int_equal(count(&tr, TK_EXIT, 1), count(&tr, TK_TASK, -1));
	trace_free(&tr);
}

static void a_full_trace_ends_in_order_and_the_command_runs_on(void **state)
{
	struct rec_trace tr = load("capped");

	assert_true(count(&tr, TK_NOTE, -1) >= 1);
	trace_free(&tr);
}

static void commands_that_cannot_start_say_so_as_env_does(void **state)
{
	struct rec_trace a = load("missing"), b = load("noexec");

	trace_free(&a);
	trace_free(&b);
}

static void injected_errnos_replace_calls(void **state)
{
	struct rec_trace tr = load("inj_errno");
	size_t n = count(&tr, TK_CALL, SYS_access);
	const struct trace_event *ev = find(&tr, TK_CALL, SYS_access, n - 3);

	assert_int_equal(ev->ret, -EPERM);
	assert_true(ev->flags & TF_INJECTED);
	assert_int_equal(find(&tr, TK_CALL, SYS_access, n - 2)->flags & TF_INJECTED, 0);
	trace_free(&tr);
	tr = load("inj_fd");
	assert_int_equal(call_with(&tr, SYS_write, 2, 5)->ret, -EIO);
	trace_free(&tr);
	tr = load("inj_nofd");
	assert_int_equal(call_with(&tr, SYS_write, 2, 5)->ret, 5);
	trace_free(&tr);
	tr = load("inj_image");
	assert_int_equal(call_with(&tr, SYS_write, 2, 5)->flags & TF_INJECTED, 0);
	trace_free(&tr);
	tr = load("inj_ret");
	assert_int_equal(find(&tr, TK_CALL, SYS_wait4, 1)->ret, -ECHILD);
	assert_int_equal(find(&tr, TK_CALL, SYS_wait4, 0)->flags & TF_INJECTED, 0);
	trace_free(&tr);
}

/* The file offset of an instruction, by the maps at exec. */
static uint64_t offset_of(const struct rec_trace *tr, uint64_t ip)
{
	char text[65536], *at = text;
	struct trace_cap cap;
	struct map_line m;

	assert_true(trace_cap_find(find(tr, TK_EXEC, -1, 0), TC_MAPS, 0, 0, &cap));
	assert_true(cap.size < sizeof(text));
	memcpy(text, cap.data, cap.size);
	text[cap.size] = 0;
	while (procmaps_next(&at, &m)) {
		if (ip >= m.start && ip < m.end)
			return ip - m.start + m.off;
	}
	fail_msg("no mapping holds %#lx", ip);
	return 0;
}

static void injection_finds_a_call_by_its_site(void **state)
{
	struct rec_trace tr = load("data");
	uint64_t off = offset_of(&tr, call_with(&tr, SYS_write, 2, 5)->ip);

	trace_free(&tr);
	/* Both writes of data.c come from there: the first fails. */
	assert_int_equal(
		harness_run("--inject 'call=write site=data+%#lx errno=EIO'", off, "data"), 1);
	assert_int_equal(
		harness_run("--inject 'call=write site=data+%#lx errno=EIO'", off + 1, "data"), 0);
	assert_int_equal(
		harness_run("--inject 'call=write site=date+%#lx errno=EIO'", off, "data"), 0);
}

static void injected_results_after_the_call_and_bytes_reach_the_tracee(void **state)
{
	struct rec_trace tr = load("inj_after");

	assert_int_equal(call_with(&tr, SYS_write, 2, 5)->ret, 4);
	trace_free(&tr);
	tr = load("inj_out");
	assert_true(find(&tr, TK_CALL, SYS_pipe2, 0)->flags & TF_INJECTED);
	trace_free(&tr);
}

static void injected_signals_are_delivered(void **state)
{
	struct rec_trace tr = load("inj_signal");

	assert_non_null(find(&tr, TK_SIGNAL, SIGTERM, 0));
	trace_free(&tr);
}

/* e_ident's padding: in the first page of every static program, and nobody reads it. */
static void bytes_written_at_exec_are_found_at_the_crash(void **state)
{
	struct rec_trace tr = load("poked");
	const struct trace_event *ev = find(&tr, TK_DIRTY, -1, 0);
	struct trace_cap found, expected;

	assert_int_equal(count(&tr, TK_DIRTY, -1), 1);
	assert_int_equal(ev->arg[0], 0x400000);
	assert_true(trace_cap_find(ev, TC_BYTES, 0, 0, &found));
	assert_true(trace_cap_find(ev, TC_EXPECTED, 0, 0, &expected));
	assert_memory_equal(found.data + 8, "LOCK", 4);
	assert_memory_equal(expected.data + 8, "\0\0\0\0", 4);
	trace_free(&tr);
}

static void clean_programs_have_no_dirty_pages(void **state)
{
	struct rec_trace tr = load("segv");

	assert_int_equal(count(&tr, TK_DIRTY, -1), 0);
	trace_free(&tr);
}

static void pages_made_writable_are_not_called_dirty(void **state)
{
	struct rec_trace tr = load("dirty");
	struct trace_cap found;

	assert_int_equal(count(&tr, TK_DIRTY, -1), 1);
	assert_true(trace_cap_find(find(&tr, TK_DIRTY, -1, 0), TC_BYTES, 0, 0, &found));
	assert_memory_equal(found.data, "forced", 6);
	assert_int_equal(found.data[100], 'X');
	trace_free(&tr);
}

static void the_tracee_sees_the_cpus_it_would_have(void **state)
{
	struct rec_trace tr = load("affinity");

	trace_free(&tr);
}

static const struct CMUnitTest g_tests[] = {
	cmocka_unit_test(births_of_every_kind_are_announced_before_their_events),
	cmocka_unit_test(every_exit_has_its_rusage_and_cpu_time),
	cmocka_unit_test(exec_event_has_image_maps_auxv_cwd_argv_fds),
	cmocka_unit_test(exec_of_a_thread_goes_on_as_the_leader),
	cmocka_unit_test(threads_end_one_by_one_and_the_group_last),
	cmocka_unit_test(group_stops_show_and_stay_visible_to_the_parent),
	cmocka_unit_test(restarted_calls_are_one_event),
	cmocka_unit_test(a_tracee_that_traces_gets_eperm_and_a_note_says_so),
	cmocka_unit_test(a_daemon_is_recorded_to_its_end),
	cmocka_unit_test(a_daemon_without_end_is_killed_after_the_grace_period),
	cmocka_unit_test(a_crash_leaves_registers_siginfo_maps_and_stack),
	cmocka_unit_test(death_by_abort_and_by_term_are_crashes_and_a_handled_fault_is_not),
	cmocka_unit_test(children_in_new_namespaces_are_recorded),
	cmocka_unit_test(many_short_lives_are_all_accounted_for),
	cmocka_unit_test(buffers_are_cut_but_hashed_whole),
	cmocka_unit_test(vectors_and_messages_are_captured_part_by_part),
	cmocka_unit_test(names_are_read_up_to_the_end_of_memory),
	cmocka_unit_test(redaction_keeps_data_environment_and_names_out),
	cmocka_unit_test(redaction_keeps_environment_and_paths_out_of_evidence),
	cmocka_unit_test(time_limit_leaves_a_stack_of_every_task),
	cmocka_unit_test(a_program_that_forks_without_pause_is_ended),
	cmocka_unit_test(vma_counts_grow_over_time),
	cmocka_unit_test(without_calls_the_frame_remains),
	cmocka_unit_test(a_full_trace_ends_in_order_and_the_command_runs_on),
	cmocka_unit_test(commands_that_cannot_start_say_so_as_env_does),
	cmocka_unit_test(injected_errnos_replace_calls),
	cmocka_unit_test(injected_results_after_the_call_and_bytes_reach_the_tracee),
	cmocka_unit_test(injected_signals_are_delivered),
	cmocka_unit_test(bytes_written_at_exec_are_found_at_the_crash),
	cmocka_unit_test(clean_programs_have_no_dirty_pages),
	cmocka_unit_test(filters_of_the_tracee_answer_and_are_named),
	/* from here on: what only Linux itself has (no user notification in runsc 2022, and there
	 * a task does not run where sched_setaffinity says, nor does /proc/self/mem write) */
	cmocka_unit_test(pages_made_writable_are_not_called_dirty),
	cmocka_unit_test(the_tracee_sees_the_cpus_it_would_have),
	cmocka_unit_test(injection_finds_a_call_by_its_site),
	cmocka_unit_test(long_command_lines_are_counted_if_not_kept),
	cmocka_unit_test(a_full_disk_is_an_error_of_the_recorder),
	cmocka_unit_test(tracees_die_with_a_killed_recorder),
	cmocka_unit_test(the_roots_execve_is_a_call_with_its_arguments),
	cmocka_unit_test(a_notified_call_has_the_supervisors_answer),
	/* and what needs PTRACE_GET_SYSCALL_INFO */
	cmocka_unit_test(int80_calls_are_flagged),
};
#define LINUX_ONLY 9
#define INFO_ONLY  1

static int run(const char *where, enum place place, const char *prefix, const char *opts, int less)
{
	int failed;

	g_place = place;
	harness_record(g_cases, sizeof(g_cases) / sizeof(g_cases[0]), prefix, opts);
	failed = _cmocka_run_group_tests(
		where, g_tests, sizeof(g_tests) / sizeof(g_tests[0]) - (size_t)less, NULL, NULL);
	harness_fini();
	return failed;
}

int main(void)
{
	int failed = run("native", NATIVE, NULL, "", 0);

	failed += run("fallback", FALLBACK, NULL, "--fallback", INFO_ONLY);
	if (system("command -v runsc >/dev/null"))
		puts("runsc is not installed: not tried inside it");
	else
		failed += run("runsc", RUNSC,
			"timeout 120 runsc --network=none --platform=ptrace do", "", LINUX_ONLY);
	return failed != 0;
}
