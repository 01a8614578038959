"""Pictures of departed ELF pages: what Linux puts there, what the target put there, and what of the file lies in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup

from lockstep.report.load import Bundle
from lockstep.report.svg import Scale, tag
from lockstep.report.values import hex_bytes, hexadecimal, integer, items, mapping, text, texts, truth

PAGE = 4096
WIDTH = 720
BYTES_LIMIT = 16 * PAGE
PAGES_LIMIT = 40
DUMP_COLUMNS = 16
LABEL_WIDTH = 95  # below that, neighbours' labels would meet


@dataclass(frozen=True)
class Segment:
    index: int
    type: str
    vaddr: int
    offset: int
    filesz: int
    memsz: int
    flags: str


@dataclass(frozen=True)
class Cell:
    """One byte of a dump. `tone`: "" equal, "zero", "differs"."""

    text: str
    tone: str


@dataclass(frozen=True)
class Line:
    """Sixteen bytes of both sides; `skipped` lines of zeroes or equal bytes stand before it."""

    address: str
    native: tuple[Cell, ...]
    target: tuple[Cell, ...]
    skipped: int = 0


@dataclass(frozen=True)
class Page:
    """One departure. `address` as it ran, `vaddr` as the file says."""

    file: str
    name: str
    segment: int
    address: int
    vaddr: int
    size: int
    file_offset: int
    covers: tuple[str, ...]
    zeroed: bool | None
    interp: bool
    habit: bool
    map: Markup
    picture: Markup
    lines: tuple[Line, ...]
    differing: int


def read_segments(value: object) -> list[Segment]:
    out = []
    for raw in items(value)[:64]:
        s = mapping(raw)
        vaddr, offset, filesz, memsz = (hexadecimal(s.get(k)) for k in ("vaddr", "offset", "filesz", "memsz"))
        if vaddr is None or offset is None or filesz is None or memsz is None or memsz > 1 << 46 or vaddr + memsz >= 1 << 64:
            continue
        out.append(Segment(integer(s.get("index")) or 0, text(s.get("type")), vaddr, offset, filesz, memsz, text(s.get("flags"))))
    return out


def pages(b: Bundle) -> tuple[list[Page], str]:
    """Vital ones first, then by file and address; and what is wrong with elf.json."""
    data, note = b.file("elf.json")
    habits = {f.fingerprint for f in b.habits}
    found = [p for p in (read_page(mapping(raw), habits, b.target) for raw in items(data.get("pages"))[:PAGES_LIMIT]) if p]
    known = {(p.file, p.file_offset, p.size) for p in found}
    for f in b.causes:  # a bundle without elf.json still has the evidence
        if f.kind == "elf-page":
            p = read_page(f.evidence, habits, b.target)
            if p and (p.file, p.file_offset, p.size) not in known:
                found.append(p)
    return sorted(found, key=lambda p: (p.habit, p.file, p.address)), note


def read_page(d: dict[str, object], habits: set[str], target_name: str) -> Page | None:
    address, size, offset = (hexadecimal(d.get(k)) for k in ("address", "size", "file_offset"))
    if address is None or not size or offset is None or address + size >= 1 << 64:
        return None
    native, target = (hex_bytes(d.get(side))[: min(size, BYTES_LIMIT)] for side in ("native", "target"))
    segments = read_segments(d.get("segments"))
    segment = integer(d.get("segment")) or 0
    vaddr = file_address(segments, segment, address, offset)
    name = text(d.get("file"), "?")
    covers = texts(d.get("covers"))
    return Page(
        file=name,
        name=name.rpartition("/")[2],
        segment=segment,
        address=address,
        vaddr=vaddr,
        size=size,
        file_offset=offset,
        covers=covers,
        zeroed=truth(d.get("zeroed")),
        interp=bool(d.get("interp")),
        habit=text(d.get("fingerprint")) in habits,
        map=segment_map(segments, vaddr, size),
        picture=picture(segments, segment, vaddr, size, covers, target_name),
        lines=tuple(dump(vaddr, native, target)),
        differing=sum(x != y for x, y in zip(native, target, strict=False)),
    )


def file_address(segments: list[Segment], segment: int, address: int, offset: int) -> int:
    for s in segments:
        if s.type == "LOAD" and s.index == segment:
            return s.vaddr + offset - s.offset
    return address


def dump(vaddr: int, native: bytes, target: bytes) -> Iterator[Line]:
    """Sixteen bytes a line, aligned as people know it; stretches that are equal on both sides are folded."""
    start = vaddr - vaddr % DUMP_COLUMNS
    end = vaddr + max(len(native), len(target))
    skipped = 0
    for at in range(start, end, DUMP_COLUMNS):
        a, b = cells(at, vaddr, native, target), cells(at, vaddr, target, native)
        if at > start and at + DUMP_COLUMNS < end and all(c.tone != "differs" for c in a):
            skipped += 1
            continue
        yield Line(f"{at:#x}", a, b, skipped)
        skipped = 0


def cells(at: int, vaddr: int, mine: bytes, other: bytes) -> tuple[Cell, ...]:
    out = []
    for i in range(at - vaddr, at - vaddr + DUMP_COLUMNS):
        if not 0 <= i < len(mine):
            out.append(Cell("··", "none"))
        elif i < len(other) and mine[i] != other[i]:
            out.append(Cell(f"{mine[i]:02x}", "differs"))
        else:
            out.append(Cell(f"{mine[i]:02x}", "zero" if not mine[i] else ""))
    return tuple(out)


def up(value: int) -> int:
    return (value + PAGE - 1) & ~(PAGE - 1)


def segment_map(segments: list[Segment], vaddr: int, size: int) -> Markup:
    """All LOADs in a row, each as wide as the square root of its pages (a bss of megabytes must not hide the rest)."""
    loads = [s for s in segments if s.type == "LOAD" and s.memsz]
    if not loads:
        return Markup("")
    weights = [max(((up(s.vaddr + s.memsz) - s.vaddr) / PAGE) ** 0.5, 2.2) for s in loads]
    gap, x, parts = 10.0, 0.0, []
    unit = (WIDTH - gap * (len(loads) - 1)) / sum(weights)
    for s, w in zip(loads, weights, strict=True):
        width = w * unit
        span = Scale(s.vaddr & ~(PAGE - 1), up(s.vaddr + s.memsz), x, x + width)
        parts.append(tag("rect", x=x, y=22, width=width, height=26, class_="page-file"))
        if s.memsz > s.filesz:
            at = span(s.vaddr + s.filesz)
            parts.append(tag("rect", x=at, y=22, width=x + width - at, height=26, class_="page-anon"))
        if span.low <= vaddr < span.high:
            at = span(vaddr)
            wide = max(span(vaddr + size) - at, 4.0)
            parts.append(tag("rect", x=min(at, x + width - wide), y=18, width=wide, height=34, class_="page-departed"))
        if width >= LABEL_WIDTH / 2:
            parts.append(tag("text", f"LOAD {s.flags}" if width >= LABEL_WIDTH else s.flags, x=x, y=15, class_="tick"))
        if width >= LABEL_WIDTH:
            parts.append(tag("text", f"{s.vaddr:#x}", x=x, y=68, class_="tick"))
        x += width + gap
    title = tag("title", "The file’s loaded segments, with the place that departs")
    return tag("svg", title, *parts, viewBox=f"0 0 {WIDTH} 76", class_="elf-map", role="img")


def picture(segments: list[Segment], segment: int, vaddr: int, size: int, covers: tuple[str, ...], target: str) -> Markup:
    """The page (or pages) around the departed bytes, Linux above and the target below, what it covers as brackets."""
    low, high = vaddr & ~(PAGE - 1), up(vaddr + size)
    x = Scale(low, high, 74, WIDTH - 4)
    load = next((s for s in segments if s.type == "LOAD" and s.index == segment), None)
    parts = [row("Linux", 34, x, load, None), row(target[:9], 70, x, load, (vaddr, size))]
    for at, line in {high: 0, low: 0, min(vaddr + size, high): 2, vaddr: 1}.items():
        parts.append(tag("line", x1=x(at), x2=x(at), y1=98, y2=103 + line * 19, class_="axis"))
        before = at == high or x(at) > WIDTH - 110
        parts.append(tag("text", f"{at:#x}", x=x(at) + (-3 if before else 3), y=116 + line * 19, text_anchor="end" if before else "start", class_="tick"))
    parts += brackets(segments, x, low, high, covers, vaddr, size)
    title = tag("title", f"{size} bytes at {vaddr:#x} of the page {low:#x}; they hold {', '.join(covers) or 'nothing that the file names'}")
    return tag("svg", title, *parts, viewBox=f"0 0 {WIDTH} 160", class_="elf-page", role="img")


def row(label: str, y: int, x: Scale, load: Segment | None, departed: tuple[int, int] | None) -> Markup:
    parts = [tag("text", label, x=0, y=y + 18, class_="row-label")]
    parts.append(tag("rect", x=x.start, y=y, width=x.end - x.start, height=28, class_="page-file"))
    if load and load.memsz > load.filesz:
        end = load.vaddr + load.filesz
        tail = min(up(end), up(load.vaddr + load.memsz))
        parts += [span(x, y, end, tail, "page-zero"), span(x, y, tail, up(load.vaddr + load.memsz), "page-anon")]
    if departed:
        start, end = departed[0], departed[0] + departed[1]
        parts += [span(x, y, start, end, "page-departed"), span(x, y, start, end, None)]
    return Markup("").join(parts)


def span(x: Scale, y: int, start: int, end: int, kind: str | None) -> Markup:
    """Without a kind: the hatching that says "departs" where colours do not."""
    if end <= x.low or start >= x.high or end <= start:
        return Markup("")
    left, right = x(start), x(end)
    return tag("rect", x=left, y=y, width=max(right - left, 2.0), height=28, class_=kind, fill=None if kind else "url(#hatch)")


def brackets(segments: list[Segment], x: Scale, low: int, high: int, covers: tuple[str, ...], vaddr: int, size: int) -> list[Markup]:
    """Named ranges above the page: those that segments place, else the departed bytes themselves under their names."""
    placed = [(s.type, s.vaddr, s.vaddr + max(s.filesz, 1)) for s in segments if s.type in covers and s.vaddr < high and s.vaddr + s.filesz > low]
    named = {name for name, _, _ in placed}
    rest = [c for c in covers if c not in named]
    if rest and not placed:
        placed, rest = [(", ".join(rest[:4]), vaddr, vaddr + size)], []
    out = []
    if rest:
        out.append(tag("text", f"and {', '.join(rest[:4])}", x=x.end, y=15, text_anchor="end", class_="bracket-label"))
    for name, start, end in placed[:3]:
        left, right = x(start), max(x(end), x(start) + 3)
        out.append(tag("path", d=f"M{left:.1f} 28V22H{right:.1f}V28", class_="bracket"))
        middle = min(max((left + right) / 2, x.start + 30), x.end - 30)
        out.append(tag("text", name, x=middle, y=15, text_anchor="middle", class_="bracket-label"))
    return out
