/*
 * Writing an injection: one call of one run, named so that the recorder finds it again in another
 * run (ARCHITECTURE.md, Injection).
 */
#ifndef LOCKSTEP_TRACER_ALIGN_SPEC_H
#define LOCKSTEP_TRACER_ALIGN_SPEC_H

#include "tracer/align/detail.h"
#include "tracer/align/differ.h"

/*
 * Appends the words that name token `tok` of segment `seg` of side `s` (its event is `place`):
 * call, image, flags, path, place in the order of such calls. `all`: every such call of the process
 * instead of the one.
 */
void spec_place(struct buf *out, const struct side *s, const struct names *names, int seg, int tok,
	const struct detail *place, bool all);
/*
 * Appends the words that give that call the result of `value`, an event of the same call. False
 * when that can't be injected (a new descriptor, an address, data that was not stored whole).
 */
bool spec_value(struct buf *out, const struct detail *value, const struct detail *place);
/* Whether every call that the words of spec_place with `all` fit has the same errno as tok. */
bool spec_uniform(const struct side *s, const struct names *names, int seg, int tok);
/* Appends text with every byte that is not plain as %XX. */
void spec_text(struct buf *out, const char *text, size_t len);

#endif
