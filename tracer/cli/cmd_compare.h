/* lockstep compare and lockstep align: the plumbing of `lockstep diff` and of reports. */
#ifndef LOCKSTEP_TRACER_CLI_CMD_COMPARE_H
#define LOCKSTEP_TRACER_CLI_CMD_COMPARE_H

int cmd_compare(int argc, char **argv);
int cmd_align(int argc, char **argv);
int cmd_spec(int argc, char **argv);

#endif
