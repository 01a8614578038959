# Lockstep: one non-recursive build. Each folder's module.mk only lists its sources, programs and tests;
# every rule stands here. See `make help`.

V     ?= 0
SAN   ?=
WERROR ?= 1
CC    ?= gcc
CLANG ?= clang-14
CLANG_FORMAT ?= clang-format-14
PREFIX ?= /usr/local
DESTDIR ?=
VERSION := 0.1.0

comma := ,
variant := $(if $(SAN),$(if $(findstring thread,$(SAN)),tsan,asan),plain)
B     := build/$(variant)
Q     := $(if $(filter 1,$(V)),,@)
say    = $(if $(filter 1,$(V)),,@printf '  %-7s %s\n' '$(1)' '$(2)';)

CPPFLAGS += -I. -D_GNU_SOURCE -DLOCKSTEP_VERSION='"$(VERSION)"'
WARN   := -Wall -Wextra -Wshadow -Wvla -Wundef -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings \
	  -Wno-unused-parameter $(if $(filter 1,$(WERROR)),-Werror)
CFLAGS ?= -O2 -g
ALL_CFLAGS = -std=gnu11 -fno-strict-aliasing -fno-omit-frame-pointer $(WARN) $(CFLAGS) $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all)
ALL_LDFLAGS = $(LDFLAGS) $(if $(SAN),-fsanitize=$(SAN))

# What the module.mk files fill in:
#   lib-<name>      sources of one library (linked as objects into whoever names it in <program>-libs)
#   programs        dynamic programs;  <program>-src, <program>-libs, <program>-ld
#   static-programs the same, linked statically (dynamically under SAN: the sanitizers have no static runtime)
#   tests           cmocka programs under */tests/: <test>-src, -libs, -ld; run by `make check-c`
#   tracees         small static C programs that tests run as subjects (tests/tracees/*.c)
#   benches         scripts that print ratios and fail when a target is missed; run as SCRIPT BUILD
#   fuzzers         libFuzzer targets: <fuzzer>-src, -libs, -ld
libs            :=
programs        :=
static-programs :=
tests           :=
tracees         :=
fuzzers         :=
pytests         :=
benches         :=

