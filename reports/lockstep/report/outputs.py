"""What both sides printed, side by side, and their logs."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path

from lockstep.report.load import Bundle, plain_name
from lockstep.report.svg import seconds
from lockstep.report.values import integer, items, mapping, printable, text
from lockstep.report.verdict import result_text

STREAM_LIMIT = 64 << 10  # bytes of each stream that are read
LINES_LIMIT = 240
LINE_LIMIT = 1000
LOG_LIMIT = 128 << 10


@dataclass(frozen=True)
class Pair:
    """A line of both sides; `mark` as in the aligned traces: = ! < >."""

    native: str
    target: str
    mark: str


@dataclass(frozen=True)
class Stream:
    """`same`: byte for byte, as far as it was kept. `cut`: words on what is not shown."""

    name: str
    same: bool
    empty: bool
    pairs: tuple[Pair, ...]
    cut: str


@dataclass(frozen=True)
class Fact:
    """A row of the outcome table."""

    name: str
    native: str
    target: str
    differs: bool = False


@dataclass(frozen=True)
class Log:
    name: str
    body: str
    cut: bool


def head(file: Path, limit: int) -> tuple[bytes, int]:
    """The first bytes of a regular file, and its size; nothing where there is none."""
    try:
        if not file.is_file():
            return b"", 0
        with file.open("rb") as f:
            return f.read(limit), file.stat().st_size
    except OSError:
        return b"", 0


def decoded(raw: bytes) -> str:
    return printable(raw.decode("utf-8", "surrogateescape"))


def lines(raw: bytes) -> list[str]:
    out = decoded(raw).split("\n")
    if out and not out[-1]:
        out.pop()
    return [x if len(x) <= LINE_LIMIT else x[:LINE_LIMIT] + "…" for x in out]


def paired(a: list[str], b: list[str]) -> list[Pair]:
    out: list[Pair] = []
    for op, a1, a2, b1, b2 in difflib.SequenceMatcher(None, a, b, autojunk=True).get_opcodes():
        for i in range(max(a2 - a1, b2 - b1)):
            has_a, has_b = a1 + i < a2, b1 + i < b2
            mark = "=" if op == "equal" else "!" if has_a and has_b else "<" if has_a else ">"
            out.append(Pair(a[a1 + i] if has_a else "", b[b1 + i] if has_b else "", mark))
    return out


def stream(b: Bundle, name: str) -> Stream:
    sides = [head(b.path / run / name, STREAM_LIMIT) for run in b.shown]
    (a, a_size), (t, t_size) = sides
    a_lines, t_lines = lines(a), lines(t)
    shown = paired(a_lines[:LINES_LIMIT], t_lines[:LINES_LIMIT])
    cut = ""
    if max(len(a_lines), len(t_lines)) > LINES_LIMIT or max(a_size, t_size) > STREAM_LIMIT:
        cut = f"Only the beginning is shown; native wrote {a_size:,} bytes, {b.target} {t_size:,}."
    return Stream(name, a == t and a_size == t_size, not a_size and not t_size, tuple(shown), cut)


def facts(b: Bundle) -> list[Fact]:
    """How both sides ended, and what it cost them."""
    n, t = mapping(b.data.get("native")), mapping(b.data.get("target_result"))
    out = [Fact("Ended with", text(result_text(n)), text(result_text(t)), result_text(n) != result_text(t))]
    for name, key, words in (
        ("Wall clock", "wall_ns", seconds),
        ("CPU time", "cpu_ns", seconds),
        ("Peak memory", "max_rss_kib", kib),
        ("Mappings, as the program sees them", "peak_vma", count),
        ("Mappings the host holds for it", "peak_host_vma", count),
    ):
        a, c = integer(n.get(key)), integer(t.get(key))
        if a is not None or c is not None:
            out.append(Fact(name, "–" if a is None else words(a), "–" if c is None else words(c)))
    return out


def kib(n: float) -> str:
    return f"{n / 1024:,.0f}\u00a0MiB" if n >= 1024 else f"{n:,.0f}\u00a0KiB"


def count(n: float) -> str:
    return f"{n:,.0f}"


def changed_files(b: Bundle) -> list[Pair]:
    """Files that one side left otherwise than the other."""
    sides = []
    for run in b.shown:
        outcome, _ = b.file(f"{run}/outcome.json")
        files = {text(mapping(f).get("path")): mapping(f) for f in items(outcome.get("files"))[:5000]}
        sides.append({k: f"{text(f.get('change'))}, {text(f.get('size'), '?')} bytes, {text(f.get('hash'), 'no hash')}" for k, f in files.items()})
    native, target = sides
    out = []
    for name in sorted(native.keys() | target.keys()):
        a, c = native.get(name, ""), target.get(name, "")
        if a != c:
            out.append(Pair(f"{name}: {a}" if a else "", f"{name}: {c}" if c else "", "!" if a and c else "<" if a else ">"))
    return out[:200]


def logs(b: Bundle) -> list[Log]:
    """The target's own log and the harness's notes, of every run that has them."""
    out: list[Log] = []
    raw, size = head(b.path / "log", LOG_LIMIT)
    if raw:
        out.append(Log("the comparison", decoded(raw), size > LOG_LIMIT))
    for run in items(b.data.get("runs")):
        if not plain_name(run):
            continue
        outcome, note = b.file(f"{run}/outcome.json")
        words = [text(n) for n in items(outcome.get("notes"))]
        if outcome.get("why"):
            words.append(text(outcome.get("why")))
        if note:
            words.append(note)
        if words:
            out.append(Log(f"{text(run)}: notes", "\n".join(words), False))
        log = outcome.get("target_log")
        for base in dict.fromkeys(("log", Path(log).name if isinstance(log, str) else "log")):
            raw, size = head(b.path / run / base, LOG_LIMIT) if plain_name(base) else (b"", 0)
            if raw:
                out.append(Log(f"{text(run)}: {text(base)}", decoded(raw), size > LOG_LIMIT))
    return out
