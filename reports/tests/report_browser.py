"""A headless Chromium for tests, driven through the DevTools protocol over a pipe: no server, no port, no driver program.

Every page is watched: console errors, uncaught exceptions, blocked or failed loads, and any request that is not a file of this machine
are kept in `Browser.problems`.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions", "--disable-dev-shm-usage", "--hide-scrollbars", "--remote-debugging-pipe"]
NAMES = ("chromium", "chromium-browser", "google-chrome")
LIMIT_S = 30.0
# puts the two pipe ends where Chromium expects them
STARTER = "import os, sys; os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); os.execvp(sys.argv[3], sys.argv[3:])"


class BrowserError(Exception):
    """The browser cannot be used, or a page did what it must not."""


def find_chromium() -> str:
    for name in NAMES:
        if path := shutil.which(name):
            return path
    raise BrowserError("no Chromium on this machine: install Debian's package chromium (apt-get install chromium), or run sh ci/setup")


class Browser:
    """One browser with one page. Use `opened()`."""

    def __init__(self, folder: Path) -> None:
        command = [find_chromium(), *FLAGS, f"--user-data-dir={folder}", "about:blank"]
        to_read, self._out = os.pipe()
        self._in, to_write = os.pipe()
        ends = [fcntl.fcntl(fd, fcntl.F_DUPFD, 10) for fd in (to_read, to_write)]
        self.process = subprocess.Popen(
            [sys.executable, "-c", STARTER, *map(str, ends), *command],
            pass_fds=ends,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for fd in (to_read, to_write, *ends):
            os.close(fd)
        self._buffer = b""
        self._count = 0
        self._events: list[dict[str, Any]] = []
        self.problems: list[str] = []
        self.requests: list[str] = []
        target = self.send("Target.createTarget", {"url": "about:blank"})["targetId"]
        self.session = self.send("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")

    def close(self) -> None:
        with contextlib.suppress(BrowserError, OSError):
            self.session = ""
            self.send("Browser.close")
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self._in)
        os.close(self._out)

    # ---- protocol ----

    session = ""

    def send(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        self._count += 1
        message: dict[str, Any] = {"id": self._count, "method": method, "params": params or {}}
        if self.session:
            message["sessionId"] = self.session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        wanted = self._count
        end = time.monotonic() + LIMIT_S
        while True:
            answer = self._receive(end)
            if answer.get("id") == wanted:
                if "error" in answer:
                    raise BrowserError(f"{method}: {answer['error']}")
                return dict(answer.get("result") or {})

    def _receive(self, end: float) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            if not select.select([self._in], [], [], max(end - time.monotonic(), 0))[0]:
                raise BrowserError(f"Chromium did not answer within {LIMIT_S:.0f} s")
            piece = os.read(self._in, 1 << 20)
            if not piece:
                raise BrowserError("Chromium ended")
            self._buffer += piece
        line, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(line)
        if "method" in message:
            self._event(message["method"], message.get("params") or {})
        return message

    def _event(self, method: str, p: dict[str, Any]) -> None:
        self._events.append({"method": method, **p})
        if method == "Runtime.exceptionThrown":
            self.problems.append(f"exception: {p['exceptionDetails'].get('exception', {}).get('description', p['exceptionDetails']['text'])}")
        elif method == "Runtime.consoleAPICalled" and p["type"] in ("error", "warning", "assert"):
            self.problems.append(f"console: {p['args']}")
        elif method == "Log.entryAdded" and p["entry"]["level"] in ("error", "warning"):
            self.problems.append(f"log: {p['entry']['text']}")
        elif method == "Network.requestWillBeSent":
            url = p["request"]["url"]
            self.requests.append(url)
            if not url.startswith(("file:", "data:", "about:", "blob:")):
                self.problems.append(f"request: {url}")
        elif method == "Network.loadingFailed" and not p.get("canceled"):
            self.problems.append(f"failed load: {p.get('errorText')}")

    # ---- what tests use ----

    def open(self, url: str, *, width: int = 1280, height: int = 900, dark: bool = False) -> None:
        """Loads a page and waits until it has loaded."""
        self.send("Emulation.setDeviceMetricsOverride", {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600})
        self.send("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]})
        self.send("Page.navigate", {"url": "about:blank"})
        self._events.clear()
        self.send("Page.navigate", {"url": url})
        self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    def js(self, expression: str) -> Any:
        """The value of an expression (a promise is awaited)."""
        done = self.send("Runtime.evaluate", {"expression": expression, "returnByValue": True, "awaitPromise": True, "userGesture": True})
        if "exceptionDetails" in done:
            raise BrowserError(f"{expression}: {done['exceptionDetails'].get('exception', {}).get('description')}")
        return done["result"].get("value")

    def until(self, expression: str) -> Any:
        end = time.monotonic() + LIMIT_S
        while True:
            with contextlib.suppress(BrowserError):
                if value := self.js(f"!!({expression})"):
                    return value
            if time.monotonic() > end:
                raise BrowserError(f"never true: {expression}")
            time.sleep(0.03)

    def key(self, key: str, text: str = "") -> None:
        codes = {"Enter": 13, "Escape": 27, "Tab": 9, "ArrowDown": 40, "ArrowUp": 38, "PageDown": 34, "End": 35, "Home": 36}
        code = codes.get(key, ord(key[0].upper()))
        event: dict[str, Any] = {"key": key, "windowsVirtualKeyCode": code}
        typed = text or (key if len(key) == 1 else "\r" if key == "Enter" else "")
        self.send("Input.dispatchKeyEvent", event | {"type": "keyDown"} | ({"text": typed} if typed else {}))
        self.send("Input.dispatchKeyEvent", event | {"type": "keyUp"})

    def type(self, text: str) -> None:
        self.send("Input.insertText", {"text": text})

    def screenshot(self, file: Path, *, full: bool = False) -> None:
        params: dict[str, Any] = {"format": "png"}
        if full:
            size = self.send("Page.getLayoutMetrics")["cssContentSize"]
            params |= {"captureBeyondViewport": True, "clip": {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 9000), "scale": 1}}
        file.write_bytes(base64.b64decode(self.send("Page.captureScreenshot", params)["data"]))

    def pdf(self) -> bytes:
        return base64.b64decode(self.send("Page.printToPDF", {"printBackground": True})["data"])


@contextlib.contextmanager
def opened() -> Iterator[Browser]:
    """A browser with a profile of its own, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="lockstep-chromium-", ignore_cleanup_errors=True) as folder:
        browser = Browser(Path(folder))
        try:
            yield browser
        finally:
            browser.close()
