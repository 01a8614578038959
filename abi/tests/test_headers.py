"""The table held to the kernel's and the C library's headers, by compiling programs that print what those say.

Names that no installed header knows must stand in newer.list with their value and its source, and nothing else may.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from referencing import Registry, Resource

HERE = Path(__file__).parent
BUILD = Path(os.environ.get("LOCKSTEP_BUILD", HERE.parents[1] / "build" / "plain"))
WORD = 2**64

# Headers that go together. Every name and struct is looked for in all groups: some exist in two versions, the C library's and
# the kernel's.
GROUPS = {
    "libc": """aio.h dirent.h errno.h fcntl.h mqueue.h netinet/in.h netinet/tcp.h netinet/udp.h poll.h pty.h sched.h semaphore.h
        signal.h stdint.h stdio.h sys/acct.h sys/epoll.h sys/eventfd.h sys/fanotify.h sys/file.h sys/inotify.h sys/ioctl.h
        sys/mman.h sys/mount.h sys/msg.h sys/personality.h sys/ptrace.h sys/quota.h sys/random.h sys/reboot.h sys/resource.h
        sys/sem.h sys/shm.h sys/signalfd.h sys/socket.h sys/stat.h sys/statfs.h sys/statvfs.h sys/swap.h sys/sysinfo.h
        sys/syscall.h sys/time.h sys/timerfd.h sys/times.h sys/timex.h sys/types.h sys/uio.h sys/un.h sys/user.h sys/utsname.h
        sys/vfs.h sys/wait.h sys/xattr.h termios.h time.h unistd.h utime.h net/if.h linux/filter.h linux/quota.h""",
    "kernel": """stdint.h linux/aio_abi.h linux/audit.h linux/bpf.h linux/capability.h linux/close_range.h linux/elf.h
        linux/eventpoll.h linux/fadvise.h linux/falloc.h linux/fanotify.h linux/fcntl.h linux/fiemap.h linux/filter.h linux/fs.h
        linux/fsmap.h linux/futex.h linux/hdreg.h linux/inotify.h linux/io_uring.h linux/ioprio.h linux/kcmp.h linux/kd.h
        linux/kexec.h linux/keyctl.h linux/kvm.h linux/landlock.h linux/loop.h linux/magic.h linux/membarrier.h linux/memfd.h
        linux/mempolicy.h linux/mman.h linux/module.h linux/mount.h linux/mqueue.h linux/nsfs.h linux/openat2.h linux/perf_event.h
        linux/personality.h linux/pidfd.h linux/poll.h linux/prctl.h linux/ptrace.h linux/random.h linux/reboot.h linux/resource.h
        linux/rseq.h linux/sched.h linux/sched/types.h linux/seccomp.h linux/securebits.h linux/serial.h linux/signal.h
        linux/stat.h linux/sysinfo.h linux/time.h linux/times.h linux/timerfd.h linux/timex.h linux/uio.h linux/userfaultfd.h
        linux/utime.h linux/utsname.h linux/vt.h linux/watch_queue.h linux/xattr.h asm/ldt.h asm/prctl.h asm/ioctls.h asm/termbits.h asm/statfs.h
        asm/siginfo.h""",
    "sockets": """stdint.h linux/if_alg.h sys/socket.h linux/in.h linux/in6.h linux/ipv6.h linux/if.h linux/if_arp.h
        linux/if_packet.h linux/if_tun.h linux/netlink.h linux/sockios.h linux/tcp.h linux/udp.h linux/un.h linux/vm_sockets.h
        asm/socket.h""",
    "ipc": "stdint.h linux/ipc.h linux/sem.h linux/shm.h linux/msg.h asm-generic/hugetlb_encode.h",
    "fcntl": "stdint.h asm/fcntl.h",
    "elf": "stdint.h elf.h linux/auxvec.h sys/auxv.h",
    "tun": "stdint.h linux/if_tun.h linux/if.h",
    "netlib": "netinet/in.h net/if.h netpacket/packet.h sys/socket.h",
}

# Where the headers of the C library say something else on purpose, and the call itself takes the kernel's value.
LIBRARY_DIFFERS = {"O_LARGEFILE"}
# Structs that have grown since the release of the installed headers (v6.1): these must agree as far as they go.
GROWN = {"io_cqring_offsets", "io_sqring_offsets", "perf_event_attr", "statx"}


@cache
def rows() -> dict[str, list[dict[str, Any]]]:
    out = subprocess.run([str(BUILD / "abi-json")], capture_output=True, text=True, check=True, timeout=60).stdout
    found: dict[str, list[dict[str, Any]]] = {}
    for line in out.splitlines():
        row = json.loads(line)
        found.setdefault(row["schema"].removeprefix("lockstep.abi-").removesuffix("/1"), []).append(row)
    return found


@cache
def newer() -> dict[str, int]:
    listed = {}
    for line in (HERE / "newer.list").read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            name, value, _ = re.split(r"\t+", line, maxsplit=2)
            assert name not in listed, f"newer.list has {name} twice"
            listed[name] = int(value, 0)
    return listed


def gcc(args: list[str], source: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["gcc", "-D_GNU_SOURCE", "-std=gnu11", "-w", "-x", "c", *args, "-"], input=source, capture_output=True, text=True, timeout=60
    )


def includes(group: str) -> str:
    return "#include <stdio.h>\n#include <stddef.h>\n" + "".join(f"#include <{h}>\n" for h in GROUPS[group].split())


def evaluate(group: str, lines: list[str], workdir: Path) -> dict[int, int]:
    """Values of the expressions that compile with this group's headers, by their place in the list."""
    head = includes(group)
    start = head.count("\n") + 1
    # Only what these headers mention at all: the compiler takes its time over each name that it does not know.
    known = set(re.findall(r"[A-Za-z_]\w*", gcc(["-E", "-dD"], head).stdout)) | {"offsetof", "sizeof"}
    kept = [i for i, line in enumerate(lines) if known.issuperset(re.findall(r"[A-Za-z_]\w*", line))]
    body = [f'static void f{i}(void) {{ printf("{i} %llu\\n", (unsigned long long)({lines[i]})); }}' for i in kept]
    check = gcc(["-fsyntax-only", "-fmax-errors=0", "-Werror=implicit-function-declaration"], head + "\n".join(body) + "\n")
    bad = {int(n) - start for n in re.findall(r"^<stdin>:(\d+):\d+: (?:error|fatal)", check.stderr, re.M)}
    assert all(i >= 0 for i in bad), check.stderr
    good = [i for i in range(len(body)) if i not in bad]
    source = head + "\n".join(body[i] for i in good) + "\nint main(void) {" + "".join(f"f{kept[i]}();" for i in good) + "return 0; }\n"
    exe = workdir / group
    built = gcc(["-Wno-error", "-o", str(exe)], source)
    assert built.returncode == 0, built.stderr[:4000]
    out = subprocess.run([str(exe)], capture_output=True, text=True, check=True, timeout=60).stdout
    return {int(a): int(b) for a, b in (line.split() for line in out.splitlines())}


