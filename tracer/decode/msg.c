/* Socket addresses, vectors of buffers and messages, as nodes. See tree.h and trace.h (parts). */
#include "tracer/decode/tree.h"

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

/* ---- addresses ---- */

static const char *family_name(unsigned int family, char *buf, size_t size)
{
	static const char *const names[] = {[AF_UNSPEC] = "AF_UNSPEC",
		[AF_UNIX] = "AF_UNIX",
		[AF_INET] = "AF_INET",
		[AF_INET6] = "AF_INET6",
		[AF_NETLINK] = "AF_NETLINK",
		[AF_PACKET] = "AF_PACKET",
		[AF_ALG] = "AF_ALG",
		[AF_VSOCK] = "AF_VSOCK"};

	if (family < sizeof(names) / sizeof(names[0]) && names[family])
		return names[family];
	snprintf(buf, size, "%#x", family);
	return buf;
}

/* A number whose text is f("value"). */
static void put_call(struct tree *t, uint32_t parent, const char *name, uint64_t value,
	const char *function, const char *value_text)
{
	uint32_t n = tree_add(t, parent, name, NF_NUM, AK_UINT), mark = tree_mark(t);

	tree_node(t, n)->value = value;
	buf_printf(&t->text, "%s(%s)", function, value_text);
	tree_set_text(t, n, mark);
}

static void put_port(struct tree *t, uint32_t parent, const char *name, uint16_t port)
{
	char text[8];

	snprintf(text, sizeof(text), "%u", ntohs(port));
	put_call(t, parent, name, ntohs(port), "htons", text);
}

static void inet_addr_fields(struct tree *t, uint32_t n, const struct sockaddr_in *a)
{
	char host[INET_ADDRSTRLEN + 2], quoted[INET_ADDRSTRLEN + 4];

	inet_ntop(AF_INET, &a->sin_addr, host, sizeof(host));
	snprintf(quoted, sizeof(quoted), "\"%s\"", host);
	put_port(t, n, "sin_port", a->sin_port);
	put_call(t, n, "sin_addr", ntohl(a->sin_addr.s_addr), "inet_addr", quoted);
}

static void inet6_addr_fields(struct tree *t, uint32_t n, const struct sockaddr_in6 *a)
{
	char host[INET6_ADDRSTRLEN];
	uint32_t at, mark;

	put_port(t, n, "sin6_port", a->sin6_port);
	tree_value(t, n, "sin6_flowinfo", AK_UINT, 0, ntohl(a->sin6_flowinfo), 4);
	inet_ntop(AF_INET6, &a->sin6_addr, host, sizeof(host));
	at = tree_add(t, n, "sin6_addr", NF_NUM, AK_STR);
	mark = tree_mark(t);
	buf_printf(&t->text, "inet_pton(AF_INET6, \"%s\")", host);
	tree_set_text(t, at, mark);
	tree_value(t, n, "sin6_scope_id", AK_UINT, 0, a->sin6_scope_id, 4);
}

static void unix_addr_fields(struct tree *t, uint32_t n, const uint8_t *path, uint32_t size)
{
	uint32_t len = path[0] ? strnlen((const char *)path, size) : size;

	tree_bytes(t, n, "sun_path", AK_STR, 0, path, len, len);
}

uint32_t tree_sockaddr(
	struct tree *t, uint32_t parent, const char *name, const uint8_t *bytes, uint32_t size)
{
	uint32_t n = tree_add(t, parent, name, NF_STRUCT, AK_SOCKADDR), data = 2;
	struct sockaddr_in in = {0};
	struct sockaddr_in6 in6 = {0};
	sa_family_t family;
	char text[16];

	if (size < sizeof(family)) {
		tree_add(t, n, NULL, NF_REST, AK_NONE);
		return n;
	}
	memcpy(&family, bytes, sizeof(family));
	tree_node(t, n)->type = "sockaddr";
	tree_word(t, n, "sa_family", AK_ENUM, family, family_name(family, text, sizeof(text)));
	if (family == AF_INET && size >= 8) {
		memcpy(&in, bytes, size < sizeof(in) ? size : sizeof(in));
		inet_addr_fields(t, n, &in);
	} else if (family == AF_INET6 && size >= 24) {
		memcpy(&in6, bytes, size < sizeof(in6) ? size : sizeof(in6));
		inet6_addr_fields(t, n, &in6);
	} else if (family == AF_UNIX && size > data) {
		unix_addr_fields(t, n, bytes + data, size - data);
	} else if (family == AF_NETLINK && size >= sizeof(struct sockaddr_nl)) {
		tree_value(t, n, "nl_pid", AK_INT, 0, tree_load(bytes + 4, 4), 4);
		tree_value(t, n, "nl_groups", AK_HEX, 0, tree_load(bytes + 8, 4), 4);
	} else if (size > data) {
		tree_bytes(t, n, "sa_data", AK_BUF, 0, bytes + data, size - data, size - data);
	}
	return n;
}

