lib-abi := abi/abi.c abi/unions.c
