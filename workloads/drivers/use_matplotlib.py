"""matplotlib: four plots drawn without a display, the pixels looked at, and the same figure as SVG and PDF."""

import io
import logging
import os
import tempfile

folder = tempfile.TemporaryDirectory()
os.environ["MPLCONFIGDIR"] = folder.name

import matplotlib

logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)  # after five seconds it says that it takes long
matplotlib.use("Agg")
matplotlib.rcParams["svg.hashsalt"] = "fixed"
import matplotlib.pyplot as plt
import numpy as np


def figure():
    fig, axes = plt.subplots(2, 2, figsize=(6, 4), dpi=80)
    x = np.linspace(0, 10, 200)
    axes[0, 0].plot(x, np.sin(x), label="sine")
    axes[0, 0].legend()
    axes[0, 1].bar(["a", "b", "c"], [3, 1, 2], color="red")
    axes[1, 0].imshow(np.arange(100).reshape(10, 10))
    axes[1, 1].set_title(r"$\sum_i x_i^2$")
    axes[1, 1].hist(np.random.default_rng(1).standard_normal(1000), bins=20)
    fig.tight_layout()
    return fig


def pixels(fig):
    fig.canvas.draw()
    image = np.asarray(fig.canvas.buffer_rgba())
    assert image.shape == (320, 480, 4), image.shape
    red = (image[..., 0] > 250) & (image[..., 1] < 5) & (image[..., 2] < 5)
    ink = (image[..., :3] < 250).any(-1)
    assert 3000 < red.sum() < 20000, red.sum()
    assert 0.1 < ink.mean() < 0.7, ink.mean()
    print("agg", image.shape)


def written(fig):
    sizes = {}
    for kind, start in (("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")):
        out = io.BytesIO()
        meta = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(kind)
        fig.savefig(out, format=kind, metadata=meta)
        data = out.getvalue()
        assert data.startswith(start)
        sizes[kind] = len(data) > 5000
    png = io.BytesIO()
    fig.savefig(png, format="png")
    png.seek(0)
    assert plt.imread(png).shape[:2] == (320, 480)
    print("written", sizes)


fig = figure()
pixels(fig)
written(fig)
assert any(name.startswith("fontlist") for name in os.listdir(folder.name)), "no font cache was written"
print("font cache written")
folder.cleanup()
