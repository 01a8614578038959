/* The process model: paths made absolute, and the names of socket addresses. */
#include "tracer/decode/model_internal.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

/* Appends path component by component; `base` is where the root of the path stands in out. */
static void append_clean(struct buf *out, size_t base, const char *path, size_t len)
{
	const char *p = path, *end = path + len;

	while (p < end) {
		const char *slash = memchr(p, '/', end - p);
		size_t n = (slash ? slash : end) - p;

		if (n == 2 && p[0] == '.' && p[1] == '.') {
			while (out->len > base && out->data[out->len - 1] != '/')
				out->len--;
			if (out->len > base)
				out->len--;
		} else if (n && !(n == 1 && p[0] == '.')) {
			buf_add_byte(out, '/');
			buf_add(out, p, n);
		}
		p += n + 1;
	}
}

bool model_path(
	struct model *m, uint32_t tid, int dirfd, const char *path, size_t len, struct buf *out)
{
	const char *dir = NULL;
	const struct fd_info *info;
	size_t base = out->len;

	if (len > PATH_SIZE_MAX)
		len = PATH_SIZE_MAX;
	if (!len || path[0] != '/') {
		if (dirfd == AT_FDCWD) {
			dir = model_cwd(m, tid);
		} else {
			info = model_fd(m, tid, dirfd);
			dir = info ? info->name : NULL;
			if (dir && !len) {
				buf_add_str(out, dir);
				return true;
			}
		}
		if (!dir) {
			buf_add_str(out, len ? "?/" : "?");
			buf_add(out, path, len);
			return false;
		}
		append_clean(out, base, dir, strlen(dir));
	}
	append_clean(out, base, path, len);
	if (out->len == base)
		buf_add_byte(out, '/');
	return true;
}

static void unix_name(const uint8_t *path, size_t size, char *text, size_t text_size)
{
	size_t at, i;

	if (!size) {
		snprintf(text, text_size, "/@unix");
		return;
	}
	if (path[0]) {
		snprintf(text, text_size, "/@unix/%.*s", (int)strnlen((const char *)path, size),
			(const char *)path + (path[0] == '/'));
		return;
	}
	/* abstract: any bytes, a NUL first */
	at = snprintf(text, text_size, "/@unix/@");
	for (i = 1; i < size && at + 1 < text_size; i++)
		text[at++] = path[i] > ' ' && path[i] < 0x7f && path[i] != '/' ? path[i] : '_';
	if (at < text_size)
		text[at] = 0;
}

void model_sockaddr_name(const void *addr, size_t size, char *text, size_t text_size)
{
	char host[INET6_ADDRSTRLEN] = "?";
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	sa_family_t family = AF_UNSPEC;

	if (size >= sizeof(family))
		memcpy(&family, addr, sizeof(family));
	if (family == AF_UNIX) {
		unix_name((const uint8_t *)addr + sizeof(family), size - sizeof(family), text,
			text_size);
	} else if (family == AF_INET && size >= 8) {
		memset(&in, 0, sizeof(in));
		memcpy(&in, addr, size < sizeof(in) ? size : sizeof(in));
		inet_ntop(AF_INET, &in.sin_addr, host, sizeof(host));
		snprintf(text, text_size, "/@inet/%s/%u", host, ntohs(in.sin_port));
	} else if (family == AF_INET6 && size >= 24) {
		memset(&in6, 0, sizeof(in6));
		memcpy(&in6, addr, size < sizeof(in6) ? size : sizeof(in6));
		inet_ntop(AF_INET6, &in6.sin6_addr, host, sizeof(host));
		snprintf(text, text_size, "/@inet6/%s/%u", host, ntohs(in6.sin6_port));
	} else if (family == AF_NETLINK) {
		snprintf(text, text_size, "/@netlink");
	} else {
		snprintf(text, text_size, "/@socket");
	}
}
