/* See elf_predict.h. */
#include "loader/elf_pieces.h"
#include "loader/elf_predict.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>

/* arch_randomize_brk adds less than this. Linux v6.18 arch/x86/kernel/process.c. */
#define BRK_RANDOM_64 (1ull << 30)
#define BRK_RANDOM_32 (32ull << 20)

static uint64_t page_start(const struct elf_env *env, uint64_t a)
{
	return a & ~((uint64_t)env->page_size - 1);
}

static uint64_t page_align(const struct elf_env *env, uint64_t a)
{
	return page_start(env, a + env->page_size - 1);
}

static const Elf64_Phdr *first_load(const struct elf_image *img)
{
	uint32_t i;

	for (i = 0; i < img->phdr_len; i++)
		if (img->phdr[i].p_type == PT_LOAD)
			return &img->phdr[i];
	return NULL;
}

/* ---- where things go ---- */

enum elf_bias_rule elf_exe_bias_rule(const struct elf_image *exe)
{
	const Elf64_Phdr *first = first_load(exe);

	if (exe->eh.e_type != ET_DYN)
		return ELF_BIAS_NONE;
	if (exe->interp >= 0)
		return ELF_BIAS_PIE;
	return !first || first->p_filesz ? ELF_BIAS_MMAP : ELF_BIAS_ZERO;
}

enum elf_bias_rule elf_interp_bias_rule(
	const struct elf_image *interp, const struct elf_image *exe, uint64_t exe_bias)
{
	const Elf64_Phdr *first = first_load(interp);

	if (interp->eh.e_type == ET_EXEC)
		return ELF_BIAS_NONE;
	return exe_bias == 0 && first && first->p_vaddr ? ELF_BIAS_HINT : ELF_BIAS_MMAP;
}

/* Linux v6.18 fs/binfmt_elf.c:maximum_alignment(). */
static uint64_t largest_align(const struct elf_image *img, const struct elf_env *env)
{
	uint64_t align = 0;
	uint32_t i;

	for (i = 0; i < img->phdr_len; i++) {
		uint64_t a = img->phdr[i].p_align;

		if (img->phdr[i].p_type == PT_LOAD && (a & (a - 1)) == 0 && a > align)
			align = a;
	}
	return page_align(env, align);
}

uint64_t elf_bias_align(const struct elf_image *exe, const struct elf_env *env)
{
	uint64_t align = largest_align(exe, env);
	bool honoured = exe->interp >= 0 ? env->kernel >= ELF_KERNEL(5, 10)
					 : env->kernel >= ELF_KERNEL(6, 11);

	return honoured && align > env->page_size ? align : env->page_size;
}

static uint64_t dyn_base(const struct elf_image *img)
{
	return img->bits == 64 ? ELF_DYN_BASE_64 : ELF_DYN_BASE_32;
}

uint64_t elf_fixed_bias(const struct elf_image *exe, const struct elf_env *env)
{
	const Elf64_Phdr *first = first_load(exe);
	uint64_t base = 0;

	if (elf_exe_bias_rule(exe) == ELF_BIAS_NONE || !first)
		return 0;
	if (elf_exe_bias_rule(exe) == ELF_BIAS_PIE)
		base = dyn_base(exe) & ~(elf_bias_align(exe, env) - 1);
	return page_start(env, base - first->p_vaddr);
}

/* ---- errors that execve returns ---- */

struct verdict {
	struct elf_prediction *out;
	const struct elf_program *prog;
	const struct elf_env *env;
};

/* False, so that checks can `return fails(...)`. */
static bool fails(struct verdict *v, int errnum, uint8_t which, const char *why)
{
	v->out->fate = ELF_FAILS;
	v->out->errnum = errnum;
	v->out->which = which;
	v->out->why = why;
	return false;
}

static bool killed(struct verdict *v, uint8_t which, int segment, const char *why)
{
	v->out->fate = ELF_KILLED;
	v->out->signal = SIGSEGV;
	v->out->which = which;
	v->out->segment = segment;
	v->out->why = why;
	return false;
}

uint32_t elf_phnum_limit(const struct elf_image *img, const struct elf_env *env)
{
	uint32_t size = img->bits == 64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);

	return (env->kernel < ELF_KERNEL(6, 17) ? env->page_size : 65536) / size;
}

/* load_elf_phdrs() would return a table. */
static const char *phdrs_why_not(const struct elf_image *img, const struct elf_env *env)
{
	if (img->eh.e_phentsize != (img->bits == 64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr)))
		return "e_phentsize is not the size of a program header";
	if (img->eh.e_phnum == 0)
		return "there are no program headers";
	if (img->eh.e_phnum > elf_phnum_limit(img, env))
		return "more program headers than the kernel takes";
	return img->phdr_errnum ? "the program headers reach past the end of the file" : NULL;
}

static bool machine_runs(const struct elf_image *img, const struct elf_env *env)
{
	if (img->eh.e_machine == EM_X86_64)
		return true;
	return env->i386 && (img->eh.e_machine == EM_386 || img->eh.e_machine == 6);
}

