"""The index: made from bundles alone, again at any time; history in transitions."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
import report_samples as samples
from lockstep.report.index import FILE, Index
from lockstep.report.load import load_all, newest_attempts
from lockstep.report.verdict import headline, state_of


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return samples.sample_home(tmp_path / "home", rows=0, packages=("numpy", "h5py", "watchfiles", "orjson"))


def refreshed(home: Path) -> Index:
    index = Index(home)
    index.refresh()
    return index


def dump(index: Index) -> list[str]:
    return [str(row) for table in ("bundle", "finding", "damaged") for row in index.db.execute(f"select * from {table} order by 1, 2")]


def test_runs_newest_first(home: Path) -> None:
    assert refreshed(home).runs() == list(reversed(samples.RUNS))


def test_history_has_transitions_only(home: Path) -> None:
    index = refreshed(home)
    assert [(e.run, e.state) for e in index.history("h5py", "runsc", until=9e9)] == [(samples.RUNS[0], "same"), (samples.RUNS[1], "fails")]
    assert [e.state for e in index.history("numpy", "runsc", until=9e9)] == ["same"]
    assert [e.state for e in index.history("orjson", "runsc", until=9e9)] == ["fails", "same"]


def test_history_ends_with_the_run_that_is_shown(home: Path) -> None:
    until = 1_795_400_000.0
    assert [e.state for e in refreshed(home).history("h5py", "runsc", until=until)] == ["same"]


def test_changes_against_the_run_before(home: Path) -> None:
    index = refreshed(home)
    good, _ = load_all(index.folders(samples.RUNS[1]))
    before = index.previous_run(samples.RUNS[1])
    assert before == samples.RUNS[0]
    changes = {(c.workload, c.word) for c in index.changes(newest_attempts(good), before)}
    assert changes == {("h5py", "regressed"), ("watchfiles", "regressed")}


def test_what_is_no_longer_run_is_gone(home: Path) -> None:
    index = refreshed(home)
    good, _ = load_all(index.folders(samples.RUNS[2]))
    left = [b for b in newest_attempts(good) if b.package != "numpy"]
    assert ("numpy", "gone") in {(c.workload, c.word) for c in index.changes(left, samples.RUNS[1])}


def test_rebuilt_from_bundles_it_is_the_same(home: Path) -> None:
    first = refreshed(home)
    rows = dump(first)
    first.close()
    (home / FILE).unlink()
    assert dump(refreshed(home)) == rows
    assert len(rows) > 50


@pytest.mark.parametrize("damage", [b"not a database at all, but long enough to be read as a header......", b"", "future"])
def test_a_damaged_or_foreign_index_is_made_anew(home: Path, damage: bytes | str) -> None:
    first = refreshed(home)
    rows = dump(first)
    first.close()
    if damage == "future":
        with sqlite3.connect(home / FILE) as db:
            db.execute("pragma user_version = 99")
    else:
        assert isinstance(damage, bytes)
        (home / FILE).write_bytes(damage)
    again = refreshed(home)
    assert again.warning == ""
    assert dump(again) == rows


def test_new_replaced_and_removed_bundles_are_noticed(home: Path) -> None:
    index = refreshed(home)
    folder = home / "runs" / samples.RUNS[2] / "numpy" / "runsc" / "1"
    text = (folder / "bundle.json").read_text()
    (folder / "bundle.json").write_text(text.replace('"outcome": "pass"', '"outcome": "crash"').replace("same-pass", "emulator-only"))
    index.refresh()
    assert index.history("numpy", "runsc", until=9e9)[-1].state == "crashes"
    for file in sorted(folder.rglob("*"), reverse=True):
        file.rmdir() if file.is_dir() else file.unlink()
    folder.rmdir()
    index.refresh()
    assert [e.state for e in index.history("numpy", "runsc", until=9e9)] == ["same"]


def test_what_is_under_construction_is_no_bundle(home: Path) -> None:
    index = refreshed(home)
    before = len(dump(index))
    temp = home / "runs" / samples.RUNS[2] / "new" / "runsc" / ".tmp-1"
    temp.mkdir(parents=True)
    (temp / "bundle.json").write_text("{")
    index.refresh()
    assert len(dump(index)) == before


def test_damaged_bundles_belong_to_their_run(home: Path) -> None:
    index = refreshed(home)
    assert any(f.parts[-3] == "torn" for f in index.folders(samples.RUNS[2]))
    assert not any(f.parts[-3] == "torn" for f in index.folders(samples.RUNS[1]))


def test_a_folder_that_cannot_be_written_costs_the_index_not_the_report(tmp_path: Path) -> None:
    blocked = tmp_path / "home"
    blocked.write_text("a file where a folder should be")
    index = Index(blocked)
    index.refresh()
    assert index.runs() == []
    assert "kept in memory" in index.warning


def test_the_last_attempt_stands_for_a_workload(tmp_path: Path) -> None:
    home = tmp_path / "home"
    case = samples.Case("numpy", "numpy", "runsc", outcome="crash", comparison="emulator-only")
    first = samples.write_bundle(home, samples.RUNS[0], case, rows=0, seed="a")
    second = samples.write_bundle(tmp_path / "other", samples.RUNS[0], samples.Case("numpy", "numpy", "runsc"), rows=0, seed="a")
    second.rename(first.with_name("2"))
    file = first.with_name("2") / "bundle.json"
    file.write_text(file.read_text().replace('"attempt": 1', '"attempt": 2'))
    index = refreshed(home)
    good, _ = load_all(index.folders(samples.RUNS[0]))
    assert [b.attempt for b in newest_attempts(good)] == [2]
    assert [e.state for e in index.history("numpy", "runsc", until=9e9)] == ["same"]


def rewritten(home: Path, run: str, workload: str, **new: object) -> None:
    file = home / "runs" / run / workload / "runsc" / "1" / "bundle.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | new))


def test_what_changed_does_not_hide_what_it_is(home: Path) -> None:
    rewritten(home, samples.RUNS[2], "h5py", comparison="regressed", own_comparison="emulator-only")
    rewritten(home, samples.RUNS[2], "numpy", comparison="fixed", own_comparison="same-fail", outcome="fail")
    rewritten(home, samples.RUNS[2], "orjson", comparison="gone", outcome="skip")
    rewritten(home, samples.RUNS[2], "watchfiles", comparison=None, harness_error="no room")
    index = refreshed(home)
    good, _ = load_all(index.folders(samples.RUNS[2]))
    runsc = [b for b in newest_attempts(good) if b.target == "runsc"]
    assert {b.workload: state_of(b).key for b in runsc} == {"h5py": "fails", "numpy": "same-fail", "orjson": "gone", "watchfiles": "harness-error"}
    assert headline("runsc", runsc).text == "1 of 3 packages behaves as on Linux; 1 fails only on runsc, 1 could not be judged."
    words = {(c.workload, c.word) for c in index.changes(runsc, samples.RUNS[1])}
    assert words == {("numpy", "changed"), ("orjson", "gone")}
