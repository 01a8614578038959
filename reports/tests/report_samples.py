"""Realistic sample bundles for the report's tests: 28 packages on two targets, with every kind of finding that a page must show.

Everything is drawn from a fixed seed: two calls with the same arguments write the same bytes. `python3 report_samples.py DIR [ROWS]` writes a
LOCKSTEP_HOME to look at, ROWS aligned rows in each bundle.
"""

from __future__ import annotations

import json
import random
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MS = 1_000_000
# fmt: off
PACKAGES = (
    "numpy", "pandas", "pyarrow", "scipy", "scikit-learn", "prophet", "lightgbm", "duckdb", "polars", "numba", "h5py", "matplotlib",
    "joblib", "dask", "multiprocess", "cryptography", "lxml", "psutil", "sqlalchemy", "cython", "pillow", "filelock", "orjson",
    "watchfiles", "uvloop", "aiohttp", "pyzmq", "ptyprocess",
)
# fmt: on
VERSIONS = {"prophet": "1.1.5", "numpy": "1.26.4", "pandas": "2.2.3", "h5py": "3.11.0", "pillow": "10.4.0"}
RUNS = ("20261121-020000-aaaa", "20261122-020000-bbbb", "20261123-020000-cccc")
HOSTILE = b"</pre><script>window.hacked=1</script><img src=x onerror=window.hacked=2>\x1b[31mred\x1b[0m \xff\xfe\x80 {{ 7*7 }} &amp; \xe2\x80\xa8 end\n"
FOUND_TAIL = "00" * 0x1E4


@dataclass
class Case:
    """What one workload did on one target; the defaults are a package that behaves."""

    package: str
    workload: str
    target: str
    outcome: str = "pass"
    comparison: str = "same-pass"
    findings: list[dict[str, Any]] = field(default_factory=list)
    native: dict[str, Any] = field(default_factory=lambda: {"status": "exited", "exit": 0, "signal": None})
    result: dict[str, Any] = field(default_factory=lambda: {"status": "exited", "exit": 0, "signal": None})
    stdout: tuple[bytes, bytes] = (b"ok\n", b"ok\n")
    stderr: tuple[bytes, bytes] = (b"", b"")
    time_ratio: float = 1.0
    vma: tuple[int, int] = (420, 60)
    harness_error: str | None = None
    pages: list[dict[str, Any]] = field(default_factory=list)
    crash: str | None = None
    departures: list[str] = field(default_factory=list)
    curve: str = "flat"


def finding(rank: int, kind: str, summary: str, fingerprint: str, **more: Any) -> dict[str, Any]:
    proof = more.pop("proof", {"native_broken": None, "target_repaired": None, "how": "not tried"})
    tried = [v for v in (proof["native_broken"], proof["target_repaired"]) if v is not None]
    base = {
        "schema": "lockstep.finding/1",
        "rank": rank,
        "kind": kind,
        "summary": summary,
        "proven": any(tried) if tried else None,
        "proof": proof,
        "outcome": {},
        "evidence": {},
        "reproduced": [2, 2],
        "fingerprint": fingerprint,
        "repro": f"lockstep repro BUNDLE#{fingerprint}",
        "habit": False,
        "inject": {"native": [], "target": []},
    }
    return base | more


BOTH = {
    "native_broken": True,
    "target_repaired": True,
    "how": "native with the target's value goes the target's way; the target with native's value ends as native does",
}


def call_value(ret: int, errno: str | None, text: str, seq: int) -> dict[str, Any]:
    return {"ret": ret, "errno": errno, "short": errno or str(ret), "text": text, "seq": seq, "time_ns": seq * 9000}


def habits(start: int) -> list[dict[str, Any]]:
    rows = [
        ("enosys", "rseq(0x7f..., 0x20, 0, 0x53053053) gives ENOSYS on the target, 0 natively", "aa0000000001", "rseq"),
        ("enosys", "clone3({flags=CLONE_VM|...}, 88) gives ENOSYS on the target, a tid natively", "aa0000000002", "clone3"),
        ("call-extra", "the target makes 214 call(s) that native does not, first clock_gettime(CLOCK_MONOTONIC)", "aa0000000003", "clock_gettime"),
        ("elf-page", "ld-linux-x86-64.so.2: 3072 bytes are not as Linux makes them at exec; nothing that the file names lies there", "aa0000000004", None),
    ]
    return [
        finding(start + i, kind, f"python3: {text}", mark, habit=True, evidence={"call": call} if call else {})
        for i, (kind, text, mark, call) in enumerate(rows)
    ]


