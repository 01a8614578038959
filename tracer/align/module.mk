lib-align := $(addprefix tracer/align/,runs.c names.c token.c side.c book.c pairs.c differ.c detail.c finding.c spec.c \
	emit.c emit_page.c emit_process.c)
lockstep-libs += align decode store loader abi
lockstep-ld += -lzstd

tests += test_runs test_names
test_runs-src := tracer/align/tests/test_runs.c tracer/align/runs.c
test_names-src := tracer/align/tests/test_names.c tracer/align/names.c
test_names-libs := common

pytests += tracer/lockstep/compare/tests

tests += test_differ
test_differ-src := tracer/align/tests/test_differ.c tracer/decode/tests/make_event.c
test_differ-libs := align decode backtrace store loader abi common
test_differ-ld := -lzstd -ldw -lelf

fuzzers += fuzz_compare
fuzz_compare-src := tracer/align/fuzz/fuzz_compare.c tracer/store/fuzz/mend.c
fuzz_compare-libs := align decode backtrace store loader abi common
fuzz_compare-ld := -lzstd -ldw -lelf
