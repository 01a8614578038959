/*
 * Classic BPF as seccomp allows it: Linux v6.18 kernel/seccomp.c:seccomp_check_filter(). A program
 * comes from the tracee: every index is checked where it is used, and jumps only go forwards.
 */
#include "tracer/record/seccomp.h"

#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>

struct seccomp_filter {
	unsigned int refs, len;
	struct seccomp_filter *prev;
	struct sock_filter insn[];
};

struct vm {
	uint32_t a, x, mem[BPF_MEMWORDS];
};

struct seccomp_filter *seccomp_get(struct seccomp_filter *f)
{
	if (f)
		f->refs++;
	return f;
}

void seccomp_put(struct seccomp_filter *f)
{
	while (f && !--f->refs) {
		struct seccomp_filter *prev = f->prev;

		free(f);
		f = prev;
	}
}

struct seccomp_filter *seccomp_new(const struct sock_filter *insns, unsigned int len)
{
	struct seccomp_filter *f;

	if (!len || len > BPF_MAXINSNS)
		return NULL;
	f = malloc(sizeof(*f) + len * sizeof(*insns));
	if (!f)
		return NULL;
	f->refs = 1;
	f->len = len;
	f->prev = NULL;
	memcpy(f->insn, insns, len * sizeof(*insns));
	return f;
}

struct seccomp_filter *seccomp_link(struct seccomp_filter *f, struct seccomp_filter *prev)
{
	f->prev = prev;
	return f;
}

static uint32_t load(const struct filter_input *in, uint32_t off)
{
	uint32_t v = 0;

	if (off <= sizeof(*in) - 4)
		memcpy(&v, (const char *)in + off, 4);
	return v;
}

static void run_load(struct vm *vm, const struct sock_filter *i, const struct filter_input *in)
{
	uint32_t v = 0;

	switch (BPF_MODE(i->code)) {
	case BPF_ABS:
		v = load(in, i->k);
		break;
	case BPF_IMM:
		v = i->k;
		break;
	case BPF_MEM:
		v = vm->mem[i->k % BPF_MEMWORDS];
		break;
	case BPF_LEN:
		v = sizeof(*in);
		break;
	}
	if (BPF_CLASS(i->code) == BPF_LD)
		vm->a = v;
	else
		vm->x = v;
}

static void run_alu(struct vm *vm, const struct sock_filter *i)
{
	uint32_t v = BPF_SRC(i->code) == BPF_X ? vm->x : i->k;

	switch (BPF_OP(i->code)) {
	case BPF_ADD:
		vm->a += v;
		break;
	case BPF_SUB:
		vm->a -= v;
		break;
	case BPF_MUL:
		vm->a *= v;
		break;
	case BPF_DIV:
		vm->a = v ? vm->a / v : 0;
		break;
	case BPF_OR:
		vm->a |= v;
		break;
	case BPF_AND:
		vm->a &= v;
		break;
	case BPF_LSH:
		vm->a <<= v & 31;
		break;
	case BPF_RSH:
		vm->a >>= v & 31;
		break;
	case BPF_NEG:
		vm->a = -vm->a;
		break;
	case BPF_XOR:
		vm->a ^= v;
		break;
	}
}

/* How many instructions are skipped. */
static uint32_t run_jump(const struct vm *vm, const struct sock_filter *i)
{
	uint32_t v = BPF_SRC(i->code) == BPF_X ? vm->x : i->k;
	bool yes = false;

	switch (BPF_OP(i->code)) {
	case BPF_JA:
		return i->k;
	case BPF_JEQ:
		yes = vm->a == v;
		break;
	case BPF_JGT:
		yes = vm->a > v;
		break;
	case BPF_JGE:
		yes = vm->a >= v;
		break;
	case BPF_JSET:
		yes = vm->a & v;
		break;
	}
	return yes ? i->jt : i->jf;
}

static uint32_t run_one(const struct seccomp_filter *f, const struct filter_input *in)
{
	struct vm vm = {0};

	for (uint64_t pc = 0; pc < f->len; pc++) {
		const struct sock_filter *i = &f->insn[pc];

		switch (BPF_CLASS(i->code)) {
		case BPF_LD:
		case BPF_LDX:
			run_load(&vm, i, in);
			break;
		case BPF_ST:
			vm.mem[i->k % BPF_MEMWORDS] = vm.a;
			break;
		case BPF_STX:
			vm.mem[i->k % BPF_MEMWORDS] = vm.x;
			break;
		case BPF_ALU:
			run_alu(&vm, i);
			break;
		case BPF_JMP:
			pc += run_jump(&vm, i);
			break;
		case BPF_RET:
			return BPF_RVAL(i->code) == BPF_A ? vm.a : i->k;
		case BPF_MISC:
			if (BPF_MISCOP(i->code) == BPF_TAX)
				vm.x = vm.a;
			else
				vm.a = vm.x;
			break;
		}
	}
	return SECCOMP_RET_KILL_PROCESS;
}

uint32_t seccomp_run(const struct seccomp_filter *f, const struct filter_input *in)
{
	uint32_t ret = SECCOMP_RET_ALLOW;

	/* The most severe answer wins: the lowest, as signed action values. */
	for (; f; f = f->prev) {
		uint32_t one = run_one(f, in);

		if ((int32_t)(one & SECCOMP_RET_ACTION_FULL) <
			(int32_t)(ret & SECCOMP_RET_ACTION_FULL))
			ret = one;
	}
	return ret;
}

bool seccomp_answers(uint32_t ret)
{
	uint32_t action = ret & SECCOMP_RET_ACTION_FULL;

	return action != SECCOMP_RET_ALLOW && action != SECCOMP_RET_LOG;
}
