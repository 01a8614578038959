"""The answer for people fits one screen and cannot be used against their terminal."""

from __future__ import annotations

import io

from lockstep.compare.finding import Finding, numbered
from lockstep.compare.text import Paint, printable, render


def test_control_characters_are_made_visible() -> None:
    assert printable("a\x1b[31mb\n\udcff") == "a\\x1b[31mb\\n\\udcff"


def test_one_screen_whatever_is_found() -> None:
    found = numbered([Finding("errno", f"call {i} " + "x" * 300, {"call": "open"}, f"f{i}") for i in range(200)])
    text = render("title", ["native exit 0; runsc exit 1"], found, ["again: lockstep repro x"], Paint(io.StringIO()))
    assert len(text.splitlines()) <= 40
    assert "192 more" not in text and "and 191 more" in text


def test_no_findings_says_so() -> None:
    assert "no findings" in render("t", [], [], [], Paint(io.StringIO()))
