"""What README.md and its sisters tell people to type exists, and works where that is quick; links lead somewhere."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest
from lockstep.base.testing import EXE, REPO

README = (REPO / "README.md").read_text()
# What stands for something of the reader's own in the examples, and what a test puts there.
FILLED = {"CMD": "/bin/true", "FILE": "/bin/true", "NAME": "native"}
# Commands that take minutes or need results: only their words are checked, against --help.
SLOW = {"diff", "corpus", "report", "repro", "selftest"}


def typed() -> list[str]:
    """Lines of the code blocks without their comments; of a block with prompts only what follows one."""
    lines: list[str] = []
    for block in re.findall(r"^```\w*\n(.*?)^```", README, re.M | re.S):
        prompts = re.findall(r"^\$ (.*)$", block, re.M)
        lines += prompts or [re.split(r"\s{2,}#", line)[0] for line in block.splitlines()]
    return [line.strip() for line in lines if line.strip()]


def ours() -> list[list[str]]:
    """Those that run lockstep: its words."""
    split = [shlex.split(line) for line in typed()]
    return [words[1:] for words in split if words[0] in ("lockstep", "build/lockstep")]


def test_there_are_commands_to_check() -> None:
    assert {"diff", "trace", "show", "elf", "doctor"} <= {words[0] for words in ours()}


@pytest.mark.parametrize("words", ours(), ids=" ".join)
def test_the_options_exist(words: list[str]) -> None:
    told = subprocess.run([EXE, words[0], "--help"], capture_output=True, timeout=60, check=True).stdout.decode()
    if words[0] in ("corpus", "target"):
        assert re.search(rf"\b{words[1]}\b", told)
    before = words[: words.index("--")] if "--" in words else words
    for option in (w for w in before[1:] if w.startswith("-")):
        assert re.search(rf"(?<![\w-]){option}(?![\w-])", told), f"{option} is not in the help of {words[0]}"


def test_quick_ones_work_one_after_the_other(tmp_path: Path) -> None:
    ran = 0
    for words in ours():
        if words[0] in SLOW:
            continue
        target = ["--target", "native"] if words[0] == "trace" and "--target" not in words else []
        line = [words[0], *target, *(FILLED.get(w, w) for w in words[1:])]
        done = subprocess.run([EXE, *line], cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)
        # elf and doctor say 1 where there is something to say
        assert done.returncode in ((0, 1) if words[0] in ("elf", "doctor") else (0,)), f"{line}: {done.stderr.decode()}"
        ran += 1
    assert ran >= 4


def test_scripts_and_targets_of_make_exist() -> None:
    for line in typed():
        words = shlex.split(line)
        if words[0] == "sh":
            assert (REPO / words[1]).is_file(), line
            subprocess.run(["sh", "-n", REPO / words[1]], check=True, timeout=60)
        elif words[0] == "make":
            env = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")}
            subprocess.run(["make", "-n", *words[1:]], cwd=REPO, env=env, check=True, timeout=60, stdout=subprocess.DEVNULL)
        else:
            assert words[0] in ("lockstep", "build/lockstep"), f"nothing checks: {line}"


@pytest.mark.parametrize("page", sorted(p.name for p in REPO.glob("*.md")))
def test_links_lead_somewhere(page: str) -> None:
    for link in re.findall(r"(?<!!)\[[^]]*\]\(([^)#]+)[^)]*\)", (REPO / page).read_text()):
        assert link.startswith("https://") or (REPO / link).exists(), link
