/*
 * Where things are: beside this executable. In a checkout that is build/<variant>/lockstep, with
 * the link build/<variant>/python to the checkout; installed it is PREFIX/lib/lockstep/lockstep,
 * with the Python packages in PREFIX/lib/lockstep/python. `make venv` gives a checkout an
 * interpreter of its own, python/build/venv; an installed tree has none.
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

/* Folders with a part of the namespace package `lockstep`. */
static const char *const g_rooms[] = {"common", "tracer", "workloads", "reports"};

bool python_has(const char *module)
{
	static const char *const tails[] = {"/__main__.py", ".py"};
	char path[PATH_MAX + 128], rel[64];
	size_t i, k;
	char *p;

	snprintf(rel, sizeof(rel), "%s", module);
	for (p = rel; *p; p++)
		if (*p == '.')
			*p = '/';
	for (i = 0; i < ARRAY_LEN(g_rooms); i++) {
		for (k = 0; k < ARRAY_LEN(tails); k++) {
			snprintf(path, sizeof(path), "%s/python/%s/%s%s", exe_folder(), g_rooms[i],
				rel, tails[k]);
			if (!access(path, F_OK))
				return true;
		}
	}
	return false;
}

static void set_python_path(void)
{
	char text[8 * PATH_MAX] = "";
	size_t i, len = 0;

	for (i = 0; i < ARRAY_LEN(g_rooms); i++)
		len += snprintf(text + len, sizeof(text) - len, "%s%s/python/%s", i ? ":" : "",
			exe_folder(), g_rooms[i]);
	setenv("PYTHONPATH", text, 1);
}

int python_exec(const char *module, char **argv)
{
	char venv[PATH_MAX + 64], exe[PATH_MAX + 16];
	const char *python = "python3";
	char **words;
	size_t n = 0;

	snprintf(venv, sizeof(venv), "%s/python/build/venv/bin/python", exe_folder());
	if (!access(venv, X_OK))
		python = venv;
	snprintf(exe, sizeof(exe), "%s/lockstep", exe_folder());
	setenv("LOCKSTEP_EXE", exe, 1);
	set_python_path();
	while (argv[n])
		n++;
	words = calloc(n + 4, sizeof(*words));
	if (!words)
		die(EXIT_BROKE, "out of memory");
	n = 0;
	words[n++] = (char *)(uintptr_t)python;
	words[n++] = (char *)(uintptr_t) "-m";
	words[n++] = (char *)(uintptr_t)module;
	for (argv++; *argv; argv++)
		words[n++] = *argv;
	words[n] = NULL;
	execvp(python, words);
	free(words);
	warn_msg("cannot start %s: %s; this command needs Python 3.11 or newer", python,
		strerror(errno));
	return EXIT_BROKE;
}
