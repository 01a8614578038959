/*
 * Linux x86-64 as data: every system call with its arguments, the structs and the flag sets they
 * use, errno and signal names. The decoder, the recorder's payload capture, the comparison and
 * (later) the emulator's dispatch are all driven by these tables; nothing else in the project names
 * a call's arguments. Depends on nothing but the C library's headers.
 *
 * Everything here is immutable and may be used from any thread. Sources: Linux v6.18 include/uapi,
 * the section 2 man pages.
 */
#ifndef LOCKSTEP_ABI_ABI_H
#define LOCKSTEP_ABI_ABI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/ids.h"

/* What an argument, a return value or a struct field is. The kind says how to print it and whether
 * two runs may compare it. */
enum abi_kind {
	AK_NONE = 0,
	/* plain values */
	AK_INT,	  /* signed decimal, 32 bit significant */
	AK_UINT,  /* unsigned decimal, 32 bit significant */
	AK_LONG,  /* signed decimal, 64 bit */
	AK_ULONG, /* unsigned decimal, 64 bit */
	AK_HEX,	  /* unsigned, printed in hexadecimal */
	AK_SIZE,  /* a byte or element count */
	AK_OFF,	  /* a file offset */
	AK_FD,	  /* a file descriptor; as a return value: a new one */
	AK_DIRFD, /* a descriptor or AT_FDCWD */
	AK_PID,	  /* a process, thread or process group id (negative forms as the call defines) */
	AK_UID,
	AK_GID,
	AK_MODE,  /* octal permissions and file type */
	AK_DEV,	  /* device number */
	AK_INO,	  /* inode number: compared by identity, not by value */
	AK_SIGNO, /* signal number */
	AK_TIME,  /* a moment, a duration or a gauge: two runs never agree but by chance */
	AK_FLAGS, /* bits of the set `type` */
	AK_ENUM,  /* one value of the set `type` */
	AK_PAD,	  /* field only: bytes without meaning; never printed, never compared */
	AK_ERRNO, /* an errno value, as SO_ERROR gives */
	/* addresses and what they point to */
	AK_ADDR, /* an address that is a value by itself (mmap, brk, futex word): not followed */
	AK_PATH, /* NUL-terminated file name, relative to the AK_DIRFD before it where there is one
		  */
	AK_STR,	 /* NUL-terminated string that is not a path */
	AK_STRV, /* NULL-terminated vector of strings (argv, envp) */
	AK_BUF,	 /* bytes; how many by `len_by` */
	AK_STRUCT,   /* struct `type`; an array of them when len_by is not ABI_LEN_NONE */
	AK_IOVEC,    /* struct iovec[]; element count by len_by; the data counts as well */
	AK_MSGHDR,   /* struct msghdr with name, iovecs and control messages */
	AK_MMSGHDR,  /* struct mmsghdr[] */
	AK_SOCKADDR, /* struct sockaddr; size by len_by */
	AK_SIGSET,   /* kernel sigset, 8 bytes */
	AK_FDSET,    /* select(2) bitmap; its size in bits is the argument len_arg */
	AK_UNION, /* depends on another argument: abi_resolve() gives the descriptor that holds here
		   */
};

enum abi_dir { ABI_IN = 1, ABI_OUT = 2, ABI_INOUT = 3 };

/* How many bytes (AK_BUF, AK_SOCKADDR, AK_STR) or elements (AK_STRUCT, AK_IOVEC, AK_MMSGHDR) an
 * argument points to. abi_bytes() knows all of it; nobody else needs to. */
enum abi_len {
	ABI_LEN_NONE = 0, /* one struct, or until the NUL */
	ABI_LEN_ARG, /* the value of argument len_arg; for OUT buffers the return value, when it is
			less, says what is valid */
	ABI_LEN_PTR, /* the 32-bit value that argument len_arg points to (socklen_t *), as it is at
			exit for OUT */
	ABI_LEN_RET, /* the return value */
	ABI_LEN_FIXED, /* len_arg, as a number */
	ABI_LEN_ALL,   /* as ABI_LEN_ARG, but OUT is valid whole whatever the result says */
	ABI_LEN_SIZED, /* one struct, of which only the value of argument len_arg many bytes are
			  there (extensible structs: clone3, openat2, ...) */
	ABI_LEN_PAGES, /* bytes: one for each page of the size in argument len_arg (mincore) */
	ABI_LEN_BITS,  /* bytes: whole words for argument len_arg - 1 bits (node masks) */
	ABI_LEN_MSG,   /* bytes: 8 more than the value of argument len_arg, for OUT 8 more than the
			  result (struct msgbuf) */
	ABI_LEN_IOC,   /* bytes: the size that the ioctl request in argument len_arg carries */
};

struct abi_arg {
	const char *name;
	uint8_t kind;	 /* enum abi_kind */
	uint8_t dir;	 /* enum abi_dir; what the kernel does with what is pointed to */
	uint8_t len_by;	 /* enum abi_len */
	uint8_t len_arg; /* argument index, or the number itself for ABI_LEN_FIXED */
	uint16_t type; /* AK_STRUCT: enum abi_struct_id; AK_FLAGS, AK_ENUM: enum abi_set_id; AK_BUF:
			  the struct that heads each record in it (getdents64), or 0. What lies
			  between records is not written by the kernel: never compared, never hashed
			*/
};

