"""What the report's tests share: `lockstep report` as a user starts it."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

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
