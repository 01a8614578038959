"""Recording runs: each is one `lockstep trace` with its own folder."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

from lockstep.base.errors import HarnessError
from lockstep.base.processes import die_with_parent
from lockstep.compare.outcome import Run
from lockstep.compare.settings import STORED_BYTES, Settings, lockstep_exe

NATIVE_LIMIT_S = 600.0
TARGET_LIMIT_MIN_S = 60.0
TARGET_LIMIT_FACTOR = 30.0
SELF_LIMIT_MIN_S = 15.0  # native playing the target is as fast as native
SELF_LIMIT_FACTOR = 10.0
GRACE_S = 60.0  # past its own time limit a run that has not ended is the harness's failure


def run_limit(s: Settings, native_wall_s: float | None) -> float:
    """Seconds that one run may take; `native_wall_s` is None for native runs."""
    if s.timeout is not None:
        return s.timeout
    if native_wall_s is None:
        return NATIVE_LIMIT_S
    if s.target == "native":
        return max(SELF_LIMIT_MIN_S, SELF_LIMIT_FACTOR * native_wall_s)
    return max(TARGET_LIMIT_MIN_S, TARGET_LIMIT_FACTOR * native_wall_s)


def record(s: Settings, *, native: bool, folder: Path, limit_s: float, inject: Sequence[str] = (), calls: bool = True) -> Run:
    """One run into `folder`. Raises HarnessError when it could not be started or recorded: no verdict can come of it."""
    folder.mkdir(parents=True)
    target = ["--target", "native"] if native else [*target_words(s)]
    cmd = [lockstep_exe(), "trace", *target, *s.state, "--timeout", f"{limit_s:g}", "-s", str(STORED_BYTES)]
    cmd += ["-o", str(folder / "trace"), "--outcome", str(folder / "outcome.json")]
    cmd += ["--stdout", str(folder / "stdout"), "--stderr", str(folder / "stderr")]
    if not calls:
        cmd.append("--no-record")
    for spec in inject:
        cmd += ["--inject", spec]
    cmd += ["--", *s.argv]
    log = folder / "log"
    try:
        with log.open("wb") as f:
            done = subprocess.run(
                cmd, stdin=subprocess.DEVNULL, stdout=f, stderr=f, timeout=limit_s + GRACE_S, check=False, preexec_fn=die_with_parent()
            )
    except subprocess.TimeoutExpired as e:
        raise HarnessError(f"{folder.name}: not over {GRACE_S:g} s past its limit of {limit_s:g} s; see {log}") from e
    if not (folder / "outcome.json").exists():
        raise HarnessError(f"{folder.name}: {last_line(log) or f'ended with {done.returncode} and without an outcome'}")
    relocate(folder)
    run = Run.load(folder)
    if run.broke:
        raise HarnessError(f"{folder.name}: {run.outcome.get('why') or last_line(log) or 'the target broke'}")
    return run


def relocate(folder: Path) -> None:
    """Paths in the outcome that lie in the run's folder become relative to it: the folder is renamed when the bundle is complete."""
    file = folder / "outcome.json"
    text = file.read_text(encoding="utf-8", errors="surrogateescape")
    file.write_text(text.replace(json.dumps(str(folder) + "/")[:-1], '"'), encoding="utf-8", errors="surrogateescape")


def never_started(run: Run) -> str | None:
    """Why the command could not be executed at all, in the recorder's words; None when it was."""
    if run.outcome.get("exit") in (126, 127) and run.stderr.startswith(b"lockstep: "):
        return run.stderr.decode(errors="replace").splitlines()[0].removeprefix("lockstep: ")
    return None


def target_words(s: Settings) -> list[str]:
    return list(s.target_words) if "--target-cmd" in s.target_words else ["--target", s.target, *s.target_words]


def last_line(file: Path) -> str:
    lines = file.read_text(errors="replace").strip().splitlines()
    return lines[-1].removeprefix("lockstep: ") if lines else ""
