#!/usr/bin/env python3
"""Makes an ELF of the family whose DYNAMIC lies outside every PT_LOAD, without patchelf.

usage: make_tail_dynamic.py [--place ext-rw|ext-r|outside] IN OUT

IN is a dynamically linked non-PIE (`gcc -no-pie hello.c`). DYNAMIC is copied into the page tail of a
PT_LOAD whose sizes in file and memory are equal, PT_DYNAMIC points there, RELRO is dropped and the
old copy is poisoned, so that nothing but the tail's bytes can make the program run.

  ext-rw   that PT_LOAD becomes writable (ld.so writes DT_DEBUG): runs on Linux, dies where page
           tails are zeroed. The shape that patchelf 0.17 leaves behind.
  ext-r    it does not become writable: dies on Linux too.
  outside  PT_DYNAMIC points to where nothing is mapped: dies on Linux too.
"""

from __future__ import annotations

import argparse
import struct
import sys
from dataclasses import dataclass
from pathlib import Path

PT_NULL, PT_LOAD, PT_DYNAMIC, PT_INTERP, PT_GNU_RELRO = 0, 1, 2, 3, 0x6474E552
PF_W = 2
ET_EXEC = 2
PAGE = 4096
PHDR = struct.Struct("<IIQQQQQQ")
POISON = b"\xfe"


class Unsuitable(Exception):
    """The input cannot be turned; the text says why."""


@dataclass
class Phdr:
    type: int
    flags: int
    offset: int
    vaddr: int
    paddr: int
    filesz: int
    memsz: int
    align: int

    def pack(self) -> bytes:
        return PHDR.pack(self.type, self.flags, self.offset, self.vaddr, self.paddr, self.filesz, self.memsz, self.align)


def read_phdrs(data: bytes) -> tuple[int, list[Phdr]]:
    if data[:5] != b"\x7fELF\x02":
        raise Unsuitable("not a 64-bit ELF file")
    (etype,) = struct.unpack_from("<H", data, 16)
    (phoff,) = struct.unpack_from("<Q", data, 32)
    (phnum,) = struct.unpack_from("<H", data, 56)
    if etype != ET_EXEC:
        raise Unsuitable("not ET_EXEC; compile with -no-pie")
    return phoff, [Phdr(*PHDR.unpack_from(data, phoff + i * PHDR.size)) for i in range(phnum)]


def tail_of(load: Phdr) -> tuple[int, int]:
    """File offset and size of what follows the segment in its last page."""
    end = load.offset + load.filesz
    start = (end + 15) & ~15
    return start, (end + PAGE - 1 & ~(PAGE - 1)) - start


def choose_load(phdrs: list[Phdr], size: int, file_size: int) -> Phdr:
    """A PT_LOAD of equal sizes, not executable, whose page tail has room that no other uses."""
    loads = [p for p in phdrs if p.type == PT_LOAD]
    for load in loads:
        start, room = tail_of(load)
        used = any(o.offset < start + size and start < o.offset + o.filesz for o in loads)
        fits = room >= size and start + size <= file_size
        if load.filesz == load.memsz and not load.flags & 1 and fits and not used:
            return load
    raise Unsuitable("no PT_LOAD has room for DYNAMIC in its page tail")


def make_tail_dynamic(data: bytes, place: str = "ext-rw") -> bytes:
    phoff, phdrs = read_phdrs(data)
    dynamic = next((p for p in phdrs if p.type == PT_DYNAMIC), None)
    if dynamic is None or not any(p.type == PT_INTERP for p in phdrs):
        raise Unsuitable("not dynamically linked")
    load = choose_load(phdrs, dynamic.filesz, len(data))
    out = bytearray(data)
    old, size = dynamic.offset, dynamic.filesz
    new, _ = tail_of(load)
    out[new : new + size] = data[old : old + size]
    out[old : old + size] = POISON * size
    dynamic.offset = new
    dynamic.vaddr = dynamic.paddr = load.vaddr + (new - load.offset)
    if place == "ext-rw":
        load.flags |= PF_W
    elif place == "outside":
        dynamic.vaddr = dynamic.paddr = 0x10000000
    for p in phdrs:
        if p.type == PT_GNU_RELRO:
            p.type = PT_NULL
    for i, p in enumerate(phdrs):
        out[phoff + i * PHDR.size : phoff + (i + 1) * PHDR.size] = p.pack()
    return bytes(out)


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--place", choices=["ext-rw", "ext-r", "outside"], default="ext-rw")
    parser.add_argument("input", type=Path)
    parser.add_argument("output", type=Path)
    args = parser.parse_args(argv)
    try:
        made = make_tail_dynamic(args.input.read_bytes(), args.place)
        args.output.write_bytes(made)
        args.output.chmod(0o755)
    except (OSError, Unsuitable) as e:
        print(f"make_tail_dynamic: {args.input}: {e}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
