"""One sample home and one report of it for all tests that only read."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import samples
from browser import Browser, opened

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Made:
    """A report and the run of the command that wrote it."""

    home: Path
    out: Path
    done: subprocess.CompletedProcess[str]


def report(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """`lockstep report`, as users start it but for the C program before it."""
    env = os.environ | {"LOCKSTEP_HOME": str(home), "PYTHONPATH": f"{ROOT}/common:{ROOT}/reports"}
    return subprocess.run(
        [sys.executable, "-m", "lockstep.report", *words], env=env, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """28 packages on two targets; prophet's traces have 10^5 rows."""
    base = tmp_path_factory.mktemp("report")
    home = samples.sample_home(base / "home", rows=200, long_rows=100_000)
    out = base / "out"
    done = report(home, "-o", str(out))
    assert done.returncode == 0, done.stderr
    return Made(home, out, done)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with opened() as browser:
        yield browser
