"""Writes a report: a folder of static HTML with its data, complete or not at all, the same bytes for the same bundles."""

from __future__ import annotations

import concurrent.futures
import concurrent.futures.process
import functools
import glob
import hashlib
import os
import re
import shutil
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2

from lockstep.base.errors import HarnessError, UsageError
from lockstep.report import exports, matrix, page, svg
from lockstep.report.index import Change, Event, Index
from lockstep.report.load import BadBundle, Bundle
from lockstep.report.page import Place
from lockstep.report.verdict import BY_KEY

HERE = Path(__file__).parent
MARKER = ".lockstep-report"
UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True)
class Source:
    """What a report is made of. `index`: None where the bundles are of no LOCKSTEP_HOME (then there is no history)."""

    run: str
    bundles: tuple[Bundle, ...]
    bad: tuple[BadBundle, ...]
    index: Index | None = None


@dataclass(frozen=True)
class Written:
    """`undrawn`: pages that failed, with the reason; the rest of the report is there."""

    index: Path
    matrix: matrix.Matrix
    undrawn: dict[tuple[str, str], str]


@dataclass(frozen=True)
class Job:
    """One page, for a worker process."""

    bundle: Bundle
    place: Place
    folder: Path
    history: tuple[Event, ...]
    related: dict[str, list[tuple[str, str]]]
    title: str


def slug(name: str) -> str:
    """A file name that says the workload; made unlike every other by a hash where characters had to go."""
    plain = UNSAFE.sub("_", name).strip("._")[:60]
    return plain if plain and plain == name else f"{plain or 'w'}-{hashlib.sha256(name.encode('utf-8', 'surrogateescape')).hexdigest()[:8]}"


@functools.cache
def environment() -> jinja2.Environment:
    env = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters["ratio"] = lambda v: "–" if v is None else f"{svg.short_number(v) if v >= 10 else f'{v:.2f}'}×"
    env.filters["thousands"] = lambda v: f"{v:,}"
    env.globals.update(label_of=matrix.label_of, BY_KEY=BY_KEY, seconds=svg.seconds)
    return env


def prepare(out: Path) -> Path:
    """A new folder beside `out`, to be renamed over it. Raises UsageError where `out` is something else than a report."""
    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not (out / MARKER).exists())):
        raise UsageError(f"{out}: exists and is no report; give -o another folder")
    out.parent.mkdir(parents=True, exist_ok=True)
    clear_stale(out)
    temp = out.with_name(f".tmp-{out.name}-{os.getpid()}")
    shutil.rmtree(temp, ignore_errors=True)
    temp.mkdir()
    return temp


def clear_stale(out: Path) -> None:
    """What reports left that were killed while they wrote `out`."""
    for left in out.parent.glob(f".tmp-{glob.escape(out.name)}-*"):
        owner = left.name.removeprefix(f".tmp-{out.name}-").partition("-")[0]
        if owner.isdecimal() and not Path(f"/proc/{owner}").exists():
            shutil.rmtree(left, ignore_errors=True)


def replace(temp: Path, out: Path) -> None:
    old = out.with_name(f".tmp-{out.name}-{os.getpid()}-old")
    if out.exists():
        out.rename(old)
    temp.rename(out)
    shutil.rmtree(old, ignore_errors=True)


def write(source: Source, out: Path, *, workers: int | None = None) -> Written:
    """The report in `out`, which is replaced as a whole. Raises UsageError where nothing can be made, HarnessError where the disk fails."""
    try:
        temp = prepare(out)
    except OSError as e:
        raise UsageError(f"{out}: cannot be made: {e.strerror}; give -o another folder") from e
    try:
        written = write_all(source, temp, workers)
        replace(temp, out)
    except OSError as e:
        raise HarnessError(f"{out}: {e.strerror}: no report was written, what was there is untouched; make room or give -o another folder") from e
    finally:
        shutil.rmtree(temp, ignore_errors=True)
    return Written(out / "index.html", written.matrix, written.undrawn)


