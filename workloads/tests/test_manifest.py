"""Manifests are read strictly: what is wrong is said with file, line and key, and the exit status is 2."""

from __future__ import annotations

from pathlib import Path

import pytest
from corpus_world import BASIC, World
from hypothesis import given, settings
from hypothesis import strategies as st
from lockstep.base.errors import UsageError
from lockstep.corpus.manifest import Corpus, load_corpus, shipped_folder
from lockstep.corpus.tomlfile import parse_size

HEAD = BASIC.format(name="w")

BAD = {
    "unknown key": ('colour = "red"', "w.toml:6: colour: unknown key"),
    "near miss": ('tag = ["x"]', "tag: unknown key; did you mean tags?"),
    "unknown limit": ("[limits]\ntime = 5\nspace = 3", "w.toml:8: limits.space: unknown key"),
    "number for text": ("extends = 7", "w.toml:6: extends: must be text, not a whole number"),
    "text for list": ('tags = "nightly"', "tags: must be a list of texts, not text"),
    "list of numbers": ("tags = [1]", "tags: must be a list of texts; 1 is not one"),
    "true for a number": ("[limits]\ntime = true", "limits.time: must be a number, not true or false"),
    "fraction for a count": ("[limits]\ncpus = 1.5", "limits.cpus: must be a whole number, not a number"),
    "out of range": ("[limits]\ntime = 0", "limits.time: must be from 1 to 86400, not 0"),
    "no size": ('[limits]\nmemory = "lots"', "limits.memory: must be a size such as 512M or 2G, not 'lots'"),
    "a size without digits": ('[limits]\ndisk = "G"', "limits.disk: must be a size"),
    "table for text": ("[extends]\nx = 1", "extends: must be text, not a table"),
    "env of a number": ("[env]\nN = 2", "w.toml:7: env.N: must be text"),
    "env with a bad name": ('[env]\n"A B" = "x"', "env.A B: is no name of an environment variable"),
    "strain": ('strains = "TQ"', "strains: 'Q' is no strain"),
    "driver and argv": ('driver = "x.py"', "argv: goes without driver and args"),
    "lock with a path": ('extends = "base"', "extends: no manifest 'base'"),
    "not TOML": ("x = = 1", "w.toml:6: not TOML"),
    "twice": ('summary = "again"', "not TOML"),
    "NUL": ('strains = "\\u0000"', "must be text of at least one character, without NUL"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_manifest_is_named(world: World, name: str) -> None:
    more, said = BAD[name]
    world.manifest("w", HEAD + more + "\n")
    done = world.call("list", "--dir", str(world.corpus))
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert done.stderr.startswith(f"lockstep: {world.corpus}/manifests/w.toml:")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("key", ["package", "version", "summary"])
def test_missing_key(world: World, key: str) -> None:
    world.manifest("w", "".join(line + "\n" for line in HEAD.splitlines() if not line.startswith(key)))
    with pytest.raises(UsageError, match=f"{key}: is missing"):
        Corpus([world.corpus]).workloads()


def test_driver_that_is_not_there(world: World) -> None:
    world.manifest("w", "".join(line + "\n" for line in HEAD.splitlines() if not line.startswith("argv")))
    with pytest.raises(UsageError, match=r"driver: no file .*use_w\.py"):
        Corpus([world.corpus]).workloads()


def test_extends_fills_what_is_not_said(world: World) -> None:
    world.manifest("_far", '[env]\nA = "far"\nB = "far"\n[limits]\ntime = 7\ncpus = 2\n')
    world.manifest("_near", 'extends = "_far"\nstrains = "T"\n[env]\nB = "near"\n')
    world.manifest("w", 'extends = "_near"\n' + HEAD + '[env]\nC = "own"\n[limits]\ncpus = 1\n')
    (w,) = Corpus([world.corpus]).workloads()
    assert w.env == (("A", "far"), ("B", "near"), ("C", "own"))
    assert (w.strains, w.limits.time_s, w.limits.cpus) == ("T", 7.0, 1)


@pytest.mark.parametrize("chain", [["a"], ["a", "b"], ["a", "b", "c"]])
def test_cycle_is_named(world: World, chain: list[str]) -> None:
    for name, base in zip(chain, [*chain[1:], chain[0]], strict=True):
        world.manifest(name, f'extends = "{base}"\n')
    done = world.call("list", "--dir", str(world.corpus))
    assert done.returncode == 2
    assert "extends: a cycle: " + " -> ".join([*chain, chain[0]]) in done.stderr


def test_cycle_that_the_start_is_not_part_of(world: World) -> None:
    world.manifest("_a", 'extends = "_b"\n')
    world.manifest("_b", 'extends = "_a"\n')
    world.manifest("w", 'extends = "_a"\n' + HEAD)
    with pytest.raises(UsageError, match="a cycle: _a -> _b -> _a"):
        Corpus([world.corpus]).workloads()


@pytest.mark.parametrize("raw", [b"\xff\xfe", b"a = 1\n\xff", b"[" * 5000, b"x" * (1 << 21), b"\x00" * 10], ids=["bom", "latin", "deep", "long", "nul"])
def test_rubbish_is_an_error(world: World, raw: bytes) -> None:
    world.manifest("w", "").write_bytes(raw)
    with pytest.raises(UsageError, match=r"w\.toml"):
        Corpus([world.corpus]).workloads()


@settings(max_examples=60, deadline=None)
@given(raw=st.binary(max_size=300), at=st.integers(0, len(HEAD)))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, raw: bytes, at: int) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    (folder / "manifests").mkdir()
    (folder / "manifests" / "w.toml").write_bytes(HEAD.encode()[:at] + raw + HEAD.encode()[at:])
    try:
        Corpus([folder]).workloads()
    except UsageError as e:
        assert "w.toml:" in str(e)


def test_bad_name(world: World) -> None:
    world.manifest("Big Name", HEAD)
    with pytest.raises(UsageError, match="small letters"):
        Corpus([world.corpus])


def test_words_of_the_command(world: World) -> None:
    world.manifest("w", HEAD.replace('"-c", "pass"', '"{folder}/x", "{other}", "{python}{python}"'))
    (w,) = Corpus([world.corpus]).workloads()
    assert w.command(Path("/py")) == ["/py", f"{world.corpus}/x", "{other}", "/py/py"]


@pytest.mark.parametrize(("text", "size"), [("1", 1), ("3K", 3072), ("2G", 2 << 30)])
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "0", "-1", "1.5G", "9" * 30, "1GB", "0x10"])
def test_no_sizes(text: str) -> None:
    with pytest.raises(ValueError, match="must be a size"):
        parse_size(text)


def test_shipped_corpus(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What ships: at least 28 packages, every strain used, every pin in its lock, no index named."""
    from lockstep.corpus import locks
    from lockstep.corpus.manifest import STRAINS

    monkeypatch.setenv("LOCKSTEP_HOME", str(tmp_path))
    shipped = load_corpus().workloads()
    assert len({w.package for w in shipped}) >= 28
    assert {code for w in shipped for code in w.strains} == set(STRAINS)
    for w in shipped:
        lock = locks.read(w.lock_file)
        assert lock.pins[locks.normal(w.package)] == w.version, w.name
        assert w.driver is not None and "assert" in w.driver.read_text()
        for requirement in w.requirements:
            assert locks.normal(requirement.split("=")[0].split("<")[0]) in lock.pins
    for file in (shipped_folder() / "locks").iterdir():
        text = file.read_text()
        assert "://" not in text and "index" not in text