static bool check_exe(struct verdict *v)
{
	const struct elf_image *exe = v->prog->exe;
	const char *why;

	if (!exe->is_elf)
		return fails(v, ENOEXEC, ELF_EXE, "not an ELF file");
	if (exe->eh.e_type != ET_EXEC && exe->eh.e_type != ET_DYN)
		return fails(v, ENOEXEC, ELF_EXE, "e_type is neither ET_EXEC nor ET_DYN");
	if (!machine_runs(exe, v->env))
		return fails(v, ENOEXEC, ELF_EXE, "e_machine is not one that this kernel runs");
	why = phdrs_why_not(exe, v->env);
	return why ? fails(v, ENOEXEC, ELF_EXE, why) : true;
}

static bool check_interp(struct verdict *v)
{
	const struct elf_image *exe = v->prog->exe, *in = v->prog->interp;
	const char *why;

	if (exe->interp < 0)
		return true;
	if (exe->interp_errnum)
		return fails(v, exe->interp_errnum, ELF_EXE,
			exe->interp_errnum == ENOEXEC
				? "PT_INTERP is no string of 1 to 4095 bytes with a final NUL"
				: "PT_INTERP cannot be read from the file");
	if (v->prog->interp_errnum)
		return fails(v, v->prog->interp_errnum, ELF_INTERP,
			"the interpreter cannot be opened for execution");
	if (in->header_size < (exe->bits == 64 ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr)))
		return fails(v, EIO, ELF_INTERP, "the interpreter is smaller than an ELF header");
	if (!in->is_elf)
		return fails(v, ELIBBAD, ELF_INTERP, "the interpreter is not an ELF file");
	if (!machine_runs(in, v->env) || in->bits != exe->bits)
		return fails(v, ELIBBAD, ELF_INTERP, "the interpreter is for another machine");
	why = phdrs_why_not(in, v->env);
	return why ? fails(v, ELIBBAD, ELF_INTERP, why) : true;
}

/* ---- the point of no return ---- */

/* -E2BIG, 0 and all is mapped, or 1: killed. */
static int map_image(struct verdict *v, struct elf_layout *l, const struct elf_image *img,
	uint64_t bias, enum elf_which which)
{
	int rc = elf_layout_add(l, img, v->env, bias, which);

	if (rc != -EFAULT)
		return rc;
	killed(v, (uint8_t)which, l->why_segment, l->why);
	return 1;
}

static int map_interp(struct verdict *v, struct elf_layout *l)
{
	const struct elf_image *in = v->prog->interp;

	if (in->eh.e_type != ET_EXEC && in->eh.e_type != ET_DYN) {
		killed(v, ELF_INTERP, -1, "the interpreter is neither ET_EXEC nor ET_DYN");
		return 1;
	}
	if (!in->load_len) {
		killed(v, ELF_INTERP, -1, "the interpreter has no PT_LOAD");
		return 1;
	}
	return map_image(v, l, in, v->prog->interp_bias, ELF_INTERP);
}

static int map_page_zero(struct verdict *v, struct elf_layout *l)
{
	struct elf_piece p = {.end = v->env->page_size,
		.role = ELF_PAGEZERO,
		.which = ELF_NEITHER,
		.content = ELF_ANON,
		.prot = PROT_READ | PROT_EXEC};

	if (!v->env->page_zero || !v->env->low_pages)
		return 0;
	return pieces_put(l, &p);
}

static int map_all(struct verdict *v, struct elf_layout *l)
{
	bool dynamic = v->prog->exe->interp >= 0;
	uint64_t entry;
	int rc = map_image(v, l, v->prog->exe, v->prog->exe_bias, ELF_EXE);

	if (!rc && dynamic)
		rc = map_interp(v, l);
	if (rc)
		return rc;
	entry = dynamic ? v->prog->interp->eh.e_entry + v->prog->interp_bias
			: v->prog->exe->eh.e_entry + v->prog->exe_bias;
	if (entry >= elf_task_size(v->prog->exe, v->env)) {
		killed(v, dynamic ? ELF_INTERP : ELF_EXE, -1,
			"e_entry lies past the end of the address space");
		return 1;
	}
	v->out->entry = entry;
	return map_page_zero(v, l);
}

/* ---- what a started program finds ---- */

/* AT_PHDR. Since 5.18 by the PT_LOAD that has the table's bytes, the last one that fits. */
static uint64_t at_phdr(const struct elf_image *exe, const struct elf_env *env, uint64_t bias)
{
	const Elf64_Phdr *first = first_load(exe);
	uint64_t off = exe->eh.e_phoff, addr = 0;
	uint32_t i;

	if (env->kernel < ELF_KERNEL(5, 18))
		return first ? first->p_vaddr - first->p_offset + off + bias : 0;
	for (i = 0; i < exe->phdr_len; i++) {
		const Elf64_Phdr *ph = &exe->phdr[i];

		if (ph->p_type == PT_LOAD && ph->p_offset <= off &&
			off < ph->p_offset + ph->p_filesz)
			addr = off - ph->p_offset + ph->p_vaddr;
	}
	return addr + bias;
}

