"""Noise in outputs and files is what native runs did differently, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lockstep.compare.outcome import Departure, MaskedText, Profile, Run, same_way


def run(tmp: Path, name: str, *, code: int = 0, stdout: bytes = b"", stderr: bytes = b"", files: Any = (), **more: Any) -> Run:
    folder = tmp / name
    folder.mkdir()
    (folder / "stdout").write_bytes(stdout)
    (folder / "stderr").write_bytes(stderr)
    return Run(folder, {"status": "exited", "exit": code, "signal": None, "files": list(files), **more})


def test_words_that_differ_between_natives_are_variables() -> None:
    mask = MaskedText([b"seed 123 ok\nend\n", b"seed 456 ok\nend\n"])
    assert mask.departure(b"seed 789 ok\nend\n") is None
    assert mask.departure(b"seed 789 bad\nend\n") == ("seed 123 ok", "seed 789 bad")


def test_a_stable_text_departs_at_its_first_differing_line() -> None:
    mask = MaskedText([b"a\nb\n", b"a\nb\n"])
    assert mask.departure(b"a\nc\n") == ("b", "c")
    assert mask.departure(b"a\n") == ("b", "(output ends)")
    assert mask.departure(b"a\nb\nc\n") == ("(output ends)", "c")


def test_line_counts_that_vary_leave_only_the_common_lines() -> None:
    mask = MaskedText([b"start\nx\nend\n", b"start\nx\ny\nend\n"])
    assert mask.departure(b"start\nend\n") == ("x", "(line missing)")
    assert mask.departure(b"start\nq\nx\nend\n") is None


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=4))
def test_every_native_text_fits_its_own_mask(texts: list[bytes]) -> None:
    mask = MaskedText(texts)
    assert all(mask.departure(t) is None for t in texts)


@given(st.binary(max_size=60), st.binary(min_size=1, max_size=60))
def test_a_stable_text_is_departed_from_by_every_other(text: bytes, other: bytes) -> None:
    assert (MaskedText([text, text]).departure(other) is None) == (text == other)


def test_status_and_files_depart(tmp_path: Path) -> None:
    f = {"path": "/w/out", "change": "new", "type": "file", "mode": 420, "size": 3, "hash": "aa"}
    profile = Profile([run(tmp_path, f"n{i}", files=[f]) for i in range(2)])
    assert profile.departures(run(tmp_path, "same", files=[f])) == []
    bad = profile.departures(run(tmp_path, "bad", code=1, files=[{**f, "hash": "bb"}]))
    assert [d.kind for d in bad] == ["exit-status", "file-state"]
    assert [d.target for d in profile.departures(run(tmp_path, "none"))] == ["not written"]


def test_files_in_a_folder_that_natives_fill_differently_are_noise(tmp_path: Path) -> None:
    profile = Profile(
        [
            run(tmp_path, f"n{i}", files=[{"path": f"/tmp/t{i}/x", "change": "new"}, {"path": f"/tmp/t{i}", "change": "new"}])
            for i in range(2)
        ]
    )
    assert profile.departures(run(tmp_path, "t", files=[{"path": "/tmp/other/y", "change": "new"}])) == []
    assert profile.departures(run(tmp_path, "u", files=[{"path": "/etc/y", "change": "new"}])) != []


def test_an_injected_run_goes_a_way_only_in_what_the_sides_part_in(tmp_path: Path) -> None:
    native = Profile([run(tmp_path, "n", stdout=b"ok\n", stderr=b"pid 1\n")])
    target = Profile([run(tmp_path, "t", code=1, stdout=b"", stderr=b"Traceback\n")])
    departed = native.departures(target.natives[0])
    broken = run(tmp_path, "b", code=1, stderr=b"Traceback of pid 7\n")
    assert same_way(broken, target, departed) and not same_way(broken, native, departed)
    other = run(tmp_path, "o", code=2)
    assert not same_way(other, target, departed) and not same_way(other, native, departed)


def test_a_killed_run_never_goes_the_way_of_one_that_ends(tmp_path: Path) -> None:
    native = Profile([run(tmp_path, "n", stdout=b"1\n")])
    dead = Run(tmp_path / "n", {"status": "signaled", "exit": None, "signal": "SIGSEGV"})
    assert not same_way(dead, native, [Departure("output", "stdout", "1", "2")])
