"""The aligned traces as chunks that a page loads when it scrolls there.

A page opened from disk may load scripts but fetch nothing, so each chunk is a small script: one call with its rows as JSON, deflated, in
base64. The page inflates and parses them as JSON; a trace's text is never executed.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from lockstep.report.load import Bundle, Damaged, Finding, parse_object
from lockstep.report.values import integer, items, mapping, text

CHUNK = 4096
ROWS_LIMIT = 1_000_000
LINE_LIMIT = 1 << 20
RUNS_LIMIT = 20_000
AROUND = 14  # rows on each side of the first divergence that stand in the page itself
LEVEL = 2
MARKS = "=!~o<>"


@dataclass(frozen=True)
class Row:
    """One row as it stands in the page: for print, and where scripts are off."""

    index: int
    segment: str
    seq: tuple[int | None, int | None]
    text: tuple[str, str]
    mark: str


@dataclass(frozen=True)
class Anchor:
    """Where to look first: event numbers of the two sides, or (`end`) an event of the target that need be no row of its own."""

    native: int | None = None
    target: int | None = None
    end: int | None = None

    def fits(self, row: list[Any]) -> bool:
        return (self.native is not None and row[1] == self.native) or (self.target is not None and row[2] == self.target)


@dataclass
class Aligned:
    """What a page must know of its chunks. `runs`: [first row, rows, mark] of each stretch that is not the same on both sides."""

    rows: int = 0
    first: int = -1
    why_first: str = ""
    cut: bool = False
    segments: list[dict[str, Any]] = field(default_factory=list)
    runs: list[list[Any]] = field(default_factory=list)
    runs_cut: bool = False
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(MARKS, 0))
    around: tuple[Row, ...] = ()
    chunks: int = 0
    note: str = ""

    def index(self) -> dict[str, Any]:
        """For the page's script."""
        keys = ("rows", "first", "segments", "runs", "chunks")
        return {k: getattr(self, k) for k in keys} | {"chunk": CHUNK}


def anchor_of(causes: Sequence[Finding]) -> Anchor:
    """The event that the first finding is about; where it is about none, where the target died."""
    for f in causes[:1]:
        native, target = (integer(mapping(f.evidence.get(side)).get("seq")) for side in ("native", "target"))
        if native is not None or target is not None:
            return Anchor(native, target)
    for f in causes:
        if f.kind == "crash":
            return Anchor(end=integer(f.evidence.get("seq")))
    return Anchor()


def lines_of(file: IO[bytes]) -> Iterator[bytes]:
    """Whole lines; one that is too long, or cut off at the end, ends it."""
    while True:
        try:
            line = file.readline(LINE_LIMIT)
        except OSError as e:
            raise Damaged(f"align.jsonl: {e.strerror}") from None
        if not line.endswith(b"\n"):
            return
        yield line


def opened(file: Path) -> IO[bytes]:
    """Raises FileNotFoundError or Damaged: what cannot be read is the bundle's, what cannot be written the report's."""
    try:
        return file.open("rb")
    except FileNotFoundError:
        raise
    except OSError as e:
        raise Damaged(f"align.jsonl: {e.strerror}") from None


def parse_rows(lines: list[bytes]) -> list[list[Any]]:
    """Rows of a chunk; lines that are none are dropped. One parse for all of them is four times as fast as one each."""
    try:
        rows = json.loads(b"[" + b",".join(lines) + b"]")
        if len(rows) != len(lines):
            raise ValueError
    except (ValueError, RecursionError):
        rows = [r for r in map(parse_row, lines) if r]
    return [r for r in rows if well_formed(r)]


