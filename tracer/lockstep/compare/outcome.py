"""What a run ended in, what native runs agree on, and where a target's run departs from that.

Noise is what native runs did differently, never a list of patterns: a word of the output that is not the same in every native
run is a variable, a file that not every native run wrote is optional.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

WORD = re.compile(rb"[A-Za-z0-9]+|\s+|[^A-Za-z0-9\s]")
OUTPUT_LIMIT = 4 << 20


@dataclass(frozen=True)
class Run:
    """One recorded run: its folder and its outcome object (lockstep.outcome/1)."""

    path: Path
    outcome: dict[str, Any]

    @staticmethod
    def load(path: Path) -> Run:
        return Run(path, json.loads((path / "outcome.json").read_text(encoding="utf-8", errors="surrogateescape")))

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def status(self) -> tuple[str, int | None, str | None]:
        o = self.outcome
        return (o["status"], o.get("exit"), o.get("signal"))

    @property
    def broke(self) -> bool:
        return bool(self.outcome["status"] == "broke")

    @property
    def trace(self) -> Path | None:
        """Its trace; None for targets that the recorder cannot run in."""
        file = self.path / "trace" if self.path.is_dir() else self.path
        return file if file.exists() else None

    @property
    def wall_ns(self) -> int:
        return int(self.outcome.get("wall_ns") or 0)

    @cached_property
    def stdout(self) -> bytes:
        return self._output("stdout")

    @cached_property
    def stderr(self) -> bytes:
        return self._output("stderr")

    def _output(self, which: str) -> bytes:
        file = self.path / which
        if not file.exists():
            return b""
        with file.open("rb") as f:
            return f.read(OUTPUT_LIMIT)

    @cached_property
    def files(self) -> dict[str, dict[str, Any]]:
        return {f["path"]: f for f in self.outcome.get("files") or []}


def status_text(status: tuple[str, int | None, str | None]) -> str:
    """Words for people: "exit 1", "SIGSEGV", "no end within the time limit"."""
    kind, code, signal = status
    if kind == "exited":
        return f"exit {code}"
    if kind == "signaled":
        return str(signal)
    if kind == "timeout":
        return "no end within the time limit"
    return kind


class MaskedText:
    """A text of which some words are variables, because native runs differ in them."""

    def __init__(self, texts: Sequence[bytes]) -> None:
        self.texts = list(dict.fromkeys(texts))
        self.stable = len(self.texts) == 1
        split = [t.splitlines() for t in self.texts]
        self.aligned = not self.stable and len({len(s) for s in split}) == 1
        self.lines: list[list[bytes | None] | None] = []
        if self.aligned:
            self.lines = [self._mask(group) for group in zip(*split, strict=True)]
        self.common = set.intersection(*(set(s) for s in split)) if split and not self.stable else set()

    @staticmethod
    def _mask(lines: Iterable[bytes]) -> list[bytes | None] | None:
        words = [WORD.findall(line) for line in lines]
        if len({len(w) for w in words}) != 1:
            return None
        return [group[0] if len(set(group)) == 1 else None for group in zip(*words, strict=True)]

    def departure(self, text: bytes) -> tuple[str, str] | None:
        """The first line in which `text` departs from every native text: (native's, the other's), or None."""
        if text in self.texts:
            return None
        other = text.splitlines()
        if self.stable:
            return first_difference(self.texts[0].splitlines(), other)
        if not self.aligned:
            missing = [line for line in self.texts[0].splitlines() if line in self.common and line not in set(other)]
            return (show_line(missing[0]), "(line missing)") if missing else None
        native = self.texts[0].splitlines()
        if len(other) != len(native):
            return first_difference(native, other)
        for mask, mine, theirs in zip(self.lines, native, other, strict=True):
            if mask is not None and not line_fits(mask, theirs):
                return (show_line(mine), show_line(theirs))
        return None


def line_fits(mask: list[bytes | None], line: bytes) -> bool:
    words = WORD.findall(line)
    return len(words) == len(mask) and all(m is None or m == w for m, w in zip(mask, words, strict=True))


def show_line(line: bytes) -> str:
    text = line.decode("utf-8", "backslashreplace")
    return text if len(text) <= 200 else text[:199] + "…"


def first_difference(a: list[bytes], b: list[bytes]) -> tuple[str, str]:
    for x, y in zip(a, b, strict=False):
        if x != y:
            return (show_line(x), show_line(y))
    if len(a) > len(b):
        return (show_line(a[len(b)]), "(output ends)")
    if len(b) > len(a):
        return ("(output ends)", show_line(b[len(a)]))
    return ("(line ends differ)", "(line ends differ)")


@dataclass(frozen=True)
class Departure:
    """One way in which a target's run ended otherwise than every native run. `kind` is a finding kind."""

    kind: str
    what: str
    native: str
    target: str

    @property
    def text(self) -> str:
        return f"{self.what}: native {self.native}, target {self.target}"


