/* What a call returned. See tree.h. */
#include "tracer/decode/tree.h"

#include <string.h>

/* Linux v6.18 include/linux/errno.h: never seen by the program, but by its tracer. */
static const char *const g_restarts[] = {"To be restarted if SA_RESTART is set", "To be restarted",
	"To be restarted if no handler", NULL, "Interrupted by signal"};

#define ERESTARTSYS 512

const char *result_meaning(int err)
{
	if (err >= ERESTARTSYS && err < ERESTARTSYS + 5)
		return g_restarts[err - ERESTARTSYS];
	return strerrordesc_np(err);
}

uint32_t tree_result(struct tree *t, const struct abi_call *call)
{
	unsigned int kind = call ? abi_ret_kind(call, t->ev->arg) : AK_LONG;
	uint64_t v = t->ev->ret;

	/* A pointer that comes back is an address; what is there belongs to no argument. */
	if (kind >= AK_ADDR)
		kind = AK_HEX;
	if (kind == AK_NONE)
		kind = AK_LONG;
	return tree_value(t, 0, "ret", kind, 0, v, 8);
}
