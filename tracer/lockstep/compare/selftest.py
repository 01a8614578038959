"""`lockstep selftest`: is the instrument right? Two questions with known answers.

quiet   A native program against itself: every finding is a false one.
faults  One call of a native run is given another result, and that run plays the target: the call must be rank 1, and proven.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lockstep.base.errors import FOUND, OK, HarnessError
from lockstep.compare.outcome import Profile
from lockstep.compare.programs import Program, fixtures, programs
from lockstep.compare.prove import injected
from lockstep.compare.record import record
from lockstep.compare.settings import Settings, lockstep_exe

DIFF_LIMIT_S = 600
ERRNOS = ("ENOSYS", "EPERM", "EIO", "EINVAL", "ENOMEM", "EACCES")
# Calls whose result says too little to be lost, or that end the program whatever is wrong.
SPARED = frozenset({"execve", "exit", "exit_group", "rt_sigreturn", "arch_prctl", "set_tid_address"})


def diff_json(program: Program, options: Sequence[str]) -> tuple[int, list[dict[str, Any]], str]:
    """`lockstep diff --json` on one program: its status, its findings, what it said on standard error."""
    with tempfile.TemporaryDirectory(prefix="lockstep-selftest-") as temp:
        cmd = [
            lockstep_exe(),
            "diff",
            "--json",
            "--quiet",
            "--cwd",
            str(program.cwd),
            "--bundle",
            f"{temp}/b",
            *options,
            "--",
            *program.argv,
        ]
        done = subprocess.run(cmd, capture_output=True, timeout=DIFF_LIMIT_S, check=False, stdin=subprocess.DEVNULL)
    return done.returncode, json_lines(done.stdout), done.stderr.decode(errors="replace")


# ---- quiet ----


def quiet(count: int, folder: Path, only: str | None) -> int:
    """`count` native/native comparisons over all programs in turn. Prints each false finding; OK when there is none."""
    chosen = [p for p in programs(folder) if only is None or p.name == only]
    false = broke = 0
    for i in range(count):
        program = chosen[i % len(chosen)]
        start = time.monotonic()
        status, found, said = diff_json(program, ["--target", "native"])
        real = [f for f in found if not f["habit"]]
        false += bool(real)
        broke += status not in (OK, FOUND)
        print(
            f"{i + 1:>4} {program.name:<20} {'quiet' if not real else f'{len(real)} FALSE'} {time.monotonic() - start:5.1f} s", flush=True
        )
        for f in real[:3]:
            print(f"       {f['kind']}: {f['summary']}")
        if status not in (OK, FOUND):
            print(f"       status {status}: {said.strip()}")
    print(f"{count - false - broke} quiet, {false} with false findings, {broke} without a verdict")
    return FOUND if false or broke else OK


# ---- faults ----


@dataclass(frozen=True)
class Fault:
    """One call of a program and the result that it is given."""

    program: Program
    seq: int
    call: str
    text: str
    value: str
    spec: str


def settings_for(program: Program) -> Settings:
    return Settings(argv=program.argv, target="native", state=("--cwd", str(program.cwd)), quiet=True)


def json_lines(text: bytes) -> list[dict[str, Any]]:
    """Not splitlines(): strings may hold separators of other alphabets."""
    return [json.loads(line) for line in text.decode("utf-8", "surrogateescape").split("\n") if line]


def events(trace: Path) -> list[dict[str, Any]]:
    done = subprocess.run([lockstep_exe(), "show", "--json", str(trace)], capture_output=True, timeout=120, check=True)
    return [e for e in json_lines(done.stdout) if e.get("kind") == "call"]


def spec_of(trace: Path, seq: int, value: str) -> str | None:
    done = subprocess.run([lockstep_exe(), "spec", str(trace), str(seq), value], capture_output=True, timeout=120, check=False, text=True)
    return done.stdout.strip() if done.returncode == 0 else None


def values_for(event: dict[str, Any], rng: random.Random) -> str:
    """An errno, or for calls that return a count a shorter one."""
    ret = event.get("ret") or 0
    if event["name"] in ("read", "pread64", "write", "recvfrom", "sendto") and ret > 1 and rng.random() < 0.5:
        return f"ret={ret // 2}"
    return f"errno={rng.choice(ERRNOS)}"


def drawn(program: Program, rng: random.Random, work: Path) -> Iterator[Fault]:
    """Faults in calls that succeed natively, each of which is known to change the outcome."""
    s = settings_for(program)
    natives = [record(s, native=True, folder=work / f"n{i}", limit_s=60) for i in range(2)]
    profile = Profile(natives)
    pool = [e for e in events(natives[0].path / "trace") if e["name"] not in SPARED and (e.get("ret") or 0) >= 0]
    rng.shuffle(pool)
    for i, event in enumerate(pool[:60]):
        value = values_for(event, rng)
        spec = spec_of(natives[0].path / "trace", event["seq"], value)
        if spec is None:
            continue
        run = record(s, native=True, folder=work / f"f{i}", limit_s=15, inject=[spec])
        departed = profile.departures(run) if injected(run) else []
        shutil.rmtree(run.path, ignore_errors=True)
        if departed:
            yield Fault(program, event["seq"], event["name"], event.get("text") or event["name"], value, spec)


def matches(finding: dict[str, Any], fault: Fault) -> bool:
    """Whether a finding names the very call: same call, same value, and the same arguments as the event that the fault was drawn from."""
    e = finding.get("evidence") or {}
    if e.get("call") != fault.call:
        return False
    target = e.get("target") or {}
    if fault.value.startswith("errno="):
        return target.get("errno") == fault.value.removeprefix("errno=")
    return str(target.get("ret")) == fault.value.removeprefix("ret=")


def faults(count: int, seed: int, folder: Path, only: str | None) -> int:
    rng = random.Random(seed)
    chosen = [p for p in programs(folder) if not p.noisy and (only is None or p.name == only)]
    rng.shuffle(chosen)
    first = proven = tried = 0
    used: set[str] = set()
    while tried < count:
        program = chosen[tried % len(chosen)]
        work = Path(tempfile.mkdtemp(prefix="lockstep-faults-"))
        try:
            fault = next(drawn(program, rng, work), None)
        except HarnessError as e:
            print(f"     {program.name}: {e}")
            fault = None
        finally:
            shutil.rmtree(work, ignore_errors=True)
        if fault is None:
            chosen.remove(program)
            if not chosen:
                break
            continue
        tried += 1
        used.add(program.name)
        status, found, said = diff_json(program, ["--target", "native", "--target-opt", f"inject={fault.spec}"])
        top = next((f for f in found if f["rank"] == 1), None)
        hit = top is not None and matches(top, fault)
        first += hit
        proven += hit and bool(top and top["proven"])
        where = next((f["rank"] for f in found if matches(f, fault)), None)
        print(
            f"{tried:>3} {program.name:<18} {fault.value:<14} {fault.text[:70]:<70} rank {where} {'proven' if top and top['proven'] else ''}",
            flush=True,
        )
        if not hit:
            print(f"      rank 1 instead: {top['kind']}: {top['summary']}" if top else f"      no finding (status {status}) {said.strip()}")
            print(f"      {fault.spec}")
    print(f"seed {seed}: {tried} faults in {len(used)} programs: {first} at rank 1, {proven} proven")
    return OK if tried and first >= 0.9 * tried and proven >= 0.8 * tried else FOUND


def main(argv: Sequence[str]) -> int:
    p = argparse.ArgumentParser(
        prog="lockstep selftest",
        description=__doc__,
        epilog="example:\n  lockstep selftest faults --count 30 --seed 1\n\nexit status: 0 at or above the mark, 1 below it",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument("question", choices=("quiet", "faults"))
    p.add_argument("--count", type=int, default=24)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--program", help="only this one")
    p.add_argument("--list", action="store_true", help="print the programs and stop")
    a = p.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="lockstep-programs-") as temp:
        folder = Path(temp) / "w"
        fixtures(folder)
        if a.list:
            print("\n".join(x.name for x in programs(folder)))
            return OK
        if a.question == "quiet":
            return quiet(a.count, folder, a.program)
        return faults(a.count, a.seed, folder, a.program)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
