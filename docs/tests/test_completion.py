"""Completion in bash and zsh: commands, options, targets, files."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from lockstep.base.testing import EXE, REPO

BASH = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _lockstep
printf '%s\\n' "${COMPREPLY[@]}"
"""
# The widgets that zsh's completion system gives a completer, as far as this one asks for them; they print the words.
ZSH = """
compadd() { [[ $1 == -- ]] && shift; print -l -- ${(M)@:#${words[CURRENT]}*} }
_describe() { local -a w=(${(P)2}); w=(${w%%:*}); print -l -- ${(M)w:#${words[CURRENT]}*} }
_files() { print -l -- ${words[CURRENT]}*(N) }
_command_names() { print -l -- ${(M)${(k)commands}:#${words[CURRENT]}*} }
file=$1; shift
words=("$@"); CURRENT=$#
source $file
"""
FILES = {"bash": "lockstep.bash", "zsh": "_lockstep"}


def complete(shell: str, cwd: Path, *words: str) -> set[str]:
    """What the shell offers for the last of the words."""
    script = {"bash": ["bash", "--norc", "-c", BASH], "zsh": ["zsh", "-f", "-c", ZSH]}[shell]
    done = subprocess.run(
        [*script, shell, str(REPO / "docs/completion" / FILES[shell]), str(EXE), *words], cwd=cwd, capture_output=True, timeout=60, check=False
    )
    assert not done.stderr, done.stderr.decode()
    return set(done.stdout.decode().split("\n")) - {""}


@pytest.fixture(params=["bash", "zsh"])
def shell(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_commands(shell: str, tmp_path: Path) -> None:
    assert {"run", "trace", "show", "diff", "elf", "target", "doctor", "--help", "--version"} <= complete(shell, tmp_path, "")
    assert complete(shell, tmp_path, "tr") == {"trace"}
    assert not complete(shell, tmp_path, "no-such")


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("run", "--target"), {"--target", "--target-cmd", "--target-opt"}),
        (("trace", "--out"), {"--outcome", "--output"}),
        (("show", "t", "--su"), {"--successful", "--summary"}),
        (("elf", "--k"), {"--kernel"}),
        (("diff", "--pro"), {"--proofs"}),
        (("corpus", "run", "--sh"), {"--shard"}),
    ],
)
def test_options(shell: str, tmp_path: Path, words: tuple[str, ...], offered: set[str]) -> None:
    assert complete(shell, tmp_path, *words) == offered


@pytest.mark.parametrize("words", [("run", "--target", ""), ("target", "check", ""), ("target", "show", "")])
def test_targets(shell: str, tmp_path: Path, words: tuple[str, ...]) -> None:
    assert {"native", "runsc", "qemu-x86_64"} <= complete(shell, tmp_path, *words)
    assert complete(shell, tmp_path, *words[:-1], "run") == {"runsc"}


def test_second_words(shell: str, tmp_path: Path) -> None:
    assert complete(shell, tmp_path, "target", "") == {"list", "show", "check", "learn"}
    assert {"run", "list", "add", "report"} <= complete(shell, tmp_path, "corpus", "")


def test_files_and_the_command_after_two_dashes(shell: str, tmp_path: Path) -> None:
    (tmp_path / "my.trace").write_text("")
    (tmp_path / "other").write_text("")
    assert complete(shell, tmp_path, "show", "my") == {"my.trace"}
    assert "my.trace" in complete(shell, tmp_path, "run", "--", "my")
    assert complete(shell, tmp_path, "run", "--", "cat", "--tar") == set(), "options of another command"
    assert "strace" not in complete(shell, tmp_path, "run", "--", "cat", "stra")
    assert {"true", "tr"} <= complete(shell, tmp_path, "run", "--", "tr")
