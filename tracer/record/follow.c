#include "tracer/record/follow.h"

#include "tracer/record/mem.h"

#include <string.h>
#include <sys/syscall.h>

/* Ticks (20 ms) between two choices of a CPU: the scheduler may know a better one by then. */
#define CHOOSE_TICKS 12
/* Ticks in a row with several tasks computing before they are spread. */
#define SPREAD_TICKS 2
/* More stops in a tick than this, and the recorder is what they all wait for: spreading only makes
 * each wake-up slower. */
#define STOPS_BUSY 600

static void pin(struct recorder *r, struct task *t)
{
	cpu_set_t one;

	if (!CPU_ISSET(r->follow.cpu, &t->cpus))
		return;
	CPU_ZERO(&one);
	CPU_SET(r->follow.cpu, &one);
	t->pinned = !sched_setaffinity(t->tid, sizeof(one), &one);
}

static void unpin(struct task *t)
{
	if (t->pinned)
		sched_setaffinity(t->tid, sizeof(t->cpus), &t->cpus);
	t->pinned = false;
}

void follow_release(struct task *t)
{
	unpin(t);
}

static void pin_each(struct task *t, void *arg)
{
	pin(arg, t);
}

static void unpin_each(struct task *t, void *arg)
{
	unpin(t);
}

static void pin_self(struct recorder *r)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(r->follow.cpu, &one);
	sched_setaffinity(0, sizeof(one), &one);
}

/* All on the CPU on which the recorder is now. */
static void gather(struct recorder *r)
{
	int cpu = sched_getcpu();

	if (cpu < 0 || cpu >= CPU_SETSIZE)
		return;
	r->follow.cpu = cpu;
	r->follow.spread = false;
	pin_self(r);
	task_each(&r->tasks, pin_each, r);
}

static void spread(struct recorder *r)
{
	r->follow.spread = true;
	r->follow.choosing = false;
	sched_setaffinity(0, sizeof(r->follow.own), &r->follow.own);
	task_each(&r->tasks, unpin_each, NULL);
}

void follow_start(struct recorder *r, struct task *root)
{
	if (r->opt->no_follow || regs_fallback() || CPU_COUNT(&r->follow.own))
		return;
	if (sched_getaffinity(0, sizeof(r->follow.own), &r->follow.own) ||
		sched_getaffinity(root->tid, sizeof(root->cpus), &root->cpus))
		return;
	if (CPU_COUNT(&r->follow.own) < 2)
		return;
	r->follow.on = true;
	gather(r);
}

void follow_born(struct task *child, const struct task *parent)
{
	child->cpus = parent->cpus;
	child->pinned = parent->pinned;
}

static void count_computing(struct task *t, void *arg)
{
	*(unsigned int *)arg += !t->stopped && !t->in_call && !t->listening;
}

void follow_tick(struct recorder *r)
{
	struct follow *f = &r->follow;
	unsigned int computing = 0;
	bool busy = f->stops > STOPS_BUSY;

	if (!f->on)
		return;
	f->stops = 0;
	task_each(&r->tasks, count_computing, &computing);
	if (computing > 1 && !busy)
		f->score += f->score < SPREAD_TICKS;
	else
		f->score -= f->score > 0;
	if (!f->spread && f->score == SPREAD_TICKS) {
		spread(r);
	} else if (f->spread && !f->score) {
		gather(r);
	} else if (!f->spread && ++f->ticks % CHOOSE_TICKS == 0) {
		/* The next wake-up is placed by the scheduler: follow_choose sees where. */
		f->choosing = true;
		sched_setaffinity(0, sizeof(f->own), &f->own);
	}
}

void follow_choose(struct recorder *r)
{
	r->follow.choosing = false;
	if (sched_getcpu() == r->follow.cpu)
		pin_self(r);
	else
		gather(r);
}

static struct task *target_of(struct recorder *r, struct task *t)
{
	return t->cur.arg[0] ? task_find(&r->tasks, (pid_t)t->cur.arg[0]) : t;
}

void follow_enter(struct recorder *r, struct task *t)
{
	struct task *target;

	if (!r->follow.on || t->cur.nr != SYS_sched_setaffinity)
		return;
	target = target_of(r, t);
	if (target)
		unpin(target);
}

void follow_leave(struct recorder *r, struct task *t, int64_t ret)
{
	struct task *target;

	if (!r->follow.on)
		return;
	target = target_of(r, t);
	if (!target)
		return;
	if (t->cur.nr == SYS_sched_getaffinity) {
		if (ret > 0 && target->pinned)
			mem_write(t->tid, t->cur.arg[2], &target->cpus,
				ret < (int64_t)sizeof(cpu_set_t) ? (size_t)ret : sizeof(cpu_set_t));
		return;
	}
	sched_getaffinity(target->tid, sizeof(target->cpus), &target->cpus);
	if (!r->follow.spread)
		pin(r, target);
}

void follow_end(struct recorder *r)
{
	if (!r->follow.on)
		return;
	spread(r);
	r->follow.on = false;
}
