"""The small programs by which a target's habits are learnt. Each touches some of what every program touches; none is about a package or a bug."""

from __future__ import annotations

PY = "/usr/bin/python3"

SYSTEM_FILES = (
    "/proc/cpuinfo /proc/meminfo /proc/stat /proc/uptime /proc/loadavg /proc/mounts /proc/filesystems /proc/self/status /proc/self/stat "
    "/proc/self/statm /proc/self/limits /proc/self/cgroup /proc/self/mountinfo /proc/self/maps /proc/self/smaps /proc/self/io "
    "/proc/sys/kernel/random/boot_id /proc/sys/kernel/osrelease /proc/sys/kernel/ngroups_max /proc/sys/vm/overcommit_memory "
    "/proc/sys/fs/pipe-max-size /proc/sys/net/core/somaxconn /proc/net/dev /proc/vmstat /proc/diskstats "
    "/sys/kernel/mm/transparent_hugepage/enabled /sys/kernel/mm/transparent_hugepage/hpage_pmd_size /sys/devices/system/cpu/online "
    "/sys/devices/system/cpu/possible /sys/devices/system/cpu/present /sys/devices/system/node/online /sys/fs/cgroup/cpu.max "
    "/sys/fs/cgroup/memory.max /sys/devices/system/cpu/cpu0/topology/core_id /sys/devices/system/cpu/cpu0/cache/index0/size"
)

LIBC = "import ctypes, os; c = ctypes.CDLL(None, use_errno=True); b = ctypes.create_string_buffer(4096); "


def py(text: str) -> tuple[str, ...]:
    return (PY, "-c", text)


def sh(text: str) -> tuple[str, ...]:
    return ("sh", "-c", text)


