"""numpy: a matrix product held against plain Python, an LU solve, an FFT round trip, and an array kept in a mapped file."""

import os
import tempfile

import numpy as np

rng = np.random.default_rng(7)


def product():
    a = rng.integers(-50, 50, size=(40, 60))
    b = rng.integers(-50, 50, size=(60, 30))
    plain = [[sum(int(x) * int(y) for x, y in zip(row, col)) for col in b.T] for row in a]
    assert (a @ b == np.array(plain)).all()
    floats = a.astype(float) @ b.astype(float)
    assert (floats == np.array(plain)).all()
    print("product", int((a @ b).sum()))


def blas():
    a = rng.standard_normal((600, 600))
    x = rng.standard_normal(600)
    solved = np.linalg.solve(a, a @ x)
    assert np.allclose(solved, x, atol=1e-6)
    values = np.linalg.eigvalsh(a + a.T)
    assert np.isclose(values.sum(), 2 * np.trace(a))
    print("solve", round(float(np.abs(solved).sum()), 4))


def fft():
    t = np.arange(1 << 16) / 1024
    wave = np.sin(2 * np.pi * 50 * t) + 0.5 * np.sin(2 * np.pi * 120 * t)
    spectrum = np.abs(np.fft.rfft(wave))
    peaks = sorted(int(i * 1024 / len(t)) for i in np.argsort(spectrum)[-2:])
    assert peaks == [50, 120], peaks
    assert np.allclose(np.fft.irfft(np.fft.rfft(wave)), wave)
    print("fft", peaks)


def mapped(folder):
    file = os.path.join(folder, "table.dat")
    table = np.memmap(file, dtype="int64", mode="w+", shape=(512, 1024))
    table[:] = np.arange(512 * 1024).reshape(512, 1024)
    table[100] *= -1
    table.flush()
    del table
    assert os.path.getsize(file) == 512 * 1024 * 8
    again = np.memmap(file, dtype="int64", mode="r", shape=(512, 1024))
    expected = np.arange(512 * 1024).reshape(512, 1024)
    expected[100] *= -1
    assert (again == expected).all()
    private = np.memmap(file, dtype="int64", mode="c", shape=(512, 1024))
    private[0] = 99
    assert (np.fromfile(file, dtype="int64", count=1024) == expected[0]).all(), "a private mapping wrote to its file"
    print("memmap", int(again.sum()))


product()
blas()
fft()
with tempfile.TemporaryDirectory() as folder:
    mapped(folder)
