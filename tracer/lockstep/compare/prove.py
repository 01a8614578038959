"""Proof, both ways: native is broken with the target's value, and the target is repaired with native's.

A cause is proven by what a program does with it, not by how likely it looks: an injected run goes the target's way, or native's, in
everything in which the two sides were seen to part.
"""

from __future__ import annotations

import itertools
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from lockstep.base.errors import HarnessError
from lockstep.compare.finding import Finding, Proof
from lockstep.compare.outcome import Departure, Profile, Run, same_way
from lockstep.compare.record import record
from lockstep.compare.settings import Settings, lockstep_exe

# What the recorder notes of an injection that never found its call: such a run shows nothing.
NOT_PLACED = "found no call or image that fits"
NOTES_LIMIT_S = 120


LIMIT_MIN_S = 10.0
LIMIT_FACTOR = 4.0
BUDGET_S = 180.0


def injected(run: Run) -> bool:
    """Whether every injection of a run found its call, by the notes in its trace."""
    cmd = [lockstep_exe(), "show", "--json", "-e", "trace=none", str(run.trace)]
    done = subprocess.run(cmd, capture_output=True, timeout=NOTES_LIMIT_S, check=False)
    return done.returncode == 0 and NOT_PLACED.encode() not in done.stdout


def specs_of(found: Sequence[Finding]) -> tuple[str, ...]:
    return tuple(spec for f in found for spec in f.inject_native)


@dataclass
class Prover:
    """Runs what a proof needs, in folders under `work`. `departed`: in what the sides part."""

    settings: Settings
    natives: Profile
    targets: Profile
    departed: list[Departure]
    work: Path
    say: Callable[[str], None] = lambda text: None
    spent: float = 0.0
    counter: itertools.count[int] = field(default_factory=itertools.count)

    def prove(self, f: Finding) -> Finding:
        """The finding with its proof. A way that cannot be tried (no spec) stays None."""
        broken = self._tried(f.inject_native, native=True)
        repaired = None
        if broken is not False or f.kind == "elf-page":
            repaired = self._tried(f.inject_target, native=False)
        if broken is None and repaired is None:
            return f
        return replace(f, proof=Proof(broken, repaired, self._words(broken, repaired)))

    def _tried(self, specs: tuple[str, ...], *, native: bool) -> bool | None:
        if not specs:
            return None
        run = self._run(specs, native=native)
        if run is None:
            return None
        wanted, other = (self.targets, self.natives) if native else (self.natives, self.targets)
        if same_way(run, wanted, self.departed) and not same_way(run, other, self.departed):
            return True
        return self._first_line(run, native=native)

    def _first_line(self, run: Run, *, native: bool) -> bool:
        """Where the sides part only in their output, and in several lines of it: each has its own cause, and the first stands for the rest.

        Broken: the run departs first where the target does, with the same words. Repaired: it no longer departs there.
        """
        first = self.natives.stdout.departure(self.targets.natives[0].stdout)
        if not first or run.status not in self.natives.statuses or run.status not in self.targets.statuses:
            return False
        mine = self.natives.stdout.departure(run.stdout)
        return mine == first if native else mine is not None and mine != first

    def _run(self, specs: tuple[str, ...], *, native: bool) -> Run | None:
        folder = self.work / f"proof-{next(self.counter)}"
        self.say(f"proving: {'breaking native' if native else 'repairing the target'}")
        began = time.monotonic()
        try:
            run = record(self.settings, native=native, folder=folder, limit_s=self._limit(native=native), inject=specs)
        except HarnessError:
            return None
        finally:
            self.spent += time.monotonic() - began
        return run if injected(run) else None

    def prove_together(self, found: Sequence[Finding]) -> list[Finding]:
        """What of `found`, injected natively together, goes the target's way, and no more of it than is needed.

        Two halvings find the stretch that does it; then each that is not needed is left out. Returns those that are, with their
        proof; nothing when all together do not do it.
        """
        needed = [f for f in found if f.inject_native]
        if len(needed) < 2 or not self._breaks(needed):
            return []
        needed = needed[: self._shortest(lambda n: needed[:n], len(needed))]
        needed = needed[len(needed) - self._shortest(lambda n: needed[len(needed) - n :], len(needed)) :]
        for f in list(needed):
            rest = [g for g in needed if g is not f]
            if rest and not self.tired and self._breaks(rest):
                needed = rest
        if len(needed) == 1:
            return [self.prove(needed[0])]
        names = " and ".join(f.fingerprint for f in needed)
        how = (
            f"native with the target's values of {len(needed)} findings together ({names}) goes the target's way; with one less it does not"
        )
        return [replace(f, proof=Proof(True, f.proof.target_repaired, how)) for f in needed]

    def _breaks(self, found: Sequence[Finding]) -> bool:
        return bool(self._tried(specs_of(found), native=True))

    def _shortest(self, part: Callable[[int], Sequence[Finding]], n: int) -> int:
        """The least length whose part still breaks native, as far as halving tells; n breaks it."""
        low, high = 0, n
        while high - low > 1 and not self.tired:
            middle = (low + high) // 2
            low, high = (low, middle) if self._breaks(part(middle)) else (middle, high)
        return high

    def _limit(self, *, native: bool) -> float:
        """Seconds: some times what that side takes. A broken program often waits for ever, and need not be waited for as long."""
        walls = [r.wall_ns / 1e9 for r in (self.natives if native else self.targets).natives if r.status[0] != "timeout"]
        limit = max(LIMIT_MIN_S, LIMIT_FACTOR * max(walls, default=LIMIT_MIN_S))
        return min(limit, self.settings.timeout) if self.settings.timeout else limit

    @property
    def tired(self) -> bool:
        """Whether proofs took as long as they may in all."""
        return self.spent > BUDGET_S

    def _words(self, broken: bool | None, repaired: bool | None) -> str:
        words = []
        if broken is not None:
            words.append(f"native with the target's value {'goes the target' + chr(39) + 's way' if broken else 'ends as native does'}")
        if repaired is not None:
            words.append(f"the target with native's value {'ends as native does' if repaired else 'still goes its own way'}")
        return "; ".join(words)
