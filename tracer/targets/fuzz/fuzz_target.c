/*
 * libFuzzer: what a run reads from files that may be anybody's: descriptions of targets (and what
 * their words become), mountinfo, the status file.
 */
#include "tracer/targets/state_impl.h"
#include "tracer/targets/status.h"
#include "tracer/targets/target.h"

#include "common/cleanup.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expand_all(const struct target *t)
{
	CLEANUP(words) struct words opts = {0};
	CLEANUP(words) struct words out = {0};
	struct target_values v = {.opts = &opts, .state = "/s", .log = "/l", .argv0 = "p"};
	struct err e;
	size_t i;

	for (i = 0; i < t->noptions; i++)
		words_addf(&opts, "%s=x", t->options[i].name);
	target_check_options(t, &opts, &e);
	target_expand(t, &t->start, &v, &out, &e);
	target_expand(t, &t->start_user, &v, &out, &e);
	target_expand(t, &t->recorder, &v, &out, &e);
	target_expand(t, &t->env, &v, &out, &e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(free) char *text = strndup((const char *)data, size);
	CLEANUP(target) struct target *t = NULL;
	struct host_mounts m;
	struct err e = {{0}};

	if (!text)
		return 0;
	if (!target_parse(&t, "t", text, "t.target", &e))
		expand_all(t);
	else if (!e.text[0])
		abort(); /* refused without a word */
	if (!host_mounts_parse(&m, text))
		host_mounts_fini(&m);
	status_parse(text);
	return 0;
}
