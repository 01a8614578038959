/* The process model: calls that change an address space, and the text of /proc/PID/maps. */
#include "tracer/decode/model_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

static void done(struct model *m, int rc)
{
	/* -EINVAL: a range that no kernel would map; the trace is wrong there, or torn. */
	m->failed |= rc == -ENOMEM;
}

/* " (deleted)" at the end is no part of a name. */
static bool is_deleted(const char *s, size_t *len)
{
	static const char mark[] = " (deleted)";
	size_t n = sizeof(mark) - 1;

	if (*len <= n || memcmp(s + *len - n, mark, n))
		return false;
	*len -= n;
	return true;
}

/* The name that /proc/PID/maps has, when the recorder took it; else that of the descriptor, which
 * may lead through symlinks. */
static const char *mapped_name(struct model *m, struct task *t, const struct trace_event *ev)
{
	const struct fd_entry *e = files_find(t->files, (int)ev->arg[4]);
	struct trace_cap cap;
	size_t len;

	if (trace_cap_find(ev, 4, 0, TC_OUT, &cap) && cap.size && cap.data[0] == '/') {
		len = cap.size;
		is_deleted((const char *)cap.data, &len);
		return model_intern(m, cap.data, len);
	}
	return e ? e->of->pub.name : "?";
}

static void on_mmap(struct model *m, struct task *t, const struct trace_event *ev)
{
	uint64_t size = ev->arg[1], flags = ev->arg[3], addr = ev->ret;
	struct vma v = {.start = addr,
		.end = addr + size,
		.base = addr,
		.name = "[anon]",
		.kind = ADDR_ANON,
		.prot = ev->arg[2] & 7,
		.shared = (flags & MAP_TYPE) != MAP_PRIVATE};

	if (!(flags & MAP_ANONYMOUS)) {
		v.kind = ADDR_FILE;
		v.name = mapped_name(m, t, ev);
		v.base = addr - ev->arg[5];
	}
	v.birth = ++t->mm->births;
	done(m, mm_insert(t->mm, &v));
}

/* Grows or shrinks in place. */
static void resize(struct model *m, struct task *t, const struct vma *v, uint64_t addr,
	uint64_t old_size, uint64_t new_size)
{
	struct vma more = *v;

	if (new_size <= old_size) {
		if (new_size < old_size)
			done(m, mm_remove(t->mm, addr + new_size, old_size - new_size));
		return;
	}
	more.start = addr + old_size;
	more.end = addr + new_size;
	done(m, mm_insert(t->mm, &more));
}

static void on_mremap(struct model *m, struct task *t, const struct trace_event *ev)
{
	uint64_t old = ev->arg[0], old_size = ev->arg[1], size = ev->arg[2], flags = ev->arg[3];
	uint64_t addr = ev->ret;
	bool next;
	const struct vma *found = mm_find(t->mm, old, &next);
	struct vma v;

	if (found && !next) {
		v = *found;
	} else {
		v = (struct vma){.base = old, .name = "[anon]", .kind = ADDR_ANON, .prot = 3};
		v.birth = ++t->mm->births;
	}
	if (addr == old && found && !next) {
		resize(m, t, &v, old, old_size, size);
		return;
	}
	if (old_size && !(flags & MREMAP_DONTUNMAP))
		done(m, mm_remove(t->mm, old, old_size));
	v.base += addr - old;
	v.start = addr;
	v.end = addr + size;
	done(m, mm_insert(t->mm, &v));
}

/* brk(2) returns the break, moved or not; the first answer tells where the heap starts. */
static void on_brk(struct model *m, struct task *t, const struct trace_event *ev)
{
	struct mm *mm = t->mm;
	uint64_t brk = ev->ret;
	struct vma v = {.end = brk, .name = "[heap]", .kind = ADDR_HEAP, .prot = 3};

	if (!mm->brk_start)
		mm->brk_start = mm->brk = brk;
	v.base = mm->brk_start;
	v.start = mm->brk;
	if (brk > mm->brk)
		done(m, mm_insert(mm, &v));
	else if (brk < mm->brk && brk >= mm->brk_start)
		done(m, mm_remove(
				mm, (brk + 4095) & ~4095ull, mm->brk - ((brk + 4095) & ~4095ull)));
	if (brk >= mm->brk_start)
		mm->brk = brk;
}

