"""watchfiles: a watcher sees files come, change and go, in folders below too, and a filter hides what it should."""

import os
import sys
import tempfile
import threading
import time

from watchfiles import Change, DefaultFilter, watch

LIMIT_S = 60


def steps(root):
    """Each step waits for the one before to be seen, so that no two melt into one."""
    yield "added", "a.txt", lambda p: open(p, "w").close()
    yield "modified", "a.txt", lambda p: write(p, "more")
    yield "added", os.path.join("sub", "b.py"), lambda p: write(p, "x = 1")
    yield "deleted", "a.txt", os.unlink
    yield "added", "c.txt", lambda p: os.rename(os.path.join(root, "sub", "b.py"), p)


def write(path, text):
    with open(path, "w") as f:
        f.write(text)


def run(root):
    seen, arrived, stop = [], threading.Condition(), threading.Event()

    def watcher():
        for changes in watch(root, stop_event=stop, debounce=50, step=10, rust_timeout=200, yield_on_timeout=True, watch_filter=DefaultFilter()):
            with arrived:
                seen.extend((c, os.path.relpath(p, root)) for c, p in changes)
                ready.set()
                arrived.notify_all()

    ready = threading.Event()
    thread = threading.Thread(target=watcher, daemon=True)
    thread.start()
    assert ready.wait(LIMIT_S), "the watcher did not start"
    os.mkdir(os.path.join(root, "__pycache__"))
    write(os.path.join(root, "__pycache__", "hidden.pyc"), "")
    for kind, name, act in steps(root):
        before = len(seen)
        act(os.path.join(root, name))
        want = (Change[kind], name)
        with arrived:
            got = arrived.wait_for(lambda: want in seen[before:], LIMIT_S / 4)
        print(kind, name, "seen" if got else "MISSED", flush=True)
        if not got:
            sys.exit(1)
    stop.set()
    thread.join(LIMIT_S)
    assert not thread.is_alive()
    assert not [p for _, p in seen if "__pycache__" in p]


with tempfile.TemporaryDirectory() as folder:
    os.mkdir(os.path.join(folder, "sub"))
    start = time.monotonic()
    run(folder)
    assert time.monotonic() - start < LIMIT_S
