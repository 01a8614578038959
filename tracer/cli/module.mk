# A command is a cmd_NAME.c here; what it links comes from its own folder's module.mk
# (`lockstep-libs += NAME`, `lockstep-ld += -lX`).
programs += lockstep
lockstep-src := $(wildcard tracer/cli/*.c)
lockstep-libs += common targets
