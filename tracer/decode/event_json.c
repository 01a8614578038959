/* Whole events as JSON, schema lockstep.event/1. See decode.h. */
#include "tracer/decode/event.h"

#include <string.h>
#include <sys/wait.h>

static void put_cap_text(
	const struct trace_event *ev, unsigned int slot, const char *key, struct json *j)
{
	struct trace_cap cap;

	if (trace_cap_find(ev, slot, 0, 0, &cap))
		json_strn(j, key, cap.data, cap.size);
}

/* NUL-separated strings as an array. */
static void put_cap_list(
	const struct trace_event *ev, unsigned int slot, const char *key, struct json *j)
{
	const uint8_t *p, *end;
	struct trace_cap cap;

	if (!trace_cap_find(ev, slot, 0, 0, &cap))
		return;
	json_array(j, key);
	for (p = cap.data, end = p + cap.size; p < end;) {
		size_t len = strnlen((const char *)p, end - p);

		json_strn(j, NULL, p, len);
		p += len + 1;
	}
	json_array_end(j);
}

/* Bytes as hexadecimal digits. */
static void put_cap_hex(
	const struct trace_event *ev, unsigned int slot, const char *key, struct json *j)
{
	struct trace_cap cap;
	struct buf hex = {0};
	uint32_t i;

	if (!trace_cap_find(ev, slot, 0, 0, &cap))
		return;
	for (i = 0; i < cap.size; i++)
		buf_printf(&hex, "%02x", cap.data[i]);
	json_strn(j, key, hex.data, hex.len);
	buf_fini(&hex);
}

static void put_flags(const struct trace_event *ev, struct json *j)
{
	static const char *const names[] = {
		"restarted", "injected", "seccomp", "i386", "no-entry", "redacted"};
	unsigned int i;

	json_array(j, "flags");
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (ev->flags >> i & 1)
			json_str(j, NULL, names[i]);
	json_array_end(j);
}

static void put_error(int64_t ret, struct json *j)
{
	const char *name = abi_errno_name(-ret);

	if (name)
		json_str(j, "errno", name);
	else
		json_strf(j, "errno", "%d", (int)-ret);
	if (result_meaning(-ret))
		json_str(j, "meaning", result_meaning(-ret));
}

static void put_result(struct tree *t, const struct abi_call *call, struct json *j)
{
	uint32_t n;

	if (t->ev->kind == TK_CALL_OPEN) {
		json_null(j, "ret");
		return;
	}
	json_int(j, "ret", t->ev->ret);
	if (result_is_error(t->ev->ret)) {
		put_error(t->ev->ret, j);
		return;
	}
	n = tree_result(t, call);
	if (tree_node(t, n)->text_len)
		json_strn(j, "ret_text", t->text.data + tree_node(t, n)->text_off,
			tree_node(t, n)->text_len);
}

static void put_call(struct tree *t, struct json *j)
{
	const struct abi_call *call = event_call(t->ev);
	unsigned int i;
	char name[64];

	json_str(j, "name", decode_call_name(t->ev, name, sizeof(name)));
	json_uint(j, "nr", t->ev->nr);
	if (call) {
		tree_json_children(t, tree_args(t, call), j, "args");
	} else {
		json_array(j, "args");
		for (i = 0; i < 6; i++) {
			json_begin(j, NULL);
			json_str(j, "kind", "hex");
			json_hex(j, "value", t->ev->arg[i]);
			json_end(j);
		}
		json_array_end(j);
	}
	put_result(t, call, j);
}

/* ip, and where that is when the model knows. */
static void put_ip(struct tree *t, struct json *j)
{
	struct addr_info a;

	if (!t->ev->ip)
		return;
	json_hex(j, "ip", t->ev->ip);
	json_hex(j, "sp", t->ev->sp);
	if (!t->opts->model || !model_addr(t->opts->model, t->ev->tid, t->ev->ip, &a))
		return;
	json_begin(j, "site");
	json_str(j, "file", a.name);
	json_hex(j, "offset", a.off);
	json_end(j);
}

static void put_signal(struct tree *t, struct json *j)
{
	struct trace_cap cap;
	char name[32];

	json_str(j, "name", decode_signal_name(t->ev->nr, name, sizeof(name)));
	json_uint(j, "nr", t->ev->nr);
	if (trace_cap_find(t->ev, TC_SIGINFO, 0, 0, &cap))
		tree_json_children(t, tree_siginfo(t, 0, NULL, cap.data, cap.size), j, "info");
}

