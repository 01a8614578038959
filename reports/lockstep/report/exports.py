"""The same results for machines: JUnit XML and JSON lines."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from typing import Any

from lockstep.report.load import BadBundle, Bundle, Finding
from lockstep.report.matrix import Matrix, emulated
from lockstep.report.values import integer, mapping, text
from lockstep.report.verdict import behaves, sentence, state_of

RESULT = "lockstep.result/1"
REPORT = "lockstep.report/1"
_NOT_XML = re.compile("[\ufffe\uffff]")


def side(value: object) -> dict[str, Any]:
    d = mapping(value)
    return {
        "status": text(d.get("status")) or None,
        "exit": integer(d.get("exit")),
        "signal": text(d.get("signal")) or None,
        "wall_ns": integer(d.get("wall_ns")),
        "peak_vma": integer(d.get("peak_vma")),
    }


def finding(f: Finding) -> dict[str, Any]:
    return {
        "rank": f.rank,
        "kind": f.kind,
        "summary": f.summary,
        "fingerprint": f.fingerprint,
        "proven": f.proven,
        "reproduced": list(f.reproduced) if f.reproduced else None,
        "repro": f.repro,
    }


def result(b: Bundle, page: str, change: str) -> dict[str, Any]:
    """lockstep.result/1: one workload on one target."""
    return {
        "schema": RESULT,
        "run": b.run,
        "package": b.package,
        "version": b.version or None,
        "workload": b.workload,
        "target": b.target,
        "attempt": b.attempt,
        "state": state_of(b).key,
        "outcome": b.outcome,
        "comparison": b.comparison,
        "change": change or None,
        "time_ratio": b.time_ratio,
        "vma_ratio": b.vma_ratio,
        "native": side(b.data.get("native")),
        "target_result": side(b.data.get("target_result")),
        "findings": [finding(f) for f in b.causes],
        "habits": len(b.habits),
        "harness_error": b.harness_error or None,
        "bundle": text(str(b.path)),
        "page": page,
    }


def results(bundles: Sequence[Bundle], m: Matrix) -> list[dict[str, Any]]:
    words = {(c.workload, c.target): c.word for c in m.changes}
    return [result(b, m.links[b.workload, b.target], words.get((b.workload, b.target), "")) for b in bundles]


def json_lines(values: Sequence[dict[str, Any]]) -> str:
    return "".join(json.dumps(v, ensure_ascii=True) + "\n" for v in values)


def report(m: Matrix, bad: Sequence[BadBundle], index: str) -> dict[str, Any]:
    """lockstep.report/1: the whole, as `lockstep report --json` prints it last."""
    return {
        "schema": REPORT,
        "index": index,
        "run": m.run,
        "targets": [
            {"target": t.target, "headline": t.headline.text, "packages": t.headline.total, "same": t.headline.same, "states": {s.key: n for s, n in t.states}}
            for t in m.targets
        ],
        "differing": sorted({p for t in emulated(m) for s, names in t.headline.names.items() if s not in ("same", "same-fail") for p in names}),
        "changes": [{"change": c.word, "package": c.package, "workload": c.workload, "target": c.target, "before": c.before or None, "now": c.now} for c in m.changes],
        "damaged": [{"bundle": text(str(x.path)), "why": x.why} for x in bad],
    }


def junit(bundles: Sequence[Bundle], bad: Sequence[BadBundle]) -> bytes:
    """A suite a target, a case a workload. What behaves passes; what the harness broke is an error, never a failure."""
    root = ET.Element("testsuites", name="lockstep")
    for target in sorted({b.target for b in bundles}):
        suite = ET.SubElement(root, "testsuite", name=clean(target))
        mine = [b for b in bundles if b.target == target]
        for b in mine:
            case(suite, b)
        count(suite, mine)
    if bad:
        suite = ET.SubElement(root, "testsuite", name="harness", tests=str(len(bad)), failures="0", errors=str(len(bad)), skipped="0")
        for x in bad:
            node = ET.SubElement(suite, "testcase", classname="harness", name=clean(text(str(x.path))))
            ET.SubElement(node, "error", message=clean(x.why))
    ET.indent(root)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def case(suite: ET.Element, b: Bundle) -> None:
    wall = mapping(b.data.get("target_result")).get("wall_ns")
    node = ET.SubElement(suite, "testcase", classname=clean(f"{b.target}.{b.package}"), name=clean(b.workload), time=f"{(integer(wall) or 0) / 1e9:.3f}")
    s = state_of(b)
    if s.key == "harness-error":
        ET.SubElement(node, "error", message=clean(b.harness_error or "no verdict"))
    elif s.tone == "none":
        ET.SubElement(node, "skipped", message=clean(s.label))
    elif not behaves(s):
        failure = ET.SubElement(node, "failure", message=clean(sentence(b)), type=s.key)
        failure.text = clean("\n".join(f"{f.rank}. {f.kind}: {f.summary}" for f in b.causes[:20]))


def count(suite: ET.Element, bundles: Sequence[Bundle]) -> None:
    kinds = [state_of(b) for b in bundles]
    suite.set("tests", str(len(kinds)))
    suite.set("failures", str(sum(s.tone in ("bad", "odd") for s in kinds)))
    suite.set("errors", str(sum(s.key == "harness-error" for s in kinds)))
    suite.set("skipped", str(sum(s.tone == "none" and s.key != "harness-error" for s in kinds)))


def clean(value: str) -> str:
    """XML cannot hold every character that a string can."""
    return _NOT_XML.sub("?", text(value, limit=20_000)).encode("utf-8", "replace").decode()
