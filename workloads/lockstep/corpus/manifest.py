"""Workloads as manifests say them: one TOML file each, read strictly (workloads/README.md lists the keys).

A manifest stands in `manifests/` of a corpus folder, its driver in `drivers/`, its lock in `locks/`. The shipped corpus folder is
`workloads/`; a user's own is `LOCKSTEP_HOME/workloads`. Names that begin with "_" only serve `extends`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lockstep.base.errors import UsageError
from lockstep.base.paths import home_dir
from lockstep.corpus.tomlfile import Table, names_text, read_table

NAME = re.compile(r"[a-z0-9_][a-z0-9._-]{0,99}")
PACKAGE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,98}[A-Za-z0-9])?")
ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
STRAINS = {
    "T": "threads, futexes",
    "F": "fork",
    "X": "exec",
    "S": "sockets",
    "E": "epoll",
    "M": "mapped files",
    "H": "shared memory, semaphores",
    "L": "ELF, dlopen",
    "J": "JIT, mprotect",
    "I": "inotify",
    "Z": "time zone, locale",
    "P": "proc, sys, cpuid",
    "V": "VMA growth",
    "G": "signals, timers",
    "K": "file locks",
    "D": "directories, rename",
    "Y": "terminals",
}


@dataclass(frozen=True)
class Limits:
    """Of one run: seconds, bytes of memory, bytes of one file, CPUs it keeps busy, processes."""

    time_s: float = 60.0
    memory: int = 2 << 30
    disk: int = 1 << 30
    cpus: int = 1
    pids: int = 512


@dataclass(frozen=True)
class Workload:
    """What to run. `argv` may hold {python}, {driver} and {folder}; everything else is literal."""

    name: str
    file: Path
    package: str
    version: str
    summary: str
    lock: str
    requirements: tuple[str, ...]
    argv: tuple[str, ...]
    driver: Path | None
    stdin: Path | None
    programs: tuple[str, ...]
    strains: str
    tags: tuple[str, ...]
    env: tuple[tuple[str, str], ...]
    limits: Limits

    @property
    def corpus(self) -> Path:
        return self.file.parent.parent

    @property
    def lock_file(self) -> Path:
        return self.corpus / "locks" / f"{self.lock}.lock"

    @property
    def folder(self) -> Path:
        """Where it runs: beside its driver."""
        return self.driver.parent if self.driver else self.corpus

    def command(self, python: Path) -> list[str]:
        fill = {"{python}": str(python), "{driver}": str(self.driver or ""), "{folder}": str(self.folder)}
        return [re.sub(r"\{(python|driver|folder)\}", lambda m: fill[m[0]], word) for word in self.argv]


@dataclass
class _Raw:
    """A manifest's keys, before and after `extends` filled the gaps. None: not said."""

    table: Table
    extends: str | None
    texts: dict[str, str] = field(default_factory=dict)
    lists: dict[str, tuple[str, ...]] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)
    limits: dict[str, float] = field(default_factory=dict)

    def under(self, base: _Raw) -> _Raw:
        """This manifest with what `base` says where this one is silent; tables are joined key by key."""
        return _Raw(
            self.table,
            None,
            base.texts | self.texts,
            base.lists | self.lists,
            base.env | self.env,
            base.limits | self.limits,
        )


TEXTS = ("package", "version", "summary", "lock", "driver", "stdin", "strains")
LISTS = ("requirements", "argv", "args", "programs", "tags")


def _read(file: Path) -> _Raw:
    t = read_table(file)
    raw = _Raw(t, t.string("extends"))
    for key in TEXTS:
        text = t.string(key)
        if text is not None:
            raw.texts[key] = text
    for key in LISTS:
        items = t.strings(key)
        if items is not None:
            raw.lists[key] = items
    raw.env = _env(t.table("env"))
    raw.limits = _limits(t.table("limits"))
    t.finish()
    return raw


def _env(t: Table) -> dict[str, str]:
    out = {}
    for key in t.values:
        text = t.values[key]
        if not ENV_NAME.fullmatch(key):
            raise t.error(key, "is no name of an environment variable")
        if not isinstance(text, str) or "\0" in text:
            raise t.error(key, f"must be text; write {key} = \"...\"")
        out[key] = text
    return out


def _limits(t: Table) -> dict[str, float]:
    values = {
        "time": t.number("time", 1, 86400),
        "memory": t.size("memory"),
        "disk": t.size("disk"),
        "cpus": t.integer("cpus", 1, 1024),
        "pids": t.integer("pids", 8, 1 << 20),
    }
    t.finish()
    return {key: value for key, value in values.items() if value is not None}


