"""A finding as a page shows it: its evidence by kind, and its proof."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from lockstep.report.load import Bundle, Finding
from lockstep.report.svg import Scale, tag
from lockstep.report.values import integer, items, mapping, number, text, texts
from lockstep.report.verdict import result_text

KIND_WORDS = {
    "errno": "another errno",
    "result": "another result",
    "enosys": "a call that is not there",
    "call-missing": "a call that is missing",
    "call-extra": "a call too many",
    "signal": "another signal",
    "crash": "a crash",
    "hang": "a hang",
    "output": "other output",
    "exit-status": "another exit status",
    "elf-page": "an ELF page in memory",
    "elf-layout": "an ELF layout in memory",
    "vma-growth": "VMA growth",
    "file-state": "other files left",
    "slower": "slower",
    "memory": "more memory",
}
BOUNDARIES = (
    ("offset_falls", "offset falls", "addresses rise while file offsets fall"),
    ("gap", "gap", "another region of the memory file lies between"),
    ("permission", "permission", "neighbours differ in what they allow"),
    ("other", "other", "not adjacent, or another file"),
)


@dataclass(frozen=True)
class Way:
    """One of the two ways of a proof. `worked` None: not tried."""

    title: str
    recipe: str
    worked: bool | None
    result: str


@dataclass(frozen=True)
class Stack:
    name: str
    at: str
    frames: tuple[str, ...]


@dataclass(frozen=True)
class Boundary:
    key: str
    name: str
    meaning: str
    count: int
    share: float


@dataclass(frozen=True)
class Growth:
    native: int
    target: int
    limit: int
    ratio: float
    direction: str
    boundaries: tuple[Boundary, ...]
    bar: Markup
    scale: Markup


@dataclass(frozen=True)
class View:
    """What a page says about one finding. `facts`: name and value, in order; `places`: findings with its fingerprint in this bundle."""

    finding: Finding
    kind_words: str
    native: str
    target: str
    facts: tuple[tuple[str, str], ...]
    stacks: tuple[Stack, ...]
    growth: Growth | None
    ways: tuple[Way, ...]
    places: int = 1

    @property
    def title(self) -> str:
        """The summary as a heading; a file's name at its beginning stays as it is."""
        s = self.finding.summary
        return s[0].upper() + s[1:] if s.startswith(("the ", "no ", "a ")) else s


def view(f: Finding, b: Bundle, places: int = 1) -> View:
    native, target = (side_text(f.evidence.get(side)) for side in ("native", "target"))
    growth = growth_of(f.evidence) if f.kind == "vma-growth" else None
    return View(
        finding=f,
        kind_words=KIND_WORDS.get(f.kind, f.kind),
        native="" if growth or f.kind == "elf-page" else native,
        target="" if growth or f.kind == "elf-page" else target,
        facts=tuple(facts(f)),
        stacks=stacks(f.evidence),
        growth=growth,
        ways=ways(f, b),
        places=places,
    )


def side_text(value: object) -> str:
    """What one side did: a call as text, or the value itself."""
    if isinstance(value, dict):
        return text(value.get("text")) or text(value.get("short")) or text(value.get("errno")) or text(value.get("ret"))
    return text(value)


def facts(f: Finding) -> list[tuple[str, str]]:
    e = f.evidence
    out = [
        ("Process", text(e.get("process"))),
        ("Call", call_text(e)),
        ("At", site_text(mapping(e.get("site"))) or text(e.get("at"))),
        ("Address", text(e.get("address"))),
        ("Differs in", ", ".join(texts(e.get("fields")))),
        ("What", text(e.get("what"))),
        ("Last in common", text(e.get("last_common"))),
    ]
    if f.kind == "elf-page":
        out = [
            ("File", text(e.get("file"))),
            ("Where", f"{text(e.get('size'))} bytes at {text(e.get('address'))}, file offset {text(e.get('file_offset'))}, segment {text(e.get('segment'))}"),
            ("Covers", ", ".join(texts(e.get("covers"))) or "nothing that the file names"),
        ]
    if f.kind == "vma-growth":
        out = [("On the host", host_text(e.get("host")))]
    if f.reproduced:
        out.append(("Seen in", f"{f.reproduced[0]} of {f.reproduced[1]} target runs"))
    count = integer(e.get("count"))
    if count and count > 1:
        out.append(("Times", f"{count:,}"))
    return [(k, v) for k, v in out if v]


def host_text(value: object) -> str:
    """The emulator's process that holds the mappings: its name, or its name and what it held in all."""
    d = mapping(value)
    if not d:
        return text(value)
    peak, native = integer(d.get("peak")), integer(d.get("native_peak"))
    words = [text(d.get("process"))]
    if peak is not None:
        words.append(f"{peak:,} mappings in all" + (f", natively {native:,}" if native is not None else ""))
    return ": ".join(w for w in words if w)


