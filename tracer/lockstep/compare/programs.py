"""Small real programs that the self-tests compare: what each strains is in its name. Fixtures are made below one folder."""

from __future__ import annotations

import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

PY = "/usr/bin/python3"


@dataclass(frozen=True)
class Program:
    """`argv` runs in `cwd`; programs with `noisy` print something else in every run."""

    name: str
    argv: tuple[str, ...]
    cwd: Path
    noisy: bool = False


SCRIPTS = {
    "threads.py": """
import threading, queue, hashlib
q = queue.Queue(); out = []
def work():
    while True:
        i = q.get()
        if i is None: return
        out.append(hashlib.sha256(str(i).encode()).hexdigest())
ts = [threading.Thread(target=work) for _ in range(4)]
[t.start() for t in ts]
for i in range(200): q.put(i)
for _ in ts: q.put(None)
[t.join() for t in ts]
print(len(out), sorted(out)[0])
""",
    "pool.py": """
from concurrent.futures import ProcessPoolExecutor
def f(n): return sum(i * i for i in range(n))
if __name__ == "__main__":
    with ProcessPoolExecutor(2) as e: print(list(e.map(f, range(1000, 1020))))
""",
    "threadpool_files.py": """
import os, tempfile
from concurrent.futures import ThreadPoolExecutor
d = tempfile.mkdtemp()
def f(i):
    p = os.path.join(d, f"f{i}")
    open(p, "w").write(str(i) * 100)
    return len(open(p).read())
with ThreadPoolExecutor(4) as e: print(sum(e.map(f, range(60))))
""",
    "aio.py": """
import asyncio
async def handle(r, w):
    w.write(await r.read(100)); await w.drain(); w.close()
async def main():
    s = await asyncio.start_server(handle, "127.0.0.1", 0)
    port = s.sockets[0].getsockname()[1]
    async def one(i):
        r, w = await asyncio.open_connection("127.0.0.1", port)
        w.write(b"x" * i); w.write_eof()
        return len(await r.read())
    print(sum(await asyncio.gather(*[one(i) for i in range(1, 20)])))
    s.close()
asyncio.run(main())
""",
    "subprocesses.py": """
import subprocess, tempfile, os
with tempfile.TemporaryDirectory() as d:
    for i in range(5):
        p = os.path.join(d, "x%d" % i)
        subprocess.run(["sh", "-c", f"echo {i} > {p}; cat {p}"], check=True)
    print(subprocess.run(["wc", "-c"] + sorted(os.path.join(d, f) for f in os.listdir(d)), capture_output=True, text=True, check=True).stdout.split()[0])
""",
    "randomness.py": """
import random, time, os, uuid, tempfile
print(random.random(), time.time(), os.getpid(), uuid.uuid4())
f = tempfile.NamedTemporaryFile(); f.write(os.urandom(1000)); f.flush(); print(os.stat(f.name).st_size)
""",
    "db.py": """
import sqlite3
c = sqlite3.connect("t.db"); c.execute("pragma journal_mode=wal")
c.execute("create table t (a integer primary key, b text)")
c.executemany("insert into t values (?, ?)", [(i, str(i) * 10) for i in range(500)]); c.commit()
print(c.execute("select count(*), sum(a), max(length(b)) from t").fetchone())
c.close()
""",
    "sums.py": """
import hashlib, json, sys
d = json.load(open("data.json"))
h = hashlib.sha256(open("big.bin", "rb").read()).hexdigest()
open("out.txt", "w").write(f"{sum(d)} {h}\\n")
print(open("out.txt").read().strip())
""",
    "walk.py": """
import os
n = b = 0
for root, dirs, files in os.walk("tree"):
    for f in files: n += 1; b += os.path.getsize(os.path.join(root, f))
print(n, b)
""",
    "mapped.py": """
import mmap
with open("big.bin", "r+b") as f:
    m = mmap.mmap(f.fileno(), 0); m[100:104] = b"abcd"; m.flush(); print(m.find(b"abcd"), len(m)); m.close()
""",
    "sockets.py": """
import socket, threading
a = socket.socket(socket.AF_UNIX); a.bind("s.sock"); a.listen()
def serve():
    c, _ = a.accept(); c.sendall(c.recv(100)[::-1]); c.close()
t = threading.Thread(target=serve); t.start()
b = socket.socket(socket.AF_UNIX); b.connect("s.sock"); b.sendall(b"abc"); print(b.recv(100)); t.join()
""",
}

