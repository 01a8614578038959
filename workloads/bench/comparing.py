"""`lockstep compare` on two long traces, one with a planted difference: time, memory, and that it is found."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from measure import BenchError, Limit, Result, Spread, run

EVENTS = 10_000_000
EDITS = 1000
PLANTED = "/opt/app/planted.conf"  # make_trace.c
SECONDS_MAX = 20.0
MEMORY_MAX_MIB = 1500.0


def make_traces(build: Path, events: int, tmp: Path) -> tuple[Path, Path]:
    native, target = tmp / "long-native.trace", tmp / "long-target.trace"
    run([build / "make-trace", native, str(events)], tmp)
    run([build / "make-trace", target, str(events), str(EDITS)], tmp)
    return native, target


def planted_is_found(answer: Path) -> bool:
    for text in answer.read_text().splitlines():
        d = json.loads(text)
        if d["schema"] == "lockstep.difference/1" and d["kind"] == "errno" and PLANTED in d["args"]:
            return bool(d["target"]["errno"] == "EACCES")
    return False


def bench(build: Path, events: int, rounds: int, tmp: Path) -> Iterator[Result]:
    native, target = make_traces(build, events, tmp)
    answer = tmp / "differences"
    costs = [
        run([build / "lockstep", "compare", "--native", native, "--target-trace", target], tmp, answer, statuses=(0, 1))
        for _ in range(rounds or 2)
    ]
    if not planted_is_found(answer):
        raise BenchError(f"lockstep compare did not find that opening {PLANTED} fails on one side")
    best, peak = min(c.seconds for c in costs), max(c.peak_rss_kib for c in costs) / 1024
    yield Result(
        kind="compare",
        name=f"{events} events, {EDITS} edits",
        rounds=len(costs),
        seconds={"compare": Spread.of([c.seconds for c in costs])},
        values={
            "events": events,
            "peak_rss_mib": peak,
            "cpu_seconds": min(c.cpu_seconds for c in costs),
            "bytes_an_event": native.stat().st_size / events,
            "events_a_second": 2 * events / best,
        },
        limits=[Limit("seconds", best, SECONDS_MAX), Limit("MiB", peak, MEMORY_MAX_MIB)],
    )


HEAD = f"{'comparing':34} {'seconds':>22} {'CPU s':>7} {'peak MiB':>9} {'B/event':>8}"


def line(r: Result) -> str:
    s = r.seconds["compare"]
    took = f"{s.median:.2f} ({s.low:.2f}-{s.high:.2f})"
    return f"{r.name:34} {took:>22} {r.values['cpu_seconds']:7.2f} {r.values['peak_rss_mib']:9.0f} {r.values['bytes_an_event']:8.2f}  {r.verdict()}"
