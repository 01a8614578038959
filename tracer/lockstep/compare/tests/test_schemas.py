"""Every object that is promised to others has its schema, and fits it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from lockstep.compare import habits, vma
from lockstep.compare.finding import Finding, Proof, fingerprint, numbered
from lockstep.compare.outcome import Run

SCHEMAS = Path(__file__).resolve().parents[4] / "docs" / "schemas"


def check(name: str, value: dict[str, Any]) -> None:
    Draft202012Validator(json.loads((SCHEMAS / f"{name}.json").read_text())).validate(value)


@pytest.mark.parametrize("file", sorted(SCHEMAS.glob("*.json")), ids=lambda p: p.stem)
def test_schemas_are_schemas(file: Path) -> None:
    Draft202012Validator.check_schema(json.loads(file.read_text()))


def test_findings_fit() -> None:
    f = Finding("errno", "s", {"call": "openat"}, fingerprint("x"), proof=Proof(True, None, "how"))
    for g in numbered([f, replace(f, habit=True)]):
        check("finding", g.to_json())


def test_habits_and_curves_fit(tmp_path: Path) -> None:
    check("habits", habits.Habits("runsc", "1", {"k": ["true"]}, 3, 2.5).to_json())
    run = Run(tmp_path, {"status": "exited", "exit": 0, "signal": None, "host_vma": {"peak": 3, "limit": 65530, "samples": [[0, 3]]}})
    check("vma", vma.curves([("native", run), ("target", run)], {run.name: [[0, 1]]}))