/* ---- vectors of buffers ---- */

static void iovec_element(struct tree *t, uint32_t parent, const uint8_t *p, unsigned int slot,
	unsigned int part, enum tree_when when)
{
	uint64_t base = tree_load(p, 8), len = tree_load(p + 8, 8);
	uint32_t n = tree_add(t, parent, NULL, NF_STRUCT, AK_IOVEC);
	struct trace_cap cap;

	tree_node(t, n)->type = "iovec";
	if (tree_find(t, slot, part, when, &cap))
		tree_bytes(t, n, "iov_base", AK_BUF, base, cap.data, cap.size, cap.full);
	else
		tree_addr(t, n, "iov_base", AK_BUF, base);
	tree_value(t, n, "iov_len", AK_SIZE, 0, len, 8);
}

uint32_t tree_iovec(struct tree *t, uint32_t parent, const char *name, unsigned int slot,
	unsigned int array_part, unsigned int first, enum tree_when when)
{
	struct trace_cap cap;
	uint32_t n, i, count;

	/* The array is taken when the call is made, the data when they are there. */
	if (!tree_find(t, slot, array_part, WHENEVER, &cap))
		return 0;
	n = tree_add(t, parent, name, NF_ARRAY, AK_IOVEC);
	count = cap.size / sizeof(struct iovec);
	for (i = 0; i < count && i < TREE_ELEMENTS_MAX; i++)
		iovec_element(t, n, cap.data + i * sizeof(struct iovec), slot, first + i, when);
	if (i < cap.full / sizeof(struct iovec))
		tree_add(t, n, NULL, NF_REST, AK_NONE);
	return n;
}

/* ---- control messages ---- */

static const char *control_type(int level, int type)
{
	if (level != SOL_SOCKET)
		return NULL;
	switch (type) {
	case SCM_RIGHTS:
		return "SCM_RIGHTS";
	case SCM_CREDENTIALS:
		return "SCM_CREDENTIALS";
	case SO_TIMESTAMP:
		return "SO_TIMESTAMP_OLD";
	}
	return NULL;
}

static void control_data(
	struct tree *t, uint32_t n, const struct cmsghdr *h, const uint8_t *p, uint32_t size)
{
	uint32_t list, i;

	if (h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_RIGHTS) {
		list = tree_add(t, n, "cmsg_data", NF_ARRAY, AK_FD);
		for (i = 0; i + 4 <= size && i / 4 < TREE_ELEMENTS_MAX; i += 4)
			tree_value(t, list, NULL, AK_FD, 0, tree_load(p + i, 4), 4);
	} else if (h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_CREDENTIALS && size >= 12) {
		list = tree_add(t, n, "cmsg_data", NF_STRUCT, AK_STRUCT);
		tree_node(t, list)->type = "ucred";
		tree_value(t, list, "pid", AK_PID, 0, tree_load(p, 4), 4);
		tree_value(t, list, "uid", AK_UID, 0, tree_load(p + 4, 4), 4);
		tree_value(t, list, "gid", AK_GID, 0, tree_load(p + 8, 4), 4);
	} else if (size) {
		tree_bytes(t, n, "cmsg_data", AK_BUF, 0, p, size, size);
	}
}

static void control_message(
	struct tree *t, uint32_t parent, const struct cmsghdr *h, const uint8_t *p)
{
	uint32_t n = tree_add(t, parent, NULL, NF_STRUCT, AK_STRUCT);

	tree_node(t, n)->type = "cmsghdr";
	tree_value(t, n, "cmsg_len", AK_SIZE, 0, h->cmsg_len, 8);
	tree_word(t, n, "cmsg_level", AK_ENUM, (uint32_t)h->cmsg_level,
		h->cmsg_level == SOL_SOCKET ? "SOL_SOCKET" : NULL);
	tree_word(t, n, "cmsg_type", AK_ENUM, (uint32_t)h->cmsg_type,
		control_type(h->cmsg_level, h->cmsg_type));
	control_data(t, n, h, p + sizeof(*h), h->cmsg_len - sizeof(*h));
}