/* The heap's start. Linux v6.18 fs/binfmt_elf.c:load_elf_binary(), "brk handling". */
static void predict_brk(struct verdict *v)
{
	const struct elf_image *exe = v->prog->exe;
	const struct elf_env *env = v->env;
	bool loader = exe->eh.e_type == ET_DYN && exe->interp < 0;
	/* Static PIEs: moved away from the mmap area, since 6.15 even without randomness. */
	bool moved = loader && (env->randomize > 1 || env->kernel >= ELF_KERNEL(6, 15));
	uint64_t end = 0;
	uint32_t i;

	for (i = 0; i < exe->phdr_len; i++) {
		const Elf64_Phdr *ph = &exe->phdr[i];

		if (ph->p_type == PT_LOAD && ph->p_vaddr + ph->p_memsz > end)
			end = ph->p_vaddr + ph->p_memsz;
	}
	end = moved ? dyn_base(exe) : end + v->prog->exe_bias;
	v->out->brk_min = v->out->brk_max = page_align(env, end);
	if (env->randomize < 2)
		return;
	if (!moved && env->kernel >= ELF_KERNEL(6, 10))
		v->out->brk_min += env->page_size;
	v->out->brk_max = v->out->brk_min + (exe->bits == 64 ? BRK_RANDOM_64 : BRK_RANDOM_32);
}

static void predict_stack(struct verdict *v)
{
	const struct elf_image *exe = v->prog->exe;
	bool exec = v->out->read_implies_exec;
	uint32_t i;

	for (i = 0; i < exe->phdr_len; i++)
		if (exe->phdr[i].p_type == PT_GNU_STACK)
			exec = exe->phdr[i].p_flags & PF_X;
	v->out->stack_prot = PROT_READ | PROT_WRITE | (exec ? PROT_EXEC : 0);
}

/* Whether the first instruction can be fetched. */
static void predict_entry(struct verdict *v, const struct elf_layout *l)
{
	const struct elf_piece *p = elf_layout_at(l, v->out->entry);

	v->out->fate = ELF_FAULTS;
	v->out->signal = SIGSEGV;
	if (!p) {
		v->out->why = "nothing is mapped at the entry point";
	} else if (!(p->prot & PROT_EXEC)) {
		v->out->why = "the entry point is not in executable memory";
	} else if (p->content == ELF_SIGBUS) {
		v->out->signal = SIGBUS;
		v->out->why = "the entry point lies past the end of the file";
	} else {
		v->out->fate = ELF_RUNS;
		v->out->signal = 0;
	}
}

int elf_predict(const struct elf_program *prog, const struct elf_env *env, struct elf_layout *l,
	struct elf_prediction *out)
{
	struct verdict v = {.out = out, .prog = prog, .env = env};
	int rc;

	*out = (struct elf_prediction){.segment = -1};
	if (!check_exe(&v) || !check_interp(&v))
		return 0;
	rc = map_all(&v, l);
	if (rc)
		return rc < 0 ? rc : 0;
	out->at_phdr = at_phdr(prog->exe, env, prog->exe_bias);
	out->at_phent = prog->exe->eh.e_phentsize;
	out->at_phnum = prog->exe->eh.e_phnum;
	out->at_entry = prog->exe->eh.e_entry + prog->exe_bias;
	out->at_base = prog->exe->interp >= 0 ? prog->interp_bias : 0;
	out->read_implies_exec = l->read_implies_exec;
	predict_brk(&v);
	predict_stack(&v);
	predict_entry(&v, l);
	return 0;
}

size_t elf_auxv_types(const struct elf_env *env, uint8_t *out, size_t max)
{
	static const struct {
		uint8_t type;
		uint32_t since;
	} order[] = {
		{AT_SYSINFO_EHDR, 0},
		{51 /* AT_MINSIGSTKSZ */, ELF_KERNEL(5, 14)},
		{AT_HWCAP, 0},
		{AT_PAGESZ, 0},
		{AT_CLKTCK, 0},
		{AT_PHDR, 0},
		{AT_PHENT, 0},
		{AT_PHNUM, 0},
		{AT_BASE, 0},
		{AT_FLAGS, 0},
		{AT_ENTRY, 0},
		{AT_UID, 0},
		{AT_EUID, 0},
		{AT_GID, 0},
		{AT_EGID, 0},
		{AT_SECURE, 0},
		{AT_RANDOM, 0},
		{AT_HWCAP2, 0},
		{AT_EXECFN, 0},
		{AT_PLATFORM, 0},
		{27 /* AT_RSEQ_FEATURE_SIZE */, ELF_KERNEL(6, 3)},
		{28 /* AT_RSEQ_ALIGN */, ELF_KERNEL(6, 3)},
		{AT_NULL, 0},
	};
	size_t i, n = 0;

	for (i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		if (env->kernel < order[i].since)
			continue;
		if (n < max)
			out[n] = order[i].type;
		n++;
	}
	return n;
}
