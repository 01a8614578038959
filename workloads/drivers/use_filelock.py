"""filelock: two processes count in one file under a lock, a lock that is held is refused in time, and one whose owner was killed is free."""

import os
import signal
import subprocess
import sys
import tempfile

from filelock import FileLock, SoftFileLock, Timeout

COUNT = 60


def count(folder, times):
    for _ in range(times):
        with FileLock(os.path.join(folder, "n.lock"), timeout=60):
            with open(os.path.join(folder, "n")) as f:
                n = int(f.read())
            with open(os.path.join(folder, "n"), "w") as f:
                f.write(str(n + 1))


def hold(folder):
    with FileLock(os.path.join(folder, "held.lock")):
        print("held", flush=True)
        sys.stdin.read()


def start(*words):
    return subprocess.Popen([sys.executable, __file__, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def counting(folder):
    with open(os.path.join(folder, "n"), "w") as f:
        f.write("0")
    others = [start("count", folder) for _ in range(2)]
    assert [p.wait() for p in others] == [0, 0]
    with open(os.path.join(folder, "n")) as f:
        total = int(f.read())
    assert total == 2 * COUNT, total
    print("counted", total)


def holding(folder):
    path = os.path.join(folder, "held.lock")
    other = start("hold", folder)
    assert other.stdout.readline() == b"held\n"
    try:
        FileLock(path, timeout=0.2).acquire()
        raise AssertionError("a lock that is held was given twice")
    except Timeout:
        pass
    other.send_signal(signal.SIGKILL)
    other.wait()
    with FileLock(path, timeout=20) as lock:
        assert lock.is_locked
    print("refused while held, free after a kill")


def soft(folder):
    path = os.path.join(folder, "soft.lock")
    first, second = SoftFileLock(path), SoftFileLock(path)
    with first:
        assert os.path.exists(path)
        try:
            second.acquire(timeout=0.1)
            raise AssertionError("a soft lock was given twice")
        except Timeout:
            pass
    assert not os.path.exists(path)
    print("soft lock")


if __name__ == "__main__":
    if sys.argv[1:2] == ["count"]:
        count(sys.argv[2], COUNT)
    elif sys.argv[1:2] == ["hold"]:
        hold(sys.argv[2])
    else:
        with tempfile.TemporaryDirectory() as scratch:
            counting(scratch)
            holding(scratch)
            soft(scratch)
