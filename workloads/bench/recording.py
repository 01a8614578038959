"""What recording costs: native, lockstep and strace take turns within each round, over six programs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from measure import LIMIT_S, NOISE, Cost, Limit, Result, Spread, run

IMPORTS = "import json,asyncio,email,http.client,logging,unittest,sqlite3,xml.dom.minidom,decimal,ssl"
FORKS = "for i in $(seq 100); do /bin/true; done"
PYTHON_MAX = 1.6  # recording python imports against the bare run
BYTES_AN_EVENT_MAX = 6.0
LONG = 10_000  # events; a shorter trace is mostly what is kept once: maps, environment, pages at exec
ONCE_S = 5.0  # a mode that takes longer in the first round is not run again
COMMITS = 300
FILES_A_COMMIT = 5
NAMES = ("python imports", "find /usr", "git log --stat", "gcc hello", "bash 100 forks", "dd bs=1")


@dataclass(frozen=True)
class Workload:
    name: str
    argv: tuple[str, ...]
    rounds: int


def git_stream() -> Iterator[str]:
    """A history as git fast-import reads it, the same each time: 300 commits over 60 files."""
    for c in range(COMMITS):
        yield f"commit refs/heads/main\ncommitter Bench <bench@localhost> {1_700_000_000 + c * 60} +0000\ndata 6\nchange\n"
        for f in range(FILES_A_COMMIT):
            text = "".join(f"line {i} of {c if i % 40 == c % 40 else i % 7}\n" for i in range(200))
            yield f"M 100644 inline dir{f}/file{(c * FILES_A_COMMIT + f) % 60}.txt\ndata {len(text)}\n{text}\n"


def make_repository(folder: Path) -> Path:
    subprocess.run(["git", "init", "-q", "-b", "main", folder], check=True, timeout=60)
    subprocess.run(["git", "-C", folder, "fast-import", "--quiet"], input="".join(git_stream()).encode(), check=True, timeout=60)
    return folder


def workloads(tmp: Path) -> list[Workload]:
    hello = tmp / "hello.c"
    hello.write_text('#include <stdio.h>\nint main(void) { puts("hello"); return 0; }\n')
    found = [
        Workload("python imports", (sys.executable, "-c", IMPORTS), 7),
        Workload("find /usr", ("find", "/usr", "-name", "no such name"), 3),
        Workload("gcc hello", ("gcc", "-o", str(tmp / "hello"), str(hello)), 7),
        Workload("bash 100 forks", ("bash", "-c", FORKS), 7),
        Workload("dd bs=1", ("dd", "if=/dev/zero", "of=/dev/null", "bs=1", "count=20000", "status=none"), 5),
    ]
    if shutil.which("git"):
        log = ("git", "-C", str(make_repository(tmp / "repository")), "--no-pager", "log", "--stat", "-n", str(COMMITS))
        found.insert(2, Workload("git log --stat", log, 7))
    return [w for w in found if shutil.which(w.argv[0])]


def modes(build: Path, tmp: Path) -> dict[str, list[str]]:
    """What stands before the command. `trace` is the whole of `lockstep trace`: the disposable state around the recorder, too."""
    cpu = str(min(os.sched_getaffinity(0)))
    strace = ["strace", "-f", "-o", "/dev/null"]
    found = {
        "native": [],
        "record": [str(build / "lockstep-record"), "-o", str(tmp / "record.trace"), "--"],
        "trace": [str(build / "lockstep"), "trace", "--quiet", "--target", "native", "-o", str(tmp / "trace.trace"), "--"],
    }
    if shutil.which("strace") and shutil.which("taskset"):
        found["strace pinned"] = ["taskset", "-c", cpu, *strace]
        found["strace"] = strace
    return found


def take_turns(w: Workload, prefixes: dict[str, list[str]], rounds: int, tmp: Path) -> dict[str, list[Cost]]:
    """Costs by mode. Each round begins with another mode, so that none always follows the same one."""
    costs: dict[str, list[Cost]] = {m: [] for m in prefixes}
    names = list(prefixes)
    run(w.argv, tmp)  # what it reads is in memory from here on
    for i in range(rounds):
        for mode in names[i % len(names) :] + names[: i % len(names)]:
            if costs[mode] and costs[mode][0].seconds > ONCE_S:
                continue
            costs[mode].append(run([*prefixes[mode], *w.argv], tmp))
    return costs


def count_events(build: Path, trace: Path, tmp: Path) -> int:
    """Lines of `lockstep show`: samples of memory are no lines, so that this is not too many."""
    shown = subprocess.Popen([build / "lockstep", "show", trace], cwd=tmp, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    out = shown.stdout
    assert out
    lines = 0
    while chunk := out.read(1 << 16):
        lines += chunk.count(b"\n")
    shown.wait(LIMIT_S)
    return lines


def limits(w: Workload, best: dict[str, float], events: int, size: int) -> list[Limit]:
    """By the best of the rounds: load from elsewhere only ever adds."""
    found = [Limit("bytes an event", size / events, BYTES_AN_EVENT_MAX)] if events >= LONG else []
    if "strace pinned" in best:
        found.append(Limit("record / strace pinned", best["record"] / best["strace pinned"], NOISE))
    if w.name == "python imports":
        found.append(Limit("record / native", best["record"] / best["native"], PYTHON_MAX))
    return found


def measure(build: Path, w: Workload, rounds: int, tmp: Path) -> Result:
    costs = take_turns(w, modes(build, tmp), rounds or w.rounds, tmp)
    times = {m: [c.seconds for c in each] for m, each in costs.items()}
    cpu = {m: min(c.cpu_seconds for c in each) for m, each in costs.items()}
    trace = tmp / "record.trace"
    events = count_events(build, trace, tmp)
    size = trace.stat().st_size
    base = times["native"]
    return Result(
        kind="record",
        name=w.name,
        rounds=rounds or w.rounds,
        seconds={m: Spread.of(t) for m, t in times.items()},
        base="native",
        ratios={m: Spread.of([a / b for a, b in zip(t, base, strict=False)]) for m, t in times.items() if m != "native"},
        values={"events": events, "bytes_an_event": size / max(events, 1), **{f"cpu_seconds {m}": s for m, s in cpu.items()}},
        limits=limits(w, {m: min(t) for m, t in times.items()}, events, size),
    )


def bench(build: Path, names: Sequence[str], rounds: int, tmp: Path) -> Iterator[Result]:
    for w in workloads(tmp):
        if not names or w.name in names:
            yield measure(build, w, rounds, tmp)


HEAD = f"{'recording':15} {'native ms':>9}  {'record':>18} {'trace':>18} {'strace pinned':>18} {'strace':>22}  {'events':>8} {'B/event':>7}"


def line(r: Result) -> str:
    cells = []
    for mode, width in (("record", 18), ("trace", 18), ("strace pinned", 18), ("strace", 22)):
        s = r.ratios.get(mode)
        cells.append(f"{f'{s.median:.2f} ({s.low:.2f}-{s.high:.2f})' if s else '-':>{width}}")
    values = f"{r.values['events']:8.0f} {r.values['bytes_an_event']:7.2f}"
    return f"{r.name:15} {r.seconds['native'].median * 1e3:9.1f}  {' '.join(cells)}  {values}  {r.verdict()}"
