"""A finding: one difference between two runs, classified, ranked and (where it can be) proven. INTERFACE gives the fields."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import Any

SCHEMA = "lockstep.finding/1"

# Kinds that say how it ended rather than why: they stand for themselves only where no cause was found.
SYMPTOMS = frozenset({"crash", "hang", "output", "exit-status", "file-state"})


@dataclass(frozen=True)
class Proof:
    """What trying it both ways showed. None: not tried."""

    native_broken: bool | None = None
    target_repaired: bool | None = None
    how: str = "not tried"

    @property
    def proven(self) -> bool | None:
        tried = [v for v in (self.native_broken, self.target_repaired) if v is not None]
        return any(tried) if tried else None

    def to_json(self) -> dict[str, Any]:
        return {"native_broken": self.native_broken, "target_repaired": self.target_repaired, "how": self.how}


@dataclass(frozen=True)
class Finding:
    """`inject_native` breaks native with the target's value, `inject_target` repairs the target: lists of injection specs."""

    kind: str
    summary: str
    evidence: dict[str, Any]
    fingerprint: str
    reproduced: tuple[int, int] = (1, 1)
    outcome: dict[str, Any] = field(default_factory=dict)
    habit: bool = False
    habit_keys: tuple[str, ...] = ()
    proof: Proof = Proof()
    inject_native: tuple[str, ...] = ()
    inject_target: tuple[str, ...] = ()
    rank: int = 0
    repro: str = ""
    process: tuple[str, int] | None = None
    group: bool = False  # of siblings, whose shares of the work are the scheduler's
    target_seq: int | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "rank": self.rank,
            "kind": self.kind,
            "summary": self.summary,
            "proven": self.proof.proven,
            "proof": self.proof.to_json(),
            "outcome": self.outcome,
            "evidence": self.evidence,
            "reproduced": list(self.reproduced),
            "fingerprint": self.fingerprint,
            "repro": self.repro,
            "habit": self.habit,
            "inject": {"native": list(self.inject_native), "target": list(self.inject_target)},
        }


def fingerprint(*parts: object) -> str:
    """Twelve hexadecimal digits, the same for the same parts in every run and on every machine."""
    return hashlib.sha256("\0".join(str(p) for p in parts).encode("utf-8", "surrogateescape")).hexdigest()[:12]


def numbered(findings: list[Finding]) -> list[Finding]:
    """Ranks by position; habits go behind everything else."""
    ordered = [f for f in findings if not f.habit] + [f for f in findings if f.habit]
    return [replace(f, rank=i) for i, f in enumerate(ordered, 1)]
