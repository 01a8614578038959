"""pandas from a list of lists: 200,000 rows of 100 floats, appended one by one as people build a table, then summed both ways."""

import math
import random

ROWS, COLUMNS = 200_000, 100

random.seed(3)
base = [random.random() for _ in range(COLUMNS)]
rows = []
for i in range(ROWS):
    rows.append([x + i for x in base])

import pandas as pd

first, last = math.fsum(rows[0]), math.fsum(rows[-1])
table = pd.DataFrame(rows, columns=[f"c{i}" for i in range(COLUMNS)])
assert table.shape == (ROWS, COLUMNS)
assert math.isclose(table.iloc[0].sum(), first) and math.isclose(table.iloc[-1].sum(), last)
column = ROWS * (ROWS - 1) / 2
assert all(math.isclose(total, base[i] * ROWS + column) for i, total in enumerate(table.sum()))
print("rows", len(table), "mean", round(float(table.to_numpy().mean()), 6))
