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
RATIO_MIN = 4.0  # of what the target has above its own base to what native has
COUNT_MIN = 400  # fewer host mappings than this trouble nobody


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
    counts = Counter(v.file for v in vmas if not v.file.startswith("00:00 0"))
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
    if falls >= gaps:
        return f"against: addresses are handed out top-down, file offsets bottom-up ({falls} boundaries fall, {gaps} rise over a gap)"
    return f"mixed: file offsets rise with addresses but over gaps that other regions fill ({gaps} over a gap, {falls} fall)"


def peak(run: Run) -> int:
    """The most VMAs that the host held for this run: of the process with guest memory that had the most."""
    return int((run.outcome.get("host_vma") or {}).get("peak") or 0)


def growth(natives: list[Run], targets: list[Run], guest_peak: int, base: int) -> Finding | None:
    """The vma-growth finding, or None. `guest_peak`: most VMAs of one process natively; `base`: the target's own with an idle guest."""
    if not targets or not guest_peak:
        return None
    peaks = [peak(r) for r in targets]
    worst = targets[peaks.index(max(peaks))]
    host = worst.outcome.get("host_vma") or {}
    limit = int(host.get("limit") or 65530)
    own = max(max(peaks) - base, 0)
    ratio = max(peaks) / guest_peak
    if own < COUNT_MIN or own / guest_peak < RATIO_MIN:
        return None
    maps = parse_maps(peak_maps(worst))
    boundaries = classify(maps)
    way = direction(maps)
    shown = sum(1 for p in peaks if p - base >= COUNT_MIN and (p - base) / guest_peak >= RATIO_MIN)
    return Finding(
        kind="vma-growth",
        summary=f"the emulator holds {max(peaks)} host mappings where native has {guest_peak} "
        f"({ratio:.0f} times; the host's limit is {limit}); offsets run {way.split(':')[0]} to addresses",
        evidence={
            "native": guest_peak,
            "target": max(peaks),
            "host": host.get("process"),
            "ratio": round(ratio, 2),
            "limit": limit,
            "base": base,
            "direction": way,
            "boundaries": boundaries,
        },
        fingerprint=fingerprint("vma-growth", way.split(":")[0]),
        reproduced=(shown, len(targets)),
    )


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
