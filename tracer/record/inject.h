/*
 * Injection: results, data and signals at one call, named by site and canonical arguments, and
 * bytes at exec. The language is in ARCHITECTURE.md ("Injection").
 */
#ifndef LOCKSTEP_TRACER_RECORD_INJECT_H
#define LOCKSTEP_TRACER_RECORD_INJECT_H

#include "tracer/record/recorder.h"

struct inject;
struct inject_rule;

struct inject *inject_new(void);
void inject_free(struct inject *in);
/* Adds one SPEC; the error names the word that is wrong. */
int inject_add(struct inject *in, const char *spec, struct err *e);
/* How many rules there are; in may be NULL. */
unsigned int inject_len(const struct inject *in);

/* At the entry of t->cur: finds the rule that fits, and does its part of it. */
void inject_enter(struct recorder *r, struct task *t);
/* At the exit; t->cur.rule is not NULL. Returns the result that the tracee now sees. */
int64_t inject_leave(struct recorder *r, struct task *t, int64_t ret);
/* At the exec stop: writes the bytes of rules that fit. */
void inject_exec(struct recorder *r, struct task *t);

#endif
