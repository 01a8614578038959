"""`lockstep corpus run`: environments, then comparisons, side by side, resumable at any moment."""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lockstep.base.errors import HarnessError, LockstepError, UsageError
from lockstep.corpus import compare, envs, locks
from lockstep.corpus.atomic import remove_tree
from lockstep.corpus.plan import Job, Shard, fingerprint
from lockstep.corpus.progress import Progress, duration
from lockstep.corpus.runs import Bundle, Run, new_name, plan_info, unfinished
from lockstep.corpus.schedule import Scheduler, Task
from lockstep.corpus.states import History

ENV_LIMIT_S = 3600.0
ENV_EXPECTED_S = 60.0
RUN_EXPECTED_S = 4.0
ATTEMPTS = 2  # a comparison without a verdict is tried once more: it was nobody's fault
MEMORY_SHARE = 0.8  # of this machine's memory that limits of runs side by side may add up to


@dataclass(frozen=True)
class Options:
    """What `corpus run` was asked for, checked."""

    targets: tuple[str, ...]
    effort: compare.Effort
    part: Shard = field(default_factory=Shard)
    jobs: int = 0  # 0: as many as CPUs
    name: str | None = None
    fresh: bool = False
    resume: bool = False
    whole: bool = True  # no filter and no shard: what is missing is gone
    pip_options: tuple[str, ...] = ()


@dataclass
class Session:
    """One `corpus run` at work. `problems` are environments that could not be built: {lock: why}."""

    options: Options
    planned: list[Job]
    run: Run
    progress: Progress
    history: History
    problems: dict[Path, str] = field(default_factory=dict)
    pythons: dict[Path, Path] = field(default_factory=dict)
    logs: Path = Path()
    run_started: float = 0.0


def effort_info(e: compare.Effort) -> dict[str, object]:
    return {
        "runs": e.runs,
        "target_runs": e.target_runs,
        "time_s": e.time_s,
        "memory": e.memory,
        "proofs": e.proofs,
        "target_opts": list(e.target_opts),
        "target_cmd": e.target_cmd,
    }


def pick_run(options: Options, plan_hash: str) -> tuple[Run, bool]:
    """The run to work on, and whether it is gone on with. A finished run is never written to again."""
    if options.name:
        run = Run(options.name)
        info = run.info
        if info is None:
            if options.resume:
                raise UsageError(f"--resume: there is no run {options.name}")
            return run, False
        if info.get("plan_hash") != plan_hash:
            raise UsageError(f"-o {options.name}: that run exists, with other workloads, targets or options; choose another name")
        if run.finished and not options.resume:
            raise UsageError(f"-o {options.name}: that run exists and is finished; choose another name, or show it with `lockstep report --run {options.name}`")
        return run, True
    found = None if options.fresh else unfinished(plan_hash)
    if found is None and options.resume:
        raise UsageError("--resume: no unfinished run of these workloads, targets and options; leave it out to begin one")
    return (found, True) if found else (Run(new_name()), False)


def open_session(planned: list[Job], options: Options, progress: Progress) -> Session:
    plan_hash = fingerprint(planned, effort_info(options.effort))
    run, again = pick_run(options, plan_hash)
    if not again:
        first: dict[str, object] = {
            "run": run.name,
            "started": time.time(),
            "finished": None,
            "whole": options.whole,
            "shard": str(options.part),
            "targets": list(options.targets),
            "options": effort_info(options.effort),
            "plan_hash": plan_hash,
            "plan": plan_info(planned),
            "kernel": platform.release(),
        }
        run.create(first)
    run.own()
    info = run.info
    if info is None:
        raise HarnessError(f"{run.folder}/run.json: cannot be read; remove that folder or give another name with -o")
    if again:
        run.write(info | {"finished": None})
    s = Session(options, planned, run, progress, History(run), run_started=float(info["started"]))
    s.logs = run.folder / "logs"
    s.logs.mkdir(exist_ok=True)
    left = sum(1 for j in planned if wanted(s, j))
    if again:
        progress.event(f"going on with run {run.name}: {len(planned) - left} of {len(planned)} comparisons are there")
    return s


def wanted(s: Session, job: Job) -> bool:
    """Whether it is still to be done: complete verdicts stay."""
    bundle = s.run.latest(job.key)
    return bundle is None or bundle.broke


def next_attempt(s: Session, job: Job) -> int:
    attempts = s.run.attempts(job.key)
    return int(attempts[-1].folder.name) + 1 if attempts else 1


# ---- tasks ----


def env_task(s: Session, lock: Path, again: bool = False) -> Task:
    def begin() -> list[str] | None:
        python = built(lock)
        if python:
            s.pythons[lock] = python
            return None
        s.progress.event(f"building environment {lock.stem}")
        pip = [f"--pip-option={o}" for o in s.options.pip_options]
        return [sys.executable, "-m", "lockstep.corpus", "env", "--quiet", *pip, str(lock)]

    def end(status: int | None, log: Path) -> Task | None:
        python = built(lock)
        if status == 0 and python:
            s.pythons[lock] = python
            return None
        why = "not built in time" if status is None else compare.last_words(log) or f"builder ended with {status}"
        if not again:
            s.progress.event(f"environment {lock.stem}: {why}; trying once more")
            return env_task(s, lock, True)
        s.problems[lock] = f"environment {lock.stem} could not be built: {why}"
        return None

    return Task(env_name(lock), begin, end, s.logs / f"env-{lock.stem}.log", ENV_LIMIT_S, expected_s=ENV_EXPECTED_S)


def env_name(lock: Path) -> str:
    return f"environment {lock}"


