lib-targets := $(addprefix tracer/targets/,words.c target.c target_parse.c status.c \
	state.c state_init.c state_mounts.c state_root.c state_fresh.c state_place.c\
	state_mountinfo.c streams.c host_vma.c changes.c limits.c \
	run.c run_words.c outcome.c)

# Runs a program inside a target where nothing is recorded, and writes down how it ended.
static-programs += lockstep-exec
lockstep-exec-src := tracer/targets/exec_main.c

tests += test_target test_state_parsers
test_target-src := tracer/targets/tests/test_target.c
test_target-libs := common targets store
test_target-ld := -lzstd
test_state_parsers-src := tracer/targets/tests/test_state_parsers.c tracer/cli/options.c
test_state_parsers-libs := common targets store
test_state_parsers-ld := -lzstd
pytests += tracer/targets/tests

fuzzers += fuzz_target
fuzz_target-src := tracer/targets/fuzz/fuzz_target.c $(addprefix tracer/targets/,words.c target.c target_parse.c status.c \
	state_mountinfo.c)
fuzz_target-libs := common
