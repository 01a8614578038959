/*
 * Holding elf_predict() to the kernel that runs the tests: build an exe (and an interpreter), exec
 * it under ptrace, stop it at its first instruction, and compare maps, memory, auxv, heap, stack,
 * errno and exit with the prediction. What a test wants besides (the catalogue's own words) is
 * noted with want_*() before oracle_check() runs it, and looked up in the stopped process, not in
 * the prediction.
 *
 * One rig a test, in a folder of its own. Failures end the test by cmocka's assertions.
 */
#ifndef LOCKSTEP_LOADER_TESTS_ORACLE_H
#define LOCKSTEP_LOADER_TESTS_ORACLE_H

#include "common/buf.h"
#include "loader/elf_predict.h"
#include "loader/tests/elf_build.h"

#include <sys/types.h>
#include <sys/user.h>

#define ORACLE_UID 65534
#define RX	   (PF_R | PF_X)
#define RW	   (PF_R | PF_W)
/* The default exe: one RX LOAD of a page at TEXT, which exits with EXE_STATUS. */
#define TEXT	      0x400000ull
#define CODE	      0x800
#define EXE_STATUS    42
#define INTERP_STATUS 43

enum native_end {
	NATIVE_FAILED, /* execve returned errnum */
	NATIVE_KILLED, /* died inside execve */
	NATIVE_STOPPED,
};

struct native_vma {
	uint64_t start, end, file_offset;
	char perm[5];
	char name[128]; /* file, [stack] and so on, or "" */
};

/* A process at its first instruction, or what became of it. */
struct native {
	pid_t pid;
	int mem_fd;
	enum native_end end;
	int errnum, signal;
	int wait_status; /* after native_finish */
	size_t vma_len;
	struct native_vma vma[1400];
	size_t auxv_len; /* pairs, AT_NULL included */
	uint64_t auxv[64][2];
	struct user_regs_struct regs;
	uint64_t start_brk;
};

/* How to run it. Zero is: as root, without address space randomization, nothing limited. */
struct run_how {
	bool randomize;
	unsigned long personality;		       /* further bits */
	uint64_t rlimit_as, rlimit_data, rlimit_stack; /* 0: as they are */
	uid_t uid;				       /* 0, or to run as */
	bool no_new_privs;
	const char **argv, **envp; /* NULL: {path}, {} */
	int exec_fd;		   /* > 0: execveat(fd, "", AT_EMPTY_PATH | exec_flags) */
	int exec_flags;
};
void native_start(struct native *n, const struct run_how *how, const char *exe_path);
void native_read(const struct native *n, uint64_t addr, void *buf, size_t size);
bool native_readable(const struct native *n, uint64_t addr);
uint64_t native_aux(const struct native *n, uint64_t type);
const struct native_vma *native_vma_at(const struct native *n, uint64_t addr);
/* Lets it run to its end. */
void native_finish(struct native *n);
void native_kill(struct native *n);

struct want {
	enum { WANT_FILE, WANT_ZERO, WANT_VMA, WANT_HOLE, WANT_AUX, WANT_BRK, WANT_BUS } what;
	uint64_t addr, size, value;
	bool interp; /* WANT_FILE: bytes of the interpreter's file */
	const char *perm;
};

struct rig {
	char dir[64], exe_path[96], interp_path[96];
	struct elf_build exe, interp;
	bool has_interp;
	struct run_how how;
	int interp_errnum;	/* what the rules for opening say of the interpreter */
	bool ignore_stack_area; /* a LOAD cuts the stack: leave its pieces out of the comparison */
	struct want want[48];
	size_t want_len;
	struct elf_env env;
	struct native native;
	struct elf_prediction predicted;
	/* As parsed for the last oracle_check(). */
	const struct elf_image *exe_image, *interp_image;
};

int rig_setup(void **state);
int rig_teardown(void **state);
/* Makes the exe anew: as the default one, of the type, its LOAD at vaddr. */
void rig_exe(struct rig *r, uint16_t type, uint64_t vaddr);
/* Gives the exe a PT_INTERP and makes an interpreter like rig_exe's, exiting with INTERP_STATUS. */
void rig_interp(struct rig *r, uint16_t type, uint64_t vaddr);

/* addr of want_*: absolute for ET_EXEC; for ET_DYN images relative to the bias (in interp: its). */
void want_file(struct rig *r, uint64_t addr, uint64_t size, uint64_t off);
void want_interp_file(struct rig *r, uint64_t addr, uint64_t size, uint64_t off);
void want_zero(struct rig *r, uint64_t addr, uint64_t size);
void want_interp_zero(struct rig *r, uint64_t addr, uint64_t size);
void want_vma(struct rig *r, uint64_t start, uint64_t end, const char *perm);
void want_hole(struct rig *r, uint64_t addr);
void want_interp_hole(struct rig *r, uint64_t addr);
void want_bus(struct rig *r, uint64_t addr);
void want_aux(struct rig *r, uint64_t type, uint64_t value);
void want_brk(struct rig *r, uint64_t addr);

/* Writes the files, runs them, predicts, compares. The value is errno (ELF_FAILS), a signal
 * (ELF_FAULTS, or death while running) or the exit status (ELF_RUNS). */
void oracle_check(struct rig *r, enum elf_fate fate, int value);
/* ELF_RUNS that ends by a signal. */
void oracle_check_dies(struct rig *r, int signal);

/* ---- without a prediction ---- */

void rig_write_exe(struct rig *r);
void rig_put_text(const char *path, const char *text, size_t size, mode_t mode);
/* execs path under the rig's how: 0 when it is stopped at its start, or execve's errno. */
int rig_start(struct rig *r, const char *path);
/* The same, and lets the program end. */
int rig_run_path(struct rig *r, const char *path);
/* /proc/PID/name of the stopped program, NUL-terminated. */
void rig_proc_text(const struct rig *r, const char *name, struct buf *b);
/* A string of its memory, cut to size. */
void rig_read_string(const struct rig *r, uint64_t addr, char *out, size_t size);

#endif
