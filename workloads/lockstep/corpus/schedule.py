"""Tasks side by side, within CPUs and memory, by one thread: processes are started, waited for and ended here and nowhere else.

A task may wait for others. Which one starts first changes nothing in what comes out: every result goes to its own place.
"""

from __future__ import annotations

import os
import selectors
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lockstep.base.errors import HarnessError
from lockstep.corpus import children

TICK_S = 0.5
LOOK_S = 2.0


@dataclass
class Task:
    """`begin` gives the command, or None when there is nothing to do; `end` gets its exit status, None when it was ended here: for
    taking longer than `limit_s`, or because `outgrown` said so. `end` may return a task that is to be done as well; under the same name it is another attempt, and
    what waits for this one waits for that."""

    name: str
    begin: Callable[[], Sequence[str] | None]
    end: Callable[[int | None, Path], Task | None]
    log: Path
    limit_s: float
    cpus: int = 1
    memory: int = 0
    outgrown: Callable[[], bool] = lambda: False
    after: list[str] = field(default_factory=list)
    expected_s: float = 10.0


@dataclass
class _Running:
    task: Task
    process: subprocess.Popen[bytes]
    started: float
    pidfd: int
    next_look: float = 0.0


@dataclass
class Scheduler:
    """Runs tasks to their end. `changed` is called when something starts or ends, and every half second."""

    cpus: int
    memory: int
    changed: Callable[[Scheduler], None] = lambda s: None
    waiting: list[Task] = field(default_factory=list)
    running: list[_Running] = field(default_factory=list)
    done: set[str] = field(default_factory=set)
    done_s: float = 0.0
    total: int = 0

    def add(self, task: Task) -> None:
        self.waiting.append(task)
        self.total += 1

    def run(self) -> None:
        """Returns when nothing waits and nothing runs; on any exception everything that runs is ended first."""
        try:
            while self.waiting or self.running:
                if not self._start_what_fits() and not self.running:
                    stuck = ", ".join(t.name for t in self.waiting)
                    raise HarnessError(f"these wait for what never comes: {stuck}")
                self.changed(self)
                self._wait()
        finally:
            for r in self.running:
                children.end_tree(r.process)
                os.close(r.pidfd)

    def _fits(self, task: Task) -> bool:
        if any(name not in self.done for name in task.after):
            return False
        if not self.running:
            return True
        cpus = sum(r.task.cpus for r in self.running)
        memory = sum(r.task.memory for r in self.running)
        return cpus + task.cpus <= self.cpus and memory + task.memory <= self.memory

    def _start_what_fits(self) -> bool:
        """In order, but what is too large for now does not hold up what is not."""
        progress = False
        for task in list(self.waiting):
            if not self._fits(task):
                continue
            self.waiting.remove(task)
            progress = True
            cmd = task.begin()
            if cmd is None:
                self.done.add(task.name)
                continue
            self._start(task, cmd)
        return progress

    def _start(self, task: Task, cmd: Sequence[str]) -> None:
        try:
            process = children.start(cmd, task.log)
        except (OSError, subprocess.SubprocessError) as e:
            raise HarnessError(f"{cmd[0]}: cannot be started: {e}") from e
        self.running.append(_Running(task, process, time.monotonic(), os.pidfd_open(process.pid)))

    def _wait(self) -> None:
        if not self.running:
            return
        with selectors.DefaultSelector() as poll:
            for r in self.running:
                poll.register(r.pidfd, selectors.EVENT_READ)
            poll.select(TICK_S)
        now = time.monotonic()
        for r in list(self.running):
            if r.process.poll() is not None:
                self._finish(r, r.process.returncode)
            elif now - r.started > r.task.limit_s or self._outgrown(r, now):
                children.end_tree(r.process)
                self._finish(r, None)

    def _outgrown(self, r: _Running, now: float) -> bool:
        """Asked now and then: it walks folders."""
        if now < r.next_look:
            return False
        r.next_look = now + LOOK_S
        return r.task.outgrown()

    def _finish(self, r: _Running, status: int | None) -> None:
        self.running.remove(r)
        os.close(r.pidfd)
        self.done_s += r.task.expected_s
        more = r.task.end(status, r.task.log)
        if more is None or more.name != r.task.name:
            self.done.add(r.task.name)
        if more is not None:
            self.add(more)