class Profile:
    """What native runs of one workload agree on."""

    def __init__(self, natives: Sequence[Run]) -> None:
        self.natives = list(natives)
        self.statuses = {r.status for r in natives}
        self.stdout = MaskedText([r.stdout for r in natives])
        self.stderr = MaskedText([r.stderr for r in natives])
        self.always = set.intersection(*(set(r.files) for r in natives)) if natives else set()
        self.ever = set.union(*(set(r.files) for r in natives)) if natives else set()
        self.files_cut = any(r.outcome.get("files_cut") for r in natives)

    @property
    def status(self) -> tuple[str, int | None, str | None]:
        """The usual one: the first native run's."""
        return self.natives[0].status

    def departures(self, run: Run) -> list[Departure]:
        """How `run` differs from what every native run did; empty when it is one of them."""
        out = []
        if run.status not in self.statuses:
            out.append(self._status_departure(run))
        for what, mask, text in (("stdout", self.stdout, run.stdout), ("stderr", self.stderr, run.stderr)):
            line = mask.departure(text)
            if line:
                out.append(Departure("output", what, line[0], line[1]))
        if not self.files_cut and not run.outcome.get("files_cut"):
            out.extend(self._file_departures(run))
        return out

    def _status_departure(self, run: Run) -> Departure:
        native, target = status_text(self.status), status_text(run.status)
        if run.status[0] == "timeout":
            return Departure("hang", "end", native, target)
        if run.status[0] == "signaled":
            return Departure("crash", "end", native, target)
        return Departure("exit-status", "exit status", native, target)

    def _file_departures(self, run: Run) -> list[Departure]:
        out = []
        for path in sorted(self.always - set(run.files)):
            out.append(Departure("file-state", path, file_text(self.natives[0].files[path]), "not written"))
        for path in sorted(self.always & set(run.files)):
            mine, theirs = [r.files[path] for r in self.natives], run.files[path]
            for field in ("change", "type", "mode", "size", "hash"):
                values = {f.get(field) for f in mine}
                if len(values) == 1 and theirs.get(field) not in values:
                    out.append(Departure("file-state", path, file_text(mine[0]), file_text(theirs)))
                    break
        volatile_folders = {str(Path(p).parent) for p in self.ever - self.always}
        for path in sorted(set(run.files) - self.ever):
            if not any(str(parent) in volatile_folders for parent in Path(path).parents):
                out.append(Departure("file-state", path, "not written", file_text(run.files[path])))
        return out


def file_text(entry: dict[str, Any]) -> str:
    size = entry.get("size")
    return f"{entry.get('change')} {entry.get('type')}" + (f" of {size} bytes" if size is not None else "")


def same_way(run: Run, reference: Profile, departed: Sequence[Departure]) -> bool:
    """Whether `run` goes the way of `reference` in everything in which the two sides were seen to part.

    `departed` are the departures between the sides: only what differed there can tell which way a third run goes. Standard error is
    asked only where nothing else differed, since it holds what is different in every run.
    """
    what = {d.what for d in departed}
    if {"end", "exit status"} & what and run.status not in reference.statuses:
        return False
    if run.status not in reference.statuses and run.status[0] in ("timeout", "signaled"):
        return False
    if "stdout" in what and reference.stdout.departure(run.stdout):
        return False
    if what == {"stderr"} and reference.stderr.departure(run.stderr):
        return False
    paths = {d.what for d in departed if d.kind == "file-state"}
    if paths and paths == what:
        return not any(d.what in paths for d in reference.departures(run) if d.kind == "file-state")
    return True
