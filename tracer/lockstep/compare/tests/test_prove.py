"""Proof is by what runs do; causes that only work together are found as a set, and no larger than it must be."""

from __future__ import annotations

from pathlib import Path

from lockstep.compare import habits
from lockstep.compare.differences import parse
from lockstep.compare.finding import Finding
from lockstep.compare.learn import clean_words
from lockstep.compare.outcome import Departure, Profile, Run
from lockstep.compare.prove import Prover
from lockstep.compare.settings import Settings


def run(folder: Path, name: str, code: int) -> Run:
    path = folder / name
    path.mkdir(exist_ok=True)
    return Run(path, {"status": "exited", "exit": code, "signal": None, "wall_ns": 1})


class Pretending(Prover):
    """Native goes the target's way when all of `causes` are injected; the target is repaired by spec "fix"."""

    causes: frozenset[str] = frozenset()

    def _run(self, specs: tuple[str, ...], *, native: bool) -> Run | None:
        if native:
            return run(self.work, f"p{next(self.counter)}", 1 if set(specs) >= self.causes else 0)
        return run(self.work, f"p{next(self.counter)}", 0 if "fix" in specs else 1)


def prover(tmp: Path, *causes: str) -> Pretending:
    natives, targets = Profile([run(tmp, "n", 0)]), Profile([run(tmp, "t", 1)])
    p = Pretending(Settings(argv=("x",)), natives, targets, [Departure("exit-status", "exit status", "exit 0", "exit 1")], tmp)
    p.causes = frozenset(causes)
    return p


def finding(spec: str, fix: str | None = None) -> Finding:
    return Finding("errno", spec, {}, spec, inject_native=(spec,), inject_target=(fix,) if fix else ())


def test_a_cause_is_proven_both_ways_and_another_is_refuted(tmp_path: Path) -> None:
    p = prover(tmp_path, "a")
    proven = p.prove(finding("a", "fix")).proof
    assert (proven.native_broken, proven.target_repaired, proven.proven) == (True, True, True)
    assert p.prove(finding("b")).proof.proven is False
    assert p.prove(Finding("errno", "none", {}, "n")).proof.proven is None


def test_causes_that_only_work_together_are_cut_to_what_is_needed(tmp_path: Path) -> None:
    p = prover(tmp_path, "a", "c")
    found = [finding(s) for s in "abcd"]
    assert [f.fingerprint for f in p.prove_together(found)] == ["a", "c"]
    assert prover(tmp_path, "z").prove_together(found) == []


def test_a_habit_must_know_every_field_that_differs() -> None:
    known = habits.Habits("t", keys={"result:stat:ok>ok 100000 st_blocks": ["true"], "enosys:rseq": ["true"]})
    d = {"habit_key": "result:stat:ok>ok 100000", "fields": ["st_blocks"]}
    assert known.has(habits.habit_keys(d))
    assert not known.has(habits.habit_keys({**d, "fields": ["st_blocks", "st_size"]}))
    assert known.has(habits.habit_keys({"habit_key": "enosys:rseq"}))
    assert not known.has(habits.habit_keys({}))


def test_habits_are_saved_for_a_target_and_damage_is_no_habit(tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("LOCKSTEP_CACHE", str(tmp_path))
    file = habits.save("runsc --target-opt platform=kvm", habits.Habits("runsc", "1", {"k": ["a"]}, 5, 2.0))
    assert habits.load("runsc --target-opt platform=kvm") == habits.Habits("runsc", "1", {"k": ["a"]}, 5, 2.0)
    assert habits.load("runsc") is None
    file.write_text("{")
    assert habits.load("runsc --target-opt platform=kvm") is None


def test_seeded_faults_are_no_part_of_a_target() -> None:
    words = ("--target-opt", "platform=kvm", "--target-opt", "inject=call=read errno=EIO")
    assert clean_words(words) == ["--target-opt", "platform=kvm"]


def test_lines_of_other_kinds_are_kept_apart() -> None:
    out = parse(
        [
            '{"schema":"lockstep.process/1","side":"n","key":"k","ord":0,"parent":"p","parent_ord":1,"status":"exit 0"}',
            '{"schema":"lockstep.guest-vma/1","side":"n","points":[[1,2]]}',
            '{"schema":"lockstep.difference/1","kind":"errno"}',
            '{"schema":"lockstep.new/1"}',
        ]
    )
    assert out.processes[0].parent == ("p", 1)
    assert (out.guest_vmas, len(out.differences), len(out.notes)) == ({"n": [[1, 2]]}, 1, 1)
