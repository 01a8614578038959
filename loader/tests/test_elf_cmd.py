"""The command `lockstep elf`: its answers, its exit status, and what it says of bad input."""

from __future__ import annotations

import importlib.util
import json
import os
import pty
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

EXE = os.environ["LOCKSTEP_EXE"]
HERE = Path(__file__).parent
VALIDATOR = jsonschema.Draft202012Validator(json.loads((HERE / "../../docs/schemas/elf.json").read_text()))
TRUE = Path("/usr/bin/true")
HEADERS = 64 + 56 * struct.unpack_from("<H", TRUE.read_bytes(), 56)[0]
HELLO = '#include <stdio.h>\nint main(void) { puts("hello"); return 0; }\n'


def elf(*args: object, **kwargs: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([EXE, "elf", *map(str, args)], capture_output=True, text=True, timeout=60, check=False, **kwargs)


def elf_json(*args: object) -> tuple[int, list[dict[str, Any]]]:
    done = elf("--json", *args)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    for answer in answers:
        VALIDATOR.validate(answer)
    return done.returncode, answers


def helper() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_tail_dynamic", HERE / "make_tail_dynamic.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def hello(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hello")
    (folder / "hello.c").write_text(HELLO)
    subprocess.run(["gcc", "-no-pie", "-o", folder / "hello", folder / "hello.c"], check=True, timeout=60)
    return folder / "hello"


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that any user may enter."""
    folder = Path(tempfile.mkdtemp(prefix="lockstep-elf-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_usual_files_have_no_findings() -> None:
    libc = next(Path("/usr/lib/x86_64-linux-gnu").glob("libc.so.6"))
    library = next(Path("/usr/lib/x86_64-linux-gnu").glob("libcmocka.so.0.*"))
    status, answers = elf_json(TRUE, "/bin/sh", libc, library, EXE)
    assert status == 0
    assert [a["kind"] for a in answers[:4]] == ["PIE", "PIE", "PIE", "library"]
    assert [a["loaded_by"] for a in answers[:4]] == ["kernel", "kernel", "kernel", "ld.so"]
    assert all(a["verdict"]["fate"] == "runs" for a in answers)
    assert answers[0]["interpreter"] == "/lib64/ld-linux-x86-64.so.2"


def test_text_names_the_rules_it_used() -> None:
    library = next(Path("/usr/lib/x86_64-linux-gnu").glob("libcmocka.so.0.*"))
    done = elf(TRUE, library)
    assert done.returncode == 0
    assert "Segments" in done.stdout and "Memory map" in done.stdout
    assert "Linux 6.18: starts" in done.stdout
    assert "ld.so maps it, by its own rules" in done.stdout
    assert "\033" not in done.stdout


def run_on_terminal(env: dict[str, str]) -> bytes:
    ours, theirs = pty.openpty()
    with subprocess.Popen([EXE, "elf", "-q", TRUE], stdout=theirs, env=env) as proc:
        os.close(theirs)
        out = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:
                break
            if not piece:
                break
            out += piece
        assert proc.wait(timeout=60) == 0
    os.close(ours)
    return out


def test_colours_on_a_terminal_only_and_not_with_no_color() -> None:
    assert b"\033[" in run_on_terminal({})
    assert b"\033[" not in run_on_terminal({"NO_COLOR": "1"})


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda p: p.write_bytes(b""), "is empty"),
        (lambda p: p.write_bytes(b"#!/bin/sh\n" * 20), "is not an ELF file"),
        (lambda p: p.write_bytes(b"\x7fEL"), "is not an ELF file"),
        (lambda p: p.mkdir(), "is a directory"),
        (lambda p: os.mkfifo(p), "is not a regular file"),
        (lambda p: p.symlink_to("nowhere"), "No such file"),
    ],
)
def test_bad_input_is_status_2_with_a_sentence(tmp_path: Path, make: Any, words: str) -> None:
    path = tmp_path / "bad"
    make(path)
    done = elf(path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert str(path) in done.stderr and words in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_unreadable_file_says_what_to_do(open_folder: Path) -> None:
    exe = open_folder / "lockstep"
    secret = open_folder / "secret"
    shutil.copy(EXE, exe)
    shutil.copy(TRUE, secret)
    exe.chmod(0o755)
    secret.chmod(0o600)
    as_nobody = {"user": 65534} if os.geteuid() == 0 else {}
    if not as_nobody:
        secret.chmod(0)
    done = subprocess.run([exe, "elf", secret], capture_output=True, text=True, timeout=60, check=False, cwd="/", **as_nobody)  # type: ignore[call-overload]
    assert done.returncode == 2
    assert "permissions" in done.stderr


def test_cut_at_every_byte_of_the_headers(tmp_path: Path) -> None:
    data = TRUE.read_bytes()
    paths = []
    for n in range(4, HEADERS):
        paths.append(tmp_path / f"cut{n}")
        paths[-1].write_bytes(data[:n])
    done = elf(*paths)
    assert done.returncode == 2
    errors = done.stderr.splitlines()
    assert len(errors) == len(paths)
    assert all("is cut" in e for e in errors)


def test_cut_behind_the_headers_is_linted(tmp_path: Path) -> None:
    data = TRUE.read_bytes()
    paths = []
    for n in range(HEADERS, len(data), 1009):
        paths.append(tmp_path / f"cut{n}")
        paths[-1].write_bytes(data[:n])
    status, answers = elf_json(*paths)
    assert status == 1
    assert len(answers) == len(paths)
    assert {"past-eof", "past-eof-bss", "interp-bad"} & {f["id"] for f in answers[0]["lint"]}


def with_phdrs(count: int, phdr: bytes) -> bytes:
    ehdr = bytearray(TRUE.read_bytes()[:64])
    struct.pack_into("<H", ehdr, 56, count)
    return bytes(ehdr) + phdr * count


LOAD = struct.Struct("<IIQQQQQQ")


def test_ten_thousand_segments(tmp_path: Path) -> None:
    path = tmp_path / "many"
    path.write_bytes(with_phdrs(10000, LOAD.pack(1, 5, 0, 0x400000, 0, 0x1000, 0x1000, 0x1000)))
    status, [answer] = elf_json(path)
    assert status == 1
    assert answer["verdict"]["errno"] == "ENOEXEC"
    assert "phdrs-too-many" in [f["id"] for f in answer["lint"]]


def test_a_thousand_overlapping_segments(tmp_path: Path) -> None:
    path = tmp_path / "overlapping"
    path.write_bytes(with_phdrs(1000, LOAD.pack(1, 6, 0x40, 0x400040, 0, 0x900, 0x5000, 0x1000)))
    status, [answer] = elf_json(path)
    assert status == 1
    assert answer["lint_total"] >= 999
    assert len(elf(path).stdout.splitlines()) < 2000


def test_wrapping_segments_are_killed(tmp_path: Path) -> None:
    path = tmp_path / "wrapping"
    path.write_bytes(with_phdrs(3, LOAD.pack(1, 6, 2**64 - 4096, 2**64 - 4096, 0, 2**64 - 1, 2**64 - 1, 2**64 - 1)))
    status, [answer] = elf_json(path)
    assert status == 1
    assert answer["verdict"]["fate"] == "killed"
    assert answer["verdict"]["signal"] == "SIGSEGV"


def test_the_worst_status_wins_and_good_files_are_still_shown(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.write_bytes(b"")
    done = elf(empty, TRUE)
    assert done.returncode == 2
    assert "starts" in done.stdout


def test_wrong_use_is_status_2() -> None:
    assert elf().returncode == 2
    assert elf("--nonsense", TRUE).returncode == 2
    assert "6.6" in elf("--kernel", "six", TRUE).stderr
    assert elf("--help").returncode == 0


def test_kernel_version_changes_the_prediction(tmp_path: Path) -> None:
    path = tmp_path / "eighty"
    path.write_bytes(with_phdrs(80, LOAD.pack(0, 0, 0, 0, 0, 0, 0, 0)))
    _, [new] = elf_json(path)
    _, [old] = elf_json("--kernel", "6.12", path)
    assert new["verdict"]["fate"] == "faults"
    assert old["verdict"]["errno"] == "ENOEXEC"


def test_full_disk_is_status_3() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([EXE, "elf", TRUE], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert done.returncode == 3
    assert "cannot be written" in done.stderr


# ---- DYNAMIC outside every PT_LOAD ----


@pytest.mark.parametrize(
    ("place", "native", "rule"),
    [
        ("ext-rw", 0, "dynamic-ext-rw"),
        ("ext-r", -signal.SIGSEGV, "dynamic-ext-r"),
        ("outside", -signal.SIGSEGV, "dynamic-outside"),
    ],
)
def test_tail_dynamic_natively_and_in_lint(hello: Path, tmp_path: Path, place: str, native: int, rule: str) -> None:
    path = tmp_path / "tail"
    assert helper().main(["--place", place, str(hello), str(path)]) == 0
    done = subprocess.run([path], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == native
    assert done.stdout == ("hello\n" if native == 0 else "")
    status, [answer] = elf_json(path)
    assert status == 1
    assert [f["id"] for f in answer["lint"]] == [rule]
    dynamic = next(s for s in answer["segments"] if s["type"] == "DYNAMIC")
    tails = [p for p in answer["pages"] if p["role"] == "tail" and "DYNAMIC" in p["covers"]]
    assert len(tails) == (0 if place == "outside" else 1)
    if tails:
        assert int(tails[0]["vaddr"], 16) <= int(dynamic["vaddr"], 16)
        assert tails[0]["content"] == "file"


def gvisor_2022() -> bool:
    exe = shutil.which("runsc")
    return bool(exe) and "2022" in subprocess.run([str(exe), "--version"], capture_output=True, text=True, timeout=60, check=False).stdout


@pytest.mark.skipif(not gvisor_2022(), reason="runsc of 2022 is not installed")
def test_tail_dynamic_dies_where_tails_are_zeroed(hello: Path, tmp_path: Path) -> None:
    path = tmp_path / "tail"
    assert helper().main([str(hello), str(path)]) == 0
    for program, status in ((hello, 0), (path, 128 + signal.SIGSEGV)):
        done = subprocess.run(
            ["runsc", "--network=none", "--platform=ptrace", "do", program], capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == status


def test_helper_refuses_what_it_cannot_turn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert helper().main([str(TRUE), str(tmp_path / "x")]) == 2
    assert "-no-pie" in capsys.readouterr().err
