/* The comparison of a stopped process with its prediction: oracle.h. */
#include "loader/tests/oracle.h"

#include "common/cleanup.h"
#include "common/err.h"

#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>

#include <cmocka.h>

/* As much of a piece as is compared byte by byte. */
#define COMPARE_MAX (1u << 20)
/* A bias for what the kernel places freely, when no process lives to tell. */
#define SOME_BIAS   0x7ffff7f00000ull
#define STACK_START 0x7ffffffde000ull
#define STACK_END   0x7ffffffff000ull

/* ---- the rig ---- */

void rig_exe(struct rig *r, uint16_t type, uint64_t vaddr)
{
	build_fini(&r->exe);
	build_init(&r->exe, 64, type, 0x8000);
	build_load(&r->exe, RX, 0, vaddr, 0x1000, 0x1000);
	build_exit(&r->exe, CODE, EXE_STATUS);
	r->exe.eh.e_entry = vaddr + CODE;
	if (r->has_interp)
		build_interp(&r->exe, 0xf00, r->interp_path);
}

void rig_interp(struct rig *r, uint16_t type, uint64_t vaddr)
{
	build_fini(&r->interp);
	build_init(&r->interp, 64, type, 0x8000);
	build_load(&r->interp, RX, 0, vaddr, 0x1000, 0x1000);
	build_exit(&r->interp, CODE, INTERP_STATUS);
	r->interp.eh.e_entry = vaddr + CODE;
	if (!r->has_interp)
		build_interp(&r->exe, 0xf00, r->interp_path);
	r->has_interp = true;
}

/* Whether huge single mappings are refused here, and above what. proc_sys_vm(5). */
static uint64_t commit_limit(void)
{
	CLEANUP(file) FILE *f = fopen("/proc/sys/vm/overcommit_memory", "re");
	struct sysinfo si;
	int mode = -1;

	if (!f || fscanf(f, "%d", &mode) != 1 || sysinfo(&si))
		die(EXIT_BROKE, "cannot read vm.overcommit_memory");
	if (mode == 1)
		return UINT64_MAX;
	return ((uint64_t)si.totalram + si.totalswap) * si.mem_unit;
}

int rig_setup(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));

	if (!r)
		return -1;
	snprintf(r->dir, sizeof(r->dir), "/tmp/lockstep-elf-XXXXXX");
	if (!mkdtemp(r->dir) || chmod(r->dir, 0755))
		return -1;
	snprintf(r->exe_path, sizeof(r->exe_path), "%s/exe", r->dir);
	snprintf(r->interp_path, sizeof(r->interp_path), "%s/interp", r->dir);
	r->env = elf_env_default();
	r->env.commit_limit = commit_limit();
	rig_exe(r, ET_EXEC, TEXT);
	*state = r;
	return 0;
}

int rig_teardown(void **state)
{
	struct rig *r = *state;
	char path[600];
	struct dirent *d;
	DIR *dir = opendir(r->dir);

	while (dir && (d = readdir(dir))) {
		snprintf(path, sizeof(path), "%s/%s", r->dir, d->d_name);
		unlink(path);
	}
	if (dir)
		closedir(dir);
	rmdir(r->dir);
	build_fini(&r->exe);
	build_fini(&r->interp);
	free(r);
	return 0;
}

/* ---- wants ---- */

static struct want *want(struct rig *r, int what, uint64_t addr)
{
	struct want *w = &r->want[r->want_len++];

	assert_true(r->want_len <= ARRAY_LEN(r->want));
	w->what = what;
	w->addr = addr;
	return w;
}

void want_file(struct rig *r, uint64_t addr, uint64_t size, uint64_t off)
{
	struct want *w = want(r, WANT_FILE, addr);

	w->size = size;
	w->value = off;
}

void want_interp_file(struct rig *r, uint64_t addr, uint64_t size, uint64_t off)
{
	want_file(r, addr, size, off);
	r->want[r->want_len - 1].interp = true;
}

void want_zero(struct rig *r, uint64_t addr, uint64_t size)
{
	want(r, WANT_ZERO, addr)->size = size;
}

void want_interp_zero(struct rig *r, uint64_t addr, uint64_t size)
{
	want_zero(r, addr, size);
	r->want[r->want_len - 1].interp = true;
}

void want_vma(struct rig *r, uint64_t start, uint64_t end, const char *perm)
{
	struct want *w = want(r, WANT_VMA, start);

	w->size = end - start;
	w->perm = perm;
}

