/* Whole events as text: calls, and lines for everything else. See decode.h. */
#include "tracer/decode/tree.h"

#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tracer/decode/event.h"

const char *decode_kind_name(unsigned int kind)
{
	static const char *const names[TK_KIND_MAX] = {[TK_CALL] = "call",
		[TK_CALL_OPEN] = "call-open",
		[TK_SIGNAL] = "signal",
		[TK_STOP] = "stop",
		[TK_CONT] = "continue",
		[TK_TASK] = "task",
		[TK_EXEC] = "exec",
		[TK_PAGE] = "page",
		[TK_EXIT] = "exit",
		[TK_CRASH] = "crash",
		[TK_DIRTY] = "dirty",
		[TK_STACK] = "stack",
		[TK_VMA] = "vma",
		[TK_NOTE] = "note"};

	return kind < TK_KIND_MAX && names[kind] ? names[kind] : "unknown";
}

const char *decode_signal_name(int signo, char *buf, size_t buf_size)
{
	const char *name = abi_signal_name(signo);

	if (name)
		return name;
	snprintf(buf, buf_size, "signal %d", signo);
	return buf;
}

const char *decode_call_name(const struct trace_event *ev, char *buf, size_t buf_size)
{
	const struct abi_call *call;
	const char *name;

	if (ev->flags & TF_I386) {
		name = abi_call_i386(ev->nr);
		if (name)
			snprintf(buf, buf_size, "i386:%s", name);
		else
			snprintf(buf, buf_size, "i386:syscall_%#x", ev->nr);
		return buf;
	}
	call = abi_call(ev->nr);
	if (call)
		return call->name;
	snprintf(buf, buf_size, "syscall_%#x", ev->nr);
	return buf;
}

const struct abi_call *event_call(const struct trace_event *ev)
{
	return ev->flags & TF_I386 ? NULL : abi_call(ev->nr);
}

struct tree *event_tree(const struct trace_event *ev, const struct decode_opts *opts)
{
	static __thread struct tree tree;

	tree_reset(&tree, ev, opts);
	return &tree;
}

/* ---- calls ---- */

/* A call that the tables do not know: numbers, as the registers had them. */
static void put_registers(const struct trace_event *ev, struct buf *out)
{
	unsigned int i;

	for (i = 0; i < 6; i++)
		buf_printf(out, "%s%#" PRIx64, i ? ", " : "", ev->arg[i]);
}

static void put_args(struct tree *t, const struct abi_call *call, struct buf *out)
{
	uint32_t root = tree_args(t, call), c;

	for (c = tree_node(t, root)->child; c; c = t->node[c].next) {
		if (c != tree_node(t, root)->child)
			buf_add_str(out, ", ");
		tree_text(t, c, out);
	}
	if (t->failed)
		buf_add_str(out, "...");
}

static void put_error(int64_t ret, struct buf *out)
{
	const char *name = abi_errno_name(-ret), *meaning = result_meaning(-ret);
	bool restart = -ret >= 512;

	if (restart && name)
		buf_printf(out, "? %s", name);
	else if (name)
		buf_printf(out, "-1 %s", name);
	else
		buf_printf(out, "%" PRId64, ret);
	if (name && meaning)
		buf_printf(out, " (%s)", meaning);
}

static bool waits_with_timeout(unsigned int nr)
{
	return nr == SYS_poll || nr == SYS_ppoll || nr == SYS_select || nr == SYS_pselect6;
}

static void put_result(struct tree *t, const struct abi_call *call, struct buf *out)
{
	const struct trace_event *ev = t->ev;

	if (ev->kind == TK_CALL_OPEN || (call && call->classes & ABI_C_NORETURN && !ev->ret)) {
		buf_add_byte(out, '?');
	} else if (result_is_error(ev->ret)) {
		put_error(ev->ret, out);
	} else {
		uint32_t n = tree_result(t, call);

		/* Zero is NULL only for arguments. */
		tree_text(t, n, out);
		if (!ev->ret && call && waits_with_timeout(ev->nr))
			buf_add_str(out, " (Timeout)");
	}
}

