"""The benches measure what they say: small runs of each, held to the schema. How fast things are is no test: `make bench`."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from lockstep.base.testing import REPO, check_schema

BUILD = Path(os.environ.get("LOCKSTEP_BUILD") or REPO / "build/plain")
BENCH = REPO / "workloads/bench"


@pytest.fixture(scope="module")
def measure() -> Iterator[ModuleType]:
    sys.path.insert(0, str(BENCH))
    yield importlib.import_module("measure")
    sys.path.remove(str(BENCH))


def bench(*words: str) -> tuple[int, list[dict[str, Any]]]:
    done = subprocess.run(
        [sys.executable, BENCH / "bench.py", BUILD, "--json", *words], stdin=subprocess.DEVNULL, capture_output=True, timeout=120, check=False
    )
    assert done.returncode in (0, 1), done.stderr.decode()
    rows = [check_schema(json.loads(line)) for line in done.stdout.splitlines()]
    assert (done.returncode == 0) == all(r["ok"] for r in rows)
    return done.returncode, rows


def test_recording_is_measured_in_all_modes() -> None:
    _, (row,) = bench("--rounds", "2", "gcc hello")
    modes = {"native", "record", "trace", "strace pinned", "strace"}
    assert set(row["seconds"]) == modes and set(row["ratios"]) == modes - {"native"}
    assert row["values"]["events"] > 500, "gcc starts four programs"
    assert 0 < row["values"]["bytes_an_event"] < 100
    for spread in [*row["seconds"].values(), *row["ratios"].values()]:
        assert 0 < spread["min"] <= spread["median"] <= spread["max"]


def test_the_planted_difference_is_found_among_many_edits() -> None:
    _, (row,) = bench("--only", "compare", "--rounds", "1", "--events", "200000")
    assert row["kind"] == "compare" and row["values"]["events"] == 200000
    assert row["values"]["peak_rss_mib"] > 1


def test_a_report_is_drawn() -> None:
    _, (row,) = bench("--only", "report", "--rounds", "1", "--rows", "50")
    assert row["values"]["bundles"] >= 56, "28 packages on two targets"
    assert row["values"]["size_mib"] > 0.1


def test_made_traces_are_the_same_each_time(tmp_path: Path) -> None:
    for name, edits in (("a", []), ("b", []), ("c", ["100"])):
        subprocess.run([BUILD / "make-trace", tmp_path / name, "100000", *edits], check=True, timeout=60)
    a, b, c = ((tmp_path / n).read_bytes() for n in "abc")
    assert a == b != c


def test_a_limit_that_is_missed_is_said(measure: ModuleType) -> None:
    row = measure.Result("record", "x", 1, limits=[measure.Limit("fast", 2.0, 1.5), measure.Limit("small", 1.0, 1.5)])
    assert not row.ok and row.verdict() == "fast 2.00 > 1.5"
    assert [x["ok"] for x in row.json()["limits"]] == [False, True]


def test_what_fails_gives_no_number(measure: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(measure.BenchError, match="status 3: why"):
        measure.run(["sh", "-c", "echo why >&2; exit 3"], tmp_path)


def test_peak_memory_is_the_child_s(measure: ModuleType, tmp_path: Path) -> None:
    cost = measure.run([sys.executable, "-c", "b = b'x' * (200 << 20)"], tmp_path)
    assert 200 << 10 <= cost.peak_rss_kib < 400 << 10


@pytest.mark.parametrize("words", [[str(BUILD), "no such program"], ["/no/such/build"]])
def test_wrong_use(words: list[str]) -> None:
    done = subprocess.run([sys.executable, BENCH / "bench.py", *words], cwd=REPO, capture_output=True, timeout=60, check=False)
    assert done.returncode == 2 and done.stderr
