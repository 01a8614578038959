lib-abi := abi/abi.c abi/unions.c

programs += abi-json
abi-json-src := abi/abi_json.c
abi-json-libs := abi common

tests += test_abi test_abi_kernel
test_abi-src := abi/tests/test_abi.c
test_abi-libs := abi
test_abi_kernel-src := abi/tests/test_abi_kernel.c
test_abi_kernel-libs := abi
test_abi_kernel-ld := -lutil -lrt

pytests += abi/tests/test_headers.py
