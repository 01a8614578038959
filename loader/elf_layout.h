/*
 * What Linux makes of PT_LOADs: the address space after exec, piece by piece, and which rule
 * decides each piece's bytes. The fast half of the prediction (elf_predict.h has errno, auxv and
 * the rest): cheap enough for every exec of a traced program; no allocation, no I/O.
 *
 * The caller gives the load bias (from AT_PHDR, AT_ENTRY or AT_BASE, or from maps) and the array.
 *
 *	struct elf_piece piece[ELF_LAYOUT_SMALL];
 *	struct elf_layout l = {.piece = piece, .max = ELF_LAYOUT_SMALL};
 *	rc = elf_layout_add(&l, exe, &env, bias, ELF_EXE);
 *	if (!rc && interp)
 *		rc = elf_layout_add(&l, interp, &env, interp_bias, ELF_INTERP);
 *	n = elf_tails(&l, tails, ARRAY_LEN(tails));
 *
 * Source: Linux v6.18 fs/binfmt_elf.c:elf_load(), and load_elf_binary() before 6.7.
 */
#ifndef LOCKSTEP_LOADER_ELF_LAYOUT_H
#define LOCKSTEP_LOADER_ELF_LAYOUT_H

#include "loader/elf_parse.h"

#define ELF_KERNEL(major, minor) ((uint32_t)(major) << 16 | (uint32_t)(minor))

/* The largest user address + 1 with four-level page tables, and of i386 processes on x86-64. */
#define ELF_TASK_SIZE_64 0x7ffffffff000ull
#define ELF_TASK_SIZE_32 0xffffe000ull

/*
 * The machine and the process that calls execve. elf_env_default() gives Linux 6.18 as root with
 * nothing limited. Sizes in bytes; ~0 is unlimited.
 */
struct elf_env {
	uint32_t kernel;    /* ELF_KERNEL(6, 18) */
	uint32_t page_size; /* a power of two */
	bool low_pages;	    /* may map below min_addr: CAP_SYS_RAWIO */
	uint64_t min_addr;  /* vm.mmap_min_addr */
	uint64_t task_size; /* for 64-bit images; ELF_TASK_SIZE_64 unless the kernel has LA57 */
	uint8_t randomize;  /* kernel.randomize_va_space; 0 when the personality forbids it */
	bool page_zero;	    /* personality MMAP_PAGE_ZERO */
	bool i386;	    /* the kernel runs i386 programs (CONFIG_IA32_EMULATION) */
	uint64_t rlimit_as, rlimit_data, rlimit_stack;
	uint64_t commit_limit;		 /* the largest single mapping that overcommit allows */
	uint64_t stack_start, stack_end; /* the stack's VMA at exec; 0, 0 when unknown */
};
struct elf_env elf_env_default(void);

enum elf_which { ELF_EXE = 0, ELF_INTERP = 1, ELF_NEITHER = 2 };

/* Whose rule decides the bytes of a piece. */
enum elf_role {
	ELF_BODY,     /* [p_vaddr, p_vaddr + p_filesz): what the segment asked for */
	ELF_HEAD,     /* from the start of the page to p_vaddr: file bytes before p_offset */
	ELF_TAIL,     /* from p_vaddr + p_filesz to the end of that page */
	ELF_BSS,      /* whole anonymous pages behind that */
	ELF_PAGEZERO, /* MMAP_PAGE_ZERO's page */
	ELF_GAP,      /* ld.so only: between segments, mapped without access */
};

enum elf_content {
	ELF_FILE,     /* the file's bytes at file_offset */
	ELF_ZERO,     /* zeroes that the kernel wrote into a page of the file's mapping */
	ELF_ANON,     /* zeroes of an anonymous page */
	ELF_PAST_EOF, /* zeroes behind the file's last byte, in its last page */
	ELF_SIGBUS,   /* pages wholly past the end of the file: touching them is SIGBUS */
};

