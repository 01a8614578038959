lib-abi := abi/abi.c abi/unions.c

programs += abi-json
abi-json-src := abi/abi_json.c
abi-json-libs := abi common

tests += test_abi test_args test_kernel_files test_kernel_tasks
test_abi-src := abi/tests/test_abi.c
test_abi-libs := abi
test_args-src := abi/tests/test_args.c
test_args-libs := abi
test_kernel_files-src := abi/tests/test_kernel_files.c abi/tests/paint.c
test_kernel_files-libs := abi
test_kernel_files-ld := -lutil
test_kernel_tasks-src := abi/tests/test_kernel_tasks.c abi/tests/paint.c
test_kernel_tasks-libs := abi
test_kernel_tasks-ld := -lrt

pytests += abi/tests/test_headers.py