def write_all(source: Source, temp: Path, workers: int | None) -> Written:
    single = len(source.bundles) == 1 and not source.bad
    links = page_links(source.bundles, single=single)
    (temp / "assets").mkdir()
    for file in sorted((HERE / "static").iterdir()):
        (temp / "assets" / file.name).write_bytes(file.read_bytes())
    (temp / MARKER).write_text("lockstep.report/1\n")
    undrawn = draw_pages(source, temp, links, single=single, workers=workers)
    changes, before = changes_of(source)
    m = matrix.build(source.run, source.bundles, source.bad, links, changes, before, undrawn)
    if not single:
        render(temp / "index.html", "index.html", m=m, data=[r.data() for r in m.rows], targets=[t.target for t in m.targets], emulated=matrix.emulated(m))
    (temp / "results.jsonl").write_text(exports.json_lines(exports.results(source.bundles, m)))
    (temp / "results.xml").write_bytes(exports.junit(source.bundles, source.bad))
    return Written(temp / "index.html", m, undrawn)


def page_links(bundles: Sequence[Bundle], *, single: bool) -> dict[tuple[str, str], str]:
    """Where each page stands, relative to the report's folder."""
    if single:
        return {(b.workload, b.target): "index.html" for b in bundles}
    return {(b.workload, b.target): f"w/{slug(b.workload)}--{slug(b.target)}.html" for b in bundles}


def changes_of(source: Source) -> tuple[list[Change], str]:
    before = source.index.previous_run(source.run) if source.index else None
    if not source.index or not before:
        return [], ""
    return source.index.changes(source.bundles, before), before


def related_of(bundles: Sequence[Bundle], links: dict[tuple[str, str], str]) -> dict[tuple[str, str], list[tuple[str, str, str]]]:
    """(target, fingerprint) -> (package, workload, file name of the page), of causes."""
    out: dict[tuple[str, str], list[tuple[str, str, str]]] = {}
    for b in bundles:
        for f in b.causes:
            out.setdefault((b.target, f.fingerprint), []).append((b.package, b.workload, Path(links[b.workload, b.target]).name))
    return out


def jobs(source: Source, temp: Path, links: dict[tuple[str, str], str], *, single: bool) -> list[Job]:
    out = []
    related = related_of(source.bundles, links)
    order = [(f"{b.workload} on {b.target}", Path(links[b.workload, b.target]).name) for b in source.bundles]
    for i, b in enumerate(source.bundles):
        before, after = order[i - 1] if i else None, order[i + 1] if i + 1 < len(order) else None
        href = links[b.workload, b.target]
        root = "" if single else "../"
        mine = {f.fingerprint: [(p, h) for p, w, h in related[b.target, f.fingerprint] if w != b.workload] for f in b.causes}
        place = Place(href, root, href.removesuffix(".html") + ".rows" if not single else "rows", "" if single else "../index.html", before, after)
        history = source.index.history(b.workload, b.target, until=b.started) if source.index else []
        out.append(Job(b, place, temp, tuple(history), {k: v for k, v in mine.items() if v}, source.run))
    return out


def draw_pages(source: Source, temp: Path, links: dict[tuple[str, str], str], *, single: bool, workers: int | None) -> dict[tuple[str, str], str]:
    """All pages, on all CPUs. What failed, with its reason."""
    todo = jobs(source, temp, links, single=single)
    if not single:
        (temp / "w").mkdir()
    count = min(workers or os.cpu_count() or 1, len(todo), 8)
    if count <= 1:
        done = [draw(j) for j in todo]
    else:
        try:
            with concurrent.futures.ProcessPoolExecutor(count) as pool:
                done = list(pool.map(draw, todo))
        except concurrent.futures.process.BrokenProcessPool:
            raise HarnessError("report: a process that drew pages was killed (out of memory?); run it again where there is more") from None
    return {(j.bundle.workload, j.bundle.target): why for j, why in zip(todo, done, strict=True) if why}


def draw(job: Job) -> str:
    """One page; "" or why it failed. A bundle that nobody foresaw costs its page, not the report; a full disk costs the report."""
    try:
        p = page.build(job.bundle, job.place, job.folder, list(job.history), job.related)
        render(job.folder / job.place.href, "page.html", p=p, b=p.bundle, root=job.place.root, run=job.title, data=page.script_data(p))
    except OSError:
        raise
    except Exception as e:
        traceback.print_exc(file=sys.stderr)
        return f"its page could not be drawn: {type(e).__name__}: {e}"
    return ""


def render(file: Path, template: str, **values: Any) -> None:
    file.write_text(environment().get_template(template).render(**values), encoding="utf-8", errors="backslashreplace")
