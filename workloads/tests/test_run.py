"""`corpus run`: what is planned is done once, in any order and after any death, and nothing that broke is the package's."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from itertools import pairwise
from pathlib import Path

import pytest
from corpus_world import World
from hypothesis import given
from hypothesis import strategies as st
from lockstep.base.testing import check_schema
from lockstep.corpus import plan
from lockstep.corpus.children import descendants
from lockstep.corpus.manifest import Corpus, Workload

NAMES = ("alpha", "beta", "delta", "gamma")


def fill(world: World, names: tuple[str, ...] = NAMES) -> None:
    for name in names:
        world.workload(name)


def states(**what: str) -> str:
    return json.dumps({key.replace("_on_", " "): value for key, value in what.items()})


def test_everything_is_run_and_told(world: World) -> None:
    fill(world)
    done = world.run("-o", "r1", "--report", FAKE_STATES=states(beta_on_runsc="emulator-only"))
    assert done.returncode == 1, done.stderr
    assert set(world.bundles("r1")) == {(n, t, 1) for n in NAMES for t in ("native", "runsc")}
    lines = done.stdout.splitlines()
    assert lines[0] == "run r1: 4 packages, 4 workloads on native, runsc"
    assert "  native: 4 new (packages)" in lines
    assert "  runsc: 1 emulator-only, 3 new (packages)" in lines
    assert "  beta on runsc: emulator-only: crash: it crashed (proven)" in lines
    assert lines[-1] == "/report/of/r1"


def test_diff_gets_what_the_manifest_says(world: World) -> None:
    (world.corpus / "in.txt").parent.mkdir(parents=True, exist_ok=True)
    (world.corpus / "in.txt").write_text("hello")
    world.workload("alpha", 'stdin = "in.txt"\n[env]\nA = "1 2"\n[limits]\ntime = 9\nmemory = "3M"\npids = 77\n')
    assert world.run("--target", "native", "--runs", "2", "--target-runs", "1", "--proofs", "0").returncode == 0
    (call,) = world.calls()
    options = call["options"]
    assert isinstance(options, dict)
    assert options["--env"] == ["A=1 2"] and options["--timeout"] == ["9"] and options["--memory"] == [str(3 << 20)] and options["--pids"] == ["77"]
    assert options["--runs"] == ["2"] and options["--target-runs"] == ["1"] and options["--proofs"] == ["0"]
    assert options["--stdin"] == [str(world.corpus / "in.txt")] and options["--cwd"] == [str(world.corpus)]
    command = call["command"]
    assert isinstance(command, list) and command[1:] == ["-c", "pass"] and Path(command[0]).exists()


def test_limits_from_the_command_line_win(world: World) -> None:
    world.workload("alpha", "[limits]\ntime = 9\n")
    assert world.run("--target", "native", "--timeout", "2.5", "--memory", "1M").returncode == 0
    options = world.calls()[0]["options"]
    assert isinstance(options, dict) and options["--timeout"] == ["2.5"] and options["--memory"] == [str(1 << 20)]


@pytest.mark.parametrize("jobs", ["1", "3"])
def test_results_do_not_depend_on_the_order(world: World, jobs: str) -> None:
    fill(world)
    what = states(beta_on_runsc="emulator-only", gamma_on_native="flaky")
    one = world.run("-o", "r", "--json", "--jobs", "4", FAKE_STATES=what)
    other = world.root / "other"
    two = world.run("-o", "r", "--json", "--jobs", jobs, FAKE_STATES=what, FAKE_SLEEP="0.05", LOCKSTEP_HOME=str(other))
    assert one.stdout.replace(str(world.home), "H") == two.stdout.replace(str(other), "H")
    objects = [json.loads(line) for line in one.stdout.splitlines()]
    assert [o["workload"] for o in objects[:-1]] == sorted(o["workload"] for o in objects[:-1])
    assert objects[-1] == {
        "schema": "lockstep.corpus-run/1",
        "run": "r",
        "packages": 4,
        "states": {"native": {"new": 3, "flaky": 1}, "runsc": {"new": 3, "emulator-only": 1}},
    }


def test_states_against_the_run_before(world: World) -> None:
    fill(world)
    world.run("-o", "r1", FAKE_STATES=states(beta_on_runsc="emulator-only", gamma_on_runsc="emulator-only"))
    done = world.run("-o", "r2", FAKE_STATES=states(alpha_on_runsc="emulator-only", beta_on_runsc="emulator-only", delta_on_runsc="flaky"))
    assert done.returncode == 1
    found = {k[0]: v["comparison"] for k, v in world.bundles("r2").items() if k[1] == "runsc"}
    assert found == {"alpha": "regressed", "beta": "emulator-only", "delta": "flaky", "gamma": "fixed"}
    world.run("-o", "r3", FAKE_STATES=states(alpha_on_runsc="emulator-only", delta_on_runsc="exit3"))
    third = {k[0]: v for k, v in world.bundles("r3").items() if k[1] == "runsc"}
    assert third["alpha"]["comparison"] == "emulator-only", "it regressed once, not every night"
    assert third["gamma"]["previous"] == {"run": "r2", "comparison": "same-pass"}
    world.run("-o", "r4", FAKE_STATES=states(delta_on_runsc="emulator-only"))
    fourth = {k[0]: v for k, v in world.bundles("r4").items() if k[1] == "runsc"}
    assert fourth["alpha"]["comparison"] == "fixed"
    assert fourth["delta"]["previous"] == {"run": "r2", "comparison": "flaky"}, "a run that broke is no run before"


def test_gone(world: World) -> None:
    fill(world)
    words = ["--dir", str(world.corpus), *world.pip(), "--target", "native"]
    empty = {"FAKE_STATES": "{}"}
    for name in ("r1", "r2", "r3"):
        if name == "r2":
            (world.corpus / "manifests" / "beta.toml").unlink()
        # whole runs have no filter; the shipped corpus is left out by a home for the package that has none
        done = subprocess.run(
            [*isolated(world), "run", "-o", name, *words], env=world.env | empty, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr
    gone = world.bundles("r2")["beta", "native", 1]
    assert (gone["comparison"], gone["outcome"], gone["previous"]) == ("gone", "skip", {"run": "r1"})
    assert ("beta", "native", 1) not in world.bundles("r3"), "it is gone once, not every night"


def isolated(world: World) -> list[str]:
    """The command with an empty shipped corpus."""
    import sys

    shipped = world.root / "shipped"
    shipped.mkdir(exist_ok=True)
    code = (
        "import sys; from pathlib import Path; from lockstep.corpus import manifest, __main__ as m; "
        f"manifest.shipped_folder = lambda: Path({str(shipped)!r}); sys.exit(m.main(sys.argv[1:]))"
    )
    return [sys.executable, "-c", code]


@pytest.mark.parametrize(("what", "said"), [("exit3", "the target does not start here"), ("die", "died of signal 9"), ("nobundle", "left no bundle")])
def test_what_the_harness_breaks_is_not_the_packages(world: World, what: str, said: str) -> None:
    fill(world, ("alpha", "beta"))
    done = world.run("-o", "r", FAKE_STATES=states(alpha_on_runsc=what))
    assert done.returncode == 3, "nothing differs, but not everything could be told"
    mine = {k: v for k, v in world.bundles("r").items() if k[:2] == ("alpha", "runsc")}
    assert sorted(k[2] for k in mine) == [1, 2], "tried twice"
    for bundle in mine.values():
        assert bundle["outcome"] == "harness-error" and bundle["comparison"] is None
        assert said in str(bundle["harness_error"])
    assert "1 harness-error, 1 new (packages)" in done.stdout
    assert not list((world.home / "runs" / "r").glob("**/.tmp-*"))
    both = world.run("-o", "r2", FAKE_STATES=states(alpha_on_runsc=what, beta_on_runsc="emulator-only"))
    assert both.returncode == 1, "what differs is told first"


def test_a_diff_without_end_is_ended_with_its_children(world: World) -> None:
    world.workload("alpha", "[limits]\ntime = 1\n")
    code = "import sys; from lockstep.corpus import compare, __main__ as m; compare.whole_limit = lambda j, e: 0.7; sys.exit(m.main(sys.argv[1:]))"
    import sys

    words = ["run", "--dir", str(world.corpus), "--filter", "tag=test", *world.pip(), "--target", "native", "-o", "r"]
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        env=world.env | {"FAKE_STATES": states(alpha_on_native="hang"), "MARK": str(world.root)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 3
    assert "did not end in time" in str(world.bundles("r")["alpha", "native", 2]["harness_error"])
    assert not living(world), "its sleeping child lives on"


def test_a_comparison_that_fills_the_disk_is_ended(world: World) -> None:
    world.workload("alpha", '[limits]\ndisk = "3M"\n')
    done = world.run("--target", "native", "-o", "r", FAKE_STATES=states(alpha_on_native="fill"))
    assert done.returncode == 3
    said = str(world.bundles("r")["alpha", "native", 1]["harness_error"])
    assert said.startswith("traces and output outgrew the disk limit of 3 MB; raise limits.disk in ")
    assert not list((world.home / "runs/r").glob("**/trace-*"))


def living(world: World) -> list[int]:
    """Processes with this test's environment, zombies excepted."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal() or int(entry.name) == os.getpid():
            continue
        try:
            if str(world.home).encode() in (entry / "environ").read_bytes() and "Z" not in (entry / "stat").read_text().rpartition(")")[2].split()[0]:
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def test_environment_that_cannot_be_built(world: World) -> None:
    world.workload("alpha")
    world.workload("beta", "").write_text((world.corpus / "manifests" / "alpha.toml").read_text().replace('"one"', '"bad"').replace("alpha", "beta"))
    lock = world.corpus / "locks" / "bad.lock"
    lock.write_text((world.corpus / "locks" / "one.lock").read_text().replace("tinything", "nothing-of-that-name"))
    done = world.run("--target", "native", "-o", "r")
    assert done.returncode == 3
    assert "environment bad could not be built: " in str(world.bundles("r")["beta", "native", 1]["harness_error"])
    assert "nothing-of-that-name" in str(world.bundles("r")["beta", "native", 1]["harness_error"])
    assert world.bundles("r")["alpha", "native", 1]["comparison"] == "new"


