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
#include <sys/uio.h>
#include <sys/utsname.h>

#define PAGE_LEN 4096u

/* Of images that linkers make; what a hostile one has beyond is not looked at. */
#define RANGES_MAX 128u

struct check {
	struct recorder *r;
	struct task *t;
	struct exec_image *im;
	unsigned int len;
	struct range {
		const struct elf_piece *piece;
		uint64_t start;
		size_t size;
	} range[RANGES_MAX];
};

static struct image_file *file_of(const struct check *c, const struct elf_piece *p)
{
	return p->which == ELF_INTERP ? &c->im->interp : &c->im->exe;
}

/* What Linux has at [addr, addr + size) of this piece. False when the file cannot tell. */
static bool expect(
	const struct check *c, const struct elf_piece *p, uint64_t addr, size_t size, uint8_t *out)
{
	if (p->content == ELF_FILE)
		return image_read(file_of(c, p), p->file_offset + (addr - p->start), out, size);
	memset(out, 0, size);
	return p->content != ELF_SIGBUS;
}

static void emit_page(struct check *c, const struct elf_piece *p, uint64_t addr, size_t size,
	const uint8_t *found, size_t found_size, const uint8_t *expected)
{
	const struct image_file *f = file_of(c, p);
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
}

/* What is to be looked at; read in one go later. */
static void add_range(struct check *c, const struct elf_piece *p, uint64_t start, uint64_t end)
{
	if (start >= end || end - start > PAGE_LEN || c->len == RANGES_MAX)
		return;
	c->range[c->len++] = (struct range){p, start, (size_t)(end - start)};
}

/* The parts of the piece in its first and in its last page. */
static void add_piece(struct check *c, const struct elf_piece *p)
{
	uint64_t first_end = (p->start / PAGE_LEN + 1) * PAGE_LEN;
	uint64_t last_start = (p->end - 1) / PAGE_LEN * PAGE_LEN;

	/* On Linux itself the page cache and the zero page are what they are: only what the kernel
	 * cleared, or left standing beside a segment, is worth the page faults. */
	if (!c->r->opt->fallback && !regs_fallback() &&
		(p->role == ELF_BODY || p->content == ELF_ANON))
		return;
	add_range(c, p, p->start, first_end < p->end ? first_end : p->end);
	/* All pages of zeroes are alike. */
	if (last_start >= first_end && p->content != ELF_ANON)
		add_range(c, p, last_start, p->end);
}

/* All ranges at once; false where that does not work or a page cannot be read that way. */
static bool read_all(const struct check *c, uint8_t (*found)[PAGE_LEN])
{
	struct iovec local[RANGES_MAX], remote[RANGES_MAX];
	size_t total = 0;

	for (unsigned int i = 0; i < c->len; i++) {
		local[i] = (struct iovec){found[i], c->range[i].size};
		remote[i] = (struct iovec){(void *)c->range[i].start, c->range[i].size};
		total += c->range[i].size;
	}
	return !c->r->opt->fallback && !regs_fallback() &&
	       process_vm_readv(c->t->tid, local, c->len, remote, c->len, 0) == (ssize_t)total;
}

static void compare(struct check *c)
{
	static uint8_t found[RANGES_MAX][PAGE_LEN];
	uint8_t expected[PAGE_LEN];
	bool all = read_all(c, found);

	for (unsigned int i = 0; i < c->len; i++) {
		const struct range *ra = &c->range[i];
		size_t got = ra->size;

		if (!expect(c, ra->piece, ra->start, ra->size, expected))
			continue;
		if (!all)
			got = mem_read_forced(c->t->tid, ra->start, found[i], ra->size);
		if (got < ra->size || memcmp(found[i], expected, ra->size))
			emit_page(c, ra->piece, ra->start, ra->size, found[i], got, expected);
	}
}

/* Natively the rules of this very kernel; inside an emulator those of a current Linux, whatever it
 * calls itself. */
static struct elf_env environment(void)
{
	static uint32_t kernel;
	struct elf_env env = elf_env_default();
	unsigned int major, minor;
	struct utsname u;

	if (kernel)
		env.kernel = kernel;
	else if (!regs_fallback() && !uname(&u) && sscanf(u.release, "%u.%u", &major, &minor) == 2)
		env.kernel = kernel = ELF_KERNEL(major, minor);
	return env;
}

static int lay_out(struct elf_layout *l, const struct exec_image *im)
{
	struct elf_env env = environment();
	int rc = elf_layout_add(l, im->exe.elf, &env, im->exe.bias, ELF_EXE);

	if (!rc && im->interp.there)
		rc = elf_layout_add(l, im->interp.elf, &env, im->interp.bias, ELF_INTERP);
	return rc;
}

void pages_check(struct recorder *r, struct task *t)
{
	struct elf_piece piece[ELF_LAYOUT_SMALL];
	struct elf_layout l = {.piece = piece, .max = ELF_LAYOUT_SMALL};
	struct exec_image im;
	struct check c = {.r = r, .t = t, .im = &im};
	int rc = image_open(&im, t->tid, t->proc->image);

	if (!rc)
		rc = lay_out(&l, &im);
	if (rc)
		emit_note(r, t->tid, "pages at exec were not compared with %s: %s", im.exe.path,
			strerror(-rc));
	for (size_t i = 0; !rc && i < l.len; i++)
		add_piece(&c, &l.piece[i]);
	compare(&c);
	image_close(&im);
}
