/* Calls whose every argument is known, between two marks, for what `lockstep show` makes of them. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static void mark(const char *text)
{
	syscall(SYS_write, -1, text, strlen(text));
}

static void files(void)
{
	struct stat st;
	struct iovec out[2] = {{"ab", 2}, {"cde", 3}};
	char in[16];
	int fd;

	syscall(SYS_open, "/no/such\n", O_RDONLY);
	fd = syscall(SYS_openat, AT_FDCWD, "file", O_RDWR | O_CREAT | O_TRUNC, 0640);
	syscall(SYS_writev, fd, out, 2);
	syscall(SYS_lseek, fd, 0, SEEK_SET);
	syscall(SYS_read, fd, in, sizeof(in));
	syscall(SYS_fstat, fd, &st);
	syscall(SYS_dup2, fd, 77);
	syscall(SYS_fcntl, 77, F_GETFD);
	syscall(SYS_close, 77);
	syscall(SYS_close, fd);
	syscall(SYS_unlink, "file");
}

static void sockets(void)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "/no/such/socket"};
	struct pollfd p = {.events = POLLIN};
	int sv[2];

	syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv);
	p.fd = sv[0];
	syscall(SYS_poll, &p, 1, 0);
	syscall(SYS_connect, sv[0], &un, 18);
	syscall(SYS_close, sv[0]);
	syscall(SYS_close, sv[1]);
}

static void handler(int sig)
{
}

static void signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	syscall(SYS_rt_sigprocmask, SIG_BLOCK, &set, NULL, 8);
	signal(SIGUSR1, handler);
	raise(SIGUSR1);
}

int main(void)
{
	void *p;
	int status;

	mark("begin");
	files();
	sockets();
	signals();
	p = (void *)syscall(SYS_mmap, NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	syscall(SYS_munmap, p, 8192);
	if (!syscall(SYS_fork))
		syscall(SYS_exit_group, 3);
	syscall(SYS_wait4, -1, &status, 0, NULL);
	mark("end");
	return 0;
}