static void put_end(const struct trace_event *ev, struct json *j)
{
	int status = ev->ret;
	char name[32];

	json_bool(j, "process", ev->nr == 1);
	json_int(j, "status", status);
	if (WIFSIGNALED(status)) {
		json_str(j, "signal", decode_signal_name(WTERMSIG(status), name, sizeof(name)));
		json_bool(j, "core", WCOREDUMP(status));
	} else {
		json_int(j, "exit", WEXITSTATUS(status));
	}
}

static void put_task(const struct trace_event *ev, struct json *j)
{
	json_int(j, "process", ev->ret);
	json_uint(j, "parent", ev->arg[0]);
	json_hex(j, "clone_flags", ev->arg[1]);
}

static void put_exec(const struct trace_event *ev, struct json *j)
{
	json_uint(j, "former_tid", ev->arg[0]);
	put_cap_text(ev, TC_EXE, "image", j);
	put_cap_list(ev, TC_ARGV, "argv", j);
	put_cap_text(ev, TC_CWD, "cwd", j);
	put_cap_text(ev, TC_MAPS, "maps", j);
	put_cap_text(ev, TC_FDS, "fds", j);
}

static void put_page(const struct trace_event *ev, struct json *j)
{
	put_cap_text(ev, TC_EXE, "file", j);
	json_hex(j, "address", ev->arg[0]);
	json_uint(j, "size", ev->arg[1]);
	json_hex(j, "file_offset", ev->arg[2]);
	if (ev->kind == TK_PAGE) {
		json_uint(j, "segment", ev->arg[3]);
		json_bool(j, "interp", ev->arg[4]);
		json_str(j, "native", ev->arg[5] ? "zeroes" : "keeps the file's bytes");
	}
	put_cap_hex(ev, TC_BYTES, "found", j);
	put_cap_hex(ev, TC_EXPECTED, "expected", j);
}

static void put_vma(const struct trace_event *ev, struct json *j)
{
	json_uint(j, "vmas", ev->arg[0]);
	json_uint(j, "resident_kib", ev->arg[1]);
	json_uint(j, "virtual_kib", ev->arg[2]);
}

static void put_body(struct tree *t, struct json *j)
{
	const struct trace_event *ev = t->ev;
	char name[32];

	switch (ev->kind) {
	case TK_CALL:
	case TK_CALL_OPEN:
		put_call(t, j);
		break;
	case TK_SIGNAL:
	case TK_CRASH:
		put_signal(t, j);
		break;
	case TK_STOP:
		json_str(j, "name", decode_signal_name(ev->nr, name, sizeof(name)));
		break;
	case TK_TASK:
		put_task(ev, j);
		break;
	case TK_EXEC:
		put_exec(ev, j);
		break;
	case TK_PAGE:
	case TK_DIRTY:
		put_page(ev, j);
		break;
	case TK_EXIT:
		put_end(ev, j);
		break;
	case TK_VMA:
		put_vma(ev, j);
		break;
	case TK_NOTE:
		put_cap_text(ev, TC_TEXT, "text", j);
		break;
	}
}

void decode_json(struct buf *out, const struct trace_event *ev, const struct decode_opts *opts)
{
	struct tree *t = event_tree(ev, opts);
	const struct model_task *task = t->opts->model ? model_task(t->opts->model, ev->tid) : NULL;
	struct json j = {.out = out};

	json_line_begin(&j, "lockstep.event/1");
	json_uint(&j, "seq", ev->seq);
	json_str(&j, "kind", decode_kind_name(ev->kind));
	json_uint(&j, "tid", ev->tid);
	if (task)
		json_uint(&j, "pid", task->tgid);
	json_uint(&j, "t_ns", ev->enter_ns);
	json_uint(&j, "dur_ns", ev->dur_ns);
	put_flags(ev, &j);
	put_body(t, &j);
	put_ip(t, &j);
	if (t->opts->crash_json && (ev->kind == TK_CRASH || ev->kind == TK_STACK))
		t->opts->crash_json(ev, &j);
	json_line_end(&j);
}
