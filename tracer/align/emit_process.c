/* Segments and guest VMA curves as JSON. See emit.h. */
#include "tracer/align/emit_process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "abi/abi.h"
#include "tracer/decode/backtrace.h"

static void status_text(const struct seg *seg, char *text, size_t size)
{
	const char *name;

	if (seg->execed)
		snprintf(text, size, "execed");
	else if (!seg->ended)
		snprintf(text, size, "running");
	else if (WIFSIGNALED(seg->status))
		snprintf(text, size, "%s",
			(name = abi_signal_name(WTERMSIG(seg->status))) ? name : "signal");
	else
		snprintf(text, size, "exit %d", WEXITSTATUS(seg->status));
}

void emit_key(struct json *j, const char *name, uint64_t key)
{
	json_strf(j, name, "%016llx", (unsigned long long)key);
}

void emit_name(struct json *j, const char *key, const struct names *names, uint32_t id)
{
	struct buf text = {0};

	names_text(names, id, &text);
	json_strn(j, key, text.len ? (const char *)text.data : "", text.len);
	buf_fini(&text);
}

struct count {
	uint16_t call;
	uint32_t n, errors;
};

static int count_cmp(const void *va, const void *vb)
{
	const struct count *a = va, *b = vb;

	return a->n != b->n ? (a->n < b->n) - (a->n > b->n)
			    : (a->call > b->call) - (a->call < b->call);
}

/* How often a segment made which call, most often first. */
static void emit_calls(struct json *j, const struct seg *seg)
{
	static struct count all[ABI_NR_MAX];
	size_t n = 0;

	memset(all, 0, sizeof(all));
	for (size_t i = 0; i < seg->len; i++) {
		const struct tok *t = &seg->tok[i];

		if (t->call >= ABI_NR_MAX)
			continue;
		all[t->call].call = t->call;
		all[t->call].n++;
		all[t->call].errors += t->err > 0;
	}
	for (size_t i = 0; i < ABI_NR_MAX; i++)
		if (all[i].n)
			all[n++] = all[i];
	qsort(all, n, sizeof(all[0]), count_cmp);
	json_begin(j, "calls");
	for (size_t i = 0; i < n; i++) {
		const struct abi_call *c = abi_call(all[i].call);

		json_array(j, c ? c->name : "?");
		json_uint(j, NULL, all[i].n);
		json_uint(j, NULL, all[i].errors);
		json_array_end(j);
	}
	json_end(j);
}

static void emit_backtrace(struct json *j, const struct trace_event *ev)
{
	struct backtrace bt;
	struct buf text = {0};

	if (backtrace_from_event(&bt, ev))
		return;
	backtrace_text(&bt, &text);
	json_array(j, "backtrace");
	for (char *save = NULL, *line = strtok_r((char *)buf_str(&text), "\n", &save); line;
		line = strtok_r(NULL, "\n", &save))
		json_str(j, NULL, line);
	json_array_end(j);
	buf_fini(&text);
	backtrace_fini(&bt);
}

/* How a process died, or where it was when its time was over. */
static void emit_crash(
	struct json *j, const struct side *s, const struct seg *seg, const struct details *details)
{
	const struct mark *mark = &s->mark[seg->crash];
	const struct detail *d = details_get(details, mark->seq);
	const char *signal;

	if (!d)
		return;
	json_begin(j, mark->kind == TK_CRASH ? "crash" : "stack");
	signal = abi_signal_name(d->ev.nr);
	if (mark->kind == TK_CRASH) {
		json_str(j, "signal", signal ? signal : "?");
		json_hex(j, "address", d->ev.arg[0]);
	}
	if (d->site_file)
		json_strf(j, "at", "%s+0x%llx", d->site_file, (unsigned long long)d->site_off);
	json_uint(j, "seq", mark->seq);
	emit_backtrace(j, &d->ev);
	json_end(j);
}

void emit_processes(struct json *j, const struct side *s, const struct names *names,
	const struct details *details)
{
	char status[40];

	for (size_t i = 0; i < s->segs; i++) {
		const struct seg *seg = &s->seg[i];

		json_line_begin(j, "lockstep.process/1");
		json_str(j, "side", s->name);
		emit_key(j, "key", seg->key);
		json_uint(j, "ord", seg->ord);
		if (seg->parent >= 0) {
			emit_key(j, "parent", s->seg[seg->parent].key);
			json_uint(j, "parent_ord", s->seg[seg->parent].ord);
		}
		json_uint(j, "tid", seg->tid);
		json_uint(j, "tgid", seg->tgid);
		json_bool(j, "is_thread", seg->thread);
		json_bool(j, "execed", seg->execed);
		json_bool(j, "by_exec", seg->born_by_exec);
		emit_name(j, "image", names, seg->image);
		json_str(j, "argv", seg->argv);
		status_text(seg, status, sizeof(status));
		json_str(j, "status", status);
		json_uint(j, "start_ns", seg->born_ns);
		json_uint(j, "end_ns", seg->end_ns);
		json_uint(j, "start_seq", seg->born_seq);
		json_uint(j, "end_seq", seg->end_seq);
		json_uint(j, "cpu_ns", seg->cpu_ns);
		json_uint(j, "max_rss_kib", seg->max_rss_kib);
		emit_calls(j, seg);
		if (seg->crash >= 0)
			emit_crash(j, s, seg, details);
		json_line_end(j);
	}
}

void emit_vma(struct json *j, const struct side *s)
{
	size_t step = s->vmas / 4000 + 1;

	json_line_begin(j, "lockstep.guest-vma/1");
	json_str(j, "side", s->name);
	json_array(j, "points");
	/* of each stretch the highest, so that no peak is lost */
	for (size_t i = 0; i < s->vmas; i += step) {
		const struct vma_point *top = &s->vma[i];

		for (size_t k = i; k < i + step && k < s->vmas; k++)
			if (s->vma[k].count > top->count)
				top = &s->vma[k];
		json_array(j, NULL);
		json_uint(j, NULL, top->t_ns);
		json_uint(j, NULL, top->count);
		json_array_end(j);
	}
	json_array_end(j);
	json_line_end(j);
}