def call_text(e: dict[str, Any]) -> str:
    call = text(e.get("call"))
    return f"{call}({text(e.get('args'))})" if call else ""


def site_text(site: dict[str, Any]) -> str:
    if not site:
        return ""
    symbol = text(site.get("symbol"))
    return f"{text(site.get('file'), '?')}+{text(site.get('offset'))}" + (f" ({symbol})" if symbol else "")


def stack_of(name: str, value: object) -> Stack | None:
    if isinstance(value, list):
        return Stack(name, "", texts(value[:64]))
    d = mapping(value)
    frames = texts(items(d.get("backtrace"))[:64])
    at = text(d.get("at"))
    return Stack(name, at, frames) if frames or at else None


def stacks(e: dict[str, Any]) -> tuple[Stack, ...]:
    found = [stack_of(text(mapping(s).get("image"), "?"), mapping(s).get("stack")) for s in items(e.get("stacks"))[:200]]
    if e.get("backtrace"):
        found.append(stack_of(text(e.get("process"), "?"), {"backtrace": e.get("backtrace"), "at": e.get("at")}))
    return tuple(s for s in found if s)


def growth_of(e: dict[str, Any]) -> Growth:
    b = mapping(e.get("boundaries"))
    counted = [(key, name, meaning, max(integer(b.get(key)) or 0, 0)) for key, name, meaning in BOUNDARIES]
    total = sum(c for *_, c in counted) or 1
    boundaries = tuple(Boundary(key, name, meaning, c, c / total) for key, name, meaning, c in counted)
    native, target = (max(integer(e.get(k)) or 0, 0) for k in ("native", "target"))
    limit = integer(e.get("limit")) or 65530
    return Growth(
        native=native,
        target=target,
        limit=limit,
        ratio=number(e.get("ratio")) or 0.0,
        direction=text(e.get("direction")),
        boundaries=boundaries,
        bar=boundary_bar(boundaries),
        scale=limit_scale(native, target, limit),
    )


def boundary_bar(boundaries: tuple[Boundary, ...]) -> Markup:
    x, parts = 0.0, []
    for b in boundaries:
        if b.count:
            width = b.share * 720
            parts.append(tag("rect", tag("title", f"{b.name}: {b.count:,}"), x=x, y=0, width=max(width - 1.5, 1.0), height=18, class_=f"boundary {b.key}"))
            x += width
    return tag("svg", *parts, viewBox="0 0 720 18", class_="boundaries", aria_hidden="true", preserveAspectRatio="none")


def limit_scale(native: int, target: int, limit: int) -> Markup:
    """Native, target and limit on one axis of powers of ten."""
    x = Scale(10, max(limit * 1.3, target * 1.1, 100), 6, 714, log=True)
    parts = [tag("line", x1=6, x2=714, y1=26, y2=26, class_="axis")]
    for power in range(1, 7):
        if x.low <= 10**power <= x.high:
            parts.append(tag("line", x1=x(10**power), x2=x(10**power), y1=22, y2=30, class_="axis"))
            parts.append(tag("text", f"{10**power:,}", x=x(10**power), y=46, text_anchor="middle", class_="tick"))
    parts.append(tag("line", x1=x(native), x2=x(target), y1=26, y2=26, class_="reach"))
    for kind, value, y in (("native", native, 12), ("target-host", target, 12), ("limit", limit, 12)):
        at = x(value)
        parts.append(tag("circle", cx=at, cy=26, r=6, class_=f"dot {kind}") if kind != "limit" else tag("line", x1=at, x2=at, y1=14, y2=38, class_="limit"))
        parts.append(tag("text", f"{value:,}", x=at, y=y, text_anchor="end" if kind == "limit" else "middle", class_="tick strong"))
    return tag("svg", tag("title", f"{native:,} natively, {target:,} on the target, at most {limit:,}"), *parts, viewBox="0 0 720 52", class_="limit-scale", role="img")


def ways(f: Finding, b: Bundle) -> tuple[Way, ...]:
    """Both ways of the proof; none where neither was tried."""
    if f.native_broken is None and f.target_repaired is None:
        return ()
    what = "bytes" if f.kind in ("elf-page", "elf-layout") else "value"
    native = text(result_text(mapping(b.data.get("native"))))
    target = text(result_text(mapping(b.data.get("target_result"))))
    same_end = native == target
    return (
        Way("Break Linux", f"Linux with {b.target}’s {what}", f.native_broken, way_result(f.native_broken, b.target, "" if same_end else target, "Linux")),
        Way(f"Repair {b.target}", f"{b.target} with Linux’s {what}", f.target_repaired, way_result(f.target_repaired, "Linux", "" if same_end else native, b.target)),
    )


def way_result(worked: bool | None, goal: str, ending: str, own: str) -> str:
    if worked is None:
        return "not tried"
    if not worked:
        return f"still goes {own}’s way"
    return f"goes {goal}’s way" + (f": {ending}" if ending else "")
