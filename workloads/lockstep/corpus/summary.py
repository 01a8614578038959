"""The end of a run in words: packages first, then what differs, then what the harness could not do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from lockstep.base.errors import BROKE, FOUND, OK
from lockstep.corpus import compare
from lockstep.corpus.plan import Job
from lockstep.corpus.runs import Bundle

Results = Sequence[tuple[Job, Bundle]]
# the worst first: a package counts once, by the worst of its workloads
ORDER = ("regressed", "emulator-only", "native-only", "flaky", "same-fail", "harness-error", "fixed", "new", "same-pass")
DIFFERS = {"regressed", "emulator-only", "native-only"}
WIDTH = 100


def state(b: Bundle) -> str:
    return "harness-error" if b.broke else b.comparison


def by_package(results: Results, target: str) -> dict[str, str]:
    """{package: its worst state on that target}."""
    worst: dict[str, str] = {}
    for job, b in results:
        if job.target == target:
            now = state(b)
            old = worst.get(job.workload.package)
            worst[job.workload.package] = min((now, old), key=rank) if old else now
    return worst


def rank(name: str) -> int:
    return ORDER.index(name) if name in ORDER else 0


def lines(results: Results, run: str) -> list[str]:
    targets = list(dict.fromkeys(job.target for job, _ in results))
    packages = {job.workload.package for job, _ in results}
    out = [f"run {run}: {len(packages)} packages, {len({j.workload.name for j, _ in results})} workloads on {', '.join(targets)}"]
    for target in targets:
        counts: dict[str, int] = defaultdict(int)
        for name in by_package(results, target).values():
            counts[name] += 1
        said = ", ".join(f"{counts[n]} {n}" for n in ORDER if counts[n])
        out.append(f"  {target}: {said} (packages)")
    for job, b in results:
        if not b.broke and (b.comparison in DIFFERS or b.comparison in ("flaky", "same-fail") or compare.findings(b.folder)):
            out += [cut(f"  {job.workload.name} on {job.target}: {b.comparison}{rank_1(b)}")]
    for job, b in results:
        if b.broke:
            out.append(cut(f"  {job.workload.name} on {job.target}: no verdict: {b.data.get('harness_error')}"))
    return out


def rank_1(b: Bundle) -> str:
    found = compare.findings(b.folder)
    if not found:
        return ""
    proven = " (proven)" if found[0].get("proven") is True else ""
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    return f": {found[0].get('kind')}: {found[0].get('summary')}{proven}{more}"


def cut(text: str) -> str:
    clean = "".join(c if c.isprintable() else "?" for c in text)
    return clean if len(clean) <= 3 * WIDTH else clean[: 3 * WIDTH - 1] + "…"


def exit_status(results: Results) -> int:
    """1: something differs or fails; 3: nothing does, but the harness broke somewhere; 0: all as native."""
    judged = [b for _, b in results if not b.broke]
    if any(b.comparison in DIFFERS | {"flaky", "same-fail"} or compare.findings(b.folder) for b in judged):
        return FOUND
    return BROKE if len(judged) < len(results) else OK


def json_line(results: Results, run: str) -> dict[str, Any]:
    targets = list(dict.fromkeys(job.target for job, _ in results))
    counts: dict[str, dict[str, int]] = {}
    for target in targets:
        counts[target] = defaultdict(int)
        for name in by_package(results, target).values():
            counts[target][name] += 1
    return {"schema": "lockstep.corpus-run/1", "run": run, "packages": len({j.workload.package for j, _ in results}), "states": counts}
