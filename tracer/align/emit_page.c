/*
 * See emit_page.h. What a range covers is asked of the file, which is opened here once more: it may
 * be gone or another by now, then nothing is said about it.
 */
#include "tracer/align/emit_page.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "loader/elf_parse.h"
#include "tracer/align/emit_process.h"
#include "tracer/align/spec.h"

struct page {
	const struct mark *mark;
	unsigned int target;
	uint32_t runs; /* target runs that have it */
	uint32_t execs;
};

static bool same_page(const struct mark *a, const struct mark *b)
{
	return a->kind == b->kind && a->file == b->file && a->arg[2] == b->arg[2] &&
	       a->arg[1] == b->arg[1] && a->arg[3] == b->arg[3] && a->arg[4] == b->arg[4];
}

static bool side_has(const struct side *s, const struct mark *m)
{
	for (size_t i = 0; i < s->marks; i++)
		if (s->mark[i].kind == TK_PAGE && same_page(&s->mark[i], m) &&
			s->mark[i].hash == m->hash)
			return true;
	return false;
}

static bool native_has(const struct differ *d, const struct mark *m)
{
	for (unsigned int i = 0; i < d->nnatives; i++)
		if (side_has(&d->natives[i], m))
			return true;
	return false;
}

static struct page *page_get(struct page **pages, size_t *n, const struct mark *m)
{
	struct page *p;

	for (size_t i = 0; i < *n; i++)
		if (same_page((*pages)[i].mark, m))
			return &(*pages)[i];
	p = realloc(*pages, (*n + 1) * sizeof(*p));
	if (!p)
		return NULL;
	*pages = p;
	p += (*n)++;
	*p = (struct page){.mark = m};
	return p;
}

static ssize_t read_fd(void *ctx, uint64_t off, void *buf, size_t n)
{
	ssize_t got = pread(*(int *)ctx, buf, n, (off_t)off);

	return got < 0 ? -errno : got;
}

/* The address that the file gives these bytes (without load bias), or the address as it was when
 * the file can't tell. */
static uint64_t file_vaddr(const struct elf_image *img, const struct mark *m)
{
	uint64_t segment = m->arg[3];

	if (!img || segment >= img->phdr_len)
		return m->arg[0];
	return img->phdr[segment].p_vaddr + (m->arg[2] - img->phdr[segment].p_offset);
}

static struct elf_image *image_open(const char *path)
{
	CLEANUP(fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct elf_image *img = NULL;
	struct stat st;
	struct elf_reader rd = {.read = read_fd, .ctx = &fd};

	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode))
		return NULL;
	rd.size = (uint64_t)st.st_size;
	img = calloc(1, sizeof(*img));
	if (img && elf_parse(img, &rd)) {
		free(img);
		img = NULL;
	}
	return img;
}

static void emit_covers(struct json *j, const struct elf_image *img, const struct mark *m)
{
	uint32_t covers = img ? elf_covers(img, file_vaddr(img, m), m->arg[1]) : 0;

	json_array(j, "covers");
	for (int i = 0; i < ELF_COVER_BITS; i++)
		if (covers & (1u << i))
			json_str(j, NULL, elf_cover_name(1u << i));
	json_array_end(j);
}

static void emit_segments(struct json *j, const struct elf_image *img)
{
	if (!img)
		return;
	json_array(j, "segments");
	for (uint32_t i = 0; i < img->phdr_len; i++) {
		const Elf64_Phdr *p = &img->phdr[i];

		if (p->p_type != PT_LOAD && p->p_type != PT_DYNAMIC && p->p_type != PT_INTERP &&
			p->p_type != PT_GNU_RELRO)
			continue;
		json_begin(j, NULL);
		json_uint(j, "index", i);
		json_str(j, "type",
			p->p_type == PT_LOAD	  ? "LOAD"
			: p->p_type == PT_DYNAMIC ? "DYNAMIC"
			: p->p_type == PT_INTERP  ? "INTERP"
						  : "RELRO");
		json_hex(j, "vaddr", p->p_vaddr);
		json_hex(j, "offset", p->p_offset);
		json_hex(j, "filesz", p->p_filesz);
		json_hex(j, "memsz", p->p_memsz);
		json_strf(j, "flags", "%c%c%c", p->p_flags & PF_R ? 'r' : '-',
			p->p_flags & PF_W ? 'w' : '-', p->p_flags & PF_X ? 'x' : '-');
		json_end(j);
	}
	json_array_end(j);
}

