"""Bundles with anything in them: what is right is shown, what is wrong is named, nothing breaks, nothing is executed."""

from __future__ import annotations

import copy
import json
import random
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import report_samples as samples
from hypothesis import given, settings
from hypothesis import strategies as st
from lockstep.report import aligned, curves, svg
from lockstep.report.elfpages import dump
from lockstep.report.load import Bundle, Damaged, load_all, read_bundle
from lockstep.report.procs import tree
from lockstep.report.site import Source, slug, write
from lockstep.report.values import hexadecimal, integer, number, printable, text
from report_tools import report

JUNK: list[Any] = [None, True, -1, 0, 1e308, 10**40, "", "x" * 3000, "0x", "0xffffffffffffffff", "<script>alert(1)</script>", "\udcff\u202e", [], [[]], [None, None], {}, {"a": {"b": []}}, "../../../etc/passwd", "\0"]
FILES = ("bundle.json", "elf.json", "vma.json", "procs.json", "native-1/outcome.json", "target-1/outcome.json")


def bundle(folder: Path, package: str = "prophet", rows: int = 120) -> Path:
    case = next(c for c in samples.cases(("runsc",)) if c.package == package)
    return samples.write_bundle(folder, samples.RUNS[0], case, rows=rows, seed="h")


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON value, some of long lists."""
    out = [path] if path else []
    if isinstance(value, dict):
        for k, v in value.items():
            out += places(v, (*path, k))
    elif isinstance(value, list):
        for i, v in enumerate(value[:3]):
            out += places(v, (*path, i))
    return out


def put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    out = copy.deepcopy(value)
    at = out
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = new
    return out


class Tags(HTMLParser):
    """The tags and attributes of a page, to see that text made none of them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.bad: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        src = names.get("src") or ""
        if tag in ("img", "iframe", "object", "embed", "style") or (tag == "script" and not (src.endswith(("common.js", "matrix.js", "trace.js")) or names.get("type") == "application/json")):
            self.bad.append(tag)
        self.bad += [k for k in names if k.startswith("on") or k == "style"]
        href = names.get("href") or names.get("xlink:href") or ""
        if href.lower().lstrip().startswith(("javascript:", "http:", "https:", "//", "data:")):
            self.bad.append(href)


def drawn(bundles: list[Bundle], out: Path) -> str:
    done = write(Source("run", tuple(bundles), ()), out, workers=1)
    assert done.undrawn == {}
    page = done.index.read_text()
    assert Tags(page).bad == []
    return page


@pytest.mark.parametrize("package", ["prophet", "watchfiles", "h5py"])
def test_any_value_in_any_place(tmp_path: Path, package: str) -> None:
    """Each place of each file takes junk in turn, ten places at a time."""
    folder = bundle(tmp_path / "home", package, rows=8)
    rng = random.Random(package)
    for name in FILES:
        original = (folder / name).read_text()
        value = json.loads(original)
        todo = places(value)
        rng.shuffle(todo)
        for group in [todo[i : i + 10] for i in range(0, min(len(todo), 120), 10)]:
            broken = value
            for path in group:
                try:
                    broken = put(broken, path, rng.choice(JUNK))
                except (TypeError, KeyError, IndexError):
                    continue  # its parent is junk by now
            (folder / name).write_text(json.dumps(broken))
            try:
                drawn([read_bundle(folder)], tmp_path / "out")
            except Damaged:
                assert name == "bundle.json"
        (folder / name).write_text(original)
    original = (folder / "findings.jsonl").read_text()
    finding = json.loads(original.splitlines()[0])
    for path in places(finding):
        (folder / "findings.jsonl").write_text(json.dumps(put(finding, path, rng.choice(JUNK))) + "\n")
        drawn([read_bundle(folder)], tmp_path / "out")