void want_hole(struct rig *r, uint64_t addr)
{
	want(r, WANT_HOLE, addr);
}

void want_interp_hole(struct rig *r, uint64_t addr)
{
	want(r, WANT_HOLE, addr)->interp = true;
}

void want_bus(struct rig *r, uint64_t addr)
{
	want(r, WANT_BUS, addr);
}

void want_aux(struct rig *r, uint64_t type, uint64_t value)
{
	want(r, WANT_AUX, type)->value = value;
}

void want_brk(struct rig *r, uint64_t addr)
{
	want(r, WANT_BRK, addr);
}

static void compare_bytes(const struct native *n, uint64_t addr, const uint8_t *expect, size_t size)
{
	CLEANUP(free) uint8_t *got = malloc(size);
	size_t i;

	assert_non_null(got);
	native_read(n, addr, got, size);
	for (i = 0; i < size; i++)
		if (got[i] != (expect ? expect[i] : 0))
			fail_msg("at 0x%" PRIx64 ": 0x%02x, not 0x%02x", addr + i, got[i],
				expect ? expect[i] : 0);
}

static void check_want(const struct rig *r, const struct want *w)
{
	const struct native *n = &r->native;
	const struct elf_build *b = w->interp ? &r->interp : &r->exe;
	uint64_t addr = w->addr;
	const struct native_vma *v;

	if (w->what != WANT_AUX && w->what != WANT_BRK)
		addr += w->interp ? native_aux(n, AT_BASE)
				  : native_aux(n, AT_ENTRY) - r->exe.eh.e_entry;
	v = native_vma_at(n, addr);
	switch (w->what) {
	case WANT_FILE:
		compare_bytes(n, addr, b->data + w->value, w->size);
		break;
	case WANT_ZERO:
		compare_bytes(n, addr, NULL, w->size);
		break;
	case WANT_VMA:
		assert_non_null(v);
		assert_int_equal(v->start, addr);
		assert_int_equal(v->end, addr + w->size);
		assert_string_equal(v->perm, w->perm);
		break;
	case WANT_HOLE:
		/* The vDSO, mapped last, may have found the hole. */
		assert_true(!v || v->name[0] == '[');
		break;
	case WANT_BUS:
		assert_non_null(v);
		assert_false(native_readable(n, addr));
		break;
	case WANT_AUX:
		assert_int_equal(native_aux(n, addr), w->value);
		break;
	case WANT_BRK:
		assert_int_equal(n->start_brk, w->addr);
		break;
	}
}

/* ---- prediction ---- */

static ssize_t fd_read(void *ctx, uint64_t off, void *buf, size_t n)
{
	return pread(*(int *)ctx, buf, n, (off_t)off);
}

