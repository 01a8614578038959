"""Environments: one virtual environment for each lock file, Python and recipe, built once and kept in LOCKSTEP_CACHE/envs/HASH.

Built under a .tmp- name and renamed, under a lock of its own, so that two builders of one environment share the work and a killed one
leaves nothing that counts. pip itself stands once in LOCKSTEP_CACHE/pip, not in every environment.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lockstep.base.errors import HarnessError
from lockstep.base.paths import cache_dir
from lockstep.base.processes import die_with_parent
from lockstep.corpus import locks
from lockstep.corpus.atomic import remove_tree, temp_name, write_text

RECIPE = "2"  # part of the hash: raise it when the way environments are built changes
BUILD_LIMIT_S = 1800
PROBE = "import sys, sysconfig; print(f'{sys.version_info[0]}.{sys.version_info[1]}', sys.version.split()[0], sysconfig.get_platform())"


@dataclass(frozen=True)
class Python:
    """An interpreter environments are made of."""

    exe: Path
    version: str  # 3.11
    full: str  # 3.11.2 and its platform


def probe(exe: str) -> Python | None:
    try:
        done = subprocess.run([exe, "-I", "-c", PROBE], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    short, *full = done.stdout.split()
    return Python(Path(exe), short, " ".join(full))


def find_python(version: str) -> Python:
    """LOCKSTEP_PYTHON, the system's, the one that runs us: the first of the wanted version."""
    ours = f"{sys.base_prefix}/bin/python{sys.version_info[0]}.{sys.version_info[1]}"
    for exe in (os.environ.get("LOCKSTEP_PYTHON"), f"/usr/bin/python{version}", ours, shutil.which(f"python{version}")):
        found = probe(exe) if exe else None
        if found and found.version == version:
            return found
    raise HarnessError(f"no Python {version} here, for which the lock is; install it (apt-get install python{version}-venv) or name it in LOCKSTEP_PYTHON")


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """One process at a time; the kernel frees it when the holder dies."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        yield


def _run(cmd: Sequence[str], log: Path, what: str) -> None:
    """HarnessError with the end of the log when it fails: an environment that cannot be built is nobody's bug report."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "LOCKSTEP_"))}
    try:
        with log.open("ab") as f:
            done = subprocess.run(cmd, stdin=subprocess.DEVNULL, stdout=f, stderr=f, timeout=BUILD_LIMIT_S, check=False, env=env, preexec_fn=die_with_parent())
    except subprocess.TimeoutExpired as e:
        raise HarnessError(f"{what}: not done within {BUILD_LIMIT_S} s") from e
    except OSError as e:
        raise HarnessError(f"{what}: {cmd[0]}: {e.strerror}") from e
    if done.returncode != 0:
        said = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
        errors = [line for line in said if line.lstrip().startswith("ERROR")]
        raise HarnessError(f"{what}: {(errors or said or ['no word why'])[-1].strip()}")


def pip_command(python: Python) -> list[str]:
    """A pip of our own for that interpreter; made once, from the wheel that Python brings."""
    folder = cache_dir() / "pip" / hashlib.sha256(f"{RECIPE} {python.exe} {python.full}".encode()).hexdigest()[:16]
    with locked(folder.with_suffix(".lock")):
        if not (folder / "bin" / "pip").exists():
            _make_tree(folder, lambda temp, log: _run([str(python.exe), "-m", "venv", str(temp)], log, "making a place for pip (apt-get install python3-venv?)"))
    return [str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check"]


def _make_tree(folder: Path, build: object) -> None:
    """Calls build(temp, log) and renames temp to `folder`."""
    assert callable(build)
    for stale in folder.parent.glob(f".tmp-{folder.name}-*"):
        remove_tree(stale)  # we hold the lock: whoever made it is dead
    temp = temp_name(folder)
    log = temp.with_name(temp.name + ".log")
    try:
        build(temp, log)
        temp.rename(folder)
    except OSError as e:
        raise HarnessError(f"{folder}: cannot be made: {e.strerror}") from e
    finally:
        remove_tree(temp)
        log.unlink(missing_ok=True)


def env_hash(lock: locks.Lock, python: Python) -> str:
    pins = "\n".join(line for line in lock.text.splitlines() if not line.startswith("#"))
    return hashlib.sha256(f"{RECIPE}\n{python.exe} {python.full}\n{pins}".encode()).hexdigest()[:24]


def env_folder(lock: locks.Lock, python: Python) -> Path:
    return cache_dir() / "envs" / env_hash(lock, python)


def python_of(folder: Path) -> Path:
    return folder / "bin" / "python"


def ready(folder: Path) -> bool:
    return (folder / "lockstep-env.txt").exists()


def ensure(lock_file: Path, *, options: Sequence[str] = ()) -> Path:
    """The environment of that lock; builds it when it is not there. Returns its Python."""
    lock = locks.read(lock_file)
    if lock.machine != platform.machine():
        raise HarnessError(f"{lock_file}: is for {lock.machine}, this machine is {platform.machine()}; lock anew with `lockstep corpus lock {lock_file.stem}`")
    python = find_python(lock.python)
    folder = env_folder(lock, python)
    if not ready(folder):
        with locked(folder.with_suffix(".lock")):
            if not ready(folder):
                _build(lock, python, folder, options)
    return python_of(folder)


def _build(lock: locks.Lock, python: Python, folder: Path, options: Sequence[str]) -> None:
    pip = pip_command(python)
    what = f"environment {lock.file.stem}"

    def build(temp: Path, log: Path) -> None:
        _run([str(python.exe), "-m", "venv", "--without-pip", str(temp)], log, what)
        requirements = temp / "requirements.txt"
        requirements.write_text(lock.text)
        install = ["install", "--quiet", "--no-input", "--no-deps", "--require-hashes", "--no-compile", *options]
        _run([*pip, "--python", str(python_of(temp)), *install, "-r", str(requirements)], log, what)
        _compile(temp, folder, log, what)
        _move_scripts(temp, folder)
        write_text(temp / "lockstep-env.txt", f"{lock.file.stem}: python {python.full}\n")

    _make_tree(folder, build)


def _compile(temp: Path, folder: Path, log: Path, what: str) -> None:
    """Byte code now, by all CPUs: a run in a disposable state would compile again every time. Packages' own tests are left out."""
    site = next((temp / "lib").glob("python3*/site-packages"))
    cmd = [str(python_of(temp)), "-m", "compileall", "-q", "-q", "-j", "0", "-x", "/tests?/", "-s", str(temp), "-p", str(folder), str(site)]
    with log.open("ab") as f:
        subprocess.run(cmd, stdin=subprocess.DEVNULL, stdout=f, stderr=f, timeout=BUILD_LIMIT_S, check=False, preexec_fn=die_with_parent())


def _move_scripts(temp: Path, folder: Path) -> None:
    """Console scripts name their interpreter absolutely: let it be the one after the rename."""
    for script in (temp / "bin").iterdir():
        if script.is_symlink() or not script.is_file():
            continue
        raw = script.read_bytes()
        if str(temp).encode() in raw[:4096]:
            script.write_bytes(raw.replace(str(temp).encode(), str(folder).encode()))


def installed() -> list[tuple[Path, str]]:
    """Every finished environment: folder and what it says of itself."""
    root = cache_dir() / "envs"
    return [(f.parent, f.read_text(errors="replace").strip()) for f in sorted(root.glob("*/lockstep-env.txt"))]


