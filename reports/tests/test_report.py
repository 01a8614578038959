"""The command: what it writes, prints and refuses."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import report_samples as samples
from jsonschema import Draft202012Validator
from report_browser import BrowserError, find_chromium
from report_tools import ROOT, Made, report

SCHEMAS = ROOT / "docs" / "schemas"


def lines(file: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def schema(name: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads((SCHEMAS / name).read_text()))


def test_last_line_is_the_path_of_the_index(made: Made) -> None:
    last = made.done.stdout.splitlines()[-1]
    assert last == str(made.out / "index.html")
    assert Path(last).is_file()


def test_headline_counts_packages_not_findings(made: Made) -> None:
    expected = "18 of 28 packages behave as on Linux; 1 crashes, 1 hangs, 5 fail and 1 answers otherwise only on runsc, 1 is flaky, 1 could not be judged."
    assert expected in made.done.stderr
    page = re.sub(r"<[^>]+>", "", (made.out / "index.html").read_text())
    assert expected in page


def test_a_page_for_each_workload_and_target(made: Made) -> None:
    index = (made.out / "index.html").read_text()
    pages = {p.name for p in (made.out / "w").glob("*.html")}
    assert len(pages) == 29 * 2
    assert {href.removeprefix("w/") for href in re.findall(r'href="(w/[^"#]+)"', index)} <= pages
    for page in (made.out / "w").glob("*.html"):
        for href in re.findall(r'(?:href|src)="([^"#:]+)"', page.read_text()):
            assert (page.parent / href).exists(), f"{page.name} leads to {href}"


def test_same_bundles_same_bytes(tmp_path: Path) -> None:
    home = samples.sample_home(tmp_path / "home", packages=("prophet", "h5py", "pandas", "lxml", "watchfiles"))
    first, again = tmp_path / "first", tmp_path / "again"
    assert report(home, "-o", str(first)).returncode == 0
    (home / "index.sqlite").unlink()
    assert report(home, "-o", str(again)).returncode == 0
    files = sorted(p.relative_to(first) for p in first.rglob("*") if p.is_file())
    assert len(files) > 20
    assert files == sorted(p.relative_to(again) for p in again.rglob("*") if p.is_file())
    assert [f for f in files if (first / f).read_bytes() != (again / f).read_bytes()] == []


def test_harness_errors_and_damaged_bundles_are_listed_apart(made: Made) -> None:
    index = (made.out / "index.html").read_text()
    broken = index[index.index('id="broken"') :]
    assert "no space left on device" in broken
    assert "torn/runsc/1" in broken
    assert "not JSON" in broken


def test_same_cause_is_grouped_over_packages(made: Made) -> None:
    index = (made.out / "index.html").read_text()
    assert "same cause in 3 packages" in index
    page = (made.out / "w" / "h5py--runsc.html").read_text()
    assert re.search(r"Same cause in .*filelock.*joblib", page)


def test_habits_are_listed_once_and_apart(made: Made) -> None:
    index = (made.out / "index.html").read_text()
    assert index.count("Habits of runsc") == 1
    assert index.index("Habits of runsc") > index.index('id="matrix"')
    assert "rseq" not in index[: index.index("Habits of runsc")].split('id="matrix-data"')[0]


def test_nothing_is_loaded_from_elsewhere(made: Made) -> None:
    for file in made.out.rglob("*"):
        if file.suffix in (".html", ".css", ".js"):
            text = re.sub(r'xmlns="[^"]+"|"http://www.w3.org/2000/svg"', "", file.read_text())
            assert not re.search(r'(?:src|href)="(?:https?:)?//|@import|url\(\s*["\']?(?:https?:)?//|\bfetch\(|XMLHttpRequest', text), file


def test_hostile_text_is_text(made: Made) -> None:
    for name in ("index.html", "w/pillow--runsc.html"):
        page = (made.out / name).read_text()
        assert "<script>window" not in page
        assert "<img src=x" not in page
        assert "window.hacked" in page
    page = (made.out / "w" / "pillow--runsc.html").read_text()
    assert "\\xff" in page
    assert "\x1b" not in page
    assert "{{ 7*7 }}" in page


def test_prophet_says_its_cause_and_both_proofs(made: Made) -> None:
    page = re.sub(r"<[^>]+>", " ", (made.out / "w" / "prophet--runsc.html").read_text())
    page = re.sub(r"\s+", " ", page)
    for words in ("Ends with exit 0 natively; dies of SIGSEGV on runsc.", "prophet_model.bin: 484 bytes at 0x4041a0", "both ways", "goes runsc’s way: SIGSEGV", "goes Linux’s way: exit 0", "DYNAMIC", "0x404000", "lockstep repro"):
        assert words in page, words


def test_results_lines_follow_their_schema(made: Made) -> None:
    rows = lines(made.out / "results.jsonl")
    assert len(rows) == 29 * 2
    check = schema("result.json")
    for row in rows:
        check.validate(row)
        assert (made.out / str(row["page"])).is_file()


def test_json_output_follows_its_schema(made: Made, tmp_path: Path) -> None:
    done = report(made.home, "--json", "-q", "--run", samples.RUNS[1], "-o", str(tmp_path / "out"))
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    schema("report.json").validate(rows[-1])
    for row in rows[:-1]:
        schema("result.json").validate(row)
    assert rows[-1]["index"] == str(tmp_path / "out" / "index.html")
    assert "prophet" in rows[-1]["differing"]


def test_junit_has_a_case_a_workload(made: Made) -> None:
    root = ET.parse(made.out / "results.xml").getroot()
    suites = {s.get("name"): s for s in root}
    runsc = suites["runsc"]
    assert (runsc.get("tests"), runsc.get("failures"), runsc.get("errors")) == ("29", "9", "1")
    failed = {c.get("name") for c in runsc if c.find("failure") is not None}
    assert {"prophet", "watchfiles", "uvloop"} <= failed
    assert "cython" not in failed
    assert suites["harness"].get("errors") == "1"


def test_one_bundle_is_one_page(made: Made, tmp_path: Path) -> None:
    bundle = made.home / "runs" / samples.RUNS[2] / "prophet" / "runsc" / "1"
    done = report(made.home, "-o", str(tmp_path / "one"), str(bundle))
    assert done.returncode == 0, done.stderr
    page = Path(done.stdout.splitlines()[-1])
    assert page == tmp_path / "one" / "index.html"
    assert "dies of SIGSEGV on runsc" in page.read_text()
    assert (tmp_path / "one" / "rows" / "rows-0.js").is_file()
    assert not (tmp_path / "one" / "w").exists()


def test_bundles_without_a_home(made: Made, tmp_path: Path) -> None:
    run = made.home / "runs" / samples.RUNS[1]
    done = report(tmp_path / "empty", "-o", str(tmp_path / "out"), str(run))
    assert done.returncode == 0, done.stderr
    assert "of 28 packages" in done.stderr


def test_another_run_by_name(made: Made, tmp_path: Path) -> None:
    done = report(made.home, "--run", samples.RUNS[1], "-o", str(tmp_path / "out"))
    assert done.returncode == 0
    assert samples.RUNS[1] in (tmp_path / "out" / "index.html").read_text()


def test_bad_input_is_said_and_refused(made: Made, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("not a report")
    for words, says in (
        (["--run", "nope"], "no such run"),
        ([str(tmp_path / "nowhere")], "no such folder"),
        ([str(tmp_path)], "no bundle"),
        (["--run", "a", str(tmp_path)], "not both"),
        (["-o", str(tmp_path / "full")], "exists and is no report"),
    ):
        done = report(made.home, *words)
        assert done.returncode == 2, words
        assert says in done.stderr
        assert done.stdout == ""
    assert (tmp_path / "full" / "thesis.txt").read_text() == "not a report"


def test_no_results_yet(tmp_path: Path) -> None:
    done = report(tmp_path / "none")
    assert done.returncode == 2
    assert "lockstep diff" in done.stderr


def test_a_report_is_replaced_as_a_whole(made: Made, tmp_path: Path) -> None:
    out = tmp_path / "out"
    bundle = made.home / "runs" / samples.RUNS[1] / "numpy" / "runsc" / "1"
    assert report(made.home, "-o", str(out), str(bundle)).returncode == 0
    (out / "left-over").write_text("x")
    assert report(made.home, "-o", str(out), str(bundle)).returncode == 0
    assert not (out / "left-over").exists()
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_without_chromium_the_browser_tests_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(BrowserError, match="apt-get install chromium"):
        find_chromium()