def parse_row(line: bytes) -> Any:
    try:
        return json.loads(line.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None


def well_formed(r: Any) -> bool:
    return (
        type(r) is list
        and len(r) == 6
        and type(r[0]) is int
        and (r[1] is None or type(r[1]) is int)
        and (r[2] is None or type(r[2]) is int)
        and type(r[3]) is str
        and type(r[4]) is str
        and r[5] in MARKS
        and r[5] != ""
    )


def segments_of(header: dict[str, Any]) -> list[dict[str, Any]]:
    out = []
    for raw in items(header.get("segments")):
        s = mapping(raw)
        bounds = {k: integer(s.get(k)) or 0 for k in ("from", "to")}
        first = integer(s.get("first"))
        out.append({"name": text(s.get("name"), "?", 80), "argv": text(s.get("argv"), "", 200), "first": -1 if first is None else first} | bounds)
    return out


class Writer:
    """Takes rows in order, writes chunks into `folder`, learns what the page must know."""

    def __init__(self, folder: Path, header: dict[str, Any], anchor: Anchor) -> None:
        self.folder = folder
        self.anchor = anchor
        self.out = Aligned(segments=segments_of(header), cut=bool(header.get("cut")))
        self.header_first = integer(header.get("first"))
        self.first_mark = -1
        self.exact = False
        self.last_before = -1  # the target's event closest before anchor.end

    def add(self, rows: list[list[Any]]) -> None:
        out, base = self.out, self.out.rows
        for i, row in enumerate(rows, base):
            mark = row[5]
            out.counts[mark] += 1
            if mark != "=":
                self._differs(i, mark)
            if not self.exact and self.anchor.fits(row):
                self.exact = True
                out.first = i
        if self.anchor.end is not None:
            self._closest(rows, base, self.anchor.end)
        out.rows += len(rows)
        self._write(rows)

    def _closest(self, rows: list[list[Any]], base: int, end: int) -> None:
        for i, row in enumerate(rows, base):
            if row[2] is not None and self.last_before < row[2] <= end:
                self.last_before = row[2]
                self.out.first = i

    def _differs(self, i: int, mark: str) -> None:
        runs = self.out.runs
        if runs and runs[-1][2] == mark and runs[-1][0] + runs[-1][1] == i:
            runs[-1][1] += 1
        elif len(runs) < RUNS_LIMIT:
            runs.append([i, 1, mark])
        else:
            self.out.runs_cut = True
        if self.first_mark < 0 and mark == "!":
            self.first_mark = i

    def _write(self, rows: list[list[Any]]) -> None:
        for row in rows:
            if row[4] == row[3]:
                row[4] = 0
        raw = json.dumps(rows, separators=(",", ":")).encode("ascii")
        packed = base64.b64encode(deflate(raw)).decode("ascii")
        (self.folder / f"rows-{self.out.chunks}.js").write_text(f'lockstepRows({self.out.chunks},"{packed}")\n')
        self.out.chunks += 1

    def finish(self) -> Aligned:
        out = self.out
        if self.exact:
            out.why_first = "the call of the first finding"
        elif self.last_before >= 0:
            out.why_first = "where the target crashed"
        elif self.header_first is not None and 0 <= self.header_first < out.rows:
            out.first, out.why_first = self.header_first, "the first call with another result"
        elif self.first_mark >= 0:
            out.first, out.why_first = self.first_mark, "the first call with another result"
        elif out.runs:
            out.first, out.why_first = out.runs[0][0], "the first row that is not the same on both sides"
        out.segments = [s for s in out.segments if 0 <= s["from"] < s["to"] <= out.rows]
        out.around = tuple(rows_around(self.folder, out))
        return out


def deflate(raw: bytes) -> bytes:
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, -15)
    return packer.compress(raw) + packer.flush()


def read_chunk(file: Path) -> list[list[Any]]:
    """The inverse of what was written."""
    packed = file.read_text().split('"')[1]
    rows: list[list[Any]] = json.loads(zlib.decompress(base64.b64decode(packed), -15))
    return rows


def rows_around(folder: Path, a: Aligned) -> Iterator[Row]:
    if not a.rows:
        return
    at = max(a.first, 0)
    low, high = max(0, at - AROUND), min(a.rows, at + AROUND + 1)
    for chunk in range(low // CHUNK, (high - 1) // CHUNK + 1):
        for i, r in enumerate(read_chunk(folder / f"rows-{chunk}.js"), chunk * CHUNK):
            if low <= i < high:
                name = a.segments[r[0]]["name"] if 0 <= r[0] < len(a.segments) else str(r[0])
                other = r[3] if r[4] == 0 else r[4]
                yield Row(i, name, (r[1], r[2]), (text(r[3], limit=400), text(other, limit=400)), r[5])


def write_chunks(b: Bundle, folder: Path) -> Aligned:
    """Chunks of the bundle's align.jsonl below `folder`; an empty Aligned with a note where there is nothing to show."""
    try:
        with opened(b.path / "align.jsonl") as f:
            lines = lines_of(f)
            header = parse_object(next(lines, b""), "align.jsonl line 1")
            if header.get("schema") != "lockstep.aligned/1":
                raise Damaged("align.jsonl: not lockstep.aligned/1")
            folder.mkdir(parents=True, exist_ok=True)
            writer = Writer(folder, header, anchor_of(b.causes))
            batch: list[bytes] = []
            for line in lines:
                batch.append(line)
                if len(batch) == CHUNK:
                    add_batch(writer, batch)
                if writer.out.rows + len(batch) >= ROWS_LIMIT:
                    writer.out.cut = True
                    break
            if batch:
                add_batch(writer, batch)
    except FileNotFoundError:
        return Aligned(note="This bundle holds no aligned traces.")
    except Damaged as e:
        return Aligned(note=f"The aligned traces cannot be read: {text(str(e))}.")
    return writer.finish()


def add_batch(writer: Writer, batch: list[bytes]) -> None:
    """Every chunk but the last is full: a page finds a row's chunk by division."""
    rows = parse_rows(batch)
    kept = len(batch)
    batch.clear()
    if len(rows) < kept:  # damaged lines: their places stay, so that later rows keep theirs
        rows += [[0, None, None, "(damaged row)", "(damaged row)", "~"]] * (kept - len(rows))
        rows = [list(r) for r in rows]
    writer.add(rows)
