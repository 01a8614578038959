lib-align := tracer/align/runs.c tracer/align/names.c

tests += test_runs test_names
test_runs-src := tracer/align/tests/test_runs.c
test_runs-libs := align common
test_names-src := tracer/align/tests/test_names.c
test_names-libs := align common

pytests += tracer/lockstep/compare/tests
