#!/usr/bin/env python3
"""How fast lockstep is: recording against native and strace, comparing long traces, drawing a report.

Everything that is compared takes turns within each round; ratios are taken within a round and printed as the median and the
spread over the rounds. Limits are held to the best round. Load from other programs makes all of this worthless: leave the
machine alone.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType

import comparing
import recording
import reporting
from measure import BenchError, Result

KINDS: dict[str, ModuleType] = {"record": recording, "compare": comparing, "report": reporting}
EPILOG = "exit status: 0 every limit is kept, 1 one is not, 2 wrong use, 3 something that is measured did not work"


def parse(argv: Sequence[str]) -> argparse.Namespace:
    p = argparse.ArgumentParser(prog="bench.py", description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("build", type=Path, help="where the programs are: build/plain")
    p.add_argument("names", nargs="*", metavar="NAME", help="only these programs of the recording bench")
    p.add_argument("--only", action="append", choices=list(KINDS), help="only that kind; repeatable")
    p.add_argument("--rounds", type=int, default=0, metavar="N", help="instead of each bench's own number")
    p.add_argument("--events", type=int, default=comparing.EVENTS, metavar="N", help="in each trace that is compared")
    p.add_argument("--rows", type=int, default=reporting.ROWS, metavar="N", help="in each result that is drawn")
    p.add_argument("--json", action="store_true", help="one lockstep.bench/1 object a line")
    return p.parse_intermixed_args(argv)


def results(kind: str, a: argparse.Namespace, tmp: Path) -> Iterator[Result]:
    build = a.build.resolve()
    if kind == "record":
        return recording.bench(build, a.names, a.rounds, tmp)
    if kind == "compare":
        return comparing.bench(build, a.events, a.rounds, tmp)
    return reporting.bench(build, a.rows, a.rounds, tmp)


def say_load() -> None:
    load, cpus = os.getloadavg()[0], len(os.sched_getaffinity(0))
    if load > cpus / 2:
        print(f"bench: the load was {load:.1f} on {cpus} CPUs before anything began: these numbers are noise", file=sys.stderr)


def run_kind(kind: str, a: argparse.Namespace) -> bool:
    """Prints the table of one kind as it comes; whether every limit was kept."""
    kept = True
    if not a.json:
        print(KINDS[kind].HEAD, flush=True)
    with tempfile.TemporaryDirectory(prefix="lockstep-bench-") as name:
        for r in results(kind, a, Path(name)):
            print(json.dumps(r.json()) if a.json else KINDS[kind].line(r), flush=True)
            kept &= r.ok
    return kept


def main(argv: Sequence[str]) -> int:
    a = parse(argv)
    if not (a.build / "lockstep").exists():
        print(f"bench: {a.build}/lockstep is not built; say: make", file=sys.stderr)
        return 2
    unknown = [n for n in a.names if n not in recording.NAMES]
    if unknown:
        print(f"bench: there is no program {unknown[0]!r}; there are: {', '.join(recording.NAMES)}", file=sys.stderr)
        return 2
    say_load()
    kinds = a.only or (["record"] if a.names else list(KINDS))
    try:
        kept = [run_kind(kind, a) for kind in kinds]
    except BenchError as e:
        print(f"bench: {e}", file=sys.stderr)
        return 3
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
