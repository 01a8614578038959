R := tracer/record
lib-record := $(R)/options.c $(R)/mem.c $(R)/regs.c $(R)/task.c $(R)/emit.c $(R)/vma.c $(R)/signals.c \
	$(R)/births.c $(R)/calls.c $(R)/capture.c $(R)/mapped.c $(R)/redact.c $(R)/inject.c $(R)/inject_parse.c \
	$(R)/evidence.c $(R)/start.c $(R)/own_signals.c $(R)/loop.c $(R)/follow.c $(R)/seccomp.c $(R)/filters.c $(R)/image.c $(R)/pages.c $(R)/written.c $(R)/dirty.c
static-programs += lockstep-record
lockstep-record-src := $(R)/main.c
lockstep-record-libs := record common abi store loader
lockstep-record-ld := -lxxhash -lzstd

tests += test_record
test_record-src := $(R)/tests/test_record.c $(R)/tests/harness.c
test_record-libs := store common
test_record-ld := -lzstd
tracees += $(addprefix $(R)/tests/tracees/,births.c exec_thread.c threads.c jobs.c restart.c filter.c int80.c tracer.c \
	daemon.c crash.c spaces.c many.c data.c hang.c affinity.c maps.c dirty.c bomb.c)

tests += test_record_parts
test_record_parts-src := $(R)/tests/test_record_parts.c
test_record_parts-libs := record common abi store loader
test_record_parts-ld := -lxxhash -lzstd