def prophet(case: Case, rng: random.Random) -> None:
    native = "".join(f"{rng.randrange(256):02x}" if i % 16 in (0, 1, 8, 9, 10) else "00" for i in range(0x1E4))
    where = {
        "file": "/home/user/venv/lib/python3.11/site-packages/prophet/stan_model/prophet_model.bin",
        "segment": 3,
        "address": "0x4041a0",
        "size": "0x1e4",
        "file_offset": "0x31a0",
        "covers": ["DYNAMIC"],
        "interp": False,
    }
    segments = [
        {"index": 2, "type": "INTERP", "vaddr": "0x400350", "offset": "0x350", "filesz": "0x1c", "memsz": "0x1c", "flags": "r--"},
        {"index": 3, "type": "LOAD", "vaddr": "0x400000", "offset": "0x0", "filesz": "0x41a0", "memsz": "0x41a0", "flags": "r-x"},
        {"index": 4, "type": "LOAD", "vaddr": "0x605000", "offset": "0x5000", "filesz": "0x8e8", "memsz": "0xa20", "flags": "rw-"},
        {"index": 5, "type": "DYNAMIC", "vaddr": "0x4041a0", "offset": "0x41a0", "filesz": "0x1e0", "memsz": "0x1e0", "flags": "rw-"},
        {"index": 6, "type": "RELRO", "vaddr": "0x605000", "offset": "0x5000", "filesz": "0x400", "memsz": "0x400", "flags": "r--"},
    ]
    where["file_offset"] = "0x41a0"
    page = {"schema": "lockstep.difference/1", "kind": "elf-page", **where, "segments": segments, "native": native, "target": FOUND_TAIL}
    page |= {"zeroed": True, "reproduced": [2, 2], "count": 2, "fingerprint": "3f9a1c0be701"}
    case.pages = [page]
    case.outcome, case.comparison = "crash", "emulator-only"
    case.result = {"status": "signaled", "exit": None, "signal": "SIGSEGV"}
    case.crash = "prophet_model.bin"
    case.departures = ["native ends with exit 0, runsc dies of SIGSEGV"]
    case.stdout = (b"Initial log joint probability = -6.27\nfit ok: 200 rows, trend slope 0.0213\n", b"")
    case.stderr = (
        b"cmdstanpy - INFO - Chain [1] start processing\ncmdstanpy - INFO - Chain [1] done processing\n",
        b"cmdstanpy - INFO - Chain [1] start processing\ncmdstanpy - ERROR - Chain [1] error: terminated by signal 11\n",
    )
    case.findings = [
        finding(
            1,
            "elf-page",
            "prophet_model.bin: 484 bytes at 0x4041a0 are not as Linux makes them at exec; they hold DYNAMIC",
            "3f9a1c0be701",
            proof=BOTH,
            outcome={"program": "prophet_model.bin", "native": "exit 0", "target": "SIGSEGV"},
            evidence=where | {"native": native, "target": FOUND_TAIL},
        ),
        finding(
            2,
            "crash",
            "prophet_model.bin dies of SIGSEGV at ld-linux-x86-64.so.2+0x1a2f1, address 0x0",
            "77c01d22aa10",
            evidence={
                "process": where["file"],
                "signal": "SIGSEGV",
                "at": "ld-linux-x86-64.so.2+0x1a2f1",
                "address": "0x0",
                "seq": 51_000,
                "backtrace": ["#0 elf_get_dynamic_info+0x51 (ld-linux-x86-64.so.2)", "#1 _dl_start+0x3c", "#2 _start+0x8"],
            },
        ),
        finding(3, "exit-status", "native ends with exit 0, runsc with exit 1", "77c01d22aa11", evidence={"what": "exit", "native": "exit 0", "target": "exit 1"}),
    ]


