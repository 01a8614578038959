"""Environments: built once for each lock, by whoever comes first; a lock that does not hold is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from corpus_world import World, make_wheel
from lockstep.base.errors import UsageError
from lockstep.corpus import locks


def own_cache(world: World, folder: Path) -> Path:
    """A cache without environments, but with the session's pip: making that takes seconds and is not what is tested."""
    shared = Path(world.env["LOCKSTEP_CACHE"])
    if not (shared / "pip").exists():
        assert world.call("env", *world.pip(), str(world.corpus / "locks" / "one.lock")).returncode == 0
    folder.mkdir()
    (folder / "pip").symlink_to(shared / "pip")
    return folder


def env_command(world: World, lock: Path, cache: Path) -> subprocess.Popen[str]:
    words = world.command("env", *world.pip(), str(lock))
    env = world.env | {"LOCKSTEP_CACHE": str(cache)}
    return subprocess.Popen(words, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_builders_at_the_same_time_share_one(world: World, tmp_path: Path) -> None:
    cache = own_cache(world, tmp_path / "own cache")
    builders = [env_command(world, world.corpus / "locks" / "one.lock", cache) for _ in range(3)]
    outs = [p.communicate(timeout=100) for p in builders]
    assert [p.returncode for p in builders] == [0, 0, 0], outs
    (python,) = {out.strip() for out, _ in outs}
    assert len(list((cache / "envs").glob("*/"))) == 1
    assert not list(cache.glob("envs/.tmp-*"))
    done = subprocess.run([python, "-c", "import tinything; print(tinything.VERSION)"], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "1.0\n"
    script = subprocess.run([Path(python).parent / "tiny-tinything", "--help"], capture_output=True, text=True, timeout=60, check=False)
    assert (script.returncode, script.stdout) == (0, "usage: tiny\n"), "its script names the folder before the rename"
    assert list(Path(python).parents[1].glob("lib/*/site-packages/tinything/__pycache__/*.pyc")), "compiled once, not in every run"


def test_a_killed_builder_leaves_nothing_that_counts(world: World, tmp_path: Path) -> None:
    cache = own_cache(world, tmp_path / "own cache")
    lock = world.corpus / "locks" / "one.lock"
    p = env_command(world, lock, cache)
    while not list(cache.glob("envs/.tmp-*")):
        assert p.poll() is None
    p.kill()
    p.wait()
    done = env_command(world, lock, cache)
    out, err = done.communicate(timeout=100)
    assert done.returncode == 0, err
    assert Path(out.strip()).exists() and not list(cache.glob("envs/.tmp-*"))


def test_wheel_that_is_not_the_locked_one(world: World) -> None:
    lock = world.corpus / "locks" / "one.lock"
    lock.write_text(lock.read_text()[:-3] + "00\n")
    done = world.call("env", *world.pip(), str(lock))
    assert done.returncode == 3 and "environment one" in done.stderr


HEADER = f"# lockstep lock: python {sys.version_info[0]}.{sys.version_info[1]}, x86_64\n"
GOOD = "a==1 --hash=sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (GOOD, ":1: does not begin with"),
        (HEADER, "locks no package"),
        (HEADER + "a>=1 --hash=sha256:" + "0" * 64, ":2: must be NAME==VERSION"),
        (HEADER + "a==1", ":2: must be NAME==VERSION"),
        (HEADER + GOOD + "\n" + GOOD.replace("a", "A", 1), ":3: A is locked twice"),
        (HEADER + "-r other.txt", ":2: must be NAME==VERSION"),
        (HEADER + "--index-url x\n" + GOOD, ":2: must be NAME==VERSION"),
        (HEADER + "a @ file:///x", ":2: must be NAME==VERSION"),
    ],
)
def test_bad_lock(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "x.lock"
    file.write_text(text)
    with pytest.raises(UsageError) as e:
        locks.read(file)
    assert said in str(e.value) and str(file) in str(e.value)


def test_lock_of_another_machine_or_python(world: World) -> None:
    file = world.corpus / "locks" / "one.lock"
    text = file.read_text()
    file.write_text(text.replace("x86_64", "riscv64"))
    assert "is for riscv64" in world.call("env", str(file)).stderr
    file.write_text(text.replace(f"python 3.{sys.version_info[1]}", "python 3.99"))
    done = world.call("env", str(file))
    assert done.returncode == 3 and "no Python 3.99 here" in done.stderr


# ---- add: a package of the (local) index ----


def added(world: World, *words: str) -> subprocess.CompletedProcess[str]:
    return world.call("add", "--dir", str(world.corpus), *world.pip(), *words)


def test_add_locks_writes_and_runs(world: World) -> None:
    make_wheel(world.root / "wheels", "needed")
    make_wheel(world.root / "wheels", "bigthing", "2.5", needs=("needed",))
    done = added(world, "Bigthing==2.5")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("bigthing 2.5 natively: exit status 0 in ")
    lock = locks.read(world.corpus / "locks" / "bigthing.lock")
    assert lock.pins == {"bigthing": "2.5", "needed": "1.0"}
    driver = (world.corpus / "drivers" / "use_bigthing.py").read_text()
    assert "['bigthing', 'bigthing.tools']" in driver and "{'tiny-bigthing': 0}" in driver
    assert "#   bigthing.broken: ImportError: needs what is not there" in driver and "_private" not in driver
    listed = world.call("list", "--dir", str(world.corpus), "--json", "bigthing")
    item = json.loads(listed.stdout)
    assert (item["package"], item["version"], item["tags"]) == ("bigthing", "2.5", ["added"])
    ran = world.call("run", "--dir", str(world.corpus), *world.pip(), "--target", "native", "bigthing")
    assert ran.returncode == 0, ran.stderr


def test_add_of_requirements(world: World) -> None:
    for name in ("first", "second"):
        make_wheel(world.root / "wheels", name)
    file = world.root / "requirements.txt"
    file.write_text("# what we use\nfirst==1.0  # pinned\n\nsecond>=1\n")
    done = added(world, "-r", str(file))
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["first", "second"]
    assert locks.read(world.corpus / "locks" / "from-requirements.lock").pins == {"first": "1.0", "second": "1.0"}


def test_add_says_how_a_failing_driver_went(world: World) -> None:
    make_wheel(world.root / "wheels", "moody", extra={"moody/tools.py": "import sys\nif 'moody.tools' and not hasattr(sys, 'once'): sys.once = 1\n"})
    assert added(world, "moody").returncode == 0
    (world.corpus / "drivers" / "use_moody.py").write_text("raise SystemExit('this is what went wrong')\n")
    done = world.call("try", "--dir", str(world.corpus), *world.pip(), "moody")
    assert done.returncode == 1 and "exit status 1" in done.stdout and "this is what went wrong" in done.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["no-such-thing-here"], "pip cannot resolve this: "),
        (["tinything==9"], "pip cannot resolve this: "),
        (["./folder"], "is not NAME, NAME==VERSION"),
        (["--", "-x"], "is not NAME, NAME==VERSION"),
        (["a b"], "is not NAME, NAME==VERSION"),
        ([], "name a package, or a file with -r"),
        (["-r", "/nonexistent"], "cannot be read"),
    ],
)
def test_add_refuses(world: World, words: list[str], said: str) -> None:
    done = added(world, *words)
    assert done.returncode == 2 and said in done.stderr and "Traceback" not in done.stderr
    assert not (world.corpus / "manifests").exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [("-i x\n", ":1: -i: options do not belong here"), ("a\na\n", ":2: a is named twice"), ("\n\n../x", ":3: '../x' is not NAME"), ("# none", "names no package")],
)
def test_bad_requirements_file(world: World, text: str, said: str) -> None:
    file = world.root / "r.txt"
    file.write_text(text)
    done = added(world, "-r", str(file))
    assert done.returncode == 2 and said in done.stderr


def test_add_keeps_what_exists(world: World) -> None:
    assert added(world, "tinything").returncode == 0
    driver = world.corpus / "drivers" / "use_tinything.py"
    driver.write_text("# mine\n")
    done = added(world, "tinything")
    assert done.returncode == 2 and "--replace makes it anew" in done.stderr and driver.read_text() == "# mine\n"
    assert added(world, "tinything", "--replace").returncode == 0 and driver.read_text() != "# mine\n"
