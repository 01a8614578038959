/*
 * Compared are the pages at the ends of each piece that the loader makes (file bytes of a segment,
 * what stands before and behind it in its page, the first page of its zeroes): this is where
 * loaders go wrong, and where it is cheap to look. A departure is reported as the piece's part of
 * that page, whole.
 */
#include "tracer/record/pages.h"

#include "tracer/record/image.h"
#include "tracer/record/mem.h"

#include "common/cleanup.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#define PAGE_LEN 4096u

struct check {
	struct recorder *r;
	struct task *t;
	const struct exec_image *im;
	unsigned int found; /* departures so far */
};

/* More than this many, and the image is simply another file. */
#define DEPARTURES_MAX 256

/* What Linux has at [addr, addr + size) of this piece. False when the file cannot tell. */
static bool expect(
	const struct check *c, const struct elf_piece *p, uint64_t addr, size_t size, uint8_t *out)
{
	const struct image_file *f = p->which == ELF_INTERP ? &c->im->interp : &c->im->exe;
	size_t done = 0;

	memset(out, 0, size);
	if (p->content != ELF_FILE)
		return p->content != ELF_SIGBUS;
	while (done < size) {
		ssize_t n = pread(f->fd, out + done, size - done,
			(off_t)(p->file_offset + (addr - p->start) + done));

		if (n <= 0)
			return false;
		done += (size_t)n;
	}
	return true;
}

static void emit_page(struct check *c, const struct elf_piece *p, uint64_t addr, size_t size,
	const uint8_t *found, size_t found_size, const uint8_t *expected)
{
	const struct image_file *f = p->which == ELF_INTERP ? &c->im->interp : &c->im->exe;
	struct trace_event ev = {.kind = TK_PAGE,
		.tid = (uint32_t)c->t->tid,
		.enter_ns = rec_now(c->r),
		.arg = {addr, size, p->file_offset + (addr - p->start), p->segment,
			p->which == ELF_INTERP, p->content != ELF_FILE}};
	struct buf *payload = &c->r->payload;

	buf_reset(payload);
	/* Unreadable memory is a departure too: then fewer bytes were found. */
	cap_whole(payload, TC_BYTES, found, found_size);
	cap_whole(payload, TC_EXPECTED, expected, size);
	cap_whole(payload, TC_EXE, f->path, strlen(f->path));
	ev.payload = payload->data;
	ev.payload_size = (uint32_t)payload->len;
	emit(c->r, &ev);
	c->found++;
}

static void check_range(struct check *c, const struct elf_piece *p, uint64_t start, uint64_t end)
{
	uint8_t found[PAGE_LEN], expected[PAGE_LEN];
	size_t size = (size_t)(end - start), got;

	if (start >= end || size > PAGE_LEN || c->found >= DEPARTURES_MAX)
		return;
	if (!expect(c, p, start, size, expected))
		return;
	got = mem_read_forced(c->t->tid, start, found, size);
	if (got < size || memcmp(found, expected, size))
		emit_page(c, p, start, size, found, got, expected);
}

/* The parts of the piece in its first and in its last page. */
static void check_piece(struct check *c, const struct elf_piece *p)
{
	uint64_t first_end = (p->start / PAGE_LEN + 1) * PAGE_LEN;
	uint64_t last_start = (p->end - 1) / PAGE_LEN * PAGE_LEN;

	check_range(c, p, p->start, first_end < p->end ? first_end : p->end);
	/* All pages of zeroes are alike. */
	if (last_start >= first_end && p->content != ELF_ANON)
		check_range(c, p, last_start, p->end);
}

/* Natively the rules of this very kernel; inside an emulator those of a current Linux, whatever it
 * calls itself. */
static struct elf_env environment(void)
{
	struct elf_env env = elf_env_default();
	unsigned int major, minor;
	struct utsname u;

	if (!regs_fallback() && !uname(&u) && sscanf(u.release, "%u.%u", &major, &minor) == 2)
		env.kernel = ELF_KERNEL(major, minor);
	return env;
}

static int lay_out(struct elf_layout *l, const struct exec_image *im)
{
	struct elf_env env = environment();
	int rc = elf_layout_add(l, im->exe.elf, &env, im->exe.bias, ELF_EXE);

	if (!rc && im->interp.fd >= 0)
		rc = elf_layout_add(l, im->interp.elf, &env, im->interp.bias, ELF_INTERP);
	return rc;
}

void pages_check(struct recorder *r, struct task *t)
{
	struct elf_piece piece[ELF_LAYOUT_SMALL];
	struct elf_layout l = {.piece = piece, .max = ELF_LAYOUT_SMALL};
	struct exec_image im;
	struct check c = {.r = r, .t = t, .im = &im};
	int rc = image_open(&im, t->tid);

	if (!rc)
		rc = lay_out(&l, &im);
	if (rc)
		emit_note(r, t->tid, "pages at exec were not compared with %s: %s", im.exe.path,
			strerror(-rc));
	for (size_t i = 0; !rc && i < l.len; i++)
		check_piece(&c, &l.piece[i]);
	image_close(&im);
}