@cache
def measured() -> list[tuple[str, str, int]]:
    """What the headers say: (group, expression, value) for every name, size and offset of the table."""
    lines = list(dict.fromkeys([n[0] for n in all_names()] + [p[0] for p in places()]))
    with tempfile.TemporaryDirectory() as folder:
        return [(group, lines[i], value) for group in GROUPS for i, value in evaluate(group, lines, Path(folder)).items()]


def test_numbers_are_the_headers() -> None:
    dump = gcc(["-E", "-dM", "-include", "asm/unistd_64.h"], "").stdout
    headers = {m[1]: int(m[2]) for m in re.finditer(r"#define __NR_(\w+) (\d+)", dump)}
    assert len(headers) > 350
    table = {r["name"]: r["nr"] for r in rows()["call"]}
    listed = {n.removeprefix("__NR_"): v for n, v in newer().items() if n.startswith("__NR_")}
    assert not listed.keys() & headers.keys(), "newer.list repeats what the headers have"
    assert table == headers | listed


def test_i386_names_are_the_headers() -> None:
    dump = gcc(["-E", "-dM", "-include", "asm/unistd_32.h"], "").stdout
    headers = {int(m[2]): m[1] for m in re.finditer(r"#define __NR_(\w+) (\d+)", dump)}
    table = {r["value"]: r["name"] for r in rows()["name"] if r["kind"] == "i386"}
    assert len(headers) > 350
    assert {n: s for n, s in table.items() if n <= max(headers)} == headers
    # Since 424 a call has one number everywhere.
    shared = {r["nr"]: r["name"] for r in rows()["call"] if r["nr"] > max(headers)}
    assert {n: s for n, s in table.items() if n > max(headers)} == shared