PROGRAMS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("true", ("true",)),
    ("echo", ("echo", "hello")),
    ("uname", ("uname", "-s")),
    ("cat", ("cat", "/etc/hostname")),
    ("ls", sh("ls -l /etc >/dev/null; true")),
    ("find", sh("find /usr/share/doc/base-files /dev -maxdepth 1 >/dev/null 2>&1; true")),
    ("system-files", sh(f"for f in {SYSTEM_FILES}; do cat $f >/dev/null 2>&1; done; true")),
    ("system-files-python", py(f"for f in '{SYSTEM_FILES}'.split():\n try: open(f).read()\n except OSError: pass")),
    (
        "system-folders",
        sh(
            "ls /proc /proc/self /proc/self/fd /proc/self/ns /sys /sys/devices/system/cpu /sys/fs/cgroup >/dev/null 2>&1; nproc >/dev/null; true"
        ),
    ),
    ("forks", sh("for i in 1 2 3; do (true); /bin/true; done")),
    ("pipes", sh("echo a | cat | wc -c")),
    ("files", sh("d=$(mktemp -d) && cd $d && echo x >a && mv a b && ln b c && ln -s b d && chmod 600 b && touch c && cat d && rm -r $d")),
    ("signals", sh("trap 'exit 0' USR1; kill -USR1 $$; sleep 1")),
    ("sort", sh("seq 2000 | sort -n | tail -1")),
    ("tar", sh("tar -cf - /etc/hostname 2>/dev/null | tar -tf -")),
    ("python", py("import json, os, time; print(json.dumps([1]))")),
    (
        "threads",
        py(
            "import threading as t; x = [t.Thread(target=len, args=('1',)) for _ in range(3)]; [i.start() for i in x]; [i.join() for i in x]"
        ),
    ),
    ("process", py("import subprocess; print(subprocess.run(['echo', 'x'], capture_output=True).stdout)")),
    ("pool", py("import multiprocessing as m; p = m.get_context('fork').Pool(2); print(p.map(abs, [-1, 2])); p.close(); p.join()")),
    (
        "shared-memory",
        py(
            "from multiprocessing import shared_memory as s; m = s.SharedMemory(create=True, size=9999); m.buf[0] = 1; m.close(); m.unlink()"
        ),
    ),
    (
        "memory",
        py(
            "import mmap, array; a = array.array('d', range(10**6)); m = mmap.mmap(-1, 1 << 22, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS); m[0] = 1\n"
            "for k in (4, 8, 14, 15, 3):\n try: m.madvise(k)\n except OSError: pass"
        ),
    ),
    (
        "mapped-file",
        py(
            "import mmap, tempfile; f = tempfile.TemporaryFile(); f.truncate(9999); m = mmap.mmap(f.fileno(), 0); m[5] = 1; m.flush(); m.close()"
        ),
    ),
    (
        "random",
        py(
            "import os\nfor k in (0, 1, 2, 4):\n try: os.getrandom(16, k)\n except OSError: pass\nos.urandom(2500); open('/dev/urandom', 'rb').read(64)"
        ),
    ),
    (
        "tcp",
        py(
            "import socket, threading, select\ns = socket.create_server(('127.0.0.1', 0))\n"
            "def serve():\n c, _ = s.accept(); n = 0\n while n < 3000000:\n  n += len(c.recv(262144))\n c.sendall(b'x' * 500000); c.close()\n"
            "t = threading.Thread(target=serve); t.start(); c = socket.create_connection(s.getsockname()); c.setsockopt(6, 1, 1)\n"
            "c.sendall(b'y' * 3000000)\np = select.epoll(); p.register(c, 1)\nn = 0\nwhile n < 500000:\n p.poll(1); n += len(c.recv(65536))\nt.join(); print(n)"
        ),
    ),
    (
        "unix-sockets",
        py(
            "import socket as s, threading, array\na, b = s.socketpair()\nt = threading.Thread(target=a.sendall, args=(b'z' * 900000,)); t.start()\nn = 0\n"
            "while n < 900000: n += len(b.recv(65536))\nt.join(); a.sendmsg([b'f'], [(s.SOL_SOCKET, s.SCM_RIGHTS, array.array('i', [0]))]); b.recvmsg(10, 100)\nprint(n)"
        ),
    ),
    (
        "asyncio",
        py(
            "import asyncio\nasync def h(r, w):\n w.write(await r.read(5)); await w.drain(); w.close()\nasync def main():\n"
            " s = await asyncio.start_server(h, '127.0.0.1', 0)\n r, w = await asyncio.open_connection(*s.sockets[0].getsockname()); w.write(b'hello')\n"
            " print(await r.read()); p = await asyncio.create_subprocess_exec('true'); await p.wait(); await asyncio.sleep(0.01)\nasyncio.run(main())"
        ),
    ),
    (
        "polling",
        py(
            "import subprocess, time, select, os\np = subprocess.Popen(['sleep', '0.05'])\nwhile p.poll() is None: time.sleep(0.004)\n"
            "a, b = os.pipe(); e = select.epoll(); e.register(a, 1); t = subprocess.Popen(['sh', '-c', 'sleep 0.03; echo x'], stdout=b)\n"
            "while not e.poll(0.004): pass\nos.read(a, 9); t.wait(); select.select([], [], [], 0.01)"
        ),
    ),
    (
        "asyncio-bulk",
        py(
            "import asyncio\nasync def h(r, w):\n n = 0\n while n < 3000000: n += len(await r.read(1 << 20))\n w.write(b'o' * 3000000); await w.drain(); w.close()\n"
            "async def main():\n s = await asyncio.start_server(h, '127.0.0.1', 0)\n r, w = await asyncio.open_connection(*s.sockets[0].getsockname())\n"
            " w.write(b'i' * 3000000); await w.drain(); print(len(await r.read()))\n"
            " try: await asyncio.wait_for(asyncio.Event().wait(), 0.05)\n except asyncio.TimeoutError: pass\nasyncio.run(main())"
        ),
    ),
    (
        "stat",
        py(
            "import os, shutil, resource, tempfile\nos.statvfs('/'); os.statvfs('/dev/shm'); shutil.disk_usage('/tmp'); resource.getrusage(0)\n"
            "d = tempfile.mkdtemp(); p = d + '/f'; os.symlink('/etc/passwd', d + '/l'); os.lstat(d + '/l'); os.stat(d)\n"
            "f = open(p, 'wb'); f.write(b'x' * 700001); f.flush(); os.fstat(f.fileno()); os.stat(p); os.posix_fallocate(f.fileno(), 0, 900000); os.stat(p)\n"
            "for n in ('/usr/bin/python3', '/usr/bin/env', '/proc/self/exe', '/sys', '/proc', '/dev/null', '/dev/shm', '/bin'): os.lstat(n); os.stat(n)\n"
            "os.sched_getaffinity(0); os.cpu_count(); os.getloadavg(); os.sysconf('SC_PHYS_PAGES'); os.times()"
        ),
    ),
    (
        "statx",
        py(
            LIBC
            + "\nfor f in (b'/', b'/etc/passwd', b'/dev/null', b'/proc/self/stat', b'/sys', b'/tmp'): c.statx(-100, f, 0, 0x7ff, b); c.statx(-100, f, 0x100, 0xfff, b)\n"
            "n = os.open('/etc/passwd', 0); c.statx(n, b'', 0x1000, 0xfff, b)\nfor i in range(3): c.fstat(i, b)\nc.open(b'/etc/passwd', 0)"
        ),
    ),
    (
        "limits",
        py(
            "import resource as r, os, ctypes\nfor k in range(16):\n try: r.getrlimit(k)\n except (OSError, ValueError): pass\n"
            "c = ctypes.CDLL(None)\nfor k in (3, 16, 21, 23, 25, 27, 30, 34, 38, 39): c.prctl(k, 0, 0, 0, 0)\nos.getpriority(0, 0); os.sched_getscheduler(0); os.getgroups()"
        ),
    ),
    (
        "locks",
        py(
            "import fcntl, tempfile; f = tempfile.TemporaryFile(); fcntl.flock(f, 2); fcntl.flock(f, 8); fcntl.lockf(f, 2); fcntl.lockf(f, 8)"
        ),
    ),
    (
        "terminal",
        py(
            "import os, pty, termios, fcntl\na, b = pty.openpty(); termios.tcgetattr(b); os.isatty(b); os.ttyname(b); os.write(a, b'x\\n'); os.read(b, 9); os.get_terminal_size(b)"
        ),
    ),
)
