/* The rules of elf_lint.h by name, one row each: RULE(name, id, severity, what, breaks). */
#ifndef LOCKSTEP_LOADER_ELF_LINT_RULES_H
#define LOCKSTEP_LOADER_ELF_LINT_RULES_H

/* clang-format off */
#define ELF_LINT_RULES(RULE) \
RULE(DYNAMIC_EXT_RW, "dynamic-ext-rw", ELF_WARN, \
	"DYNAMIC lies outside every PT_LOAD, in the rest of a writable one's page", \
	"Linux maps the file's bytes there and the program runs; a loader that zeroes page tails (gVisor 2022) makes ld.so crash. Made by patchelf 0.17 run twice on a non-PIE") \
RULE(DYNAMIC_EXT_R, "dynamic-ext-r", ELF_ERROR, \
	"DYNAMIC lies outside every PT_LOAD, where the page is not writable, is zeroed, or ends before it does", \
	"ld.so writes or reads there: SIGSEGV on Linux; an emulator that runs it maps too much") \
RULE(DYNAMIC_OUTSIDE, "dynamic-outside", ELF_ERROR, \
	"DYNAMIC lies where nothing is mapped", \
	"ld.so reads there: SIGSEGV on Linux; an emulator that runs it maps too much") \
RULE(DYNAMIC_OFFSET, "dynamic-offset", ELF_WARN, \
	"the bytes at DYNAMIC's p_offset are not those mapped at its p_vaddr", \
	"ld.so reads by address, tools (readelf, patchelf) by offset: they see different tables") \
RULE(TAIL_IN_USE, "tail-in-use", ELF_WARN, \
	"something that is used at run time lies in a page outside what PT_LOADs declare", \
	"Linux keeps the file's bytes there; a loader that zeroes or does not map them breaks the program") \
RULE(MEMSZ_BELOW_FILESZ, "memsz-below-filesz", ELF_ERROR, \
	"p_memsz is less than p_filesz", \
	"Linux kills the process with SIGSEGV during execve; ld.so and gVisor 2022 accept it") \
RULE(INCONGRUENT, "incongruent-offset", ELF_ERROR, \
	"p_offset and p_vaddr differ modulo the page size", \
	"Linux kills the process during execve; gVisor 2022: EINVAL; ld.so refuses the library") \
RULE(OVERLAP, "overlapping-loads", ELF_WARN, \
	"two PT_LOADs claim the same addresses", \
	"on Linux the later one wins; gVisor 2022: ENOEXEC") \
RULE(SHARED_PAGE, "shared-page", ELF_WARN, \
	"two PT_LOADs share a page that the file does not hold in one piece", \
	"on Linux the whole page comes from the later one; other loaders mix or refuse") \
RULE(BSS_OVERWRITTEN, "bss-overwritten", ELF_WARN, \
	"a later PT_LOAD maps the page in which an earlier one's bss begins", \
	"on Linux bss holds file bytes again; before 6.7, and elsewhere, zeroes") \
RULE(DESCENDING, "descending-loads", ELF_WARN, \
	"PT_LOADs are not in ascending order of p_vaddr", \
	"against the ELF specification; gVisor 2022: ENOEXEC; Linux before 5.18 reserves a wrong span for ET_DYN") \
RULE(PHDRS_OVER_PAGE, "phdrs-over-a-page", ELF_WARN, \
	"the program headers are larger than a page", \
	"ENOEXEC on Linux before 6.17 and on gVisor") \
RULE(PHDRS_TOO_MANY, "phdrs-too-many", ELF_ERROR, \
	"more program headers than 64 KiB hold", "ENOEXEC on every Linux") \
RULE(EMPTY_MISALIGNED, "filesz-0-misaligned", ELF_WARN, \
	"p_filesz is 0 and p_vaddr does not begin a page", \
	"Linux before 6.7 maps a page of the file there; gVisor 2022: EINVAL") \
RULE(EMPTY_ZEROES_PAGE, "filesz-0-zeroes-page", ELF_WARN, \
	"p_filesz is 0 and p_vaddr lies in a page that an earlier PT_LOAD maps", \
	"on Linux the whole page becomes zeroes; gVisor 2022 keeps the file's bytes") \
RULE(EMPTY_LOAD, "empty-load", ELF_INFO, \
	"p_filesz and p_memsz are 0", "maps nothing, but still moves the heap's start") \
RULE(RO_BSS, "readonly-bss", ELF_WARN, \
	"p_memsz is larger than p_filesz in a segment that is not writable", \
	"Linux does not zero the rest of the page (before 6.7: SIGSEGV during execve); gVisor 2022 and ld.so do") \
