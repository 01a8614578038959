"""Run inside an environment: prints which public modules of a distribution import, and how its console scripts answer --help.

Stands alone: the interpreter that runs it knows nothing of Lockstep.
"""

import contextlib
import importlib
import importlib.metadata
import io
import json
import os
import subprocess
import sys
from pathlib import Path

MODULES_LIMIT = 200
HELP_LIMIT_S = 20
PRIVATE = {"tests", "test", "testing", "conftest", "setup", "__main__", "examples", "benchmarks"}


def public_modules(distribution: importlib.metadata.Distribution) -> list[str]:
    """Dotted names of what RECORD installs, packages and modules, nearest the top first."""
    names = set()
    for file in distribution.files or ():
        parts = list(file.parts)
        if parts[0].startswith("..") or parts[0].endswith((".dist-info", ".data", ".libs")):
            continue
        stem, dot, suffix = parts[-1].partition(".")
        if parts[-1] == "__init__.py":
            parts = parts[:-1]
        elif dot and (suffix == "py" or suffix.endswith("so")):
            parts[-1] = stem
        else:
            continue
        if parts and all(p.isidentifier() for p in parts) and not any(p.startswith("_") or p in PRIVATE for p in parts):
            names.add(".".join(parts))
    top = (distribution.read_text("top_level.txt") or "").split()
    names.update(n for n in top if n.isidentifier() and not n.startswith("_"))
    return sorted(names, key=lambda n: (n.count("."), n))[:MODULES_LIMIT]


def try_imports(names: list[str]) -> tuple[list[str], dict[str, str]]:
    good: list[str] = []
    failed: dict[str, str] = {}
    for name in names:
        try:
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                importlib.import_module(name)
            good.append(name)
        except BaseException as e:  # a module may exit, too
            failed[name] = " ".join(f"{type(e).__name__}: {e}".split())[:120]
    return good, failed


def try_scripts(distribution: importlib.metadata.Distribution) -> dict[str, int]:
    """{script: exit status of --help}; one that does not end or does not start is left out."""
    out: dict[str, int] = {}
    for entry in sorted({e.name for e in distribution.entry_points if e.group == "console_scripts"}):
        script = Path(sys.executable).parent / entry
        try:
            done = subprocess.run([script, "--help"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=HELP_LIMIT_S)
            out[entry] = done.returncode
        except (OSError, subprocess.TimeoutExpired):
            continue
    return out


def main() -> None:
    distribution = importlib.metadata.distribution(sys.argv[1])
    good, failed = try_imports(public_modules(distribution))
    print("\nlockstep-probe " + json.dumps({"modules": good, "failed": failed, "scripts": try_scripts(distribution)}), flush=True)
    os._exit(0)  # threads of what was imported are not waited for


main()
