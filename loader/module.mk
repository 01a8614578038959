lib-loader := loader/elf_parse.c loader/elf_cover.c loader/elf_layout.c
tests += test_elf_parse
test_elf_parse-src := loader/tests/test_elf_parse.c
test_elf_parse-libs := loader common
