"""Processes of both sides: the tree, when each lived, and which calls were made how often."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from lockstep.report.load import Bundle
from lockstep.report.svg import Scale, seconds, tag
from lockstep.report.values import integer, items, mapping, text

PROCESSES_LIMIT = 120  # rows of one side that are drawn
DEPTH_LIMIT = 24
BAR = 240
EMPTY = Markup("")


@dataclass(frozen=True)
class Process:
    """`threads`: other threads of it, folded into it; `before`: the images that it was before it became this one by exec."""

    ident: str
    parent: str
    image: str
    argv: str
    start: int
    end: int
    status: str
    calls: int
    cpu_ns: int
    rss_kib: int
    depth: int = 0
    threads: int = 0
    before: tuple[str, ...] = ()
    bar: Markup = EMPTY

    @property
    def name(self) -> str:
        return base(self.image) or "not exec’ed yet"

    @property
    def bad(self) -> bool:
        return self.status.startswith("SIG") or self.status == "running"

    @property
    def life(self) -> str:
        return seconds(self.end - self.start)


@dataclass(frozen=True)
class Side:
    """The processes of one run, parents before children."""

    name: str
    who: str
    rows: tuple[Process, ...]
    hidden: int
    duration: str


@dataclass(frozen=True)
class Call:
    """A call of the summary: how often on each side, and how often it failed."""

    name: str
    native: int
    target: int
    native_errors: int
    target_errors: int
    bars: Markup = EMPTY

    @property
    def delta(self) -> int:
        return self.target - self.native

    @property
    def delta_text(self) -> str:
        sign = "+" if self.delta > 0 else "−" if self.delta else ""
        return f"{sign}{abs(self.delta):,}"

    @property
    def differs(self) -> bool:
        return bool(self.delta) or self.native_errors != self.target_errors


@dataclass(frozen=True)
class View:
    sides: tuple[Side, ...] = ()
    calls: tuple[Call, ...] = ()
    same_calls: int = 0
    note: str = ""
    totals: tuple[int, int] = (0, 0)


def view(b: Bundle) -> View:
    data, note = b.file("procs.json")
    raw = mapping(data.get("sides"))
    rows = [(name, [mapping(r) for r in items(raw.get(name))]) for name in b.shown if name in raw]
    if not rows:
        return View(note=note)
    sides = tuple(side_of(name, who, side) for (name, side), who in zip(rows, ("Linux", b.target), strict=False))
    calls = call_rows([side for _, side in rows])
    shown = tuple(c for c in calls if c.differs)
    totals = (sum(c.native for c in calls), sum(c.target for c in calls))
    return View(sides, shown, len(calls) - len(shown), note, totals)


def side_of(name: str, who: str, raw: list[dict[str, Any]]) -> Side:
    """Each side on its own time: what is to be seen is the order, and an emulator may take forty times as long."""
    threads: Counter[str] = Counter(text(r.get("parent")) for r in raw if r.get("is_thread"))
    ordered = list(tree([r for r in raw if not r.get("is_thread")]))
    end = max((integer(r.get("end_ns")) or 0 for r in raw), default=0)
    scale = Scale(0, end or 1, 0, BAR)
    rows = tuple(drawn(p, threads[p.ident], scale) for p in ordered[:PROCESSES_LIMIT])
    return Side(text(name), who, rows, max(len(ordered) - PROCESSES_LIMIT, 0), seconds(end))


def tree(raw: list[dict[str, Any]]) -> Iterator[Process]:
    """Parents first, children by birth; cycles and unknown parents (hostile or torn) become roots."""
    found = joined([read_process(r) for r in raw], {text(r.get("id")): integer(r.get("tid")) for r in raw})
    known = {p.ident for p in found}
    children: dict[str, list[Process]] = {}
    for p in sorted(found, key=lambda p: (p.start, p.ident)):
        children.setdefault(p.parent if p.parent in known and p.parent != p.ident else "", []).append(p)
    seen: set[str] = set()
    stack = [(p, 0) for p in reversed(children.get("", []))]
    while stack or len(seen) < len(known):
        if not stack:
            stack = [(next(p for p in found if p.ident not in seen), 0)]
        p, depth = stack.pop()
        if p.ident in seen:
            continue
        seen.add(p.ident)
        yield Process(**{**p.__dict__, "depth": min(depth, DEPTH_LIMIT)})
        stack += [(c, depth + 1) for c in reversed(children.get(p.ident, []))]


def joined(found: list[Process], tids: dict[str, int | None]) -> list[Process]:
    """One process a life: what a task was before an exec is folded into what it became."""
    by_id = {p.ident: p for p in found}
    became: dict[str, str] = {}
    for p in found:
        old = by_id.get(p.parent)
        if old and old.status == "execed" and old.ident not in became and p.ident != old.ident and tids[p.ident] == tids[old.ident]:
            became[old.ident] = p.ident

    def last(ident: str) -> str:
        seen = {ident}
        while ident in became and became[ident] not in seen:
            ident = became[ident]
            seen.add(ident)
        return ident

    heirs: dict[str, list[Process]] = {}
    for p in sorted(found, key=lambda p: (p.start, p.end)):
        heirs.setdefault(last(p.ident), []).append(p)
    return [folded(lives, last(lives[0].parent)) for lives in heirs.values()]


def folded(lives: list[Process], parent: str) -> Process:
    first, now = lives[0], lives[-1]
    images = tuple(base(p.image) for p in lives[:-1] if p.image)
    cpu, rss = sum(p.cpu_ns for p in lives), max(p.rss_kib for p in lives)
    changed = {"parent": parent, "start": first.start, "calls": sum(p.calls for p in lives), "cpu_ns": cpu, "rss_kib": rss, "before": images}
    return Process(**{**now.__dict__, **changed})


def base(image: str) -> str:
    return image.rpartition("/")[2]


def read_process(r: dict[str, Any]) -> Process:
    start = max(integer(r.get("start_ns")) or 0, 0)
    return Process(
        ident=text(r.get("id")),
        parent=text(r.get("parent")),
        image=text(r.get("image"), "?"),
        argv=text(r.get("argv"), "", 300) if not isinstance(r.get("argv"), list) else text(" ".join(map(str, items(r.get("argv")))), "", 300),
        start=start,
        end=max(integer(r.get("end_ns")) or start, start),
        status=text(r.get("status"), "?"),
        calls=sum(counts(r.get("calls")).values()),
        cpu_ns=integer(r.get("cpu_ns")) or 0,
        rss_kib=integer(r.get("max_rss_kib")) or 0,
    )


def drawn(p: Process, threads: int, scale: Scale) -> Process:
    left = scale(p.start)
    width = max(scale(p.end) - left, 2.0)
    parts = [
        tag("rect", x=0, y=7, width=BAR, height=2, class_="life-line"),
        tag("rect", x=min(left, BAR - 2.0), y=3, width=width, height=10, rx=2, class_="life bad" if p.bad else "life"),
    ]
    title = tag("title", f"from {seconds(p.start)} to {seconds(p.end)}")
    bar = tag("svg", title, *parts, viewBox=f"0 0 {BAR} 16", class_="lifebar", role="img")
    return Process(**{**p.__dict__, "threads": threads, "bar": bar})


def counts(value: object) -> dict[str, int]:
    return {text(k, limit=60): n for k, v in mapping(value).items() if (n := integer(v)) is not None and n >= 0}


def call_rows(sides: list[list[dict[str, Any]]]) -> list[Call]:
    """What differs most first."""
    made: list[Counter[str]] = [Counter(), Counter()]
    failed: list[Counter[str]] = [Counter(), Counter()]
    for i, side in enumerate(sides[:2]):
        for r in side:
            made[i].update(counts(r.get("calls")))
            failed[i].update(counts(r.get("errors")))
    names = made[0].keys() | made[1].keys()
    most = max((max(m.values(), default=0) for m in made), default=0)
    rows = [Call(n, made[0][n], made[1][n], failed[0][n], failed[1][n], call_bars(made[0][n], made[1][n], most)) for n in names]
    return sorted(rows, key=lambda c: (-abs(c.delta), -c.native, c.name))


def call_bars(native: int, target: int, most: int) -> Markup:
    x = Scale(0, most or 1, 0, 120)
    parts = [
        tag("rect", x=0, y=1, width=max(x(native), 0.5), height=6, class_="bar native"),
        tag("rect", x=0, y=9, width=max(x(target), 0.5), height=6, class_="bar target"),
    ]
    return tag("svg", *parts, viewBox="0 0 120 16", class_="callbar", aria_hidden="true")
