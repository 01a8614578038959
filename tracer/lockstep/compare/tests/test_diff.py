"""`lockstep diff` as users run it, natively: quiet where nothing differs, right where something was planted, clear where it cannot work."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from lockstep.compare.settings import lockstep_exe

FAULT = "inject=call=openat image=cat p1=word.txt nth=1 errno=EACCES"


def diff(tmp: Path, *words: str) -> subprocess.CompletedProcess[bytes]:
    env = {**os.environ, "LOCKSTEP_HOME": str(tmp / "home"), "LOCKSTEP_CACHE": str(tmp / "cache")}
    return subprocess.run([lockstep_exe(), "diff", *words], capture_output=True, timeout=120, env=env, check=False)


def found(done: subprocess.CompletedProcess[bytes]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.decode().split("\n") if line]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "word.txt").write_text("word\n")
    return tmp_path


def test_native_against_native_is_quiet(folder: Path) -> None:
    done = diff(folder, "--target", "native", "--cwd", str(folder), "--", "sh", "-c", "cat word.txt | wc -c; date +%N; mktemp")
    assert (done.returncode, b"no findings" in done.stdout) == (0, True), done
    assert b"not compared" not in done.stdout


def test_a_planted_fault_is_rank_1_proven_and_shown_again(folder: Path) -> None:
    words = ["--json", "--target", "native", "--target-opt", FAULT, "--cwd", str(folder), "--bundle", str(folder / "b")]
    done = diff(folder, *words, "--", "sh", "-c", "cat word.txt || echo lost")
    top = found(done)[0]
    assert done.returncode == 1
    assert (top["kind"], top["evidence"]["call"], top["proven"], top["proof"]["native_broken"]) == ("errno", "openat", True, True)
    assert top["evidence"]["target"]["errno"] == "EACCES" and top["reproduced"][0] == top["reproduced"][1] >= 2
    assert {p.name for p in (folder / "b").iterdir()} >= {
        "bundle.json",
        "findings.jsonl",
        "align.jsonl",
        "procs.json",
        "native-1",
        "target-2",
    }
    again = subprocess.run(
        [lockstep_exe(), "repro", "--json", f"{folder}/b#{top['fingerprint']}"], capture_output=True, timeout=120, check=False
    )
    assert again.returncode == 0 and json.loads(again.stdout)["shown"] is True, again
    none = subprocess.run([lockstep_exe(), "repro", f"{folder}/b#000000000000"], capture_output=True, timeout=60, check=False)
    assert none.returncode == 2 and b"has no finding" in none.stderr


def test_recorded_runs_can_be_compared_alone(folder: Path) -> None:
    diff(
        folder,
        "--target",
        "native",
        "--target-opt",
        FAULT,
        "--cwd",
        str(folder),
        "--bundle",
        str(folder / "b"),
        "--proofs",
        "0",
        "--",
        "cat",
        "word.txt",
    )
    done = diff(folder, "--json", str(folder / "b" / "native-1"), str(folder / "b" / "target-1"))
    assert done.returncode == 1
    assert any(f["kind"] == "errno" and f["evidence"].get("call") == "openat" for f in found(done))
    same = diff(folder, str(folder / "b" / "native-1" / "trace"), str(folder / "b" / "native-2" / "trace"))
    assert (same.returncode, b"no findings" in same.stdout) == (0, True), same


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (["--", "no-such-command-here"], 2, "not found"),
        (["--target", "no-such-target", "--no-learn", "--", "true"], 3, "no target named"),
        ([], 2, "after --"),
        (["/no/such/run", "/no/such/other"], 2, "no such run"),
        (["--runs", "0", "--", "true"], 2, "from 1 to 16"),
        (["--bundle", "/proc", "--", "true"], 2, "exists already"),
    ],
)
def test_wrong_use_is_said_clearly(tmp_path: Path, words: list[str], status: int, says: str) -> None:
    done = diff(tmp_path, *(["--target", "native"] if "--target" not in words else []), *words)
    assert (done.returncode, says in done.stderr.decode()) == (status, True), done


def test_a_hang_is_a_finding_with_stacks(folder: Path) -> None:
    hang = "inject=call=exit_group image=sleep nth=1 errno=EINTR"
    done = diff(
        folder, "--json", "--target", "native", "--target-opt", hang, "--timeout", "3", "--runs", "2", "--proofs", "0", "--", "sleep", "0.1"
    )
    kinds = {f["kind"]: f for f in found(done)}
    assert done.returncode == 1 and kinds, done
    if "hang" in kinds:
        assert kinds["hang"]["evidence"]["stacks"]