static void parse_file(struct elf_image *img, const char *path)
{
	CLEANUP(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct elf_reader rd = {fd_read, &fd, 0};
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		die(EXIT_BROKE, "cannot open %s", path);
	rd.size = (uint64_t)st.st_size;
	elf_parse(img, &rd);
}

static const struct native_vma *find_stack(const struct native *n)
{
	size_t i;

	for (i = 0; i < n->vma_len; i++)
		if (!strcmp(n->vma[i].name, "[stack]"))
			return &n->vma[i];
	return NULL;
}

/* What the rig says of the machine and the process. */
static void fill_env(struct rig *r)
{
	const struct native_vma *stack = find_stack(&r->native);
	struct elf_env *env = &r->env;

	env->randomize = r->how.randomize ? 2 : 0;
	env->page_zero = r->how.personality & 0x0100000; /* MMAP_PAGE_ZERO */
	env->low_pages = r->how.uid == 0;
	env->stack_start = stack && !r->ignore_stack_area ? stack->start : STACK_START;
	env->stack_end = stack ? stack->end : STACK_END;
	if (r->how.rlimit_as)
		env->rlimit_as = r->how.rlimit_as;
	if (r->how.rlimit_data)
		env->rlimit_data = r->how.rlimit_data;
}

/* The biases: by rule where there is one, else as the process says. */
static void fill_bias(struct rig *r, struct elf_program *p, const struct elf_image *exe,
	const struct elf_image *in)
{
	const struct native *n = &r->native;
	enum elf_bias_rule rule = elf_exe_bias_rule(exe);
	bool alive = n->end == NATIVE_STOPPED;

	p->exe_bias = elf_fixed_bias(exe, &r->env);
	if (rule == ELF_BIAS_MMAP)
		p->exe_bias = alive ? native_aux(n, AT_ENTRY) - exe->eh.e_entry : SOME_BIAS;
	else if (rule == ELF_BIAS_PIE && r->how.randomize && alive)
		p->exe_bias = native_aux(n, AT_ENTRY) - exe->eh.e_entry;
	if (!r->has_interp || !in->is_elf)
		return;
	rule = elf_interp_bias_rule(in, exe, p->exe_bias);
	if (rule == ELF_BIAS_MMAP)
		p->interp_bias = alive ? native_aux(n, AT_BASE) : SOME_BIAS;
}

/* ---- comparison ---- */

static const char *whose(const struct rig *r, const struct elf_vma *v)
{
	if (v->which == ELF_NEITHER)
		return "";
	return v->which == ELF_EXE ? r->exe_path : r->interp_path;
}

static void print_both(const struct rig *r, const struct elf_vma *p, size_t len)
{
	size_t i;

	for (i = 0; i < r->native.vma_len; i++) {
		const struct native_vma *v = &r->native.vma[i];

		print_message("native    %" PRIx64 "-%" PRIx64 " %s %" PRIx64 " %s\n", v->start,
			v->end, v->perm, v->file_offset, v->name);
	}
	for (i = 0; i < len; i++)
		print_message("predicted %" PRIx64 "-%" PRIx64 " %x %" PRIx64 " %s\n", p[i].start,
			p[i].end, p[i].prot, p[i].file_offset, whose(r, &p[i]));
}

/* Whether a native VMA is one that the ELF files have made. */
static bool is_image_vma(const struct rig *r, const struct native_vma *v)
{
	if (v->name[0] == '[')
		return false;
	return !(r->ignore_stack_area && !v->name[0] && v->start >= STACK_START &&
		 !strcmp(v->perm, "rw-p"));
}

static bool vma_equal(const struct rig *r, const struct native_vma *n, const struct elf_vma *p)
{
	char perm[5] = {p->prot & PROT_READ ? 'r' : '-', p->prot & PROT_WRITE ? 'w' : '-',
		p->prot & PROT_EXEC ? 'x' : '-', 'p', 0};

	return n->start == p->start && n->end == p->end && !strcmp(n->perm, perm) &&
	       !strcmp(n->name, whose(r, p)) && n->file_offset == p->file_offset;
}

/* The first from k on that compares: the stack's own pieces and rw memory beside it do not. */
static size_t next_predicted(const struct rig *r, const struct elf_vma *p, size_t len, size_t k)
{
	while (r->ignore_stack_area && k < len && p[k].start >= STACK_START &&
		p[k].which == ELF_NEITHER && p[k].prot == (PROT_READ | PROT_WRITE))
		k++;
	return k;
}

static void compare_vmas(const struct rig *r, const struct elf_layout *l)
{
	static struct elf_vma p[ELF_LAYOUT_MAX];
	size_t len = elf_vmas(l, p, ARRAY_LEN(p)), i, k = 0;

	for (i = 0; i < r->native.vma_len; i++) {
		if (!is_image_vma(r, &r->native.vma[i]))
			continue;
		k = next_predicted(r, p, len, k);
		if (k == len || !vma_equal(r, &r->native.vma[i], &p[k])) {
			print_both(r, p, len);
			fail_msg("native VMA %zu and predicted VMA %zu differ", i, k);
		}
		k++;
	}
	if (next_predicted(r, p, len, k) != len) {
		print_both(r, p, len);
		fail_msg("predicted VMA %zu is not there", k);
	}
}

static void compare_piece(const struct rig *r, const struct elf_piece *p)
{
	const struct elf_build *b = p->which == ELF_INTERP ? &r->interp : &r->exe;
	uint64_t size = p->end - p->start;
	bool of_file = p->content == ELF_FILE;

	if (p->content == ELF_SIGBUS) {
		assert_false(native_readable(&r->native, p->start));
		return;
	}
	if (size > COMPARE_MAX)
		size = COMPARE_MAX;
	if (of_file)
		assert_true(p->file_offset + size <= b->size);
	compare_bytes(&r->native, p->start, of_file ? b->data + p->file_offset : NULL, size);
}

static void compare_running(struct rig *r, const struct elf_layout *l)
{
	const struct elf_prediction *p = &r->predicted;
	const struct native *n = &r->native;
	const struct native_vma *stack = find_stack(n);
	size_t i;

	if (r->has_interp)
		assert_string_equal(r->exe_image->interp_path, r->interp_path);
	compare_vmas(r, l);
	for (i = 0; i < l->len; i++)
		compare_piece(r, &l->piece[i]);
	assert_int_equal(native_aux(n, AT_PHDR), p->at_phdr);
	assert_int_equal(native_aux(n, AT_PHENT), p->at_phent);
	assert_int_equal(native_aux(n, AT_PHNUM), p->at_phnum);
	assert_int_equal(native_aux(n, AT_BASE), p->at_base);
	assert_int_equal(native_aux(n, AT_ENTRY), p->at_entry);
	assert_int_equal(n->regs.rip, p->entry);
	assert_in_range(n->start_brk, p->brk_min, p->brk_max);
	assert_non_null(stack);
	assert_int_equal(stack->perm[2] == 'x', !!(p->stack_prot & PROT_EXEC));
	for (i = 0; i < r->want_len; i++)
		check_want(r, &r->want[i]);
}

static enum elf_fate native_fate(const struct native *n)
{
	if (n->end == NATIVE_FAILED)
		return ELF_FAILS;
	return n->end == NATIVE_KILLED ? ELF_KILLED : ELF_RUNS;
}

static void compare_fate(const struct rig *r, enum elf_fate fate, int value)
{
	const struct elf_prediction *p = &r->predicted;
	const struct native *n = &r->native;

	/* First the catalogue's word against the kernel, then the prediction's. */
	assert_int_equal(native_fate(n), fate == ELF_FAULTS ? ELF_RUNS : fate);
	assert_int_equal(p->fate, fate);
	if (fate == ELF_FAILS) {
		assert_int_equal(n->errnum, value);
		assert_int_equal(p->errnum, value);
	}
	if (fate == ELF_KILLED) {
		assert_int_equal(n->signal, value);
		assert_int_equal(p->signal, value);
	}
	if (fate == ELF_FAULTS)
		assert_int_equal(p->signal, value);
	if (fate != ELF_RUNS)
		assert_non_null(p->why);
}

static void run_and_compare(struct rig *r, enum elf_fate fate, int value)
{
	static struct elf_image exe, in;
	static struct elf_piece piece[ELF_LAYOUT_MAX];
	struct elf_layout l = {.piece = piece, .max = ARRAY_LEN(piece)};
	struct elf_program p = {.exe = &exe, .interp = &in, .interp_errnum = r->interp_errnum};
	struct stat st;

	memset(&in, 0, offsetof(struct elf_image, phdr));
	build_write(&r->exe, r->exe_path, 0755);
	parse_file(&exe, r->exe_path);
	if (r->has_interp && r->interp.data) {
		/* A test that made something else of the interpreter's path has its way. */
		if (lstat(r->interp_path, &st))
			build_write(&r->interp, r->interp_path, 0755);
		parse_file(&in, r->interp_path);
	}
	r->exe_image = &exe;
	r->interp_image = &in;
	native_start(&r->native, &r->how, r->exe_path);
	fill_env(r);
	fill_bias(r, &p, &exe, &in);
	assert_int_equal(elf_predict(&p, &r->env, &l, &r->predicted), 0);
	compare_fate(r, fate, value);
	if (r->native.end == NATIVE_STOPPED)
		compare_running(r, &l);
	native_finish(&r->native);
	unlink(r->interp_path);
	r->want_len = 0;
}

void oracle_check(struct rig *r, enum elf_fate fate, int value)
{
	run_and_compare(r, fate, value);
	if (fate == ELF_RUNS) {
		assert_true(WIFEXITED(r->native.wait_status));
		assert_int_equal(WEXITSTATUS(r->native.wait_status), value);
	} else if (fate == ELF_FAULTS) {
		assert_true(WIFSIGNALED(r->native.wait_status));
		assert_int_equal(WTERMSIG(r->native.wait_status), value);
	}
}

void oracle_check_dies(struct rig *r, int signal)
{
	run_and_compare(r, ELF_RUNS, 0);
	assert_true(WIFSIGNALED(r->native.wait_status));
	assert_int_equal(WTERMSIG(r->native.wait_status), signal);
}
