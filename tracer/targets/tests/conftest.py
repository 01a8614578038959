"""What the tests of targets share."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from lockstep.base.testing import EXE, REPO, Lockstep


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder below /tmp that everybody may enter (pytest's own are root's alone)."""
    path = Path(tempfile.mkdtemp(prefix="lockstep-test-"))
    path.chmod(0o755)
    work = path / "work"
    work.mkdir()
    yield work
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def lockstep(folder: Path) -> Lockstep:
    return Lockstep(EXE, folder)


@pytest.fixture
def user_lockstep(folder: Path) -> Lockstep:
    """As a user without rights. The checkout may be root's alone, so the program is copied out of it."""
    if os.geteuid() != 0:
        return Lockstep(EXE, folder)
    place = folder.parent / "lib"
    (place / "python/tracer").mkdir(parents=True)
    for name in ("lockstep", "lockstep-exec", "lockstep-record"):
        if (EXE.parent / name).exists():
            shutil.copy(EXE.parent / name, place / name)
    shutil.copytree(REPO / "tracer/targets", place / "python/tracer/targets", ignore=shutil.ignore_patterns("tests", "*.c", "*.h"))
    for path in (folder, folder.parent):
        os.chown(path, 65534, 65534)
    drop = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    return Lockstep(place / "lockstep", folder, drop)
