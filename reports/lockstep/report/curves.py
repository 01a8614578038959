"""VMA curves: what guest and host held over time, with the host's limit."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from lockstep.report.load import Bundle
from lockstep.report.svg import Scale, seconds, short_number, step_path, tag, thinned, ticks
from lockstep.report.values import integer, items, mapping, number, text

WIDTH, HEIGHT = 720, 300
LEFT, RIGHT, TOP, BOTTOM = 76, 16, 24, 36
BREAK = 34  # room above the curves for a limit that lies far beyond them
LOG_FROM = 12.0  # highest value over the native peak from which the axis goes by powers
POINTS_LIMIT = 2_000_000


@dataclass(frozen=True)
class Curve:
    """`who`: guest, or host; `side`: native or target."""

    name: str
    side: str
    who: str
    points: tuple[tuple[float, float], ...]

    @property
    def peak(self) -> int:
        return int(max((v for _, v in self.points), default=0))

    @property
    def kind(self) -> str:
        return "native" if self.side == "native" else f"target-{self.who}"

    def label(self, target: str) -> str:
        if self.side == "native":
            return "Linux: the program’s own"
        return f"{target}: the host’s, for the emulator" if self.who == "host" else f"{target}: as the program sees it"


@dataclass(frozen=True)
class Chart:
    """`rows`: legend and table in one: kind, label, name of the run, peak, points."""

    drawing: Markup
    curves: tuple[Curve, ...]
    limit: int
    log: bool
    note: str


def read_points(value: object) -> tuple[tuple[float, float], ...]:
    out = []
    for p in items(value)[:POINTS_LIMIT]:
        pair = items(p)
        t, n = (number(pair[0]), number(pair[1])) if len(pair) == 2 else (None, None)
        if t is not None and n is not None and t >= 0 and n >= 0:
            out.append((t, n))
    return tuple(sorted(out))


def read_curves(b: Bundle) -> tuple[tuple[Curve, ...], int, str]:
    data, note = b.file("vma.json")
    curves = []
    for raw in items(data.get("curves")):
        c = mapping(raw)
        points = read_points(c.get("points"))
        if points:
            curves.append(Curve(text(c.get("name")), text(c.get("side")), text(c.get("who"), "guest"), points))
    limit = integer(data.get("limit")) or 65530
    return tuple(curves), limit, note


def representative(curves: tuple[Curve, ...]) -> tuple[Curve, ...]:
    """Of each kind the run with the highest peak: five near-equal lines say no more than one."""
    best: dict[str, Curve] = {}
    for c in curves:
        if c.kind not in best or c.peak > best[c.kind].peak:
            best[c.kind] = c
    return tuple(best[k] for k in ("native", "target-guest", "target-host") if k in best)


def chart(b: Bundle) -> Chart | None:
    """None where the bundle holds no curve."""
    every, limit, note = read_curves(b)
    drawn = representative(every)
    if not drawn:
        return Chart(Markup(""), (), limit, False, note) if note else None
    peaks = [c.peak for c in drawn]
    lowest = min(max(min(v for _, v in c.points), 1.0) for c in drawn)
    near_limit = max(peaks) * 2 >= limit
    log = max(peaks) / max(min(peaks), 1) >= LOG_FROM or (near_limit and max(peaks) / lowest > LOG_FROM)
    top = limit * 1.5 if log or near_limit else max(peaks) * 1.15
    x = Scale(0, max(c.points[-1][0] for c in drawn) or 1.0, LEFT, WIDTH - RIGHT)
    far = limit > top
    y = Scale(lowest * 0.8 if log else 0.0, top, HEIGHT - BOTTOM, TOP + (BREAK if far else 0), log)
    return Chart(draw(drawn, x, y, limit, b.target), drawn, limit, log, note)


def draw(curves: tuple[Curve, ...], x: Scale, y: Scale, limit: int, target: str) -> Markup:
    parts = [axes(x, y)]
    far = limit > y.high
    at = TOP if far else y(limit)
    if far:
        parts.append(tag("path", d=f"M{LEFT - 8} {at + 20}l16 -6M{LEFT - 8} {at + 26}l16 -6", class_="axis"))
    parts.append(tag("line", x1=LEFT, x2=WIDTH - RIGHT, y1=at, y2=at, class_="limit"))
    parts.append(tag("text", f"the host’s limit: {limit:,}" + (" (axis broken)" if far else ""), x=WIDTH - RIGHT, y=at - 6, text_anchor="end", class_="limit-label"))
    for c in curves:
        line = [*thinned(c.points, WIDTH), (x.high, c.points[-1][1])]
        parts.append(tag("path", d=step_path(line, x, y), class_=f"curve {c.kind}"))
    words = "; ".join(f"{c.label(target)} up to {c.peak:,}" for c in curves)
    title = tag("title", f"Memory mappings over time: {words}; the host’s limit is {limit:,}.")
    return tag("svg", title, *parts, viewBox=f"0 0 {WIDTH} {HEIGHT}", class_="chart", role="img")


def axes(x: Scale, y: Scale) -> Markup:
    parts = []
    for v in ticks(y):
        at = y(v)
        parts.append(tag("line", x1=LEFT, x2=WIDTH - RIGHT, y1=at, y2=at, class_="grid"))
        parts.append(tag("text", short_number(v), x=LEFT - 8, y=at + 4, text_anchor="end", class_="tick"))
    for v in ticks(x, 5):
        at = x(v)
        parts.append(tag("line", x1=at, x2=at, y1=HEIGHT - BOTTOM, y2=HEIGHT - BOTTOM + 4, class_="axis"))
        parts.append(tag("text", "0" if v == 0 else seconds(v), x=at, y=HEIGHT - BOTTOM + 22, text_anchor="middle", class_="tick"))
    parts.append(tag("line", x1=LEFT, x2=WIDTH - RIGHT, y1=HEIGHT - BOTTOM, y2=HEIGHT - BOTTOM, class_="axis"))
    return Markup("").join(parts)
