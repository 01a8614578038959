"""The front page: headline, causes across packages, and the matrix of packages and targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from lockstep.report.evidence import KIND_WORDS
from lockstep.report.index import Change
from lockstep.report.load import BadBundle, Bundle, Finding, target_order
from lockstep.report.page import date
from lockstep.report.svg import Scale, seconds, short_number, tag
from lockstep.report.values import integer, mapping, text
from lockstep.report.verdict import BY_KEY, ORDER, Headline, State, behaves, headline, package_states, state_of

SYMPTOMS = frozenset({"crash", "hang", "output", "exit-status", "file-state"})
STRIP_WIDTH, STRIP_HEIGHT = 560, 64
BAR_ORDER = tuple(sorted(ORDER, key=lambda s: (s.tone == "none", s.weight)))  # what was not judged at the end


@dataclass(frozen=True)
class Cell:
    """One workload on one target."""

    target: str
    state: State
    href: str
    time: float | None
    vma: float | None
    wall: str
    bars: Markup
    vma_bar: Markup


@dataclass(frozen=True)
class Row:
    key: str
    package: str
    version: str
    workload: str
    cells: tuple[Cell | None, ...]
    first: Finding | None
    first_href: str
    state: State

    def data(self) -> dict[str, Any]:
        """For the page's script: what filters and sorts."""
        cells = [c for c in self.cells if c]
        words = [self.package, self.version, self.workload, *(c.state.label for c in cells)]
        if self.first:
            words += [self.first.kind, self.first.summary, self.first.fingerprint]
        out: dict[str, Any] = {"search": " ".join(words).lower(), "name": f"{self.package} {self.workload}".lower(), "href": self.first_href}
        out["states"] = {c.target: c.state.key for c in cells}
        out["weights"] = {c.target: c.state.weight for c in cells}
        out["time"] = {c.target: c.time for c in cells if c.time is not None}
        out["vma"] = {c.target: c.vma for c in cells if c.vma is not None}
        return out


@dataclass(frozen=True)
class Cause:
    """A finding that several packages may share. `where`: (package, href), once a package."""

    finding: Finding
    kind_words: str
    target: str
    where: tuple[tuple[str, str], ...]
    first_in: int


@dataclass(frozen=True)
class Habit:
    kind: str
    summary: str
    packages: int


@dataclass(frozen=True)
class TargetView:
    """Small multiples of one target. `costs`: workloads that behave and have findings all the same: (name, kind, href)."""

    target: str
    headline: Headline
    bar: Markup
    states: tuple[tuple[State, int], ...]
    strip_time: Markup
    strip_vma: Markup
    version: str
    habits: tuple[Habit, ...]
    costs: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class Matrix:
    run: str
    date: str
    targets: tuple[TargetView, ...]
    rows: tuple[Row, ...]
    causes: tuple[Cause, ...]
    changes: tuple[Change, ...]
    before: str
    broken: tuple[tuple[str, str, str], ...]
    states: tuple[tuple[State, int], ...]
    versions: tuple[tuple[str, str], ...]
    links: dict[tuple[str, str], str]


def ratio_bar(value: float | None, kind: str) -> Markup:
    """A mark on an axis from 1/4 to 64 by powers, with 1 in it."""
    if not value or value <= 0:
        return Markup("")
    x = Scale(0.25, 64, 0, 64, log=True)
    one, at = x(1), x(value)
    parts = [
        tag("line", x1=0, x2=64, y1=5, y2=5, class_="axis"),
        tag("rect", x=min(one, at), y=3, width=max(abs(at - one), 1.0), height=4, class_=f"ratio {kind}"),
        tag("line", x1=one, x2=one, y1=0, y2=10, class_="one"),
    ]
    return tag("svg", *parts, viewBox="0 0 64 10", class_="ratiobar", aria_hidden="true")


def cell(b: Bundle, href: str) -> Cell:
    wall = integer(mapping(b.data.get("target_result")).get("wall_ns"))
    native = b.target == "native"
    shown = not b.harness_error
    return Cell(
        target=b.target,
        state=state_of(b),
        href=href,
        time=b.time_ratio if shown else None,
        vma=b.vma_ratio if shown and not native else None,
        wall=seconds(wall) if wall is not None and shown else "",
        bars=ratio_bar(b.time_ratio if shown and not native else None, "time"),
        vma_bar=ratio_bar(b.vma_ratio if shown and not native else None, "vma"),
    )


