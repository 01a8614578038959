"""`lockstep diff`: the same program natively and on a target; findings, ranked and proven."""

from __future__ import annotations

import argparse
import json
import os
import secrets
import shlex
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from lockstep.base.errors import BROKE, FOUND, OK, USAGE, LockstepError, UsageError
from lockstep.base.paths import home_dir
from lockstep.compare import bundle, habits, learn
from lockstep.compare.engine import Diff, scratch
from lockstep.compare.finding import Finding
from lockstep.compare.outcome import Run, status_text
from lockstep.compare.settings import Settings, add_shared, from_args
from lockstep.compare.text import Paint, render

EPILOG = """\
examples:
  lockstep diff --target runsc -- python3 fit.py    where runsc departs from native, and why
  lockstep diff --target native -- make -j2          a native program against itself: no findings
  lockstep diff runs/native-1 runs/target-1          two recorded runs (folders with trace and outcome.json, or traces)

exit status: 0 nothing found but habits, 1 findings, 2 wrong use or bad input, 3 no verdict was possible"""


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(
        prog="lockstep diff",
        description="Runs a command natively and on a target, and says where the two part: ranked, and proven by injection.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage="lockstep diff [options] -- CMD...  |  lockstep diff A B",
    )
    add_shared(p)
    p.add_argument("--bundle", metavar="DIR", help="keep everything in DIR, which must not exist (default: below LOCKSTEP_HOME)")
    p.add_argument("--meta", action="append", default=[], metavar="K=V", help="kept in bundle.json")
    p.add_argument(
        "--proofs",
        type=int,
        default=6,
        metavar="N",
        help="how many candidates are tried one by one before all are tried together (6; 0: none)",
    )
    p.add_argument("--no-learn", action="store_true", help="do not learn the target's habits first where that was not done yet")
    p.add_argument("runs_or_command", nargs="*", metavar="CMD", help=argparse.SUPPRESS)
    return p


def split_command(argv: Sequence[str]) -> tuple[list[str], list[str] | None]:
    """Options before "--", the command behind it; None without one."""
    words = list(argv)
    if "--" in words:
        at = words.index("--")
        return words[:at], words[at + 1 :]
    return words, None


def progress(settings: Settings) -> Callable[[str], None]:
    """A line that is overwritten, where a person looks; nothing otherwise."""
    if settings.quiet or settings.json or "CI" in os.environ or not sys.stderr.isatty():
        return lambda text: None
    start = time.monotonic()

    def say(text: str) -> None:
        print(f"\r\x1b[K[{time.monotonic() - start:4.0f} s] {text}" if text else "\r\x1b[K", end="", file=sys.stderr, flush=True)

    return say


def bundle_folder(wanted: str | None, settings: Settings) -> Path:
    if wanted:
        folder = Path(wanted).absolute()
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise UsageError(f"--bundle {wanted}: exists already; name a new folder")
        return folder
    run = time.strftime("%Y%m%d-%H%M%S-") + secrets.token_hex(2)
    return home_dir() / "runs" / run / Path(settings.argv[0]).name / settings.target / "1"


def learnt(settings: Settings, *, allowed: bool, say: Callable[[str], None]) -> habits.Habits:
    """What the target always does; learnt now where it never was."""
    known = habits.load(settings.identity)
    if known is None and allowed and settings.target != "native":
        known = learn.learn(settings, say=say)
    return known or habits.Habits(settings.identity)


def ended(diff: Diff, run: Run) -> str:
    """How a run ended; of a trace without an outcome, how its first process did."""
    if run.status != ("exited", None, None):
        return status_text(run.status)
    first = [p for p in diff.comparison.side(run.name) if not p.data.get("execed") and not p.data.get("is_thread")]
    return min(first, key=lambda p: int(p.data.get("tid") or 0)).status if first else "with no word of its end"


