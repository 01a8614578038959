"""`lockstep show` over traces of real programs: the lines people know, filters, totals, and bad files."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from lockstep.base.testing import EXE, check_schema

BUILD = Path(os.environ.get("LOCKSTEP_BUILD", EXE.parent))
TRACEE = BUILD / "tracees/tracer/decode/tests/tracees/shown"

# What stands between the marks, in order: a regular expression for each line of the first process.
EXPECTED = r"""
open\("/no/such\\n", O_RDONLY\) += -1 ENOENT \(No such file or directory\)
openat\(AT_FDCWD, "file", O_RDWR\|O_CREAT\|O_TRUNC, 0640\) = 3
writev\(3, \[{iov_base="ab", iov_len=2}, {iov_base="cde", iov_len=3}\], 2\) = 5
lseek\(3, 0, SEEK_SET\) += 0
read\(3, "abcde", 16\) += 5
fstat\(3, {st_mode=S_IFREG\|0640, st_size=5, ...}\) = 0
dup2\(3, 77\) += 77
fcntl\(77, F_GETFD\) += 0
close\(77\) += 0
close\(3\) += 0
unlink\("file"\) += 0
socketpair\(AF_UNIX, SOCK_STREAM\|SOCK_CLOEXEC, 0, \[3, 4\]\) = 0
poll\(\[{fd=3, events=POLLIN, revents=0}\], 1, 0\) = 0 \(Timeout\)
connect\(3, {sa_family=AF_UNIX, sun_path="/no/such/socket"}, 18\) = -1 (EISCONN|ENOENT) \(.*\)
close\(3\) += 0
close\(4\) += 0
rt_sigprocmask\(SIG_BLOCK, \[TERM\], NULL, 8\) = 0
rt_sigaction\(SIGUSR1, {sa_handler=0x.*}, {sa_handler=SIG_DFL.*}, 8\) = 0
--- SIGUSR1 {si_signo=SIGUSR1, si_code=SI_TKILL, si_pid=PID, si_uid=\d+} ---
rt_sigreturn\(\) += .*
mmap\(NULL, 8192, PROT_READ, MAP_PRIVATE\|MAP_ANONYMOUS, -1, 0\) = 0x[0-9a-f]+
munmap\(0x[0-9a-f]+, 8192\) += 0
fork\(\) += \d+
--- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=\d+, si_uid=\d+, si_status=3, si_utime=\d+, si_stime=\d+} ---
wait4\(-1, \[{WIFEXITED\(s\) && WEXITSTATUS\(s\) == 3}\], 0, NULL\) = \d+
"""


def show(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([EXE, "show", *map(str, words)], capture_output=True, text=True, errors="surrogateescape", timeout=60)


def lines(*words: object) -> list[str]:
    done = show(*words)
    assert done.returncode == 0 and not done.stderr, done.stderr
    return done.stdout.splitlines()


def objects(*words: object) -> list[dict[str, Any]]:
    return [check_schema(json.loads(line)) for line in lines("--json", *words)]


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("show")
    subprocess.run([BUILD / "lockstep-record", "-o", folder / "trace", "--", TRACEE], check=True, cwd=folder, timeout=60)
    return folder / "trace"


def between_marks(all_lines: list[str]) -> tuple[str, list[str]]:
    begin = next(i for i, line in enumerate(all_lines) if 'write(-1, "begin", 5)' in line)
    end = next(i for i, line in enumerate(all_lines) if 'write(-1, "end", 3)' in line)
    pid = all_lines[begin].split()[0]
    return pid, [line.split(None, 1)[1] for line in all_lines[begin + 1 : end] if line.split()[0] == pid]


def test_a_real_program_reads_as_people_know_it(trace: Path) -> None:
    pid, found = between_marks(lines(trace))
    # raise() of the C library asks for masks and ids in ways that differ between versions
    found = [line for line in found if not re.match(r"(gettid|getpid|tgkill|rt_sigprocmask\(SIG_(BLOCK, ~|SETMASK))", line)]
    expected = [line.replace("PID", pid) for line in EXPECTED.strip().splitlines()]
    order = [line for line in expected if "SIGCHLD" not in line and "wait4" not in line]
    late = {line for line in expected if line not in order}
    for pattern in order:
        assert found and re.fullmatch(pattern, found[0]), f"{found[:1]} does not fit {pattern}"
        found.pop(0)
    # the signal and the end of the wait may come in either order
    assert len(found) == len(late) and all(any(re.fullmatch(p, line) for p in late) for line in found), found


def test_json_fits_its_schema_and_names_arguments(trace: Path) -> None:
    events = objects(trace)
    assert [e["seq"] for e in events] == list(range(len(events)))
    opened = next(e for e in events if e.get("name") == "openat" and e["ret"] == 3 and e["args"][1]["data"] == "file")
    assert [a["name"] for a in opened["args"]] == ["dfd", "filename", "flags", "mode"]
    assert opened["args"][2]["text"] == "O_RDWR|O_CREAT|O_TRUNC"
    assert opened["site"]["file"] == str(TRACEE)
    stat = next(e for e in events if e.get("name") == "fstat" and e["ret"] == 0 and e["pid"] == opened["pid"] and e["seq"] > opened["seq"])
    fields = {f.get("name"): f for f in stat["args"][1]["fields"]}
    assert fields["st_size"]["value"] == 5 and fields["st_mode"]["text"] == "S_IFREG|0640"
    assert {e["kind"] for e in events} >= {"call", "signal", "task", "exec", "exit"}


def test_filters(trace: Path) -> None:
    def names(*words: object) -> list[str]:
        return [e["name"] for e in objects(trace, *words) if e["kind"] == "call"]

    everything = names()
    assert set(names("-e", "trace=openat,close")) == {"openat", "close"}
    assert set(names("-e", "/^rt_")) == {n for n in everything if n.startswith("rt_")}
    assert "close" not in names("-e", "!close") and len(names("-e", "trace=!close")) == len(everything) - everything.count("close")
    assert set(names("-e", "%network")) == {"socketpair", "connect"}
    assert "open" in names("-e", "%file", "--failed") and "unlink" not in names("-e", "%file", "--failed")
    assert "unlink" in names("--successful")
    assert names("--errno", "ENOENT", "-e", "open") == ["open"]
    assert names("-P", "file") == ["openat", "unlink"]
    # by descriptor: what was done with the file while it was open
    path = str(trace.parent / "file")
    assert names("-P", path) == ["openat", "writev", "lseek", "read", "fstat", "dup2", "fcntl", "close", "close", "unlink"]
    children = [e for e in objects(trace) if e["kind"] == "task" and e["parent"]]
    child = objects(trace, "--pid", children[0]["tid"])
    assert [e["kind"] for e in child if e["kind"] != "vma"] == ["task", "call-open", "exit"] and child[-1]["exit"] == 3
    assert names("--image", "shown") == everything and names("--image", "other") == []
    assert len(objects(trace, "--limit", 3)) == 3
    half = sorted(e["t_ns"] for e in objects(trace) if e["kind"] == "call")[len(everything) // 2] / 1e9
    early, later = names("--to", f"{half:.9f}"), names("--from", f"{half:.9f}")
    assert early and later and len(early) + len(later) >= len(everything)


def test_columns(trace: Path) -> None:
    assert re.match(r"\d+ +\d\d:\d\d:\d\d ", lines(trace, "-t", "--limit", 1)[0])
    assert re.match(r"\d+ +\d\d:\d\d:\d\d\.\d{6} ", lines(trace, "-tt", "--limit", 1)[0])
    epoch = re.match(r"\d+ +(\d+)\.\d{6} ", lines(trace, "-ttt", "--limit", 1)[0])
    assert epoch and abs(int(epoch[1]) - trace.stat().st_mtime) < 60
    assert re.match(r"\d+ +\d+\.\d{6} ", lines(trace, "-r", "--limit", 1)[0])
    assert all(re.search(r" <\d+\.\d{6}>$", line) for line in lines(trace, "-T", "-e", "close") if "close(" in line)
    assert any("lseek(3<" + str(trace.parent / "file") + ">" in line for line in lines(trace, "-y"))


def test_totals(trace: Path) -> None:
    calls = [e for e in objects(trace) if e["kind"] == "call"]
    totals = {o["name"]: o for o in objects(trace, "-c")}
    assert sum(o["calls"] for o in totals.values()) == len(calls)
    assert sum(o["ns"] for o in totals.values()) == sum(e["dur_ns"] for e in calls)
    assert totals["open"]["errors"] == 1
    table = lines(trace, "-c", "-S", "name")
    assert table[0].split() == ["%", "time", "seconds", "usecs/call", "calls", "errors", "syscall"]
    names = [line.split()[-1] for line in table[2:-2]]
    assert names == sorted(totals) and table[-1].split()[3:] == [str(len(calls)), str(sum(o["errors"] for o in totals.values())), "total"]
    vma = objects(trace, "--vma")
    assert all(v["peak"] >= v["first"] and v["image"] == str(TRACEE) for v in vma)


def test_torn_traces_are_shown_as_far_as_they_go(trace: Path, tmp_path: Path) -> None:
    torn = tmp_path / "torn"
    torn.write_bytes(trace.read_bytes()[:-20])
    done = show(torn)
    assert done.returncode == 0 and "torn" in done.stderr and str(torn) in done.stderr
    assert done.stdout == show(trace).stdout


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "empty"),
        (b"#!/bin/sh\n", "not a trace"),
        (b"lockstep\x09\0\0\0\0\0\0\0" + bytes(8), "newer"),
        (b"lockstep\x01\0", "cut off"),
        (None, "No such file"),
    ],
)
def test_bad_files_are_named(tmp_path: Path, content: bytes | None, word: str) -> None:
    path = tmp_path / "bad"
    if content is not None:
        path.write_bytes(content)
    done = show(path)
    assert done.returncode == 2 and done.stdout == ""
    assert word in done.stderr and str(path) in done.stderr and len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["-e", "trace=opem"], "'opem' is no system call"),
        (["-e", "%fil"], "%fil is no class"),
        (["-e", "/("], "no regular expression"),
        (["-e", "signal=SIGFOO"], "'SIGFOO' is no signal"),
        (["-e", "write=3"], "only trace=SET"),
        (["--errno", "ENOPE"], "'ENOPE' is no errno"),
        (["--pid", "x"], "'x' is no process id"),
        (["-S", "size"], "--sort takes"),
        (["extra"], "one trace at a time"),
        (["-o", "/no/such/folder/x"], "cannot write /no/such/folder/x"),
    ],
)
def test_wrong_use_is_explained(trace: Path, words: list[str], says: str) -> None:
    done = show(trace, *words)
    assert done.returncode == 2 and says in done.stderr and done.stdout == ""


def test_a_full_disk_is_said(trace: Path) -> None:
    done = show(trace, "-o", "/dev/full")
    assert done.returncode == 3 and "/dev/full" in done.stderr and "No space left" in done.stderr


def test_output_goes_where_it_is_told(trace: Path, tmp_path: Path) -> None:
    assert show(trace, "-o", tmp_path / "out").stdout == ""
    assert (tmp_path / "out").read_text(errors="surrogateescape").splitlines() == lines(trace)
