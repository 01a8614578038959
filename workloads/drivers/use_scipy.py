"""scipy: a sparse solve, a minimum, an integral, an FFT filter and a linear program, each with a known answer."""

import numpy as np
from scipy import fft, integrate, optimize, signal, sparse, spatial, stats
from scipy.sparse.linalg import eigsh, spsolve

rng = np.random.default_rng(5)


def poisson():
    n = 120
    line = sparse.diags_array([-1.0, 2.0, -1.0], offsets=[-1, 0, 1], shape=(n, n))
    grid = (sparse.kron(line, sparse.eye_array(n)) + sparse.kron(sparse.eye_array(n), line)).tocsc()
    x = rng.standard_normal(n * n)
    assert np.allclose(spsolve(grid, grid @ x), x, atol=1e-8)
    largest = eigsh(grid, k=1, which="LA", v0=rng.standard_normal(n * n), return_eigenvectors=False)[0]
    exact = 8 * np.sin(n * np.pi / (2 * (n + 1))) ** 2
    assert abs(largest - exact) < 1e-6, (largest, exact)
    print("sparse", grid.nnz, round(float(exact), 6))


def minimum():
    found = optimize.minimize(optimize.rosen, np.full(6, 1.3), jac=optimize.rosen_der, method="BFGS", options={"gtol": 1e-10})
    assert np.allclose(found.x, 1, atol=1e-5)
    plan = optimize.linprog([-3, -5], A_ub=[[1, 0], [0, 2], [3, 2]], b_ub=[4, 12, 18], method="highs")
    assert np.allclose(plan.x, [2, 6])
    print("optimize", round(float(plan.fun), 6))


def integral():
    value, _ = integrate.quad(lambda x: np.exp(-x * x), -np.inf, np.inf)
    assert abs(value - np.sqrt(np.pi)) < 1e-9
    orbit = integrate.solve_ivp(lambda t, y: [y[1], -y[0]], (0, 2 * np.pi), [1, 0], rtol=1e-9, atol=1e-11)
    assert np.allclose(orbit.y[:, -1], [1, 0], atol=1e-7)
    print("integrate", round(float(value), 8))


def filtered():
    t = np.arange(8192) / 8192
    clean = np.sin(2 * np.pi * 5 * t)
    b, a = signal.butter(4, 0.05)
    smooth = signal.filtfilt(b, a, clean + 0.3 * np.sin(2 * np.pi * 2000 * t))
    assert np.abs(smooth - clean)[200:-200].max() < 1e-3
    many = rng.standard_normal((64, 4096))
    assert np.allclose(fft.ifft(fft.fft(many, workers=2), workers=2).real, many)
    print("signal", len(smooth))


def nearest():
    points = rng.random((5000, 3))
    _, index = spatial.cKDTree(points).query(points[:50], k=2, workers=2)
    brute = np.argsort(((points[:50, None] - points[None]) ** 2).sum(-1), axis=1)[:, 1]
    assert (index[:, 1] == brute).all()
    print("spatial", int(brute.sum()), round(float(stats.norm.cdf(1.96)), 6))


poisson()
minimum()
integral()
filtered()
nearest()
