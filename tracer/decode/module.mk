# What events say (strace's text, JSON) and the model of the traced processes. Users add -lzstd to their <program>-ld.
lib-model := tracer/decode/model.c tracer/decode/model_task.c tracer/decode/model_fd.c tracer/decode/model_fds.c tracer/decode/model_mm.c \
	tracer/decode/model_path.c tracer/decode/fdtab.c tracer/decode/vmas.c tracer/decode/intern.c

tests += test_model
test_model-src := tracer/decode/tests/test_model.c tracer/decode/tests/make_event.c tracer/store/tests/gen.c
test_model-libs := model store common
test_model-ld := -lzstd

# Users also name abi.
lib-decode := $(lib-model) $(addprefix tracer/decode/,tree.c values.c args.c msg.c info.c text.c result.c print_json.c event.c event_json.c)
lib-decode += tracer/decode/filter.c tracer/decode/summary.c
# lockstep show
lockstep-libs += decode backtrace abi store
lockstep-ld += -lzstd -ldw -lelf

tests += test_decode
test_decode-src := tracer/decode/tests/test_decode.c tracer/decode/tests/make_event.c tracer/store/tests/gen.c
test_decode-libs := decode abi store common
test_decode-ld := -lzstd

# Stacks of crashes; users add -ldw -lelf.
lib-backtrace := tracer/decode/backtrace.c
tests += test_backtrace
test_backtrace-src := tracer/decode/tests/test_backtrace.c
test_backtrace-libs := backtrace store common
test_backtrace-ld := -ldw -lelf -lzstd

tracees += tracer/decode/tests/tracees/shown.c
pytests += tracer/decode/tests/test_show.py

fuzzers += fuzz_decode
fuzz_decode-src := tracer/decode/fuzz/fuzz_decode.c tracer/store/fuzz/mend.c
fuzz_decode-libs := decode abi store common
fuzz_decode-ld := -lzstd

tests += test_model_real
test_model_real-src := tracer/decode/tests/test_model_real.c
test_model_real-libs := model store common
test_model_real-ld := -lzstd
