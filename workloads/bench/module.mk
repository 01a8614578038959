# Traces of any length, for the bench of `lockstep compare`.
programs += make-trace
make-trace-src := workloads/bench/make_trace.c
make-trace-libs := store common
make-trace-ld := -lzstd

benches += workloads/bench/bench.py
pytests += workloads/bench/tests