static void emit_bytes(struct json *j, const char *key, const struct trace_cap *cap)
{
	struct buf hex = {0};

	for (uint32_t i = 0; i < cap->size; i++)
		buf_printf(&hex, "%02x", cap->data[i]);
	json_strn(j, key, hex.len ? (const char *)hex.data : "", hex.len);
	buf_fini(&hex);
}

static void emit_spec(struct json *j, const char *key, const char *file, uint64_t vaddr,
	bool interp, const struct trace_cap *cap)
{
	struct buf spec = {0};
	const char *slash = strrchr(file, '/');

	buf_add_str(&spec, "exec=");
	slash = slash ? slash + 1 : file;
	spec_text(&spec, slash, strlen(slash));
	buf_printf(&spec, " rel=%s at=0x%llx bytes=", interp ? "interp" : "exe",
		(unsigned long long)vaddr);
	for (uint32_t i = 0; i < cap->size; i++)
		buf_printf(&spec, "%02x", cap->data[i]);
	json_array(j, key);
	json_strn(j, NULL, spec.data, spec.len);
	json_array_end(j);
	buf_fini(&spec);
}

static void emit_page(
	struct json *j, const struct differ *d, const struct page *p, const struct detail *event)
{
	const struct mark *m = p->mark;
	const struct side *s = &d->targets[p->target];
	struct buf file = {0};
	struct trace_cap found, expected;
	CLEANUP(free) struct elf_image *img = NULL;
	bool interp = m->arg[4] != 0;

	if (!trace_cap_find(&event->ev, TC_BYTES, 0, 0, &found) ||
		!trace_cap_find(&event->ev, TC_EXPECTED, 0, 0, &expected))
		return;
	names_text(d->names, m->file, &file);
	img = image_open(buf_str(&file));
	json_line_begin(j, "lockstep.difference/1");
	json_str(j, "kind", "elf-page");
	json_begin(j, "process");
	emit_key(j, "key", s->seg[m->seg].key);
	json_uint(j, "ord", s->seg[m->seg].ord);
	emit_name(j, "image", d->names, s->seg[m->seg].image);
	json_end(j);
	json_strn(j, "file", file.data, file.len);
	json_uint(j, "segment", m->arg[3]);
	json_hex(j, "address", m->arg[0]);
	json_hex(j, "size", m->arg[1]);
	json_hex(j, "file_offset", m->arg[2]);
	json_bool(j, "interp", interp);
	emit_covers(j, img, m);
	emit_segments(j, img);
	emit_bytes(j, "native", &expected);
	emit_bytes(j, "target", &found);
	json_bool(j, "zeroed", m->arg[5] == 0);
	json_array(j, "reproduced");
	json_int(j, NULL, __builtin_popcount(p->runs));
	json_uint(j, NULL, d->ntargets);
	json_array_end(j);
	json_uint(j, "count", p->execs);
	json_str(j, "habit_key", m->arg[5] ? "elf-page:not zeroed" : "elf-page:zeroed");
	json_strf(j, "fingerprint", "%012llx",
		(unsigned long long)((names_hash(d->names, m->file) ^ m->arg[2] ^ m->arg[1] << 20) &
				     0xffffffffffffull));
	json_uint(j, "target_seq", m->seq);
	emit_spec(j, "inject_native", buf_str(&file), file_vaddr(img, m), interp, &found);
	emit_spec(j, "inject_target", buf_str(&file), file_vaddr(img, m), interp, &expected);
	json_line_end(j);
	buf_fini(&file);
}

int emit_pages(struct json *j, const struct differ *d, const struct candidates *c)
{
	CLEANUP(free) struct page *pages = NULL;
	size_t n = 0;
	int lines = 0;

	for (unsigned int i = 0; i < d->ntargets; i++) {
		for (size_t k = 0; k < d->targets[i].marks; k++) {
			const struct mark *m = &d->targets[i].mark[k];
			struct page *p;

			if (m->kind != TK_PAGE || native_has(d, m))
				continue;
			p = page_get(&pages, &n, m);
			if (!p)
				return lines;
			if (!p->execs)
				p->target = i;
			p->execs++;
			p->runs |= 1u << i;
		}
	}
	for (size_t i = 0; i < n; i++) {
		const struct detail *event =
			details_get(&c->targets[pages[i].target], pages[i].mark->seq);

		if (event) {
			emit_page(j, d, &pages[i], event);
			lines++;
		}
	}
	return lines;
}
