/* See elf_parse.h. */
#include "loader/elf_parse.h"

#include <errno.h>
#include <string.h>

/* Headers are read in windows of this many entries: small enough for any stack. */
#define WINDOW 32
/* A DYNAMIC longer than this is not read to its end; the largest seen in the wild has about 1,000.
 */
#define DYN_MAX 16384

int elf_read_full(const struct elf_reader *rd, uint64_t off, void *buf, size_t n)
{
	char *p = buf;

	while (n) {
		ssize_t got = rd->read(rd->ctx, off, p, n);

		if (got < 0)
			return (int)got;
		if (got == 0)
			return -EIO;
		p += got;
		off += (uint64_t)got;
		n -= (size_t)got;
	}
	return 0;
}

static ssize_t mem_read(void *ctx, uint64_t off, void *buf, size_t n)
{
	const struct elf_mem *m = ctx;

	if (off >= m->size)
		return 0;
	if (n > m->size - off)
		n = m->size - off;
	memcpy(buf, (const char *)m->data + off, n);
	return (ssize_t)n;
}

struct elf_reader elf_reader_mem(struct elf_mem *mem)
{
	return (struct elf_reader){mem_read, mem, mem->size};
}

static void ehdr_widen(Elf64_Ehdr *out, const Elf32_Ehdr *in)
{
	*out = (Elf64_Ehdr){
		.e_type = in->e_type,
		.e_machine = in->e_machine,
		.e_version = in->e_version,
		.e_entry = in->e_entry,
		.e_phoff = in->e_phoff,
		.e_shoff = in->e_shoff,
		.e_flags = in->e_flags,
		.e_ehsize = in->e_ehsize,
		.e_phentsize = in->e_phentsize,
		.e_phnum = in->e_phnum,
		.e_shentsize = in->e_shentsize,
		.e_shnum = in->e_shnum,
		.e_shstrndx = in->e_shstrndx,
	};
	memcpy(out->e_ident, in->e_ident, EI_NIDENT);
}

static void phdr_widen(Elf64_Phdr *out, const Elf32_Phdr *in)
{
	*out = (Elf64_Phdr){
		.p_type = in->p_type,
		.p_flags = in->p_flags,
		.p_offset = in->p_offset,
		.p_vaddr = in->p_vaddr,
		.p_paddr = in->p_paddr,
		.p_filesz = in->p_filesz,
		.p_memsz = in->p_memsz,
		.p_align = in->p_align,
	};
}

/* Which layout the headers have: by machine as the kernel chooses its loader, else as EI_CLASS
 * says. */
static uint8_t header_bits(const Elf64_Ehdr *raw)
{
	switch (raw->e_machine) {
	case EM_X86_64:
		return 64;
	case EM_386:
	case 6: /* EM_486, which the i386 loader takes too */
		return 32;
	default:
		return raw->e_ident[EI_CLASS] == ELFCLASS32 ? 32 : 64;
	}
}

/* The first bytes, padded with zeroes as in Linux v6.18 fs/exec.c:prepare_binprm(). */
static int read_header(struct elf_image *img, const struct elf_reader *rd)
{
	union {
		Elf64_Ehdr e64;
		Elf32_Ehdr e32;
	} raw;
	size_t n = 0;

	memset(&raw, 0, sizeof(raw));
	while (n < sizeof(raw)) {
		ssize_t got = rd->read(rd->ctx, n, (char *)&raw + n, sizeof(raw) - n);

		if (got < 0)
			return (int)got;
		if (got == 0)
			break;
		n += (size_t)got;
	}
	img->header_size = (uint32_t)n;
	if (n == 0)
		return -ENODATA;
	if (memcmp(raw.e64.e_ident, ELFMAG, SELFMAG) != 0)
		return -ENOEXEC;
	img->is_elf = true;
	img->bits = header_bits(&raw.e64);
	if (img->bits == 64)
		img->eh = raw.e64;
	else
		ehdr_widen(&img->eh, &raw.e32);
	return 0;
}

static int read_phdrs32(struct elf_image *img, const struct elf_reader *rd)
{
	Elf32_Phdr win[WINDOW];
	uint32_t i, k;

	for (i = 0; i < img->eh.e_phnum; i += k) {
		uint32_t n = img->eh.e_phnum - i < WINDOW ? img->eh.e_phnum - i : WINDOW;
		int rc = 0;

		for (k = 0; k < n && !rc; k++) {
			rc = elf_read_full(rd, img->eh.e_phoff + (i + k) * sizeof(*win), &win[k],
				sizeof(*win));
			if (!rc)
				phdr_widen(&img->phdr[i + k], &win[k]);
		}
		if (rc) {
			img->phdr_len = i + k - 1;
			return rc;
		}
	}
	img->phdr_len = i;
	return 0;
}

