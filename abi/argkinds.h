/*
 * What the argument macros of syscalls.def and unions.def mean as initialisers of struct abi_arg.
 * For the files that expand those tables into descriptors only (abi.c, unions.c): the names are too
 * short for anything else. Indices count arguments from 0.
 */
#ifndef LOCKSTEP_ABI_ARGKINDS_H
#define LOCKSTEP_ABI_ARGKINDS_H

#include "abi/abi.h"

/* clang-format off */
#define A0()                 .nargs = 0
#define A1(a)                .nargs = 1, .arg = {a}
#define A2(a, b)             .nargs = 2, .arg = {a, b}
#define A3(a, b, c)          .nargs = 3, .arg = {a, b, c}
#define A4(a, b, c, d)       .nargs = 4, .arg = {a, b, c, d}
#define A5(a, b, c, d, e)    .nargs = 5, .arg = {a, b, c, d, e}
#define A6(a, b, c, d, e, f) .nargs = 6, .arg = {a, b, c, d, e, f}

/* plain values */
#define INT(n)      {.name = #n, .kind = AK_INT}
#define UINT(n)     {.name = #n, .kind = AK_UINT}
#define LONG(n)     {.name = #n, .kind = AK_LONG}
#define ULONG(n)    {.name = #n, .kind = AK_ULONG}
#define HEX(n)      {.name = #n, .kind = AK_HEX}
#define SIZE(n)     {.name = #n, .kind = AK_SIZE}
#define OFF(n)      {.name = #n, .kind = AK_OFF}
#define FD(n)       {.name = #n, .kind = AK_FD}
#define DIRFD(n)    {.name = #n, .kind = AK_DIRFD}
#define PID(n)      {.name = #n, .kind = AK_PID}
#define UID(n)      {.name = #n, .kind = AK_UID}
#define GID(n)      {.name = #n, .kind = AK_GID}
#define MODE(n)     {.name = #n, .kind = AK_MODE}
#define DEV(n)      {.name = #n, .kind = AK_DEV}
#define SIGNO(n)    {.name = #n, .kind = AK_SIGNO}
#define TIME(n)     {.name = #n, .kind = AK_TIME}
#define ADDR(n)     {.name = #n, .kind = AK_ADDR}
#define UNION(n)    {.name = #n, .kind = AK_UNION}
#define FLAGS(n, s) {.name = #n, .kind = AK_FLAGS, .type = ABI_SET_##s}
#define ENUM(n, s)  {.name = #n, .kind = AK_ENUM, .type = ABI_SET_##s}

/* strings: NUL-terminated, but ISTR and OSTR have argument l bytes at most */
#define PATH(n)        {.name = #n, .kind = AK_PATH, .dir = ABI_IN}
#define STR(n)         {.name = #n, .kind = AK_STR, .dir = ABI_IN}
#define ISTR(n, l)     {.name = #n, .kind = AK_STR, .dir = ABI_IN, .len_by = ABI_LEN_ARG, .len_arg = l}
#define OSTR(n, l)     {.name = #n, .kind = AK_STR, .dir = ABI_OUT, .len_by = ABI_LEN_ARG, .len_arg = l}
#define OSTR_FIX(n, k) {.name = #n, .kind = AK_STR, .dir = ABI_OUT, .len_by = ABI_LEN_FIXED, .len_arg = k}
#define STRV(n)        {.name = #n, .kind = AK_STRV, .dir = ABI_IN}

/* bytes: I goes in, O comes out, IO both */
#define BUF_(n, d, by, l) {.name = #n, .kind = AK_BUF, .dir = d, .len_by = by, .len_arg = l}
#define IBUF(n, l)       BUF_(n, ABI_IN, ABI_LEN_ARG, l)
#define OBUF(n, l)       BUF_(n, ABI_OUT, ABI_LEN_ARG, l)
#define IOBUF(n, l)      BUF_(n, ABI_INOUT, ABI_LEN_ARG, l)
#define OBUF_ALL(n, l)   BUF_(n, ABI_OUT, ABI_LEN_ALL, l)   /* whole, whatever the result says */
#define OBUF_PTR(n, l)   BUF_(n, ABI_OUT, ABI_LEN_PTR, l)   /* argument l points to the length */
#define OBUF_PAGES(n, l) BUF_(n, ABI_OUT, ABI_LEN_PAGES, l) /* a byte a page */
#define IBUF_BITS(n, l)  BUF_(n, ABI_IN, ABI_LEN_BITS, l)   /* argument l is a number of bits, plus 1 */
#define OBUF_BITS(n, l)  BUF_(n, ABI_OUT, ABI_LEN_BITS, l)
#define IBUF_MSG(n, l)   BUF_(n, ABI_IN, ABI_LEN_MSG, l)    /* struct msgbuf */
#define OBUF_MSG(n, l)   BUF_(n, ABI_OUT, ABI_LEN_MSG, l)
#define BUF_IOC_IN(n)    BUF_(n, ABI_IN, ABI_LEN_IOC, 1)    /* as the ioctl request says */
#define BUF_IOC_OUT(n)   BUF_(n, ABI_OUT, ABI_LEN_IOC, 1)
#define BUF_IOC_IO(n)    BUF_(n, ABI_INOUT, ABI_LEN_IOC, 1)
/* records that start with struct s; the result is their size in all */
#define RBUF(n, s) {.name = #n, .kind = AK_BUF, .dir = ABI_OUT, .len_by = ABI_LEN_RET, .type = ABI_S_##s}