def rows(bundles: Sequence[Bundle], targets: Sequence[str], links: dict[tuple[str, str], str]) -> list[Row]:
    by_workload: dict[str, dict[str, Bundle]] = {}
    for b in bundles:
        by_workload.setdefault(b.workload, {})[b.target] = b
    out = []
    for workload, by_target in by_workload.items():
        cells = tuple(cell(by_target[t], links[workload, t]) if t in by_target else None for t in targets)
        worst = max(by_target.values(), key=lambda b: (state_of(b).weight, bool(b.first), b.target != "native"))
        some = next(iter(by_target.values()))
        out.append(
            Row(
                key=links[workload, worst.target],
                package=some.package,
                version=some.version,
                workload="" if workload == some.package else workload,
                cells=cells,
                first=worst.first,
                first_href=links[workload, worst.target],
                state=state_of(worst),
            )
        )
    return sorted(out, key=lambda r: (r.package.lower(), r.workload))


def causes(bundles: Sequence[Bundle], links: dict[tuple[str, str], str]) -> list[Cause]:
    """First findings, and others that two packages share; symptoms only where they come first. Most packages first."""
    groups: dict[tuple[str, str], list[tuple[Bundle, Finding]]] = {}
    for b in bundles:
        for f in b.causes:
            groups.setdefault((b.target, f.fingerprint), []).append((b, f))
    out = []
    for (target, _), members in groups.items():
        packages = sorted({(b.package, links[b.workload, b.target]) for b, _ in members})
        once = tuple({p: (p, href) for p, href in reversed(packages)}.values())[::-1]
        first_in = sum(b.first is f for b, f in members)
        lead = max((f for _, f in members), key=lambda f: (f.proven is True, -f.rank))
        if first_in or (len(once) > 1 and lead.kind not in SYMPTOMS):
            out.append(Cause(lead, KIND_WORDS.get(lead.kind, lead.kind), target, once, first_in))
    return sorted(out, key=lambda c: (not c.first_in, -len(c.where), c.finding.proven is not True, c.where))


def habits_of(bundles: Sequence[Bundle]) -> list[Habit]:
    """Of one target, each once, with how many packages showed it."""
    seen: dict[tuple[str, str], tuple[Finding, set[str]]] = {}
    for b in bundles:
        for f in b.habits:
            seen.setdefault((f.kind, f.fingerprint), (f, set()))[1].add(b.package)
    found = [Habit(f.kind, f.summary, len(p)) for f, p in seen.values()]
    return sorted(found, key=lambda h: (-h.packages, h.kind, h.summary))


def state_bar(head: Headline, states: Sequence[tuple[State, int]]) -> Markup:
    x, parts = 0.0, []
    for s, n in states:
        width = n / max(head.total, 1) * 720
        parts.append(tag("rect", tag("title", f"{n} {s.label}"), x=x, y=0, width=max(width - 2, 1.0), height=12, rx=2, class_=f"tone-{s.tone}"))
        x += width
    return tag("svg", *parts, viewBox="0 0 720 12", class_="statebar", aria_hidden="true", preserveAspectRatio="none")