.DEFAULT_GOAL := all
MODULES := $(sort $(wildcard */module.mk */*/module.mk))
include $(MODULES)

objs = $(patsubst %.c,$(B)/obj/%.o,$(1))
lib-srcs = $(foreach l,$(1),$(lib-$(l)))
fuzz-objs = $(patsubst %.c,build/fuzz/obj/%.o,$(1))

all: $(addprefix $(B)/,$(programs) $(static-programs)) $(B)/python $(if $(filter plain,$(variant)),build/lockstep)

# The link is the plain build's: a sanitized or counted one beside it leaves it alone.
build/lockstep: $(B)/lockstep
	$(Q)mkdir -p build && ln -sfn $(variant)/lockstep build/lockstep

# Python runs from the checkout: the program finds its namespace packages through this link.
$(B)/python:
	$(Q)mkdir -p $(B) && ln -sfn ../.. $(B)/python

$(B)/obj/%.o: %.c
	$(Q)mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) $($(<)-cflags) -MMD -MP -c -o $@ $<

build/fuzz/obj/%.o: %.c
	$(Q)mkdir -p $(@D)
	$(call say,FUZZCC,$<)$(CLANG) $(CPPFLAGS) -std=gnu11 -fno-strict-aliasing -O1 -g -Wno-unknown-warning-option \
		-fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all -MMD -MP -c -o $@ $<

define program-rule
$(B)/$(1): $(call objs,$($(1)-src) $(call lib-srcs,$($(1)-libs)))
	$$(call say,LD,$$@)$(CC) $(ALL_LDFLAGS) $(2) -o $$@ $$(filter %.o,$$^) $($(1)-ld)
all-objs += $(call objs,$($(1)-src) $(call lib-srcs,$($(1)-libs)))
endef
define test-rule
$(B)/tests/$(1): $(call objs,$($(1)-src) $(call lib-srcs,$($(1)-libs)))
	$(Q)mkdir -p $(B)/tests
	$$(call say,LD,$$@)$(CC) $(ALL_LDFLAGS) -o $$@ $$(filter %.o,$$^) $($(1)-ld) -lcmocka
all-objs += $(call objs,$($(1)-src) $(call lib-srcs,$($(1)-libs)))
endef
define fuzz-rule
build/fuzz/$(1): $(call fuzz-objs,$($(1)-src) $(call lib-srcs,$($(1)-libs)))
	$$(call say,LD,$$@)$(CLANG) -fsanitize=address,undefined,fuzzer -o $$@ $$(filter %.o,$$^) $($(1)-ld)
all-objs += $(call fuzz-objs,$($(1)-src) $(call lib-srcs,$($(1)-libs)))
endef
$(foreach p,$(programs),$(eval $(call program-rule,$(p),)))
$(foreach p,$(static-programs),$(eval $(call program-rule,$(p),$(if $(SAN),,-static))))
$(foreach t,$(tests),$(eval $(call test-rule,$(t))))
$(foreach f,$(fuzzers),$(eval $(call fuzz-rule,$(f))))

# Tracees are never sanitized: they are the measured, not the measurer.
$(B)/tracees/%: %.c
	$(Q)mkdir -p $(@D)
	$(call say,TRACEE,$<)$(CC) -I. -D_GNU_SOURCE -std=gnu11 -O1 -g -Wall -Werror -static -pthread -o $@ $<
tracee-bins := $(patsubst %.c,$(B)/tracees/%,$(tracees))

test-bins := $(addprefix $(B)/tests/,$(tests))
tests: all $(test-bins) $(tracee-bins)

check: check-c check-py
check-c: tests
	$(Q)BUILD=$(abspath $(B)) sh ci/run-c-tests $(test-bins)
check-py: tests
	$(Q)BUILD=$(abspath $(B)) sh ci/run-py-tests $(pytests)
check-san:
	$(Q)$(MAKE) SAN=address,undefined check

bench: all
	$(Q)rc=0; for b in $(benches); do $$b $(abspath $(B)) $(BENCH) || rc=1; done; exit $$rc

fuzz: $(addprefix build/fuzz/,$(fuzzers))
FUZZ_SECONDS ?= 60
fuzz-run: fuzz
	$(Q)sh ci/run-fuzzers $(FUZZ_SECONDS) $(addprefix build/fuzz/,$(fuzzers))

# Every header compiles alone.
headers := $(filter-out build/%,$(wildcard */*.h */*/*.h))
check-headers:
	$(Q)for h in $(headers); do $(CC) $(CPPFLAGS) -std=gnu11 $(WARN) -fsyntax-only -x c $$h || exit 1; done
check-style: venv
	$(Q)$(CLANG_FORMAT) --dry-run -Werror $$(git ls-files '*.c' '*.h' | grep -v -e '^abi/.*def' -e tracees)
	$(Q)build/venv/bin/ruff check -q common tracer workloads reports ci docs
	$(Q)build/venv/bin/mypy --no-error-summary -p lockstep.base -p lockstep.compare -p lockstep.corpus -p lockstep.report
venv:
	$(Q)sh ci/venv

# Clang tools read it: one entry a C file that is compiled here.
compile_commands.json: export FLAGS = $(CPPFLAGS) -std=gnu11
compile_commands.json:
	$(Q)sh ci/compile-commands $(CC) $(sort $(filter %.c,$(foreach o,$(all-objs),$(patsubst $(B)/obj/%.o,%.c,$(o))))) > $@

install: all
	$(Q)sh ci/install '$(B)' '$(DESTDIR)' '$(PREFIX)'
uninstall:
	$(Q)sh ci/install --uninstall '$(DESTDIR)' '$(PREFIX)'
dist:
	$(Q)sh ci/dist $(VERSION)
deb: all
	$(Q)sh ci/deb/build '$(B)' $(VERSION)
coverage:
	$(Q)sh ci/coverage

clean:
	$(Q)rm -rf build dist

help:
	@sed -n 's/^#: //p' $(MAKEFILE_LIST)
#: make               build/lockstep and what it needs            make check         all tests
#: make check-san     the same under address,undefined            make bench         speed, as ratios (BENCH=--json)
#: make fuzz-run FUZZ_SECONDS=600   the fuzz targets              make check-style   formatting, Python lint and types
#: make install DESTDIR= PREFIX=    make uninstall    make deb    make dist          make compile_commands.json
#: make coverage      which lines the C tests run
#: V=1 shows commands; SAN=address,undefined or SAN=thread picks a sanitizer; WERROR=0 lets warnings pass

-include $(patsubst %.o,%.d,$(sort $(all-objs)))
.PHONY: all tests bench check check-c check-py check-san fuzz fuzz-run venv check-headers check-style \
	compile_commands.json install uninstall dist deb coverage clean help
