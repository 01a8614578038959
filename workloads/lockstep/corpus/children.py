"""Child processes that do not outlive us, and that are ended with everything they started."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from lockstep.base.processes import die_with_parent


def start(cmd: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
    """A child in a session of its own, writing to `log`, killed by the kernel when we die. Call it from the main thread only:
    the kernel watches the thread that forked."""
    with log.open("wb") as f:
        return subprocess.Popen(
            list(cmd),
            stdin=subprocess.DEVNULL,
            stdout=f,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=die_with_parent(),
        )


def _stat(pid: int) -> tuple[int, int] | None:
    """Parent and start time; None when it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        return int(fields[1]), int(fields[19])
    except (OSError, ValueError, IndexError):
        return None


def descendants(root: int) -> dict[int, int]:
    """Every living process below `root`: {pid: start time}, which together name a process for good."""
    stats = {int(p.name): s for p in Path("/proc").iterdir() if p.name.isdecimal() and (s := _stat(int(p.name)))}
    found, out = [root], {}
    for pid in found:
        for child, (parent, started) in stats.items():
            if parent == pid and child not in out:
                out[child] = started
                found.append(child)
    return out


def end_tree(p: subprocess.Popen[bytes], grace_s: float = 5.0) -> None:
    """SIGTERM to it, and after a while SIGKILL to it and all that was below it; returns when `p` is reaped."""
    below = descendants(p.pid)
    if p.poll() is None:
        p.terminate()
    deadline = time.monotonic() + grace_s
    while p.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    if p.poll() is None:
        below |= descendants(p.pid)
        p.kill()
    for pid, started in below.items():
        now = _stat(pid)
        if now is not None and now[1] == started:
            _kill(pid)
    p.wait()


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
