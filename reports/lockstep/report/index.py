"""The index over all bundles of a LOCKSTEP_HOME, and the history that it tells.

Bundles are the truth: the index can be thrown away and rebuilt at any time, and is whenever it is missing, damaged, or of another
version. A bundle is read again only when its bundle.json changed.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lockstep.report.load import Bundle, Damaged, bundle_folders, read_bundle
from lockstep.report.values import text
from lockstep.report.verdict import GONE, HARNESS, State, behaves, state_of

VERSION = 1
FILE = "index.sqlite"

SCHEMA = """
create table bundle (
	path text primary key, stamp text not null, run text not null, workload text not null, target text not null,
	attempt integer not null, package text not null, version text not null, started real not null, outcome text not null,
	comparison text not null, state text not null, same integer not null, time_ratio real, vma_ratio real);
create index bundle_history on bundle (workload, target, started);
create index bundle_run on bundle (run);
create table finding (
	path text not null references bundle (path) on delete cascade, rank integer not null, kind text not null,
	fingerprint text not null, summary text not null, proven integer, habit integer not null);
create index finding_fingerprint on finding (fingerprint);
create table damaged (path text primary key, stamp text not null, why text not null);
"""


@dataclass(frozen=True)
class Event:
    """One point of a history: a run in which the state was another than before."""

    run: str
    started: float
    state: str
    version: str


@dataclass(frozen=True)
class Change:
    """`word`: regressed, fixed, new, gone, or changed (from one failure to another)."""

    word: str
    package: str
    workload: str
    target: str
    before: str
    now: str


class Index:
    """Opens (or makes) the index of `home`. Where the folder cannot be written, the index lives in memory and `warning` says so."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.warning = ""
        self.db = self._open()

    def close(self) -> None:
        self.db.close()

    # ---- making ----

    def _open(self) -> sqlite3.Connection:
        file = self.home / FILE
        for _ in range(2):
            try:
                db = connect(str(file))
                if prepared(db):
                    return db
                db.close()
            except sqlite3.DatabaseError as e:
                if not file.exists() or isinstance(e, sqlite3.OperationalError):
                    self.warning = f"{file}: {e}; the index is kept in memory"
                    break
            file.unlink(missing_ok=True)
        db = connect(":memory:")
        prepared(db)
        return db

    def refresh(self) -> None:
        """Takes in what is new below `home`/runs and forgets what is gone. Where the index cannot be written, memory does."""
        try:
            self._refresh()
        except sqlite3.DatabaseError as e:
            self.warning = f"{self.home / FILE}: {e}; the index is kept in memory"
            with contextlib.suppress(sqlite3.Error):
                self.db.close()
            self.db = connect(":memory:")
            prepared(self.db)
            self._refresh()

    def _refresh(self) -> None:
        known = dict(self.db.execute("select path, stamp from bundle union select path, stamp from damaged"))
        seen: set[str] = set()
        with self.db:
            for folder in bundle_folders(self.home / "runs"):
                key = relative(folder, self.home)
                seen.add(key)
                stamp = stamp_of(folder)
                if known.get(key) != stamp:
                    self._forget(key)
                    self._add(key, stamp, folder)
            for key in known.keys() - seen:
                self._forget(key)

    def _forget(self, key: str) -> None:
        for table in ("finding", "bundle", "damaged"):
            self.db.execute(f"delete from {table} where path = ?", (key,))

    def _add(self, key: str, stamp: str, folder: Path) -> None:
        try:
            b = read_bundle(folder)
        except Damaged as e:
            self.db.execute("insert into damaged values (?, ?, ?)", (key, stamp, text(str(e))))
            return
        s = state_of(b)
        row = (key, stamp, b.run, b.workload, b.target, b.attempt, b.package, b.version, b.started, b.outcome, b.comparison, s.key)
        self.db.execute(
            "insert into bundle values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", (*row, behaves(s), b.time_ratio, b.vma_ratio)
        )
        rows = [(key, f.rank, f.kind, f.fingerprint, f.summary, f.proven, f.habit) for f in b.findings]
        self.db.executemany("insert into finding values (?, ?, ?, ?, ?, ?, ?)", rows)

    # ---- asking ----

    def runs(self) -> list[str]:
        """Newest first."""
        return [r for (r,) in self.db.execute("select run from bundle group by run order by max(started) desc, run desc")]

    def folders(self, run: str) -> list[Path]:
        """The bundles of a run, damaged ones included."""
        good = [self.home / p for (p,) in self.db.execute("select path from bundle where run = ? order by path", (run,))]
        below = f"runs/{run}/"
        bad = [self.home / p for (p,) in self.db.execute("select path from damaged order by path") if p.startswith(below)]
        return good + bad

    def history(self, workload: str, target: str, *, until: float) -> list[Event]:
        """Transitions only, oldest first: the first run, and each in which the state was another than before."""
        rows = self.db.execute(
            "select run, started, state, version from bundle where workload = ? and target = ? and started <= ?"
            " order by started, run, attempt",
            (workload, target, until),
        )
        out: list[Event] = []
        for run, started, state, version in rows:
            if out and out[-1].run == run:
                out.pop()  # a later attempt of the same run stands for it
            if not out or out[-1].state != state:
                out.append(Event(run, started, state, version))
        return out

    def previous_run(self, run: str) -> str | None:
        """The last run before it that shares a workload and target with it."""
        row = self.db.execute(
            "select a.run from bundle a join bundle b on a.workload = b.workload and a.target = b.target"
            " where b.run = ? and a.run <> ? and a.started < (select min(started) from bundle where run = ?)"
            " group by a.run order by max(a.started) desc, a.run desc limit 1",
            (run, run, run),
        ).fetchone()
        return row[0] if row else None

    def changes(self, bundles: Iterable[Bundle], before: str) -> list[Change]:
        """What is otherwise than in run `before`."""
        old: dict[tuple[str, str], tuple[str, bool, str]] = {
            (w, t): (state, bool(same), package)
            for w, t, state, same, package in self.db.execute(
                "select workload, target, state, same, package from bundle where run = ? order by attempt", (before,)
            )
        }
        targets = {t for _, t in old}
        out = []
        for b in bundles:
            s = state_of(b)
            was = old.pop((b.workload, b.target), None)
            word = change_word(was, s)
            if word and b.target in targets:
                out.append(Change(word, b.package, b.workload, b.target, was[0] if was else "", s.key))
        out += [Change("gone", package, w, t, state, "gone") for (w, t), (state, _, package) in sorted(old.items()) if state != "gone"]
        return out


