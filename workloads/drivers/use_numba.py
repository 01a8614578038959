"""numba: compiled loops give what Python gives, also in parallel, also from the cache on disk."""

import os
import sys
import tempfile

cache = tempfile.TemporaryDirectory()
os.environ["NUMBA_CACHE_DIR"] = cache.name

import numba
import numpy as np

sys.setrecursionlimit(5000)
numba.set_num_threads(2)


def collatz(limit):
    best, steps = 0, 0
    for start in range(1, limit):
        n, count = start, 0
        while n != 1:
            n = n // 2 if n % 2 == 0 else 3 * n + 1
            count += 1
        if count > steps:
            best, steps = start, count
    return best, steps


fast = numba.njit(cache=True)(collatz)
assert fast(2000) == collatz(2000)
print("collatz", fast(200_000), len([f for f in os.listdir(cache.name + "/" + os.listdir(cache.name)[0])]))


@numba.njit(parallel=True)
def smooth(a):
    out = np.zeros_like(a)
    for i in numba.prange(1, a.shape[0] - 1):
        for j in range(1, a.shape[1] - 1):
            out[i, j] = (a[i - 1, j] + a[i + 1, j] + a[i, j - 1] + a[i, j + 1]) / 4
    return out


grid = np.random.default_rng(2).random((800, 800))
want = np.zeros_like(grid)
want[1:-1, 1:-1] = (grid[:-2, 1:-1] + grid[2:, 1:-1] + grid[1:-1, :-2] + grid[1:-1, 2:]) / 4
assert np.allclose(smooth(grid), want)
print("smooth", round(float(smooth(grid).sum()), 6))


@numba.vectorize(["float64(float64, float64)"])
def clipped(x, y):
    return min(max(x * y, 0.25), 0.75)


x = grid.ravel()[:1000]
assert np.array_equal(clipped(x, x), np.clip(x * x, 0.25, 0.75))
print("vectorize", round(float(clipped(x, x).sum()), 9))
cache.cleanup()
