/* Payloads of every shape: strings, buffers, vectors, messages with descriptors. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static char big[300000];

static int send_fd(int sock, int fd)
{
	char data[] = "with a descriptor", control[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec iov[2] = {{data, 4}, {data + 4, sizeof(data) - 5}};
	struct msghdr m = {.msg_iov = iov,
		.msg_iovlen = 2,
		.msg_control = control,
		.msg_controllen = sizeof(control)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	return sendmsg(sock, &m, 0) != 17;
}

static int recv_fd(int sock)
{
	char data[64], control[64];
	struct iovec iov = {data, sizeof(data)};
	struct msghdr m = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control)};

	return recvmsg(sock, &m, 0) != 17;
}

int main(void)
{
	struct iovec out[2] = {{(void *)"gather", 6}, {(void *)"ed", 2}};
	char in[2][5], *hole;
	struct iovec split[2] = {{in[0], 5}, {in[1], 5}};
	struct stat st;
	void *volatile nowhere = (void *)1;
	int sv[2], p[2], null;

	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (char)(i % 251);
	null = open("/dev/null", O_WRONLY);
	if (write(null, big, sizeof(big)) != sizeof(big) || write(null, "small", 5) != 5)
		return 1;
	if (pipe(p) || writev(p[1], out, 2) != 8 || readv(p[0], split, 2) != 8)
		return 2;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sv) || send_fd(sv[0], null) || recv_fd(sv[1]))
		return 3;
	if (stat("/dev/null", &st) || access("/no/such/name", F_OK) != -1)
		return 4;
	/* A string that ends at the end of memory, and one that does not end there. */
	hole = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	munmap(hole + 4096, 4096);
	memcpy(hole + 4096 - 5, "/tmp", 5);
	if (access(hole + 4096 - 5, F_OK))
		return 5;
	memset(hole, 'x', 4096);
	if (access(hole + 4096 - 5, F_OK) != -1 || errno != EFAULT)
		return 6;
	if (write(null, nowhere, 10) != 10 && errno != EFAULT)
		return 7;
	return 0;
}