RULE(INTERP_BAD, "interp-bad", ELF_ERROR, \
	"PT_INTERP is no NUL-terminated string of 2 to 4096 bytes within the file", \
	"execve: ENOEXEC or EIO") \
RULE(INTERP_SECOND, "interp-second", ELF_WARN, \
	"there is more than one PT_INTERP", "Linux takes the first; gVisor 2022: ENOEXEC") \
RULE(INTERP_RELATIVE, "interp-relative", ELF_WARN, \
	"the interpreter's path is not absolute", \
	"it is looked up from the working directory of whoever calls execve") \
RULE(INTERP_CUT, "interp-embedded-nul", ELF_WARN, \
	"PT_INTERP has a NUL before its end", "Linux takes what is before it; tools show the whole") \
RULE(PHDR_UNMAPPED, "phdrs-in-no-load", ELF_WARN, \
	"no PT_LOAD holds the program headers", \
	"AT_PHDR is 0 (ET_EXEC) or the load bias since Linux 5.18: libc finds no TLS or DYNAMIC through it; gVisor and older kernels give another value") \
RULE(PHDR_DIFFERS, "pt-phdr-differs", ELF_WARN, \
	"PT_PHDR names another address than the kernel computes", \
	"AT_PHDR ignores PT_PHDR; ld.so computes a PIE's bias from it: everything is relocated wrongly") \
RULE(ALIGN_ODD, "p-align-odd", ELF_WARN, \
	"p_align is no power of two, or no multiple of the page size", \
	"execve ignores it; ld.so refuses such a library") \
RULE(ALIGN_INCONGRUENT, "p-align-incongruent", ELF_WARN, \
	"p_offset and p_vaddr differ modulo p_align", \
	"execve ignores it; ld.so refuses such a library") \
RULE(ALIGN_LOST, "p-align-lost", ELF_INFO, \
	"p_align is larger than a page in an image whose address the kernel chooses", \
	"honoured for PIEs since Linux 5.10, for static PIEs since 6.11, never for interpreters") \
RULE(WX, "writable-text", ELF_WARN, \
	"a PT_LOAD is writable and executable", \
	"refused under SELinux execmem and similar policies; hardened sandboxes forbid such mappings") \
RULE(STACK_EXEC, "executable-stack", ELF_WARN, \
	"PT_GNU_STACK asks for an executable stack", \
	"refused by hardened kernels; gVisor never makes the stack executable") \
RULE(STACK_ABSENT, "no-gnu-stack", ELF_INFO, \
	"there is no PT_GNU_STACK", \
	"before Linux 5.8, and for i386 programs still, all readable memory becomes executable") \
RULE(PAST_EOF, "past-eof", ELF_ERROR, \
	"a PT_LOAD has pages wholly past the end of the file: the file is cut", \
	"touching them is SIGBUS") \
RULE(PAST_EOF_BSS, "past-eof-bss", ELF_ERROR, \
	"bss begins in a page past the end of the file", \
	"Linux kills the process during execve; gVisor 2022: EFAULT") \
RULE(EOF_IN_SEGMENT, "eof-in-segment", ELF_WARN, \
	"the file ends within a PT_LOAD's last page, before its p_filesz", \
	"those bytes read as zeroes; tools take the file for damaged") \
RULE(LOW_ADDRESS, "low-address", ELF_WARN, \
	"a PT_LOAD lies below vm.mmap_min_addr", \
	"root alone can run it, others are killed during execve; gVisor 2022: ENOEXEC") \
RULE(BEYOND, "beyond-address-space", ELF_ERROR, \
	"a PT_LOAD reaches past the end of the address space", \
	"Linux kills the process during execve; gVisor 2022: ENOMEM or ENOEXEC") \
RULE(ENTRY, "entry-not-executable", ELF_ERROR, \
	"e_entry is not in an executable PT_LOAD", "SIGSEGV at the first instruction") \
RULE(NO_LOAD, "no-load", ELF_ERROR, \
	"there is no PT_LOAD", "execve succeeds and the program dies at its first instruction") \
RULE(TYPE, "not-loadable", ELF_ERROR, \
	"neither ET_EXEC nor ET_DYN", "execve: ENOEXEC") \
RULE(MACHINE, "other-machine", ELF_ERROR, \
	"e_machine is neither x86-64 nor i386", "execve: ENOEXEC, unless binfmt_misc knows it") \
RULE(IDENT, "ident-ignored", ELF_WARN, \
	"EI_CLASS, EI_DATA or EI_VERSION does not suit e_machine", \
	"Linux ignores them; gVisor, ld.so and tools refuse the file")
/* clang-format on */

#endif
