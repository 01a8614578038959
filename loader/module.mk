lib-loader := loader/elf_parse.c loader/elf_cover.c loader/elf_layout.c loader/elf_pieces.c loader/elf_predict.c \
	      loader/exec_rules.c loader/elf_ldso.c loader/elf_lint.c
tests += test_elf_parse
test_elf_parse-src := loader/tests/test_elf_parse.c
test_elf_parse-libs := loader common
lib-loader-oracle := loader/tests/oracle.c loader/tests/oracle_native.c loader/tests/oracle_path.c \
		     loader/tests/elf_build.c
tests += test_oracle_map
test_oracle_map-src := loader/tests/test_oracle_map.c
test_oracle_map-libs := loader-oracle loader common
tests += test_oracle_head
test_oracle_head-src := loader/tests/test_oracle_head.c
test_oracle_head-libs := loader-oracle loader common
tests += test_oracle_exec
test_oracle_exec-src := loader/tests/test_oracle_exec.c
test_oracle_exec-libs := loader-oracle loader common
tests += test_oracle_rules
test_oracle_rules-src := loader/tests/test_oracle_rules.c
test_oracle_rules-libs := loader-oracle loader common
tests += test_ldso
test_ldso-src := loader/tests/test_ldso.c
test_ldso-libs := loader common

# What does I/O, for `lockstep elf` alone.
lib-loader-report := loader/elf_report.c loader/elf_json.c loader/elf_text.c
lockstep-libs += loader loader-report

tests += test_elf_lint
test_elf_lint-src := loader/tests/test_elf_lint.c loader/tests/elf_build.c
test_elf_lint-libs := loader common

fuzzers += fuzz_elf
fuzz_elf-src := loader/fuzz/fuzz_elf.c
fuzz_elf-libs := loader
pytests += loader/tests/test_elf_cmd.py
tests += test_tails_real
test_tails_real-src := loader/tests/test_tails_real.c
test_tails_real-libs := loader-oracle loader-report loader common
