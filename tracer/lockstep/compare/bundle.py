"""The bundle: what one comparison leaves, complete or not at all (ARCHITECTURE.md, "A bundle")."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from lockstep.compare import vma
from lockstep.compare.engine import Diff
from lockstep.compare.outcome import Run
from lockstep.compare.settings import lockstep_exe, to_json

VERSION_LIMIT_S = 10


def result(run: Run, guest_peak: int) -> dict[str, Any]:
    status, code, signal = run.status
    return {
        "status": status,
        "exit": code,
        "signal": signal,
        "wall_ns": run.wall_ns,
        "cpu_ns": run.outcome.get("cpu_ns"),
        "max_rss_kib": run.outcome.get("max_rss_kib"),
        "peak_vma": guest_peak or None,
        "peak_host_vma": vma.peak(run) or None,
    }


def outcome_word(run: Run) -> str:
    """pass, fail, crash, timeout or oom: how one run ended."""
    status, code, _signal = run.status
    if status == "timeout":
        return "timeout"
    if status == "signaled":
        return "oom" if run.outcome.get("oom") else "crash"
    return "pass" if code == 0 else "fail"


def comparison_word(diff: Diff) -> str:
    """Of one comparison by itself; what changed since the run before is the corpus's to say."""
    native_ok = outcome_word(diff.natives[0]) == "pass"
    if len({r.status for r in diff.natives}) > 1:
        return "flaky"
    if not diff.departed:
        return "same-pass" if native_ok else "same-fail"
    flaky = any(not diff.profile.departures(r) for r in diff.targets)
    return "flaky" if flaky else "emulator-only" if native_ok else "native-only"


def tool_version(words: list[str]) -> str:
    try:
        done = subprocess.run(words, capture_output=True, timeout=VERSION_LIMIT_S, check=False, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    lines = done.stdout.decode(errors="replace").splitlines()
    return lines[0] if lines else "unknown"


def cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text(errors="replace").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def versions(diff: Diff) -> dict[str, Any]:
    return {
        "lockstep": tool_version([lockstep_exe(), "--version"]),
        "kernel": platform.release(),
        "target": next((str(r.outcome["target_version"]) for r in diff.targets if r.outcome.get("target_version")), None),
        "python": platform.python_version(),
        "cpu": cpu_model(),
        "cpus": os.cpu_count(),
    }


def ratio(a: float, b: float) -> float | None:
    return round(a / b, 3) if b else None


def describe(diff: Diff, duration_s: float) -> dict[str, Any]:
    meta = dict(diff.settings.meta)
    representative = diff.representative
    native_vma = max((p[1] for p in diff.comparison.guest_vmas.get(diff.natives[0].name, [])), default=0)
    target_vma = max((p[1] for p in diff.comparison.guest_vmas.get(representative.name, [])), default=0)
    native_ns = statistics.median(r.wall_ns for r in diff.natives)
    target_ns = statistics.median(r.wall_ns for r in diff.targets)
    host = vma.peak(representative) - diff.habits.vma_base
    return {
        "schema": "lockstep.bundle/1",
        "run": meta.get("run"),
        "workload": meta.get("workload") or Path(diff.settings.argv[0]).name,
        "package": meta.get("package"),
        "version": meta.get("version"),
        "target": diff.settings.target,
        "attempt": int(meta.get("attempt") or 1),
        "argv": list(diff.settings.argv),
        "options": to_json(diff.settings),
        "started": diff.started,
        "duration_s": round(duration_s, 3),
        "outcome": outcome_word(representative),
        "comparison": comparison_word(diff),
        "departures": [d.text for d in diff.departed],
        "native": result(diff.natives[0], native_vma),
        "target_result": result(representative, target_vma),
        "time_ratio": ratio(target_ns, native_ns),
        "vma_ratio": ratio(max(host, 0), native_vma),
        "versions": versions(diff),
        "harness_error": None,
        "runs": [r.name for r in diff.natives + diff.targets],
        "shown": describe_shown(diff),
        "ranked": [f.fingerprint for f in diff.findings],
    }


def process_rows(diff: Diff) -> dict[str, Any]:
    """lockstep.procs/1: the process trees of the two runs that are shown."""
    sides = {}
    for name in describe_shown(diff):
        rows = []
        for p in diff.comparison.side(name):
            d = p.data
            rows.append(
                {
                    "id": f"{p.key}.{p.ord}",
                    "parent": f"{p.parent[0]}.{p.parent[1]}" if p.parent else None,
                    "pid": d.get("tgid"),
                    "tid": d.get("tid"),
                    "is_thread": d.get("is_thread"),
                    "image": d.get("image"),
                    "argv": d.get("argv"),
                    "start_ns": d.get("start_ns"),
                    "end_ns": d.get("end_ns"),
                    "status": d.get("status"),
                    "calls": {k: v[0] for k, v in (d.get("calls") or {}).items()},
                    "errors": {k: v[1] for k, v in (d.get("calls") or {}).items() if v[1]},
                    "cpu_ns": d.get("cpu_ns"),
                    "max_rss_kib": d.get("max_rss_kib"),
                }
            )
        sides[name] = rows
    return {"schema": "lockstep.procs/1", "sides": sides}


def describe_shown(diff: Diff) -> list[str]:
    """Names of the two runs that stand for their sides."""
    return [diff.natives[0].name, diff.representative.name]


def elf_pages(diff: Diff) -> dict[str, Any]:
    pages = [d for d in diff.comparison.differences if d["kind"] == "elf-page"]
    return {"schema": "lockstep.elfpages/1", "pages": pages}


def write_json(file: Path, value: object) -> None:
    file.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")


def write_aligned(diff: Diff, folder: Path) -> None:
    """The two shown runs, aligned; a failure here costs the picture, not the verdict."""
    native, target = describe_shown(diff)
    if not (folder / target / "trace").exists():
        return
    with (folder / "align.jsonl").open("wb") as out:
        subprocess.run(
            [lockstep_exe(), "align", "--json", str(folder / native / "trace"), str(folder / target / "trace")],
            stdout=out,
            stderr=sys.stderr,
            stdin=subprocess.DEVNULL,
            timeout=300,
            check=False,
        )


def write(diff: Diff, folder: Path, duration_s: float) -> None:
    """Everything but the runs, which are there already."""
    runs = [("native", r) for r in diff.natives] + [("target", r) for r in diff.targets]
    write_json(folder / "bundle.json", describe(diff, duration_s))
    lines = [json.dumps(f.to_json(), ensure_ascii=True) for f in diff.findings]
    (folder / "findings.jsonl").write_text("".join(line + "\n" for line in lines))
    write_json(folder / "vma.json", vma.curves(runs, diff.comparison.guest_vmas))
    write_json(folder / "elf.json", elf_pages(diff))
    write_json(folder / "procs.json", process_rows(diff))
    write_aligned(diff, folder)
