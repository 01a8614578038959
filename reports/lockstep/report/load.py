"""Reads bundles (ARCHITECTURE.md, "A bundle"): what is right is shown, what is damaged is named, nothing is fatal."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from lockstep.base.errors import UsageError
from lockstep.report.values import integer, items, mapping, number, text, truth

SIZE_LIMIT = 64 << 20  # of one JSON file of a bundle
FINDINGS_LIMIT = 5000


class Damaged(Exception):
    """A bundle, or a file of one, that cannot be read; the message says why."""


@dataclass(frozen=True)
class BadBundle:
    """A bundle of which nothing can be shown."""

    path: Path
    why: str


@dataclass(frozen=True)
class Finding:
    """INTERFACE, "A finding"."""

    rank: int
    kind: str
    summary: str
    proven: bool | None
    native_broken: bool | None
    target_repaired: bool | None
    how: str
    outcome: dict[str, Any]
    evidence: dict[str, Any]
    reproduced: tuple[int, int] | None
    fingerprint: str
    repro: str
    habit: bool

    @staticmethod
    def from_json(d: dict[str, Any]) -> Finding:
        proof = mapping(d.get("proof"))
        seen = [integer(v) for v in items(d.get("reproduced"))]
        pair = (seen[0], seen[1]) if len(seen) == 2 and seen[0] is not None and seen[1] is not None else None
        return Finding(
            rank=integer(d.get("rank")) or 0,
            kind=text(d.get("kind"), "result"),
            summary=text(d.get("summary"), "a difference without a summary"),
            proven=truth(d.get("proven")),
            native_broken=truth(proof.get("native_broken")),
            target_repaired=truth(proof.get("target_repaired")),
            how=text(proof.get("how")),
            outcome=mapping(d.get("outcome")),
            evidence=mapping(d.get("evidence")),
            reproduced=pair,
            fingerprint=text(d.get("fingerprint")),
            repro=text(d.get("repro")),
            habit=bool(d.get("habit")),
        )


@dataclass(frozen=True)
class Bundle:
    """One comparison. `notes`: what of it could not be read."""

    path: Path
    data: dict[str, Any]
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = field(default=())

    def _text(self, key: str, default: str = "") -> str:
        return text(self.data.get(key), default)

    @property
    def run(self) -> str:
        return self._text("run") or self._from_path(4, "one bundle")

    @property
    def workload(self) -> str:
        return self._text("workload") or self._from_path(3, self.path.name)

    @property
    def package(self) -> str:
        return self._text("package") or self.workload

    @property
    def version(self) -> str:
        return self._text("version")

    @property
    def target(self) -> str:
        return self._text("target") or self._from_path(2, "target")

    @property
    def attempt(self) -> int:
        return integer(self.data.get("attempt")) or 1

    @property
    def outcome(self) -> str:
        return self._text("outcome", "harness-error")

    @property
    def comparison(self) -> str:
        return self._text("comparison", "harness-error")

    @property
    def own_comparison(self) -> str:
        """What it is by itself; `comparison` may say instead what changed (regressed, fixed, new)."""
        return self._text("own_comparison") or self.comparison

    @property
    def harness_error(self) -> str:
        return self._text("harness_error")

    @property
    def started(self) -> float:
        return number(self.data.get("started")) or 0.0

    @property
    def time_ratio(self) -> float | None:
        return number(self.data.get("time_ratio"))

    @property
    def vma_ratio(self) -> float | None:
        return number(self.data.get("vma_ratio"))

    @cached_property
    def causes(self) -> tuple[Finding, ...]:
        """Everything but habits, by rank."""
        return tuple(sorted((f for f in self.findings if not f.habit), key=lambda f: f.rank))

    @cached_property
    def habits(self) -> tuple[Finding, ...]:
        return tuple(sorted((f for f in self.findings if f.habit), key=lambda f: (f.kind, f.summary)))

    @property
    def first(self) -> Finding | None:
        return self.causes[0] if self.causes else None

    @property
    def shown(self) -> tuple[str, str]:
        """The names of the two runs that stand for their sides."""
        names = [n for n in items(self.data.get("shown")) if plain_name(n)]
        return (names[0], names[1]) if len(names) == 2 else ("native-1", "target-1")

    def _from_path(self, up: int, default: str) -> str:
        """runs/RUN/WORKLOAD/TARGET/ATTEMPT: what bundle.json does not name, its place does."""
        parts = self.path.parts
        return text(parts[-up]) if len(parts) > up and parts[-5:-4] == ("runs",) else default

    def file(self, name: str) -> tuple[dict[str, Any], str]:
        """A JSON object beside bundle.json, and what is wrong with it ("" when nothing is, or when there is no such file)."""
        try:
            return read_object(self.path / name), ""
        except FileNotFoundError:
            return {}, ""
        except Damaged as e:
            return {}, str(e)


def plain_name(name: object) -> bool:
    """A name that stays inside the bundle."""
    return isinstance(name, str) and bool(name) and "/" not in name and "\0" not in name and name not in (".", "..")


def parse_object(raw: bytes, what: str) -> dict[str, Any]:
    try:
        value = json.loads(raw.decode("utf-8", "surrogateescape"))
    except (ValueError, RecursionError) as e:
        raise Damaged(f"{what}: not JSON ({e})") from None
    if not isinstance(value, dict):
        raise Damaged(f"{what}: not a JSON object")
    return value


def read_object(file: Path) -> dict[str, Any]:
    """Raises FileNotFoundError or Damaged."""
    try:
        if file.stat().st_size > SIZE_LIMIT:
            raise Damaged(f"{file.name}: larger than {SIZE_LIMIT >> 20} MiB")
        return parse_object(file.read_bytes(), file.name)
    except FileNotFoundError:
        raise
    except OSError as e:
        raise Damaged(f"{file.name}: {e.strerror}") from None


def read_findings(file: Path) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
    """The findings, and a note for each line that is none."""
    found: list[Finding] = []
    notes: list[str] = []
    try:
        with file.open("rb") as lines:
            for n, line in enumerate(lines, 1):
                if len(found) == FINDINGS_LIMIT:
                    notes.append(f"{file.name}: only the first {FINDINGS_LIMIT} findings are shown")
                    break
                if not line.strip():
                    continue
                try:
                    found.append(Finding.from_json(parse_object(line, f"{file.name} line {n}")))
                except Damaged as e:
                    notes.append(str(e))
    except FileNotFoundError:
        notes.append(f"{file.name}: missing")
    except OSError as e:
        notes.append(f"{file.name}: {e.strerror}")
    return tuple(found), tuple(notes)


def read_bundle(folder: Path) -> Bundle:
    """Raises Damaged where not even bundle.json can be read."""
    try:
        data = read_object(folder / "bundle.json")
    except FileNotFoundError:
        raise Damaged("bundle.json: missing") from None
    schema = text(data.get("schema"))
    if not schema.startswith("lockstep.bundle/"):
        raise Damaged(f"bundle.json: its schema is {schema or 'not named'}, expected lockstep.bundle/1")
    if schema != "lockstep.bundle/1":
        raise Damaged(f"bundle.json: made by a newer version ({schema}); use that version's report")
    findings, notes = read_findings(folder / "findings.jsonl")
    return Bundle(folder, data, findings, notes if not data.get("harness_error") else ())


def bundle_folders(root: Path) -> Iterator[Path]:
    """Bundles at and below `root`, in order of their paths; what is under construction (.tmp-) is passed over."""
    if (root / "bundle.json").exists():
        yield root
        return
    for folder, names, files in os.walk(root):
        names[:] = sorted(n for n in names if not n.startswith("."))
        if "bundle.json" in files:
            names.clear()
            yield Path(folder)


def load_all(folders: Iterable[Path]) -> tuple[list[Bundle], list[BadBundle]]:
    good: list[Bundle] = []
    bad: list[BadBundle] = []
    for folder in folders:
        try:
            good.append(read_bundle(folder))
        except Damaged as e:
            bad.append(BadBundle(folder, text(str(e))))
    return good, bad


def newest_attempts(bundles: Iterable[Bundle]) -> list[Bundle]:
    """Of each workload and target the last attempt, ordered by package, workload and target (native first)."""
    last: dict[tuple[str, str], Bundle] = {}
    for b in bundles:
        key = (b.workload, b.target)
        if key not in last or (b.started, b.attempt) >= (last[key].started, last[key].attempt):
            last[key] = b
    return sorted(last.values(), key=lambda b: (b.package.lower(), b.workload, target_order(b.target)))


def target_order(target: str) -> tuple[bool, str]:
    return (target != "native", target)


def existing_folder(name: str) -> Path:
    path = Path(name)
    if not path.is_dir():
        raise UsageError(f"{name}: no such folder; give a bundle, or a folder with bundles below it (`lockstep diff` prints its own)")
    return path.absolute()
