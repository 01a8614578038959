"""Which workloads run where: filters, shards, and the order, which is always the same."""

from __future__ import annotations

import fnmatch
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from lockstep.base.errors import UsageError
from lockstep.corpus.manifest import STRAINS, Workload


@dataclass(frozen=True)
class Job:
    """One comparison: a workload on a target."""

    workload: Workload
    target: str

    @property
    def key(self) -> tuple[str, str]:
        return (self.workload.name, self.target)


@dataclass(frozen=True)
class Shard:
    """Part i of n, from 1. Parts are disjoint and together everything."""

    i: int = 1
    n: int = 1

    @staticmethod
    def parse(text: str) -> Shard:
        i, slash, n = text.partition("/")
        if not slash or not i.isdecimal() or not n.isdecimal() or not 1 <= int(i) <= int(n) <= 10_000:
            raise UsageError(f"--shard {text}: must be I/N with 1 <= I <= N, such as 1/4")
        return Shard(int(i), int(n))

    def __str__(self) -> str:
        return f"{self.i}/{self.n}"


def fits(w: Workload, pattern: str) -> bool:
    """NAME or package with * and ?, tag=TAG, strain=CODES (all of them), lock=NAME."""
    key, equals, value = pattern.partition("=")
    if not equals:
        return fnmatch.fnmatchcase(w.name, pattern) or fnmatch.fnmatchcase(w.package.lower(), pattern.lower())
    if key == "tag":
        return value in w.tags
    if key == "strain":
        return bool(value) and all(code in w.strains for code in value)
    if key == "lock":
        return w.lock == value
    raise UsageError(f"--filter {pattern}: {key} is not known; tag=, strain= or lock=, or a name with * and ?")


def choose(workloads: Sequence[Workload], filters: Sequence[str]) -> list[Workload]:
    """What fits any pattern and none that begins with "!". A pattern that fits nothing is a mistake and said so."""
    wanted = [f for f in filters if not f.startswith("!")]
    unwanted = [f[1:] for f in filters if f.startswith("!")]
    for pattern in wanted:
        if not any(fits(w, pattern) for w in workloads):
            hint = f"strains are {' '.join(STRAINS)}" if pattern.startswith("strain=") else "`lockstep corpus list` shows what there is"
            raise UsageError(f"--filter {pattern}: fits no workload; {hint}")
    return [w for w in workloads if (not wanted or any(fits(w, p) for p in wanted)) and not any(fits(w, p) for p in unwanted)]


def shard(workloads: Sequence[Workload], part: Shard) -> list[Workload]:
    """By position in the sorted list: even parts, and both targets of a workload in the same one."""
    ordered = sorted(workloads, key=lambda w: w.name)
    return ordered[part.i - 1 :: part.n]


def jobs(workloads: Sequence[Workload], targets: Sequence[str]) -> list[Job]:
    names = list(dict.fromkeys(targets))
    return [Job(w, t) for w in sorted(workloads, key=lambda w: w.name) for t in names]


def fingerprint(planned: Sequence[Job], settings: dict[str, object]) -> str:
    """The same for the same work: a run is resumed only by the command that would do what it did."""
    what = [[*j.key, j.workload.version, list(j.workload.argv), list(j.workload.env)] for j in planned]
    return hashlib.sha256(json.dumps([what, settings], sort_keys=True).encode()).hexdigest()[:16]
