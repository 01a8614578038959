/*
 * Building small ELF files by hand, for tests: any header, any phdrs, a few bytes of code, and a
 * body whose every byte is known and never 0, so that kept and zeroed bytes cannot be confused.
 * Errors (no memory, no disk) end the test program.
 */
#ifndef LOCKSTEP_LOADER_TESTS_ELF_BUILD_H
#define LOCKSTEP_LOADER_TESTS_ELF_BUILD_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BUILD_PHDR_MAX 2100

struct elf_build {
	int bits;      /* 64 or 32: how headers are written */
	uint8_t *data; /* the body; headers are put over it when it is written */
	size_t size;   /* bytes of file; may be lowered to cut it */
	size_t room;   /* bytes at data */
	Elf64_Ehdr eh; /* e_phnum is set from phdr_len unless it is not 0 */
	int phentsize; /* written instead of the right one when not 0 */
	uint32_t phdr_len;
	Elf64_Phdr phdr[BUILD_PHDR_MAX];
};

/* A file of `size` patterned bytes with a proper header and no phdrs. */
void build_init(struct elf_build *b, int bits, uint16_t type, size_t size);
void build_fini(struct elf_build *b);
/* The byte that the pattern has at a file offset. */
uint8_t build_pattern(uint64_t off);

Elf64_Phdr *build_phdr(struct elf_build *b, uint32_t type, uint32_t flags, uint64_t off,
	uint64_t vaddr, uint64_t filesz, uint64_t memsz);
Elf64_Phdr *build_load(struct elf_build *b, uint32_t flags, uint64_t off, uint64_t vaddr,
	uint64_t filesz, uint64_t memsz);
void build_put(struct elf_build *b, uint64_t off, const void *bytes, size_t n);
/* Code: exit(status). */
void build_exit(struct elf_build *b, uint64_t off, uint8_t status);
/* Code: read a byte at an absolute address, then exit(status). 64-bit only. */
void build_touch(struct elf_build *b, uint64_t off, uint64_t addr, uint8_t status);
/* Code: exit(argc). 64-bit only. */
void build_exit_argc(struct elf_build *b, uint64_t off);
/* Code: spin for ever. */
void build_spin(struct elf_build *b, uint64_t off);
/* PT_INTERP with the path at a file offset. */
Elf64_Phdr *build_interp(struct elf_build *b, uint64_t off, const char *path);

/* Puts the headers over the body. Done by build_write; afterwards data is the file. */
void build_finish(struct elf_build *b);
void build_write(struct elf_build *b, const char *path, unsigned int mode);

#endif
