"""The answer for people: one screen. Outcome, rank 1 with its evidence and proof, the rest in a line each, how to see it again."""

from __future__ import annotations

import os
import shutil
import textwrap
from collections.abc import Sequence
from typing import Any, TextIO

from lockstep.compare.finding import Finding

REST_SHOWN = 8


class Paint:
    """Colours, only on a terminal and only where nobody asked for none."""

    def __init__(self, out: TextIO, *, off: bool = False) -> None:
        self.on = not off and out.isatty() and "NO_COLOR" not in os.environ
        self.width = min(shutil.get_terminal_size((100, 40)).columns, 120)

    def __call__(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.on else text

    def bold(self, text: str) -> str:
        return self(text, "1")

    def dim(self, text: str) -> str:
        return self(text, "2")

    def red(self, text: str) -> str:
        return self(text, "31")

    def green(self, text: str) -> str:
        return self(text, "32")


def printable(text: str) -> str:
    """Control characters and lone surrogates made visible: output of hostile programs ends on terminals."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)


def proof_words(f: Finding, paint: Paint) -> str:
    mark = {True: paint.green("proven"), False: paint.dim("not proven"), None: paint.dim("not tried")}[f.proof.proven]
    return mark if f.proof.proven is None else f"{mark}: {f.proof.how}"


def evidence_lines(f: Finding) -> list[str]:
    e = f.evidence
    if f.kind == "elf-page":
        return elf_lines(e)
    if f.kind == "vma-growth":
        b = e["boundaries"]
        return [
            f"native {e['native']} mappings, the emulator {e['target']} (x{e['ratio']:g}); at most {e['limit']} a process; {e['direction']}",
            f"boundaries: {b['offset_falls']} offset falls, {b['gap']} gap, {b['permission']} permission, {b['other']} other",
        ]
    out = []
    if e.get("call"):
        out.append(f"process {e.get('process')}" + (f", at {site_text(e['site'])}" if e.get("site") else ""))
        out += [f"{side}  {e[side]['text']}" for side in ("native", "target") if isinstance(e.get(side), dict) and e[side].get("text")]
        if e.get("last_common"):
            out.append(f"last in common  {e['last_common']}")
    for side in ("native", "target"):
        if isinstance(e.get(side), str):
            out.append(f"{side}  {e[side]}")
    out += [f"  {line}" for line in (e.get("backtrace") or [])[:6]]
    return out


def site_text(site: dict[str, Any]) -> str:
    symbol = f" ({site['symbol']})" if site.get("symbol") else ""
    return f"{site.get('file')}+{site.get('offset')}{symbol}"


def elf_lines(e: dict[str, Any]) -> list[str]:
    covers = ", ".join(e.get("covers") or []) or "nothing that the file names"
    return [
        f"{e['file']}: {e['size']} bytes at {e['address']} (file offset {e['file_offset']}, segment {e['segment']}), covering {covers}",
        f"native  {clip(e['native'])}",
        f"target  {clip(e['target'])}",
    ]


def clip(hexadecimal: str, n: int = 48) -> str:
    return hexadecimal if len(hexadecimal) <= n else hexadecimal[:n] + "…"


def wrapped(text: str, paint: Paint, indent: str) -> list[str]:
    return textwrap.wrap(printable(text), paint.width - 1, initial_indent=indent, subsequent_indent=indent + "  ") or [indent]


def render(title: str, outcome: Sequence[str], findings: Sequence[Finding], tail: Sequence[str], paint: Paint) -> str:
    """`outcome`: a line each, how the sides ended; `tail`: commands and places."""
    lines = [paint.bold(printable(title))]
    for line in outcome:
        lines += wrapped(line, paint, "  ")
    real = [f for f in findings if not f.habit]
    habits = [f for f in findings if f.habit]
    if real:
        lines += ["", *first_lines(real[0], paint)]
    if len(real) > 1:
        lines.append("")
        for f in real[1 : 1 + REST_SHOWN]:
            head = f"{f.rank:>3}  {f.kind:<13} {printable(f.summary)}"
            lines.append(head if len(head) <= paint.width else head[: paint.width - 1] + "…")
        if len(real) > 1 + REST_SHOWN:
            lines.append(paint.dim(f"     and {len(real) - 1 - REST_SHOWN} more: --json shows all"))
    if habits:
        kinds = sorted({f.evidence.get("call") or f.kind for f in habits})
        lines += [
            "",
            *wrapped(f"habits of the target, without consequence here: {', '.join(map(str, kinds))} ({len(habits)} in all)", paint, "  "),
        ]
    if not real:
        lines += ["", paint.green("no findings")]
    lines += ["", *(paint.dim(printable(t)) for t in tail)]
    return "\n".join(lines) + "\n"


def first_lines(f: Finding, paint: Paint) -> list[str]:
    lines = wrapped(f"1  {f.kind}: {f.summary}", paint, "")
    lines[0] = paint.bold(lines[0])
    for text in evidence_lines(f):
        lines += wrapped(text, paint, "     ")
    lines += wrapped(proof_words(f, paint), paint, "     ") if not paint.on else ["     " + proof_words(f, paint)]
    k, n = f.reproduced
    lines.append(f"     in {k} of {n} target runs · {f.fingerprint}")
    return lines
