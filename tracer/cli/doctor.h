/* The checks of `lockstep doctor`. Each says what it found, and the command that mends it. */
#ifndef LOCKSTEP_TRACER_CLI_DOCTOR_H
#define LOCKSTEP_TRACER_CLI_DOCTOR_H

#define DOCTOR_MAX 48

enum doctor_state {
	DOCTOR_OK,
	DOCTOR_HINT, /* works, but better otherwise; or only some targets need it */
	DOCTOR_MEND, /* something does not work */
};

struct doctor_item {
	enum doctor_state state;
	const char *name;
	char text[320];
	char mend[200];
};

struct doctor {
	struct doctor_item items[DOCTOR_MAX];
	unsigned int n;
};

/* Adds one finding; `mend` may be NULL. */
void doctor_say(struct doctor *d, enum doctor_state state, const char *name, const char *mend,
	const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* Settings of the kernel: max_map_count, THP, ptrace_scope, core patterns. */
void doctor_kernel(struct doctor *d);
/* Tries the disposable state, as who we are now: namespaces, overlays, seccomp; and disk space. */
void doctor_state_checks(struct doctor *d);
/* Programs and Python modules; targets that are installed. */
void doctor_programs(struct doctor *d);

#endif
