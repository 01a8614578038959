/*
 * Bytes and registers in the trace are hostile: memory is served from the stack's capture and the
 * mapped files only, the number of frames is bounded, and libdwfl sees no live process.
 */
#include "tracer/decode/backtrace.h"

#include "common/cleanup.h"
#include "common/procmaps.h"

#include <elfutils/libdwfl.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/user.h>

#define MODULES_MAX 4096
/* libdwfl wants a thread id; there is one thread. */
#define TID 1

struct mapping {
	uint64_t start, end, off;
	const char *path;
	int fd; /* -1: not opened yet; -2: cannot be */
};

struct unwind {
	struct backtrace *bt;
	Dwfl *dwfl;
	struct user_regs_struct regs;
	const uint8_t *stack;
	uint64_t stack_at, stack_size;
	struct mapping *map;
	size_t map_len;
	struct buf maps; /* the text that paths point into */
	bool failed;
};

/* ---- memory ---- */

static struct mapping *map_at(struct unwind *u, uint64_t addr)
{
	for (size_t i = 0; i < u->map_len; i++) {
		if (addr >= u->map[i].start && addr < u->map[i].end)
			return &u->map[i];
	}
	return NULL;
}

static int open_file(const char *path)
{
	struct stat st;
	int fd;

	if (*path != '/')
		return -2;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -2;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode))
		return fd;
	close(fd);
	return -2;
}

static bool read_word(struct unwind *u, uint64_t addr, uint64_t *word)
{
	struct mapping *m;

	if (addr >= u->stack_at && u->stack_size >= 8 && addr - u->stack_at <= u->stack_size - 8) {
		memcpy(word, u->stack + (addr - u->stack_at), 8);
		return true;
	}
	m = map_at(u, addr);
	if (!m)
		return false;
	if (m->fd == -1)
		m->fd = open_file(m->path);
	return m->fd >= 0 && pread(m->fd, word, 8, (off_t)(m->off + (addr - m->start))) == 8;
}

/* ---- frames ---- */

static bool add_frame(struct unwind *u, uint64_t ip)
{
	struct backtrace_frame *f = &u->bt->frame[u->bt->len];
	/* A return address may lie behind the last instruction of its function. */
	uint64_t at = u->bt->len ? ip - 1 : ip;
	Dwfl_Module *mod = u->dwfl ? dwfl_addrmodule(u->dwfl, at) : NULL;
	const struct mapping *m = map_at(u, at);
	const char *name = NULL;
	GElf_Off off = 0;
	GElf_Sym sym;

	if (u->bt->len == BACKTRACE_MAX) {
		u->bt->cut = true;
		return false;
	}
	*f = (struct backtrace_frame){.ip = ip};
	if (mod)
		name = dwfl_module_addrinfo(mod, at, &off, &sym, NULL, NULL, NULL);
	if (m && *m->path) {
		f->file = strdup(m->path);
		f->offset = ip - m->start + m->off;
		u->failed |= !f->file;
	}
	if (name) {
		f->symbol = strdup(name);
		f->symbol_off = off + (ip - at);
		u->failed |= !f->symbol;
	}
	u->bt->len++;
	return true;
}

static int on_frame(Dwfl_Frame *state, void *arg)
{
	struct unwind *u = arg;
	Dwarf_Addr pc;

	if (!dwfl_frame_pc(state, &pc, NULL))
		return DWARF_CB_ABORT;
	/* Frame 0 may stand already: where the bad address was that got called. */
	return add_frame(u, pc) ? DWARF_CB_OK : DWARF_CB_ABORT;
}

/* ---- libdwfl's questions ---- */

static pid_t next_thread(Dwfl *dwfl, void *arg, void **thread_arg)
{
	if (*thread_arg)
		return 0;
	*thread_arg = arg;
	return TID;
}

static bool memory_read(Dwfl *dwfl, Dwarf_Addr addr, Dwarf_Word *result, void *arg)
{
	return read_word(arg, addr, result);
}