static int read_phdrs64(struct elf_image *img, const struct elf_reader *rd)
{
	uint64_t off = img->eh.e_phoff;
	size_t want = img->eh.e_phnum * sizeof(Elf64_Phdr), have;
	int rc = elf_read_full(rd, off, img->phdr, want);

	img->phdr_len = img->eh.e_phnum;
	if (!rc)
		return 0;
	/* Keep those that are whole, for whoever wants to look at a cut file. */
	have = off < rd->size ? rd->size - off : 0;
	if (have < want)
		img->phdr_len = (uint32_t)(have / sizeof(Elf64_Phdr));
	if (elf_read_full(rd, off, img->phdr, img->phdr_len * sizeof(Elf64_Phdr)))
		img->phdr_len = 0;
	return rc;
}

/* Source: Linux v6.18 fs/binfmt_elf.c:load_elf_phdrs(). */
static int read_phdrs(struct elf_image *img, const struct elf_reader *rd)
{
	size_t entry_size = img->bits == 64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);

	if (img->eh.e_phentsize != entry_size)
		return -ENOEXEC;
	if (img->eh.e_phnum == 0 || img->eh.e_phnum > 65536 / entry_size)
		return -ENOEXEC;
	/* A loff_t cannot be negative: the kernel's read fails with EINVAL, exec with ENOEXEC. */
	if (img->eh.e_phoff > INT64_MAX)
		return -EIO;
	return img->bits == 64 ? read_phdrs64(img, rd) : read_phdrs32(img, rd);
}

/* Source: Linux v6.18 fs/binfmt_elf.c:load_elf_binary(), the loop over PT_INTERP. */
static int read_interp(struct elf_image *img, const struct elf_reader *rd)
{
	const Elf64_Phdr *ph = &img->phdr[img->interp];
	int rc;

	if (ph->p_filesz < 2 || ph->p_filesz > ELF_INTERP_MAX)
		return -ENOEXEC;
	if (ph->p_offset > INT64_MAX)
		return -EINVAL;
	rc = elf_read_full(rd, ph->p_offset, img->interp_path, ph->p_filesz);
	if (!rc && img->interp_path[ph->p_filesz - 1])
		rc = -ENOEXEC;
	if (rc)
		img->interp_path[0] = '\0';
	return rc;
}

/* The tables of DYNAMIC: which tag gives the address, which the size, what they are. */
static const struct dyn_kind {
	int64_t tag, size_tag;
	uint32_t cover;
} dyn_kinds[] = {
	{DT_RELA, DT_RELASZ, ELF_COVER_RELOC},
	{DT_REL, DT_RELSZ, ELF_COVER_RELOC},
	{DT_RELR, DT_RELRSZ, ELF_COVER_RELOC},
	{DT_JMPREL, DT_PLTRELSZ, ELF_COVER_RELOC},
	{DT_STRTAB, DT_STRSZ, ELF_COVER_STRTAB},
	{DT_INIT_ARRAY, DT_INIT_ARRAYSZ, ELF_COVER_INIT},
	{DT_FINI_ARRAY, DT_FINI_ARRAYSZ, ELF_COVER_INIT},
	{DT_PREINIT_ARRAY, DT_PREINIT_ARRAYSZ, ELF_COVER_INIT},
	{DT_SYMTAB, 0, ELF_COVER_SYMTAB},
	{DT_HASH, 0, ELF_COVER_HASH},
	{DT_GNU_HASH, 0, ELF_COVER_HASH},
	{DT_VERSYM, 0, ELF_COVER_VERSION},
	{DT_VERNEED, 0, ELF_COVER_VERSION},
	{DT_VERDEF, 0, ELF_COVER_VERSION},
	{DT_PLTGOT, 0, ELF_COVER_GOT},
};
#define DYN_KINDS (sizeof(dyn_kinds) / sizeof(dyn_kinds[0]))

struct dyn_found {
	uint64_t vaddr[DYN_KINDS], size[DYN_KINDS];
	uint32_t has_vaddr, has_size; /* bit per kind */
	bool needed;
	uint64_t flags_1;
};

