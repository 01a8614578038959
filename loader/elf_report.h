/*
 * All that `lockstep elf` says of one file: read, predicted, linted; and its two ways of saying it.
 * This part of loader/ does I/O. Not for the recorder.
 */
#ifndef LOCKSTEP_LOADER_ELF_REPORT_H
#define LOCKSTEP_LOADER_ELF_REPORT_H

#include "common/buf.h"
#include "common/err.h"
#include "loader/elf_lint.h"
#include "loader/elf_predict.h"

#define ELF_REPORT_FINDINGS 512

/* A reader of an open regular file (pread); the descriptor at *fd stays the caller's. */
int elf_reader_fd(struct elf_reader *rd, const int *fd);

struct elf_report {
	const char *path;
	struct elf_env env;
	bool library; /* by ld.so's rules */
	struct elf_image *exe, *interp;
	struct elf_layout pages;	/* the exe alone, at `bias` */
	struct elf_layout interp_pages; /* the interpreter alone, at 0 */
	uint64_t bias;			/* what addresses of the file are moved by in `pages` */
	enum elf_bias_rule bias_rule;
	struct elf_prediction verdict; /* libraries: ELF_RUNS, or ELF_FAILS with why, no errno */
	size_t finding_len;	       /* there are; at most ELF_REPORT_FINDINGS are stored */
	struct elf_finding finding[ELF_REPORT_FINDINGS];
};

/*
 * Reads a file and judges it under env. 0, or negative errno with e set: not readable, not regular,
 * empty, not ELF, cut within its headers. To be freed by elf_report_free, never twice.
 */
int elf_report_new(
	struct elf_report **out, const char *path, const struct elf_env *env, struct err *e);
void elf_report_free(struct elf_report *r);
/* Whether anything of severity WARN or ERROR was found. */
bool elf_report_bad(const struct elf_report *r);

/* One lockstep.elf/1 object and a newline. */
void elf_report_json(const struct elf_report *r, struct buf *out);
/* For people; `quiet`: the verdict and the findings only. */
void elf_report_text(const struct elf_report *r, bool colour, bool quiet, struct buf *out);

/* Names that both share: "PT_LOAD", "exe ...". Unknown ones are written into buf. */
const char *elf_phdr_type_name(uint32_t type, char buf[24]);
const char *elf_kind_name(const struct elf_report *r);
const char *elf_role_name(uint8_t role);
const char *elf_content_name(uint8_t content);
void elf_prot_text(uint8_t prot, char out[4]);
/* "execve returns ENOEXEC: ..." in one line, without a newline. */
void elf_verdict_text(const struct elf_report *r, struct buf *out);

#endif
