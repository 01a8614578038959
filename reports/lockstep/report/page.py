"""The page of one workload on one target: everything about it as values for the template."""

from __future__ import annotations

import shlex
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lockstep.report import aligned, curves, elfpages, evidence, outputs, procs
from lockstep.report.aligned import Aligned
from lockstep.report.index import Event
from lockstep.report.load import Bundle, Finding
from lockstep.report.values import items, mapping, text
from lockstep.report.verdict import BY_KEY, State, sentence, state_of

FINDINGS_SHOWN = 200


@dataclass(frozen=True)
class Place:
    """Where a page stands in the report: paths are relative to the page. `rows`: the folder of its chunks."""

    href: str
    root: str
    rows: str
    index: str = ""
    before: tuple[str, str] | None = None
    after: tuple[str, str] | None = None


@dataclass(frozen=True)
class Transition:
    state: State
    run: str
    date: str
    version: str


@dataclass(frozen=True)
class Page:
    """`related`: other workloads with the fingerprint of a finding: fingerprint -> [(name, href)]."""

    bundle: Bundle
    place: Place
    state: State
    sentence: str
    findings: tuple[evidence.View, ...]
    hidden_findings: int
    elf: tuple[elfpages.Page, ...]
    elf_first: elfpages.Page | None
    chart: curves.Chart | None
    growth: evidence.View | None
    aligned: Aligned
    facts: tuple[outputs.Fact, ...]
    streams: tuple[outputs.Stream, ...]
    files: tuple[outputs.Pair, ...]
    procs: procs.View
    logs: tuple[outputs.Log, ...]
    environment: tuple[tuple[str, str], ...]
    command: str
    history: tuple[Transition, ...]
    related: dict[str, list[tuple[str, str]]]
    notes: tuple[str, ...]

    @property
    def title(self) -> str:
        b = self.bundle
        return f"{b.workload} on {b.target}"


def date(seconds: float) -> str:
    """UTC: the same text on every machine."""
    if not 0 < seconds < 4e9:
        return "at an unknown time"
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))


def diff_command(b: Bundle) -> str:
    """The comparison again, as a command line."""
    options = mapping(b.data.get("options"))
    words = ["lockstep", "diff", "--target", b.target]
    words += [w for key in ("target_options", "state") for w in items(options.get(key)) if isinstance(w, str)]
    return text(shlex.join([*words, "--", *(a for a in items(b.data.get("argv")) if isinstance(a, str))]))


def environment(b: Bundle) -> list[tuple[str, str]]:
    d, versions = b.data, mapping(b.data.get("versions"))
    out = [
        ("Package", " ".join(x for x in (b.package, b.version) if x)),
        ("Command", text(shlex.join(a for a in items(d.get("argv")) if isinstance(a, str)))),
        ("Working folder", text(d.get("cwd")) or text(b.file(f"{b.shown[0]}/outcome.json")[0].get("cwd"))),
        ("Started", date(b.started)),
        ("Took", f"{text(d.get('duration_s'))} s in all" if d.get("duration_s") is not None else ""),
        ("Run, attempt", f"{b.run}, {b.attempt}"),
    ]
    env = d.get("env")
    if isinstance(env, dict):
        out.append(("Environment", " ".join(f"{text(k)}={text(v)}" for k, v in sorted(env.items(), key=str))))
    options = mapping(d.get("options"))
    state = [text(w) for w in [*items(options.get("target_options")), *items(options.get("state"))]]
    out.append(("Options", " ".join(state)))
    limits = mapping(d.get("limits"))
    out.append(("Limits", ", ".join(f"{text(k)} {text(v)}" for k, v in sorted(limits.items(), key=str))))
    names = {"lockstep": "Lockstep", "kernel": "Linux", "target": b.target, "python": "Python", "cpu": "Processor", "cpus": "Processors"}
    out += [(names.get(k, text(k)), text(v)) for k, v in versions.items() if v is not None]
    out.append(("Bundle", text(str(b.path))))
    return [(k, v) for k, v in out if v]


def groups(findings: Sequence[Finding]) -> list[tuple[Finding, int]]:
    """One finding a fingerprint, the first by rank, with how many there are: the same cause shows in many places of one program."""
    counts = Counter(f.fingerprint or str(id(f)) for f in findings)
    first: dict[str, Finding] = {}
    for f in findings:
        first.setdefault(f.fingerprint or str(id(f)), f)
    return [(f, counts[key]) for key, f in first.items()]


def elf_of(first: evidence.View | None, found: list[elfpages.Page]) -> elfpages.Page | None:
    """The picture of the page that the first finding is about."""
    if not first or first.finding.kind != "elf-page":
        return None
    same = [p for p in found if p.file == text(first.finding.evidence.get("file"))]
    exact = [p for p in same if f"{p.address:#x}" == text(first.finding.evidence.get("address"))]
    return next(iter(exact or same), None)


def build(b: Bundle, place: Place, folder: Path, history: list[Event], related: dict[str, list[tuple[str, str]]]) -> Page:
    """Writes the page's chunks below `folder`/place.rows and gathers everything else."""
    rows = aligned.write_chunks(b, folder / place.rows)
    found, elf_note = elfpages.pages(b)
    grouped = [*groups(b.causes), *groups(b.habits)]
    views = [evidence.view(f, b, places) for f, places in grouped[:FINDINGS_SHOWN]]
    first = views[0] if b.causes else None
    calls = procs.view(b)
    chart = curves.chart(b)
    notes = [*b.notes, elf_note, calls.note, chart.note if chart else "", rows.note if b.data.get("harness_error") is None else ""]
    return Page(
        bundle=b,
        place=place,
        state=state_of(b),
        sentence=sentence(b),
        findings=tuple(views),
        hidden_findings=max(len(grouped) - FINDINGS_SHOWN, 0),
        elf=tuple(found),
        elf_first=elf_of(first, found),
        chart=chart if chart and chart.curves else None,
        growth=next((v for v in views if v.growth and v is not first), None),
        aligned=rows,
        facts=tuple(outputs.facts(b)),
        streams=tuple(outputs.stream(b, name) for name in ("stdout", "stderr")),
        files=tuple(outputs.changed_files(b)),
        procs=calls,
        logs=tuple(outputs.logs(b)),
        environment=tuple(environment(b)),
        command=diff_command(b),
        history=tuple(Transition(BY_KEY[e.state], e.run, date(e.started), e.version) for e in history if e.state in BY_KEY),
        related=related,
        notes=tuple(n for n in notes if n),
    )


def script_data(p: Page) -> dict[str, Any]:
    """For the page's script: where the rows are."""
    return p.aligned.index() | {"base": p.place.rows.rpartition("/")[2], "names": ["Linux", p.bundle.target]}