class Corpus:
    """The manifests of one or more corpus folders. A later folder's name replaces an earlier one's."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self.folders = list(folders)
        self.files: dict[str, Path] = {}
        for folder in folders:
            for file in sorted((folder / "manifests").glob("*.toml")):
                if not NAME.fullmatch(file.stem):
                    raise UsageError(f"{file}:1: {file.stem}: a manifest's name has small letters, digits, '.', '_' and '-' only")
                self.files[file.stem] = file
        self._raws: dict[Path, _Raw] = {}

    def _raw(self, file: Path) -> _Raw:
        if file not in self._raws:
            self._raws[file] = _read(file)
        return self._raws[file]

    def _resolved(self, file: Path) -> _Raw:
        raw, chain = self._raw(file), [file]
        out = raw
        while raw.extends is not None:
            base = self._base(raw, chain[-1])
            if base in chain:
                names = " -> ".join(f.stem for f in [*chain[chain.index(base) :], base])
                raise raw.table.error("extends", f"a cycle: {names}; one of them must not extend the other")
            chain.append(base)
            raw = self._raw(base)
            out = out.under(raw)
        return out

    def _base(self, raw: _Raw, file: Path) -> Path:
        """Beside the manifest first, then whatever folder has it."""
        near = file.parent / f"{raw.extends}.toml"
        base = near if near.exists() else self.files.get(raw.extends or "")
        if base is None:
            raise raw.table.error("extends", f"no manifest {raw.extends!r}; there are {names_text(self.files)}")
        return base

    def workload(self, name: str) -> Workload:
        file = self.files.get(name)
        if file is None:
            raise UsageError(f"{name}: no such workload; `lockstep corpus list` shows them")
        return _workload(name, file, self._resolved(file))

    def workloads(self) -> list[Workload]:
        return [self.workload(name) for name in sorted(self.files) if not name.startswith("_")]


def _workload(name: str, file: Path, raw: _Raw) -> Workload:
    t = raw.table
    for key in ("package", "version", "summary"):
        if key not in raw.texts:
            raise t.error(key, "is missing")
    package, version = raw.texts["package"], raw.texts["version"]
    if not PACKAGE.fullmatch(package):
        raise t.error("package", f"{package!r} is no package name")
    if "argv" in raw.lists and ("driver" in raw.texts or "args" in raw.lists):
        raise t.error("argv", "goes without driver and args: it is the whole command")
    driver = None if "argv" in raw.lists else file.parent.parent / "drivers" / raw.texts.get("driver", driver_name(name))
    if driver is not None and not driver.is_file():
        raise t.error("driver", f"no file {driver}")
    argv = raw.lists.get("argv") or ("{python}", "{driver}", *raw.lists.get("args", ()))
    stdin = file.parent.parent / raw.texts["stdin"] if "stdin" in raw.texts else None
    if stdin is not None and not stdin.is_file():
        raise t.error("stdin", f"no file {stdin}")
    return Workload(
        name=name,
        file=file,
        package=package,
        version=version,
        summary=raw.texts["summary"],
        lock=_lock_name(t, raw.texts.get("lock", name)),
        requirements=raw.lists.get("requirements") or (f"{package}=={version}",),
        argv=argv,
        driver=driver,
        stdin=stdin,
        programs=raw.lists.get("programs", ()),
        strains=_strains(t, raw.texts.get("strains", "")),
        tags=raw.lists.get("tags", ()),
        env=tuple(sorted(raw.env.items())),
        limits=_limits_of(raw.limits),
    )


def _lock_name(t: Table, name: str) -> str:
    if not NAME.fullmatch(name):
        raise t.error("lock", f"{name!r}: the name of a file in locks/, without .lock")
    return name


def _strains(t: Table, text: str) -> str:
    for code in text:
        if code not in STRAINS:
            known = ", ".join(f"{k} {v}" for k, v in STRAINS.items())
            raise t.error("strains", f"{code!r} is no strain; known are {known}")
    return text


def _limits_of(v: dict[str, float]) -> Limits:
    d = Limits()
    return Limits(
        time_s=float(v.get("time", d.time_s)),
        memory=int(v.get("memory", d.memory)),
        disk=int(v.get("disk", d.disk)),
        cpus=int(v.get("cpus", d.cpus)),
        pids=int(v.get("pids", d.pids)),
    )


def driver_name(workload: str) -> str:
    """use_NAME.py: a driver must not have its package's name, or it would import itself."""
    return "use_" + re.sub(r"[^a-z0-9]", "_", workload) + ".py"


def shipped_folder() -> Path:
    return Path(__file__).resolve().parents[2]


def user_folder() -> Path:
    return home_dir() / "workloads"


def load_corpus(extra: Sequence[str] = ()) -> Corpus:
    """The shipped corpus, the user's, and folders named on the command line."""
    folders = [shipped_folder(), user_folder(), *(Path(e).absolute() for e in extra)]
    for folder in folders[2:]:
        if not (folder / "manifests").is_dir():
            raise UsageError(f"--dir {folder}: has no folder manifests/; `lockstep corpus add --dir {folder} NAME` makes one")
    return Corpus(folders)
