"""From what `lockstep compare` measured to findings: candidates for a cause, and symptoms that stand where no cause was found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lockstep.compare.differences import Comparison, Process
from lockstep.compare.finding import Finding, fingerprint
from lockstep.compare.habits import habit_keys
from lockstep.compare.outcome import Departure


def from_difference(d: dict[str, Any]) -> Finding:
    """One lockstep.difference/1 line as a finding; its evidence as INTERFACE has it."""
    process = d.get("process") or {}
    if d["kind"] == "elf-page":
        evidence = {k: d.get(k) for k in ("file", "segment", "address", "size", "file_offset", "covers", "native", "target", "interp")}
        summary = (
            f"{base(d['file'])}: {d['size']} bytes at {d['address']} are not as Linux makes them at exec{covering(d.get('covers') or [])}"
        )
    else:
        evidence = {
            "process": process.get("image"),
            "thread": process.get("tid"),
            "call": d.get("call"),
            "args": d.get("args"),
            "native": d.get("native"),
            "target": d.get("target"),
            "site": d.get("site"),
            "last_common": (d.get("last_common") or {}).get("text"),
            "fields": d.get("fields"),
            "count": d.get("count"),
        }
        summary = call_summary(d)
    k, n = d.get("reproduced") or (1, 1)
    return Finding(
        kind=d["kind"],
        summary=summary,
        evidence={k: v for k, v in evidence.items() if v is not None},
        fingerprint=d["fingerprint"],
        reproduced=(int(k), int(n)),
        habit_keys=habit_keys(d),
        inject_native=tuple(d.get("inject_native") or ()),
        inject_target=tuple(d.get("inject_target") or ()),
        process=(process["key"], int(process["ord"])) if process.get("key") else None,
        group=bool(d.get("group")),
        target_seq=d.get("target_seq"),
    )


def base(path: object) -> str:
    return str(path).rsplit("/", 1)[-1]


def covering(covers: Sequence[str]) -> str:
    return f"; they hold {', '.join(covers)}" if covers else "; nothing that the file names lies there"


def call_summary(d: dict[str, Any]) -> str:
    image = base((d.get("process") or {}).get("image") or "?")
    call = f"{d.get('call')}({d.get('args') or ''})"
    call = call if len(call) <= 120 else call[:119] + "…)"
    native, target = d.get("native"), d.get("target")
    if d["kind"] == "call-extra":
        return f"{image}: the target makes {d.get('count', 1)} call(s) that native does not, first {call}"
    if d["kind"] == "call-missing":
        return f"{image}: the target does not make {d.get('count', 1)} call(s) of native, first {call}"
    if d["kind"] == "signal":
        return f"{image}: {d.get('text') or 'a signal that native does not get'}"
    fields = f" (differs in {', '.join(d['fields'])})" if d.get("fields") else ""
    return f"{image}: {call} gives {value_text(target)} on the target, {value_text(native)} natively{fields}"


def value_text(v: dict[str, Any] | None) -> str:
    if not v:
        return "nothing"
    return str(v.get("errno") or v.get("short") or v.get("ret"))


def symptoms(
    departed: Sequence[Departure], chain: Sequence[Process], processes: Sequence[Process], reproduced: tuple[int, int]
) -> list[Finding]:
    """A finding each for how it ended: a crash with its place and stack, a hang with the stacks of every process, output, files."""
    out: list[Finding] = []
    for p in chain:
        crash = p.data.get("crash")
        f = crash_finding(p, crash, reproduced) if crash else None
        if f and all(f.fingerprint != g.fingerprint for g in out):
            out.append(f)
    for d in departed:
        if d.kind == "crash" and out:
            continue
        evidence: dict[str, Any] = {"what": d.what, "native": d.native, "target": d.target}
        if d.kind == "hang":
            evidence["stacks"] = stacks(processes)
        out.append(Finding(d.kind, d.text, evidence, fingerprint(d.kind, d.what, d.target if d.kind != "output" else ""), reproduced))
    return out


def stacks(processes: Sequence[Process]) -> list[dict[str, Any]]:
    """Where every task of a run stood when its time was over."""
    return [
        {"process": p.image, "argv": p.data.get("argv"), "tid": p.data.get("tid"), **p.data["stack"]}
        for p in processes
        if p.data.get("stack")
    ]


def crash_finding(p: Process, crash: dict[str, Any], reproduced: tuple[int, int]) -> Finding:
    at = crash.get("at") or "?"
    return Finding(
        kind="crash",
        summary=f"{base(p.image)} dies of {crash.get('signal')} at {at}"
        + (f", address {crash['address']}" if crash.get("address") else ""),
        evidence={"process": p.image, **crash},
        fingerprint=fingerprint("crash", base(p.image), crash.get("signal"), at),
        reproduced=reproduced,
        process=p.ident,
        target_seq=p.end_seq,
    )


def candidates(comparison: Comparison) -> list[Finding]:
    return [from_difference(d) for d in comparison.differences]
