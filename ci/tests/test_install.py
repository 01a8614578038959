"""`make install`, `uninstall`, `deb` and `dist`: what a user gets, run from where it was put."""

from __future__ import annotations

import gzip
import hashlib
import json
import lzma
import os
import re
import shutil
import subprocess
import tarfile
import tomllib
from pathlib import Path

import pytest
from lockstep.base.testing import REPO, Lockstep

BUILD = Path(os.environ.get("LOCKSTEP_BUILD") or REPO / "build/plain")
VERSION = tomllib.loads((REPO / "pyproject.toml").read_text())["project"]["version"]
SAN = {"plain": "", "asan": "address,undefined", "tsan": "thread"}


def run(*words: str | Path, cwd: Path = REPO, **env: str) -> str:
    base = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS", "LOCKSTEP_", "PYTHONPATH"))}
    done = subprocess.run(
        [str(w) for w in words], cwd=cwd, env={**base, **env}, stdin=subprocess.DEVNULL, capture_output=True, timeout=300, check=False
    )
    assert done.returncode == 0, f"{words}: {done.stdout.decode()}{done.stderr.decode()}"
    return done.stdout.decode()


def make(*words: str) -> str:
    return run("make", "-s", f"SAN={SAN[BUILD.name]}", *words)


def files_below(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_symlink() or not p.is_dir()}


@pytest.fixture(scope="module")
def dest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dest")
    make("install", f"DESTDIR={folder}", "PREFIX=/opt/tools")
    return folder


@pytest.fixture
def lockstep(dest: Path, tmp_path: Path) -> Lockstep:
    work = tmp_path / "work"
    work.mkdir()
    return Lockstep(dest / "opt/tools/bin/lockstep", work)


def all_is_well(ls: Lockstep) -> None:
    """An installed lockstep does what needs its programs, its data and its Python."""
    assert ls("--version").stdout.decode() == f"lockstep {VERSION}\n"
    done = ls("run", "--target", "native", "--", "sh", "-c", "echo in; exit 3")
    assert (done.stdout, done.returncode) == (b"in\n", 3), done.stderr
    done = ls("trace", "--target", "native", "-o", "t", "--", "true")
    assert done.returncode == 0, done.stderr
    assert b"execve(" in ls("show", "t").stdout
    names = [json.loads(line)["name"] for line in ls("target", "list", "--json").stdout.splitlines()]
    assert {"native", "runsc"} <= set(names)
    assert ls("elf", "/bin/true").stdout
    listed = ls("corpus", "list")
    assert listed.returncode == 0 and len(listed.stdout.splitlines()) >= 28, listed.stderr
    for command in ("diff", "corpus", "repro"):
        assert b"usage: lockstep" in ls(command, "--help").stdout, command


def test_installed_it_runs(lockstep: Lockstep) -> None:
    all_is_well(lockstep)


@pytest.mark.skipif(not shutil.which("runsc"), reason="the default target is not installed")
def test_installed_the_default_target_runs(lockstep: Lockstep) -> None:
    done = lockstep("run", "--", "true")
    assert done.returncode == 0, done.stderr


def test_installed_is_the_data_of_python_and_no_test(dest: Path) -> None:
    found = files_below(dest / "opt/tools")
    python = "lib/lockstep/python/"
    for path in run("git", "ls-files").splitlines():
        kept = re.match(r"(common|tracer|workloads|reports)/lockstep/|workloads/(manifests|drivers|locks)/|tracer/targets/[^/]*\.target", path)
        assert (python + path in found) == bool(kept and "/tests/" not in path and not path.endswith("/testing.py")), path
    assert not [f for f in found if "/tests/" in f or f.endswith("module.mk")]
    for page in (REPO / "docs/man").glob("*.1"):
        assert f"share/man/man1/{page.name}" in found
    assert {"share/bash-completion/completions/lockstep", "share/zsh/site-functions/_lockstep", "share/doc/lockstep/schemas/outcome.json"} <= found


def test_files_are_readable_by_all_and_writable_by_the_owner(dest: Path) -> None:
    for p in (dest / "opt/tools").rglob("*"):
        if p.is_file() and not p.is_symlink() and p.name != "installed" and "__pycache__" not in p.parts:
            mode = p.stat().st_mode & 0o777
            assert mode == (0o755 if re.fullmatch(r"lockstep(-\w+)?", p.name) and p.parent.name == "lockstep" else 0o644), p


def test_the_link_is_relative(dest: Path) -> None:
    assert (dest / "opt/tools/bin/lockstep").readlink() == Path("../lib/lockstep/lockstep")