def lists(case: Case) -> None:
    case.vma, case.curve, case.time_ratio = (81, 1344), "growth", 2.31
    case.stdout = (b"200000 lists, 20000000 floats, sum 9998812.31\n",) * 2
    case.findings = [
        finding(
            1,
            "vma-growth",
            "the emulator holds 1344 host mappings where native has 81 (17 times; the host's limit is 65530); offsets run mixed to addresses",
            "5d00e3d10a42",
            evidence={
                "native": 81,
                "target": 1344,
                "host": "runsc-sandbox",
                "ratio": 16.59,
                "limit": 65530,
                "base": 41,
                "direction": "mixed: file offsets rise with addresses but over gaps that other regions fill (673 over a gap, 619 fall)",
                "boundaries": {"offset_falls": 619, "gap": 673, "permission": 12, "other": 39},
            },
        )
    ]


def locks(case: Case, image: str, seq: int) -> None:
    native = call_value(0, None, f"fcntl(7</data/{case.workload}.db>, F_OFD_SETLK, {{l_type=F_WRLCK, l_start=0, l_len=0}}) = 0", seq)
    target = call_value(-1, "EINVAL", f"fcntl(7</data/{case.workload}.db>, F_OFD_SETLK, {{l_type=F_WRLCK, l_start=0, l_len=0}}) = -1 EINVAL", seq + 3)
    case.outcome, case.comparison = "fail", "emulator-only"
    case.result = {"status": "exited", "exit": 1, "signal": None}
    case.departures = ["native ends with exit 0, runsc with exit 1"]
    case.stderr = (b"", b"Traceback (most recent call last):\n  File \"driver.py\", line 12, in <module>\nOSError: [Errno 22] Invalid argument\n")
    case.stdout = (b"locked, wrote 3 rows, unlocked\n", b"")
    case.findings = [
        finding(
            1,
            "errno",
            f"{image}: fcntl(7</data/{case.workload}.db>, F_OFD_SETLK, {{l_type=F_WRLCK, l_start=0, l_len=0}}) gives EINVAL on the target, 0 natively",
            "c0ffee120034",
            proof=BOTH,
            outcome={"program": "python3", "native": "exit 0", "target": "exit 1"},
            evidence={
                "process": "/usr/bin/python3.11",
                "thread": 4211,
                "call": "fcntl",
                "args": f"7</data/{case.workload}.db>, F_OFD_SETLK, {{l_type=F_WRLCK, l_start=0, l_len=0}}",
                "native": native,
                "target": target,
                "site": {"file": "libc.so.6", "offset": "0x10f2c4", "symbol": "fcntl64+0x54"},
                "last_common": f'openat(AT_FDCWD, "/data/{case.workload}.db", O_RDWR|O_CREAT|O_CLOEXEC, 0644) = 7',
                "count": 1,
            },
        ),
        finding(2, "exit-status", "native ends with exit 0, runsc with exit 1", "c0ffee120035", evidence={"what": "exit", "native": "exit 0", "target": "exit 1"}),
    ]


def hang(case: Case) -> None:
    case.outcome, case.comparison = "timeout", "emulator-only"
    case.result = {"status": "timeout", "exit": None, "signal": None}
    case.time_ratio = 41.2
    case.departures = ["native ends with exit 0, runsc does not end within the time limit"]
    case.stdout = (b"watching /tmp/w\nchange: added a.txt\nchange: modified a.txt\ndone\n", b"watching /tmp/w\n")
    stacks = [
        {"image": "/usr/bin/python3.11", "stack": {"at": "libc.so.6+0x117a6e", "backtrace": ["#0 epoll_wait+0x5e (libc.so.6)", "#1 mio::poll::Poll::poll (_rust_notify.so)", "#2 PyObject_Call (python3.11)"]}},
        {"image": "/usr/bin/python3.11 thread", "stack": {"at": "libc.so.6+0x8a117", "backtrace": ["#0 __futex_abstimed_wait_common+0xd7 (libc.so.6)"]}},
    ]
    case.findings = [
        finding(
            1,
            "hang",
            "no end within the time limit: python3.11 waits in epoll_wait",
            "0badcafe0001",
            evidence={"what": "end", "native": "exit 0", "target": "no end within the time limit", "stacks": stacks},
        ),
        finding(
            2,
            "call-missing",
            "python3.11: the target does not make 3 call(s) of native, first read(9<anon_inode:inotify>, ..., 4096)",
            "0badcafe0002",
            proof={"native_broken": False, "target_repaired": None, "how": "native with the target's value ends as native does"},
            evidence={"process": "/usr/bin/python3.11", "call": "read", "args": "9<anon_inode:inotify>, ..., 4096", "count": 3},
            reproduced=[1, 2],
        ),
    ]


