/* See elf_build.h. */
#include "loader/tests/elf_build.h"

#include "common/err.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

uint8_t build_pattern(uint64_t off)
{
	return (uint8_t)(((off * 29) ^ (off >> 8) * 7 ^ (off >> 12) * 13) | 1);
}

void build_init(struct elf_build *b, int bits, uint16_t type, size_t size)
{
	size_t i;

	memset(b, 0, sizeof(*b));
	b->bits = bits;
	b->data = malloc(size);
	if (!b->data)
		die(EXIT_BROKE, "no memory for a test's ELF");
	b->size = b->room = size;
	for (i = 0; i < size; i++)
		b->data[i] = build_pattern(i);
	memcpy(b->eh.e_ident, ELFMAG, SELFMAG);
	b->eh.e_ident[EI_CLASS] = bits == 64 ? ELFCLASS64 : ELFCLASS32;
	b->eh.e_ident[EI_DATA] = ELFDATA2LSB;
	b->eh.e_ident[EI_VERSION] = EV_CURRENT;
	b->eh.e_type = type;
	b->eh.e_machine = bits == 64 ? EM_X86_64 : EM_386;
	b->eh.e_version = EV_CURRENT;
	b->eh.e_phoff = bits == 64 ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr);
	b->eh.e_ehsize = (uint16_t)b->eh.e_phoff;
}

void build_fini(struct elf_build *b)
{
	free(b->data);
	b->data = NULL;
}

Elf64_Phdr *build_phdr(struct elf_build *b, uint32_t type, uint32_t flags, uint64_t off,
	uint64_t vaddr, uint64_t filesz, uint64_t memsz)
{
	Elf64_Phdr *ph = &b->phdr[b->phdr_len++];

	*ph = (Elf64_Phdr){.p_type = type,
		.p_flags = flags,
		.p_offset = off,
		.p_vaddr = vaddr,
		.p_paddr = vaddr,
		.p_filesz = filesz,
		.p_memsz = memsz,
		.p_align = 4096};
	return ph;
}

Elf64_Phdr *build_load(struct elf_build *b, uint32_t flags, uint64_t off, uint64_t vaddr,
	uint64_t filesz, uint64_t memsz)
{
	return build_phdr(b, PT_LOAD, flags, off, vaddr, filesz, memsz);
}

void build_put(struct elf_build *b, uint64_t off, const void *bytes, size_t n)
{
	if (off > b->room || n > b->room - off)
		die(EXIT_BROKE, "a test writes past its ELF's end");
	memcpy(b->data + off, bytes, n);
}

void build_exit(struct elf_build *b, uint64_t off, uint8_t status)
{
	/* mov $60,%eax; mov $status,%edi; syscall */
	uint8_t code64[] = {0xb8, 60, 0, 0, 0, 0xbf, status, 0, 0, 0, 0x0f, 0x05};
	/* mov $1,%eax; mov $status,%ebx; int $0x80 */
	uint8_t code32[] = {0xb8, 1, 0, 0, 0, 0xbb, status, 0, 0, 0, 0xcd, 0x80};

	build_put(b, off, b->bits == 64 ? code64 : code32, sizeof(code64));
}

void build_touch(struct elf_build *b, uint64_t off, uint64_t addr, uint8_t status)
{
	uint8_t code[9] = {0xa0}; /* movabs addr,%al */

	memcpy(code + 1, &addr, 8);
	build_put(b, off, code, sizeof(code));
	build_exit(b, off + sizeof(code), status);
}

void build_exit_argc(struct elf_build *b, uint64_t off)
{
	/* mov (%rsp),%edi; mov $60,%eax; syscall */
	static const uint8_t code[] = {0x8b, 0x3c, 0x24, 0xb8, 60, 0, 0, 0, 0x0f, 0x05};

	build_put(b, off, code, sizeof(code));
}

void build_spin(struct elf_build *b, uint64_t off)
{
	static const uint8_t code[] = {0xf3, 0x90, 0xeb, 0xfc}; /* pause; jmp -4 */

	build_put(b, off, code, sizeof(code));
}

Elf64_Phdr *build_interp(struct elf_build *b, uint64_t off, const char *path)
{
	size_t n = strlen(path) + 1;

	build_put(b, off, path, n);
	return build_phdr(
		b, PT_INTERP, PF_R, off, b->phdr_len ? b->phdr[0].p_vaddr + off : 0, n, n);
}

static void put_ehdr(struct elf_build *b, const Elf64_Ehdr *e)
{
	Elf32_Ehdr e32 = {.e_type = e->e_type,
		.e_machine = e->e_machine,
		.e_version = e->e_version,
		.e_entry = (uint32_t)e->e_entry,
		.e_phoff = (uint32_t)e->e_phoff,
		.e_shoff = (uint32_t)e->e_shoff,
		.e_flags = e->e_flags,
		.e_ehsize = e->e_ehsize,
		.e_phentsize = e->e_phentsize,
		.e_phnum = e->e_phnum,
		.e_shentsize = e->e_shentsize,
		.e_shnum = e->e_shnum,
		.e_shstrndx = e->e_shstrndx};

	memcpy(e32.e_ident, e->e_ident, EI_NIDENT);
	if (b->bits == 64)
		build_put(b, 0, e, sizeof(*e));
	else
		build_put(b, 0, &e32, sizeof(e32));
}

static void put_phdr(struct elf_build *b, uint64_t off, const Elf64_Phdr *ph)
{
	Elf32_Phdr p32 = {.p_type = ph->p_type,
		.p_flags = ph->p_flags,
		.p_offset = (uint32_t)ph->p_offset,
		.p_vaddr = (uint32_t)ph->p_vaddr,
		.p_paddr = (uint32_t)ph->p_paddr,
		.p_filesz = (uint32_t)ph->p_filesz,
		.p_memsz = (uint32_t)ph->p_memsz,
		.p_align = (uint32_t)ph->p_align};

	if (b->bits == 64)
		build_put(b, off, ph, sizeof(*ph));
	else
		build_put(b, off, &p32, sizeof(p32));
}

void build_finish(struct elf_build *b)
{
	size_t entry = b->bits == 64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	Elf64_Ehdr eh = b->eh;
	uint32_t i;

	eh.e_phentsize = (uint16_t)(b->phentsize ? b->phentsize : (int)entry);
	if (!eh.e_phnum)
		eh.e_phnum = (uint16_t)b->phdr_len;
	put_ehdr(b, &eh);
	for (i = 0;
		i < b->phdr_len && eh.e_phoff < b->room && eh.e_phoff + (i + 1) * entry <= b->room;
		i++)
		put_phdr(b, eh.e_phoff + i * entry, &b->phdr[i]);
}

void build_write(struct elf_build *b, const char *path, unsigned int mode)
{
	int fd;

	build_finish(b);
	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
	if (fd < 0 || write(fd, b->data, b->size) != (ssize_t)b->size || fchmod(fd, mode) ||
		close(fd))
		die(EXIT_BROKE, "cannot write %s for a test", path);
}