static bool set_registers(Dwfl_Thread *thread, void *arg)
{
	const struct user_regs_struct *r = &((struct unwind *)arg)->regs;
	/* In the order of the psABI's DWARF numbers. */
	const Dwarf_Word regs[17] = {r->rax, r->rdx, r->rcx, r->rbx, r->rsi, r->rdi, r->rbp, r->rsp,
		r->r8, r->r9, r->r10, r->r11, r->r12, r->r13, r->r14, r->r15, r->rip};

	return dwfl_thread_state_registers(thread, 0, 17, regs);
}

static const Dwfl_Thread_Callbacks g_thread_callbacks = {
	.next_thread = next_thread,
	.memory_read = memory_read,
	.set_initial_registers = set_registers,
};

static int no_debuginfo(Dwfl_Module *mod, void **userdata, const char *modname, Dwarf_Addr base,
	const char *file, const char *link, GElf_Word crc, char **out)
{
	/* Not looked for: it could mean a request to a server. .eh_frame and .symtab will do. */
	return -1;
}

static const Dwfl_Callbacks g_callbacks = {
	.find_elf = dwfl_build_id_find_elf,
	.find_debuginfo = no_debuginfo,
	.section_address = dwfl_offline_section_address,
};

/* ---- modules ---- */

/* How far the file's mapping lies from where its headers say. */
static bool bias_of(int fd, const struct mapping *m, uint64_t *bias)
{
	Elf *elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	bool found = false;
	size_t n = 0;

	if (elf && elf_kind(elf) == ELF_K_ELF && !elf_getphdrnum(elf, &n)) {
		for (size_t i = 0; i < n && !found; i++) {
			GElf_Phdr ph;

			if (!gelf_getphdr(elf, (int)i, &ph) || ph.p_type != PT_LOAD ||
				(ph.p_offset & ~0xfffull) > m->off ||
				ph.p_offset + ph.p_filesz <= m->off)
				continue;
			*bias = m->start - (m->off - (ph.p_offset & ~0xfffull)) -
				(ph.p_vaddr & ~0xfffull);
			found = true;
		}
	}
	elf_end(elf);
	return found;
}

static void report_module(struct unwind *u, const struct mapping *m)
{
	int fd = open_file(m->path);
	uint64_t bias;

	if (fd < 0)
		return;
	/* The descriptor is libdwfl's once it took the file. */
	if (!bias_of(fd, m, &bias) || !dwfl_report_elf(u->dwfl, m->path, m->path, fd, bias, true))
		close(fd);
}

static void report_modules(struct unwind *u)
{
	const char *last = "";

	dwfl_report_begin(u->dwfl);
	for (size_t i = 0; i < u->map_len; i++) {
		/* A file's first line; its other segments follow in a row. */
		if (*u->map[i].path == '/' && strcmp(u->map[i].path, last))
			report_module(u, &u->map[i]);
		if (*u->map[i].path == '/')
			last = u->map[i].path;
	}
	dwfl_report_end(u->dwfl, NULL, NULL);
}

static bool load_maps(struct unwind *u, const struct trace_event *ev)
{
	struct trace_cap cap;
	struct map_line m;
	char *text;

	if (!trace_cap_find(ev, TC_MAPS, 0, 0, &cap))
		return true;
	buf_add(&u->maps, cap.data, cap.size);
	if (!*buf_str(&u->maps))
		return !u->maps.failed;
	text = (char *)u->maps.data;
	while (u->map_len < MODULES_MAX && procmaps_next(&text, &m)) {
		struct mapping *map = reallocarray(u->map, u->map_len + 1, sizeof(*map));

		if (!map)
			return false;
		u->map = map;
		map[u->map_len++] = (struct mapping){m.start, m.end, m.off, m.path, -1};
	}
	return true;
}

/* ---- unwinding ---- */

