"""Small SVG drawings as safe markup. Sizes are attributes and colours are classes: the pages allow no inline style."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape


def tag(name: str, *children: Markup | str, **attributes: object) -> Markup:
    """An element; attribute names have "_" for "-" ("class_" for class), children are escaped unless they are markup."""
    words = "".join(
        Markup(' {}="{}"').format(k.rstrip("_").replace("_", "-"), coordinate(v)) for k, v in attributes.items() if v is not None
    )
    body = Markup("").join(escape(c) for c in children)
    return Markup("<{0}{1}>{2}</{0}>").format(Markup(name), Markup(words), body)


def coordinate(value: object) -> object:
    """Floats with one decimal: the same bytes on every machine, and small files."""
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else value


@dataclass(frozen=True)
class Scale:
    """Maps low..high to from_..to, linearly or by powers."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        low, high, v = (self._f(x) for x in (self.low, self.high, value))
        share = (v - low) / (high - low) if high > low else 0.0
        return self.start + (self.end - self.start) * min(max(share, 0.0), 1.0)

    def _f(self, x: float) -> float:
        return math.log10(max(x, 1e-9)) if self.log else x


def ticks(scale: Scale, wanted: int = 5) -> list[float]:
    """Round values inside the scale."""
    if scale.log:
        powers = range(math.ceil(math.log10(scale.low) - 1e-9), math.floor(math.log10(scale.high) + 1e-9) + 1)
        out = [10.0**p for p in powers]
        return out if len(out) >= 3 else sorted({*out, *(m * 10.0**p for p in range(-3, 8) for m in (2, 5) if scale.low <= m * 10.0**p <= scale.high)})
    span = scale.high - scale.low
    if span <= 0:
        return [scale.low]
    rough = span / max(wanted, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= rough)
    first = math.ceil(scale.low / step)
    return [round(i * step, 10) for i in range(first, math.floor(scale.high / step + 1e-9) + 1)]


def thinned(points: Sequence[tuple[float, float]], columns: int) -> list[tuple[float, float]]:
    """At most about two points a column of pixels, its lowest and its highest: no peak is lost."""
    if len(points) <= columns * 2:
        return list(points)
    first, last = points[0][0], points[-1][0]
    width = (last - first) / columns or 1.0
    out: list[tuple[float, float]] = []
    bucket: list[tuple[float, float]] = []
    edge = first + width
    for p in points:
        if p[0] >= edge and bucket:
            out += extremes(bucket)
            bucket = []
            edge += width * max(1, math.floor((p[0] - edge) / width) + 1)
        bucket.append(p)
    return out + extremes(bucket)


def extremes(bucket: list[tuple[float, float]]) -> list[tuple[float, float]]:
    if not bucket:
        return []
    low, high = min(bucket, key=lambda p: p[1]), max(bucket, key=lambda p: p[1])
    return sorted({low, high})


def step_path(points: Sequence[tuple[float, float]], x: Scale, y: Scale) -> str:
    """A line that holds each value until the next is known: counts do not slope."""
    words: list[str] = []
    for i, (t, v) in enumerate(points):
        px, py = coordinate(x(t)), coordinate(y(v))
        words.append(f"M{px} {py}" if i == 0 else f"H{px}V{py}")
    return "".join(words)


def short_number(v: float) -> str:
    """65530 as 65,530; small ones with the digits that matter."""
    if v >= 100 or v == int(v):
        return f"{v:,.0f}"
    return f"{v:.3g}"


def seconds(ns: float) -> str:
    if ns >= 60e9:
        return f"{ns / 60e9:.1f}\u00a0min"
    if ns >= 1e9:
        return f"{ns / 1e9:.2f}\u00a0s"
    return f"{ns / 1e6:.1f}\u00a0ms" if ns >= 1e5 else f"{ns / 1e3:.0f}\u00a0µs"
