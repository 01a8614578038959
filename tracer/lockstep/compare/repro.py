"""`lockstep repro FINDING`: shows a finding again with one command, from the bundle alone.

FINDING is BUNDLE#FINGERPRINT, as `repro` of a finding says it; a fingerprint alone is looked for in all bundles, newest first. The command is
run again on both sides, and where the finding has a proof, its injection as well.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from lockstep.base.errors import FOUND, OK, LockstepError, UsageError
from lockstep.base.paths import home_dir
from lockstep.compare import habits
from lockstep.compare.engine import Diff
from lockstep.compare.finding import Finding
from lockstep.compare.outcome import Profile, status_text
from lockstep.compare.prove import Prover
from lockstep.compare.settings import Settings


def find_bundle(name: str) -> tuple[Path, str]:
    """The bundle's folder and the fingerprint. Raises UsageError when there is none."""
    where, _, mark = name.rpartition("#")
    if where:
        folder = Path(where)
        if not (folder / "findings.jsonl").exists():
            raise UsageError(f"{where}: not a bundle (no findings.jsonl); `lockstep diff` makes one and prints its place")
        return folder, mark
    found = sorted(home_dir().glob("runs/**/findings.jsonl"), key=lambda p: p.stat().st_mtime, reverse=True)
    for file in found:
        if any(json.loads(line)["fingerprint"] == mark for line in file.read_text().split("\n")[:-1]):
            return file.parent, mark
    raise UsageError(f"{name}: no bundle below {home_dir()}/runs has such a finding; give BUNDLE#FINGERPRINT")


def finding_of(folder: Path, mark: str) -> dict[str, Any]:
    for line in (folder / "findings.jsonl").read_text().split("\n")[:-1]:
        d: dict[str, Any] = json.loads(line)
        if d["fingerprint"] == mark:
            return d
    raise UsageError(f"{folder}: has no finding {mark}")


def settings_of(folder: Path) -> Settings:
    b = json.loads((folder / "bundle.json").read_text())
    o = b["options"]
    return Settings(
        argv=tuple(b["argv"]),
        target=o["target"],
        target_words=tuple(o["target_options"]),
        state=tuple(o["state"]),
        runs=int(o["runs"]),
        target_runs=1,
        quiet=True,
    )


def injected(d: dict[str, Any], diff: Diff, work: Path) -> Finding | None:
    """The finding proven anew with the specs that the bundle holds; None where it has none."""
    specs = d.get("inject") or {}
    if not (specs.get("native") or specs.get("target")) or not diff.departed:
        return None
    f = Finding(
        d["kind"], d["summary"], d["evidence"], d["fingerprint"], inject_native=tuple(specs["native"]), inject_target=tuple(specs["target"])
    )
    return Prover(diff.settings, diff.profile, Profile(diff.targets), diff.departed, work).prove(f)


def again(folder: Path, mark: str) -> tuple[bool, list[str]]:
    """Whether it showed again, and what was seen."""
    d = finding_of(folder, mark)
    settings = settings_of(folder)
    with tempfile.TemporaryDirectory(prefix="lockstep-repro-") as temp:
        known = habits.load(settings.identity) or habits.Habits(settings.identity)
        diff = Diff(replace(settings, proofs=0), Path(temp), known)
        found = diff.run()
        lines = [
            f"{shlex.join(settings.argv)}: native {status_text(diff.natives[0].status)}, {settings.target} {status_text(diff.targets[0].status)}"
        ]
        same = [f for f in found if f.fingerprint == mark]
        proof = injected(d, diff, Path(temp))
        if proof:
            lines.append(proof.proof.how)
        shown = bool(same) or bool(proof and proof.proof.proven)
        lines.append(f"{d['kind']}: {d['summary']}" if shown else f"{d['summary']}: did not show again")
        return shown, lines


def main(argv: Sequence[str]) -> int:
    p = argparse.ArgumentParser(
        prog="lockstep repro",
        description="Shows a finding again, from its bundle alone. Exit status: 0 it showed again, 1 it did not, 2 no such finding, 3 the harness broke.",
        epilog="example:\n  lockstep repro ~/.local/share/lockstep/runs/R/W/runsc/1#0123456789ab",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument("finding", metavar="FINDING", help="BUNDLE#FINGERPRINT, or a fingerprint")
    p.add_argument("--json", action="store_true")
    a = p.parse_args(argv)
    try:
        folder, mark = find_bundle(a.finding)
        shown, lines = again(folder, mark)
    except LockstepError as e:
        print(f"lockstep: {e}", file=sys.stderr)
        return e.status
    if a.json:
        print(json.dumps({"schema": "lockstep.repro/1", "finding": mark, "bundle": str(folder), "shown": shown, "seen": lines}))
    else:
        print("\n".join(lines))
    return OK if shown else FOUND


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