def outcome_lines(diff: Diff) -> list[str]:
    lines = []
    native = sorted({ended(diff, r) for r in diff.natives})
    target = sorted({ended(diff, r) for r in diff.targets})
    lines.append(
        f"native {' or '.join(native)} in {len(diff.natives)} runs; {diff.settings.target} {' or '.join(target)} in {len(diff.targets)}"
    )
    if not any(r.outcome.get("trace") for r in diff.targets):
        log = next((r.outcome["target_log"] for r in diff.targets if r.outcome.get("target_log")), None)
        lines.append(
            "calls are not compared: the recorder cannot run in this target" + (f"; its own log is {log} in the bundle" if log else "")
        )
    for d in diff.departed[:4]:
        if d.kind not in ("exit-status", "crash", "hang"):
            lines.append(f"{d.what}: native {d.native!r}, target {d.target!r}")
    return lines


def show(diff: Diff, settings: Settings, tail: Sequence[str]) -> None:
    if settings.json:
        for f in diff.findings:
            print(json.dumps(f.to_json()))
        return
    title = f"{shlex.join(settings.argv)}: native against {settings.target}"
    sys.stdout.write(render(title, outcome_lines(diff), diff.findings, tail, Paint(sys.stdout)))


def verdict(findings: Sequence[Finding]) -> int:
    return FOUND if any(not f.habit for f in findings) else OK


def with_repro(findings: Sequence[Finding], folder: Path) -> list[Finding]:
    return [replace(f, repro=f"lockstep repro {folder}#{f.fingerprint}") for f in findings]


def diff_command(a: argparse.Namespace, command: Sequence[str]) -> int:
    settings = replace(
        from_args(a, command),
        proofs=a.proofs,
        meta=tuple(tuple(m.partition("=")[::2]) for m in a.meta),
    )
    say = progress(settings)
    folder = bundle_folder(a.bundle, settings)
    known = learnt(settings, allowed=not a.no_learn, say=say)
    started = time.monotonic()
    folder.parent.mkdir(parents=True, exist_ok=True)
    if folder.exists():
        folder.rmdir()
    with scratch(folder) as temp:
        diff = Diff(settings, temp, known, say)
        diff.run()
        diff.findings = with_repro(diff.findings, folder)
        say("writing the bundle")
        bundle.write(diff, temp, time.monotonic() - started)
    say("")
    show(diff, settings, [f"all of it: lockstep report {folder}", f"again: {diff.findings[0].repro}" if diff.findings else ""])
    return verdict(diff.findings)


def recorded_run(path: str) -> Run:
    """A run folder, or a trace alone (whose outcome is then what its root did, as far as the trace tells)."""
    p = Path(path)
    if p.is_dir() and (p / "trace").exists():
        if not (p / "outcome.json").exists():
            raise UsageError(f"{path}: has a trace but no outcome.json; give the trace itself to compare calls alone")
        return Run.load(p)
    if p.is_file():
        return Run(p.parent if p.name == "trace" else p, {"status": "exited", "exit": None, "signal": None, "trace": str(p)})
    raise UsageError(f"{path}: no such run; give a folder with a trace, or a trace file")


def two_runs(a: argparse.Namespace, paths: Sequence[str]) -> int:
    settings = from_args(a, paths)
    native, target = (recorded_run(p) for p in paths)
    known = habits.load(settings.identity) or habits.Habits(settings.identity)
    diff = Diff(settings, Path(), known)
    diff.load([native], [target])
    show(diff, settings, [])
    return verdict(diff.findings)


def main(argv: Sequence[str]) -> int:
    options, command = split_command(argv)
    a = parser().parse_args(options)
    try:
        if command is not None:
            if not command or a.runs_or_command:
                raise UsageError("diff: give the command after --, and nothing before it but options")
            return diff_command(a, command)
        if len(a.runs_or_command) != 2:
            raise UsageError("diff: give a command after --, or two recorded runs; see lockstep diff --help")
        return two_runs(a, a.runs_or_command)
    except LockstepError as e:
        print(f"lockstep: {e}", file=sys.stderr)
        return e.status
    except OSError as e:
        print(f"lockstep: {e.filename or ''}: {e.strerror}: no verdict", file=sys.stderr)
        return USAGE if isinstance(e, FileNotFoundError) else BROKE
    except KeyboardInterrupt:
        print("lockstep: interrupted", file=sys.stderr)
        return BROKE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
