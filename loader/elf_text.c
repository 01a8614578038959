/* `lockstep elf` for people: segments, the picture of pages, the map, the verdict, the findings. */
#include "loader/elf_report.h"

#include "common/cleanup.h"

#include <inttypes.h>
#include <string.h>

/* Lines of a list after which the rest is only counted: a hostile file has thousands. */
#define LINES_MAX 200

struct text {
	struct buf *out;
	const struct elf_report *r;
	bool colour;
};

#define DIM    "2"
#define BOLD   "1"
#define RED    "31"
#define GREEN  "32"
#define YELLOW "33"
#define CYAN   "36"

static void colour(struct text *t, const char *code)
{
	if (t->colour)
		buf_printf(t->out, "\033[%sm", code);
}

static void plain(struct text *t)
{
	if (t->colour)
		buf_add_str(t->out, "\033[0m");
}

static void heading(struct text *t, const char *title)
{
	buf_add_byte(t->out, '\n');
	colour(t, BOLD);
	buf_add_str(t->out, title);
	plain(t);
	buf_add_byte(t->out, '\n');
}

/* A path of the file's own, which may hold anything. */
static void put_printable(struct text *t, const char *s)
{
	for (; *s; s++)
		buf_add_byte(t->out, (uint8_t)*s < 0x20 || *s == 0x7f ? '?' : (uint8_t)*s);
}

static void put_title(struct text *t)
{
	const struct elf_image *img = t->r->exe;

	colour(t, BOLD);
	put_printable(t, t->r->path);
	plain(t);
	buf_printf(t->out, ": %s, %s, %" PRIu64 " bytes, entry 0x%" PRIx64, elf_kind_name(t->r),
		img->eh.e_machine == EM_X86_64 ? "x86-64"
		: img->bits == 32	       ? "32 bit"
					       : "64 bit",
		img->file_size, img->eh.e_entry);
	if (img->interp_path[0]) {
		buf_add_str(t->out, ", interpreter ");
		put_printable(t, img->interp_path);
	}
	buf_add_byte(t->out, '\n');
}

static void put_segments(struct text *t)
{
	const struct elf_image *img = t->r->exe;
	char name[24], prot[4];
	uint32_t i;

	heading(t, "Segments");
	buf_printf(t->out, "  %3s %-13s %-3s %12s %10s %10s %10s %8s\n", "#", "type", "", "address",
		"offset", "in file", "in memory", "align");
	for (i = 0; i < img->phdr_len && i < LINES_MAX; i++) {
		const Elf64_Phdr *ph = &img->phdr[i];

		prot[0] = ph->p_flags & PF_R ? 'r' : '-';
		prot[1] = ph->p_flags & PF_W ? 'w' : '-';
		prot[2] = ph->p_flags & PF_X ? 'x' : '-';
		prot[3] = '\0';
		if (ph->p_type != PT_LOAD)
			colour(t, DIM);
		buf_printf(t->out,
			"  %3u %-13s %s %#12" PRIx64 " %#10" PRIx64 " %#10" PRIx64 " %#10" PRIx64
			" %#8" PRIx64,
			i, elf_phdr_type_name(ph->p_type, name), prot, ph->p_vaddr, ph->p_offset,
			ph->p_filesz, ph->p_memsz, ph->p_align);
		plain(t);
		buf_add_byte(t->out, '\n');
	}
	if (i < img->phdr_len)
		buf_printf(t->out, "  ... and %u more\n", img->phdr_len - i);
}

static void put_covers(struct text *t, uint32_t covers)
{
	uint32_t bit;

	for (bit = 1; bit < 1u << ELF_COVER_BITS; bit <<= 1)
		if (covers & bit && bit != ELF_COVER_LOAD)
			buf_printf(t->out, " %s", elf_cover_name(bit));
}

/* What is in a piece, in a word or two for people. */
static const char *piece_words(const struct elf_piece *p)
{
	switch (p->content) {
	case ELF_FILE:
		return p->role == ELF_BODY   ? "the segment"
		       : p->role == ELF_GAP  ? "no access"
		       : p->role == ELF_HEAD ? "file bytes before it"
					     : "file bytes behind it";
	case ELF_ZERO:
		return "zeroed";
	case ELF_ANON:
		return "anonymous";
	case ELF_PAST_EOF:
		return "past the end: zeroes";
	default:
		return "past the end: SIGBUS";
	}
}

static const char *piece_colour(const struct elf_piece *p)
{
	if (p->content == ELF_SIGBUS)
		return RED;
	if (p->content == ELF_ZERO || p->content == ELF_ANON)
		return CYAN;
	return p->role == ELF_HEAD || p->role == ELF_TAIL ? YELLOW : GREEN;
}

/* A bar of 16 cells a page at most: how full of this piece the first of its pages is. */
static void put_bar(struct text *t, const struct elf_piece *p)
{
	uint64_t page = t->r->env.page_size, at = p->start & (page - 1);
	uint64_t end = p->end - p->start > page - at ? page : at + (p->end - p->start);
	char c = p->content == ELF_SIGBUS ? '!' : p->content == ELF_FILE ? '#' : '0';
	uint64_t i;

	if (p->role == ELF_HEAD || p->role == ELF_TAIL)
		c = p->content == ELF_FILE ? '+' : '0';
	buf_add_byte(t->out, '[');
	colour(t, piece_colour(p));
	for (i = 0; i < 16; i++) {
		uint64_t cell = i * page / 16, next = (i + 1) * page / 16;

		buf_add_byte(t->out, cell < end && next > at ? (uint8_t)c : ' ');
	}
	plain(t);
	buf_add_byte(t->out, ']');
}

