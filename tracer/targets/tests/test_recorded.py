"""`lockstep trace`: the recorder inside each target, and what happens when it is killed."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from lockstep.base.testing import Lockstep, check_schema, none_left, processes_with

both = pytest.mark.parametrize("target", ["native", "runsc"])


def trace(ls: Lockstep, target: str, *words: str) -> tuple[dict[str, Any], Path]:
    """The outcome (held to its schema) and the trace."""
    file, outcome = ls.cwd.parent / "trace", ls.cwd.parent / "trace.json"
    outcome.unlink(missing_ok=True)
    done = ls("trace", "--quiet", "--target", target, "-o", str(file), "--outcome", str(outcome), *words)
    assert outcome.exists(), done.stderr.decode()
    return check_schema(json.loads(outcome.read_text())), file


@both
def test_a_trace_and_its_outcome(lockstep: Lockstep, folder: Path, target: str) -> None:
    out, file = trace(lockstep, target, "--stdout", str(folder.parent / "so"), "--", "sh", "-c", "echo hello; exit 3")
    assert (out["status"], out["exit"], out["trace"]) == ("exited", 3, str(file))
    assert (folder.parent / "so").read_text() == "hello\n"
    shown = lockstep("show", str(file))
    assert shown.returncode == 0 and b'write(1, "hello\\n", 6)' in shown.stdout and b"exited with 3" in shown.stdout
    assert out["files"] == []


@both
def test_how_recorded_programs_end(lockstep: Lockstep, target: str) -> None:
    out, _ = trace(lockstep, target, "--", "sh", "-c", "kill -SEGV $$")
    assert (out["status"], out["signal"]) == ("signaled", "SIGSEGV")
    out, _ = trace(lockstep, target, "--", "sh", "-c", "kill -KILL $$")
    assert (out["status"], out["signal"]) == ("signaled", "SIGKILL")
    assert trace(lockstep, target, "--", "no-such-program")[0]["exit"] == 127
    assert trace(lockstep, target, "--", "/etc/passwd")[0]["exit"] == 126


@both
def test_faults_are_injected(lockstep: Lockstep, target: str) -> None:
    words = ["trace", "--quiet", "--target", target, "-o", "../t"]
    assert lockstep(*words, "--inject", "call=geteuid ret=7", "--", "id", "-u").stdout == b"7\n"
    if target == "native":  # plays a target that has the fault
        done = lockstep(*words, "--target-opt", "inject=call=geteuid ret=8", "--target-opt", "inject=call=getegid ret=9", "--", "id", "-u")
        assert done.stdout == b"8\n"
    done = lockstep(*words, "--inject", "call=no_such_call ret=1", "--", "true")
    assert done.returncode == 125 and b"no_such_call" in done.stderr


@both
def test_timeout_lets_the_recorder_store_its_stacks(lockstep: Lockstep, target: str) -> None:
    word = f"{random.randrange(10**8, 10**9)}.{os.getpid()}"
    out, file = trace(lockstep, target, "--timeout", "1", "--", "sh", "-c", f"sleep {word}")
    assert out["status"] == "timeout" and out["wall_ns"] < 6e9
    kinds = {json.loads(line).get("kind") for line in lockstep("show", "--json", str(file)).stdout.splitlines()}
    assert "stack" in kinds, kinds
    assert none_left(word), processes_with(word)


@both
def test_a_killed_recorder_is_no_verdict_and_leaves_nothing(lockstep: Lockstep, target: str) -> None:
    word = f"{random.randrange(10**8, 10**9)}.{os.getpid()}"
    out, file = trace(lockstep, target, "--", "sh", "-c", f"sleep {word} & sleep 0.2; kill -KILL $PPID; sleep {word}")
    assert out["status"] == "broke" and "killed" in out["why"], out
    assert file.exists() and none_left(word), processes_with(word)


@both
def test_lockstep_killed_while_it_records(lockstep: Lockstep, folder: Path, target: str) -> None:
    rng = random.Random(8)
    for _ in range(5):
        word = f"{rng.randrange(10**8, 10**9)}.{os.getpid()}"
        p = lockstep.start("trace", "--target", target, "-o", "../t", "--", "sh", "-c", f"sleep {word} & sleep {word}")
        time.sleep(rng.uniform(0, 0.5))
        p.send_signal(signal.SIGKILL)
        p.communicate(timeout=10)
        assert none_left(word), processes_with(word)


def test_a_disk_that_is_full_is_said(lockstep: Lockstep) -> None:
    done = lockstep("trace", "--no-record", "--target", "native", "--outcome", "/dev/full", "--", "true")
    assert done.returncode == 125 and b"/dev/full" in done.stderr and b"No space left" in done.stderr
    done = lockstep("trace", "--no-record", "--target", "native", "--outcome", "../o.json", "--stdout", "/dev/full", "--", "echo", "x")
    assert done.returncode == 125 and b"/dev/full" in done.stderr
    done = lockstep("trace", "--target", "native", "-o", "/no/such/folder/t", "--", "true")
    assert done.returncode == 125 and b"/no/such/folder/t" in done.stderr


@both
def test_recorded_without_rights(user_lockstep: Lockstep, target: str) -> None:
    out, file = trace(user_lockstep, target, "--", "sh", "-c", "echo x >new; id -u")
    assert (out["status"], out["exit"]) == ("exited", 0), out
    assert [f["change"] for f in out["files"]] == ["new"]
    assert file.stat().st_size > 1000
    assert user_lockstep("target", "check", target).returncode == 0
