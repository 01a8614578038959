"""VMA growth: whether the emulator's host processes hold many more mappings than native does, and how the boundaries arise.

An emulator backs guest memory by a file of its own; two neighbouring mappings of it merge on the host only where the file offsets
go on as the addresses do. Each boundary that did not merge is classified by what kept it apart.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lockstep.compare.finding import Finding, fingerprint
from lockstep.compare.outcome import Run

LINE = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) (\S{4}) ([0-9a-f]+) (\S+) (\d+)\s*(.*)$")
RATIO_MIN = 8.0  # of the target's mappings of guest memory to native's
COUNT_MIN = 500  # fewer mappings than this trouble nobody
ANONYMOUS = "00:00:0 "  # how a mapping without a file is called here


@dataclass(frozen=True)
class Vma:
    start: int
    end: int
    perms: str
    offset: int
    file: str


def parse_maps(text: str) -> list[Vma]:
    """The lines of /proc/PID/maps that have its form; others are passed over."""
    out = []
    for line in text.splitlines():
        m = LINE.match(line)
        if m:
            start, end, perms, offset, dev, inode, name = m.groups()
            out.append(Vma(int(start, 16), int(end, 16), perms, int(offset, 16), f"{dev}:{inode} {name}"))
    return out


def backing_file(vmas: list[Vma]) -> str | None:
    """The file that most mappings are of: the emulator's memory."""
    counts = Counter(v.file for v in vmas if not v.file.startswith(ANONYMOUS))
    return counts.most_common(1)[0][0] if counts else None


def classify(vmas: list[Vma]) -> dict[str, int]:
    """Why neighbours (by address) of the memory file did not merge: counts of offset_falls, gap, permission, other.

    offset_falls: addresses rise, offsets fall. gap: offsets rise, but something else of the file lies between. permission: offsets go on, the
    permissions differ. other: not adjacent by address, or another file.
    """
    counts = {"offset_falls": 0, "gap": 0, "permission": 0, "other": 0}
    memory = backing_file(vmas)
    for a, b in itertools.pairwise(vmas):
        if a.file != memory or b.file != memory or a.end != b.start:
            counts["other"] += 1
        elif b.offset < a.offset:
            counts["offset_falls"] += 1
        elif b.offset != a.offset + (a.end - a.start):
            counts["gap"] += 1
        elif a.perms != b.perms:
            counts["permission"] += 1
        else:
            counts["other"] += 1
    return counts


def direction(vmas: list[Vma]) -> str:
    """How file offsets run as addresses grow, in words."""
    counts = classify(vmas)
    falls, gaps = counts["offset_falls"], counts["gap"]
    if falls + gaps == 0:
        return "offsets follow addresses"
    if falls * 4 >= falls + gaps:
        return f"file offsets run against addresses: they fall at {falls} boundaries and rise over a gap at {gaps}"
    return f"file offsets run with addresses, but over gaps that other regions fill: at {gaps} boundaries; they fall at {falls}"


def own_natively(vmas: list[Vma]) -> tuple[int, int]:
    """Native mappings that hold the program's own memory: (anonymous ones, written private ones of files)."""
    writable = [v for v in vmas if "w" in v.perms]
    anonymous = [v for v in writable if v.file.startswith(ANONYMOUS)]
    return len(anonymous), len(writable) - len(anonymous)


def own_on_target(vmas: list[Vma], of_files: int) -> int:
    """The emulator's writable mappings of its memory file, less what backs written private pages of files there."""
    memory = backing_file(vmas)
    return max(sum(v.file == memory and "w" in v.perms for v in vmas) - of_files, 0)


def growth(natives: list[Run], targets: list[Run]) -> Finding | None:
    """The vma-growth finding, or None: the program's own memory lies in many more mappings than natively."""
    if not natives or not targets:
        return None
    native = parse_maps(peak_maps(max(natives, key=peak)))
    anonymous, of_files = own_natively(native)
    counts = [own_on_target(parse_maps(peak_maps(r)), of_files) for r in targets]
    worst = targets[counts.index(max(counts))]
    if not anonymous or not grown(max(counts), anonymous):
        return None
    host = worst.outcome.get("host_vma") or {}
    limit = int(host.get("limit") or 65530)
    maps = parse_maps(peak_maps(worst))
    way = direction(maps)
    return Finding(
        kind="vma-growth",
        summary=f"the program's memory lies in {max(counts)} mappings of the emulator where native has {anonymous} "
        f"({max(counts) / anonymous:.0f} times; the host allows {limit} a process); {way.split(':')[0]}",
        evidence={
            "native": anonymous,
            "target": max(counts),
            "host": {"process": host.get("process"), "peak": peak(worst), "native_peak": max(peak(r) for r in natives)},
            "ratio": round(max(counts) / anonymous, 2),
            "limit": limit,
            "direction": way,
            "boundaries": classify(maps),
        },
        fingerprint=fingerprint("vma-growth", way.split(":")[0]),
        reproduced=(sum(grown(n, anonymous) for n in counts), len(targets)),
    )


def grown(count: int, native: int) -> bool:
    return count >= COUNT_MIN and count >= RATIO_MIN * native


def peak(run: Run) -> int:
    """The most VMAs that one process with guest memory had on the host."""
    return int((run.outcome.get("host_vma") or {}).get("peak") or 0)


def peak_maps(run: Run) -> str:
    """The saved /proc/PID/maps at the peak; a folder that was moved still finds it beside the outcome."""
    name = (run.outcome.get("host_vma") or {}).get("peak_maps")
    if not name:
        return ""
    for file in (run.path / Path(name).name, Path(name)):
        if file.exists():
            return file.read_text(encoding="utf-8", errors="replace")
    return ""


def curves(runs: list[tuple[str, Run]], guest: dict[str, list[list[int]]]) -> dict[str, Any]:
    """lockstep.vma/1: the host's curves from the outcomes, the guest's from the traces (name of the run -> points)."""
    out = []
    limit = 65530
    for side, run in runs:
        host = run.outcome.get("host_vma") or {}
        limit = int(host.get("limit") or limit)
        if host.get("samples") and side == "target":
            out.append({"name": run.name, "side": side, "who": "host", "points": host["samples"]})
        if guest.get(run.name):
            out.append({"name": run.name, "side": side, "who": "guest", "points": guest[run.name]})
    return {"schema": "lockstep.vma/1", "limit": limit, "curves": out}
