"""How far a run is: one line that is overwritten on a terminal, a line an event elsewhere."""

from __future__ import annotations

import os
import sys
import time
from typing import TextIO

from lockstep.corpus.schedule import Scheduler


def duration(seconds: float) -> str:
    s = int(seconds + 0.5)
    if s < 60:
        return f"{s} s"
    if s < 3600:
        return f"{s // 60} min {s % 60:02d} s"
    return f"{s // 3600} h {s % 3600 // 60:02d} min"


class Progress:
    """`event` for what a person may want to read later; `show` for where things stand now."""

    def __init__(self, stream: TextIO, *, quiet: bool = False) -> None:
        self.stream = stream
        self.quiet = quiet
        self.live = not quiet and stream.isatty() and "CI" not in os.environ
        self.started = time.monotonic()
        self.line = ""

    def event(self, text: str) -> None:
        if not self.quiet:
            self._clear()
            print(text, file=self.stream, flush=True)

    def show(self, s: Scheduler) -> None:
        if not self.live:
            return
        done = s.total - len(s.waiting) - len(s.running)
        names = ", ".join(r.task.name for r in s.running)
        text = f"{bar(done, s.total)} {done}/{s.total} {self.left(s)} {names}"
        width = max(20, terminal_width(self.stream) - 1)
        text = text if len(text) <= width else text[: width - 1] + "…"
        if text != self.line:
            self.line = text
            print(f"\r\x1b[K{text}", end="", file=self.stream, flush=True)

    def left(self, s: Scheduler) -> str:
        """Time left, from what was expected and how long it took so far; nothing until one task is over."""
        if s.done_s <= 0:
            return ""
        now = time.monotonic()
        ahead = sum(t.expected_s for t in s.waiting)
        under_way = sum(r.task.expected_s for r in s.running)
        pace = (now - self.started) / (s.done_s + 0.5 * under_way)
        return f"{duration((ahead + 0.5 * under_way) * pace)} left:"

    def _clear(self) -> None:
        if self.line:
            self.line = ""
            print("\r\x1b[K", end="", file=self.stream)

    def close(self) -> None:
        self._clear()
        if self.live:
            self.stream.flush()


def terminal_width(stream: TextIO) -> int:
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError):
        return 80


def bar(done: int, total: int, width: int = 20) -> str:
    filled = width * done // max(total, 1)
    return "█" * filled + "░" * (width - filled)


def to_stderr(*, quiet: bool) -> Progress:
    return Progress(sys.stderr, quiet=quiet)