/* Bytes [start, end) that have one origin. */
struct elf_piece {
	uint64_t start, end;
	uint64_t file_offset; /* of start, in the mapping; meaningless for ELF_ANON */
	uint16_t segment;     /* index into phdr[] */
	uint8_t which;	      /* enum elf_which */
	uint8_t role;	      /* enum elf_role */
	uint8_t content;      /* enum elf_content */
	uint8_t prot;	      /* PROT_READ | PROT_WRITE | PROT_EXEC of the VMA */
	bool was_writable; /* mprotected since: the kernel does not merge it with what never was */
};

/* Room that is enough for the files that linkers make. */
#define ELF_LAYOUT_SMALL 128
/* Room that is always enough for an exe and its interpreter. */
#define ELF_LAYOUT_MAX (2 * 10 * ELF_PHDR_MAX + 8)

/* Pieces in ascending order, none overlapping. Owned by the caller. */
struct elf_layout {
	struct elf_piece *piece;
	size_t len, max;
	/* The exe makes readable mappings executable as well (i386 without PT_GNU_STACK). */
	bool read_implies_exec;
	/* Where the kernel gave up, when elf_layout_add said -EFAULT: for words to the user. */
	const char *why;
	uint16_t why_segment;
};

/*
 * Adds an image at a bias (0 for ET_EXEC), replacing what is there, as the kernel would: in table
 * order. 0; -EFAULT: mapping fails, the process dies by SIGSEGV after the point of no return
 * (l->why says where); -E2BIG: max is too small for this file.
 */
int elf_layout_add(struct elf_layout *l, const struct elf_image *img, const struct elf_env *env,
	uint64_t bias, enum elf_which which);

/*
 * The same by the rules of ld.so (glibc 2.36 elf/dl-map-segments.h), for a library at a bias, after
 * RELRO was protected. They differ: bss is zeroed up to p_memsz only, whatever the permissions; its
 * pages have the segment's; holes are mapped without access; p_memsz < p_filesz is accepted.
 * -EFAULT: ld.so refuses the file.
 */
int elf_layout_add_ldso(struct elf_layout *l, const struct elf_image *img,
	const struct elf_env *env, uint64_t bias);

/* The piece that holds an address, or NULL. */
const struct elf_piece *elf_layout_at(const struct elf_layout *l, uint64_t addr);

/* A range at a segment's boundary whose content the loader's rule decides. */
struct elf_tail {
	uint64_t address, size;
	uint64_t file_offset; /* what the file has there; with expect_zero, what it would have been
			       */
	uint16_t segment;
	uint8_t which;	  /* enum elf_which */
	uint8_t role;	  /* ELF_HEAD, ELF_TAIL or ELF_BSS */
	bool expect_zero; /* else: the bytes of the file at file_offset */
	bool file_backed; /* false: anonymous memory, file_offset says nothing */
	uint8_t prot;
};
/*
 * The boundary ranges of a layout, in ascending order, without what would be SIGBUS. ELF_BSS
 * ranges can be as large as the address space: read as much of them as is worth it. Returns their
 * number, at most max (a layout has no more of them than pieces).
 */
size_t elf_tails(const struct elf_layout *l, struct elf_tail *out, size_t max);

/* A line of /proc/PID/maps: neighbours that the kernel merges are one. */
struct elf_vma {
	uint64_t start, end;
	uint64_t file_offset; /* 0 for anonymous ones */
	uint8_t which;	      /* whose file; ELF_NEITHER for anonymous memory */
	uint8_t prot;
	bool was_writable; /* as in struct elf_piece */
};
size_t elf_vmas(const struct elf_layout *l, struct elf_vma *out, size_t max);

/* Whether exec of this image sets READ_IMPLIES_EXEC. Linux v6.18 arch/x86/include/asm/elf.h. */
bool elf_read_implies_exec(const struct elf_image *img, const struct elf_env *env);
/* Whether the image is loaded as a 64-bit program, and where its address space ends. */
uint64_t elf_task_size(const struct elf_image *img, const struct elf_env *env);

/* max - min over all PT_LOADs as the kernel counts it (before 5.18: last - first); 0 without one.
 */
uint64_t elf_span(const struct elf_image *img, const struct elf_env *env);
/* PAGESTART of the first PT_LOAD's p_vaddr: where a mapping chosen by the kernel begins, less the
 * bias. */
uint64_t elf_first_vaddr(const struct elf_image *img, const struct elf_env *env);

#endif
