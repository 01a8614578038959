/* See exec_rules.h. */
#include "loader/exec_rules.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define ARG_SPACE_MAX (6ull << 20) /* three quarters of the default stack limit, 8 MiB */
#define ARG_SPACE_MIN (128ull << 10)

uint64_t exec_arg_space(const struct elf_env *env)
{
	uint64_t space = env->rlimit_stack / 4;

	if (space > ARG_SPACE_MAX)
		space = ARG_SPACE_MAX;
	return space < ARG_SPACE_MIN ? ARG_SPACE_MIN : space;
}

int exec_args_errnum(const struct exec_args *a, const struct elf_env *env)
{
	uint64_t space = exec_arg_space(env), pointers;

	if (a->longest_size > EXEC_STRING_MAX)
		return E2BIG;
	if (__builtin_add_overflow(a->argc ? a->argc : 1, a->envc, &pointers) ||
		__builtin_mul_overflow(pointers, 8, &pointers) || pointers >= space)
		return E2BIG;
	return a->string_size > space - pointers ? E2BIG : 0;
}

uint64_t exec_argc(uint64_t argc, const struct elf_env *env)
{
	return argc == 0 && env->kernel >= ELF_KERNEL(5, 18) ? 1 : argc;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The end of the line within the look, or NULL when the interpreter's name may be cut. */
static const char *line_end(const char *look, const char *name)
{
	const char *last = look + EXEC_LOOK_SIZE - 1, *p = memchr(look, '\n', EXEC_LOOK_SIZE);

	if (p)
		return p;
	for (p = name; p <= last; p++)
		if (is_blank(*p) || !*p)
			return last;
	return NULL;
}

static void word_copy(char *out, const char *from, const char *end)
{
	size_t n = strnlen(from, (size_t)(end - from));

	memcpy(out, from, n);
	out[n] = '\0';
}

int exec_script_parse(const void *data, size_t n, struct exec_script *out)
{
	char look[EXEC_LOOK_SIZE] = "";
	const char *name = look + 2, *end, *p;

	memcpy(look, data, n < sizeof(look) ? n : sizeof(look));
	if (look[0] != '#' || look[1] != '!')
		return ENOEXEC;
	while (name < look + sizeof(look) && is_blank(*name))
		name++;
	if (name == look + sizeof(look))
		return ENOEXEC;
	end = line_end(look, name);
	if (!end)
		return ENOEXEC;
	while (end > name && is_blank(end[-1]))
		end--;
	if (name >= end)
		return ENOEXEC;
	for (p = name; p < end && *p && !is_blank(*p);)
		p++;
	word_copy(out->path, name, p);
	/* A NUL ends the line; blanks before the end lead to the one argument. */
	out->has_arg = p < end && is_blank(*p);
	while (p < end && is_blank(*p))
		p++;
	word_copy(out->arg, p, out->has_arg ? end : p);
	return 0;
}

int exec_depth_errnum(unsigned int depth)
{
	return depth > EXEC_SCRIPT_DEPTH ? ELOOP : 0;
}

int exec_script_fd_errnum(bool by_fd, bool cloexec)
{
	return by_fd && cloexec ? ENOENT : 0;
}

int exec_open_errnum(const char *path, const struct exec_file *f)
{
	/* "" is looked up as the working directory, which is no regular file. */
	if (!*path)
		return EACCES;
	if (!f->exists)
		return ENOENT;
	if (!f->is_regular || f->noexec_mount || !f->may_execute)
		return EACCES;
	return f->open_for_write ? ETXTBSY : 0;
}

int exec_write_errnum(enum elf_which used_as)
{
	return used_as == ELF_EXE ? ETXTBSY : 0;
}

int exec_check_errnum(const struct elf_env *env)
{
	return env->kernel >= ELF_KERNEL(6, 14) ? 0 : EINVAL;
}

void exec_comm(const char *path, char out[EXEC_COMM_SIZE])
{
	const char *base = strrchr(path, '/');

	base = base ? base + 1 : path;
	word_copy(out, base, base + EXEC_COMM_SIZE - 1);
}

void exec_fd_comm(int fd, const char *path, const struct elf_env *env, char out[EXEC_COMM_SIZE])
{
	if (env->kernel >= ELF_KERNEL(6, 14))
		exec_comm(path, out);
	else
		snprintf(out, EXEC_COMM_SIZE, "%d", fd);
}

void exec_fd_name(int fd, char *out, size_t size)
{
	snprintf(out, size, "/dev/fd/%d", fd);
}

bool exec_at_secure(const struct exec_creds *c)
{
	bool suid = c->file_mode & S_ISUID, sgid = c->file_mode & S_ISGID && c->file_mode & S_IXGRP;

	if (c->uid != c->euid || c->gid != c->egid)
		return true;
	if (c->no_new_privs || c->nosuid_mount || c->is_script)
		return false;
	return (suid && c->file_uid != c->uid) || (sgid && c->file_gid != c->gid);
}

struct exec_entry_state exec_entry_state(void)
{
	return (struct exec_entry_state){.rflags = 0x202,
		.mxcsr = 0x1f80,
		.fcw = 0x37f,
		.sp_align = 16,
		.top_zero_size = 8,
		.random_addr_mod_16 = 9};
}
