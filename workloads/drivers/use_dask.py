"""dask: arrays, frames and delayed calls on two threads, a bag on two processes; the answers are numpy's and Python's."""

import dask
import dask.array as da
import dask.bag as db
import numpy as np
from dask.delayed import delayed


def arrays():
    x = np.random.default_rng(8).random((1200, 1200))
    lazy = da.from_array(x, chunks=(300, 300))
    assert np.allclose((lazy @ lazy.T).sum(axis=0).compute(), (x @ x.T).sum(axis=0))
    assert np.isclose(lazy.std().compute(), x.std())
    print("array", lazy.npartitions)


def graph():
    calls = [delayed(pow)(n, 3) for n in range(200)]
    assert delayed(sum)(calls).compute() == sum(n**3 for n in range(200))
    print("delayed", sum(n**3 for n in range(200)))


def words(line):
    return line.split()


def bag():
    lines = [f"the cat {i % 3} sat" for i in range(900)]
    counts = dict(db.from_sequence(lines, npartitions=4).map(words).flatten().frequencies().compute(scheduler="processes", num_workers=2))
    assert counts == {"the": 900, "cat": 900, "sat": 900, "0": 300, "1": 300, "2": 300}
    print("bag", sorted(counts.items()))


if __name__ == "__main__":
    with dask.config.set(scheduler="threads", num_workers=2):
        arrays()
        graph()
    bag()
