/*
 * Seccomp filters of the program's own: errno, trap, trace, notify, kill. Each in a child; the exit
 * status says whether all of them saw what they see untraced.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile int g_trapped;

static void on_sys(int sig, siginfo_t *si, void *ctx)
{
	g_trapped = si->si_syscall;
}

static int install(unsigned int action, unsigned int flags)
{
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, action),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = {sizeof(f) / sizeof(f[0]), f};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -1;
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog);
}

static int try_errno(void)
{
	return install(SECCOMP_RET_ERRNO | EXDEV, 0) || syscall(SYS_getppid) != -1 || errno != EXDEV;
}

static int try_trap(void)
{
	struct sigaction sa = {.sa_sigaction = on_sys, .sa_flags = SA_SIGINFO};

	sigaction(SIGSYS, &sa, NULL);
	if (install(SECCOMP_RET_TRAP, 0))
		return 1;
	syscall(SYS_getppid);
	return g_trapped != SYS_getppid;
}

/* Nobody asked for these events: as without a tracer, the call is ENOSYS. */
static int try_trace(void)
{
	return install(SECCOMP_RET_TRACE, 0) || syscall(SYS_getppid) != -1 || errno != ENOSYS;
}

static int try_kill(void)
{
	if (install(SECCOMP_RET_KILL_PROCESS, 0))
		return 1;
	syscall(SYS_getppid);
	return 2;
}

static int supervise(int fd)
{
	struct seccomp_notif req;
	struct seccomp_notif_resp resp;

	memset(&req, 0, sizeof(req));
	memset(&resp, 0, sizeof(resp));
	if (ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &req))
		return 1;
	resp.id = req.id;
	resp.val = 4711;
	return ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &resp) != 0;
}

static int try_notify(void)
{
	int fd = install(SECCOMP_RET_USER_NOTIF, SECCOMP_FILTER_FLAG_NEW_LISTENER), status;
	pid_t pid;

	if (fd < 0)
		return 1;
	pid = fork();
	if (!pid)
		_exit(syscall(SYS_getppid) != 4711);
	if (supervise(fd))
		return 2;
	return waitpid(pid, &status, 0) != pid || status;
}

static int run(int (*fn)(void))
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(fn());
	waitpid(pid, &status, 0);
	return status;
}

int main(int argc, char **argv)
{
	int status;

	if (run(try_errno))
		return 1;
	if (run(try_trap))
		return 2;
	if (run(try_trace))
		return 3;
	status = run(try_kill);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
		return 4;
	if (argc > 1 && !strcmp(argv[1], "notify") && run(try_notify))
		return 5;
	return 0;
}
