"""What tests of more than one folder share: running lockstep, looking for processes, the schemas."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import jsonschema

REPO = Path(__file__).resolve().parents[3]
EXE = Path(os.environ.get("LOCKSTEP_EXE") or REPO / "build/lockstep")
LIMIT = 60  # seconds, for any one command


class Lockstep:
    """Runs `lockstep`, from a working folder of the test's own."""

    def __init__(self, exe: Path, cwd: Path, prefix: tuple[str, ...] = (), env: dict[str, str] | None = None) -> None:
        self.exe, self.cwd, self.prefix = exe, cwd, prefix
        self.env = {"PATH": os.environ["PATH"], "HOME": str(cwd), **(env or {})}

    def words(self, *args: str) -> list[str]:
        return [*self.prefix, str(self.exe), *args]

    def __call__(self, *args: str, stdin: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
        feed: dict[str, Any] = {"input": stdin} if stdin is not None else {"stdin": subprocess.DEVNULL}
        return subprocess.run(self.words(*args), cwd=self.cwd, env=self.env, capture_output=True, timeout=LIMIT, check=False, **feed)

    def start(self, *args: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self.words(*args), cwd=self.cwd, env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def outcome(self, *args: str) -> dict[str, Any]:
        """The outcome of an unrecorded run; held to its schema."""
        file = self.cwd.parent / "outcome.json"
        file.unlink(missing_ok=True)
        done = self("trace", "--no-record", "--quiet", "--outcome", str(file), *args)
        assert file.exists(), done.stderr.decode()
        return check_schema(json.loads(file.read_text()))


def check_schema(obj: dict[str, Any]) -> dict[str, Any]:
    name = obj["schema"].removeprefix("lockstep.").split("/")[0]
    schema = json.loads((REPO / f"docs/schemas/{name}.json").read_text())
    jsonschema.validate(obj, schema)
    return obj


def processes_with(word: str) -> list[str]:
    """Command lines of running processes in which the word stands."""
    found = []
    for p in Path("/proc").iterdir():
        if p.name.isdigit() and int(p.name) != os.getpid():
            try:
                line = (p / "cmdline").read_bytes()
            except OSError:
                continue
            if word.encode() in line:
                found.append(line.replace(b"\0", b" ").decode(errors="replace"))
    return found


def none_left(word: str, within_s: float = 5) -> bool:
    """True once no process has the word in its command line."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        if not processes_with(word):
            return True
        time.sleep(0.05)
    return False
