/*
 * The recorder's own signals. A tick makes wait4 return now and then: deadlines, VMA samples of
 * tracees that make no calls, adoptions.
 */
#include "tracer/record/start.h"

#include <string.h>
#include <sys/time.h>

#define TICK_US 20000

static volatile sig_atomic_t g_end_request;

static const int g_ignored[] = {
	SIGINT, SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU, SIGPIPE, SIGUSR1, SIGUSR2, SIGXFSZ};

static void on_tick(int sig)
{
}

static void on_end(int sig)
{
	g_end_request = sig;
}

int signals_end_request(void)
{
	return g_end_request;
}

static void set_action(int sig, void (*fn)(int))
{
	struct sigaction sa = {.sa_handler = fn};

	sigemptyset(&sa.sa_mask);
	sigaction(sig, &sa, NULL);
}

void signals_setup(struct signal_state *saved)
{
	struct itimerval every = {{0, TICK_US}, {0, TICK_US}};
	struct sigaction no_stops = {.sa_handler = SIG_DFL, .sa_flags = SA_NOCLDSTOP};
	sigset_t none;

	memset(saved, 0, sizeof(*saved));
	for (int sig = 1; sig <= 64; sig++)
		sigaction(sig, NULL, &saved->act[sig]);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, &saved->mask);
	for (size_t i = 0; i < sizeof(g_ignored) / sizeof(g_ignored[0]); i++)
		set_action(g_ignored[i], SIG_IGN);
	/* wait4 is woken all the same; the kernel saves itself a signal for every stop. */
	sigaction(SIGCHLD, &no_stops, NULL);
	set_action(SIGALRM, on_tick);
	set_action(SIGTERM, on_end);
	set_action(SIGHUP, on_end);
	setitimer(ITIMER_REAL, &every, NULL);
}

void signals_restore(const struct signal_state *saved)
{
	struct itimerval off = {{0, 0}, {0, 0}};

	setitimer(ITIMER_REAL, &off, NULL);
	for (int sig = 1; sig <= 64; sig++) {
		if (sig != SIGKILL && sig != SIGSTOP)
			sigaction(sig, &saved->act[sig], NULL);
	}
	sigprocmask(SIG_SETMASK, &saved->mask, NULL);
}

uint64_t signals_ignored(const struct signal_state *saved)
{
	uint64_t mask = 0;

	for (int sig = 1; sig <= 64; sig++) {
		if (saved->act[sig].sa_handler == SIG_IGN)
			mask |= 1ull << (sig - 1);
	}
	return mask;
}
