/*
 * Where things are: beside this executable. In a checkout that is build/<variant>/lockstep, with
 * the link build/<variant>/python to the checkout; installed it is PREFIX/lib/lockstep/lockstep,
 * with the Python packages in PREFIX/lib/lockstep/python.
 */
#include "tracer/cli/command.h"

#include "common/cleanup.h"
#include "common/err.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *exe_folder(void)
{
	static char path[PATH_MAX];
	ssize_t n;

	if (path[0])
		return path;
	n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	if (n <= 0)
		die(EXIT_BROKE, "cannot read /proc/self/exe: %s; lockstep needs /proc",
			strerror(errno));
	path[n] = 0;
	*strrchr(path, '/') = 0;
	return path;
}

const char *targets_folder(void)
{
	static char path[PATH_MAX + 32];

	/* the same below the checkout and below the installed tree */
	snprintf(path, sizeof(path), "%s/python/tracer/targets", exe_folder());
	return path;
}

static void set_python_path(void)
{
	static const char *const rooms[] = {"common", "tracer", "workloads", "reports"};
	char text[8 * PATH_MAX] = "";
	size_t i, len = 0;

	for (i = 0; i < ARRAY_LEN(rooms); i++)
		len += snprintf(text + len, sizeof(text) - len, "%s%s/python/%s", i ? ":" : "",
			exe_folder(), rooms[i]);
	setenv("PYTHONPATH", text, 1);
}

int python_exec(const char *module, char **argv)
{
	char venv[PATH_MAX + 64], exe[PATH_MAX + 16];
	const char *python = "python3";
	char *words[4096];
	size_t n = 0;

	snprintf(venv, sizeof(venv), "%s/../venv/bin/python", exe_folder());
	if (!access(venv, X_OK))
		python = venv;
	snprintf(exe, sizeof(exe), "%s/lockstep", exe_folder());
	setenv("LOCKSTEP_EXE", exe, 1);
	set_python_path();
	words[n++] = (char *)(uintptr_t)python;
	words[n++] = (char *)(uintptr_t) "-m";
	words[n++] = (char *)(uintptr_t)module;
	for (argv++; *argv && n < ARRAY_LEN(words) - 1; argv++)
		words[n++] = *argv;
	words[n] = NULL;
	execvp(python, words);
	warn_msg("cannot start %s: %s; this command needs Python 3.11 or newer", python,
		strerror(errno));
	return EXIT_BROKE;
}
