/* Running a path, whatever it is, without a prediction: the rig_*() of oracle.h below the line. */
#include "loader/tests/oracle.h"

#include "common/cleanup.h"
#include "common/err.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

#include <cmocka.h>

void rig_put_text(const char *path, const char *text, size_t size, mode_t mode)
{
	int fd;

	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
	if (fd < 0 || write(fd, text, size) != (ssize_t)size || fchmod(fd, mode) || close(fd))
		die(EXIT_BROKE, "cannot write %s", path);
}

int rig_start(struct rig *r, const char *path)
{
	native_start(&r->native, &r->how, path);
	assert_int_not_equal(r->native.end, NATIVE_KILLED);
	return r->native.end == NATIVE_STOPPED ? 0 : r->native.errnum;
}

int rig_run_path(struct rig *r, const char *path)
{
	int errnum = rig_start(r, path);

	native_finish(&r->native);
	return errnum;
}

void rig_proc_text(const struct rig *r, const char *name, struct buf *b)
{
	char path[64];
	CLEANUP(fd) int fd = -1;

	snprintf(path, sizeof(path), "/proc/%d/%s", r->native.pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || buf_read_fd(b, fd, 1 << 20))
		die(EXIT_BROKE, "cannot read %s", path);
	buf_str(b);
}

void rig_read_string(const struct rig *r, uint64_t addr, char *out, size_t size)
{
	size_t i;

	for (i = 0; i + 1 < size; i++) {
		native_read(&r->native, addr + i, &out[i], 1);
		if (!out[i])
			return;
	}
	out[i] = '\0';
}

void rig_write_exe(struct rig *r)
{
	build_write(&r->exe, r->exe_path, 0755);
}