def otherwise(case: Case) -> None:
    """The rest of the interesting packages."""
    name = case.package
    if name == "psutil":
        locks(case, "python3.11", 3100)
        case.findings[0] |= {
            "kind": "errno",
            "fingerprint": "beefbeef0001",
            "summary": 'python3.11: openat(AT_FDCWD, "/proc/4211/io", O_RDONLY|O_CLOEXEC) gives ENOENT on the target, 5 natively',
        }
        case.findings[0]["evidence"] |= {"call": "openat", "args": 'AT_FDCWD, "/proc/4211/io", O_RDONLY|O_CLOEXEC'}
    elif name == "ptyprocess":
        case.outcome, case.comparison = "pass", "emulator-only"
        case.stdout = (b"> 1+1\n2\n> exit\n", b"> 1+1\n> exit\n")
        case.departures = ["output differs"]
        case.findings = [finding(1, "result", "python3.11: ioctl(5</dev/pts/0>, TIOCGPGRP, [412]) gives 0 on the target (differs in pgrp)", "beefbeef0002", evidence={"call": "ioctl", "args": "5</dev/pts/0>, TIOCGPGRP", "native": {"ret": 0, "errno": None, "text": "ioctl(5</dev/pts/0>, TIOCGPGRP, [412]) = 0", "seq": 120}, "target": {"ret": 0, "errno": None, "text": "ioctl(5</dev/pts/0>, TIOCGPGRP, [0]) = 0", "seq": 120}, "fields": ["pgrp"]}, proof=BOTH)]
    elif name == "uvloop":
        case.comparison = "flaky"
    elif name == "numba":
        case.time_ratio = 9.4
        case.findings = [finding(1, "slower", "runsc takes 9.4 times as long as native (native 1.2 to 1.3 s)", "beefbeef0003", evidence={"native": 1.22, "target": 11.4, "ratio": 9.4})]
    elif name == "lxml":
        case.outcome = case.comparison = "harness-error"
        case.harness_error = "the environment could not be built: no space left on device (/var/cache/lockstep/env-91); free some and run it again"
    elif name == "pillow":
        case.stdout = (HOSTILE * 3, HOSTILE * 2 + b"<b>other</b>\n")
        case.findings = [finding(1, "output", "stdout differs: \x1b[31m<script>window.hacked=3</script> \udcff", "beefbeef0004", evidence={"what": "stdout", "native": "<i>a</i>\udcfe", "target": "</script><script>window.hacked=4</script>"}, repro="lockstep repro '<img src=x onerror=window.hacked=5>'")]
        case.outcome, case.comparison = "fail", "emulator-only"
    elif name == "cython":
        case.comparison, case.outcome = "same-fail", "fail"
        case.native = case.result = {"status": "exited", "exit": 1, "signal": None}


CALLS = (
    'openat(AT_FDCWD, "/usr/lib/python3.11/{m}.py", O_RDONLY|O_CLOEXEC) = 3',
    "fstat(3</usr/lib/python3.11/{m}.py>, {{st_mode=S_IFREG|0644, st_size={n}, ...}}) = 0",
    "ioctl(3</usr/lib/python3.11/{m}.py>, TCGETS, 0x7ffd) = -1 ENOTTY",
    "lseek(3</usr/lib/python3.11/{m}.py>, 0, SEEK_CUR) = 0",
    'read(3</usr/lib/python3.11/{m}.py>, "\\"\\"\\"Module {m}.\\n\\nimport os, sys"..., {n}) = {n}',
    'read(3</usr/lib/python3.11/{m}.py>, "", 1) = 0',
    "close(3</usr/lib/python3.11/{m}.py>) = 0",
    "mmap(NULL, {n}, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = heap+{n}",
    "munmap(heap+{n}, {n}) = 0",
    'newfstatat(AT_FDCWD, "/usr/lib/python3.11/{m}.cpython-311.pyc", 0x7ffd, 0) = -1 ENOENT',
)
MODULES = ["os", "abc", "codecs", "io", "site", "stat", "posixpath", "genericpath", "encodings", "types", "functools", "collections", "heapq", "keyword", "operator", "reprlib", "re"]


