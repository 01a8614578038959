"""`lockstep diff`, whole: record both sides, take away noise and habits, rank, prove.

The order of the steps is the order of DESIGN's "Comparing". Everything is written into one folder, which becomes the bundle.
"""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from lockstep.base.errors import UsageError
from lockstep.compare import causes, rank, vma
from lockstep.compare.differences import Comparison, compare
from lockstep.compare.finding import SYMPTOMS, Finding, numbered
from lockstep.compare.habits import Habits
from lockstep.compare.outcome import Departure, Profile, Run
from lockstep.compare.prove import Prover
from lockstep.compare.record import never_started, record, run_limit
from lockstep.compare.settings import Settings

# More runs, where outcomes agree but something else seems to differ: (native, target) per round. What is chance goes away.
# Against native itself everything that is left is chance; a target's own differences are real, and only native noise is worth more runs.
RECHECK_NATIVE = ((3, 1), (4, 2))
RECHECK_TARGET = ((2, 0),)
RECHECK_BUDGET_S = 240.0
HABIT_PROOFS = 4
TOGETHER_MAX = 60  # findings that are tried as one cause, where none is one alone


@dataclass
class Diff:
    """One comparison in progress, and its result. `folder` holds the runs; `say` shows progress."""

    settings: Settings
    folder: Path
    habits: Habits
    say: Callable[[str], None] = lambda text: None
    natives: list[Run] = field(default_factory=list)
    targets: list[Run] = field(default_factory=list)
    comparison: Comparison = field(default_factory=Comparison)
    findings: list[Finding] = field(default_factory=list)
    departed: list[Departure] = field(default_factory=list)
    started: float = field(default_factory=time.time)
    profile: Profile = field(init=False)  # of the native runs there are; set by each measurement

    def run(self) -> list[Finding]:
        """Records, compares, proves. Raises HarnessError where no verdict is possible."""
        self._record(self.settings.runs, self.settings.target_runs)
        self._measure()
        self._recheck()
        self.findings = self._proven()
        return self.findings

    def load(self, natives: Sequence[Run], targets: Sequence[Run]) -> list[Finding]:
        """The same from runs that exist already: nothing is run, so nothing is proven."""
        self.natives, self.targets = list(natives), list(targets)
        self._measure()
        self.findings = self._settled(self._candidates())
        return self.findings

    # ---- recording ----

    def _record(self, natives: int, targets: int) -> None:
        """Interleaved, so that both sides see the same machine; the first native run comes first: its time sets the limits."""
        for i in range(max(natives, targets)):
            if i < natives:
                self._one(native=True)
            if i < targets:
                self._one(native=False)

    def _one(self, *, native: bool) -> None:
        runs, side = (self.natives, "native") if native else (self.targets, "target")
        name = f"{side}-{len(runs) + 1}"
        self.say(f"running {name}")
        wall = self.natives[0].wall_ns / 1e9 if self.natives else None
        limit = run_limit(self.settings, None if native else wall)
        runs.append(record(self.settings, native=native, folder=self.folder / name, limit_s=limit))
        why = never_started(runs[0]) if native and len(runs) == 1 else None
        if why:
            raise UsageError(why)

    # ---- comparing ----

    def _measure(self) -> None:
        self.say("comparing")
        profile = self.profile = Profile(self.natives)
        self.departed = next((d for d in map(profile.departures, self.targets) if d), [])
        self.comparison = compare(self.natives, self.targets)
        if not self.departed:
            self.departed = self._hidden_crashes()

    def _hidden_crashes(self) -> list[Departure]:
        """Processes that only the target kills, although the program as a whole ended alike: it hid the death, or retried."""
        foc = self._focus()
        return [Departure("crash", f"process {p.image}", "no such death", p.status) for p in foc.chain if p.status.startswith("SIG")][:1]

    def _departed_runs(self) -> list[Run]:
        profile = self.profile
        return [r for r in self.targets if profile.departures(r)] or (list(self.targets) if self.departed else [])

    def _recheck(self) -> None:
        """Where both sides end alike, a difference must survive more runs of both; where they do not, so must the departure."""
        for natives, targets in RECHECK_NATIVE if self.settings.target == "native" else RECHECK_TARGET:
            if not self._doubtful() or self._spent() > RECHECK_BUDGET_S:
                return
            for _ in range(natives):
                self._one(native=True)
            for _ in range(targets):
                self._one(native=False)
            self._measure()

    def _doubtful(self) -> bool:
        if self.departed:
            return not self._status_departed() and not self._departed_for_sure()
        return any(not f.habit and f.kind != "vma-growth" for f in self._candidates())

    def _departed_for_sure(self) -> bool:
        """Every target run departs from outputs in which native runs do not differ. Native as its own target is believed less."""
        p = self.profile
        steady = p.stdout.stable and p.stderr.stable and p.always == p.ever
        return steady and self.settings.target != "native" and all(p.departures(r) for r in self.targets)

    def _status_departed(self) -> bool:
        return any(d.kind in ("exit-status", "crash", "hang") for d in self.departed)

    def _spent(self) -> float:
        return sum(r.wall_ns for r in self.natives + self.targets) / 1e9

    def _candidates(self) -> list[Finding]:
        found = causes.candidates(self.comparison)
        if not self.departed:
            found = [f for f in found if f.reproduced[0] == f.reproduced[1]]
        out = [replace(f, habit=self._is_habit(f) or (not self.departed and self._follows(f, found))) for f in found]
        grown = vma.growth(self.natives, self.targets)
        return [*out, grown] if grown else out

    def _follows(self, f: Finding, found: Sequence[Finding]) -> bool:
        """Calls that are only there or not there: where both sides end alike, they follow from a result that differed before, or from which
        sibling did the work."""
        if f.kind not in ("call-extra", "call-missing"):
            return False
        if f.group:
            return True
        return any(
            g.process == f.process and (g.target_seq or 0) <= (f.target_seq or 0) for g in found if g.kind in ("errno", "enosys", "result")
        )

    def _is_habit(self, f: Finding) -> bool:
        """A page that covers nothing vital is a habit by what it is; everything else by what was learnt."""
        if f.kind == "elf-page":
            return not rank.vital(f) or not self.departed
        return self.habits.has(f.habit_keys)

    # ---- ranking and proof ----

    @property
    def representative(self) -> Run:
        """The target run that stands for all of them: the first that departs, where one does."""
        return (self._departed_runs() or self.targets)[0]

    def _focus(self) -> rank.Focus:
        return rank.focus(self.comparison, [r.name for r in self.natives], self.representative.name)

    def _outcome(self, foc: rank.Focus) -> dict[str, object]:
        if foc.chain:
            p = foc.chain[0]
            mine = [q for r in self.natives for q in self.comparison.side(r.name) if q.ident == p.ident]
            return {"program": p.image, "native": mine[0].status if mine else None, "target": p.status}
        if self.departed:
            d = self.departed[0]
            return {"program": self.settings.argv[0] if self.settings.argv else None, "native": d.native, "target": d.target}
        return {}

    def _symptoms(self, foc: rank.Focus) -> list[Finding]:
        if not self.departed:
            return []
        processes = self.comparison.side(self.representative.name)
        return causes.symptoms(self.departed, foc.chain, processes, (len(self._departed_runs()), len(self.targets)))

    def _settled(self, found: Sequence[Finding]) -> list[Finding]:
        foc = self._focus()
        ordered = rank.order(found, foc) + self._symptoms(foc)
        ordered = [f if f.outcome or f.habit else replace(f, outcome=self._outcome(foc)) for f in rank.settle(ordered)]
        return numbered(ordered)

    def _hidden(self) -> bool:
        """The sides part only in a death that the program hides: how a run ends cannot tell what an injection did."""
        return all(d.what.startswith("process ") for d in self.departed)

    def _habits_to_try(self, found: Sequence[Finding], foc: rank.Focus) -> list[Finding]:
        """What the target always does can still be what this program cannot live with: a missing file, a call without support."""
        if not self.settings.proofs or self._hidden():
            return []
        habits = [f for f in found if f.habit and f.kind in ("errno", "enosys", "result") and f.inject_native]
        return rank.order(habits, foc)[:HABIT_PROOFS]

    def _proven(self) -> list[Finding]:
        found = self._candidates()
        if not self.departed:
            return self._settled(found)
        foc = self._focus()
        order: list[Finding] = [] if self._hidden() else [f for f in rank.order(found, foc) if not f.habit and f.kind not in SYMPTOMS]
        prover = Prover(self.settings, self.profile, Profile(self._departed_runs()), self.departed, self.folder / ".proofs", self.say)
        habits = self._habits_to_try(found, foc)
        tried = self._try_each(prover, order[: self.settings.proofs] + habits)
        if order and self.settings.proofs and not any(f.proof.proven for f in tried.values()):
            candidates = [tried.get(id(f), f) for f in (order + habits)[:TOGETHER_MAX] if f.kind != "elf-page"]
            together = {f.fingerprint: f for f in prover.prove_together(candidates)}
            tried.update({id(f): together[f.fingerprint] for f in order + habits if f.fingerprint in together})
        shutil.rmtree(self.folder / ".proofs", ignore_errors=True)
        tried = {key: replace(f, habit=False) if f.proof.proven else f for key, f in tried.items()}
        return self._settled([tried.get(id(f), f) for f in found])

    def _try_each(self, prover: Prover, order: Sequence[Finding]) -> dict[int, Finding]:
        """Findings by identity with their proof, up to the first that is proven."""
        tried: dict[int, Finding] = {}
        for f in order:
            if prover.tired:
                break
            tried[id(f)] = prover.prove(f)
            if tried[id(f)].proof.proven:
                break
        return tried


@contextlib.contextmanager
def scratch(folder: Path):  # type: ignore[no-untyped-def]
    """`folder`, made under a name that says it is not complete, and gone again if the body fails."""
    temp = folder.with_name(f".tmp-{folder.name}")
    shutil.rmtree(temp, ignore_errors=True)
    temp.mkdir(parents=True)
    try:
        yield temp
        temp.replace(folder)
    finally:
        shutil.rmtree(temp, ignore_errors=True)
