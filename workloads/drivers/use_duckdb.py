"""duckdb: a join and an aggregate with spill to disk, a database file across connections, Parquet and CSV of its own."""

import os
import tempfile

import duckdb

ROWS = 1_000_000


def spill(folder):
    db = duckdb.connect(os.path.join(folder, "big.duckdb"))
    db.execute("SET threads = 2; SET memory_limit = '96MB'; SET preserve_insertion_order = false")
    db.execute(f"SET temp_directory = '{folder}/spill'")
    db.execute(f"CREATE TABLE facts AS SELECT i AS id, (i * 2654435761) % 200000 AS k, i % 97 AS v FROM range({ROWS}) t(i)")
    total, keys = db.execute("SELECT sum(s), count(*) FROM (SELECT k, sum(v) AS s FROM facts GROUP BY k)").fetchone()
    assert total == sum(i % 97 for i in range(ROWS))
    pairs = db.execute("SELECT count(*) FROM facts a JOIN facts b ON a.id = b.id + 1 WHERE a.v = 0").fetchone()[0]
    assert pairs == len(range(97, ROWS, 97)), pairs
    top = db.execute("SELECT id FROM facts ORDER BY (id * 7919) % 1000003 DESC, id LIMIT 3").fetchall()
    best = sorted(range(ROWS), key=lambda i: (-((i * 7919) % 1000003), i))[:3]
    assert [t[0] for t in top] == best
    db.close()
    print("spill", keys, total, best)


def kept(folder):
    file = os.path.join(folder, "kept.duckdb")
    with duckdb.connect(file) as db:
        db.execute("CREATE TABLE t (name VARCHAR PRIMARY KEY, born DATE)")
        db.executemany("INSERT INTO t VALUES (?, ?)", [("ada", "1815-12-10"), ("grace", "1906-12-09")])
        db.execute("BEGIN; DELETE FROM t; ROLLBACK")
    with duckdb.connect(file, read_only=True) as db:
        rows = db.execute("SELECT name, year(born) FROM t ORDER BY born").fetchall()
    assert rows == [("ada", 1815), ("grace", 1906)]
    print("kept", rows)


def files(folder):
    db = duckdb.connect(config={"threads": 2})
    db.execute(f"COPY (SELECT i, i * i AS sq FROM range(10000) t(i)) TO '{folder}/sq.parquet' (FORMAT parquet)")
    db.execute(f"COPY (SELECT i, 'n' || i AS name FROM range(10000) t(i)) TO '{folder}/n.csv' (HEADER)")
    row = db.execute(
        f"SELECT sum(sq), max(name) FROM '{folder}/sq.parquet' p JOIN read_csv('{folder}/n.csv') c ON p.i = c.i WHERE p.i % 3 = 0"
    ).fetchone()
    assert row == (sum(i * i for i in range(0, 10000, 3)), max(f"n{i}" for i in range(0, 10000, 3)))
    print("files", row)


with tempfile.TemporaryDirectory() as folder:
    spill(folder)
    kept(folder)
    files(folder)
