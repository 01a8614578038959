# The trace file: writer (linked statically into the recorder) and reader. Users add -lzstd to their <program>-ld.
lib-store := tracer/store/capture.c tracer/store/dedup.c tracer/store/encode.c tracer/store/block.c tracer/store/writer.c \
	tracer/store/unpack.c tracer/store/unpack_payload.c tracer/store/reader_open.c tracer/store/reader.c

tests += test_trace
test_trace-src := tracer/store/tests/test_trace.c tracer/store/tests/gen.c
test_trace-libs := store common
test_trace-ld := -lzstd

fuzzers += fuzz_trace
fuzz_trace-src := tracer/store/fuzz/fuzz_trace.c tracer/store/fuzz/mend.c
fuzz_trace-libs := store common
fuzz_trace-ld := -lzstd

benches += tracer/store/bench/bench_store.py
