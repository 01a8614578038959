"""joblib: two loky workers, results in order; an error comes back whole; a cache on disk answers the second time; arrays are mapped."""

import os
import tempfile

import numpy as np
from joblib import Memory, Parallel, delayed, dump, load


def digits(n):
    return sum(int(c) for c in str(3**n))


def fails(n):
    if n == 3:
        raise ValueError(f"no {n}")
    return n


def total(a):
    return float(a.sum()), type(a).__name__


def parallel():
    got = Parallel(n_jobs=2)(delayed(digits)(n) for n in range(400))
    assert got == [digits(n) for n in range(400)]
    try:
        Parallel(n_jobs=2)(delayed(fails)(n) for n in range(5))
        raise AssertionError("the error was lost")
    except ValueError as e:
        assert str(e) == "no 3"
    threads = Parallel(n_jobs=2, prefer="threads")(delayed(digits)(n) for n in range(50))
    print("loky", sum(got), sum(threads))


def mapped():
    big = np.arange(400_000, dtype="float64")
    got = Parallel(n_jobs=2, max_nbytes=1 << 20)(delayed(total)(big) for _ in range(4))
    assert got == [(float(big.sum()), "memmap")] * 4, got
    print("memmap", got[0])


def cached(folder):
    calls = []
    memory = Memory(folder, verbose=0)

    def slow(n):
        calls.append(n)
        return np.full(1000, n)

    remembered = memory.cache(slow)
    assert (remembered(5) == remembered(5)).all() and calls == [5]
    file = os.path.join(folder, "x.joblib")
    dump({"a": np.eye(50), "b": "text"}, file, compress=3)
    again = load(file)
    assert again["b"] == "text" and (again["a"] == np.eye(50)).all()
    print("memory", calls)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        parallel()
        mapped()
        cached(scratch)
