"""`lockstep corpus add`: any package from the index becomes a workload: locked, installed, probed natively, with a starter driver."""

from __future__ import annotations

import json
import pprint
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lockstep.base.errors import HarnessError, UsageError
from lockstep.base.processes import die_with_parent
from lockstep.corpus import envs, locks
from lockstep.corpus.atomic import write_text
from lockstep.corpus.compare import last_words, lockstep_exe
from lockstep.corpus.manifest import NAME, Corpus, Workload, driver_name, shipped_folder

REQUIREMENT = re.compile(r"([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)(\[[A-Za-z0-9._, -]*\])?\s*((?:[<>=!~]=?|===)[^;#]*)?(;[^#]*)?")
PROBE_LIMIT_S = 600
HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Wanted:
    """One package that was asked for; `text` is the requirement as pip reads it."""

    name: str
    text: str


def parse_requirement(text: str, where: str) -> Wanted:
    match = REQUIREMENT.fullmatch(text.strip())
    if not match:
        raise UsageError(f"{where}: {text.strip()!r} is not NAME, NAME==VERSION or another requirement by name; addresses and folders cannot be locked")
    return Wanted(locks.normal(match[1]), text.strip())


def read_requirements(file: Path) -> list[Wanted]:
    """A requirements file of names; options and other files in it are refused with their line."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as e:
        raise UsageError(f"{file}: cannot be read: {e}") from e
    found: dict[str, Wanted] = {}
    for number, line in enumerate(lines, 1):
        text = re.sub(r"(^|\s)#.*", "", line).strip()
        if not text:
            continue
        if text.startswith("-"):
            raise UsageError(f"{file}:{number}: {text.split()[0]}: options do not belong here; configure pip itself, or write the names into this file")
        wanted = parse_requirement(text, f"{file}:{number}")
        if wanted.name in found:
            raise UsageError(f"{file}:{number}: {wanted.name} is named twice")
        found[wanted.name] = wanted
    if not found:
        raise UsageError(f"{file}: names no package")
    return list(found.values())


@dataclass(frozen=True)
class Adder:
    """Where the new workloads go, and how pip is to be called."""

    folder: Path
    replace: bool = False
    pip_options: tuple[str, ...] = ()

    def add(self, wanted: Sequence[Wanted], lock_name: str) -> list[str]:
        """Locks, installs, probes and writes; returns the names of the new workloads."""
        for w in wanted:
            if not NAME.fullmatch(w.name):
                raise UsageError(f"{w.name}: cannot be a workload's name")
            if not self.replace and self.manifest(w.name).exists():
                raise UsageError(f"{self.manifest(w.name)} exists; --replace makes it anew")
        version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        pip = envs.pip_command(envs.find_python(version))
        lock_file = self.folder / "locks" / f"{lock_name}.lock"
        lock = locks.make(lock_file, [w.text for w in wanted], pip, version, self.pip_options)
        python = envs.ensure(lock_file, options=self.pip_options)
        for w in wanted:
            self.write(w, lock.pins[w.name], lock_name, probe(python, w.name))
        return [w.name for w in wanted]

    def manifest(self, name: str) -> Path:
        return self.folder / "manifests" / f"{name}.toml"

    def write(self, w: Wanted, version: str, lock_name: str, found: dict[str, Any]) -> None:
        write_text(self.folder / "drivers" / driver_name(w.name), starter(w.name, found))
        words = {
            "extends": "_python",
            "package": w.name,
            "version": version,
            "summary": f"starter: {len(found['modules'])} modules imported, {len(found['scripts'])} scripts asked for help",
            "lock": lock_name,
            "requirements": [w.text],
            "tags": ["added"],
        }
        text = "".join(f"{k} = {json.dumps(v, ensure_ascii=False)}\n" for k, v in words.items())
        write_text(self.manifest(w.name), text)


def probe(python: Path, package: str) -> dict[str, Any]:
    """What of that distribution imports natively, and how its console scripts answer --help. Third-party code runs here: in a state
    that is thrown away."""
    code = HERE / "probe.py"
    cmd = [lockstep_exe(), "run", "--target", "native", "--timeout", str(PROBE_LIMIT_S), "--env", "PYTHONDONTWRITEBYTECODE=1", "--", str(python), "-I", str(code), package]
    try:
        done = subprocess.run(cmd, capture_output=True, stdin=subprocess.DEVNULL, timeout=PROBE_LIMIT_S + 60, check=False, preexec_fn=die_with_parent())
    except (OSError, subprocess.TimeoutExpired) as e:
        raise HarnessError(f"{package}: looking at it natively failed: {e}") from e
    lines = done.stdout.decode(errors="replace").splitlines()
    marked = [line for line in lines if line.startswith("lockstep-probe ")]
    if not marked:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise HarnessError(f"{package}: looking at it natively ended with {done.returncode}: {said[-1] if said else 'no word why'}")
    found: dict[str, Any] = json.loads(marked[-1].removeprefix("lockstep-probe "))
    return found


def starter(package: str, found: dict[str, Any]) -> str:
    """The driver: a script that stands alone and is meant to be replaced by one that uses the package."""
    template = (HERE / "starter.py.in").read_text()
    failed = "".join(f"#   {name}: {why}\n" for name, why in sorted(found["failed"].items()))
    if failed:
        failed = "# These do not import natively either:\n" + failed
    fill = {
        "@PACKAGE@": package,
        "@FAILED@": failed,
        "@MODULES@": pprint.pformat(found["modules"], width=100),
        "@SCRIPTS@": pprint.pformat(found["scripts"], width=100),
    }
    return re.sub(r"@[A-Z]+@", lambda m: fill[m[0]], template)


@dataclass(frozen=True)
class Tried:
    """How a workload went natively."""

    name: str
    status: int | None  # None: no end in time
    seconds: float
    stdout: bytes
    last_line: str


def try_native(w: Workload, python: Path, log: Path) -> Tried:
    """One native run, in a state that is thrown away."""
    words = [lockstep_exe(), "run", "--target", "native", "--timeout", f"{w.limits.time_s:g}", "--memory", str(w.limits.memory), "--pids", str(w.limits.pids), "--cwd", str(w.folder)]
    for key, value in w.env:
        words += ["--env", f"{key}={value}"]
    words += ["--", *w.command(python)]
    start = time.monotonic()
    stdin = w.stdin.open("rb") if w.stdin else None
    try:
        with log.open("wb") as err:
            done = subprocess.run(words, stdin=stdin or subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=err, timeout=w.limits.time_s + 60, check=False, preexec_fn=die_with_parent())
        status, out = done.returncode, done.stdout
    except subprocess.TimeoutExpired:
        status, out = None, b""
    except OSError as e:
        raise HarnessError(f"{words[0]}: cannot be started: {e.strerror}") from e
    finally:
        if stdin:
            stdin.close()
    return Tried(w.name, status, time.monotonic() - start, out, last_words(log))


def corpus_of(folder: Path) -> Corpus:
    """The corpus that a folder sees: the shipped manifests (for `extends`) and its own."""
    return Corpus([shipped_folder(), folder])
