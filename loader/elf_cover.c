/* What a range of an image holds: elf_covers() and elf_sections() of elf_parse.h. */
#include "loader/elf_parse.h"

#include <errno.h>
#include <string.h>

/* Section names longer than this are cut; tables with more entries are hostile. */
#define SECTION_MAX 65536

/* Whether [a, a + an) and [b, b + bn) share a byte; sizes may be anything. */
static bool overlaps(uint64_t a, uint64_t an, uint64_t b, uint64_t bn)
{
	if (!an || !bn)
		return false;
	return a <= b ? b - a < an : a - b < bn;
}

static uint32_t phdr_cover(uint32_t type)
{
	switch (type) {
	case PT_LOAD:
		return ELF_COVER_LOAD;
	case PT_DYNAMIC:
		return ELF_COVER_DYNAMIC;
	case PT_INTERP:
		return ELF_COVER_INTERP;
	case PT_PHDR:
		return ELF_COVER_PHDR;
	case PT_TLS:
		return ELF_COVER_TLS;
	case PT_NOTE:
	case PT_GNU_PROPERTY:
		return ELF_COVER_NOTE;
	case PT_GNU_RELRO:
		return ELF_COVER_RELRO;
	case PT_GNU_EH_FRAME:
		return ELF_COVER_EH_FRAME;
	default:
		return 0;
	}
}

/* A range of the file, wherever PT_LOADs map it: headers that no phdr need name. */
static bool covers_file_range(
	const struct elf_image *img, uint64_t vaddr, uint64_t size, uint64_t off, uint64_t len)
{
	uint32_t i;

	for (i = 0; i < img->phdr_len; i++) {
		const Elf64_Phdr *ph = &img->phdr[i];

		if (ph->p_type == PT_LOAD && overlaps(ph->p_offset, ph->p_filesz, off, len) &&
			overlaps(vaddr, size, ph->p_vaddr - ph->p_offset + off, len))
			return true;
	}
	return false;
}

uint32_t elf_covers(const struct elf_image *img, uint64_t vaddr, uint64_t size)
{
	uint32_t bits = 0, i;

	for (i = 0; i < img->phdr_len; i++) {
		const Elf64_Phdr *ph = &img->phdr[i];

		/* Of TLS only the template is in the image. */
		uint64_t len = ph->p_type == PT_TLS ? ph->p_filesz : ph->p_memsz;

		if (overlaps(vaddr, size, ph->p_vaddr, len))
			bits |= phdr_cover(ph->p_type);
	}
	for (i = 0; i < img->dyn_table_len; i++)
		if (overlaps(vaddr, size, img->dyn_table[i].vaddr, img->dyn_table[i].size))
			bits |= img->dyn_table[i].cover;
	if (covers_file_range(img, vaddr, size, 0, img->bits == 64 ? 64 : 52))
		bits |= ELF_COVER_EHDR;
	if (covers_file_range(img, vaddr, size, img->eh.e_phoff,
		    (uint64_t)img->eh.e_phnum * img->eh.e_phentsize))
		bits |= ELF_COVER_PHDR;
	if (overlaps(vaddr, size, img->eh.e_entry, 1))
		bits |= ELF_COVER_ENTRY;
	return bits;
}

const char *elf_cover_name(uint32_t bit)
{
	static const char *const names[ELF_COVER_BITS] = {"EHDR", "PHDR", "INTERP", "DYNAMIC",
		"RELRO", "TLS", "NOTE", "EH_FRAME", "RELOC", "SYMTAB", "STRTAB", "HASH", "VERSION",
		"INIT", "GOT", "ENTRY", "LOAD"};
	int i;

	for (i = 0; i < ELF_COVER_BITS; i++)
		if (bit == 1u << i)
			return names[i];
	return NULL;
}

static int section_header(
	const struct elf_image *img, const struct elf_reader *rd, uint32_t i, Elf64_Shdr *out)
{
	Elf32_Shdr sh;
	int rc;

	if (img->bits == 64)
		return elf_read_full(
			rd, img->eh.e_shoff + (uint64_t)i * sizeof(*out), out, sizeof(*out));
	rc = elf_read_full(rd, img->eh.e_shoff + (uint64_t)i * sizeof(sh), &sh, sizeof(sh));
	if (rc)
		return rc;
	*out = (Elf64_Shdr){.sh_name = sh.sh_name,
		.sh_type = sh.sh_type,
		.sh_flags = sh.sh_flags,
		.sh_addr = sh.sh_addr,
		.sh_offset = sh.sh_offset,
		.sh_size = sh.sh_size,
		.sh_link = sh.sh_link};
	return 0;
}

/* The name at a string table's offset; "" when there is none. */
static void section_name(
	const struct elf_reader *rd, const Elf64_Shdr *names, uint32_t off, char *out, size_t size)
{
	size_t n = size - 1;
	uint64_t at;

	out[0] = '\0';
	if (off >= names->sh_size || __builtin_add_overflow(names->sh_offset, off, &at) ||
		at >= rd->size)
		return;
	if (n > names->sh_size - off)
		n = names->sh_size - off;
	if (n > rd->size - at)
		n = rd->size - at;
	if (elf_read_full(rd, at, out, n))
		n = 0;
	out[n] = '\0';
}

int elf_sections(const struct elf_image *img, const struct elf_reader *rd, uint64_t vaddr,
	uint64_t size, struct elf_section *out, size_t max)
{
	size_t entry = img->bits == 64 ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr);
	Elf64_Shdr names = {.sh_size = 0}, sh;
	uint32_t i;
	int n = 0, rc;

	if (!img->eh.e_shoff || img->eh.e_shentsize != entry)
		return 0;
	if (img->eh.e_shstrndx < img->eh.e_shnum)
		rc = section_header(img, rd, img->eh.e_shstrndx, &names);
	for (i = 1; i < img->eh.e_shnum && i < SECTION_MAX && (size_t)n < max; i++) {
		struct elf_section *s = &out[n];

		rc = section_header(img, rd, i, &sh);
		if (rc)
			return rc == -EIO ? n : rc;
		if (!(sh.sh_flags & SHF_ALLOC) || !overlaps(vaddr, size, sh.sh_addr, sh.sh_size))
			continue;
		*s = (struct elf_section){.type = sh.sh_type,
			.flags = sh.sh_flags,
			.vaddr = sh.sh_addr,
			.offset = sh.sh_offset,
			.size = sh.sh_size};
		section_name(rd, &names, sh.sh_name, s->name, sizeof(s->name));
		n++;
	}
	return n;
}
