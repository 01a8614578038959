"""polars: a streaming join, a lazy query over Parquet, and windows, each against plain Python."""

import os
import tempfile

import polars as pl

ROWS = 300_000


def joined():
    left = pl.LazyFrame({"k": [i % 1000 for i in range(ROWS)], "v": list(range(ROWS))})
    right = pl.LazyFrame({"k": list(range(0, 1000, 2)), "name": [f"n{i % 5}" for i in range(0, 1000, 2)]})
    got = left.join(right, on="k").group_by("name").agg(pl.col("v").sum(), pl.len().alias("n")).sort("name").collect(engine="streaming")
    want = {}
    for i in range(ROWS):
        if i % 2 == 0:
            total, n = want.get(f"n{i % 1000 % 5}", (0, 0))
            want[f"n{i % 1000 % 5}"] = (total + i, n + 1)
    assert [(r["name"], (r["v"], r["n"])) for r in got.to_dicts()] == sorted(want.items())
    print("join", got.rows())


def scanned(folder):
    file = os.path.join(folder, "t.parquet")
    pl.DataFrame({"i": range(100_000), "s": [f"word {i % 31}" for i in range(100_000)]}).write_parquet(file)
    got = pl.scan_parquet(file).filter(pl.col("s").str.ends_with(" 7") & (pl.col("i") > 50_000)).select(pl.col("i").sum()).collect()
    assert got.item() == sum(i for i in range(50_001, 100_000) if i % 31 == 7)
    print("scan", got.item())


def windows():
    t = pl.DataFrame({"g": [i % 4 for i in range(40)], "x": [(i * 7) % 40 for i in range(40)]})
    got = t.with_columns(rank=pl.col("x").rank("ordinal").over("g"), run=pl.col("x").cum_sum().over("g"))
    for g in range(4):
        part = got.filter(pl.col("g") == g)
        xs = part["x"].to_list()
        assert part["rank"].to_list() == [sorted(xs).index(x) + 1 for x in xs]
        assert part["run"].to_list() == [sum(xs[: i + 1]) for i in range(len(xs))]
    print("windows", got["run"].sum())


joined()
windows()
with tempfile.TemporaryDirectory() as folder:
    scanned(folder)
