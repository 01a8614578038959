"""One comparison: the words of `lockstep diff` for it, and what its end means."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lockstep.corpus.atomic import remove_tree, temp_name, write_json
from lockstep.corpus.plan import Job
from lockstep.corpus.runs import Run, read_json

PROOF_ROOM = 4  # how many times the runs' own time a comparison may take, with rechecks and proofs
MEGABYTE = 1 << 20


@dataclass(frozen=True)
class Effort:
    """What every comparison of a run is done with."""

    runs: int = 3
    target_runs: int = 2
    time_s: float | None = None  # overrides the manifests
    memory: int | None = None
    proofs: int | None = None
    target_opts: tuple[str, ...] = ()
    target_cmd: str | None = None


def lockstep_exe() -> str:
    """The program that started us; the checkout's build when this is imported directly."""
    return os.environ.get("LOCKSTEP_EXE") or str(Path(__file__).resolve().parents[3] / "build" / "lockstep")


def time_limit(job: Job, effort: Effort) -> float:
    return effort.time_s or job.workload.limits.time_s


def memory_limit(job: Job, effort: Effort) -> int:
    return effort.memory or job.workload.limits.memory


def whole_limit(job: Job, effort: Effort) -> float:
    """Seconds after which a comparison that has not ended is the harness's failure."""
    return 120 + time_limit(job, effort) * (effort.runs + effort.target_runs) * PROOF_ROOM


def target_words(job: Job, effort: Effort) -> list[str]:
    if job.target == "native":
        return ["--target", "native"]
    words = ["--target-cmd", effort.target_cmd] if effort.target_cmd else ["--target", job.target]
    for opt in effort.target_opts:
        words += ["--target-opt", opt]
    return words


def command(job: Job, python: Path, run: Run, attempt: int, effort: Effort) -> list[str]:
    w = job.workload
    words = [lockstep_exe(), "diff", *target_words(job, effort), "--json", "--quiet"]
    words += ["--runs", str(effort.runs), "--target-runs", str(effort.target_runs)]
    words += ["--timeout", f"{time_limit(job, effort):g}", "--memory", str(memory_limit(job, effort)), "--pids", str(w.limits.pids)]
    words += ["--cwd", str(w.folder), "--bundle", str(run.attempt_folder(job.key, attempt))]
    if w.stdin:
        words += ["--stdin", str(w.stdin)]
    if effort.proofs is not None:
        words += ["--proofs", str(effort.proofs)]
    for key, value in w.env:
        words += ["--env", f"{key}={value}"]
    meta = {"run": run.name, "workload": w.name, "package": w.package, "version": w.version, "attempt": attempt}
    for name, text in meta.items():
        words += ["--meta", f"{name}={text}"]
    return [*words, "--", *w.command(python)]


def missing_program(job: Job) -> str | None:
    for program in job.workload.programs:
        if shutil.which(program) is None:
            return f"this host lacks {program}, which {job.workload.name} needs; install it"
    return None


def disk_trouble(job: Job, run: Run) -> str | None:
    """Too little room is said before anything starts, not found in the middle of a trace."""
    need = job.workload.limits.disk
    free = shutil.disk_usage(run.folder).free
    if free >= need:
        return None
    return f"{run.folder}: {free // MEGABYTE} MB free, {job.workload.name} may need {need // MEGABYTE}; make room or set LOCKSTEP_HOME"


def disk_used(folder: Path) -> int:
    """Bytes that files below take on disk; what goes away meanwhile does not count."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(f"{place}/{name}").st_blocks * 512
    return total


def outgrown(job: Job, run: Run, attempt: int) -> bool:
    """Whether what this comparison keeps (traces, output, maps) is more than the workload's disk limit."""
    return disk_used(run.attempt_folder(job.key, attempt).parent) > job.workload.limits.disk