def built(lock: Path) -> Path | None:
    """The Python of that lock's environment when it is there."""
    try:
        read = locks.read(lock)
        folder = envs.env_folder(read, envs.find_python(read.python))
    except LockstepError:
        return None
    return envs.python_of(folder) if envs.ready(folder) else None


def job_task(s: Session, job: Job, attempt: int, tries: int = 1) -> Task:
    w = job.workload
    name = f"{w.name} on {job.target}"
    grew: list[bool] = []

    def outgrown() -> bool:
        if compare.outgrown(job, s.run, attempt):
            grew.append(True)
        return bool(grew)

    def begin() -> list[str] | None:
        trouble = s.problems.get(w.lock_file) or compare.missing_program(job) or compare.disk_trouble(job, s.run)
        if trouble:
            broke(s, job, attempt, trouble, None)
            return None
        return compare.command(job, s.pythons[w.lock_file], s.run, attempt, s.options.effort)

    def end(status: int | None, log: Path) -> Task | None:
        why = compare.judge(job, s.run, attempt, status, log, grew=bool(grew))
        if why is None:
            finished(s, job)
            return None
        broke(s, job, attempt, why, log)
        return job_task(s, job, next_attempt(s, job), tries + 1) if tries < ATTEMPTS else None

    return Task(
        name,
        begin,
        end,
        s.logs / f"{w.name}-{job.target}.log",
        compare.whole_limit(job, s.options.effort),
        cpus=w.limits.cpus,
        memory=compare.memory_limit(job, s.options.effort),
        outgrown=outgrown,
        after=[env_name(w.lock_file)],
        expected_s=expected(s, job),
    )


def expected(s: Session, job: Job) -> float:
    """How long it took last time; a guess where there was none."""
    found = s.history.before(job.key)
    took = found[1].data.get("duration_s") if found else None
    if isinstance(took, (int, float)) and took > 0:
        return float(took)
    return RUN_EXPECTED_S * (s.options.effort.runs + s.options.effort.target_runs)


def broke(s: Session, job: Job, attempt: int, why: str, log: Path | None) -> None:
    folder = s.run.attempt_folder(job.key, attempt)
    for unfinished_bundle in folder.parent.glob(".tmp-*"):
        remove_tree(unfinished_bundle)  # whoever wrote it has ended
    if not folder.exists():
        compare.write_broken(job, s.run, attempt, why, log, s.options.effort)
    s.progress.event(f"{job.workload.name} on {job.target}: no verdict: {why}")


def finished(s: Session, job: Job) -> None:
    bundle = s.run.latest(job.key)
    if bundle is None:
        raise HarnessError(f"{job.workload.name} on {job.target}: its bundle is gone; does something else clean {s.run.folder}?")
    s.history.settle(bundle, job.key)
    took = bundle.data.get("duration_s")
    text = f" ({duration(took)})" if isinstance(took, (int, float)) else ""
    s.progress.event(f"{job.workload.name} on {job.target}: {bundle.comparison}{text}")


# ---- the whole ----


def machine_memory() -> int:
    return int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * MEMORY_SHARE)


def execute(s: Session) -> list[tuple[Job, Bundle]]:
    """Everything that is still to be done, then the run is closed. Returns the latest bundle of every planned comparison, in order."""
    cpus = s.options.jobs or os.cpu_count() or 1
    scheduler = Scheduler(cpus, machine_memory(), s.progress.show)
    todo = [j for j in s.planned if wanted(s, j)]
    for lock in dict.fromkeys(j.workload.lock_file for j in todo):
        scheduler.add(env_task(s, lock))
    for job in sorted(todo, key=lambda j: (-j.workload.limits.cpus, -expected(s, j), j.key)):
        scheduler.add(job_task(s, job, next_attempt(s, job)))
    try:
        scheduler.run()
    finally:
        s.progress.close()
    return close(s)


def close(s: Session) -> list[tuple[Job, Bundle]]:
    results = []
    for job in s.planned:
        bundle = s.run.latest(job.key)
        if bundle is None:
            raise HarnessError(f"{job.workload.name} on {job.target}: no bundle at the end of the run; the run stays unfinished, `lockstep corpus run` goes on with it")
        results.append((job, s.history.settle(bundle, job.key)))
    if s.options.whole:
        write_gone(s)
    info = s.run.info or {}
    s.run.write(info | {"finished": time.time()})
    return results


def write_gone(s: Session) -> None:
    """Workloads that the run before had and the corpus has no more: a bundle that says so, once."""
    for name, target in s.history.gone([j.key for j in s.planned], s.options.targets):
        if s.run.latest((name, target)) is None:
            before = s.history.before((name, target))
            if before:
                compare.write_gone(s.run, (name, target), before[1].data, before[0].name)


def results_json(results: Sequence[tuple[Job, Bundle]]) -> list[dict[str, Any]]:
    """One object a comparison, in the order of names: the same whatever ran first."""
    out = []
    for job, b in results:
        d = b.data
        out.append(
            {
                "schema": "lockstep.corpus/1",
                "run": d.get("run"),
                "workload": job.workload.name,
                "package": job.workload.package,
                "version": job.workload.version,
                "target": job.target,
                "attempt": int(b.folder.name),
                "outcome": d.get("outcome"),
                "comparison": d.get("comparison"),
                "harness_error": d.get("harness_error"),
                "time_ratio": d.get("time_ratio"),
                "vma_ratio": d.get("vma_ratio"),
                "findings": len(compare.findings(b.folder)),
                "bundle": str(b.folder),
            }
        )
    return out
