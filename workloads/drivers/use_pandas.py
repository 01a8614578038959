"""pandas: group and join 300,000 rows, hold the sums against plain Python, and take a table through CSV and time zones."""

import os
import tempfile
from collections import defaultdict

import numpy as np
import pandas as pd

ROWS = 300_000
rng = np.random.default_rng(11)


def orders():
    return pd.DataFrame(
        {
            "customer": rng.integers(0, 1000, ROWS),
            "item": rng.choice(["apple", "bread", "cheese", "date"], ROWS),
            "cents": rng.integers(1, 10_000, ROWS),
            "when": pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(rng.integers(0, 366 * 86400, ROWS), unit="s"),
        }
    )


def grouped(table):
    sums = table.groupby("customer")["cents"].sum()
    plain = defaultdict(int)
    for customer, cents in zip(table["customer"].tolist(), table["cents"].tolist()):
        plain[customer] += cents
    assert sums.to_dict() == plain
    pivot = table.pivot_table(index="item", values="cents", aggfunc=["count", "max"])
    print("groupby", len(sums), int(sums.max()), pivot.to_csv().split()[-1])


def joined(table):
    names = pd.DataFrame({"customer": range(1000), "region": [f"r{i % 7}" for i in range(1000)]})
    merged = table.merge(names, on="customer", validate="many_to_one")
    assert len(merged) == ROWS
    by_region = merged.groupby("region")["cents"].sum()
    assert int(by_region.sum()) == int(table["cents"].sum())
    print("merge", by_region.astype(int).to_dict())


def through_csv(table, folder):
    file = os.path.join(folder, "orders.csv")
    part = table.head(20_000)
    part.to_csv(file, index=False)
    again = pd.read_csv(file, parse_dates=["when"])
    assert again["cents"].equals(part["cents"]) and (again["when"] == part["when"]).all()
    assert again["item"].tolist() == part["item"].tolist()
    print("csv", os.path.getsize(file))


def months(table):
    local = table.set_index("when").tz_convert("Europe/Stockholm")
    counts = local["cents"].resample("MS").count()
    assert int(counts.sum()) == ROWS
    summer = pd.Timestamp("2024-07-01 12:00", tz="UTC").tz_convert("Europe/Stockholm")
    assert summer.hour == 14, "daylight saving time is not known here"
    print("months", counts.tolist())


table = orders()
grouped(table)
joined(table)
months(table)
with tempfile.TemporaryDirectory() as folder:
    through_csv(table, folder)
