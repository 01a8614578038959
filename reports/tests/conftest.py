"""One sample home and one report of it for all tests that only read."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import report_samples as samples
from report_browser import Browser, opened
from report_tools import Made, report


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
