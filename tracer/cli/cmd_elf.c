/* `lockstep elf FILE...`: what Linux makes of ELF files, and what in them breaks elsewhere. */
#include "loader/elf_report.h"

#include "common/cleanup.h"
#include "tracer/cli/command.h"

#include <getopt.h>
#include <string.h>

static const char usage[] =
	"usage: lockstep elf [--json] [--kernel X.Y] [--user] [--quiet] [--no-color] FILE...\n"
	"\n"
	"Shows how Linux maps each ELF file: segments, pages (with what of the ELF lies in the\n"
	"bytes beside the segments), the memory map, whether execve succeeds, and what in the\n"
	"file is known to break somewhere. Libraries are shown by the rules of ld.so.\n"
	"\n"
	"  --json        one lockstep.elf/1 object a line\n"
	"  --kernel X.Y  predict for that version of Linux (default 6.18)\n"
	"  --user        predict for a user other than root\n"
	"  -q, --quiet   the verdict and the findings only\n"
	"  --no-color    no colours, even on a terminal\n"
	"\n"
	"Exit status: 0 nothing found, 1 findings of severity warn or error, 2 bad input.\n"
	"Example: lockstep elf --quiet /usr/bin/true\n";

struct options {
	struct elf_env env;
	bool json, quiet, colour;
};

/* "6.18" -> ELF_KERNEL(6, 18). */
static int parse_kernel(const char *text, uint32_t *out)
{
	unsigned int major, minor;
	int end = 0;

	if (sscanf(text, "%u.%u%n", &major, &minor, &end) != 2 || text[end] || major > 999 ||
		minor > 9999)
		return -1;
	*out = ELF_KERNEL(major, minor);
	return 0;
}

/* -1: go on; else the exit status. */
static int parse_options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {{"json", no_argument, NULL, 'j'},
		{"kernel", required_argument, NULL, 'k'}, {"user", no_argument, NULL, 'u'},
		{"quiet", no_argument, NULL, 'q'}, {"no-color", no_argument, NULL, 'n'},
		{"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
	int c;

	optind = 1;
	while ((c = getopt_long(argc, argv, "qh", longs, NULL)) != -1) {
		switch (c) {
		case 'j':
			o->json = true;
			break;
		case 'k':
			if (parse_kernel(optarg, &o->env.kernel)) {
				warn_msg("--kernel %s: not a version; say for example --kernel 6.6",
					optarg);
				return EXIT_USAGE;
			}
			break;
		case 'u':
			o->env.low_pages = false;
			break;
		case 'q':
			o->quiet = true;
			break;
		case 'n':
			o->colour = false;
			break;
		case 'h':
			fputs(usage, stdout);
			return EXIT_OK;
		default:
			fputs("Try: lockstep elf --help\n", stderr);
			return EXIT_USAGE;
		}
	}
	if (optind < argc)
		return -1;
	warn_msg("elf: no file was named; say for example: lockstep elf /usr/bin/true");
	return EXIT_USAGE;
}

static int show_file(const char *path, const struct options *o)
{
	struct elf_report *r = NULL;
	CLEANUP(buf) struct buf out = {NULL};
	struct err e;
	int status = EXIT_USAGE;

	if (elf_report_new(&r, path, &o->env, &e)) {
		err_print(&e);
		elf_report_free(r);
		return status;
	}
	if (o->json)
		elf_report_json(r, &out);
	else
		elf_report_text(r, o->colour, o->quiet, &out);
	status = elf_report_bad(r) ? EXIT_FOUND : EXIT_OK;
	elf_report_free(r);
	if (out.failed || buf_write_fd(&out, STDOUT_FILENO)) {
		warn_msg("%s: the answer cannot be written to standard output", path);
		return EXIT_BROKE;
	}
	return status;
}

int cmd_elf(int argc, char **argv)
{
	struct options o = {.env = elf_env_default()};
	int status, worst = EXIT_OK, i;

	o.colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR") && !getenv("CI");
	status = parse_options(argc, argv, &o);
	if (status >= 0)
		return status;
	for (i = optind; i < argc; i++) {
		if (i > optind && !o.json && write(STDOUT_FILENO, "\n", 1) != 1)
			return EXIT_BROKE;
		status = show_file(argv[i], &o);
		worst = status > worst ? status : worst;
	}
	return worst;
}
