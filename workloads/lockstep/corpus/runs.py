"""Runs on disk: LOCKSTEP_HOME/runs/RUN with run.json, and a bundle in WORKLOAD/TARGET/ATTEMPT for every comparison.

A bundle is there whole or not at all: it is built under a name that begins with .tmp- and renamed. Whoever works on a run holds a lock
on RUN/.owner, which the kernel frees when the holder dies; so what stands under .tmp- names when the lock is got is a dead owner's.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from lockstep.base.errors import HarnessError, UsageError
from lockstep.base.paths import home_dir
from lockstep.corpus.atomic import remove_tree, temp_name, write_json
from lockstep.corpus.plan import Job

RUN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
SCHEMA = "lockstep.run/1"


def runs_folder() -> Path:
    return home_dir() / "runs"


def new_name() -> str:
    return time.strftime("%Y%m%d-%H%M%S-") + secrets.token_hex(2)


def read_json(file: Path) -> dict[str, Any] | None:
    """None when it is not there or not what it should be."""
    try:
        value = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


@dataclass
class Bundle:
    """A complete bundle: its folder and bundle.json."""

    folder: Path
    data: dict[str, Any]

    @property
    def comparison(self) -> str:
        return str(self.data.get("comparison"))

    @property
    def broke(self) -> bool:
        return self.data.get("harness_error") is not None


class Run:
    """One run's folder. `own` before writing."""

    def __init__(self, name: str) -> None:
        if not RUN_NAME.fullmatch(name):
            raise UsageError(f"-o {name}: a run's name has letters, digits, '.', '_' and '-' only")
        self.name = name
        self.folder = runs_folder() / name
        self._lock: IO[str] | None = None

    @property
    def info(self) -> dict[str, Any] | None:
        return read_json(self.folder / "run.json")

    @property
    def finished(self) -> bool:
        info = self.info
        return bool(info and info.get("finished"))

    def create(self, info: dict[str, Any]) -> None:
        """A new run with its run.json, there whole or not at all."""
        try:
            runs_folder().mkdir(parents=True, exist_ok=True)
            for stale in runs_folder().glob(".tmp-*"):
                if not alive(stale):
                    remove_tree(stale)
            temp = temp_name(self.folder)
            temp.mkdir()
            write_json(temp / "run.json", {"schema": SCHEMA} | info)
            temp.rename(self.folder)
        except OSError as e:
            raise HarnessError(f"{self.folder}: cannot be made: {e.strerror}; set LOCKSTEP_HOME to a folder that can") from e

    def own(self) -> None:
        """Takes the run; UsageError names who has it. What a dead owner left unfinished is removed."""
        try:
            f = (self.folder / ".owner").open("a+")
        except OSError as e:
            raise HarnessError(f"{self.folder}: cannot be written: {e.strerror}; set LOCKSTEP_HOME to a folder that can") from e
        try:
            fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            f.seek(0)
            raise UsageError(f"run {self.name} is being worked on by process {f.read().split(' ')[0] or '?'}; wait for it, or give another name with -o") from None
        f.truncate(0)
        f.write(f"{os.getpid()} {start_time(os.getpid())}\n")
        f.flush()
        self._lock = f
        self._clear()

    def release(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _clear(self) -> None:
        for depth in ("", "*/", "*/*/", "*/*/*/"):
            for stale in self.folder.glob(f"{depth}.tmp-*"):
                remove_tree(stale)

    def attempts(self, key: tuple[str, str]) -> list[Bundle]:
        """Complete bundles of one comparison, oldest first."""
        found = []
        for folder in (self.folder / key[0] / key[1]).glob("[0-9]*"):
            data = read_json(folder / "bundle.json") if folder.name.isdecimal() else None
            if data is not None:
                found.append((int(folder.name), Bundle(folder, data)))
        return [b for _, b in sorted(found, key=lambda item: item[0])]

    def latest(self, key: tuple[str, str]) -> Bundle | None:
        attempts = self.attempts(key)
        return attempts[-1] if attempts else None

    def attempt_folder(self, key: tuple[str, str], attempt: int) -> Path:
        return self.folder / key[0] / key[1] / str(attempt)

    def keys(self) -> set[tuple[str, str]]:
        """Every workload and target with a complete bundle here."""
        return {(f.parts[-4], f.parts[-3]) for f in self.folder.glob("*/*/[0-9]*/bundle.json")}

    def write(self, info: dict[str, Any]) -> None:
        write_json(self.folder / "run.json", {"schema": SCHEMA} | info)


def alive(temp: Path) -> bool:
    """Whether the process that a .tmp- name names still is."""
    match = re.search(r"-(\d+)-[0-9a-f]+$", temp.name)
    return bool(match and Path(f"/proc/{match[1]}").exists())


def start_time(pid: int) -> int:
    """Clock ticks since boot at which the process began: with the pid it names one process for good."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return 0


def all_runs() -> Iterator[Run]:
    """Corpus runs, newest first by their start."""
    found = []
    for file in runs_folder().glob("*/run.json"):
        info = read_json(file)
        if info and info.get("schema") == SCHEMA and RUN_NAME.fullmatch(file.parent.name):
            found.append((float(info.get("started") or 0), file.parent.name))
    for _, name in sorted(found, reverse=True):
        yield Run(name)


def unfinished(fingerprint: str) -> Run | None:
    """The newest run of that plan that did not come to its end."""
    for run in all_runs():
        info = run.info or {}
        if info.get("plan_hash") == fingerprint:
            return None if info.get("finished") else run
    return None


def plan_info(planned: Sequence[Job]) -> list[list[str]]:
    return [list(j.key) for j in planned]
