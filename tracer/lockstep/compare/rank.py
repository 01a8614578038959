"""Ranking backwards from the outcome.

From the root's differing result the waits and exits lead to the first process that died or answered differently; what that process
met otherwise than natively, between its exec and there, are the first candidates. Within one tier the earliest departure of a *result* comes
first, since what follows is its consequence; a departed page scores by what it covers. Proof then decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lockstep.compare.differences import Comparison, Process
from lockstep.compare.finding import SYMPTOMS, Finding

# What a departed page must cover before its bytes can matter to a program: what the loader or the program's start reads.
VITAL = frozenset(
    {"EHDR", "PHDR", "INTERP", "DYNAMIC", "TLS", "RELOC", "SYMTAB", "STRTAB", "HASH", "VERSION", "INIT", "GOT", "ENTRY", "LOAD"}
)

# How far behind an earlier departure of another kind a kind still is: in places of the list.
PENALTY = {"enosys": 0, "errno": 0, "signal": 1, "result": 2, "call-missing": 12, "call-extra": 12, "memory": 4, "elf-layout": 2}
SUCCESS_WHERE_NATIVE_FAILS = 3  # for an errno finding in which the target succeeds


@dataclass(frozen=True)
class Focus:
    """The first process that ended otherwise than its native counterpart, and those that did so after it."""

    chain: tuple[Process, ...]

    def place(self, process: tuple[str, int] | None) -> int:
        """0 for the first, 1.. for later ones, the chain's length for processes that ended as natively."""
        for i, p in enumerate(self.chain):
            if p.ident == process:
                return i
        return len(self.chain)

    @property
    def end_seq(self) -> int | None:
        return self.chain[0].end_seq if self.chain else None


def focus(comparison: Comparison, natives: Sequence[str], target: str) -> Focus:
    """`natives`, `target`: names of runs (sides). Processes that only one side has count only when they crashed."""
    known: dict[tuple[str, int], set[str]] = {}
    groups: dict[str, set[str]] = {}
    for name in natives:
        for p in comparison.side(name):
            known.setdefault(p.ident, set()).add(p.status)
            groups.setdefault(p.key, set()).add(p.status)
    differing = []
    for p in comparison.side(target):
        if p.data.get("is_thread") or p.data.get("execed"):
            continue
        statuses = known.get(p.ident) or groups.get(p.key) or set()
        if (statuses and p.status not in statuses) or (not statuses and p.status.startswith("SIG")):
            differing.append(p)
    return Focus(tuple(sorted(differing, key=lambda p: p.end_seq)))


def vital(f: Finding) -> bool:
    return f.kind == "elf-page" and bool(VITAL & set(f.evidence.get("covers") or ()))


def penalty(f: Finding) -> int:
    native: dict[str, Any] = f.evidence.get("native") or {}
    value = PENALTY.get(f.kind, 6)
    if f.kind == "errno" and isinstance(native, dict) and native.get("errno"):
        value += SUCCESS_WHERE_NATIVE_FAILS
    if f.reproduced[0] < f.reproduced[1]:
        value += 4
    return value


def weights(findings: Sequence[Finding]) -> dict[int, int]:
    """How far behind a finding stands: its place among those of its kind by time, kinds interleaved.

    Emulators depart in many values for every call that they refuse; by time alone a refusal would stand behind all of them.
    """
    out: dict[int, int] = {}
    stride = {"errno": 1, "enosys": 1, "signal": 2, "result": 2}
    seen: dict[str, int] = {}
    for f in sorted(findings, key=lambda f: f.target_seq or 0):
        kind = "errno" if f.kind == "enosys" else f.kind
        seen[kind] = seen.get(kind, 0) + 1
        out[id(f)] = (seen[kind] - 1) * stride.get(kind, 3) + penalty(f)
    return out


def order(findings: Sequence[Finding], foc: Focus) -> list[Finding]:
    """Candidates, most likely first. Symptoms and habits keep their relative order and stand behind."""

    def tier(f: Finding) -> int:
        place = foc.place(f.process)
        if not foc.chain:
            return 1
        after = f.target_seq is not None and foc.end_seq is not None and f.target_seq > foc.end_seq
        if place == 0:
            return 0
        return 3 if after and place == len(foc.chain) else 2 if after else 1

    position = {id(f): i for i, f in enumerate(sorted(findings, key=lambda f: f.target_seq or 0))}
    weight = weights(findings)

    def key(f: Finding) -> tuple[int, int, int]:
        if f.kind == "elf-page":
            return (tier(f) if vital(f) else 4, 0 if vital(f) else 1, position[id(f)])
        return (tier(f), weight[id(f)], position[id(f)])

    return sorted(findings, key=key)


def settle(ordered: Sequence[Finding]) -> list[Finding]:
    """After proof: proven causes (both ways before one way), what could not be tried, growth, symptoms, what was refuted, and
    calls that are only there or not there: those follow from something else."""

    def key(f: Finding) -> int:
        if f.kind == "vma-growth":
            return 0 if f.target_seq is None and not any(g.kind in SYMPTOMS for g in ordered) else 3
        ways = (f.proof.native_broken is True) + (f.proof.target_repaired is True)
        if ways:
            return 2 - ways
        if f.kind in ("call-extra", "call-missing"):
            return 6
        if f.kind in SYMPTOMS:
            return 4
        return 2 if f.proof.proven is None else 5

    return sorted(ordered, key=key)
