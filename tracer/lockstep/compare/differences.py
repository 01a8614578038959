"""What `lockstep compare` (C, tracer/align) prints, as typed values: differences, processes, guest VMA curves."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from lockstep.base.errors import HarnessError
from lockstep.base.processes import die_with_parent
from lockstep.compare.outcome import Run
from lockstep.compare.settings import lockstep_exe

COMPARE_LIMIT_S = 900


@dataclass(frozen=True)
class Process:
    """One image's life in one task: from its exec (or fork) to the next exec or its end."""

    side: str
    key: str
    ord: int
    parent: tuple[str, int] | None
    data: dict[str, Any]

    @property
    def ident(self) -> tuple[str, int]:
        return (self.key, self.ord)

    @property
    def status(self) -> str:
        return str(self.data.get("status"))

    @property
    def end_seq(self) -> int:
        return int(self.data.get("end_seq") or 0)

    @property
    def image(self) -> str:
        return str(self.data.get("image") or "?")


@dataclass(frozen=True)
class Comparison:
    """`differences` in the order of the target's time."""

    differences: list[dict[str, Any]] = field(default_factory=list)
    processes: list[Process] = field(default_factory=list)
    guest_vmas: dict[str, list[list[int]]] = field(default_factory=dict)
    notes: list[dict[str, Any]] = field(default_factory=list)

    def side(self, name: str) -> list[Process]:
        return [p for p in self.processes if p.side == name]


def compare(natives: Sequence[Run], targets: Sequence[Run]) -> Comparison:
    """Nothing to compare where a target has no traces: then only how it ended is known."""
    traced = [r for r in targets if r.trace]
    if not traced:
        return Comparison()
    cmd = [lockstep_exe(), "compare", "--json"]
    for r in natives:
        cmd += ["--native", str(r.trace)]
    for r in traced:
        cmd += ["--target-trace", str(r.trace)]
    done = subprocess.run(cmd, capture_output=True, timeout=COMPARE_LIMIT_S, check=False, preexec_fn=die_with_parent())
    if done.returncode not in (0, 1):
        raise HarnessError(done.stderr.decode(errors="replace").strip().removeprefix("lockstep: ") or "lockstep compare failed")
    return parse([line for line in done.stdout.decode("utf-8", "surrogateescape").split("\n") if line])


def parse(lines: Sequence[str]) -> Comparison:
    out = Comparison()
    for line in lines:
        d = json.loads(line)
        match d["schema"]:
            case "lockstep.difference/1":
                out.differences.append(d)
            case "lockstep.process/1":
                parent = (d["parent"], int(d["parent_ord"])) if d.get("parent") else None
                out.processes.append(Process(d["side"], d["key"], int(d["ord"]), parent, d))
            case "lockstep.guest-vma/1":
                out.guest_vmas[d["side"]] = d["points"]
            case _:
                out.notes.append(d)
    return out
