/*
 * The rules of execve(2) that are not about ELF: arguments, `#!` lines, permissions, names, and
 * what a program finds in its registers. Pure; errors are positive errno values as the caller of
 * execve sees them, 0 where it goes on.
 *
 * Source: Linux v6.18 fs/exec.c, fs/binfmt_script.c, security/commoncap.c.
 */
#ifndef LOCKSTEP_LOADER_EXEC_RULES_H
#define LOCKSTEP_LOADER_EXEC_RULES_H

#include "loader/elf_layout.h"

/* One argument or environment string, its NUL included. */
#define EXEC_STRING_MAX 131072
/* How much of a file the kernel looks at to choose a loader, and so of a `#!` line. */
#define EXEC_LOOK_SIZE 256
/* A script whose interpreter is a script, and so on: this many scripts in a row. */
#define EXEC_SCRIPT_DEPTH 5
/* Bytes of a task's name, its NUL included. */
#define EXEC_COMM_SIZE 16

/* What an execve passes: sizes include the NULs; `string_size` has the file name's too. */
struct exec_args {
	uint64_t argc, envc;
	uint64_t string_size;  /* bytes of all strings together */
	uint64_t longest_size; /* bytes of the longest */
};
/* Room for strings and their pointers: a quarter of the stack limit, at most 6 MiB, at least 128
 * KiB.
 */
uint64_t exec_arg_space(const struct elf_env *env);
/* 0 or E2BIG. */
int exec_args_errnum(const struct exec_args *a, const struct elf_env *env);
/* argc as the program sees it: since 5.18 an empty argv becomes {""}. */
uint64_t exec_argc(uint64_t argc, const struct elf_env *env);

/* A parsed `#!` line. */
struct exec_script {
	char path[EXEC_LOOK_SIZE];
	char arg[EXEC_LOOK_SIZE];
	bool has_arg;
};
/*
 * The line at the start of a file's first n bytes. 0; ENOEXEC: no script, or no whole interpreter
 * name in EXEC_LOOK_SIZE bytes. An empty path is a success here and EACCES when it is opened.
 */
int exec_script_parse(const void *data, size_t n, struct exec_script *out);
/* For the depth-th script in a row, from 1: 0 or ELOOP. */
int exec_depth_errnum(unsigned int depth);
/* A script opened through a descriptor that exec closes: its interpreter could not open it. */
int exec_script_fd_errnum(bool by_fd, bool cloexec);

/* A file as execve finds it. */
struct exec_file {
	bool exists, is_regular;
	bool may_execute; /* by its mode bits and the caller's credentials; reading need not be */
	bool noexec_mount;
	bool open_for_write; /* by anybody */
};
/* Opening it for exec, as the program or as an interpreter; `path` for the empty one. */
int exec_open_errnum(const char *path, const struct exec_file *f);
/* open(O_WRONLY) or truncate of a file in use: ETXTBSY for a running program, 0 for a running
 * interpreter. */
int exec_write_errnum(enum elf_which used_as);
/* execveat(AT_EXECVE_CHECK) of a file that execve would take. */
int exec_check_errnum(const struct elf_env *env);

/* The task's name after exec of a path; a script's own, not its interpreter's. */
void exec_comm(const char *path, char out[EXEC_COMM_SIZE]);
/* The same of execveat(fd, ""): since 6.14 the file's own name, before the descriptor's number. */
void exec_fd_comm(int fd, const char *path, const struct elf_env *env, char out[EXEC_COMM_SIZE]);
/* AT_EXECFN of execveat(fd, ""): "/dev/fd/N". */
void exec_fd_name(int fd, char *out, size_t size);

struct exec_creds {
	uint32_t uid, euid, gid, egid; /* of the caller */
	uint32_t file_uid, file_gid, file_mode;
	bool no_new_privs, nosuid_mount, is_script;
};
/* AT_SECURE, as far as set-user-ID and set-group-ID bits make it (not file capabilities). */
bool exec_at_secure(const struct exec_creds *c);

/* Registers at the first instruction of a 64-bit program; general ones are 0. */
struct exec_entry_state {
	uint32_t rflags, mxcsr;
	uint16_t fcw;
	uint8_t sp_align;	    /* rsp is a multiple of */
	uint8_t top_zero_size;	    /* bytes of zeroes at the very top of the stack */
	uint8_t random_addr_mod_16; /* AT_RANDOM's address modulo 16 */
};
struct exec_entry_state exec_entry_state(void);

#endif
