lib-abi := abi/abi.c abi/unions.c

programs += abi-json
abi-json-src := abi/abi_json.c
abi-json-libs := abi common

tests += test_abi
test_abi-src := abi/tests/test_abi.c
test_abi-libs := abi

pytests += abi/tests/test_headers.py
