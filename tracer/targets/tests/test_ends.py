"""How runs end: exit statuses, signals, time, broken targets, and what is left behind: nothing."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest
from lockstep.base.testing import Lockstep, none_left, processes_with

both = pytest.mark.parametrize("target", ["native", "runsc"])


def unique_seconds() -> str:
    """A number of seconds to sleep that no other process sleeps."""
    return f"{random.randrange(10**8, 10**9)}.{os.getpid()}"


@both
@pytest.mark.parametrize(
    ("command", "status"),
    [
        (["true"], 0),
        (["sh", "-c", "exit 3"], 3),
        (["sh", "-c", "exit 255"], 255),
        (["sh", "-c", "kill -SEGV $$"], 128 + 11),
        (["sh", "-c", "kill -KILL $$"], 128 + 9),
        (["no-such-program"], 127),
        (["./no-such-file"], 127),
        (["/etc/passwd"], 126),
        (["/"], 126),
        (["./script"], 127),
    ],
)
def test_exit_status(lockstep: Lockstep, folder: Path, target: str, command: list[str], status: int) -> None:
    (folder / "script").write_text("#!/no/such/interpreter\n")
    (folder / "script").chmod(0o755)
    done = lockstep("run", "--target", target, "--", *command)
    assert done.returncode == status, done.stderr
    if status in (126, 127):
        assert command[0].encode() in done.stderr


def test_outcomes_name_signals_and_not_found(lockstep: Lockstep) -> None:
    for target in ("native", "runsc"):
        out = lockstep.outcome("--target", target, "--", "sh", "-c", "kill -SEGV $$")
        assert (out["status"], out["exit"], out["signal"]) == ("signaled", None, "SIGSEGV")
        # a program may end with a status that looks like a signal
        out = lockstep.outcome("--target", target, "--", "sh", "-c", "exit 139")
        assert (out["status"], out["exit"], out["signal"]) == ("exited", 139, None)
        out = lockstep.outcome("--target", target, "--", "no-such-program")
        assert (out["status"], out["exit"]) == ("exited", 127) and "no-such-program" in out["why"]


@both
def test_timeout_ends_everything(lockstep: Lockstep, target: str) -> None:
    word = unique_seconds()
    script = f"trap '' TERM HUP INT; sleep {word} & (trap '' TERM; sleep {word}); sleep {word}"
    began = time.monotonic()
    out = lockstep.outcome("--target", target, "--timeout", "1", "--", "sh", "-c", script)
    assert out["status"] == "timeout" and "--timeout" in out["why"]
    assert time.monotonic() - began < 10
    assert none_left(word), processes_with(word)
    assert lockstep("run", "--target", target, "--timeout", "0.5", "--", "sleep", word).returncode == 128 + 9


@both
def test_killed_lockstep_leaves_no_process(lockstep: Lockstep, target: str) -> None:
    rng = random.Random(4)
    for _ in range(6):
        word = unique_seconds()
        p = lockstep.start("run", "--target", target, "--", "sh", "-c", f"sleep {word} & setsid sleep {word} & sleep {word}")
        time.sleep(rng.uniform(0, 0.4))
        p.kill()
        p.wait()
        assert none_left(word), processes_with(word)
        for stream in (p.stdout, p.stderr):
            assert stream
            stream.read()  # ends: nobody holds the other end
            stream.close()


@both
def test_signals_are_passed_on(lockstep: Lockstep, target: str) -> None:
    p = lockstep.start("run", "--target", target, "--", "sh", "-c", "trap 'echo got; exit 7' TERM; echo up; while :; do sleep 0.05; done")
    assert p.stdout and p.stdout.readline() == b"up\n"
    p.send_signal(signal.SIGTERM)
    out, err = p.communicate(timeout=20)
    assert (out, p.returncode) == (b"got\n", 7), err


def test_a_second_signal_ends_it_all(lockstep: Lockstep) -> None:
    word = unique_seconds()
    p = lockstep.start("run", "--target", "runsc", "--", "sh", "-c", f"trap '' TERM; echo up; sleep {word}; sleep {word}")
    assert p.stdout and p.stdout.readline() == b"up\n"
    for _ in range(2):
        p.send_signal(signal.SIGTERM)
        time.sleep(0.2)
    _, err = p.communicate(timeout=20)
    assert p.returncode == 125 and b"second signal" in err, err
    assert none_left(word)


def test_background_processes_end_with_the_program(lockstep: Lockstep) -> None:
    word = unique_seconds()
    began = time.monotonic()
    assert lockstep("run", "--target", "native", "--", "sh", "-c", f"sleep {word} & exit 0").returncode == 0
    assert time.monotonic() - began < 5 and none_left(word)


@pytest.mark.parametrize(
    ("prefix", "says"),
    [
        ("false", "status 1 before the program started"),
        ("echo rubbish", "before the program started"),
        ("sh -c 'kill -9 $$'", "died of signal 9 before"),
        ("sh -c 'exit 0'", "before the program started"),
        ("no-such-emulator", "not installed"),
    ],
)
def test_targets_that_die_at_once(lockstep: Lockstep, prefix: str, says: str) -> None:
    done = lockstep("run", "--target-cmd", prefix, "--", "true")
    assert done.returncode == 125 and says in done.stderr.decode(), done.stderr


@pytest.mark.parametrize("prefix", ["sh -c 'sleep 1000'", "sh -c 'trap \"\" TERM; while :; do :; done'", "yes"])
def test_targets_that_hang(lockstep: Lockstep, prefix: str) -> None:
    out = lockstep.outcome("--stdout", "/dev/null", "--target-cmd", prefix, "--timeout", "1", "--", "0")
    assert out["status"] == "timeout"


def test_a_target_that_loses_the_program_is_broken(lockstep: Lockstep) -> None:
    """The sentry is killed: no verdict, and it is said."""
    word = unique_seconds()
    p = lockstep.start("run", "--target", "runsc", "--", "sh", "-c", f"echo up; sleep {word}")
    assert p.stdout and p.stdout.readline() == b"up\n"
    for pid in (int(d.name) for d in Path("/proc").iterdir() if d.name.isdigit()):
        if in_tree(pid, p.pid) and Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"runsc-sandbox"):
            os.kill(pid, signal.SIGKILL)
    _, err = p.communicate(timeout=20)
    assert p.returncode == 125 and b"while the program was running" in err, err
    assert none_left(word)


def in_tree(pid: int, root: int) -> bool:
    try:
        while pid > 1 and pid != root:
            pid = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    except OSError:
        return False
    return pid == root


@both
def test_streams_are_whole_cut_and_hashed(lockstep: Lockstep, folder: Path, target: str) -> None:
    data = os.urandom(1 << 16) * 48  # 3 MB
    (folder / "in").write_bytes(data)
    out1, out2 = folder.parent / "o1", folder.parent / "o2"
    words = ["--target", target, "--stdin", str(folder / "in")]
    first = lockstep.outcome(*words, "--stdout", str(out1), "--", "cat")
    second = lockstep.outcome(*words, "--stdout", str(out2), "--max-output", "64K", "--", "cat")
    assert out1.read_bytes() == data and not first["stdout"]["cut"]
    assert out2.read_bytes() == data[: 1 << 16] and second["stdout"]["cut"]
    assert first["stdout"]["size"] == second["stdout"]["size"] == len(data)
    assert first["stdout"]["hash"] == second["stdout"]["hash"]


def test_output_to_a_file_is_whole_on_runsc(lockstep: Lockstep, folder: Path) -> None:
    """runsc writes a regular file at an offset of its own: ours goes through a pipe."""
    file = folder.parent / "both"
    with file.open("wb") as f:
        f.write(b"before\n")
        f.flush()
        words = lockstep.words("run", "--target", "runsc", "--", "sh", "-c", "echo out; echo err >&2; echo out")
        subprocess.run(words, cwd=folder, env=lockstep.env, stdin=subprocess.DEVNULL, stdout=f, stderr=f, timeout=60, check=True)
    assert sorted(file.read_bytes().split()) == [b"before", b"err", b"out", b"out"]


def test_a_reader_that_goes_away_ends_the_program(lockstep: Lockstep) -> None:
    p = lockstep.start("run", "--target", "native", "--", "yes")
    assert p.stdout
    p.stdout.readline()
    p.stdout.close()
    assert p.wait(timeout=20) in (128 + 13, 1)
    assert p.stderr
    p.stderr.close()


def test_programs_that_misbehave(lockstep: Lockstep) -> None:
    close_all = "import os; os.closerange(0, 256); os._exit(5)"
    assert lockstep("run", "--target", "native", "--", "/usr/bin/python3", "-c", close_all).returncode == 5
    out = lockstep.outcome(
        "--target", "native", "--timeout", "30", "--stdout", "/dev/null", "--max-output", "1M", "--", "sh", "-c", "yes | head -c 60000000"
    )
    assert out["stdout"]["size"] == 60000000 and out["stdout"]["cut"]
    word = unique_seconds()
    bomb = f"f() {{ sleep {word} & f; }}; f"
    out = lockstep.outcome("--target", "native", "--timeout", "1", "--pids", "300", "--stderr", "/dev/null", "--", "sh", "-c", bomb)
    assert none_left(word), processes_with(word)[:3]


def test_a_hundred_thousand_arguments(lockstep: Lockstep) -> None:
    done = lockstep("run", "--target", "native", "--", "sh", "-c", "echo $#", "sh", *["x"] * 100000)
    assert done.stdout == b"100000\n"
