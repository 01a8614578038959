"""The README's picture: the front, the first proven cause and its traces of a report. usage: report_picture.py REPORT_DIR OUT.png"""

from __future__ import annotations

import base64
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from report_browser import Browser, opened

WIDTH, GAP = 1280, 28


def clip(browser: Browser, top: float, height: float, file: Path) -> None:
    area = {"x": 0, "y": top, "width": WIDTH, "height": height, "scale": 1}
    shot = browser.send("Page.captureScreenshot", {"format": "png", "captureBeyondViewport": True, "clip": area})
    file.write_bytes(base64.b64decode(shot["data"]))


def proven(report: Path) -> str:
    """The page of the first result with a proven cause."""
    rows = [json.loads(line) for line in (report / "results.jsonl").read_text().splitlines()]
    return next(str(r["page"]) for r in rows if r["findings"] and r["findings"][0]["proven"])


def pieces(browser: Browser, report: Path, folder: Path) -> list[Path]:
    files = [folder / f"{i}.png" for i in range(3)]
    browser.open((report / "index.html").as_uri(), width=WIDTH)
    clip(browser, 0, 640, files[0])
    browser.open((report / proven(report)).as_uri(), width=WIDTH)
    browser.until("document.body.classList.contains('ready')")
    time.sleep(1)
    end = browser.js("(document.querySelector('.cause .hex-box, .cause .sides, .cause .facts') ?? document.querySelector('.cause')).getBoundingClientRect().bottom + scrollY")
    clip(browser, 0, end + 12, files[1])
    browser.js("document.querySelector('.rail').remove(); document.querySelector('.page').style.display = 'block'")
    time.sleep(0.5)
    top, bottom = browser.js("[document.getElementById('traces').getBoundingClientRect().top + scrollY, document.querySelector('.trace-frame').getBoundingClientRect().bottom + scrollY]")
    clip(browser, top - 16, bottom - top + 32, files[2])
    return files


def main(argv: Sequence[str]) -> int:
    report, out = Path(argv[0]).absolute(), Path(argv[1])
    with opened() as browser, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        images = "".join(f'<img src="{f.as_uri()}">' for f in pieces(browser, report, folder))
        sheet = folder / "sheet.html"
        style = f"body{{margin:0;padding:{GAP}px;background:#e4e1d9}} img{{display:block;border-radius:10px;margin-bottom:{GAP}px;box-shadow:0 2px 12px #0003}}"
        sheet.write_text(f"<!doctype html><style>{style}</style>{images}")
        browser.open(sheet.as_uri(), width=WIDTH + 2 * GAP)
        browser.screenshot(out, full=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