def change_word(was: tuple[str, bool, str] | None, now: State) -> str:
    """The harness's own failures change nothing: they say nothing about the package."""
    if was is None:
        return "new" if now not in (HARNESS, GONE) else ""
    state, same, _ = was
    if state == now.key or HARNESS.key in (state, now.key):
        return ""
    if now is GONE:
        return "gone"
    if same and not behaves(now):
        return "regressed" if now.tone == "bad" else "changed"
    return "fixed" if behaves(now) and not same else "changed"


def connect(name: str) -> sqlite3.Connection:
    db = sqlite3.connect(name, timeout=30)
    db.execute("pragma foreign_keys = on")
    return db


def prepared(db: sqlite3.Connection) -> bool:
    """Whether the database is of this version; an empty one is made so."""
    (version,) = db.execute("pragma user_version").fetchone()
    if version == VERSION:
        db.execute("select count(*) from bundle").fetchone()
        return True
    if version == 0 and not db.execute("select count(*) from sqlite_master").fetchone()[0]:
        with db:
            db.executescript(SCHEMA)
            db.execute(f"pragma user_version = {VERSION}")
        return True
    return False


def relative(folder: Path, home: Path) -> str:
    return str(folder.relative_to(home)).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def stamp_of(folder: Path) -> str:
    """Changes when the bundle does; bundles are immutable, so this catches replaced ones and repairs."""
    try:
        st = (folder / "bundle.json").stat()
    except OSError:
        return "none"
    return f"{st.st_mtime_ns}.{st.st_size}"
