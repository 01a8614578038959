/*
 * The commands of `lockstep`. A command is a C function here (cmd_NAME in cmd_NAME.c) or a Python
 * module; main.c holds the one table of both. C functions are weak references: a command that is
 * not linked in is not listed.
 */
#ifndef LOCKSTEP_TRACER_CLI_COMMAND_H
#define LOCKSTEP_TRACER_CLI_COMMAND_H

#include <stdbool.h>

/*
 * argv[0] is the command's name; the result is the exit status of INTERFACE. May read and write the
 * standard streams; must not print the word "lockstep:" itself (err_print, warn_msg do).
 */
typedef int command_fn(int argc, char **argv);

command_fn cmd_run, cmd_trace, cmd_target, cmd_doctor, cmd_exec_python;
command_fn cmd_show, cmd_elf, cmd_compare, cmd_align, cmd_spec;

/*
 * Becomes `python3 -m module argv[1..]`, with PYTHONPATH and LOCKSTEP_EXE set. Only returns when
 * that failed: an exit status, after the sentence.
 */
int python_exec(const char *module, char **argv);
/* Whether the module's file is there. */
bool python_has(const char *module);

/* The folder of this executable (lockstep-record stands there too); never NULL, aborts when /proc
 * is not there. */
const char *exe_folder(void);
/* Where the target descriptions that come with lockstep are. */
const char *targets_folder(void);

#endif
