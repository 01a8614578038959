"""What a target always does differently without changing an outcome: learnt from small programs, kept in the cache.

A habit is a key that says what differs and no more (kind, call, values, a field's name, a system path), so that it holds for every program.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lockstep.base.paths import cache_dir
from lockstep.compare.finding import fingerprint

SCHEMA = "lockstep.habits/1"


@dataclass(frozen=True)
class Habits:
    """`keys` maps a habit key to the names of the programs that showed it. `vma_base`: host VMAs with an idle guest."""

    target: str
    version: str = ""
    keys: dict[str, list[str]] = field(default_factory=dict)
    vma_base: int = 0
    time_ratio: float = 0.0

    def has(self, keys: Sequence[str]) -> bool:
        """Whether all of what a finding departs in is known: one unknown field is news."""
        return bool(keys) and all(key in self.keys for key in keys)

    def to_json(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "target": self.target,
            "version": self.version,
            "vma_base": self.vma_base,
            "time_ratio": self.time_ratio,
            "keys": dict(sorted(self.keys.items())),
        }


def habit_keys(difference: dict[str, Any]) -> tuple[str, ...]:
    """The keys of a lockstep.difference/1: one for each field that differs, or one alone."""
    key, fields = difference.get("habit_key"), difference.get("fields") or ()
    if not key:
        return ()
    return tuple(f"{key} {field}" for field in fields) or (key,)


def habits_file(identity: str) -> Path:
    """Where the habits of a target stand; `identity` holds its name, version and options."""
    return cache_dir() / "habits" / f"{identity.split()[0].replace('/', '_')}-{fingerprint(identity)}.json"


def load(identity: str) -> Habits | None:
    """None when nothing was learnt yet (or what was is damaged: it is learnt again)."""
    try:
        d = json.loads(habits_file(identity).read_text())
        if d.get("schema") != SCHEMA:
            return None
        return Habits(d["target"], d["version"], dict(d["keys"]), int(d["vma_base"]), float(d["time_ratio"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def save(identity: str, habits: Habits) -> Path:
    file = habits_file(identity)
    file.parent.mkdir(parents=True, exist_ok=True)
    temp = file.with_suffix(".tmp")
    temp.write_text(json.dumps(habits.to_json(), indent=1) + "\n")
    temp.replace(file)
    return file
