/* `lockstep elf --json`: the object lockstep.elf/1 of docs/schemas/elf.json. */
#include "loader/elf_report.h"

#include "common/cleanup.h"
#include "common/json.h"

#include <string.h>

static const char *const bias_rules[] = {[ELF_BIAS_NONE] = "none",
	[ELF_BIAS_PIE] = "pie",
	[ELF_BIAS_MMAP] = "mmap",
	[ELF_BIAS_HINT] = "hint",
	[ELF_BIAS_ZERO] = "zero"};

static void put_header(struct json *j, const struct elf_report *r)
{
	const Elf64_Ehdr *eh = &r->exe->eh;

	json_str(j, "file", r->path);
	json_uint(j, "file_size", r->exe->file_size);
	json_str(j, "kind", elf_kind_name(r));
	json_str(j, "loaded_by", r->library ? "ld.so" : "kernel");
	json_strf(j, "kernel", "%u.%u", r->env.kernel >> 16, r->env.kernel & 0xffff);
	json_uint(j, "bits", r->exe->bits);
	json_uint(j, "machine", eh->e_machine);
	json_hex(j, "entry", eh->e_entry);
	json_str(j, "interpreter", r->exe->interp_path[0] ? r->exe->interp_path : NULL);
	json_str(j, "bias_rule", bias_rules[r->bias_rule]);
	json_hex(j, "bias", r->bias);
}

static void put_segments(struct json *j, const struct elf_image *img)
{
	char name[24];
	uint32_t i;

	json_array(j, "segments");
	for (i = 0; i < img->phdr_len; i++) {
		const Elf64_Phdr *ph = &img->phdr[i];

		json_begin(j, NULL);
		json_str(j, "type", elf_phdr_type_name(ph->p_type, name));
		json_uint(j, "flags", ph->p_flags);
		json_hex(j, "offset", ph->p_offset);
		json_hex(j, "vaddr", ph->p_vaddr);
		json_hex(j, "filesz", ph->p_filesz);
		json_hex(j, "memsz", ph->p_memsz);
		json_hex(j, "align", ph->p_align);
		json_end(j);
	}
	json_array_end(j);
}

static void put_covers(struct json *j, uint32_t covers)
{
	uint32_t bit;

	json_array(j, "covers");
	for (bit = 1; bit < 1u << ELF_COVER_BITS; bit <<= 1)
		if (covers & bit)
			json_str(j, NULL, elf_cover_name(bit));
	json_array_end(j);
}

static void put_pages(struct json *j, const struct elf_report *r)
{
	char prot[4];
	size_t i;

	json_array(j, "pages");
	for (i = 0; i < r->pages.len; i++) {
		const struct elf_piece *p = &r->pages.piece[i];

		elf_prot_text(p->prot, prot);
		json_begin(j, NULL);
		json_hex(j, "vaddr", p->start - r->bias);
		json_hex(j, "size", p->end - p->start);
		json_uint(j, "segment", p->segment);
		json_str(j, "role", elf_role_name(p->role));
		json_str(j, "content", elf_content_name(p->content));
		json_str(j, "prot", prot);
		if (p->content == ELF_ANON)
			json_null(j, "offset");
		else
			json_hex(j, "offset", p->file_offset);
		put_covers(j, elf_covers(r->exe, p->start - r->bias, p->end - p->start));
		json_end(j);
	}
	json_array_end(j);
}

static void put_vmas(struct json *j, const char *key, const struct elf_layout *l, const char *file)
{
	CLEANUP(free) struct elf_vma *v = malloc((l->len + 1) * sizeof(*v));
	size_t n = v ? elf_vmas(l, v, l->len) : 0, i;
	char prot[4];

	j->out->failed |= !v;
	json_array(j, key);
	for (i = 0; i < n; i++) {
		bool anon = v[i].which == ELF_NEITHER;

		elf_prot_text(v[i].prot, prot);
		json_begin(j, NULL);
		json_hex(j, "start", v[i].start);
		json_hex(j, "end", v[i].end);
		json_str(j, "prot", prot);
		json_str(j, "file", anon ? NULL : file);
		json_hex(j, "offset", v[i].file_offset);
		json_end(j);
	}
	json_array_end(j);
}

static void put_verdict(struct json *j, const struct elf_report *r)
{
	static const char *const fates[] = {[ELF_FAILS] = "fails",
		[ELF_KILLED] = "killed",
		[ELF_FAULTS] = "faults",
		[ELF_RUNS] = "runs"};
	const struct elf_prediction *v = &r->verdict;
	bool starts = !r->library && v->fate >= ELF_FAULTS;

	json_begin(j, "verdict");
	json_str(j, "fate", fates[v->fate]);
	json_str(j, "errno", v->errnum ? strerrorname_np(v->errnum) : NULL);
	if (v->signal)
		json_strf(j, "signal", "SIG%s", sigabbrev_np(v->signal));
	else
		json_null(j, "signal");
	json_str(j, "why", v->why);
	json_str(j, "whose", !v->why ? NULL : v->which == ELF_INTERP ? "interpreter" : "file");
	if (v->segment >= 0)
		json_int(j, "segment", v->segment);
	else
		json_null(j, "segment");
	json_end(j);
	if (!starts) {
		json_null(j, "start");
		return;
	}
	json_begin(j, "start");
	json_hex(j, "at_phdr", v->at_phdr);
	json_uint(j, "at_phnum", v->at_phnum);
	json_hex(j, "at_entry", v->at_entry);
	json_hex(j, "brk_min", v->brk_min);
	json_hex(j, "brk_max", v->brk_max);
	json_bool(j, "stack_exec", v->stack_prot & 4);
	json_bool(j, "read_implies_exec", v->read_implies_exec);
	json_end(j);
}

static void put_lint(struct json *j, const struct elf_report *r)
{
	size_t i;

	json_array(j, "lint");
	for (i = 0; i < r->finding_len && i < ELF_REPORT_FINDINGS; i++) {
		const struct elf_finding *f = &r->finding[i];

		json_begin(j, NULL);
		json_str(j, "id", f->rule->id);
		json_str(j, "severity", elf_severity_name(f->rule->severity));
		if (f->segment >= 0)
			json_int(j, "segment", f->segment);
		else
			json_null(j, "segment");
		json_hex(j, "vaddr", f->vaddr);
		json_hex(j, "size", f->size);
		json_str(j, "what", f->rule->what);
		json_str(j, "text", f->text);
		json_str(j, "breaks", f->rule->breaks);
		json_end(j);
	}
	json_array_end(j);
	json_uint(j, "lint_total", r->finding_len);
}

void elf_report_json(const struct elf_report *r, struct buf *out)
{
	struct json j = {.out = out};

	json_line_begin(&j, "lockstep.elf/1");
	put_header(&j, r);
	put_segments(&j, r->exe);
	put_pages(&j, r);
	put_vmas(&j, "vmas", &r->pages, "file");
	put_vmas(&j, "interpreter_vmas", &r->interp_pages, "interpreter");
	put_verdict(&j, r);
	put_lint(&j, r);
	json_line_end(&j);
}