def all_names() -> list[tuple[str, int, int]]:
    found: dict[tuple[str, int, int], None] = {}
    for s in rows()["set"]:
        for n in s["names"]:
            key = (n["name"], n["value"], n["mask"])
            found[key] = None
    for r in rows()["name"]:
        if r["kind"] in ("auxv", "signal") and not r["name"].startswith("SIGRT"):
            found[(r["name"], r["value"], 0xFFFFFFFF)] = None
    return [key for key in found if re.match(r"[A-Za-z_]", key[0])]


def same(value: int, mask: int, header: int) -> bool:
    if mask == 0xFFFFFFFF:
        return header & mask == value
    return header == value or header == value | 0xFFFFFFFF00000000


def places() -> list[tuple[str, str, int]]:
    """(expression, struct.field, our value) of every size and offset that the headers may know."""
    found = []
    for s in rows()["struct"]:
        ctype = s["ctype"]
        if not ctype:
            continue
        found.append((f"sizeof({ctype})", s["name"], s["size"]))
        for f in s["fields"]:
            if f["name"]:
                where = f"{s['name']}.{f['name']}"
                found.append((f"offsetof({ctype}, {f['name']})", where, f["off"]))
                found.append((f"sizeof((({ctype} *)0)->{f['name']})", where, f["size"] * f["count"]))
    return found


def test_flags_and_enums_are_the_headers() -> None:
    ours: dict[str, list[tuple[int, int]]] = {}
    for name, value, mask in all_names():
        ours.setdefault(name, []).append((value, mask))
    agreed = set()
    wrong = []
    for group, name, header in measured():
        for value, mask in ours.get(name, []):
            if same(value, mask, header):
                agreed.add(name)
            elif name not in LIBRARY_DIFFERS:
                wrong.append(f"{name}: {value:#x} here, {header:#x} in {group}")
    assert not wrong
    assert agreed >= LIBRARY_DIFFERS & ours.keys()
    unknown = {name: held[0][0] for name, held in ours.items() if name not in agreed}
    listed = {n: v for n, v in newer().items() if not n.startswith("__NR_")}
    assert unknown == listed, (
        f"not in newer.list: {sorted(unknown.items() - listed.items())}; not needed there: {sorted(listed.items() - unknown.items())}"
    )
    assert len(agreed) > 900


def test_structs_are_the_headers() -> None:
    headers: dict[str, list[int]] = {}
    for _, expression, value in measured():
        headers.setdefault(expression, []).append(value)
    unknown, wrong = set(), []
    for expression, where, ours in places():
        theirs = headers.get(expression, [])
        if not theirs:
            unknown.add(where.split(".")[0])
        elif ours not in theirs and not (where in GROWN and max(theirs) < ours):
            wrong.append(f"{where}: {expression} is {theirs} in the headers, {ours} here")
    assert not wrong
    assert unknown <= GROWN


def test_json_fits_its_schemas() -> None:
    folder = HERE.parents[1] / "docs" / "schemas"
    schemas = {s["$id"]: s for s in (json.loads(p.read_text()) for p in folder.glob("abi-*.json"))}
    registry: Registry[Any] = Registry().with_resources((name, Resource.from_contents(s)) for name, s in schemas.items())
    checked = 0
    for kind, found in rows().items():
        validator = Draft202012Validator(schemas[f"lockstep.abi-{kind}/1"], registry=registry)
        for row in found:
            validator.validate(row)
            checked += 1
    assert checked > 2000
