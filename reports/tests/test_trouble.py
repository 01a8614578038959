"""A full disk, a killed report, a real comparison: what is there stays whole, and the status says what happened."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import report_samples as samples
from lockstep.report.load import read_bundle
from report_tools import ROOT, report

FEW = ("numpy", "h5py", "prophet")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return samples.sample_home(tmp_path / "home", rows=400, history=False, damaged=False, packages=FEW)


def limited(home: Path, size: int, *words: str) -> subprocess.CompletedProcess[str]:
    """`lockstep report` where no file can grow beyond `size` bytes: writers see what a full disk gives."""
    env = os.environ | {"LOCKSTEP_HOME": str(home), "PYTHONPATH": f"{ROOT}/common:{ROOT}/reports"}
    command = ["prlimit", f"--fsize={size}", sys.executable, "-m", "lockstep.report", *words]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("size", [0, 5000, 30_000])
def test_a_full_disk_costs_the_new_report_not_the_old(home: Path, tmp_path: Path, size: int) -> None:
    out = tmp_path / "out"
    assert report(home, "-o", str(out)).returncode == 0
    before = {p: p.read_bytes() for p in out.rglob("*") if p.is_file()}
    (home / "index.sqlite").unlink()
    done = limited(home, size, "-o", str(out))
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stderr
    assert f"{out}: File too large: no report was written" in done.stderr
    assert done.stdout == ""
    assert {p: p.read_bytes() for p in out.rglob("*") if p.is_file()} == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["home", "out"]


def test_a_place_that_cannot_be_is_wrong_use(home: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    done = report(home, "-o", str(tmp_path / "file" / "below"))
    assert done.returncode == 2
    assert "give -o another folder" in done.stderr


def test_what_a_killed_report_left_is_cleared(home: Path, tmp_path: Path) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    stale, other = tmp_path / f".tmp-out-{gone.pid}", tmp_path / f".tmp-out-{os.getpid()}"
    for folder in (stale, other):
        folder.mkdir()
        (folder / "index.html").write_text("half")
    assert report(home, "-o", str(tmp_path / "out")).returncode == 0
    assert not stale.exists()
    assert other.exists()


def test_a_real_comparison_is_read_whole(tmp_path: Path) -> None:
    """Not a sample: what `lockstep diff` writes today."""
    exe = os.environ.get("LOCKSTEP_EXE") or str(ROOT / "build" / "lockstep")
    env = os.environ | {"LOCKSTEP_HOME": str(tmp_path / "home"), "LOCKSTEP_CACHE": str(tmp_path / "cache")}
    folder = tmp_path / "home" / "runs" / "r" / "sh" / "native" / "1"
    words = ["diff", "--target", "native", "--no-learn", "--runs", "2", "--target-runs", "1", "--bundle", str(folder)]
    command = [exe, *words, "--", "/bin/sh", "-c", "echo hello; /bin/true; exit 3"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert read_bundle(folder).notes == ()
    made = subprocess.run([exe, "report", "-o", str(tmp_path / "out"), str(folder)], env=env, capture_output=True, text=True, timeout=60, check=False)
    assert made.returncode == 0, made.stderr
    page = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", (tmp_path / "out" / "index.html").read_text()))
    assert "Incomplete" not in page
    assert "exit 3 and exit 3" in page
    assert "hello" in page
    assert 'id="processes"' in (tmp_path / "out" / "index.html").read_text()
    rows = json.loads(re.search(r'id="trace-data">([^<]+)<', (tmp_path / "out" / "index.html").read_text())[1])["rows"]  # type: ignore[index]
    assert rows > 20
