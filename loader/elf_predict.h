/*
 * What Linux answers to execve of an ELF file: an errno; death by SIGSEGV after the point of no
 * return; or a running program, with its address space, auxiliary vector, heap and stack.
 *
 * Two phases, as in Linux v6.18 fs/binfmt_elf.c:load_elf_binary(): what is wrong with headers, the
 * program header table, PT_INTERP or the interpreter's headers gives an errno; what fails while
 * mapping kills. The caller opens files and says where the kernel put them; the rules for scripts,
 * arguments and permissions stand in exec_rules.h.
 *
 * LIMIT: ld.so's own work (libraries, relocation, RELRO) is not predicted.
 * LIMIT: a bias that the kernel draws (ASLR, or the first gap below the stack) comes from the
 * caller.
 */
#ifndef LOCKSTEP_LOADER_ELF_PREDICT_H
#define LOCKSTEP_LOADER_ELF_PREDICT_H

#include "loader/elf_layout.h"

/* The kernel's ELF_ET_DYN_BASE, where PIEs begin, before it is aligned. */
#define ELF_DYN_BASE_64 0x555555554aaaull
#define ELF_DYN_BASE_32 0x400000ull

/* Where an image's bias comes from. */
enum elf_bias_rule {
	ELF_BIAS_NONE, /* ET_EXEC: addresses are as the file says */
	ELF_BIAS_PIE,  /* ELF_DYN_BASE, lowered to the largest p_align, + randomness */
	ELF_BIAS_MMAP, /* the kernel's free choice, below the stack */
	ELF_BIAS_HINT, /* interpreter of an ET_EXEC: its own p_vaddr if that is free and not 0 */
	ELF_BIAS_ZERO, /* static PIE whose first LOAD has no file bytes: mapped at address 0 */
};
enum elf_bias_rule elf_exe_bias_rule(const struct elf_image *exe);
enum elf_bias_rule elf_interp_bias_rule(
	const struct elf_image *interp, const struct elf_image *exe, uint64_t exe_bias);
/* The bias of ELF_BIAS_PIE without randomness; 0 for ELF_BIAS_NONE; what makes the first page 0 for
 * ELF_BIAS_ZERO. Not for the other rules. */
uint64_t elf_fixed_bias(const struct elf_image *exe, const struct elf_env *env);
/* What a bias is a multiple of, less the first LOAD's page: the largest p_align where the kernel
 * honours it, else the page size. */
uint64_t elf_bias_align(const struct elf_image *exe, const struct elf_env *env);

struct elf_program {
	const struct elf_image *exe;
	/* Only looked at when the exe has a readable PT_INTERP: */
	int interp_errnum; /* what opening it for exec gave (ENOENT, EACCES, ETXTBSY ...), or 0 */
	const struct elf_image *interp; /* elf_parse'd, whatever that returned */
	uint64_t exe_bias, interp_bias;
};

enum elf_fate {
	ELF_FAILS,  /* execve returns errnum */
	ELF_KILLED, /* the process dies by SIGSEGV inside execve */
	ELF_FAULTS, /* execve succeeds; the first instruction raises signal */
	ELF_RUNS,   /* execve succeeds; the first instruction can be fetched */
};

struct elf_prediction {
	enum elf_fate fate;
	int errnum;	 /* ELF_FAILS */
	int signal;	 /* ELF_KILLED, ELF_FAULTS */
	const char *why; /* in words; NULL when all is well */
	uint8_t which;	 /* whose fault */
	int segment;	 /* index into phdr[], or -1 */

	/* The rest holds for ELF_FAULTS and ELF_RUNS. */
	uint64_t entry; /* of the first instruction: the interpreter's where there is one */
	uint64_t at_phdr, at_base, at_entry;
	uint16_t at_phent, at_phnum;
	uint64_t brk_min, brk_max; /* the first program break lies in [min, max] */
	uint8_t stack_prot;
	bool read_implies_exec;
};

/*
 * Fills out and, unless it fails, l (empty, with room ELF_LAYOUT_MAX to be sure). 0, or -E2BIG when
 * l is too small.
 */
int elf_predict(const struct elf_program *prog, const struct elf_env *env, struct elf_layout *l,
	struct elf_prediction *out);

/* The most program headers that this kernel takes. */
uint32_t elf_phnum_limit(const struct elf_image *img, const struct elf_env *env);

/* The types of the auxiliary vector in their order, AT_NULL included, for a 64-bit program. Their
 * number; at most max are stored. */
size_t elf_auxv_types(const struct elf_env *env, uint8_t *out, size_t max);

#endif
