"""Ranking: backwards from the outcome, earliest result first, pages by what they cover, proof last."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lockstep.compare.differences import Comparison, Process
from lockstep.compare.finding import Finding, Proof, fingerprint, numbered
from lockstep.compare.rank import Focus, focus, order, settle


def call(seq: int, *, kind: str = "errno", process: str = "a", native: dict[str, Any] | None = None) -> Finding:
    return Finding(kind, f"{kind} {seq}", {"native": native or {}}, fingerprint(seq), process=(process, 0), target_seq=seq)


def page(covers: list[str], process: str = "a") -> Finding:
    return Finding("elf-page", "page", {"covers": covers}, "p", process=(process, 0), target_seq=1)


def process(side: str, key: str, status: str, end: int = 0) -> Process:
    return Process(side, key, 0, None, {"status": status, "end_seq": end})


def test_the_first_process_that_ended_otherwise_is_the_focus() -> None:
    c = Comparison(
        processes=[
            process("n", "a", "exit 0"),
            process("n", "b", "exit 0"),
            process("t", "a", "exit 1", 90),
            process("t", "b", "SIGSEGV", 40),
        ]
    )
    assert [p.key for p in focus(c, ["n"], "t").chain] == ["b", "a"]


def test_departures_in_the_focus_come_before_earlier_ones_elsewhere() -> None:
    foc = Focus((process("t", "b", "SIGSEGV", 40),))
    ranked = order([call(3, process="a"), call(20, process="b")], foc)
    assert [f.target_seq for f in ranked] == [20, 3]


def test_the_earliest_result_comes_first_and_extra_calls_behind() -> None:
    found = [call(5, kind="call-extra"), call(7), call(9, kind="result")]
    assert [f.kind for f in order(found, Focus(()))] == ["errno", "result", "call-extra"]


def test_a_page_that_covers_nothing_stands_behind_everything() -> None:
    foc = Focus((process("t", "a", "SIGSEGV", 40),))
    assert [f.kind for f in order([page([]), call(5)], foc)] == ["errno", "elf-page"]
    assert [f.kind for f in order([page(["DYNAMIC"]), call(5)], foc)] == ["elf-page", "errno"]


def test_proof_decides_and_habits_go_last() -> None:
    a, b, c = call(1), replace(call(2), proof=Proof(True, None, "")), replace(call(3), proof=Proof(False, None, ""))
    assert [f.target_seq for f in settle([a, b, c])] == [2, 1, 3]
    assert [f.rank for f in numbered([replace(a, habit=True), b])] == [1, 2]
    assert numbered([replace(a, habit=True), b])[0] == replace(b, rank=1)
