"""The command line: targets, checks, errors, what --json prints."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from lockstep.base.testing import EXE, REPO, Lockstep, check_schema


def test_every_json_object_keeps_its_schema(lockstep: Lockstep) -> None:
    names = []
    for line in lockstep("target", "list", "--json").stdout.decode().splitlines():
        names.append(check_schema(json.loads(line))["name"])
    assert {"native", "runsc", "qemu-x86_64"} <= set(names)
    for name in names:
        check_schema(json.loads(lockstep("target", "show", name, "--json").stdout))
    done = lockstep("doctor", "--json")
    obj = check_schema(json.loads(done.stdout))
    assert done.returncode == (0 if obj["ok"] else 1)
    assert {"max_map_count", "ptrace", "seccomp", "user namespaces", "disposable state", "disk", "python"} <= {
        i["name"] for i in obj["items"]
    }
    assert all(i["mend"] for i in obj["items"] if i["state"] == "mend" and i["name"] != "target")
    done = lockstep("run", "--json", "--target", "native", "--", "true")
    assert check_schema(json.loads(done.stdout))["status"] == "exited"


def test_qemu_runs_and_is_recorded_by_its_own_log(lockstep: Lockstep, folder: Path) -> None:
    done = lockstep("target", "check", "qemu-x86_64", "--json")
    obj = check_schema(json.loads(done.stdout))
    assert obj["ok"] and done.returncode == 0, done.stdout
    trace = folder.parent / "t"
    script = folder / "script"
    script.write_text("#!/bin/sh -e\necho from $0 $1\n")
    script.chmod(0o755)
    done = lockstep(
        "trace", "--target", "qemu-x86_64", "-o", str(trace), "--outcome", str(folder.parent / "o.json"), "--", "./script", "one"
    )
    assert done.returncode == 0 and done.stdout.startswith(b"from ") and done.stdout.endswith(b"script one\n"), done
    out = check_schema(json.loads((folder.parent / "o.json").read_text()))
    assert out["trace"] is None and out["target_log"] == f"{trace}.log" and not trace.exists()
    assert "write(1," in Path(out["target_log"]).read_text()
    assert lockstep("run", "--target", "qemu-x86_64", "--", "no-such-program").returncode == 127
    assert lockstep("run", "--target", "qemu-x86_64", "--", "sh", "-c", "exit 9").returncode == 9
    assert lockstep("run", "--target", "qemu-x86_64", "--", "sh", "-c", "kill -SEGV $$").returncode == 128 + 11


def test_check_says_why_a_target_cannot_run(folder: Path) -> None:
    own = folder / "own"
    own.mkdir()
    (own / "absent.target").write_text("need.program = no-such-emulator\ninstall = get it\nstart = no-such-emulator\n")
    (own / "dies.target").write_text("start = sh -c 'echo sorry >&2; exit 4'\n")
    (own / "liar.target").write_text("start = sh -c 'echo something else'\nrecord = outcome\n")
    (own / "hangs.target").write_text("start = sleep 1000\nrecord = outcome\ncommand = path\n")
    (own / "root.target").write_text("need.root = yes\nrecord = outcome\n")
    (own / "native.target").write_text("about = mine goes first\nrecord = outcome\n")
    ls = Lockstep(EXE, folder, env={"LOCKSTEP_TARGETS": f"/nowhere:{own}:"})
    for name, says in [("absent", "get it"), ("dies", "sorry"), ("liar", "printed something else"), ("hangs", "ended with status 1")]:
        done = ls("target", "check", name)
        assert done.returncode == 1 and says in done.stdout.decode() and "cannot run" in done.stdout.decode(), (name, done)
    done = ls("target", "check", "--target-cmd", "sh -c 'sleep 1000'", "--timeout", "1")
    assert done.returncode == 1 and "still running after 1 s" in done.stdout.decode()
    assert ls("target", "check", "root").returncode == (1 if os.geteuid() else 0)
    assert b"mine goes first" in ls("target", "show", "native").stdout
    assert ls("target", "check", "./own/native.target").returncode == 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "usage:"),
        (["rnu"], "did you mean `lockstep run`"),
        (["frobnicate"], "lockstep --help"),
        (["run"], "needs a command"),
        (["run", "--tmeout", "5", "--", "true"], "did you mean --timeout?"),
        (["run", "--timeout", "soon", "--", "true"], "--timeout takes seconds such as 5 or 0.5, not 'soon'"),
        (["run", "--timeout"], "--timeout needs a value"),
        (["run", "--memory=lots", "--", "true"], "--memory takes a size"),
        (["run", "--cpus", "0", "--", "true"], "--cpus takes a number from 1"),
        (["run", "--env", "X", "--", "true"], "--env takes NAME=VALUE"),
        (["run", "--rw=yes", "--", "true"], "--rw takes no value"),
        (["run", "--cwd", "/no/such", "--", "true"], "--cwd /no/such: No such file"),
        (["run", "--bind", "/etc", "--", "true"], "SRC:DST"),
        (["run", "--bind", "/no/such:/x", "--", "true"], "--bind /no/such"),
        (["run", "--bind", "/etc:x", "--", "true"], "absolute path"),
        (["run", "--rw", "--keep-changes", "x", "--", "true"], "--rw"),
        (["run", "--target", "nothing", "--", "true"], "there is no target named nothing (there are: native"),
        (["run", "--target", "native", "--target-cmd", "x", "--", "true"], "two ways to say the same"),
        (["run", "--target-opt", "speed=1", "--", "true"], "no option speed (it has: platform)"),
        (["run", "--target-opt", "platform=best", "--", "true"], "ptrace, kvm, systrap"),
        (["run", "--target", "native", "--target-opt", "inject=call=read", "--", "true"], "done by the recorder"),
        (["trace", "--", "true"], "needs -o FILE"),
        (["trace", "--no-record", "--inject", "x", "--", "true"], "not with --no-record"),
        (["target"], "list, show NAME"),
        (["target", "chekc", "x"], "did you mean check?"),
        (["target", "show"], "takes one name"),
        (["doctor", "me"], "takes no words"),
    ],
)
def test_wrong_use_is_status_2_with_a_sentence(lockstep: Lockstep, words: list[str], says: str) -> None:
    done = lockstep(*words)
    assert done.returncode == 2 and says in done.stderr.decode(), done
    assert done.stdout == b""


def test_hostile_descriptions_are_bad_input(lockstep: Lockstep, folder: Path) -> None:
    for n, text in enumerate([b"\x7fELF\0\0", b"start = {", b"x" * 200000, b"= =\n", b"start = 'a\n"]):
        (folder / f"{n}.target").write_bytes(text)
        done = lockstep("run", "--target", f"./{n}.target", "--", "true")
        assert done.returncode == 2 and f"{n}.target" in done.stderr.decode(), done
    done = lockstep("run", "--target", "./missing.target", "--", "true")
    assert done.returncode == 2 and b"missing.target" in done.stderr


def test_help_has_an_example_and_every_option_is_told(lockstep: Lockstep) -> None:
    for words in (["run"], ["trace"], ["target"], ["doctor"]):
        done = lockstep(*words, "--help")
        text = done.stdout.decode()
        assert done.returncode == 0 and "Example" in text and f"lockstep {words[0]}" in text.split("Example")[1]
        assert "--json" in text
    shared = "--target --target-cmd --target-opt --rootfs --keep-changes --memory --cpus --pids --timeout --env --cwd --bind --rw --json --verbose"
    text = lockstep("run", "--help").stdout.decode()
    assert all(f"{o} " in text or f"{o}\n" in text for o in shared.split())
    assert lockstep("--version").stdout.startswith(b"lockstep ")
    assert b"Example" in lockstep("--help").stdout


def test_python_commands_get_their_place(folder: Path) -> None:
    """`lockstep diff` becomes python3 -m lockstep.compare with PYTHONPATH and LOCKSTEP_EXE set."""
    bin_ = folder / "bin"
    bin_.mkdir()
    (bin_ / "python3").write_text('#!/bin/sh\necho "$PYTHONPATH|$LOCKSTEP_EXE|$*"\n')
    (bin_ / "python3").chmod(0o755)
    venv = EXE.resolve().parent.parent / "venv/bin/python"
    ls = Lockstep(EXE, folder, env={"PATH": f"{bin_}:/usr/bin:/bin"})
    done = ls("diff", "--help", "x y")
    if venv.exists():  # the checkout's own interpreter goes first: the real command answered
        assert b"usage" in done.stdout + done.stderr
        return
    path, exe, words = done.stdout.decode().strip().split("|")
    assert words == "-m lockstep.compare --help x y"
    assert [Path(p).resolve() for p in path.split(":")] == [REPO / p for p in ("common", "tracer", "workloads", "reports")]
    assert Path(exe).samefile(EXE)


def test_host_vmas_are_sampled(lockstep: Lockstep, folder: Path) -> None:
    script = "import mmap, time; keep = [mmap.mmap(-1, 4096, prot=1 + 2 * (i % 2)) for i in range(1500)];time.sleep(0.6)"
    done = lockstep("trace", "--no-record", "--target", "native", "--outcome", "../o.json", "--", "/usr/bin/python3", "-c", script)
    assert done.returncode == 0, done.stderr
    vma = check_schema(json.loads((folder.parent / "o.json").read_text()))["host_vma"]
    assert vma["peak"] >= 1500 and vma["limit"] > 1000 and vma["process"].startswith("python3")
    assert len(vma["samples"]) >= 5 and max(n for _, n in vma["samples"]) == vma["peak"]
    assert len(Path(vma["peak_maps"]).read_text().splitlines()) == vma["peak"]


def test_a_target_on_the_spot(lockstep: Lockstep, folder: Path) -> None:
    """An "emulator" that lies below /tmp and hands everything on: whatever it adds to the environment, the program's is its own."""
    emu = folder.parent / "emu" / "emu"
    emu.parent.mkdir()
    emu.write_text('#!/bin/sh\nexport ADDED=1\ntest "$1" = --fast && shift && exec "$@"\n')
    emu.chmod(0o755)
    done = lockstep("run", "--target-cmd", f"{emu} --fast", "--", "sh", "-c", "echo works $ADDED; exit 6")
    assert (done.stdout, done.returncode) == (b"works\n", 6), done.stderr


@pytest.mark.parametrize("command", ["run", "trace", "target", "doctor"])
def test_the_manual_has_every_option(lockstep: Lockstep, command: str) -> None:
    page = (REPO / f"docs/man/lockstep-{command}.1").read_text().replace("\\-", "-")
    text = lockstep(command, "--help").stdout.decode()
    missing = [o for o in re.findall(r"^  (?:-\w,|   ) +(--[a-z-]+)", text, re.M) if o not in page]
    assert not missing and "--json" in text