@pytest.mark.parametrize("name", [*FILES, "findings.jsonl", "align.jsonl"])
@pytest.mark.parametrize("damage", ["gone", "empty", "torn", "list", "binary", "deep", "folder"])
def test_each_file_missing_torn_or_foreign(tmp_path: Path, name: str, damage: str) -> None:
    folder = bundle(tmp_path / "home", rows=40)
    file = folder / name
    raw = file.read_bytes()
    file.unlink()
    if damage == "folder":
        file.mkdir()
    elif damage != "gone":
        file.write_bytes({"empty": b"", "torn": raw[: len(raw) // 2], "list": b"[1, 2]\n", "binary": bytes(range(256)) * 8, "deep": b"[" * 100_000}[damage])
    good, bad = load_all([folder])
    if name == "bundle.json":
        assert [b.path for b in bad] == [folder]
        assert bad[0].why.startswith("bundle.json: ")
    else:
        page = drawn(good, tmp_path / "out")
        assert "dies of SIGSEGV on runsc" in page
        told = name in page and "Incomplete" in page
        assert told == (damage != "gone" and not (name == "align.jsonl" and damage == "torn") and not name.endswith("outcome.json")) or name in ("findings.jsonl",) or "outcome" in name


def test_a_bundle_of_a_newer_version_says_so(tmp_path: Path) -> None:
    folder = bundle(tmp_path / "home")
    file = folder / "bundle.json"
    file.write_text(file.read_text().replace("lockstep.bundle/1", "lockstep.bundle/2"))
    _, bad = load_all([folder])
    assert "newer version" in bad[0].why


def test_only_damaged_bundles_still_make_a_report(tmp_path: Path) -> None:
    folder = tmp_path / "home" / "runs" / "r" / "w" / "runsc" / "1"
    folder.mkdir(parents=True)
    (folder / "bundle.json").write_text("nothing")
    done = report(tmp_path / "home", "-o", str(tmp_path / "out"), str(folder))
    assert done.returncode == 0, done.stderr
    assert "not JSON" in (tmp_path / "out" / "index.html").read_text()


def test_runs_cannot_lead_out_of_the_bundle(tmp_path: Path) -> None:
    folder = bundle(tmp_path / "home", rows=8)
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "stdout").write_text("SECRET")
    file = folder / "bundle.json"
    value = json.loads(file.read_text())
    value["shown"] = ["../" * 6 + "secret", "../../../../../../secret"]
    value["runs"] = ["../../../../../../secret"]
    file.write_text(json.dumps(value))
    assert "SECRET" not in drawn([read_bundle(folder)], tmp_path / "out")


def test_workload_names_cannot_lead_out_of_the_report(tmp_path: Path) -> None:
    names = ["../../up", "a/b", "", ".", "..", "a b", "a_b", "ä", "x" * 300, "con", "<b>", "\udcff"]
    slugs = [slug(n) for n in names]
    assert len(set(slugs)) == len(names)
    assert all("/" not in s and s not in (".", "..") and not s.startswith(".") and 0 < len(s) < 80 for s in slugs)


def test_damaged_rows_keep_the_places_of_the_others(tmp_path: Path) -> None:
    folder = bundle(tmp_path / "home", rows=10_000)
    lines = (folder / "align.jsonl").read_bytes().split(b"\n")
    lines[1 + 5000] = b'[0, 1, 2, "a", "b"]'
    lines[1 + 6000] = b"{]"
    lines[1 + 7000] = b'[0, 1, 2, "a", "b", "??"]'
    (folder / "align.jsonl").write_bytes(b"\n".join(lines))
    out = aligned.write_chunks(read_bundle(folder), tmp_path / "rows")
    assert out.rows == 10_000
    rows = aligned.read_chunk(tmp_path / "rows" / "rows-1.js")
    assert len(rows) == aligned.CHUNK
    assert json.loads(lines[1 + 4100])[1] == rows[4][1]


def test_chunks_hold_every_row_in_order(tmp_path: Path) -> None:
    folder = bundle(tmp_path / "home", "h5py", rows=9000)
    expected = [json.loads(line) for line in (folder / "align.jsonl").read_text().splitlines()[1:]]
    out = aligned.write_chunks(read_bundle(folder), tmp_path / "rows")
    found = [r for k in range(out.chunks) for r in aligned.read_chunk(tmp_path / "rows" / f"rows-{k}.js")]
    assert [[*r[:4], r[3] if r[4] == 0 else r[4], r[5]] for r in found] == expected
    assert out.first == 4500
    differing = [i for i, r in enumerate(expected) if r[5] != "="]
    assert [i for start, n, _ in out.runs for i in range(start, start + n)] == differing


def test_chunks_are_scripts_that_only_hand_over_text(tmp_path: Path) -> None:
    folder = bundle(tmp_path / "home", rows=100)
    aligned.write_chunks(read_bundle(folder), tmp_path / "rows")
    for file in (tmp_path / "rows").iterdir():
        head, packed, tail = file.read_text().split('"')
        assert head.startswith("lockstepRows(")
        assert tail == ")\n"
        assert set(packed) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")


def test_cycles_of_parents_end() -> None:
    rows = [{"id": "a", "parent": "b"}, {"id": "b", "parent": "a"}, {"id": "c", "parent": "c"}, {"id": "d", "parent": "gone"}]
    assert sorted(p.ident for p in tree(rows)) == ["a", "b", "c", "d"]


json_values = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda v: st.lists(v) | st.dictionaries(st.text(), v), max_leaves=8)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(json_values)
def test_values_never_raise(value: Any) -> None:
    shown = text(value)
    assert printable(shown) == shown
    shown.encode("utf-8")
    for f in (number, integer, hexadecimal):
        f(value)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.floats(0, 1e12), st.floats(0, 1e6)), max_size=3000))
def test_thinning_keeps_the_peaks(points: list[tuple[float, float]]) -> None:
    points = sorted(points)
    thin = svg.thinned(points, 50)
    assert len(thin) <= max(102, min(len(points), 102))
    if points:
        assert max(v for _, v in thin) == max(v for _, v in points)
        assert min(v for _, v in thin) == min(v for _, v in points)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 2**48), st.binary(max_size=300), st.binary(max_size=300))
def test_a_dump_shows_every_byte_that_differs(address: int, native: bytes, target: bytes) -> None:
    shown = sum(c.tone == "differs" for line in dump(address, native, target) for c in line.native)
    assert shown == sum(a != b for a, b in zip(native, target, strict=False))


def test_curves_far_below_the_limit_show_it_all_the_same(tmp_path: Path) -> None:
    chart = curves.chart(read_bundle(bundle(tmp_path / "home", "h5py", rows=0)))
    assert chart
    assert not chart.log
    assert "65,530 (axis broken)" in chart.drawing
