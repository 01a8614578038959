"""What a comparison is against the run before: regressed, fixed, new or gone; else what it is by itself.

By itself a comparison is same-pass, same-fail, emulator-only, native-only or flaky. "The run before" is the newest earlier run in which
that workload ran on that target and the harness did not break.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lockstep.corpus.atomic import write_json
from lockstep.corpus.runs import Bundle, Run, all_runs

GOOD = {"same-pass", "same-fail"}
PARTED = {"emulator-only", "native-only"}
OWN = "own_comparison"  # in bundle.json: what it was by itself


def by_itself(data: dict[str, Any]) -> str:
    return str(data.get(OWN) or data.get("comparison"))


def decide(now: str, before: str | None) -> str:
    """The state to show. A flaky comparison is no regression, and no news is no change."""
    if before is None:
        return "new" if now in GOOD else now
    if now in PARTED and before in GOOD:
        return "regressed"
    if now in GOOD and before in PARTED:
        return "fixed"
    return now


class History:
    """Earlier runs, read once."""

    def __init__(self, current: Run) -> None:
        started = float((current.info or {}).get("started") or 0)
        self.current = current
        self.runs = [r for r in all_runs() if r.name != current.name and float((r.info or {}).get("started") or 0) < started]

    def before(self, key: tuple[str, str]) -> tuple[Run, Bundle] | None:
        for run in self.runs:
            bundle = run.latest(key)
            if bundle is not None and not bundle.broke and by_itself(bundle.data) != "gone":
                return run, bundle
        return None

    def settle(self, bundle: Bundle, key: tuple[str, str]) -> Bundle:
        """Writes the state into bundle.json, once: it is the last thing that a bundle gets."""
        if "previous" in bundle.data or bundle.broke:
            return bundle
        own = by_itself(bundle.data)
        found = self.before(key)
        state = decide(own, by_itself(found[1].data) if found else None)
        previous = {"run": found[0].name, "comparison": by_itself(found[1].data)} if found else None
        bundle.data |= {OWN: own, "comparison": state, "previous": previous}
        write_json(bundle.folder / "bundle.json", bundle.data)
        return bundle

    def gone(self, planned: Iterable[tuple[str, str]], targets: Iterable[str]) -> list[tuple[str, str]]:
        """What the newest earlier whole run had and this one does not, on the targets that both have."""
        for run in self.runs:
            info = run.info or {}
            if not info.get("whole") or not info.get("finished"):
                continue
            ours = set(planned)
            had = {(k[0], k[1]) for k in info.get("plan", []) if len(k) == 2}
            return sorted(k for k in had - ours if k[1] in set(targets))
        return []