def last_words(log: Path) -> str:
    """The end of what a child said, for a message."""
    try:
        with log.open("rb") as f:
            f.seek(max(0, f.seek(0, 2) - 8192))
            lines = f.read().decode(errors="replace").strip().splitlines()
    except OSError:
        return ""
    said = [line for line in lines if not line.startswith("{")]
    return said[-1].removeprefix("lockstep: ")[:500] if said else ""


def write_broken(job: Job, run: Run, attempt: int, why: str, log: Path | None, effort: Effort) -> None:
    """The bundle of a comparison that gave no verdict: it says why, and is never counted as the package's."""
    final = run.attempt_folder(job.key, attempt)
    final.parent.mkdir(parents=True, exist_ok=True)
    temp = temp_name(final)
    temp.mkdir()
    try:
        write_json(temp / "bundle.json", broken_json(job, run, attempt, why, effort))
        (temp / "findings.jsonl").write_text("")
        if log is not None and log.exists():
            shutil.copyfile(log, temp / "log")
        temp.rename(final)
    finally:
        remove_tree(temp)


def broken_json(job: Job, run: Run, attempt: int, why: str, effort: Effort) -> dict[str, Any]:
    w = job.workload
    return {
        "schema": "lockstep.bundle/1",
        "run": run.name,
        "workload": w.name,
        "package": w.package,
        "version": w.version,
        "target": job.target,
        "attempt": attempt,
        "argv": list(w.argv),
        "options": {"target": job.target, "runs": effort.runs, "target_runs": effort.target_runs},
        "started": time.time(),
        "duration_s": 0,
        "outcome": "harness-error",
        "comparison": None,
        "departures": [],
        "native": None,
        "target_result": None,
        "time_ratio": None,
        "vma_ratio": None,
        "versions": {},
        "harness_error": why,
        "runs": [],
        "ranked": [],
    }


def judge(job: Job, run: Run, attempt: int, status: int | None, log: Path, *, grew: bool = False) -> str | None:
    """Why a comparison that ended with `status` (None: it was ended) gave no verdict; None when its bundle is complete."""
    bundle = read_json(run.attempt_folder(job.key, attempt) / "bundle.json")
    if bundle is not None and status in (0, 1):
        return None
    said = last_words(log)
    if status is None and grew:
        return f"traces and output outgrew the disk limit of {job.workload.limits.disk // MEGABYTE} MB; raise limits.disk in {job.workload.file}"
    if status is None:
        return "lockstep diff did not end in time"
    if status < 0:
        return f"lockstep diff died of signal {-status}"
    if status in (0, 1):
        return f"lockstep diff ended with {status} but left no bundle"
    return said or f"lockstep diff ended with {status}"


def write_gone(run: Run, key: tuple[str, str], before: dict[str, Any], before_run: str) -> None:
    """A bundle of what was not run: the corpus no longer has it."""
    final = run.attempt_folder(key, 1)
    final.parent.mkdir(parents=True, exist_ok=True)
    temp = temp_name(final)
    temp.mkdir()
    kept = {k: before.get(k) for k in ("schema", "workload", "package", "version", "target", "argv", "options")}
    empty: dict[str, Any] = dict.fromkeys(("native", "target_result", "time_ratio", "vma_ratio", "harness_error"))
    try:
        said = {"run": run.name, "attempt": 1, "outcome": "skip", "comparison": "gone", "previous": {"run": before_run}}
        write_json(temp / "bundle.json", kept | empty | said | {"started": time.time(), "duration_s": 0, "departures": [], "runs": [], "ranked": [], "versions": {}})
        (temp / "findings.jsonl").write_text("")
        temp.rename(final)
    finally:
        remove_tree(temp)


def findings(bundle: Path) -> list[dict[str, Any]]:
    """Those above the habits, by rank. A line that is not JSON ends the list: the bundle is then damaged and shows as such."""
    out = []
    try:
        with (bundle / "findings.jsonl").open(encoding="utf-8", errors="replace") as f:
            for line in f:
                finding = json.loads(line)
                if isinstance(finding, dict) and not finding.get("habit"):
                    out.append(finding)
    except (OSError, ValueError):
        return out
    return out
