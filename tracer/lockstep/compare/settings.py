"""The options of a comparison, as INTERFACE names them, and the command lines that they become."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

STORED_BYTES = 4096  # of each buffer: enough to put back what /proc, /sys and small files said


@dataclass(frozen=True)
class Settings:
    """What to run and where. `state` are options that native and target runs share, already as words."""

    argv: tuple[str, ...]
    target: str = "runsc"
    target_words: tuple[str, ...] = ()
    state: tuple[str, ...] = ()
    runs: int = 3
    target_runs: int = 2
    timeout: float | None = None
    proofs: int = 6
    quiet: bool = False
    verbose: bool = False
    json: bool = False
    meta: tuple[tuple[str, str], ...] = ()

    @property
    def identity(self) -> str:
        """What habits are learnt for: the target and its options, without faults that are seeded into it."""
        words = [w for w in self.target_words if "inject=" not in w]
        return " ".join([self.target, *words])


def lockstep_exe() -> str:
    """The program that started us; beside the checkout's build when a test imports this directly."""
    return os.environ.get("LOCKSTEP_EXE") or str(Path(__file__).resolve().parents[3] / "build" / "lockstep")


def add_shared(p: argparse.ArgumentParser) -> None:
    """INTERFACE's options that are the same everywhere."""
    p.add_argument("--target", default=None, metavar="NAME", help="where to compare with native (default: runsc)")
    p.add_argument("--target-cmd", metavar="'PREFIX ARG...'", help="words that go before the command instead of a described target")
    p.add_argument("--target-opt", action="append", default=[], metavar="K=V")
    p.add_argument("--runs", type=positive, default=3, metavar="N", help="native runs for the noise profile (3)")
    p.add_argument("--target-runs", type=positive, default=2, metavar="N", help="runs on the target (2)")
    for name, meta in (("rootfs", "DIR"), ("keep-changes", "DIR"), ("memory", "SIZE"), ("cpus", "N"), ("pids", "N"), ("cwd", "DIR")):
        p.add_argument(f"--{name}", metavar=meta)
    p.add_argument("--timeout", type=seconds, metavar="S", help="limit of each run (native: 600; target: 30 times native, at least 60)")
    p.add_argument("--env", action="append", default=[], metavar="K=V")
    p.add_argument("--bind", action="append", default=[], metavar="SRC:DST[:ro]")
    p.add_argument("--rw", action="store_true", help="the host's files directly, no disposable layer")
    p.add_argument("--stdin", metavar="FILE")
    p.add_argument("--json", action="store_true")
    p.add_argument("-q", "--quiet", action="store_true")
    p.add_argument("--no-color", action="store_true")
    p.add_argument("-v", "--verbose", action="store_true")


def positive(text: str) -> int:
    value = int(text)
    if not 1 <= value <= 16:
        raise argparse.ArgumentTypeError(f"{text}: from 1 to 16")
    return value


def seconds(text: str) -> float:
    value = float(text)
    if not value > 0:
        raise argparse.ArgumentTypeError(f"{text}: more than 0 seconds")
    return value


def from_args(a: argparse.Namespace, argv: Sequence[str]) -> Settings:
    state: list[str] = []
    for name in ("rootfs", "keep_changes", "memory", "cpus", "pids", "cwd", "stdin"):
        value = getattr(a, name)
        if value is not None:
            state += [f"--{name.replace('_', '-')}", value]
    for item in a.env:
        state += ["--env", item]
    for item in a.bind:
        state += ["--bind", item]
    if a.rw:
        state.append("--rw")
    words: list[str] = []
    if a.target_cmd:
        words += ["--target-cmd", a.target_cmd]
    for item in a.target_opt:
        words += ["--target-opt", item]
    return Settings(
        argv=tuple(argv),
        target=a.target or ("cmd" if a.target_cmd else "runsc"),
        target_words=tuple(words),
        state=tuple(state),
        runs=a.runs,
        target_runs=a.target_runs,
        timeout=a.timeout,
        quiet=a.quiet,
        verbose=a.verbose,
        json=a.json,
    )


def to_json(s: Settings) -> dict[str, Any]:
    return {
        "target": s.target,
        "target_options": list(s.target_words),
        "state": list(s.state),
        "runs": s.runs,
        "target_runs": s.target_runs,
    }
