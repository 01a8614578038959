"""h5py: a chunked, compressed file that grows, attributes and links, and the lock that keeps a second writer out."""

import os
import subprocess
import sys
import tempfile

import h5py
import numpy as np

SECOND_WRITER = "import h5py, sys\ntry:\n    h5py.File(sys.argv[1], 'r+')\nexcept OSError:\n    sys.exit(7)\n"


def grows(file):
    with h5py.File(file, "w") as f:
        d = f.create_dataset("runs/steps", shape=(0, 256), maxshape=(None, 256), chunks=(64, 256), compression="gzip", dtype="i4")
        for block in range(20):
            d.resize(d.shape[0] + 100, axis=0)
            d[-100:] = np.arange(100 * 256).reshape(100, 256) + block
        d.attrs["unit"] = "ticks"
        f["latest"] = h5py.SoftLink("/runs/steps")
        f.create_dataset("names", data=["naïve", "Ελλάδα", "plain"], dtype=h5py.string_dtype())
    with h5py.File(file, "r") as f:
        d = f["latest"]
        assert d.shape == (2000, 256) and d.attrs["unit"] == "ticks"
        assert (d[700:800] == np.arange(100 * 256).reshape(100, 256) + 7).all()
        assert [s.decode() for s in f["names"]] == ["naïve", "Ελλάδα", "plain"]
        print("steps", d.shape, int(d[::37].sum()), d.id.get_storage_size() < 2000 * 256 * 4)


def locked(file):
    with h5py.File(file, "r+") as f:
        second = subprocess.run([sys.executable, "-c", SECOND_WRITER, file], stderr=subprocess.DEVNULL)
        f.attrs["seen"] = 1
    after = subprocess.run([sys.executable, "-c", SECOND_WRITER, file])
    assert (second.returncode, after.returncode) == (7, 0), (second.returncode, after.returncode)
    print("second writer", "refused, then let in")


def in_memory():
    with h5py.File("none.h5", "w", driver="core", backing_store=False) as f:
        f["x"] = np.linspace(0, 1, 11)
        assert not os.path.exists("none.h5") and abs(f["x"][...].sum() - 5.5) < 1e-12
    print("core driver")


with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "data.h5")
    grows(path)
    locked(path)
in_memory()
