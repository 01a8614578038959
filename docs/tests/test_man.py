"""The manual pages say what --help says: no option more, none less; and they are well formed."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from lockstep.base.testing import EXE, REPO

PAGES = sorted((REPO / "docs/man").glob("*.1"))
COMMANDS = [p.stem.removeprefix("lockstep-") for p in PAGES if p.stem != "lockstep"]
OPTION = r"(?<![\w-])(?:--[a-z][a-z-]*|-[a-zA-Z])(?![\w-])"


def help_of(*words: str) -> str:
    done = subprocess.run([EXE, *words, "--help"], capture_output=True, stdin=subprocess.DEVNULL, timeout=60, check=False)
    assert done.returncode == 0, f"{words}: {done.stderr.decode()}"
    return done.stdout.decode()


def options_of_help(text: str) -> set[str]:
    """Those of the usage and those that begin a line of the list; an option that a sentence mentions is another command's."""
    usage, _, rest = text.partition("\n\n")
    found = set(re.findall(OPTION, usage))
    for line in rest.split("\n"):
        head = re.match(rf"\s{{2,6}}({OPTION}.*?)(?:  |$)", line)
        if head:
            found |= set(re.findall(OPTION, head[1]))
    return found


def described_by(page: Path) -> list[str]:
    """The commands that its NAME line names: most pages have one, that of the plumbing has several."""
    line = page.read_text().replace("\\-", "-").partition(".SH NAME\n")[2].split("\n")[0]
    return re.findall(r"lockstep-([a-z]+)", line.partition(" - ")[0])


def subcommands(command: str) -> list[str]:
    """Of corpus; `corpus report` hands its words on to `report`, which has a page of its own."""
    listed = re.findall(r"^    ([a-z]+)  ", help_of(command), re.M) if command == "corpus" else []
    return [c for c in listed if c != "report"]


def options_of_page(page: str) -> set[str]:
    """Those that stand in the tag of a .TP paragraph."""
    tags = re.findall(r"^\.TP.*\n(.*)$", page.replace("\\-", "-"), re.M)
    return {o for tag in tags for o in re.findall(OPTION, re.sub(r'"(\s*,?\s*)"', r"\1", tag).replace('"', " "))}


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_the_page_has_the_options_of_help_and_no_others(page: Path) -> None:
    if page.stem == "lockstep":
        return  # its --help lists commands; the next test is about that
    told = options_of_page(page.read_text())
    said = {"--help"}
    for command in described_by(page):
        said |= options_of_help(help_of(command))
        for sub in subcommands(command):
            said |= options_of_help(help_of(command, sub))
    assert said <= told, f"not in the page: {sorted(said - told)}"
    assert told <= said | {"-h"}, f"only in the page: {sorted(told - said)}"


def test_every_command_has_a_page_and_stands_in_the_overview() -> None:
    listed = re.findall(r"^  ([a-z]+)  +\S", help_of().partition("Example")[0], re.M)
    assert len(listed) >= 10
    overview = (REPO / "docs/man/lockstep.1").read_text().replace("\\-", "-")
    for command in listed:
        assert command in COMMANDS
        assert f"lockstep-{command}(1)" in overview


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_the_page_is_well_formed(page: Path) -> None:
    done = subprocess.run(["mandoc", "-Tlint", "-Wwarning", page], capture_output=True, timeout=60, check=False)
    assert not done.stdout and not done.stderr, done.stdout.decode()
    text = subprocess.run(["mandoc", "-Tutf8", page], capture_output=True, timeout=60, check=True).stdout.decode()
    plain = re.sub(".\b", "", text)
    headings = re.findall(r"^[A-Z].*$", plain, re.M)
    assert {"NAME", "SYNOPSIS", "DESCRIPTION", "EXIT STATUS", "SEE ALSO"} <= set(headings), headings
    assert {"EXAMPLE", "EXAMPLES"} & set(headings)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_pages_refer_to_pages_that_exist(page: Path) -> None:
    for name in re.findall(r"(lockstep(?:-[a-z]+)?)\(1\)", page.read_text().replace("\\-", "-").replace(" (1)", "(1)")):
        assert (REPO / f"docs/man/{name}.1").exists(), name


def test_examples_of_pages_are_commands_that_exist() -> None:
    for page in PAGES:
        for command in re.findall(r"^lockstep ([a-z]+)", page.read_text().partition(".nf")[2], re.M):
            assert command in COMMANDS, f"{page.name}: {command}"
