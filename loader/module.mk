lib-loader := loader/elf_parse.c loader/elf_cover.c loader/elf_layout.c loader/elf_pieces.c loader/elf_predict.c \
	      loader/exec_rules.c
tests += test_elf_parse
test_elf_parse-src := loader/tests/test_elf_parse.c
test_elf_parse-libs := loader common
lib-loader-oracle := loader/tests/oracle.c loader/tests/oracle_native.c loader/tests/elf_build.c
tests += test_oracle_map
test_oracle_map-src := loader/tests/test_oracle_map.c
test_oracle_map-libs := loader-oracle loader common
tests += test_oracle_head
test_oracle_head-src := loader/tests/test_oracle_head.c
test_oracle_head-libs := loader-oracle loader common
tests += test_oracle_exec
test_oracle_exec-src := loader/tests/test_oracle_exec.c
test_oracle_exec-libs := loader-oracle loader common
