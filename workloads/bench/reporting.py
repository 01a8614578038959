"""`lockstep report` over 28 packages on two targets: the report's own sample results, with long traces."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from measure import LIMIT_S, Limit, Result, Spread, run

REPO = Path(__file__).resolve().parents[2]
ROWS = 10_000  # aligned rows in each comparison; ten times that in prophet's
SECONDS_MAX = 30.0


def sample_results(home: Path, rows: int) -> int:
    """Writes them (reports/tests/report_samples.py draws them by a fixed seed); how many there are."""
    script = (
        "import sys; from pathlib import Path; import report_samples as s;"
        f"s.sample_home(Path(sys.argv[1]), rows={rows}, long_rows={rows * 10}, history=False, damaged=False)"
    )
    subprocess.run([sys.executable, "-c", script, home], cwd=REPO / "reports/tests", check=True, timeout=LIMIT_S)
    return len(list((home / "runs").glob("*/*/*/*/bundle.json")))


def bench(build: Path, rows: int, rounds: int, tmp: Path) -> Iterator[Result]:
    home = tmp / "home"
    bundles = sample_results(home, rows)
    words: list[str | Path] = ["env", f"LOCKSTEP_HOME={home}", build / "lockstep", "report", "--quiet", "-o", tmp / "report"]
    costs = [run(words, tmp) for _ in range(rounds or 2)]
    best = min(c.seconds for c in costs)
    size = sum(f.stat().st_size for f in (tmp / "report").rglob("*") if f.is_file())
    yield Result(
        kind="report",
        name=f"{bundles} results of {rows} rows",
        rounds=len(costs),
        seconds={"report": Spread.of([c.seconds for c in costs])},
        values={
            "bundles": bundles,
            "cpu_seconds": min(c.cpu_seconds for c in costs),
            "size_mib": size / 2**20,
            "peak_rss_mib": max(c.peak_rss_kib for c in costs) / 1024,
        },
        limits=[Limit("seconds", best, SECONDS_MAX)],
    )


HEAD = f"{'reporting':34} {'seconds':>22} {'CPU s':>7} {'peak MiB':>9} {'size MiB':>8}"


def line(r: Result) -> str:
    s = r.seconds["report"]
    took = f"{s.median:.2f} ({s.low:.2f}-{s.high:.2f})"
    return f"{r.name:34} {took:>22} {r.values['cpu_seconds']:7.2f} {r.values['peak_rss_mib']:9.0f} {r.values['size_mib']:8.1f}  {r.verdict()}"
