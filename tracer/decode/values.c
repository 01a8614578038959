/* Scalars and sets of bits, as nodes. See tree.h. */
#include "tracer/decode/tree.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

uint64_t tree_load(const uint8_t *p, unsigned int size)
{
	uint64_t v = 0;

	memcpy(&v, p, size < sizeof(v) ? size : sizeof(v));
	return v;
}

/* ---- names ---- */

static void put_name(struct buf *b, bool *any, const char *name)
{
	if (*any)
		buf_add_byte(b, '|');
	*any = true;
	buf_add_str(b, name);
}

bool tree_flag_names(struct tree *t, const struct abi_set *set, uint64_t value)
{
	uint64_t left = value, done = 0;
	bool any = false;
	unsigned int i;

	for (i = 0; i < set->n; i++) {
		const struct abi_name *n = &set->names[i];

		/* A field within the flags (an access mode) counts once, zero included. */
		if ((value & n->mask) != n->value || done & n->mask || (!n->mask && value))
			continue;
		put_name(&t->text, &any, n->name);
		done |= n->mask;
		left &= ~n->mask;
	}
	if (any && left) {
		buf_printf(&t->text, "|%#llx", (unsigned long long)left);
	}
	return any;
}

static bool enum_name(struct tree *t, const struct abi_set *set, uint64_t value)
{
	unsigned int i;

	for (i = 0; i < set->n; i++) {
		const struct abi_name *n = &set->names[i];

		if ((value & n->mask) == n->value) {
			buf_add_str(&t->text, n->name);
			return true;
		}
	}
	return false;
}

/* Tables hold 32-bit sets as such; registers hold them extended either way. */
static uint64_t low_when_extended(uint64_t v)
{
	return v >> 32 == UINT32_MAX && v >> 31 & 1 ? v & UINT32_MAX : v;
}

static bool set_name(struct tree *t, unsigned int kind, unsigned int id, uint64_t v)
{
	const struct abi_set *set = abi_set(id);

	if (!set)
		return false;
	if (kind == AK_ENUM)
		return enum_name(t, set, v) || enum_name(t, set, v & UINT32_MAX);
	return tree_flag_names(t, set, low_when_extended(v));
}

