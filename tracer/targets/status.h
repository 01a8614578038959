/*
 * The status file: how the program (or the recorder around it, which dies as the program did)
 * ended, written by lockstep-exec inside the target, so that it does not depend on how the target
 * hands exit statuses on. One line, written whole:
 *
 *   running           the program was started, its end was not seen
 *   exited N          it ended with status N
 *   signaled N        it died of signal N
 *   failed ERRNO      it could not be executed
 *
 * The file lies in the target's reach: it is hostile until parsed.
 */
#ifndef LOCKSTEP_TRACER_TARGETS_STATUS_H
#define LOCKSTEP_TRACER_TARGETS_STATUS_H

#include <stdbool.h>

enum status_kind {
	STATUS_NONE, /* no file, or not well-formed */
	STATUS_RUNNING,
	STATUS_EXITED,
	STATUS_SIGNALED,
	STATUS_FAILED,
};

struct program_status {
	enum status_kind kind;
	int value;
};

/* STATUS_NONE for everything that is not exactly one of the lines above. */
struct program_status status_parse(const char *text);

#endif
