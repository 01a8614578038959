/*
 * lockstep-exec STATUS ENV -- CMD...: runs CMD inside a target and writes to the file STATUS how it
 * ended (status.h). CMD's environment is what the file ENV holds (K=V, NUL-terminated each),
 * whatever the target added to its own. It stands where the recorder would when nothing is
 * recorded. One static binary, no libraries but the C library's: it must run wherever the program
 * does.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define ENV_SIZE_MAX (64 << 20)

static volatile sig_atomic_t g_child;

/* What the terminal sends goes to the whole process group anyway. */
static void hand_on(int signo, siginfo_t *si, void *ctx)
{
	if (g_child > 0 && si->si_code != SI_KERNEL)
		kill(g_child, signo);
}

static void write_status(const char *path, const char *word, int value)
{
	char line[64];
	int n, fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (value < 0)
		n = snprintf(line, sizeof(line), "%s\n", word);
	else
		n = snprintf(line, sizeof(line), "%s %d\n", word, value);
	if (fd < 0 || write(fd, line, n) != n)
		dprintf(2, "lockstep-exec: cannot write %s: %s\n", path, strerror(errno));
	if (fd >= 0)
		close(fd);
}

/* In the child: the program, or the errno to `report`. */
static _Noreturn void become(char **argv, int report, const sigset_t *mask)
{
	int err;

	/* A target that loses its init must not go on without it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigprocmask(SIG_SETMASK, mask, NULL);
	execvp(argv[0], argv);
	err = errno;
	if (write(report, &err, sizeof(err)) < 0)
		_exit(126);
	_exit(err == ENOENT ? 127 : 126);
}

/* The environment that the file holds; NULL when it cannot be read. */
static char **read_env(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *text, **env;
	ssize_t size = 0, n;
	size_t count = 0, i;

	if (fd < 0 || fstat(fd, &st) || st.st_size > ENV_SIZE_MAX)
		return NULL;
	text = calloc(1, st.st_size + 1);
	env = calloc(st.st_size / 2 + 2, sizeof(*env));
	while (text && env && (n = read(fd, text + size, st.st_size - size)) > 0)
		size += n;
	close(fd);
	for (i = 0; env && text && (ssize_t)i < size; i += strlen(text + i) + 1)
		env[count++] = text + i;
	return env;
}

static void hand_signals_on(void)
{
	static const int signals[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGCONT};
	struct sigaction sa = {.sa_sigaction = hand_on, .sa_flags = SA_SIGINFO | SA_RESTART};
	unsigned int i;

	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &sa, NULL);
}

static int finish(const char *path, int status)
{
	if (WIFSIGNALED(status)) {
		write_status(path, "signaled", WTERMSIG(status));
		return 128 + WTERMSIG(status);
	}
	write_status(path, "exited", WEXITSTATUS(status));
	return WEXITSTATUS(status);
}

int main(int argc, char **argv)
{
	int p[2], status, err = 0;
	sigset_t all, mask;
	pid_t pid;

	if (argc < 5 || strcmp(argv[3], "--")) {
		dprintf(2, "usage: lockstep-exec STATUS ENV -- CMD...\n");
		return 125;
	}
	environ = read_env(argv[2]);
	if (!environ) {
		dprintf(2, "lockstep-exec: cannot read %s: %s\n", argv[2], strerror(errno));
		return 125;
	}
	if (pipe2(p, O_CLOEXEC)) {
		dprintf(2, "lockstep-exec: pipe: %s\n", strerror(errno));
		return 125;
	}
	write_status(argv[1], "running", -1);
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &mask);
	pid = fork();
	if (pid == 0)
		become(argv + 4, p[1], &mask);
	g_child = pid;
	hand_signals_on();
	sigprocmask(SIG_SETMASK, &mask, NULL);
	close(p[1]);
	if (pid < 0 || read(p[0], &err, sizeof(err)) > 0) {
		write_status(argv[1], "failed", pid < 0 ? EAGAIN : err);
		return err == ENOENT ? 127 : 126;
	}
	close(p[0]);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return 125;
	return finish(argv[1], status);
}
