"""`lockstep target learn`: some thirty small programs, each natively and on the target, and what differs without consequence.

What a target does otherwise in programs that end alike is its habit. The programs are chosen to touch the common calls once; none is about a
package or a bug.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from lockstep.base.errors import HarnessError, LockstepError
from lockstep.compare import habits, vma
from lockstep.compare.differences import compare
from lockstep.compare.outcome import Run
from lockstep.compare.record import record, run_limit
from lockstep.compare.settings import Settings, add_shared, from_args
from lockstep.compare.small import PROGRAMS

NATIVE_RUNS = 2


def learn(settings: Settings, *, say: Callable[[str], None] = lambda text: None) -> habits.Habits:
    """Learns, saves and returns the habits. A program that cannot run there or ends otherwise teaches nothing and is left out."""
    work = Path(tempfile.mkdtemp(prefix="lockstep-learn-"))
    keys: dict[str, list[str]] = {}
    bases: list[int] = []
    ratios: list[float] = []
    version = ""
    try:
        for i, (name, argv) in enumerate(PROGRAMS, 1):
            say(f"learning the habits of {settings.target}: {name} ({i} of {len(PROGRAMS)})")
            one = replace(settings, argv=argv, state=(), timeout=None, target_words=tuple(clean_words(settings.target_words)))
            natives = [record(one, native=True, folder=work / name / f"native-{k + 1}", limit_s=60) for k in range(NATIVE_RUNS)]
            target = record(one, native=False, folder=work / name / "target-1", limit_s=run_limit(one, natives[0].wall_ns / 1e9))
            version = str(target.outcome.get("target_version") or version)
            if target.status not in {r.status for r in natives}:
                say(f"{name}: ends otherwise on {settings.target} and teaches nothing")
                continue
            for key in learnt_keys(natives, target):
                keys.setdefault(key, []).append(name)
            if vma.peak(target):
                bases.append(vma.peak(target))
            ratios.append(target.wall_ns / max(natives[0].wall_ns, 1))
            shutil.rmtree(work / name, ignore_errors=True)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    if not ratios:
        raise HarnessError(f"{settings.target}: none of the small programs ran there; see lockstep target check {settings.target}")
    found = habits.Habits(settings.identity, version, keys, min(bases, default=0), round(statistics.median(ratios), 2))
    habits.save(settings.identity, found)
    return found


def clean_words(words: Sequence[str]) -> list[str]:
    """Target options without seeded faults: those are no habits."""
    out: list[str] = []
    skip = False
    for i, word in enumerate(words):
        if skip:
            skip = False
        elif word == "--target-opt" and words[i + 1].startswith("inject="):
            skip = True
        else:
            out.append(word)
    return out


def learnt_keys(natives: Sequence[Run], target: Run) -> set[str]:
    found = compare(natives, [target])
    return {key for d in found.differences for key in habits.habit_keys(d)}


def main(argv: Sequence[str]) -> int:
    p = argparse.ArgumentParser(
        prog="lockstep target learn",
        description="Runs small programs natively and on a target and keeps what the target always does differently.",
        epilog="example:\n  lockstep target learn runsc",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_shared(p)
    p.add_argument("name", help="the target")
    a = p.parse_args(argv)
    a.target = a.name
    settings = from_args(a, ())
    try:
        found = learn(settings, say=lambda text: print(text, file=sys.stderr) if not settings.quiet else None)
    except LockstepError as e:
        print(f"lockstep: {e}", file=sys.stderr)
        return e.status
    if settings.json:
        print(json.dumps(found.to_json()))
        return 0
    for key, programs in sorted(found.keys.items()):
        print(f"{key:<70} {len(programs)} of {len(PROGRAMS)}")
    print(f"{len(found.keys)} habits; {found.vma_base} host mappings with an idle guest; {found.time_ratio:g} times native's time")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
