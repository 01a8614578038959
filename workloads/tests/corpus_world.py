"""A world of its own for each test: home, cache, a small corpus, and a stand-in for the `lockstep` program that compares at once."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

WORKLOADS = Path(__file__).resolve().parents[1]
FAKE = Path(__file__).with_name("corpus_fake_lockstep.py")
ROOMS = [WORKLOADS.parent / room for room in ("common", "tracer", "workloads", "reports")]
BASIC = 'package = "{name}"\nversion = "1.0"\nsummary = "a workload of a test"\nlock = "one"\nargv = ["{{python}}", "-c", "pass"]\n'


@dataclass
class World:
    root: Path
    env: dict[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return self.root / "home"

    @property
    def corpus(self) -> Path:
        return self.root / "corpus"

    @property
    def fake_log(self) -> Path:
        return self.root / "fake.log"

    def manifest(self, name: str, text: str) -> Path:
        file = self.corpus / "manifests" / f"{name}.toml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def workload(self, name: str, more: str = "") -> Path:
        return self.manifest(name, BASIC.format(name=name) + 'tags = ["test"]\n' + more)

    def lock(self, name: str, wheel: Path) -> Path:
        file = self.corpus / "locks" / f"{name}.lock"
        file.parent.mkdir(parents=True, exist_ok=True)
        package, version = wheel.name.split("-")[:2]
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        python = f"{sys.version_info[0]}.{sys.version_info[1]}"
        file.write_text(f"# lockstep lock: python {python}, {os.uname().machine}\n{package}=={version} \\\n    --hash=sha256:{digest}\n")
        return file

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "lockstep.corpus", *words]

    def call(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self.command(*words), env=self.env | more, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL, check=False)

    def run(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        """`corpus run` of the test's own workloads against a target that the stand-in knows."""
        return self.call("run", "--dir", str(self.corpus), "--filter", "tag=test", *self.pip(), *words, **more)

    def pip(self) -> list[str]:
        return [f"--pip-option={o}" for o in ("--no-index", f"--find-links={self.root / 'wheels'}")]

    def calls(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.fake_log.read_text().splitlines()] if self.fake_log.exists() else []

    def bundles(self, run: str) -> dict[tuple[str, str, int], dict[str, object]]:
        found = {}
        for file in (self.home / "runs" / run).glob("*/*/*/bundle.json"):
            workload, target, attempt = file.parts[-4:-1]
            found[workload, target, int(attempt)] = json.loads(file.read_text())
        return found


def make_wheel(folder: Path, name: str = "tinything", version: str = "1.0", extra: dict[str, str] | None = None, needs: tuple[str, ...] = ()) -> Path:
    """A wheel written by hand: a module, a submodule, one that fails, and a console script."""
    folder.mkdir(parents=True, exist_ok=True)
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}/__init__.py": f"VERSION = {version!r}\n",
        f"{name}/tools.py": "def main():\n    print('usage: tiny')\n    raise SystemExit(0)\n",
        f"{name}/broken.py": "raise ImportError('needs what is not there')\n",
        f"{name}/_private.py": "raise SystemExit(9)\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n" + "".join(f"Requires-Dist: {n}\n" for n in needs),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[console_scripts]\ntiny-{name} = {name}.tools:main\n",
    } | (extra or {})
    record = ""
    wheel = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as z:
        for path, text in sorted(files.items()):
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
            record += f"{path},sha256={digest},{len(text.encode())}\n"
            z.writestr(zipfile.ZipInfo(path), text)
        z.writestr(zipfile.ZipInfo(f"{info}/RECORD"), record + f"{info}/RECORD,,\n")
    return wheel


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Environments of the session: the same hand-made wheel in every test is built into one only once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def world(tmp_path: Path, shared_cache: Path) -> Iterator[World]:
    w = World(tmp_path)
    exe = tmp_path / "lockstep"
    exe.write_text(f"#!/bin/sh\nexec {sys.executable} -S {FAKE} \"$@\"\n")
    exe.chmod(0o755)
    w.env = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "LOCKSTEP_HOME": str(w.home),
        "LOCKSTEP_CACHE": str(shared_cache),
        "LOCKSTEP_EXE": str(exe),
        "LOCKSTEP_PYTHON": sys.executable,
        "PYTHONPATH": ":".join(map(str, ROOMS)),
        "PYTHONDONTWRITEBYTECODE": "1",
        "FAKE_LOG": str(w.fake_log),
    }
    w.lock("one", make_wheel(tmp_path / "wheels"))
    yield w