static void put_pages(struct text *t)
{
	const struct elf_layout *l = &t->r->pages;
	char prot[4];
	size_t i;

	heading(t, "Pages (addresses of the file; # the segment, + the file's bytes beside it, 0 "
		   "zeroes, ! SIGBUS)");
	for (i = 0; i < l->len && i < LINES_MAX; i++) {
		const struct elf_piece *p = &l->piece[i];
		uint64_t vaddr = p->start - t->r->bias;

		elf_prot_text(p->prot, prot);
		buf_printf(t->out, "  %#12" PRIx64 " %#10" PRIx64 " %s ", vaddr, p->end - p->start,
			prot);
		put_bar(t, p);
		buf_printf(t->out, " %3u %-20s", p->segment, piece_words(p));
		put_covers(t, elf_covers(t->r->exe, vaddr, p->end - p->start));
		buf_add_byte(t->out, '\n');
	}
	if (i < l->len)
		buf_printf(t->out, "  ... and %zu more\n", l->len - i);
}

static void put_vmas(struct text *t, const struct elf_layout *l, const char *file)
{
	CLEANUP(free) struct elf_vma *v = malloc((l->len + 1) * sizeof(*v));
	size_t n = v ? elf_vmas(l, v, l->len) : 0, i;
	char prot[4];

	t->out->failed |= !v;
	for (i = 0; i < n && i < LINES_MAX; i++) {
		bool anon = v[i].which == ELF_NEITHER;

		elf_prot_text(v[i].prot, prot);
		buf_printf(t->out, "  %012" PRIx64 "-%012" PRIx64 " %sp %08" PRIx64 " ", v[i].start,
			v[i].end, prot, v[i].file_offset);
		put_printable(t, anon ? "" : file);
		buf_add_byte(t->out, '\n');
	}
	if (i < n)
		buf_printf(t->out, "  ... and %zu more\n", n - i);
}

static void put_map(struct text *t)
{
	static const char *const titles[] = {[ELF_BIAS_NONE] = "Memory map",
		[ELF_BIAS_PIE] = "Memory map (without address randomization)",
		[ELF_BIAS_MMAP] = "Memory map (from wherever it is put)",
		[ELF_BIAS_HINT] = "Memory map",
		[ELF_BIAS_ZERO] = "Memory map"};

	heading(t, titles[t->r->bias_rule]);
	put_vmas(t, &t->r->pages, t->r->path);
	if (t->r->interp_pages.len) {
		heading(t, t->r->interp->eh.e_type == ET_EXEC
				   ? "Interpreter"
				   : "Interpreter (from wherever it is put)");
		put_vmas(t, &t->r->interp_pages, t->r->exe->interp_path);
	}
}

/* ld.so comes after the kernel; where the lint knows that it dies, the verdict says so. */
static void put_ldso_death(struct text *t)
{
	size_t i;

	for (i = 0; i < t->r->finding_len && i < ELF_REPORT_FINDINGS; i++) {
		const struct elf_rule *rule = t->r->finding[i].rule;

		if (rule->severity != ELF_ERROR || strncmp(rule->id, "dynamic-", 8))
			continue;
		colour(t, RED);
		buf_printf(t->out, "  then ld.so dies of SIGSEGV: %s, below", rule->id);
		plain(t);
		buf_add_byte(t->out, '\n');
	}
}

static void put_verdict(struct text *t)
{
	const struct elf_prediction *v = &t->r->verdict;

	heading(t, "Verdict");
	buf_printf(t->out, "  Linux %u.%u: ", t->r->env.kernel >> 16, t->r->env.kernel & 0xffff);
	colour(t, v->fate == ELF_RUNS ? GREEN : RED);
	elf_verdict_text(t->r, t->out);
	plain(t);
	buf_add_byte(t->out, '\n');
	if (!t->r->library && v->fate >= ELF_FAULTS)
		buf_printf(t->out,
			"  AT_PHDR 0x%" PRIx64 ", AT_ENTRY 0x%" PRIx64 ", heap from 0x%" PRIx64
			"%s, stack rw%s%s\n",
			v->at_phdr, v->at_entry, v->brk_min,
			v->brk_max > v->brk_min ? " + random" : "", v->stack_prot & 4 ? "x" : "-",
			v->read_implies_exec ? ", readable memory is executable" : "");
	if (v->fate == ELF_RUNS)
		put_ldso_death(t);
}

static void put_finding(struct text *t, const struct elf_finding *f)
{
	enum elf_severity s = f->rule->severity;

	buf_add_str(t->out, "  ");
	colour(t, s == ELF_ERROR ? RED : s == ELF_WARN ? YELLOW : DIM);
	buf_printf(t->out, "%-5s %s", elf_severity_name(s), f->rule->id);
	plain(t);
	buf_add_str(t->out, ": ");
	put_printable(t, f->text);
	buf_printf(t->out, "\n        %s.\n        %s.\n", f->rule->what, f->rule->breaks);
}

static void put_findings(struct text *t)
{
	const struct elf_report *r = t->r;
	size_t n = r->finding_len, i;

	heading(t, "Lint");
	if (n > LINES_MAX)
		n = LINES_MAX;
	for (i = 0; i < n; i++)
		put_finding(t, &r->finding[i]);
	if (r->finding_len > n)
		buf_printf(t->out, "  ... and %zu more\n", r->finding_len - n);
	if (!r->finding_len)
		buf_add_str(t->out, "  nothing\n");
}

void elf_report_text(const struct elf_report *r, bool with_colour, bool quiet, struct buf *out)
{
	struct text t = {.out = out, .r = r, .colour = with_colour};

	put_title(&t);
	if (!quiet) {
		put_segments(&t);
		put_pages(&t);
		put_map(&t);
	}
	put_verdict(&t);
	put_findings(&t);
}
