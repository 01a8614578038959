/*
 * What in an ELF file is known to break somewhere: on Linux itself, on an older Linux, in ld.so, or
 * in an emulator that does not follow Linux to the letter. Each rule says what and where.
 *
 * Pure, and linear but for overlaps (quadratic in PT_LOADs, of which there are at most
 * ELF_PHDR_MAX). A file that linkers make in their usual way has no findings of WARN or ERROR.
 */
#ifndef LOCKSTEP_LOADER_ELF_LINT_H
#define LOCKSTEP_LOADER_ELF_LINT_H

#include "loader/elf_layout.h"

enum elf_severity {
	ELF_INFO,  /* worth knowing, harmless by itself */
	ELF_WARN,  /* runs on Linux today; known to break elsewhere */
	ELF_ERROR, /* fails on Linux */
};

struct elf_rule {
	const char *id; /* stable: "dynamic-ext-rw" */
	enum elf_severity severity;
	const char *what;   /* what is the matter */
	const char *breaks; /* what breaks, and where */
};

struct elf_finding {
	const struct elf_rule *rule;
	int segment; /* index into phdr[], or -1 */
	uint64_t vaddr,
		size;	/* the bytes concerned, before relocation; size 0: none in particular */
	char text[160]; /* this case in words */
};

/* Findings in the order of segments, at most max stored; returns how many there are. Scratch is
 * room for the layout, ELF_LAYOUT_MAX pieces to be sure; with less, page-level rules may be left
 * out. */
size_t elf_lint(const struct elf_image *img, const struct elf_env *env, struct elf_layout *scratch,
	struct elf_finding *out, size_t max);

/* All rules, for documentation; *n is their number. */
const struct elf_rule *elf_lint_rules(size_t *n);

const char *elf_severity_name(enum elf_severity s); /* "info", "warn", "error" */

/* Where PT_DYNAMIC lies with regard to PT_LOADs. */
enum elf_dynamic_place {
	ELF_DYN_NONE,	 /* there is no PT_DYNAMIC */
	ELF_DYN_INSIDE,	 /* within what one PT_LOAD declares */
	ELF_DYN_EXT_RW,	 /* in the rest of a writable PT_LOAD's page: Linux has the file's bytes
			    there */
	ELF_DYN_EXT_R,	 /* in the rest of a page that is not writable, or zeroed, or across an edge
			  */
	ELF_DYN_OUTSIDE, /* where nothing is mapped */
};
enum elf_dynamic_place elf_dynamic_place(
	const struct elf_image *img, const struct elf_env *env, struct elf_layout *scratch);

#endif
