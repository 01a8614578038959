/*
 * Reading an ELF file's headers: what the kernel's loader looks at, what ld.so looks at first, and
 * what the lint needs. Pure: bytes come through a callback, nothing is allocated, nothing is
 * assumed about the file. Everything in the file is hostile; every field is kept as found.
 *
 * Like Linux v6.18 fs/binfmt_elf.c it chooses the layout of the headers by e_machine, not by
 * EI_CLASS, pads a short header with zeroes, and takes phdrs from wherever e_phoff points.
 *
 * LIMIT: x86-64 and i386 files are understood to the end; of other machines only the headers.
 * LIMIT: little-endian only (the kernel ignores EI_DATA, and so do we).
 */
#ifndef LOCKSTEP_LOADER_ELF_PARSE_H
#define LOCKSTEP_LOADER_ELF_PARSE_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Where the bytes come from. `read` puts at most n bytes of the file at `off` into buf and returns
 * how many (0 at the end of the file) or a negative errno. It may return fewer than asked. `size`
 * is the file's size in bytes, which decides what lies past its end.
 */
struct elf_reader {
	ssize_t (*read)(void *ctx, uint64_t off, void *buf, size_t n);
	void *ctx;
	uint64_t size;
};

/* The most program headers that any kernel takes: 64 KiB of Elf32_Phdr. */
#define ELF_PHDR_MAX 2048
/* PATH_MAX, which the kernel allows PT_INTERP to have with its NUL. */
#define ELF_INTERP_MAX 4096
/* Tables that DYNAMIC names. */
#define ELF_DYN_TABLE_MAX 16

/* What of an ELF a range of addresses holds; bits. */
enum elf_cover {
	ELF_COVER_EHDR = 1 << 0,
	ELF_COVER_PHDR = 1 << 1,
	ELF_COVER_INTERP = 1 << 2,
	ELF_COVER_DYNAMIC = 1 << 3,
	ELF_COVER_RELRO = 1 << 4,
	ELF_COVER_TLS = 1 << 5,
	ELF_COVER_NOTE = 1 << 6, /* PT_NOTE and PT_GNU_PROPERTY */
	ELF_COVER_EH_FRAME = 1 << 7,
	ELF_COVER_RELOC = 1 << 8, /* DT_RELA, DT_REL, DT_RELR, DT_JMPREL */
	ELF_COVER_SYMTAB = 1 << 9,
	ELF_COVER_STRTAB = 1 << 10,
	ELF_COVER_HASH = 1 << 11,    /* DT_HASH, DT_GNU_HASH */
	ELF_COVER_VERSION = 1 << 12, /* DT_VERSYM, DT_VERNEED, DT_VERDEF */
	ELF_COVER_INIT = 1 << 13,    /* init, fini and preinit arrays */
	ELF_COVER_GOT = 1 << 14,     /* from DT_PLTGOT */
	ELF_COVER_ENTRY = 1 << 15,
	ELF_COVER_LOAD = 1 << 16, /* bytes that a PT_LOAD declares: [p_vaddr, p_vaddr + p_memsz) */
	ELF_COVER_BITS = 17,
};

/* A table named by DYNAMIC, at its address before relocation. */
struct elf_dyn_table {
	uint64_t vaddr;
	uint64_t size;	/* bytes; where DYNAMIC does not say, up to the next table */
	uint32_t cover; /* one bit of enum elf_cover */
};

/*
 * A parsed file, about 120 KiB; only the first phdr_len headers of it are written. Immutable after
 * elf_parse; may then be read from any thread.
 */
struct elf_image {
	uint64_t file_size;
	bool is_elf;	      /* begins with the magic number; without it all else is 0 or -1 */
	uint32_t header_size; /* bytes of the ELF header that the file has; the rest are zeroes */
	uint8_t bits;	      /* 64 or 32: the layout in which the headers were read */
	Elf64_Ehdr eh;	      /* widened when bits is 32 */
	uint32_t phdr_len;    /* headers held: e_phnum, or fewer when phdr_errnum says why */
	/* 0; ENOEXEC: e_phentsize or e_phnum that no kernel takes; EIO: the file ends before the
	 * table does; or what the reader said */
	int phdr_errnum;
	uint32_t load_len; /* PT_LOADs among those held */

	int interp; /* index of the first PT_INTERP, which is the one that counts; or -1 */
	/* What reading it gives: 0, ENOEXEC (size or no final NUL), EIO (past the end of the file)
	 */
	int interp_errnum;
	char interp_path[ELF_INTERP_MAX]; /* "" unless interp_errnum is 0 */

	int dynamic;	  /* index of the last PT_DYNAMIC (the one ld.so takes), or -1 */
	bool has_needed;  /* DT_NEEDED */
	uint64_t flags_1; /* DT_FLAGS_1 */
	uint32_t dyn_table_len;
	struct elf_dyn_table dyn_table[ELF_DYN_TABLE_MAX];

	Elf64_Phdr phdr[ELF_PHDR_MAX]; /* widened when bits is 32 */
};

/*
 * Fills img. 0 when the file begins with the ELF magic number: then even a cut or senseless file
 * has given an image, and its *_errnum fields say what is wrong. -ENODATA: empty; -ENOEXEC: not an
 * ELF file; otherwise what the reader returned.
 */
int elf_parse(struct elf_image *img, const struct elf_reader *rd);

/* A library, which ld.so loads and the kernel never does: ET_DYN that asks for no interpreter and
 * is no static PIE. (ld.so itself counts as one.) */
bool elf_is_library(const struct elf_image *img);

/* What lies in [vaddr, vaddr + size), addresses before relocation (without the bias). */
uint32_t elf_covers(const struct elf_image *img, uint64_t vaddr, uint64_t size);
/* "DYNAMIC" for ELF_COVER_DYNAMIC and so on; NULL for what is no single bit. */
const char *elf_cover_name(uint32_t bit);

/* A section, where the file has section headers. */
struct elf_section {
	char name[64]; /* cut when longer; "" when unreadable */
	uint32_t type;
	uint64_t flags, vaddr, offset, size;
};
/*
 * The allocated sections that share bytes with [vaddr, vaddr + size), at most max of them; read
 * anew through rd each time. Their number, or negative errno of the reader. 0 for a stripped table.
 */
int elf_sections(const struct elf_image *img, const struct elf_reader *rd, uint64_t vaddr,
	uint64_t size, struct elf_section *out, size_t max);

/* Reads exactly n bytes; -EIO when the file ends before. */
int elf_read_full(const struct elf_reader *rd, uint64_t off, void *buf, size_t n);

/* A reader of a byte range in memory; mem must stay. */
struct elf_mem {
	const void *data;
	size_t size;
};
struct elf_reader elf_reader_mem(struct elf_mem *mem);

#endif
