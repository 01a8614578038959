/*
 * Tracee memory, by whatever this kernel offers.
 *
 * In the fallback one descriptor of /proc/TID/mem is kept, for the task read last: a recorder
 * usually looks at the same task many times in a row, and the descriptor names the address space
 * it was opened for, so it must be dropped at exec.
 */
#include "tracer/record/mem.h"

#include "common/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

static bool g_no_vm_readv;
static pid_t g_mem_tid;
static int g_mem_fd = -1;

void mem_force_fallback(void)
{
	g_no_vm_readv = true;
}

void mem_forget(pid_t tid)
{
	if (g_mem_tid != tid || g_mem_fd < 0)
		return;
	close(g_mem_fd);
	g_mem_fd = -1;
	g_mem_tid = 0;
}

static int mem_fd(pid_t tid)
{
	char path[32];

	if (g_mem_tid == tid && g_mem_fd >= 0)
		return g_mem_fd;
	if (g_mem_fd >= 0)
		close(g_mem_fd);
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)tid);
	g_mem_fd = open(path, O_RDONLY | O_CLOEXEC);
	g_mem_tid = g_mem_fd >= 0 ? tid : 0;
	return g_mem_fd;
}

static size_t read_proc_mem(pid_t tid, uint64_t addr, uint8_t *dst, size_t n)
{
	size_t done = 0;
	int fd = mem_fd(tid);

	while (fd >= 0 && done < n) {
		ssize_t rc = pread(fd, dst + done, n - done, (off_t)(addr + done));

		if (rc <= 0)
			break;
		done += (size_t)rc;
	}
	return done;
}

static size_t read_peek(pid_t tid, uint64_t addr, uint8_t *dst, size_t n)
{
	size_t done = 0;

	while (done < n) {
		uint64_t at = addr + done, word_at = at & ~7ull;
		size_t skip = (size_t)(at - word_at), len = 8 - skip;
		long word;

		errno = 0;
		word = ptrace(PTRACE_PEEKDATA, tid, word_at, 0);
		if (errno)
			break;
		if (len > n - done)
			len = n - done;
		memcpy(dst + done, (uint8_t *)&word + skip, len);
		done += len;
	}
	return done;
}

size_t mem_read_forced(pid_t tid, uint64_t addr, void *dst, size_t n)
{
	size_t done = read_proc_mem(tid, addr, dst, n);

	if (!done && n)
		done = read_peek(tid, addr, dst, n < 4096 ? n : 4096);
	return done;
}

size_t mem_read(pid_t tid, uint64_t addr, void *dst, size_t n)
{
	if (!g_no_vm_readv) {
		struct iovec local = {dst, n}, remote = {(void *)addr, n};
		ssize_t rc = process_vm_readv(tid, &local, 1, &remote, 1, 0);

		if (rc >= 0)
			return (size_t)rc;
		if (errno == EFAULT)
			return 0;
		if (errno == ENOSYS)
			g_no_vm_readv = true;
	}
	return mem_read_forced(tid, addr, dst, n);
}

bool mem_read_str(pid_t tid, uint64_t addr, size_t max, struct buf *out, bool *fault)
{
	size_t total = 0;

	*fault = false;
	while (total < max) {
		size_t want = 4096 - ((addr + total) & 4095), got;
		uint8_t *p, *nul;

		/* Most strings are short; the end of the page is the last place that is sure. */
		if (want > 256)
			want = 256;
		if (want > max - total)
			want = max - total;
		p = buf_reserve(out, want);
		if (!p)
			return false;
		got = mem_read(tid, addr + total, p, want);
		nul = got ? memchr(p, 0, got) : NULL;
		out->len += nul ? (size_t)(nul - p) : got;
		if (nul)
			return true;
		total += got;
		if (got < want) {
			*fault = true;
			return false;
		}
	}
	return false;
}

bool mem_window_str(
	struct mem_window *w, pid_t tid, uint64_t addr, size_t max, struct buf *out, bool *fault)
{
	size_t total = 0;

	*fault = false;
	while (total < max) {
		uint64_t at = addr + total, page = at & ~4095ull;
		struct mem_page *m = &w->slot[page / 4096 % MEM_WINDOW_PAGES];
		size_t skip = (size_t)(at - page), want;
		uint8_t *nul;

		if (!m->size || m->page != page) {
			m->page = page;
			m->size = mem_read(tid, page, m->data, sizeof(m->data));
		}
		if (skip >= m->size) {
			*fault = true;
			return false;
		}
		want = m->size - skip < max - total ? m->size - skip : max - total;
		nul = memchr(m->data + skip, 0, want);
		buf_add(out, m->data + skip, nul ? (size_t)(nul - m->data) - skip : want);
		if (nul)
			return true;
		total += want;
	}
	return false;
}

static int poke_word(pid_t tid, uint64_t word_at, size_t skip, const void *src, size_t len)
{
	long word = 0;

	if (len < 8) {
		errno = 0;
		word = ptrace(PTRACE_PEEKDATA, tid, word_at, 0);
		if (errno)
			return -errno;
	}
	memcpy((uint8_t *)&word + skip, src, len);
	return ptrace(PTRACE_POKEDATA, tid, word_at, word) ? -errno : 0;
}

int mem_write(pid_t tid, uint64_t addr, const void *src, size_t n)
{
	size_t done = 0;

	while (done < n) {
		uint64_t at = addr + done, word_at = at & ~7ull;
		size_t skip = (size_t)(at - word_at), len = 8 - skip;
		int rc;

		if (len > n - done)
			len = n - done;
		rc = poke_word(tid, word_at, skip, (const uint8_t *)src + done, len);
		if (rc)
			return rc;
		done += len;
	}
	return 0;
}
