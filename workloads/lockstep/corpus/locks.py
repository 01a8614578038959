"""Lock files: every package of an environment with its version and hashes, in pip's own requirements format.

They say nothing of where a package comes from: that is pip's configuration. A lock is for one Python version and machine, which its
first comment names, because its hashes are those of the wheels that fit there.
"""

from __future__ import annotations

import json
import platform
import re
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lockstep.base.errors import HarnessError, UsageError
from lockstep.base.processes import die_with_parent
from lockstep.corpus.atomic import write_text

RESOLVE_LIMIT_S = 900
LINE = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)==([A-Za-z0-9.!+_-]+)((?:\s+--hash=sha256:[0-9a-f]{64})+)")
HEADER = re.compile(r"# lockstep lock: python (\d+\.\d+), (\S+)")


@dataclass(frozen=True)
class Lock:
    """A lock file that was read and checked. `pins` is {normal name: version}."""

    file: Path
    python: str
    machine: str
    pins: dict[str, str]
    text: str


def normal(name: str) -> str:
    """The name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def read(file: Path) -> Lock:
    """UsageError names the line that is not NAME==VERSION with hashes."""
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as e:
        raise UsageError(f"{file}: cannot be read: {e.strerror}; `lockstep corpus lock {file.stem}` makes it") from e
    except UnicodeDecodeError as e:
        raise UsageError(f"{file}: not UTF-8: not a lock file") from e
    header = HEADER.match(text)
    if not header:
        raise UsageError(f"{file}:1: does not begin with '# lockstep lock: python X.Y, MACHINE'; make it anew with `lockstep corpus lock {file.stem}`")
    pins: dict[str, str] = {}
    for number, line in _logical_lines(text):
        match = LINE.fullmatch(line)
        if not match:
            raise UsageError(f"{file}:{number}: must be NAME==VERSION --hash=sha256:..., not {line[:60]!r}")
        if normal(match[1]) in pins:
            raise UsageError(f"{file}:{number}: {match[1]} is locked twice")
        pins[normal(match[1])] = match[2]
    if not pins:
        raise UsageError(f"{file}: locks no package")
    return Lock(file, header[1], header[2], pins, text)


def _logical_lines(text: str) -> list[tuple[int, str]]:
    out: list[tuple[int, str]] = []
    pending = ""
    for number, line in enumerate(text.splitlines(), 1):
        line = "" if line.lstrip().startswith("#") else line.strip()
        pending += line.removesuffix("\\").rstrip() + " "
        if not line.endswith("\\"):
            if pending.strip():
                out.append((number, pending.strip()))
            pending = ""
    if pending.strip():
        out.append((text.count("\n") + 1, pending.strip()))
    return out


def resolve(requirements: Sequence[str], pip: Sequence[str], options: Sequence[str] = ()) -> list[dict[str, Any]]:
    """What pip would install, as its report says it. UsageError where the requirements cannot be met."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        cmd = [*pip, "install", "--dry-run", "--ignore-installed", "--quiet", "--no-input", "--report", str(report), *options, "--", *requirements]
        try:
            done = subprocess.run(cmd, capture_output=True, stdin=subprocess.DEVNULL, timeout=RESOLVE_LIMIT_S, check=False, preexec_fn=die_with_parent())
        except subprocess.TimeoutExpired as e:
            raise HarnessError(f"pip did not resolve {' '.join(requirements)} within {RESOLVE_LIMIT_S} s; is the index reachable?") from e
        if done.returncode != 0:
            said = done.stderr.decode(errors="replace").strip().splitlines()
            reason = next((line for line in said if line.startswith("ERROR")), said[-1] if said else "no word from pip")
            raise UsageError(f"{' '.join(requirements)}: pip cannot resolve this: {reason.removeprefix('ERROR: ')}")
        items: list[dict[str, Any]] = json.loads(report.read_text())["install"]
        return items


def lock_text(items: Sequence[dict[str, Any]], python: str) -> str:
    """The lock file of a pip report."""
    lines = [f"# lockstep lock: python {python}, {platform.machine()}", "# made by `lockstep corpus lock`; do not edit by hand"]
    for item in sorted(items, key=lambda i: normal(i["metadata"]["name"])):
        info = item["download_info"].get("archive_info", {})
        digest = info.get("hashes", {}).get("sha256") or info.get("hash", "").removeprefix("sha256=")
        name = normal(item["metadata"]["name"])
        if not re.fullmatch(r"[0-9a-f]{64}", digest):
            raise UsageError(f"{name}: has no SHA-256 (a folder or a version control address?); only wheels and archives can be locked")
        lines.append(f"{name}=={item['metadata']['version']} \\\n    --hash=sha256:{digest}")
    return "\n".join(lines) + "\n"


def make(file: Path, requirements: Sequence[str], pip: Sequence[str], python: str, options: Sequence[str] = ()) -> Lock:
    """Resolves and writes `file`."""
    write_text(file, lock_text(resolve(requirements, pip, options), python))
    return read(file)