static void dyn_entry(struct dyn_found *f, int64_t tag, uint64_t value)
{
	size_t i;

	f->needed |= tag == DT_NEEDED;
	if (tag == DT_FLAGS_1)
		f->flags_1 = value;
	for (i = 0; i < DYN_KINDS; i++) {
		if (dyn_kinds[i].tag == tag) {
			f->vaddr[i] = value;
			f->has_vaddr |= 1u << i;
		} else if (dyn_kinds[i].size_tag == tag) {
			f->size[i] = value;
			f->has_size |= 1u << i;
		}
	}
}

/* Reads DYNAMIC up to DT_NULL from where the file has it; what cannot be read counts as its end. */
static void dyn_scan(struct elf_image *img, const struct elf_reader *rd, struct dyn_found *f)
{
	const Elf64_Phdr *ph = &img->phdr[img->dynamic];
	size_t entry = img->bits == 64 ? sizeof(Elf64_Dyn) : sizeof(Elf32_Dyn);
	uint64_t n = ph->p_filesz / entry, i;
	union {
		Elf64_Dyn d64[WINDOW];
		Elf32_Dyn d32[WINDOW];
	} win;

	if (n > DYN_MAX)
		n = DYN_MAX;
	for (i = 0; i < n; i++) {
		uint64_t left = n - i < WINDOW ? n - i : WINDOW;
		size_t k = i % WINDOW;
		int64_t tag;

		if (k == 0 && elf_read_full(rd, ph->p_offset + i * entry, &win, left * entry))
			return;
		tag = img->bits == 64 ? win.d64[k].d_tag : win.d32[k].d_tag;
		if (tag == DT_NULL)
			return;
		dyn_entry(f, tag, img->bits == 64 ? win.d64[k].d_un.d_val : win.d32[k].d_un.d_val);
	}
}

/* The size of a table that states none: up to the next thing, at most to the end of its LOAD. */
static uint64_t dyn_guess_size(const struct elf_image *img, const struct dyn_found *f, size_t kind)
{
	uint64_t start = f->vaddr[kind], end = 0;
	size_t i;

	for (i = 0; i < img->phdr_len && !end; i++) {
		const Elf64_Phdr *ph = &img->phdr[i];

		if (ph->p_type == PT_LOAD && start - ph->p_vaddr < ph->p_filesz)
			end = ph->p_vaddr + ph->p_filesz;
	}
	for (i = 0; i < DYN_KINDS; i++)
		if (f->has_vaddr & 1u << i && f->vaddr[i] > start && f->vaddr[i] < end)
			end = f->vaddr[i];
	return end > start ? end - start : 0;
}

static void read_dynamic(struct elf_image *img, const struct elf_reader *rd)
{
	struct dyn_found f = {.has_vaddr = 0};
	size_t i;

	dyn_scan(img, rd, &f);
	img->has_needed = f.needed;
	img->flags_1 = f.flags_1;
	for (i = 0; i < DYN_KINDS; i++) {
		uint64_t size;

		if (!(f.has_vaddr & 1u << i))
			continue;
		size = f.has_size & 1u << i ? f.size[i] : dyn_guess_size(img, &f, i);
		/* The GOT ends nowhere in DYNAMIC; its three reserved words are what ld.so writes.
		 */
		if (dyn_kinds[i].tag == DT_PLTGOT)
			size = 3 * (img->bits / 8);
		img->dyn_table[img->dyn_table_len++] = (struct elf_dyn_table){
			.vaddr = f.vaddr[i], .size = size, .cover = dyn_kinds[i].cover};
	}
}

bool elf_is_library(const struct elf_image *img)
{
	if (img->eh.e_type != ET_DYN || img->interp >= 0 || img->dynamic < 0)
		return false;
	return img->has_needed || !(img->flags_1 & DF_1_PIE);
}

static void image_reset(struct elf_image *img, const struct elf_reader *rd)
{
	memset(img, 0, offsetof(struct elf_image, phdr));
	img->file_size = rd->size;
	img->interp = img->dynamic = -1;
}

int elf_parse(struct elf_image *img, const struct elf_reader *rd)
{
	uint32_t i;
	int rc;

	image_reset(img, rd);
	rc = read_header(img, rd);
	if (rc)
		return rc;
	img->phdr_errnum = -read_phdrs(img, rd);
	for (i = 0; i < img->phdr_len; i++) {
		uint32_t type = img->phdr[i].p_type;

		img->load_len += type == PT_LOAD;
		if (type == PT_INTERP && img->interp < 0)
			img->interp = (int)i;
		if (type == PT_DYNAMIC)
			img->dynamic = (int)i;
	}
	if (img->interp >= 0)
		img->interp_errnum = -read_interp(img, rd);
	if (img->dynamic >= 0)
		read_dynamic(img, rd);
	return 0;
}