def test_program_that_the_host_lacks(world: World) -> None:
    world.workload("alpha", 'programs = ["no-such-compiler"]\n')
    assert world.run("--target", "native", "-o", "r").returncode == 3
    assert "this host lacks no-such-compiler" in str(world.bundles("r")["alpha", "native", 1]["harness_error"])


# ---- resuming ----


def test_resumes_after_kill_at_any_moment(world: World) -> None:
    """Killed a dozen times; every comparison is there in the end, none that was complete is done again, nothing lives on."""
    names = tuple(f"w{i}" for i in range(30))
    fill(world, names)
    words = world.command("run", "--dir", str(world.corpus), "--filter", "tag=test", *world.pip(), "--target", "native", "--quiet", "--jobs", "2")
    rng = random.Random(4)
    complete: set[tuple[str, str]] = set()
    for _ in range(10):
        p = subprocess.Popen(words, env=world.env | {"FAKE_SLEEP": "0.2"}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        time.sleep(rng.uniform(0.05, 0.7))
        assert p.poll() is None, "too quick to be killed: this tests nothing"
        p.kill()
        p.communicate()
        settle(world)
        runs = list((world.home / "runs").glob("[!.]*"))
        assert len(runs) <= 1, "it began another run"
        now = {(k[0], k[1]) for k in world.bundles(runs[0].name)} if runs else set()
        assert complete <= now, "a complete bundle is lost"
        complete = now
    done = subprocess.run(words, env=world.env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    (run,) = (world.home / "runs").iterdir()
    assert set(world.bundles(run.name)) == {(n, "native", 1) for n in names}
    assert {b["comparison"] for b in world.bundles(run.name).values()} == {"new"}
    assert not list(run.glob("**/.tmp-*"))
    info = json.loads((run / "run.json").read_text())
    assert info["finished"] > info["started"]


def settle(world: World) -> None:
    """Children die by the kernel's hand at once, but not in no time."""
    deadline = time.monotonic() + 5
    while living(world) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not living(world), "a process outlives the killed driver"


def test_what_is_complete_is_not_done_again(world: World) -> None:
    fill(world)
    p = subprocess.Popen(
        world.command("run", "--dir", str(world.corpus), "--filter", "tag=test", *world.pip(), "--target", "native", "--jobs", "1", "-o", "r", "-q"),
        env=world.env | {"FAKE_SLEEP": "0.3"},
        stdout=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 30
    while len(world.bundles("r")) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    p.send_signal(signal.SIGKILL)
    p.wait()
    settle(world)
    before = set(world.bundles("r"))
    world.fake_log.unlink()
    done = world.run("--target", "native", "-o", "r")
    assert done.returncode == 0 and f"going on with run r: {len(before)} of 4" in done.stderr
    assert {c["key"][0] for c in world.calls()} == set(NAMES) - {k[0] for k in before}  # type: ignore[index]


def test_no_verdict_is_tried_again_when_resumed(world: World) -> None:
    fill(world, ("alpha", "beta"))
    world.run("--target", "native", "-o", "r", FAKE_STATES=states(alpha_on_native="exit3"))
    assert world.run("--target", "native", "-o", "r").returncode == 2, "a finished run is not written to by chance"
    done = world.run("--target", "native", "-o", "r", "--resume")
    assert done.returncode == 0, done.stderr
    assert sorted(world.bundles("r")) == [("alpha", "native", 1), ("alpha", "native", 2), ("alpha", "native", 3), ("beta", "native", 1)]


def test_two_drivers_of_one_run(world: World) -> None:
    fill(world)
    words = world.command("run", "--dir", str(world.corpus), "--filter", "tag=test", *world.pip(), "--target", "native", "-o", "r", "-q")
    p = subprocess.Popen(words, env=world.env | {"FAKE_SLEEP": "1"}, stdout=subprocess.DEVNULL)
    while not (world.home / "runs/r/run.json").exists():
        time.sleep(0.01)
    done = world.run("--target", "native", "-o", "r")
    assert done.returncode == 2 and f"is being worked on by process {p.pid}" in done.stderr
    assert p.wait(30) == 0


def test_wrong_use_of_runs(world: World) -> None:
    fill(world, ("alpha",))
    assert "no unfinished run" in world.run("--resume").stderr
    assert "there is no run x" in world.run("--resume", "-o", "x").stderr
    assert "letters, digits" in world.run("-o", "../x").stderr
    world.run("-o", "r")
    assert "with other workloads, targets or options" in world.run("-o", "r", "--runs", "5").stderr
    assert "fits no workload" in world.run("nothing*").stderr
    for words in (["--shard", "0/2"], ["--shard", "3/2"], ["--shard", "x"], ["--filter", "size=3"], ["--target", "../t"], ["--shard", "9/9"]):
        done = world.run(*words)
        assert done.returncode == 2 and done.stderr.startswith("lockstep: ") and "Traceback" not in done.stderr, words


def test_unwritable_home(world: World) -> None:
    fill(world, ("alpha",))
    (world.root / "file").write_text("")
    done = world.run(LOCKSTEP_HOME=str(world.root / "file"))
    assert done.returncode == 3 and "set LOCKSTEP_HOME to a folder that can" in done.stderr


def test_damaged_run_files_are_passed_over(world: World) -> None:
    fill(world, ("alpha",))
    for name, text in (("x1", "{"), ("x2", "[]"), ("x3", '{"schema": "lockstep.run/1", "started": 1, "plan": [1]}')):
        folder = world.home / "runs" / name
        folder.mkdir(parents=True)
        (folder / "run.json").write_text(text)
    done = world.run("--target", "native")
    assert done.returncode == 0, done.stderr


def test_interrupted(world: World) -> None:
    fill(world)
    words = world.command("run", "--dir", str(world.corpus), "--filter", "tag=test", *world.pip(), "--target", "native", "-o", "r", "-q")
    p = subprocess.Popen(words, env=world.env | {"FAKE_SLEEP": "5"}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    while not world.calls():
        time.sleep(0.02)
    p.send_signal(signal.SIGINT)
    _, said = p.communicate(timeout=30)
    assert p.returncode == 3 and "the same command goes on from here" in said and "Traceback" not in said
    settle(world)


# ---- side by side ----


def test_cpus_bound_what_runs_side_by_side(world: World) -> None:
    for name in NAMES:
        world.workload(name, "[limits]\ncpus = 2\n")
    world.run("--target", "native", "--jobs", "2", FAKE_SLEEP="0.2")
    times = sorted(float(c["at"]) for c in world.calls())  # type: ignore[arg-type]
    assert all(b - a >= 0.2 for a, b in pairwise(times)), times
    world.fake_log.unlink()
    world.run("--target", "native", "--jobs", "4", FAKE_SLEEP="0.5")
    times = sorted(float(c["at"]) for c in world.calls())  # type: ignore[arg-type]
    assert times[1] - times[0] < 0.5, "two of two CPUs each fit into four"


# ---- what is printed and kept is what its schema says ----


def test_schemas(world: World) -> None:
    fill(world, ("alpha", "beta"))
    printed = [
        world.run("-o", "r", "--json", FAKE_STATES=states(alpha_on_native="exit3")),
        world.call("list", "--json", "--dir", str(world.corpus)),
        world.call("env", "--json"),
        world.call("try", "--json", "--dir", str(world.corpus), *world.pip(), "alpha"),
    ]
    kinds = set()
    for done in printed:
        for line in done.stdout.splitlines():
            kinds.add(check_schema(json.loads(line))["schema"])
    kinds.add(check_schema(json.loads((world.home / "runs/r/run.json").read_text()))["schema"])
    broken = check_schema(world.bundles("r")["alpha", "native", 1])
    assert broken["harness_error"]
    assert kinds == {f"lockstep.{n}/1" for n in ("corpus", "corpus-run", "workload", "env", "corpus-try", "run")}


# ---- planning ----


def named(names: list[str], world: World) -> list[Workload]:
    for name in names:
        world.workload(name)
    return Corpus([world.corpus]).workloads()


@given(n=st.integers(1, 12), count=st.integers(0, 40))
def test_shards_are_a_partition(n: int, count: int) -> None:
    from dataclasses import dataclass

    @dataclass(frozen=True)
    class Named:
        name: str

    everything = [Named(f"w{i}") for i in range(count)]
    parts = [plan.shard(everything, plan.Shard(i, n)) for i in range(1, n + 1)]  # type: ignore[type-var, arg-type]
    together = [w for part in parts for w in part]
    assert sorted(together, key=lambda w: w.name) == sorted(everything, key=lambda w: w.name)
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_sharded_runs_are_the_whole(world: World) -> None:
    fill(world)
    for i in (1, 2, 3):
        assert world.run("--target", "native", "--shard", f"{i}/3", "-o", f"s{i}").returncode == 0
    parts = [set(world.bundles(f"s{i}")) for i in (1, 2, 3)]
    assert set.union(*parts) == {(n, "native", 1) for n in NAMES} and sum(map(len, parts)) == len(NAMES)


def test_filters(world: World) -> None:
    world.workload("alpha", 'strains = "TX"\n')
    world.workload("beta", 'strains = "T"\n')
    found = Corpus([world.corpus]).workloads()

    def names(*filters: str) -> list[str]:
        return [w.name for w in plan.choose(found, filters)]

    assert names() == ["alpha", "beta"]
    assert names("a*") == ["alpha"] and names("!a*") == ["beta"]
    assert names("strain=T") == ["alpha", "beta"] and names("strain=XT") == ["alpha"]
    assert names("tag=test", "!strain=X") == ["beta"] and names("lock=one") == ["alpha", "beta"]


def test_descendants_are_found() -> None:
    p = subprocess.Popen(["sh", "-c", "sleep 60 & sleep 60; true"])
    try:
        deadline = time.monotonic() + 10
        while len(descendants(p.pid)) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert len(descendants(p.pid)) == 2
    finally:
        from lockstep.corpus.children import end_tree

        below = descendants(p.pid)
        end_tree(p)
        time.sleep(0.05)
        assert not [pid for pid in below if Path(f"/proc/{pid}/exe").exists()]