static void put_flags(const struct trace_event *ev, struct buf *out)
{
	static const struct {
		unsigned int flag;
		const char *text;
	} flags[] = {{TF_RESTARTED, " (RESTARTED)"}, {TF_INJECTED, " (INJECTED)"},
		{TF_SECCOMP, " (SECCOMP)"}, {TF_NO_ENTRY, " (entry not seen)"},
		{TF_REDACTED, " (redacted)"}};
	unsigned int i;

	for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (ev->flags & flags[i].flag)
			buf_add_str(out, flags[i].text);
}

void decode_call(struct buf *out, const struct trace_event *ev, const struct decode_opts *opts)
{
	struct tree *t = event_tree(ev, opts);
	const struct abi_call *call = event_call(ev);
	size_t start = out->len;
	char name[64];

	buf_add_str(out, decode_call_name(ev, name, sizeof(name)));
	buf_add_byte(out, '(');
	if (call)
		put_args(t, call, out);
	else
		put_registers(ev, out);
	buf_add_byte(out, ')');
	while (out->len - start + 1 < t->opts->align)
		buf_add_byte(out, ' ');
	buf_add_str(out, " = ");
	put_result(t, call, out);
	put_flags(ev, out);
}

/* ---- signals, ends ---- */

static void put_signal(struct tree *t, struct buf *out)
{
	const struct trace_event *ev = t->ev;
	struct trace_cap cap;
	char name[32];

	buf_printf(out, "--- %s ", decode_signal_name(ev->nr, name, sizeof(name)));
	if (trace_cap_find(ev, TC_SIGINFO, 0, 0, &cap))
		tree_text(t, tree_siginfo(t, 0, NULL, cap.data, cap.size), out);
	else
		buf_printf(out, "{si_code=%" PRId64 ", %#" PRIx64 "}", ev->ret, ev->arg[0]);
	buf_add_str(out, " ---");
}

static void put_end(const struct trace_event *ev, struct buf *out)
{
	int status = ev->ret;
	char name[32];

	if (WIFSIGNALED(status))
		buf_printf(out, "+++ killed by %s%s +++",
			decode_signal_name(WTERMSIG(status), name, sizeof(name)),
			WCOREDUMP(status) ? " (core dumped)" : "");
	else
		buf_printf(out, "+++ exited with %d +++", WEXITSTATUS(status));
}

static void put_task(const struct trace_event *ev, struct buf *out)
{
	if (!ev->arg[0])
		buf_add_str(out, "=== the first process");
	else
		buf_printf(out, "=== new %s, made by %u",
			ev->arg[1] & CLONE_THREAD ? "thread" : "process", (unsigned int)ev->arg[0]);
}

/* ---- what strace has no words for ---- */

static void put_quoted(struct tree *t, const uint8_t *bytes, size_t size, struct buf *out)
{
	tree_text(t, tree_bytes(t, 0, NULL, AK_PATH, 0, bytes, size, size), out);
}

static void put_file(struct tree *t, struct buf *out)
{
	struct trace_cap cap;

	if (trace_cap_find(t->ev, TC_EXE, 0, 0, &cap))
		put_quoted(t, cap.data, cap.size, out);
	else
		buf_add_str(out, "?");
}

static void put_exec(struct tree *t, struct buf *out)
{
	const uint8_t *p, *end;
	struct trace_cap cap;

	buf_add_str(out, "=== exec ");
	put_file(t, out);
	if (!trace_cap_find(t->ev, TC_ARGV, 0, 0, &cap))
		return;
	buf_add_str(out, " [");
	for (p = cap.data, end = p + cap.size; p < end;) {
		size_t len = strnlen((const char *)p, end - p);

		if (p > cap.data)
			buf_add_str(out, ", ");
		put_quoted(t, p, len, out);
		p += len + 1;
	}
	buf_add_byte(out, ']');
}