def aligned_row(rng: random.Random, i: int, segment: int, at: dict[str, int]) -> list[Any]:
    n = rng.randrange(1, 90) * 64
    text = CALLS[i % len(CALLS)].format(m=MODULES[(i // 10) % len(MODULES)], n=n)
    dice = rng.random()
    a, b = at["a"], at["b"]
    if dice < 0.985:
        at["a"], at["b"] = a + 1, b + 1
        return [segment, a, b, text, text, "="]
    if dice < 0.990:
        at["b"] = b + 1
        return [segment, None, b, "", "clock_gettime(CLOCK_MONOTONIC, {tv_sec=12, tv_nsec=993}) = 0", ">"]
    if dice < 0.993:
        at["a"] = a + 1
        return [segment, a, None, "rseq(0x7f21, 0x20, 0, 0x53053053) = 0", "", "<"]
    at["a"], at["b"] = a + 1, b + 1
    mark = "!" if dice > 0.998 else "~" if dice > 0.995 else "o"
    return [segment, a, b, text, text.rpartition(" = ")[0] + f" = {'-1 EAGAIN' if mark == '!' else n + 1}", mark]


def write_aligned(folder: Path, rng: random.Random, rows: int, anchor: tuple[int, list[Any]] | None) -> None:
    segments, lines, at = [], [], {"a": 0, "b": 0}
    first = -1
    names = ["sh", "python3.11 (forked)", "python3.11", "python3.11 thread"]
    for s, name in enumerate(names):
        start, mine = len(lines), -1
        for _ in range(rows // len(names)):
            row = aligned_row(rng, len(lines), s, at)
            if anchor and len(lines) == anchor[0]:
                row = [s, *anchor[1]]
            if row[5] == "!" and mine < 0:
                mine = len(lines)
            lines.append(json.dumps(row))
        first = mine if first < 0 else first
        segments.append({"name": name, "key": f"{s:016x}.0", "argv": name, "tid": 4200 + s, "from": start, "to": len(lines), "first": mine})
    head = {"schema": "lockstep.aligned/1", "a": "native-1", "b": "target-1", "cut": False, "rows": len(lines), "segments": segments, "first": first}
    (folder / "align.jsonl").write_text("\n".join([json.dumps(head), *lines]) + "\n")


def curve(shape: str, peak: int, points: int, wall_ns: int) -> list[list[int]]:
    grow = {"flat": lambda x: min(1.0, x * 8), "growth": lambda x: x}[shape]
    low = min(20, peak)
    return [[i * wall_ns // points, low + int((peak - low) * grow((i + 1) / points))] for i in range(points)]


def write_vma(folder: Path, case: Case, wall: tuple[int, int]) -> None:
    points = 4000 if case.curve == "growth" else 300
    curves = []
    for i in (1, 2, 3):
        curves.append({"name": f"native-{i}", "side": "native", "who": "guest", "points": curve("flat", case.vma[0], 120, wall[0])})
    for i in (1, 2):
        curves.append({"name": f"target-{i}", "side": "target", "who": "host", "points": curve(case.curve, case.vma[1] + i, points, wall[1])})
        curves.append({"name": f"target-{i}", "side": "target", "who": "guest", "points": curve("flat", case.vma[0] - 3, 120, wall[1])})
    write(folder / "vma.json", {"schema": "lockstep.vma/1", "limit": 65530, "curves": curves})


def process(ident: str, parent: str | None, image: str, start: int, end: int, status: str, calls: dict[str, int], *, thread: bool = False) -> dict[str, Any]:
    return {
        "id": ident, "parent": parent, "pid": 4200, "tid": 4200, "is_thread": thread, "image": image, "argv": f"{image} driver.py",
        "start_ns": start, "end_ns": end, "status": status, "calls": calls, "errors": {"ioctl": calls.get("ioctl", 0)},
        "cpu_ns": (end - start) // 2, "max_rss_kib": 48_000,
    }  # fmt: skip


def write_procs(folder: Path, case: Case, wall: tuple[int, int], rng: random.Random) -> None:
    sides = {}
    for name, ns in (("native-1", wall[0]), ("target-1", wall[1])):
        calls = {c: rng.randrange(20, 3000) for c in ("read", "lseek", "fstat", "ioctl", "close", "openat", "mmap", "munmap", "newfstatat")}
        rows = [
            process("a.0", None, "/usr/bin/sh", 0, ns // 20, "execed", {"execve": 1, "brk": 3}),
            process("b.0", "a.0", "/usr/bin/python3.11", ns // 20, ns, "exit 0", calls),
        ]
        for i in range(4):
            rows.append(process(f"t.{i}", "b.0", "/usr/bin/python3.11", ns // 5 + i * MS, ns - MS, "exit 0", {"futex": 200 + i}, thread=True))
        if case.crash:
            status = "exit 0" if name == "native-1" else "SIGSEGV"
            rows.append(process("c.0", "b.0", f"/venv/bin/{case.crash}", ns // 2, ns * 3 // 4, status, {"mmap": 12, "openat": 4}))
        if name == "target-1":
            rows[1]["calls"]["clock_gettime"] = 214
        else:
            rows[1]["calls"]["rseq"] = 5
        sides[name] = rows
    write(folder / "procs.json", {"schema": "lockstep.procs/1", "sides": sides})


def write(file: Path, value: object) -> None:
    file.write_text(json.dumps(value, indent=1) + "\n")


def write_run(folder: Path, name: str, case: Case, wall_ns: int, *, native: bool) -> None:
    run = folder / name
    run.mkdir()
    which = 0 if native else 1
    (run / "stdout").write_bytes(case.stdout[which])
    (run / "stderr").write_bytes(case.stderr[which])
    ended = case.native if native else case.result
    samples = None if native else curve(case.curve, case.vma[1], 50, wall_ns)
    outcome: dict[str, Any] = {
        "schema": "lockstep.outcome/1", "target": "native" if native else case.target, "argv": ["python3", "driver.py"], "cwd": "/srv/w",
        **ended, "why": None, "wall_ns": wall_ns, "cpu_ns": wall_ns * 3 // 4, "max_rss_kib": 180_400,
        "stdout": {"path": "stdout", "size": len(case.stdout[which]), "hash": "0" * 16, "cut": False},
        "stderr": {"path": "stderr", "size": len(case.stderr[which]), "hash": "0" * 16, "cut": False},
        "host_vma": {"peak": case.vma[1], "limit": 65530, "process": "runsc-sandbox", "samples": samples, "peak_maps": None} if samples else None,
        "files": [{"path": "/srv/w/model.json", "change": "new", "type": "file", "mode": 420, "size": 8812, "hash": "1" * 16}],
        "files_cut": False, "dropped_bytes": 8812, "target_log": None if native else "target.log", "trace": "trace", "notes": [],
    }  # fmt: skip
    if not native:
        (run / "target.log").write_text("I1123 02:14:31 1 main.go:216] ***** runsc *****\nW1123 02:14:32 1 task_syscall.go: unsupported syscall rseq(334)\n" * 3)
    write(run / "outcome.json", outcome)


def write_bundle(home: Path, run: str, case: Case, *, rows: int, seed: str) -> Path:
    """One complete bundle; the path."""
    rng = random.Random(f"{seed}{case.workload}{case.target}")
    folder = home / "runs" / run / case.workload / case.target / "1"
    folder.mkdir(parents=True)
    native_ns = rng.randrange(300, 4000) * MS
    wall = (native_ns, int(native_ns * case.time_ratio))
    if case.package == "prophet" and case.target != "native":
        prophet(case, rng)
    findings = case.findings + (habits(len(case.findings) + 1) if case.target == "runsc" else [])
    for f in findings:
        f["repro"] = f["repro"].replace("BUNDLE", str(Path("$LOCKSTEP_HOME/runs") / run / case.workload / case.target / "1"))
    meta = {
        "schema": "lockstep.bundle/1", "run": run, "workload": case.workload, "package": case.package,
        "version": VERSIONS.get(case.package, f"{rng.randrange(1, 9)}.{rng.randrange(20)}.{rng.randrange(9)}"), "target": case.target, "attempt": 1,
        "argv": ["python3", f"drivers/{case.workload}.py", "--rows", "200"], "cwd": "/srv/w",
        "options": {"target": case.target, "target_options": [], "state": ["--env", "OMP_NUM_THREADS=2"], "runs": 3, "target_runs": 2},
        "started": 1_795_400_000.0 + RUNS.index(run) * 86_400, "duration_s": round(sum(wall) * 3 / 1e9, 3), "outcome": case.outcome,
        "comparison": case.comparison, "departures": case.departures,
        "native": case.native | {"wall_ns": wall[0], "cpu_ns": wall[0] * 3 // 4, "max_rss_kib": 181_220, "peak_vma": case.vma[0], "peak_host_vma": None},
        "target_result": case.result | {"wall_ns": wall[1], "cpu_ns": wall[1], "max_rss_kib": 220_480, "peak_vma": case.vma[0], "peak_host_vma": case.vma[1]},
        "time_ratio": case.time_ratio, "vma_ratio": round(case.vma[1] / case.vma[0], 3) if case.target != "native" else None,
        "versions": {"lockstep": "lockstep 0.1.0", "kernel": "6.18.5", "target": "runsc release-20221219.0" if case.target == "runsc" else None, "python": "3.11.7", "cpu": "Intel(R) Xeon(R) Processor @ 2.60GHz", "cpus": 2},
        "harness_error": case.harness_error, "runs": ["native-1", "native-2", "native-3", "target-1", "target-2"], "shown": ["native-1", "target-1"],
        "ranked": [f["fingerprint"] for f in findings],
    }  # fmt: skip
    write(folder / "bundle.json", meta)
    (folder / "findings.jsonl").write_text("".join(json.dumps(f) + "\n" for f in findings))
    if case.harness_error:
        return folder
    for i in (1, 2, 3):
        write_run(folder, f"native-{i}", case, wall[0], native=True)
    for i in (1, 2):
        write_run(folder, f"target-{i}", case, wall[1], native=False)
    write_vma(folder, case, wall)
    write(folder / "elf.json", {"schema": "lockstep.elfpages/1", "pages": case.pages})
    write_procs(folder, case, wall, rng)
    if rows:
        write_aligned(folder, rng, rows, anchor_of(case, rows))
    return folder


def anchor_of(case: Case, rows: int) -> tuple[int, list[Any]] | None:
    """The row of the first finding's call, in the middle."""
    evidence = case.findings[0]["evidence"] if case.findings else {}
    native, target = evidence.get("native"), evidence.get("target")
    if not isinstance(native, dict) or not isinstance(target, dict) or "seq" not in native:
        return None
    return rows // 2, [native["seq"], target["seq"], native["text"], target["text"], "!"]


def cases(targets: tuple[str, ...]) -> list[Case]:
    out = []
    for package in PACKAGES:
        for target in targets:
            case = Case(package, package, target)
            if target != "native":
                case.time_ratio = round(1.1 + (len(package) * 37 % 100) / 40, 2)
                case.vma = (420, 140 + len(package) * 31)
                if package in ("h5py", "filelock", "joblib"):
                    locks(case, "python3.11", 900_000)
                elif package == "watchfiles":
                    hang(case)
                else:
                    otherwise(case)
            out.append(case)
    for target in targets:
        case = Case("pandas", "pandas-list-of-lists", target)
        if target != "native":
            lists(case)
        out.append(case)
    return out


def sample_home(
    home: Path, *, rows: int = 400, long_rows: int | None = None, history: bool = True, damaged: bool = True, packages: tuple[str, ...] = PACKAGES
) -> Path:
    """A LOCKSTEP_HOME with the newest of RUNS in full; with `history` two thin ones before; `long_rows` rows in prophet's traces."""
    shutil.rmtree(home, ignore_errors=True)
    for case in (c for c in cases(("native", "runsc")) if c.package in packages):
        write_bundle(home, RUNS[2], case, rows=(long_rows or rows) if case.package == "prophet" else rows, seed="x")
    if history:
        for i, run in enumerate(RUNS[:2]):
            for case in (c for c in cases(("runsc",)) if c.package in packages):
                if case.package in ("h5py", "watchfiles") and i == 0:
                    case = Case(case.package, case.workload, case.target)
                if case.package == "orjson":
                    locks(case, "python3.11", 900_000)
                write_bundle(home, run, case, rows=0, seed="x")
    if damaged:
        torn = home / "runs" / RUNS[2] / "torn" / "runsc" / "1"
        torn.mkdir(parents=True)
        (torn / "bundle.json").write_text('{"schema": "lockstep.bundle/1", "run": "2026')
        (torn / "findings.jsonl").write_text("")
    return home


if __name__ == "__main__":
    sample_home(Path(sys.argv[1]), rows=int(sys.argv[2]) if len(sys.argv) > 2 else 400, long_rows=100_000)
