/* See elf_report.h: reading and judging. */
#include "loader/elf_report.h"

#include "common/cleanup.h"
#include "loader/exec_rules.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* Where an interpreter goes in the combined prediction; any free place would do. */
#define INTERP_PLACE_64 0x7ffff7c00000ull
#define INTERP_PLACE_32 0xf7c00000ull

static ssize_t fd_read(void *ctx, uint64_t off, void *buf, size_t n)
{
	ssize_t got = off > INT64_MAX ? 0 : pread(*(const int *)ctx, buf, n, (off_t)off);

	return got < 0 ? -errno : got;
}

int elf_reader_fd(struct elf_reader *rd, const int *fd)
{
	struct stat st;

	if (fstat(*fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	*rd = (struct elf_reader){fd_read, (void *)fd, (uint64_t)st.st_size};
	return 0;
}

static int open_error(struct err *e, const char *path, int rc)
{
	if (rc == -EISDIR)
		return err_set(e, -rc, "%s: is a directory; name an ELF file in it", path);
	if (rc == -EINVAL)
		return err_set(e, -rc, "%s: is not a regular file", path);
	if (rc == -EACCES)
		return err_set(
			e, -rc, "%s: cannot be read; check its permissions, or run as root", path);
	return err_set(e, -rc, "%s: cannot be read: %s", path, strerror(-rc));
}

/* A file that was cut, or is none, told from one that is merely odd. */
static int check_image(const struct elf_image *img, int rc, const char *path, struct err *e)
{
	uint32_t header = img->bits == 32 ? sizeof(Elf32_Ehdr) : sizeof(Elf64_Ehdr);

	if (rc == -ENODATA)
		return err_set(e, ENODATA, "%s: is empty", path);
	if (rc == -ENOEXEC)
		return err_set(e, ENOEXEC,
			"%s: is not an ELF file (it does not begin with \\177ELF)", path);
	if (rc)
		return open_error(e, path, rc);
	if (img->header_size < header)
		return err_set(e, ENODATA,
			"%s: is cut: %u of the ELF header's %u bytes are there; get it anew", path,
			img->header_size, header);
	if (img->phdr_errnum == EIO)
		return err_set(e, ENODATA,
			"%s: is cut: %u program headers at 0x%" PRIx64
			" do not fit into its %" PRIu64 " bytes; get it anew",
			path, img->eh.e_phnum, img->eh.e_phoff, img->file_size);
	return 0;
}

static int read_exe(struct elf_report *r, struct err *e)
{
	CLEANUP(fd) int fd = open(r->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct elf_reader rd;
	int rc = fd < 0 ? -errno : elf_reader_fd(&rd, &fd);

	if (rc)
		return open_error(e, r->path, rc);
	rc = elf_parse(r->exe, &rd);
	return check_image(r->exe, rc, r->path, e);
}

/* The interpreter as execve would find it: 0, or the errno it gives. */
static int read_interp(struct elf_report *r)
{
	const char *path = r->exe->interp_path;
	CLEANUP(fd) int fd = -1;
	struct exec_file f = {.exists = false};
	struct elf_reader rd;
	struct stat st;
	int errnum;

	if (r->exe->interp < 0 || r->exe->interp_errnum)
		return 0;
	if (stat(path, &st) == 0) {
		f.exists = true;
		f.is_regular = S_ISREG(st.st_mode);
		f.may_execute = access(path, X_OK) == 0;
	} else if (errno != ENOENT) {
		return errno;
	}
	errnum = exec_open_errnum(path, &f);
	if (errnum)
		return errnum;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || elf_reader_fd(&rd, &fd))
		return EACCES;
	elf_parse(r->interp, &rd);
	return 0;
}

/* ---- judging ---- */

static void judge_library(struct elf_report *r)
{
	int rc = elf_layout_add_ldso(&r->pages, r->exe, &r->env, r->bias);

	r->verdict = (struct elf_prediction){.fate = rc ? ELF_FAILS : ELF_RUNS,
		.why = rc ? r->pages.why : NULL,
		.segment = rc ? r->pages.why_segment : -1};
}

/* The combined prediction needs a layout of its own; only its verdict is kept. */
static int judge_program(struct elf_report *r, int interp_errnum)
{
	CLEANUP(free) struct elf_piece *piece = malloc(ELF_LAYOUT_MAX * sizeof(*piece));
	struct elf_layout both = {.piece = piece, .max = ELF_LAYOUT_MAX};
	struct elf_program p = {.exe = r->exe,
		.interp = r->interp,
		.interp_errnum = interp_errnum,
		.exe_bias = r->bias};

	if (!piece)
		return -ENOMEM;
	if (r->interp->is_elf && elf_interp_bias_rule(r->interp, r->exe, r->bias) == ELF_BIAS_MMAP)
		p.interp_bias = r->exe->bits == 64 ? INTERP_PLACE_64 : INTERP_PLACE_32;
	return elf_predict(&p, &r->env, &both, &r->verdict);
}

static int judge(struct elf_report *r, int interp_errnum)
{
	size_t n = ELF_REPORT_FINDINGS;
	int rc = 0;

	r->bias_rule = elf_exe_bias_rule(r->exe);
	r->bias = elf_fixed_bias(r->exe, &r->env);
	r->finding_len = elf_lint(r->exe, &r->env, &r->pages, r->finding, n);
	r->pages.len = 0;
	if (r->library) {
		judge_library(r);
	} else {
		rc = judge_program(r, interp_errnum);
		/* As far as it goes, where mapping fails. */
		if (r->verdict.fate != ELF_FAILS)
			elf_layout_add(&r->pages, r->exe, &r->env, r->bias, ELF_EXE);
	}
	if (r->interp->is_elf && !interp_errnum)
		elf_layout_add(&r->interp_pages, r->interp, &r->env, 0, ELF_INTERP);
	return rc;
}

static int layout_new(struct elf_layout *l)
{
	l->max = ELF_LAYOUT_MAX;
	l->piece = malloc(l->max * sizeof(*l->piece));
	return l->piece ? 0 : -ENOMEM;
}

int elf_report_new(
	struct elf_report **out, const char *path, const struct elf_env *env, struct err *e)
{
	struct elf_report *r = calloc(1, sizeof(*r));
	int rc;

	*out = r;
	if (!r)
		return err_set(e, ENOMEM, "out of memory");
	r->path = path;
	r->env = *env;
	r->exe = calloc(1, sizeof(*r->exe));
	r->interp = calloc(1, sizeof(*r->interp));
	if (!r->exe || !r->interp || layout_new(&r->pages) || layout_new(&r->interp_pages))
		return err_set(e, ENOMEM, "out of memory");
	rc = read_exe(r, e);
	if (rc)
		return rc;
	r->library = elf_is_library(r->exe);
	rc = judge(r, read_interp(r));
	return rc ? err_set(e, -rc, "%s: %s", path, strerror(-rc)) : 0;
}

void elf_report_free(struct elf_report *r)
{
	if (!r)
		return;
	free(r->exe);
	free(r->interp);
	free(r->pages.piece);
	free(r->interp_pages.piece);
	free(r);
}

bool elf_report_bad(const struct elf_report *r)
{
	size_t i, n = r->finding_len;

	if (n > ELF_REPORT_FINDINGS)
		n = ELF_REPORT_FINDINGS;
	for (i = 0; i < n; i++)
		if (r->finding[i].rule->severity >= ELF_WARN)
			return true;
	return r->verdict.fate != ELF_RUNS;
}

/* ---- names ---- */

const char *elf_phdr_type_name(uint32_t type, char buf[24])
{
	static const struct {
		uint32_t type;
		const char *name;
	} names[] = {{PT_NULL, "NULL"}, {PT_LOAD, "LOAD"}, {PT_DYNAMIC, "DYNAMIC"},
		{PT_INTERP, "INTERP"}, {PT_NOTE, "NOTE"}, {PT_SHLIB, "SHLIB"}, {PT_PHDR, "PHDR"},
		{PT_TLS, "TLS"}, {PT_GNU_EH_FRAME, "GNU_EH_FRAME"}, {PT_GNU_STACK, "GNU_STACK"},
		{PT_GNU_RELRO, "GNU_RELRO"}, {PT_GNU_PROPERTY, "GNU_PROPERTY"}};
	size_t i;

	for (i = 0; i < ARRAY_LEN(names); i++)
		if (names[i].type == type)
			return names[i].name;
	snprintf(buf, 24, "0x%x", type);
	return buf;
}

const char *elf_kind_name(const struct elf_report *r)
{
	if (r->library)
		return "library";
	if (r->exe->eh.e_type == ET_EXEC)
		return r->exe->interp >= 0 ? "executable" : "static executable";
	if (r->exe->eh.e_type == ET_DYN)
		return r->exe->interp >= 0 ? "PIE" : "static PIE";
	return r->exe->eh.e_type == ET_REL    ? "object file"
	       : r->exe->eh.e_type == ET_CORE ? "core dump"
					      : "unknown type";
}

const char *elf_role_name(uint8_t role)
{
	static const char *const names[] = {[ELF_BODY] = "body",
		[ELF_HEAD] = "head",
		[ELF_TAIL] = "tail",
		[ELF_BSS] = "bss",
		[ELF_PAGEZERO] = "page-zero",
		[ELF_GAP] = "gap"};

	return role < ARRAY_LEN(names) ? names[role] : "?";
}

const char *elf_content_name(uint8_t content)
{
	static const char *const names[] = {[ELF_FILE] = "file",
		[ELF_ZERO] = "zeroed",
		[ELF_ANON] = "anonymous",
		[ELF_PAST_EOF] = "past-eof",
		[ELF_SIGBUS] = "sigbus"};

	return content < ARRAY_LEN(names) ? names[content] : "?";
}

void elf_prot_text(uint8_t prot, char out[4])
{
	out[0] = prot & PROT_READ ? 'r' : '-';
	out[1] = prot & PROT_WRITE ? 'w' : '-';
	out[2] = prot & PROT_EXEC ? 'x' : '-';
	out[3] = '\0';
}

static void library_verdict(const struct elf_report *r, struct buf *out)
{
	if (r->verdict.fate == ELF_RUNS)
		buf_add_str(out, "a library: ld.so maps it, by its own rules");
	else
		buf_printf(out, "a library that ld.so refuses: %s", r->verdict.why);
}

void elf_verdict_text(const struct elf_report *r, struct buf *out)
{
	const struct elf_prediction *v = &r->verdict;

	if (r->library) {
		library_verdict(r, out);
		return;
	}
	switch (v->fate) {
	case ELF_FAILS:
		buf_printf(out, "execve returns %s", strerrorname_np(v->errnum));
		break;
	case ELF_KILLED:
		buf_printf(out, "execve kills the process with SIG%s", sigabbrev_np(v->signal));
		break;
	case ELF_FAULTS:
		buf_printf(out, "starts, and dies of SIG%s at its first instruction",
			sigabbrev_np(v->signal));
		break;
	case ELF_RUNS:
		buf_add_str(out, "starts");
		break;
	}
	if (v->why)
		buf_printf(out, ": %s", v->why);
	if (v->why && v->segment >= 0)
		buf_printf(out, " (segment %d of the %s)", v->segment,
			v->which == ELF_INTERP ? "interpreter" : "file");
}