/* A call to where no code is: the frame that made it begins with the return address on the stack.
 */
static void skip_bad_call(struct unwind *u)
{
	const struct mapping *m = map_at(u, u->regs.rip);
	uint64_t ret;

	if ((m && *m->path == '/') || !read_word(u, u->regs.rsp, &ret) || !map_at(u, ret))
		return;
	add_frame(u, u->regs.rip);
	u->regs.rip = ret;
	u->regs.rsp += 8;
}

static void by_frame_pointers(struct unwind *u)
{
	uint64_t bp = u->regs.rbp, next, ret;

	while (read_word(u, bp, &next) && read_word(u, bp + 8, &ret) && map_at(u, ret)) {
		if (!add_frame(u, ret) || next <= bp)
			return;
		bp = next;
	}
}

static void unwind(struct unwind *u)
{
	size_t before;

	u->dwfl = dwfl_begin(&g_callbacks);
	if (u->dwfl)
		report_modules(u);
	skip_bad_call(u);
	before = u->bt->len;
	if (u->dwfl && dwfl_attach_state(u->dwfl, NULL, TID, &g_thread_callbacks, u))
		dwfl_getthread_frames(u->dwfl, TID, on_frame, u);
	if (u->bt->len == before)
		add_frame(u, u->regs.rip);
	if (u->bt->len == before + 1)
		by_frame_pointers(u);
	if (u->dwfl)
		dwfl_end(u->dwfl);
}

static void unwind_fini(struct unwind *u)
{
	for (size_t i = 0; i < u->map_len; i++) {
		if (u->map[i].fd >= 0)
			close(u->map[i].fd);
	}
	free(u->map);
	buf_fini(&u->maps);
}

int backtrace_from_event(struct backtrace *bt, const struct trace_event *ev)
{
	struct unwind u = {.bt = bt};
	struct trace_cap cap;

	memset(bt, 0, sizeof(*bt));
	if (!trace_cap_find(ev, TC_REGS, 0, 0, &cap) || cap.size != sizeof(u.regs))
		return -ENODATA;
	memcpy(&u.regs, cap.data, sizeof(u.regs));
	if (trace_cap_find(ev, TC_STACK, 0, 0, &cap)) {
		u.stack = cap.data;
		u.stack_size = cap.size;
		u.stack_at = u.regs.rsp;
	}
	elf_version(EV_CURRENT);
	if (load_maps(&u, ev))
		unwind(&u);
	else
		u.failed = true;
	unwind_fini(&u);
	return u.failed ? -ENOMEM : 0;
}

void backtrace_fini(struct backtrace *bt)
{
	for (size_t i = 0; i < bt->len; i++) {
		free(bt->frame[i].file);
		free(bt->frame[i].symbol);
	}
	bt->len = 0;
}

void backtrace_text(const struct backtrace *bt, struct buf *out)
{
	for (size_t i = 0; i < bt->len; i++) {
		const struct backtrace_frame *f = &bt->frame[i];

		buf_printf(out, "#%-3zu %#014lx", i, f->ip);
		if (f->symbol)
			buf_printf(out, " %s+%#lx", f->symbol, f->symbol_off);
		if (f->file)
			buf_printf(out, " (%s+%#lx)", f->file, f->offset);
		buf_add_byte(out, '\n');
	}
	if (bt->cut)
		buf_add_str(out, "...\n");
}

void backtrace_json(const struct backtrace *bt, struct json *j, const char *key)
{
	json_array(j, key);
	for (size_t i = 0; i < bt->len; i++) {
		const struct backtrace_frame *f = &bt->frame[i];

		json_begin(j, NULL);
		json_hex(j, "ip", f->ip);
		json_str(j, "file", f->file);
		json_hex(j, "offset", f->offset);
		json_str(j, "symbol", f->symbol);
		json_hex(j, "symbol_offset", f->symbol_off);
		json_end(j);
	}
	json_array_end(j);
}