static void put_bytes(const struct trace_cap *cap, uint32_t from, const char *what, struct buf *out)
{
	uint32_t i, end = from + 16;

	buf_printf(out, "%s", what);
	for (i = from; i < cap->size && i < end; i++)
		buf_printf(out, " %02x", cap->data[i]);
	if (i < cap->full)
		buf_add_str(out, " ...");
}

/* What is there and what should be, from where they part. */
static void put_difference(struct tree *t, struct buf *out)
{
	struct trace_cap found, expected;
	uint32_t at = 0;

	if (!trace_cap_find(t->ev, TC_BYTES, 0, 0, &found) ||
		!trace_cap_find(t->ev, TC_EXPECTED, 0, 0, &expected))
		return;
	while (at < found.size && at < expected.size && found.data[at] == expected.data[at])
		at++;
	buf_printf(out, ": from %#" PRIx64, t->ev->arg[0] + at);
	put_bytes(&found, at, " found", out);
	put_bytes(&expected, at, ", instead of", out);
}

static void put_page(struct tree *t, struct buf *out)
{
	const struct trace_event *ev = t->ev;

	buf_printf(out, "=== %#" PRIx64 " of %" PRIu64 " bytes at %#" PRIx64 " of ", ev->arg[0],
		ev->arg[1], ev->arg[2]);
	put_file(t, out);
	buf_printf(out, " %s",
		ev->kind == TK_DIRTY ? "differs from its file"
		: ev->arg[5] == 1    ? "was not zeroed at exec"
				     : "was not kept at exec");
	put_difference(t, out);
}

static void put_place(struct tree *t, uint64_t addr, struct buf *out)
{
	struct addr_info a;

	buf_printf(out, "%#" PRIx64, addr);
	if (!t->opts->model || !model_addr(t->opts->model, t->ev->tid, addr, &a))
		return;
	buf_add_str(out, " (");
	tree_escape(out, a.name, strlen(a.name));
	buf_printf(out, "+%#" PRIx64 ")", a.off);
}

static void put_crash(struct tree *t, struct buf *out)
{
	const struct trace_event *ev = t->ev;
	char name[32];

	if (ev->kind == TK_CRASH)
		buf_printf(
			out, "=== crash by %s at ", decode_signal_name(ev->nr, name, sizeof(name)));
	else
		buf_add_str(out, "=== still running at ");
	put_place(t, ev->ip, out);
}

static void put_note(struct tree *t, struct buf *out)
{
	struct trace_cap cap;
	uint32_t i;

	buf_add_str(out, "=== ");
	if (!trace_cap_find(t->ev, TC_TEXT, 0, 0, &cap))
		return;
	for (i = 0; i < cap.size; i++)
		buf_add_byte(out, cap.data[i] >= ' ' && cap.data[i] != 0x7f ? cap.data[i] : ' ');
}

void decode_event(struct buf *out, const struct trace_event *ev, const struct decode_opts *opts)
{
	struct tree *t = event_tree(ev, opts);
	char name[32];

	switch (ev->kind) {
	case TK_CALL:
	case TK_CALL_OPEN:
		decode_call(out, ev, opts);
		break;
	case TK_SIGNAL:
		put_signal(t, out);
		break;
	case TK_STOP:
		buf_printf(out, "--- stopped by %s ---",
			decode_signal_name(ev->nr, name, sizeof(name)));
		break;
	case TK_CONT:
		buf_add_str(out, "--- continued ---");
		break;
	case TK_TASK:
		put_task(ev, out);
		break;
	case TK_EXEC:
		put_exec(t, out);
		break;
	case TK_EXIT:
		put_end(ev, out);
		break;
	case TK_PAGE:
	case TK_DIRTY:
		put_page(t, out);
		break;
	case TK_CRASH:
	case TK_STACK:
		put_crash(t, out);
		break;
	case TK_VMA:
		buf_printf(out,
			"=== %" PRIu64 " VMAs, %" PRIu64 " KiB resident, %" PRIu64 " KiB in all",
			ev->arg[0], ev->arg[1], ev->arg[2]);
		break;
	case TK_NOTE:
		put_note(t, out);
		break;
	default:
		buf_printf(out, "=== event of unknown kind %u", ev->kind);
	}
}
