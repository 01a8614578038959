/*
 * The status file: how the program ended, written by whoever is its parent inside the target
 * (lockstep-exec, or the recorder with --status FILE), so that it does not depend on how the target
 * hands exit statuses on. One line, written whole:
 *
 *   running           the program was started, its end was not seen
 *   exited N          it ended with status N
 *   signaled N        it died of signal N
 *   failed ERRNO      it could not be executed
 *   timeout           it was ended because its time was over
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
	STATUS_TIMEOUT,
};

struct program_status {
	enum status_kind kind;
	int value;
};

/* STATUS_NONE for everything that is not exactly one of the lines above. */
struct program_status status_parse(const char *text);

#endif