/* How far this project's own emulator supports a call; published as the support matrix. */
enum abi_level { ABI_NONE = 0, ABI_PARTIAL, ABI_FULL, ABI_ERROR };

/* Classes for filters, as strace's %file and so on. */
enum abi_class {
	ABI_C_FILE = 1 << 0,
	ABI_C_DESC = 1 << 1,
	ABI_C_PROCESS = 1 << 2,
	ABI_C_NETWORK = 1 << 3,
	ABI_C_SIGNAL = 1 << 4,
	ABI_C_IPC = 1 << 5,
	ABI_C_MEMORY = 1 << 6,
	ABI_C_TIME = 1 << 7,
	ABI_C_CREDS = 1 << 8,
	ABI_C_NORETURN = 1 << 12, /* success does not return: exit, exit_group, rt_sigreturn */
	ABI_C_BLOCKS = 1 << 13,	  /* may sleep without bound */
};

struct abi_call {
	uint16_t nr;
	uint16_t classes; /* enum abi_class */
	uint8_t nargs;	  /* what the kernel reads, 0..6 */
	uint8_t ret;	  /* enum abi_kind of a successful result */
	uint8_t level;	  /* enum abi_level */
	const char *name;
	const char *note;
	struct abi_arg arg[6];
};

struct abi_field {
	const char *name;
	uint16_t off, size; /* bytes; size is one element's when count > 1 */
	uint16_t count; /* elements; 1 for a scalar. AK_BUF fields: bytes, AK_STR: a char array */
	uint8_t kind;	/* enum abi_kind */
	uint16_t type;	/* set or struct */
};

/* A scalar behind a pointer (int *, socklen_t *, pid_t *) is a struct with one field named "". */
struct abi_struct {
	const char *name;
	uint16_t size; /* bytes, on x86-64 */
	uint16_t nfields;
	const struct abi_field *fields;
};

struct abi_name {
	uint64_t value;
	uint64_t mask; /* bits that must equal value; == value for a plain flag, 0xffffffff for an
			  enum value: the kernel reads 32 bits, the rest of a register may be
			  anything */
	const char *name;
};

struct abi_set {
	const char *name;
	uint16_t n;
	const struct abi_name *names;
};

/* The largest call number that the table knows. */
#define ABI_NR_MAX 600

/* NULL when there is no such call. */
const struct abi_call *abi_call(unsigned int nr);
/* The i386 name of a call made by int $0x80, or NULL; those are named, never decoded. */
const char *abi_call_i386(unsigned int nr);
const struct abi_call *abi_call_by_name(const char *name);
/*
 * The descriptor that holds for argument i of this very call: for AK_UNION (ioctl, fcntl, prctl,
 * futex, bpf, keyctl, ...) chosen by the other arguments; otherwise the table's own. Never NULL for
 * i < nargs.
 */
const struct abi_arg *abi_resolve(const struct abi_call *c, unsigned int i, const uint64_t args[6]);
/* How many arguments this very call uses (open without O_CREAT: 2; fcntl F_GETFD: 2); <= nargs. */
unsigned int abi_nargs(const struct abi_call *c, const uint64_t args[6]);
/* The kind of the result of this very call (fcntl F_DUPFD: AK_FD; futex: AK_INT ...). */
unsigned int abi_ret_kind(const struct abi_call *c, const uint64_t args[6]);

/*
 * How many bytes argument a of this very call points to: before the call (`returned` false), or
 * after it, with its result `ret`. `len_word` is the 32-bit word that the length pointer of
 * ABI_LEN_PTR points to at that time (abi_len_ptr() says which argument that is); otherwise it is
 * ignored. For AK_STRUCT, AK_IOVEC and AK_MMSGHDR a whole number of elements, but for
 * ABI_LEN_SIZED. 0 for what is not a pointer, for AK_STR, AK_PATH without a length and AK_STRV
 * (they end by themselves), and for OUT of a call that failed. The number comes from the tracee: it
 * may be anything up to 2^64 - 1, never wrapped.
 */
uint64_t abi_bytes(const struct abi_arg *a, const uint64_t args[6], bool returned, int64_t ret,
	uint32_t len_word);
/* The index of the argument that points to a's length, or -1. */
static inline int abi_len_ptr(const struct abi_arg *a)
{
	return a->len_by == ABI_LEN_PTR ? a->len_arg : -1;
}

/* NULL for an id that is not one. */
const struct abi_struct *abi_struct(unsigned int id);
const struct abi_set *abi_set(unsigned int id);
/* The name of a value of an AK_ENUM set, or NULL. */
const char *abi_enum_name(unsigned int set, uint64_t value);
/* "flags" for AK_FLAGS and so on, as JSON names them; "none" for what is no kind. */
const char *abi_kind_name(unsigned int kind);

const char *abi_errno_name(int err); /* "ENOENT", or NULL; knows 512..516 (ERESTARTSYS ...) too */
const char *abi_signal_name(int signo);	  /* "SIGSEGV", "SIGRT_5", or NULL */
int abi_signal_by_name(const char *name); /* with or without SIG; 0 when unknown */
int abi_errno_by_name(const char *name);  /* 0 when unknown */
const char *abi_auxv_name(uint64_t type); /* "AT_PHDR", or NULL */

#endif
