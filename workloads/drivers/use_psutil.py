"""psutil: every call about this process, a child and the machine; what is true anywhere is checked, numbers of the machine are not shown."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import psutil

STOPPED = (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP)  # the latter where it is traced


def answers(what, call, good):
    """One line per call: its name and whether the answer makes sense, or the error that came instead."""
    try:
        value = call()
    except Exception as e:  # whatever it is, it is the answer
        print(what, "raised", type(e).__name__)
        return
    print(what, "ok" if good(value) else "wrong")


def own():
    me = psutil.Process()
    assert me.pid == os.getpid() and me.ppid() == os.getppid()
    assert me.name() in os.path.realpath(sys.executable) and me.cwd() == os.getcwd()
    assert me.cmdline()[-1].endswith("use_psutil.py") and os.path.samefile(me.exe(), sys.executable)
    assert me.username() and me.uids().real == os.getuid()
    answers("status", me.status, lambda s: s == psutil.STATUS_RUNNING)
    answers("create_time", me.create_time, lambda t: t > 1e9)
    answers("memory_info", me.memory_info, lambda m: m.vms > m.rss > 1 << 20)
    answers("memory_full_info", me.memory_full_info, lambda m: m.uss > 1 << 20)
    answers("memory_maps", me.memory_maps, lambda m: any("libc" in x.path for x in m))
    answers("cpu_times", me.cpu_times, lambda t: t.user >= 0)
    answers("nice", me.nice, lambda n: n == os.nice(0))
    answers("ionice", me.ionice, lambda i: i.value >= 0)
    answers("rlimit", lambda: me.rlimit(psutil.RLIMIT_NOFILE), lambda r: r[0] > 0)
    answers("cpu_affinity", me.cpu_affinity, lambda a: set(a) == os.sched_getaffinity(0))
    answers("num_ctx_switches", me.num_ctx_switches, lambda c: c.voluntary >= 0)
    answers("io_counters", me.io_counters, lambda c: c.read_count > 0)
    answers("environ", me.environ, lambda e: e.get("LC_ALL") == os.environ.get("LC_ALL"))
    answers("terminal", me.terminal, lambda t: True)


def files_threads_sockets():
    me = psutil.Process()
    with tempfile.NamedTemporaryFile() as f, socket.create_server(("127.0.0.1", 0)) as server:
        answers("open_files", me.open_files, lambda o: f.name in [x.path for x in o])
        port = server.getsockname()[1]
        answers("net_connections", lambda: me.net_connections("tcp"), lambda c: (port, "LISTEN") in [(x.laddr.port, x.status) for x in c])
        answers("num_fds", me.num_fds, lambda n: n >= 5)
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    answers("num_threads", me.num_threads, lambda n: n == 2)
    answers("threads", me.threads, lambda t: os.getpid() in [x.id for x in t])
    stop.set()
    thread.join()


def eventually(p, *wanted):
    """A process that was told to stop, or goes to sleep, takes a moment."""
    deadline = time.monotonic() + 5
    while p.status() not in wanted and time.monotonic() < deadline:
        time.sleep(0.01)
    return p.status()


def child():
    p = psutil.Popen([sys.executable, "-c", "import sys; print('up', flush=True); sys.stdin.read()"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert p.stdout.readline() == b"up\n"
    assert [c.pid for c in psutil.Process().children()] == [p.pid]
    assert p.parent().pid == os.getpid() and p.is_running()
    answers("child status", lambda: eventually(p, psutil.STATUS_SLEEPING), lambda s: s == psutil.STATUS_SLEEPING)
    p.suspend()
    answers("suspended", lambda: eventually(p, *STOPPED), lambda s: s in STOPPED)
    p.resume()
    p.terminate()
    assert p.wait() == -signal.SIGTERM
    assert not psutil.pid_exists(p.pid)
    print("child ended by", -p.returncode)


def machine():
    answers("cpu_count", psutil.cpu_count, lambda n: n >= 1)
    answers("cpu_count physical", lambda: psutil.cpu_count(logical=False), lambda n: n is None or n >= 1)
    answers("cpu_times all", psutil.cpu_times, lambda t: t.idle >= 0)
    answers("cpu_stats", psutil.cpu_stats, lambda s: s.ctx_switches >= 0)
    answers("cpu_freq", psutil.cpu_freq, lambda f: True)
    answers("getloadavg", psutil.getloadavg, lambda x: len(x) == 3)
    answers("virtual_memory", psutil.virtual_memory, lambda m: m.total >= m.available > 0)
    answers("swap_memory", psutil.swap_memory, lambda s: s.total >= 0)
    answers("disk_usage", lambda: psutil.disk_usage("/"), lambda d: d.total > 0)
    answers("disk_partitions", lambda: psutil.disk_partitions(all=True), lambda d: "/" in [x.mountpoint for x in d])
    answers("disk_io_counters", psutil.disk_io_counters, lambda d: True)
    answers("net_if_addrs", psutil.net_if_addrs, lambda n: "127.0.0.1" in [a.address for a in n["lo"]])
    answers("net_if_stats", psutil.net_if_stats, lambda n: n["lo"].mtu >= 1500)
    answers("net_io_counters", lambda: psutil.net_io_counters(pernic=True), lambda n: "lo" in n)
    answers("boot_time", psutil.boot_time, lambda t: t > 1e9)
    answers("pids", psutil.pids, lambda p: os.getpid() in p)
    answers("process_iter", lambda: [p.pid for p in psutil.process_iter(["name"])], lambda p: os.getpid() in p)
    answers("users", psutil.users, lambda u: isinstance(u, list))
    answers("sensors", lambda: psutil.sensors_temperatures(), lambda s: isinstance(s, dict))


own()
files_threads_sockets()
child()
machine()
