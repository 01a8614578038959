"""Every run starts from the same disposable state, on every target."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from lockstep.base.testing import EXE, Lockstep

both = pytest.mark.parametrize("target", ["native", "runsc"])


@both
def test_what_is_written_is_thrown_away_and_listed(lockstep: Lockstep, folder: Path, target: str) -> None:
    (folder / "old").write_text("old")
    (folder / "gone").write_text("gone")
    (folder / "same").write_text("same")
    script = (
        "echo new >new; echo changed >old; rm gone; echo x >/etc/lockstep-test; echo y >/tmp/lockstep-y; printf same >same; ln -s a link"
    )
    out = lockstep.outcome("--target", target, "--", "sh", "-c", script)
    assert out["status"] == "exited" and out["exit"] == 0
    files = {f["path"]: f for f in out["files"]}
    here = str(folder)
    assert {p: f["change"] for p, f in files.items()} == {
        f"{here}/new": "new",
        f"{here}/old": "changed",
        f"{here}/gone": "deleted",
        f"{here}/link": "new",
        "/etc/lockstep-test": "new",
        "/tmp/lockstep-y": "new",
    }
    assert files[f"{here}/new"]["size"] == 4 and files[f"{here}/new"]["hash"]
    assert files[f"{here}/link"]["type"] == "link"
    assert out["dropped_bytes"] == 4 + 8 + 2 + 2
    assert (folder / "old").read_text() == "old" and (folder / "gone").exists() and not (folder / "new").exists()
    assert not Path("/etc/lockstep-test").exists() and not Path("/tmp/lockstep-y").exists()


@both
def test_the_second_run_does_not_see_the_first(lockstep: Lockstep, target: str) -> None:
    for _ in range(2):
        done = lockstep("run", "--target", target, "--", "sh", "-c", "test -e mark && echo seen; touch mark /tmp/mark2; test -e /tmp/mark3")
        assert done.returncode == 1 and done.stdout == b""


def test_all_that_a_program_can_ask_is_the_same_on_both(lockstep: Lockstep) -> None:
    script = "pwd; id; hostname; cat /etc/hosts | tail -1; echo /tmp/* /tmp/.lock*; umask"
    answers = {t: lockstep("run", "--target", t, "--", "sh", "-c", script).stdout for t in ("native", "runsc")}
    assert answers["native"] == answers["runsc"]
    assert b"\nlockstep\n127.0.0.1\tlockstep\n" in answers["native"]


@both
def test_the_environment_is_cleared_but_for_what_is_named(folder: Path, target: str) -> None:
    ls = Lockstep(Path(os.environ["LOCKSTEP_EXE"]), folder, env={"SECRET": "x", "TERM": "dumb", "LANG": "de_DE", "TMPDIR": "/var/tmp"})
    done = ls("run", "--target", target, "--env", "MORE=a=b", "--env", "HOME=/nowhere", "--", "/usr/bin/env", "-0")
    got = dict(kv.split("=", 1) for kv in done.stdout.decode().split("\0") if kv)
    assert got == {"PATH": os.environ["PATH"], "HOME": "/nowhere", "LANG": "C.UTF-8", "TERM": "dumb", "MORE": "a=b"}


def test_pid_1_shows_nothing_of_the_host(lockstep: Lockstep) -> None:
    done = lockstep(
        "run",
        "--target",
        "native",
        "--",
        "sh",
        "-c",
        "tr -d '\\0' </proc/1/cmdline; tr -d '\\0' </proc/1/environ; ls /proc | grep -c '^[0-9]'",
    )
    assert done.stdout.strip().isdigit() and int(done.stdout) < 8


@both
def test_named_paths_below_tmp_stay_visible_and_others_do_not(lockstep: Lockstep, folder: Path, target: str) -> None:
    lib = folder.parent / "lib"
    lib.mkdir()
    (lib / "sibling.py").write_text("x = 'sibling'\n")
    (lib / "main.py").write_text("import sibling; print(sibling.x)\n")
    other = Path(f"/tmp/lockstep-other-{os.getpid()}")
    other.write_text("other")
    alone = Path(f"/tmp/lockstep-alone-{os.getpid()}.py")
    alone.write_text("import os, sys; print(os.path.exists(sys.argv[1][1:]))\n")
    try:
        done = lockstep("run", "--target", target, "--", "/usr/bin/python3", str(lib / "main.py"))
        assert done.stdout == b"sibling\n", done.stderr
        done = lockstep("run", "--target", target, "--", "/usr/bin/python3", str(alone), f"-{other}")
        assert done.stdout == b"False\n", done.stderr
        done = lockstep("run", "--target", target, "--env", f"X={other}", "--", "/usr/bin/python3", str(alone), f"-{other}")
        assert done.stdout == b"True\n", done.stderr
    finally:
        other.unlink()
        alone.unlink()


def test_changes_are_found_however_they_were_made(lockstep: Lockstep, folder: Path) -> None:
    for name in ("kept", "emptied", "replaced"):
        (folder / name).mkdir()
        (folder / name / "a").write_text("a")
        (folder / name / "b").write_text("b")
    (folder / "mode").write_text("m")
    script = (
        "rm -r emptied; rm -r replaced; mkdir replaced; echo c >replaced/c; echo a >replaced/a; chmod 600 mode;"
        "mkfifo pipe; mkdir -p deep/er; : >>kept/a; touch kept/b; rm kept/a; printf a >kept/a"
    )
    out = lockstep.outcome("--target", "native", "--", "sh", "-c", script)
    got = {f["path"].removeprefix(f"{folder}/"): (f["change"], f["type"]) for f in out["files"]}
    assert got == {
        "emptied": ("deleted", "directory"),
        "replaced/a": ("changed", "file"),
        "replaced/b": ("deleted", "file"),
        "replaced/c": ("new", "file"),
        "mode": ("changed", "file"),
        "pipe": ("new", "fifo"),
        "deep": ("new", "directory"),
        "deep/er": ("new", "directory"),
    }


def test_long_lists_of_changes_are_cut(lockstep: Lockstep) -> None:
    out = lockstep.outcome("--target", "native", "--", "sh", "-c", "mkdir d; cd d; seq 10500 | xargs touch")
    assert len(out["files"]) == 10000 and out["files_cut"]


@both
def test_keep_changes_keeps_them(lockstep: Lockstep, folder: Path, target: str) -> None:
    (folder / "gone").write_text("x")
    keep = folder.parent / "kept"
    script = "mkdir -p d; echo new >d/new; chmod 700 d/new; ln -s d/new l; rm gone"
    done = lockstep("run", "--target", target, "--keep-changes", str(keep), "--", "sh", "-c", script)
    assert done.returncode == 0 and b"kept in" in done.stderr
    at = keep / str(folder).lstrip("/")
    assert (at / "d/new").read_text() == "new\n" and (at / "d/new").stat().st_mode & 0o777 == 0o700
    assert (at / "l").readlink() == Path("d/new")
    assert (keep / ".lockstep-deleted").read_bytes() == f"{folder}/gone\0".encode()
    assert not (folder / "d").exists()


def test_rw_writes_to_the_host(lockstep: Lockstep, folder: Path) -> None:
    for target in ("native", "runsc"):
        done = lockstep("run", "--target", target, "--rw", "--", "sh", "-c", "echo hi >real; hostname")
        assert done.returncode == 0 and done.stdout == b"lockstep\n", done.stderr
        assert (folder / "real").read_text() == "hi\n"
        (folder / "real").unlink()
    assert not list(Path("/tmp").glob("lockstep-[A-Za-z0-9]*/lockstep-exec"))


@both
def test_binds_are_shown_and_written_to(lockstep: Lockstep, folder: Path, target: str) -> None:
    for name in ("rw", "ro"):
        (folder.parent / name).mkdir()
        (folder.parent / name / "f").write_text(name)
    binds = ["--bind", f"{folder.parent}/rw:/mnt/a", "--bind", f"{folder.parent}/ro:/mnt/b:ro"]
    done = lockstep("run", "--target", target, *binds, "--", "sh", "-c", "cat /mnt/a/f /mnt/b/f; echo x >/mnt/a/new; echo x >/mnt/b/new")
    assert done.stdout == b"rwro" and done.returncode != 0
    assert (folder.parent / "rw/new").exists() and not (folder.parent / "ro/new").exists()


@both
def test_loopback_is_up_and_nothing_else(lockstep: Lockstep, target: str) -> None:
    script = (
        "import socket; s = socket.create_server(('127.0.0.1', 0)); c = socket.create_connection(s.getsockname());"
        "print(socket.gethostbyname(socket.gethostname())); c2 = socket.socket(); c2.settimeout(2)\n"
        "try: c2.connect(('192.0.2.1', 9))\nexcept OSError as e: print(e.errno)"
    )
    done = lockstep("run", "--target", target, "--", "/usr/bin/python3", "-c", script)
    assert done.stdout in (b"127.0.0.1\n101\n", b"127.0.0.1\n113\n"), done.stderr  # unreachable, for the net or the host


def libraries(program: Path) -> list[str]:
    linked = subprocess.run(["ldd", str(program)], capture_output=True, text=True, timeout=10, check=False).stdout
    return re.findall(r"(/\S+)", linked) if "=>" in linked else []


def small_root(root: Path) -> None:
    """A root file system with a shell and nothing else (a sanitized lockstep-exec is not static: its libraries)."""
    for file in ["/bin/sh", *libraries(Path("/bin/sh")), *libraries(EXE.with_name("lockstep-exec"))]:
        to = root / file.lstrip("/")
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, to)
    (root / "data").mkdir()
    (root / "data/f").write_text("f")


@both
def test_a_rootfs_is_run_in(lockstep: Lockstep, folder: Path, target: str) -> None:
    small_root(folder / "root")
    before = sorted(folder.rglob("*"))
    words = ["--target", target, "--rootfs", str(folder / "root"), "--cwd", "/data"]
    out = lockstep.outcome(
        *words, "--stdout", "../so", "--", "sh", "-c", "pwd; echo *; echo x >new; echo y >/tmp/y; read line </tmp/y; echo $line"
    )
    assert (out["status"], out["exit"]) == ("exited", 0), out
    assert (folder.parent / "so").read_text() == "/data\nf\ny\n"
    assert {f["path"]: f["change"] for f in out["files"]} == {"/data/new": "new", "/tmp/y": "new"}
    assert sorted(folder.rglob("*")) == before
    done = lockstep("run", *words[:4], "--cwd", "/no/such", "--", "sh")
    assert done.returncode == 125 and b"/no/such" in done.stderr


def test_targets_that_know_no_rootfs_say_so(lockstep: Lockstep) -> None:
    done = lockstep("run", "--target", "qemu-x86_64", "--rootfs", "/", "--", "true")
    assert done.returncode == 2 and b"{rootfs}" in done.stderr


def test_limits_bind(lockstep: Lockstep) -> None:
    assert lockstep("run", "--target", "native", "--cpus", "1", "--", "nproc").stdout == b"1\n"
    out = lockstep.outcome(
        "--target", "native", "--memory", "100M", "--", "/usr/bin/python3", "-c", "x = bytearray(400 << 20); print(len(x))"
    )
    assert (out["status"], out["exit"]) != ("exited", 0)
    many = "i=0; while [ $i -lt 100 ]; do sleep 1 & i=$((i+1)); done; wait"
    out = lockstep.outcome("--target", "native", "--pids", "20", "--", "sh", "-c", many)
    assert out["exit"] != 0 or out["notes"]


@both
def test_without_rights_it_is_the_same_state(user_lockstep: Lockstep, folder: Path, target: str) -> None:
    script = "id -u; pwd; hostname; echo new >new; echo x >/tmp/y; cat new"
    done = user_lockstep("run", "--target", target, "--", "sh", "-c", script)
    assert done.stdout.decode() == f"0\n{folder}\nlockstep\nnew\n", done.stderr
    assert list(folder.iterdir()) == []