static void control_list(struct tree *t, uint32_t parent, const struct trace_cap *cap)
{
	uint32_t n = tree_add(t, parent, "msg_control", NF_ARRAY, AK_STRUCT), i;
	const uint8_t *p = cap->data, *end = p + cap->size;
	struct cmsghdr h;

	for (i = 0; (size_t)(end - p) >= sizeof(h) && i < TREE_ELEMENTS_MAX; i++) {
		size_t step;

		memcpy(&h, p, sizeof(h));
		if (h.cmsg_len < sizeof(h) || h.cmsg_len > (size_t)(end - p))
			break;
		control_message(t, n, &h, p);
		step = (h.cmsg_len + 7) & ~(size_t)7;
		p += step < (size_t)(end - p) ? step : (size_t)(end - p);
	}
	if (p < end || cap->size < cap->full)
		tree_add(t, n, NULL, NF_REST, AK_NONE);
}

/* ---- messages ---- */

static void message_name(struct tree *t, uint32_t n, const struct msghdr *m, unsigned int slot,
	unsigned int base, enum tree_when when)
{
	struct trace_cap cap;

	if (m->msg_name && m->msg_namelen && tree_find(t, slot, base + 1, when, &cap))
		tree_sockaddr(t, n, "msg_name", cap.data,
			cap.size < m->msg_namelen ? cap.size : m->msg_namelen);
	else
		tree_addr(t, n, "msg_name", AK_SOCKADDR, (uint64_t)m->msg_name);
	tree_value(t, n, "msg_namelen", AK_INT, 0, m->msg_namelen, 4);
}

static void message_control(struct tree *t, uint32_t n, const struct msghdr *m, unsigned int slot,
	unsigned int base, enum tree_when when)
{
	struct trace_cap cap;

	if (m->msg_control && m->msg_controllen && tree_find(t, slot, base + 3, when, &cap))
		control_list(t, n, &cap);
	else if (m->msg_control)
		tree_addr(t, n, "msg_control", AK_BUF, (uint64_t)m->msg_control);
	tree_value(t, n, "msg_controllen", AK_SIZE, 0, m->msg_controllen, 8);
}

static uint32_t message(struct tree *t, uint32_t parent, const char *name, const uint8_t *bytes,
	unsigned int slot, unsigned int base, enum tree_when when)
{
	uint32_t n = tree_add(t, parent, name, NF_STRUCT, AK_MSGHDR);
	struct msghdr m;

	memcpy(&m, bytes, sizeof(m));
	tree_node(t, n)->type = "msghdr";
	message_name(t, n, &m, slot, base, when);
	if (!tree_iovec(t, n, "msg_iov", slot, base + 2, base + 16, when))
		tree_addr(t, n, "msg_iov", AK_IOVEC, (uint64_t)m.msg_iov);
	tree_value(t, n, "msg_iovlen", AK_SIZE, 0, m.msg_iovlen, 8);
	message_control(t, n, &m, slot, base, when);
	tree_value(t, n, "msg_flags", AK_HEX, 0, (uint32_t)m.msg_flags, 4);
	return n;
}

uint32_t tree_msghdr(struct tree *t, uint32_t parent, const char *name, unsigned int slot,
	unsigned int base, enum tree_when when)
{
	struct trace_cap cap;

	if (!tree_find(t, slot, base, when, &cap) || cap.size < sizeof(struct msghdr))
		return 0;
	return message(t, parent, name, cap.data, slot, base, when);
}

uint32_t tree_mmsghdr(
	struct tree *t, uint32_t parent, const char *name, unsigned int slot, enum tree_when when)
{
	uint32_t n = 0, i, one;
	struct trace_cap cap;

	for (i = 0; i < 64 && tree_find(t, slot, 1024 * i, when, &cap); i++) {
		if (cap.size < sizeof(struct mmsghdr))
			break;
		if (!n)
			n = tree_add(t, parent, name, NF_ARRAY, AK_MMSGHDR);
		one = tree_add(t, n, NULL, NF_STRUCT, AK_MMSGHDR);
		tree_node(t, one)->type = "mmsghdr";
		message(t, one, "msg_hdr", cap.data, slot, 1024 * i, when);
		tree_value(t, one, "msg_len", AK_UINT, 0,
			tree_load(cap.data + offsetof(struct mmsghdr, msg_len), 4), 4);
	}
	return n;
}
