/*
 * Keeping a struct elf_layout in order: ascending, nothing overlapping. For loader/ alone. A
 * failure
 * (-E2BIG) leaves a valid list that lacks something.
 */
#ifndef LOCKSTEP_LOADER_ELF_PIECES_H
#define LOCKSTEP_LOADER_ELF_PIECES_H

#include "loader/elf_layout.h"

/* Moves the piece's start up, its file offset with it. */
void piece_cut_front(struct elf_piece *p, uint64_t start);
/* Removes whatever is in [start, end): munmap. */
int pieces_clear(struct elf_layout *l, uint64_t start, uint64_t end);
/* Puts a piece in place of what is there. Empty pieces are nothing. */
int pieces_put(struct elf_layout *l, const struct elf_piece *p);
/* Puts a piece of a file mapping, in at most three: the file, past its end, SIGBUS. */
int pieces_put_file(struct elf_layout *l, const struct elf_image *img, const struct elf_env *env,
	struct elf_piece p);
/* Changes the permissions of what is in [start, end): mprotect. */
int pieces_protect(struct elf_layout *l, uint64_t start, uint64_t end, uint8_t prot);

#endif