def test_uninstall_leaves_what_others_put_there(tmp_path: Path) -> None:
    other = tmp_path / "usr/share/man/man1/lockstep-of-another.1"
    other.parent.mkdir(parents=True)
    other.write_text("not ours")
    where = (f"DESTDIR={tmp_path}", "PREFIX=/usr")
    make("install", *where)
    stale = tmp_path / "usr/lib/lockstep/python/common/lockstep/base/gone.py"
    stale.write_text("")
    make("install", *where)
    assert not stale.exists(), "an older version's file stayed behind"
    make("uninstall", *where)
    assert files_below(tmp_path) == {str(other.relative_to(tmp_path))}
    assert not [p for p in tmp_path.rglob("lockstep*") if p.is_dir()]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--uninstall", "DIR", "/usr"), "nothing of lockstep is installed"),
        (("build/no-such", "DIR", "/usr"), "is not built"),
        (("--uninstall", "DIR", "usr"), "does not begin with /"),
        (("--uninstall", "rel", "/usr"), "does not begin with /"),
    ],
)
def test_wrong_use_is_told(tmp_path: Path, words: tuple[str, ...], says: str) -> None:
    args = [str(tmp_path) if w == "DIR" else w for w in words]
    done = subprocess.run(["sh", "ci/install", *args], cwd=REPO, capture_output=True, timeout=30, check=False)
    assert done.returncode == 2 and says in done.stderr.decode()
    assert not files_below(tmp_path)


@pytest.fixture(scope="module")
def deb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(run("sh", "ci/deb/build", BUILD, VERSION, tmp_path_factory.mktemp("deb")).strip())


def test_deb_says_what_it_needs(deb: Path) -> None:
    text = run("dpkg", "-I", deb)
    fields = dict(re.findall(r"^ ([A-Z][A-Za-z-]+): (.*)$", text, re.M))
    depends = fields["Depends"].split(", ")
    assert (fields["Package"], fields["Version"]) == ("lockstep", VERSION)
    assert {"libdw1", "libelf1", "libzstd1", "python3 (>= 3.11)", "python3-venv", "python3-jinja2"} <= set(depends)
    assert any(re.fullmatch(r"libc6 \(>= 2\.\d+\)", d) for d in depends)
    assert not [d for d in depends if re.match(r"lib.*-dev|gcc|make|git|strace|mandoc", d)], "what only building or testing needs"
    assert fields["Suggests"] == "runsc, qemu-user"
    for d in depends:
        assert run("dpkg-query", "-W", d.split()[0]) if d.startswith("lib") else re.match(r"python3[a-z0-9-]*( |$)", d), d


def test_deb_holds_it(deb: Path) -> None:
    rows = [line.split(None, 5) for line in run("dpkg", "-c", deb).splitlines()]
    assert all(r[1] == "root/root" for r in rows)
    names = {r[5] for r in rows}
    assert {"./usr/bin/lockstep -> ../lib/lockstep/lockstep", "./usr/lib/lockstep/lockstep-record", "./usr/share/man/man1/lockstep.1.gz"} <= names
    assert "./usr/share/doc/lockstep/copyright" in names
    assert all(n.startswith(("./usr/", "./")) and "/tests/" not in n and not n.endswith(".pyc") for n in names)


def test_deb_unpacked_runs(deb: Path, tmp_path: Path) -> None:
    root, work = tmp_path / "root", tmp_path / "work"
    work.mkdir()
    run("dpkg", "-x", deb, root)
    all_is_well(Lockstep(root / "usr/bin/lockstep", work))
    assert gzip.decompress((root / "usr/share/man/man1/lockstep.1.gz").read_bytes()) == (REPO / "docs/man/lockstep.1").read_bytes()


def test_deb_sums_hold(deb: Path, tmp_path: Path) -> None:
    run("dpkg-deb", "-R", deb, tmp_path / "raw")
    run("md5sum", "--quiet", "-c", "DEBIAN/md5sums", cwd=tmp_path / "raw")


def test_deb_is_the_same_again(deb: Path, tmp_path: Path) -> None:
    again = run("sh", "ci/deb/build", BUILD, VERSION, tmp_path).strip()
    assert hashlib.sha256(Path(again).read_bytes()).digest() == hashlib.sha256(deb.read_bytes()).digest()


def test_dist_is_the_commit_and_the_same_again(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    run("git", "clone", "-q", REPO, clone)
    shutil.copy(REPO / "ci/dist", clone / "ci/dist")  # the script under test may be newer than the commit
    archive = clone / run("sh", "ci/dist", VERSION, cwd=clone).strip()
    first = archive.read_bytes()
    (clone / "README-of-mine").write_text("not committed")
    run("sh", "-c", f"umask 077 && sh ci/dist {VERSION}", cwd=clone)
    assert archive.read_bytes() == first
    with tarfile.open(fileobj=lzma.open(archive)) as tar:
        members = {m.name.removeprefix(f"lockstep-{VERSION}/") for m in tar.getmembers() if not m.isdir()}
    assert members == set(run("git", "ls-files", cwd=clone).splitlines())


def test_version_is_one() -> None:
    assert re.search(r"^VERSION := (.*)$", (REPO / "Makefile").read_text(), re.M)[1] == VERSION  # type: ignore[index]


def test_compile_commands_compile(tmp_path: Path) -> None:
    text = run("make", "-s", "-n", "compile_commands.json", "-B")
    assert "ci/compile-commands" in text
    done = subprocess.run(
        ["sh", "ci/compile-commands", "gcc", "common/err.c", "tracer/cli/main.c"],
        cwd=REPO,
        env={**os.environ, "FLAGS": "-I. -D_GNU_SOURCE -DLOCKSTEP_VERSION='\"9\"' -std=gnu11"},
        capture_output=True,
        timeout=30,
        check=True,
    )
    for entry in json.loads(done.stdout):
        run("sh", "-c", f"{entry['command']} -o {tmp_path}/out.o", cwd=Path(entry["directory"]))