void model_mm_call(struct model *m, struct task *t, const struct trace_event *ev)
{
	switch (ev->nr) {
	case SYS_mmap:
		on_mmap(m, t, ev);
		break;
	case SYS_munmap:
		done(m, mm_remove(t->mm, ev->arg[0], ev->arg[1]));
		break;
	case SYS_mremap:
		on_mremap(m, t, ev);
		break;
	case SYS_mprotect:
	case SYS_pkey_mprotect:
		done(m, mm_protect(t->mm, ev->arg[0], ev->arg[1], ev->arg[2] & 7));
		break;
	case SYS_brk:
		on_brk(m, t, ev);
		break;
	}
}

/* ---- /proc/PID/maps ---- */

struct scan {
	const char *p, *end;
};

static bool scan_hex(struct scan *s, uint64_t *v)
{
	const char *start = s->p;

	*v = 0;
	while (s->p < s->end && s->p - start < 16) {
		char c = *s->p;
		unsigned int d;

		if (c >= '0' && c <= '9')
			d = c - '0';
		else if (c >= 'a' && c <= 'f')
			d = c - 'a' + 10;
		else
			break;
		*v = *v << 4 | d;
		s->p++;
	}
	return s->p > start;
}

static bool scan_char(struct scan *s, char c)
{
	if (s->p == s->end || *s->p != c)
		return false;
	s->p++;
	return true;
}

static void skip_word(struct scan *s)
{
	while (s->p < s->end && *s->p != ' ')
		s->p++;
	while (s->p < s->end && *s->p == ' ')
		s->p++;
}

static void vma_name(struct model *m, struct vma *v, const char *s, size_t len, uint64_t off)
{
	is_deleted(s, &len);
	v->base = v->start;
	v->name = len ? model_intern(m, s, len) : "[anon]";
	v->kind = ADDR_ANON;
	if (!len)
		return;
	if (s[0] == '/') {
		v->kind = ADDR_FILE;
		v->base = v->start - off;
	} else if (!strcmp(v->name, "[heap]")) {
		v->kind = ADDR_HEAP;
	} else if (!strcmp(v->name, "[stack]")) {
		v->kind = ADDR_STACK;
	} else if (!strncmp(v->name, "[v", 2)) {
		v->kind = ADDR_VDSO;
	} else {
		v->name = "[anon]";
	}
}

/* "start-end rwxp offset dev inode   name" */
static bool parse_line(struct model *m, struct scan s, struct vma *v)
{
	uint64_t off;

	*v = (struct vma){0};
	if (!scan_hex(&s, &v->start) || !scan_char(&s, '-') || !scan_hex(&s, &v->end) ||
		!scan_char(&s, ' ') || s.end - s.p < 5)
		return false;
	v->prot = (s.p[0] == 'r' ? PROT_READ : 0) | (s.p[1] == 'w' ? PROT_WRITE : 0) |
		  (s.p[2] == 'x' ? PROT_EXEC : 0);
	v->shared = s.p[3] == 's';
	skip_word(&s);
	if (!scan_hex(&s, &off))
		return false;
	skip_word(&s); /* what is left of the offset: nothing */
	skip_word(&s); /* device */
	skip_word(&s); /* inode */
	vma_name(m, v, s.p, s.end - s.p, off);
	return true;
}

struct mm *model_mm_parse(struct model *m, const uint8_t *text, size_t size)
{
	const char *p = (const char *)text, *end = p + size;
	struct mm *mm = mm_new();
	struct vma v;

	while (mm && p < end) {
		const char *eol = memchr(p, '\n', end - p);

		if (!eol)
			eol = end;
		if (parse_line(m, (struct scan){p, eol}, &v)) {
			v.birth = ++mm->births;
			if (v.kind == ADDR_HEAP) {
				mm->brk_start = v.start;
				mm->brk = v.end;
			}
			done(m, mm_insert(mm, &v));
		}
		p = eol + 1;
	}
	return mm;
}
