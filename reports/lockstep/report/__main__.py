"""`lockstep report`: results as static HTML."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import webbrowser
from collections.abc import Iterator, Sequence
from pathlib import Path

from lockstep.base.errors import BROKE, OK, USAGE, LockstepError, UsageError
from lockstep.base.paths import home_dir
from lockstep.report import exports, site
from lockstep.report.index import Index
from lockstep.report.load import bundle_folders, existing_folder, load_all, newest_attempts
from lockstep.report.site import Source, Written

EPILOG = """\
examples:
  lockstep report                          the newest run below LOCKSTEP_HOME
  lockstep report --run 20261123-020000-cccc -o report
  lockstep report ~/.local/share/lockstep/runs/R/prophet/runsc/1      one comparison, on one page

The folder holds index.html, a page for each workload and target, results.xml (JUnit) and results.jsonl. It opens from disk: no server, no
network. The last line printed is the path of index.html.

exit status: 0 done, 2 wrong use or bad input, 3 a page could not be drawn or the disk failed"""


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(
        prog="lockstep report",
        description="Writes static HTML from the results of diff and corpus: the matrix of packages and targets, and a page for each.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage="lockstep report [--run RUN] [-o DIR] [--open] [--json] [BUNDLE_DIR...]",
    )
    p.add_argument("--run", metavar="RUN", help="a run below LOCKSTEP_HOME (default: the newest)")
    p.add_argument("-o", dest="out", metavar="DIR", help="where to (default: LOCKSTEP_HOME/reports/RUN); an older report there is replaced")
    p.add_argument("--open", action="store_true", help="show it in the browser")
    p.add_argument("--json", action="store_true", help="print a line a result, then one for the report, instead of the path")
    p.add_argument("-q", "--quiet", action="store_true", help="only the path")
    p.add_argument("--no-color", action="store_true", help=argparse.SUPPRESS)
    p.add_argument("-v", "--verbose", action="store_true", help=argparse.SUPPRESS)
    p.add_argument("bundles", nargs="*", metavar="BUNDLE_DIR", help="bundles, or folders with bundles below them, instead of a run")
    return p


def from_run(index: Index, wanted: str | None) -> Source:
    known = index.runs()
    if not known and not wanted:
        raise UsageError(f"no results below {index.home}/runs: make some with `lockstep diff` or `lockstep corpus run`")
    run = wanted or known[0]
    folders = index.folders(run)
    if not folders:
        raise UsageError(f"{run}: no such run below {index.home}/runs" + (f"; the newest are {', '.join(known[:4])}" if known else ""))
    good, bad = load_all(folders)
    return Source(run, tuple(newest_attempts(good)), tuple(bad), index)


def from_folders(names: Sequence[str], index: Index | None) -> Source:
    folders = [f for name in names for f in bundle_folders(existing_folder(name))]
    if not folders:
        raise UsageError(f"{', '.join(names)}: no bundle (a folder with bundle.json) there or below")
    good, bad = load_all(folders)
    runs = sorted({b.run for b in good})
    return Source(runs[0] if len(runs) == 1 else f"{len(runs)} runs", tuple(newest_attempts(good)), tuple(bad), index)


def default_folder(source: Source, named: bool) -> Path:
    name = source.run
    if named and len(source.bundles) == 1:
        b = source.bundles[0]
        name = "--".join((b.run, b.workload, b.target))
    return home_dir() / "reports" / site.slug(name)


def say(source: Source, done: Written, *, as_json: bool, quiet: bool) -> None:
    for t in done.matrix.targets if not quiet else ():
        if t.target != "native" or len(done.matrix.targets) == 1:
            print(t.headline.text, file=sys.stderr)
    for name, why, _ in done.matrix.broken if not quiet else ():
        print(f"not judged: {name}: {why}", file=sys.stderr)
    if as_json:
        sys.stdout.write(exports.json_lines(exports.results(source.bundles, done.matrix)))
        print(json.dumps(exports.report(done.matrix, source.bad, str(done.index))))
    else:
        print(done.index)


@contextlib.contextmanager
def opened_index(a: argparse.Namespace) -> Iterator[Index]:
    """The index of LOCKSTEP_HOME, up to date."""
    index = Index(home_dir())
    try:
        index.refresh()
        if index.warning and not a.quiet:
            print(f"lockstep: report: {index.warning}", file=sys.stderr)
        yield index
    finally:
        index.close()


def make(a: argparse.Namespace) -> int:
    if a.run and a.bundles:
        raise UsageError("report: give --run or bundles, not both")
    with opened_index(a) as index:
        source = from_folders(a.bundles, index) if a.bundles else from_run(index, a.run)
        out = Path(a.out).absolute() if a.out else default_folder(source, bool(a.bundles))
        done = site.write(source, out)
    say(source, done, as_json=a.json, quiet=a.quiet)
    if a.open:
        webbrowser.open(done.index.as_uri())
    return BROKE if done.undrawn else OK


def main(argv: Sequence[str]) -> int:
    a = parser().parse_args(argv)
    try:
        return make(a)
    except LockstepError as e:
        print(f"lockstep: {e}", file=sys.stderr)
        return e.status
    except OSError as e:
        print(f"lockstep: report: {e.filename or 'writing'}: {e.strerror}", file=sys.stderr)
        return USAGE if isinstance(e, PermissionError) else BROKE
    except KeyboardInterrupt:
        print("lockstep: interrupted", file=sys.stderr)
        return BROKE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
