"""What the benches share: a timed command, medians with their spread, a result and its limits."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LIMIT_S = 600  # for any one command
NOISE = 1.05  # two runs of the same thing differ by this much on a quiet machine


class BenchError(Exception):
    """A command that is measured did not do its work: there is no number."""


@dataclass(frozen=True)
class Cost:
    seconds: float
    cpu_seconds: float  # of it and of what it waited for: load from elsewhere changes this less
    peak_rss_kib: int
    status: int


def run(argv: Sequence[str | Path], cwd: Path, out: Path | None = None, statuses: tuple[int, ...] = (0,)) -> Cost:
    """Runs it to its end; its standard output goes to a file, or nowhere. The peak is of the largest single process."""
    words = [str(a) for a in argv]
    with (out or Path(os.devnull)).open("wb") as sink, (cwd / "stderr").open("wb") as said:
        start = time.perf_counter()
        child = subprocess.Popen(words, cwd=cwd, stdin=subprocess.DEVNULL, stdout=sink, stderr=said)
        try:
            _, status, usage = os.wait4(child.pid, 0)
        except BaseException:
            child.kill()
            raise
        took = time.perf_counter() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in statuses:
        text = (cwd / "stderr").read_text(errors="replace").strip()[-300:]
        raise BenchError(f"{' '.join(words)[:200]}: ended with status {child.returncode}: {text}")
    return Cost(took, usage.ru_utime + usage.ru_stime, usage.ru_maxrss, child.returncode)


@dataclass(frozen=True)
class Spread:
    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        return cls(statistics.median(values), min(values), max(values))

    def json(self) -> dict[str, float]:
        return {"median": round(self.median, 6), "min": round(self.low, 6), "max": round(self.high, 6)}


@dataclass(frozen=True)
class Limit:
    what: str
    value: float
    most: float

    @property
    def ok(self) -> bool:
        return self.value <= self.most

    def json(self) -> dict[str, Any]:
        return {"what": self.what, "value": round(self.value, 3), "limit": self.most, "ok": self.ok}


@dataclass
class Result:
    """One row. `ratios` are to what `base` names, taken within each round."""

    kind: str
    name: str
    rounds: int
    seconds: dict[str, Spread] = field(default_factory=dict)
    base: str | None = None
    ratios: dict[str, Spread] = field(default_factory=dict)
    values: dict[str, float] = field(default_factory=dict)
    limits: list[Limit] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return all(limit.ok for limit in self.limits)

    def json(self) -> dict[str, Any]:
        return {
            "schema": "lockstep.bench/1",
            "kind": self.kind,
            "name": self.name,
            "rounds": self.rounds,
            "seconds": {k: v.json() for k, v in self.seconds.items()},
            "base": self.base,
            "ratios": {k: v.json() for k, v in self.ratios.items()},
            "values": {k: round(v, 3) for k, v in self.values.items()},
            "limits": [limit.json() for limit in self.limits],
            "ok": self.ok,
            "load": round(os.getloadavg()[0], 2),
            "cpus": len(os.sched_getaffinity(0)),
        }

    def verdict(self) -> str:
        return "; ".join(f"{limit.what} {limit.value:.2f} > {limit.most:g}" for limit in self.limits if not limit.ok) or "ok"
