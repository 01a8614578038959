/*
 * Errors as users read them: what was wrong, where, and what to do. A function that can fail in a
 * way worth a sentence takes a `struct err *` (may be NULL) and returns a negative errno; main
 * prints the sentence and picks the exit status. Nothing is allocated; a struct err can live on the
 * stack. Not shared between threads.
 */
#ifndef LOCKSTEP_COMMON_ERR_H
#define LOCKSTEP_COMMON_ERR_H

#include <stdarg.h>

/* The exit statuses of ../docs (INTERFACE): see lockstep(1). */
enum exit_status {
	EXIT_OK = 0,		 /* nothing found, done as asked */
	EXIT_FOUND = 1,		 /* findings, failures */
	EXIT_USAGE = 2,		 /* wrong use or bad input */
	EXIT_BROKE = 3,		 /* the harness or the target itself broke: no verdict */
	EXIT_RUN_SELF = 125,	 /* run, trace: lockstep itself failed */
	EXIT_RUN_NOEXEC = 126,	 /* run, trace: found, cannot be executed */
	EXIT_RUN_NOTFOUND = 127, /* run, trace: not found */
};

struct err {
	char text[512];
};

/* Stores the formatted sentence (when e is not NULL) and returns -errnum, so that callers write
 * `return err_set(...)`. */
int err_set(struct err *e, int errnum, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Puts "context: " before the sentence; for adding the *where* on the way up. Returns rc unchanged.
 */
int err_prefix(struct err *e, int rc, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* "lockstep: <text>" on standard error. warn_msg the same for things that do not end the command.
 */
void err_print(const struct err *e);
void warn_msg(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Prints and exits with the status. Only for main functions and tests. */
_Noreturn void die(int status, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