def strip(values: Sequence[tuple[str, float, str, str]], label: str) -> Markup:
    """A dot a package on an axis by powers; dots that meet are stacked. values: (name, ratio, href, tone)."""
    shown = [v for v in values if v[1] > 0]
    if not shown:
        return Markup("")
    low, high = min(0.7, *(v[1] for v in shown)), max(4.0, *(v[1] for v in shown)) * 1.2
    x = Scale(low * 0.9, high, 10, STRIP_WIDTH - 10, log=True)
    parts = [tag("line", x1=10, x2=STRIP_WIDTH - 10, y1=44, y2=44, class_="axis")]
    for v in (0.1, 0.5, 1, 2, 5, 10, 20, 50, 100, 500, 1000):
        if x.low <= v <= x.high:
            parts.append(tag("line", x1=x(v), x2=x(v), y1=6 if v == 1 else 44, y2=48, class_="one" if v == 1 else "axis"))
            parts.append(tag("text", f"{v:g}×", x=x(v), y=60, text_anchor="middle", class_="tick"))
    columns: dict[int, int] = {}
    for name, value, href, tone in sorted(shown, key=lambda v: (v[1], v[0])):
        column = int(x(value) // 8)
        level = columns.get(column, 0)
        columns[column] = level + 1
        y = max(38 - level * 7, 4)
        dot = tag("circle", tag("title", f"{name}: {short_number(value)}× {label}"), cx=column * 8 + 4, cy=y, r=3.4, class_=f"pack tone-{tone}")
        parts.append(tag("a", dot, href=href, tabindex="-1"))
    title = tag("title", f"{label}: one dot a workload; the table below has the numbers")
    return tag("svg", title, *parts, viewBox=f"0 0 {STRIP_WIDTH} {STRIP_HEIGHT}", class_="strip", role="img")


def target_view(target: str, bundles: Sequence[Bundle], links: dict[tuple[str, str], str]) -> TargetView:
    mine = [b for b in bundles if b.target == target]
    head = headline(target, mine)
    found = list(package_states(mine).values())
    states = tuple((s, found.count(s)) for s in BAR_ORDER if s in found)
    judged = [b for b in mine if not b.harness_error]
    dots_time = [(b.workload, b.time_ratio, links[b.workload, target], state_of(b).tone) for b in judged if b.time_ratio]
    dots_vma = [(b.workload, b.vma_ratio, links[b.workload, target], state_of(b).tone) for b in judged if b.vma_ratio]
    versions = sorted({text(v) for b in mine if (v := mapping(b.data.get("versions")).get("target"))})
    native = target == "native"
    return TargetView(
        target=target,
        headline=head,
        bar=state_bar(head, states),
        states=states,
        strip_time=Markup("") if native else strip(dots_time, "time against Linux"),
        strip_vma=Markup("") if native else strip(dots_vma, "VMAs against Linux"),
        version=", ".join(unprefixed(v, target) for v in versions),
        habits=tuple(habits_of(mine)),
        costs=tuple((b.workload, b.first.kind, links[b.workload, target]) for b in mine if b.first and behaves(state_of(b))),
    )


def broken_list(bundles: Sequence[Bundle], bad: Sequence[BadBundle], drawn: dict[Any, str], links: dict[tuple[str, str], str]) -> list[tuple[str, str, str]]:
    """What has no verdict: (name, why, href or "")."""
    out = [(f"{b.workload} on {b.target}", b.harness_error or "the harness says that it failed, not why", links[b.workload, b.target]) for b in bundles if state_of(b).key == "harness-error"]
    out += [(text(str(x.path)), f"a damaged bundle: {x.why}", "") for x in bad]
    out += [(f"{w} on {t}", why, "") for (w, t), why in drawn.items()]
    return out


def build(
    run: str,
    bundles: Sequence[Bundle],
    bad: Sequence[BadBundle],
    links: dict[tuple[str, str], str],
    changes: Sequence[Change],
    before: str,
    undrawn: dict[tuple[str, str], str],
) -> Matrix:
    """Every target that is not native comes before native in the headline, after it in the table."""
    targets = sorted({b.target for b in bundles}, key=target_order)
    views = tuple(target_view(t, bundles, links) for t in targets)
    table = rows(bundles, targets, links)
    present = [r.state for r in table] + [c.state for r in table for c in r.cells if c]
    states = tuple((s, sum(any(c and c.state == s for c in r.cells) for r in table)) for s in ORDER if s in present)
    started = min((b.started for b in bundles if b.started), default=0.0)
    versions = mapping(bundles[0].data.get("versions")) if bundles else {}
    named = (("lockstep", "Lockstep"), ("kernel", "Linux"), ("cpu", "Processor"), ("python", "Python"))
    return Matrix(
        run=run,
        date=date(started),
        targets=views,
        rows=tuple(table),
        causes=tuple(causes(bundles, links)),
        changes=tuple(sorted(changes, key=lambda c: (CHANGE_ORDER.index(c.word), c.package, c.workload, c.target))),
        before=before,
        broken=tuple(broken_list(bundles, bad, undrawn, links)),
        states=states,
        versions=tuple((label, unprefixed(text(versions[k]), k)) for k, label in named if versions.get(k)),
        links=links,
    )


CHANGE_ORDER = ("regressed", "fixed", "changed", "new", "gone")


def unprefixed(value: str, name: str) -> str:
    """A version without the name before it: the page says that already."""
    return value.removeprefix(f"{name} ")


def label_of(key: str) -> str:
    return BY_KEY[key].label if key in BY_KEY else key


def emulated(m: Matrix) -> tuple[TargetView, ...]:
    """The targets that a headline is about: all but native, or native where there is no other."""
    return tuple(t for t in m.targets if t.target != "native") or m.targets


def differing(m: Matrix) -> int:
    return sum(not behaves(r.state) for r in m.rows)