static void mode_text(struct tree *t, uint64_t v)
{
	static const struct {
		unsigned int type;
		const char *name;
	} types[] = {{S_IFREG, "S_IFREG"}, {S_IFDIR, "S_IFDIR"}, {S_IFCHR, "S_IFCHR"},
		{S_IFBLK, "S_IFBLK"}, {S_IFIFO, "S_IFIFO"}, {S_IFLNK, "S_IFLNK"},
		{S_IFSOCK, "S_IFSOCK"}};
	static const struct {
		unsigned int bit;
		const char *name;
	} bits[] = {{S_ISUID, "S_ISUID|"}, {S_ISGID, "S_ISGID|"}, {S_ISVTX, "S_ISVTX|"}};
	unsigned int i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if ((v & S_IFMT) == types[i].type)
			buf_printf(&t->text, "%s|", types[i].name);
	for (i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
		if (v & bits[i].bit)
			buf_add_str(&t->text, bits[i].name);
	buf_printf(&t->text, "0%03llo",
		(unsigned long long)(v & ~(uint64_t)(S_ISUID | S_ISGID | S_ISVTX) &
				     ~(v & S_IFMT ? (uint64_t)S_IFMT : 0)));
}

static void fd_text(struct tree *t, int fd)
{
	const char *name = t->opts->fd_names && t->opts->model
				   ? model_fd_name(t->opts->model, t->ev->tid, fd)
				   : NULL;

	if (!name)
		return;
	buf_printf(&t->text, "%d<", fd);
	tree_escape(&t->text, name, strlen(name));
	buf_add_byte(&t->text, '>');
}

static void dirfd_text(struct tree *t, int fd)
{
	const char *cwd =
		t->opts->fd_names && t->opts->model ? model_cwd(t->opts->model, t->ev->tid) : NULL;

	if (fd != AT_FDCWD)
		fd_text(t, fd);
	else
		buf_add_str(&t->text, "AT_FDCWD");
	if (fd != AT_FDCWD || !cwd)
		return;
	buf_add_byte(&t->text, '<');
	tree_escape(&t->text, cwd, strlen(cwd));
	buf_add_byte(&t->text, '>');
}

/* What a value is called, into t->text; nothing when a plain number says it. */
static void value_text(struct tree *t, unsigned int kind, unsigned int set, uint64_t v)
{
	const char *name = NULL;

	switch (kind) {
	case AK_FLAGS:
	case AK_ENUM:
		set_name(t, kind, set, v);
		break;
	case AK_MODE:
		mode_text(t, v);
		break;
	case AK_DEV:
		buf_printf(&t->text, "makedev(%#x, %#x)", major(v), minor(v));
		break;
	case AK_SIGNO:
		name = abi_signal_name((int)v);
		break;
	case AK_ERRNO:
		name = abi_errno_name((int)v);
		break;
	case AK_FD:
		fd_text(t, (int)v);
		break;
	case AK_DIRFD:
		dirfd_text(t, (int)v);
		break;
	}
	if (name)
		buf_add_str(&t->text, name);
}

/* The value as its kind has it: cut to its width, its sign extended. */
static uint64_t narrow(unsigned int kind, uint64_t v, unsigned int size)
{
	static const uint8_t is_signed[] = {[AK_INT] = 1,
		[AK_LONG] = 1,
		[AK_OFF] = 1,
		[AK_FD] = 1,
		[AK_DIRFD] = 1,
		[AK_PID] = 1,
		[AK_UID] = 1,
		[AK_GID] = 1,
		[AK_SIGNO] = 1,
		[AK_TIME] = 1,
		[AK_ERRNO] = 1};
	unsigned int shift;

	/* In registers these are 32 bits; what stands above is not theirs. */
	if (size == 8 && (kind == AK_INT || kind == AK_UINT || kind == AK_FD || kind == AK_DIRFD ||
				 kind == AK_PID || kind == AK_UID || kind == AK_GID ||
				 kind == AK_SIGNO || kind == AK_MODE || kind == AK_ERRNO))
		size = 4;
	if (size >= 8)
		return v;
	shift = 64 - 8 * size;
	if (kind < sizeof(is_signed) && is_signed[kind])
		return (uint64_t)((int64_t)(v << shift) >> shift);
	return v << shift >> shift;
}

uint32_t tree_value(struct tree *t, uint32_t parent, const char *name, unsigned int kind,
	unsigned int set, uint64_t value, unsigned int size)
{
	uint32_t n = tree_add(t, parent, name, kind == AK_ADDR ? NF_ADDR : NF_NUM, kind);
	uint32_t mark = tree_mark(t);

	value = narrow(kind, value, size);
	tree_node(t, n)->value = value;
	value_text(t, kind, set, value);
	tree_set_text(t, n, mark);
	return n;
}

uint32_t tree_word(struct tree *t, uint32_t parent, const char *name, unsigned int kind,
	uint64_t value, const char *word)
{
	uint32_t n = tree_add(t, parent, name, NF_NUM, kind);
	uint32_t mark = tree_mark(t);

	tree_node(t, n)->value = value;
	if (word)
		buf_add_str(&t->text, word);
	tree_set_text(t, n, mark);
	return n;
}

uint32_t tree_addr(
	struct tree *t, uint32_t parent, const char *name, unsigned int kind, uint64_t value)
{
	uint32_t n = tree_add(t, parent, name, NF_ADDR, kind);

	tree_node(t, n)->value = value;
	return n;
}

uint32_t tree_bytes(struct tree *t, uint32_t parent, const char *name, unsigned int kind,
	uint64_t addr, const uint8_t *bytes, uint32_t size, uint32_t full)
{
	uint32_t n = tree_add(t, parent, name, NF_BYTES, kind);
	struct node *node = tree_node(t, n);

	node->value = addr;
	node->bytes = bytes;
	node->size = size;
	node->full = full;
	return n;
}

/* ---- sets of bits ---- */

static bool bit_at(const uint8_t *bytes, uint32_t size, uint32_t i)
{
	return i / 8 < size && bytes[i / 8] >> i % 8 & 1;
}

/* Named without SIG, those that are blocked; more than half of them: those that are not. */
uint32_t tree_sigset(
	struct tree *t, uint32_t parent, const char *name, const uint8_t *bytes, uint32_t size)
{
	uint32_t n = tree_add(t, parent, name, NF_ARRAY, AK_SIGSET), i;
	uint64_t set = tree_load(bytes, size < 8 ? size : 8);
	bool all_but = __builtin_popcountll(set) > 32;

	tree_node(t, n)->sets = true;
	tree_node(t, n)->all_but = all_but;
	tree_node(t, n)->value = set;
	for (i = 0; i < 64; i++) {
		const char *sig = abi_signal_name(i + 1);

		if ((set >> i & 1) == all_but)
			continue;
		if (sig && !strncmp(sig, "SIG", 3))
			sig += 3;
		tree_word(t, n, NULL, AK_SIGNO, i + 1, sig);
	}
	return n;
}

uint32_t tree_fdset(
	struct tree *t, uint32_t parent, const char *name, const uint8_t *bytes, uint32_t size)
{
	uint32_t n = tree_add(t, parent, name, NF_ARRAY, AK_FDSET), i;

	tree_node(t, n)->sets = true;
	for (i = 0; i / 8 < size; i++)
		if (bit_at(bytes, size, i))
			tree_value(t, n, NULL, AK_FD, 0, i, 4);
	return n;
}

void tree_wait_status(struct tree *t, int status)
{
	const char *sig;

	if (WIFEXITED(status)) {
		buf_printf(&t->text, "WIFEXITED(s) && WEXITSTATUS(s) == %d", WEXITSTATUS(status));
	} else if (WIFSIGNALED(status)) {
		sig = abi_signal_name(WTERMSIG(status));
		buf_printf(&t->text, "WIFSIGNALED(s) && WTERMSIG(s) == %s", sig ? sig : "?");
		if (WCOREDUMP(status))
			buf_add_str(&t->text, " && WCOREDUMP(s)");
	} else if (WIFSTOPPED(status)) {
		sig = abi_signal_name(WSTOPSIG(status));
		buf_printf(&t->text, "WIFSTOPPED(s) && WSTOPSIG(s) == %s", sig ? sig : "?");
	} else if (WIFCONTINUED(status)) {
		buf_add_str(&t->text, "WIFCONTINUED(s)");
	}
}
