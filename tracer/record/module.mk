R := tracer/record
lib-record := $(R)/options.c $(R)/mem.c $(R)/regs.c $(R)/task.c $(R)/emit.c $(R)/vma.c $(R)/signals.c \
	$(R)/births.c $(R)/calls.c $(R)/capture.c $(R)/redact.c $(R)/inject.c $(R)/inject_parse.c \
	$(R)/evidence.c $(R)/start.c $(R)/own_signals.c $(R)/loop.c $(R)/follow.c $(R)/seccomp.c $(R)/filters.c
static-programs += lockstep-record
lockstep-record-src := $(R)/main.c
lockstep-record-libs := record common abi store
lockstep-record-ld := -lxxhash -lzstd