/* structs: one; N many by argument l; FIX k of them; RET as many as the result says; ALL as N, whatever
 * the result says; SIZED one, of which argument l bytes are there */
#define STRUCT_(n, d, s, by, l) \
	{.name = #n, .kind = AK_STRUCT, .dir = d, .len_by = by, .len_arg = l, .type = ABI_S_##s}
#define IN(n, s)           STRUCT_(n, ABI_IN, s, ABI_LEN_NONE, 0)
#define OUT(n, s)          STRUCT_(n, ABI_OUT, s, ABI_LEN_NONE, 0)
#define IO(n, s)           STRUCT_(n, ABI_INOUT, s, ABI_LEN_NONE, 0)
#define IN_N(n, s, l)      STRUCT_(n, ABI_IN, s, ABI_LEN_ARG, l)
#define OUT_N(n, s, l)     STRUCT_(n, ABI_OUT, s, ABI_LEN_ARG, l)
#define IO_N(n, s, l)      STRUCT_(n, ABI_INOUT, s, ABI_LEN_ARG, l)
#define IN_FIX(n, s, k)    STRUCT_(n, ABI_IN, s, ABI_LEN_FIXED, k)
#define OUT_FIX(n, s, k)   STRUCT_(n, ABI_OUT, s, ABI_LEN_FIXED, k)
#define IO_FIX(n, s, k)    STRUCT_(n, ABI_INOUT, s, ABI_LEN_FIXED, k)
#define OUT_RET(n, s)      STRUCT_(n, ABI_OUT, s, ABI_LEN_RET, 0)
#define OUT_ALL(n, s, l)   STRUCT_(n, ABI_OUT, s, ABI_LEN_ALL, l)
#define IN_SIZED(n, s, l)  STRUCT_(n, ABI_IN, s, ABI_LEN_SIZED, l)
#define OUT_SIZED(n, s, l) STRUCT_(n, ABI_OUT, s, ABI_LEN_SIZED, l)
#define IO_SIZED(n, s, l)  STRUCT_(n, ABI_INOUT, s, ABI_LEN_SIZED, l)

/* what has a shape of its own */
#define VEC_(n, k, d, l) {.name = #n, .kind = k, .dir = d, .len_by = ABI_LEN_ARG, .len_arg = l}
#define IOV_IN(n, l)     VEC_(n, AK_IOVEC, ABI_IN, l)
#define IOV_OUT(n, l)    VEC_(n, AK_IOVEC, ABI_OUT, l)
#define MMSG_IN(n, l)    VEC_(n, AK_MMSGHDR, ABI_IN, l)
#define MMSG_OUT(n, l)   VEC_(n, AK_MMSGHDR, ABI_OUT, l)
#define FDSET_IO(n, l)   VEC_(n, AK_FDSET, ABI_INOUT, l)
#define SADDR_IN(n, l)   VEC_(n, AK_SOCKADDR, ABI_IN, l)
#define SADDR_OUT(n, l)  {.name = #n, .kind = AK_SOCKADDR, .dir = ABI_OUT, .len_by = ABI_LEN_PTR, .len_arg = l}
#define MSG_IN(n)        {.name = #n, .kind = AK_MSGHDR, .dir = ABI_IN}
#define MSG_OUT(n)       {.name = #n, .kind = AK_MSGHDR, .dir = ABI_OUT}
#define SIGSET_IN(n)     {.name = #n, .kind = AK_SIGSET, .dir = ABI_IN}
#define SIGSET_OUT(n)    {.name = #n, .kind = AK_SIGSET, .dir = ABI_OUT}
/* clang-format on */

#endif