MAKEFILE = "all: " + " ".join(f"o{i}" for i in range(8)) + "\n\tcat o? > all\n\ttail -1 all\no%:\n\t@seq 1 $$(( $* + 3 )) > $@\n"
HELLO = '#include <stdio.h>\nint main(void) { printf("hello %d\\n", 42); return 0; }\n'


def wheel(folder: Path) -> None:
    """A wheel that pip can install without an index."""
    info = "tiny-1.0.dist-info"
    with zipfile.ZipFile(folder / "tiny-1.0-py3-none-any.whl", "w") as z:
        z.writestr("tiny/__init__.py", "answer = 42\n")
        z.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        z.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: lockstep\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        z.writestr(f"{info}/RECORD", f"tiny/__init__.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")


def fixtures(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in SCRIPTS.items():
        (folder / name).write_text(text.lstrip())
    (folder / "Makefile").write_text(MAKEFILE)
    (folder / "hello.c").write_text(HELLO)
    (folder / "data.json").write_text("[1, 2, 3, 40]")
    (folder / "big.bin").write_bytes(bytes(i * 7 % 256 for i in range(300_000)))
    (folder / "lines.txt").write_text("".join(f"{i * 7919 % 1000} line {i}\n" for i in range(2000)))
    for i in range(30):
        p = folder / "tree" / f"d{i % 5}" / f"f{i}"
        p.parent.mkdir(parents=True, exist_ok=True)
        p.write_text("x" * i)
    wheel(folder)


def programs(folder: Path) -> list[Program]:
    """All of them; fixtures() made their folder."""

    def p(name: str, *argv: str, noisy: bool = False) -> Program:
        return Program(name, argv, folder, noisy)

    def sh(name: str, text: str, *, noisy: bool = False) -> Program:
        return p(name, "sh", "-c", text, noisy=noisy)

    return [
        p("threads", PY, "threads.py"),
        p("process-pool", PY, "pool.py"),
        p("thread-pool-files", PY, "threadpool_files.py"),
        p("asyncio", PY, "aio.py"),
        p("subprocesses", PY, "subprocesses.py"),
        p("random-and-time", PY, "randomness.py", noisy=True),
        p("sqlite-python", PY, "db.py"),
        p("checksums", PY, "sums.py"),
        p("walk", PY, "walk.py"),
        p("mmap", PY, "mapped.py"),
        p("unix-sockets", PY, "sockets.py"),
        sh("gcc", "gcc -O1 -o hello hello.c && ./hello"),
        sh(
            "git",
            "git init -q r && cd r && cp ../lines.txt . && git add . && git -c user.name=n -c user.email=e@example.org commit -qm m && git log --stat | tail -2",
        ),
        p("perl", "perl", "-ne", '@f = split; $s += $f[0]; END { print "$s\\n" }', "lines.txt"),
        p("make", "make", "-j2", "-s"),
        sh("tar", "tar -czf t.tgz tree && mkdir x && tar -xzf t.tgz -C x && find x -type f | wc -l"),
        sh("sort-pipeline", "sort -n lines.txt | uniq -c | sort -rn | head -3"),
        sh("bash-forks", "for i in 1 2 3 4 5 6 7 8 9 10; do (echo $i); done | wc -l"),
        p("pip-install", PY, "-m", "pip", "install", "-q", "--no-index", "--no-deps", "--target", "lib", "tiny-1.0-py3-none-any.whl"),
        sh("date-and-mktemp", "date +%N; mktemp; echo $$", noisy=True),
        p("find", "find", "/usr/share/doc", "-maxdepth", "1", "-name", "lib*"),
        sh("awk", "awk '{ s[$1 % 10] += 1 } END { for (k in s) print k, s[k] }' lines.txt | sort"),
        sh("sed-grep", "sed -e 's/line/row/' lines.txt | grep -c 'row 1'"),
        sh("xargs-parallel", "ls tree/*/* | xargs -P 2 -n 5 wc -c | tail -1 >/dev/null; echo done"),
    ]


if __name__ == "__main__":
    fixtures(Path(sys.argv[1]))
