"""What a comparison means to a person: states, their words and signs, and the headline that counts packages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lockstep.report.load import Bundle


@dataclass(frozen=True)
class State:
    """`key` stands in URLs, `tone` picks the colour, `sign` says the same without it; `weight`: the worst of a package's counts."""

    key: str
    label: str
    sign: str
    tone: str
    weight: int


SAME = State("same", "as on Linux", "✓", "good", 0)
SAME_FAIL = State("same-fail", "fails alike", "=", "calm", 1)
NATIVE_ONLY = State("native-only", "fails only natively", "◁", "odd", 4)
FLAKY = State("flaky", "flaky", "≈", "odd", 5)
FAILS = State("fails", "fails", "✕", "bad", 8)
OTHERWISE = State("otherwise", "other answer", "≠", "bad", 7)
HANGS = State("hangs", "hangs", "∞", "bad", 9)
OOM = State("oom", "out of memory", "▲", "bad", 9)
CRASHES = State("crashes", "crashes", "✸", "bad", 10)
HARNESS = State("harness-error", "not judged", "?", "none", 3)
SKIPPED = State("skipped", "skipped", "–", "none", 2)
GONE = State("gone", "gone", "∅", "none", 2)

ORDER = (CRASHES, HANGS, OOM, FAILS, OTHERWISE, FLAKY, NATIVE_ONLY, SAME_FAIL, SAME, HARNESS, SKIPPED, GONE)
BY_KEY = {s.key: s for s in ORDER}
_BY_OUTCOME = {"crash": CRASHES, "timeout": HANGS, "oom": OOM, "fail": FAILS, "pass": OTHERWISE}
_BY_COMPARISON = {"same-pass": SAME, "fixed": SAME, "same-fail": SAME_FAIL, "native-only": NATIVE_ONLY, "flaky": FLAKY}
# how a headline goes on after "1" and after "2"; those of the first table are "only on" the target
_ONLY = {
    "crashes": ("crashes", "crash"),
    "hangs": ("hangs", "hang"),
    "oom": ("runs out of memory", "run out of memory"),
    "fails": ("fails", "fail"),
    "otherwise": ("answers otherwise", "answer otherwise"),
}
_OTHERS = {
    "flaky": ("is flaky", "are flaky"),
    "native-only": ("fails only natively", "fail only natively"),
    "harness-error": ("could not be judged", "could not be judged"),
    "skipped": ("was skipped", "were skipped"),
}


def state_of(b: Bundle) -> State:
    """Of one comparison. `new` and `regressed` say what changed, not what it is: then the outcome tells."""
    if b.comparison == "gone":
        return GONE
    if b.harness_error or "harness-error" in (b.outcome, b.comparison):
        return HARNESS
    if b.outcome == "skip":
        return SKIPPED
    if b.own_comparison == "new":
        return SAME if b.outcome == "pass" and not b.data.get("departures") else _BY_OUTCOME.get(b.outcome, FAILS)
    known = _BY_COMPARISON.get(b.own_comparison)
    return known or _BY_OUTCOME.get(b.outcome, FAILS)


def behaves(s: State) -> bool:
    """As on Linux: the same answer, or the same failure."""
    return s in (SAME, SAME_FAIL)


def package_states(bundles: Iterable[Bundle]) -> dict[str, State]:
    """The worst state of each package's workloads."""
    worst: dict[str, State] = {}
    for b in bundles:
        s = state_of(b)
        if b.package not in worst or s.weight > worst[b.package].weight:
            worst[b.package] = s
    return worst


@dataclass(frozen=True)
class Headline:
    """For one target: packages in all, those that behave, and the others by state."""

    target: str
    total: int
    same: int
    others: tuple[tuple[State, int], ...]
    names: dict[str, tuple[str, ...]]

    @property
    def lead(self) -> str:
        """How many behave: the first half of the headline."""
        first = f"{self.same} of {self.total} {plural(self.total, 'package')}"
        if self.target == "native":
            return f"{first} {'gives' if self.same == 1 else 'give'} the same answer twice on Linux itself"
        return f"{first} {'behaves' if self.same == 1 else 'behave'} as on Linux"

    @property
    def rest(self) -> str:
        """What the others do; "" where there are none."""
        only = [f"{n} {_ONLY[s.key][n > 1]}" for s, n in self.others if s.key in _ONLY]
        rest = [f"{n} {_OTHERS[s.key][n > 1]}" for s, n in self.others if s.key in _OTHERS]
        if only:
            listed = ", ".join(only[:-1]) + (" and " if only[1:] else "") + only[-1]
            rest.insert(0, f"{listed} {'unlike on Linux' if self.target == 'native' else f'only on {self.target}'}")
        return ", ".join(rest)

    @property
    def text(self) -> str:
        return "; ".join(part for part in (self.lead, self.rest) if part) + "."


def plural(n: int, noun: str) -> str:
    return noun if n == 1 else noun + "s"


def headline(target: str, bundles: Sequence[Bundle]) -> Headline:
    states = {p: s for p, s in package_states(b for b in bundles if b.target == target).items() if s != GONE}
    counts = Counter(states.values())
    others = tuple((s, counts[s]) for s in ORDER if counts[s] and not behaves(s))
    names = {s.key: tuple(sorted(p for p, v in states.items() if v == s)) for s in ORDER if counts[s]}
    return Headline(target, len(states), sum(counts[s] for s in counts if behaves(s)), others, names)


def result_text(result: dict[str, object]) -> str:
    """How one side ended: "exit 0", "SIGSEGV", "no end within the time limit"."""
    status = result.get("status")
    if status == "exited":
        return f"exit {result.get('exit')}"
    if status == "signaled":
        return str(result.get("signal") or "a signal")
    if status == "timeout":
        return "no end within the time limit"
    return str(status or "nothing recorded")


def sentence(b: Bundle) -> str:
    """One line that says how both sides ended."""
    s = state_of(b)
    if s is HARNESS:
        return "There is no verdict: the harness itself failed."
    native, target = (b.data.get(k) for k in ("native", "target_result"))
    n = result_text(native if isinstance(native, dict) else {})
    t = result_text(target if isinstance(target, dict) else {})
    if b.target == "native":
        return f"Run against itself on Linux: {n} and {t}."
    if n == t and s is OTHERWISE:
        return f"Ends with {n} on both sides, but answers otherwise on {b.target}."
    if n == t:
        return f"Ends with {n} natively and on {b.target}."
    return f"{_ended(n)} natively; {_ended(t)[0].lower() + _ended(t)[1:]} on {b.target}."


def _ended(result: str) -> str:
    if result.startswith("SIG"):
        return f"Dies of {result}"
    if result.startswith("exit"):
        return f"Ends with {result}"
    return "Does not end within its time limit" if result.startswith("no end") else f"Ended: {result}"
