#!/usr/bin/env python3
"""What traces cost on disk, and how fast they are read: bytes an event, events a second.

Short traces are mostly what happens once (maps, environment, every path and struct for the first time),
so the target holds for long ones. Exit status 1: it was missed. usage: bench_store.py BUILD
"""

from __future__ import annotations

import shutil
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

EVENT_BYTES_MAX = 6.0
LONG = 100_000  # events

IMPORTS = "import json,asyncio,email,http.client,logging,unittest,sqlite3,xml.dom.minidom,decimal,ssl"
WORKLOADS = {
    "python imports": [sys.executable, "-c", IMPORTS],
    "find /usr": ["find", "/usr", "-name", "no such name"],
    "git log": ["git", "-C", str(Path(__file__).parent), "log", "--stat", "-n", "300"],
    "bash, 100 forks": ["bash", "-c", "for i in $(seq 100); do /bin/true; done"],
    "dd bs=1": ["dd", "if=/dev/zero", "of=/dev/null", "bs=1", "count=20000"],
}


def count_events(trace: Path) -> int:
    """By hopping from block head to block head: tracer/store/FORMAT.md."""
    data = trace.read_bytes()
    off = 24 + struct.unpack_from("<I", data, 12)[0]
    events = 0
    while off < len(data):
        _, kind, n, size = struct.unpack_from("<IIII", data, off)
        events += n if kind == 1 else 0
        off += 64 + size
    return events


def seconds(argv: list[str | Path]) -> float:
    start = time.perf_counter()
    subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=300, check=False)
    return time.perf_counter() - start


def main(argv: list[str]) -> int:
    build, missed = Path(argv[0]).resolve(), 0
    print(f"{'storing':16} {'events':>8} {'bytes':>9} {'an event':>9}  {'read/s':>7} {'text/s':>7}")
    with tempfile.TemporaryDirectory() as tmp:
        trace = Path(tmp) / "trace"
        for name, command in WORKLOADS.items():
            if not shutil.which(command[0]):
                continue
            seconds([build / "lockstep-record", "-o", trace, "--", *command])
            events, size = count_events(trace), trace.stat().st_size
            reading, printing = (seconds([build / "lockstep", "show", *more, trace]) for more in (["-c"], []))
            bad = events >= LONG and size / events > EVENT_BYTES_MAX
            missed += bad
            said = f"more than {EVENT_BYTES_MAX:g}" if bad else "ok" if events >= LONG else "short"
            speeds = f"{events / reading / 1e6:6.1f}M {events / printing / 1e6:6.1f}M"
            print(f"{name:16} {events:8} {size:9} {size / events:9.2f}  {speeds}  {said}", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
