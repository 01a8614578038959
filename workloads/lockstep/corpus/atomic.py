"""Files that are there whole or not at all."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from pathlib import Path

from lockstep.base.errors import HarnessError


def temp_name(path: Path) -> Path:
    return path.parent / f".tmp-{path.name}-{os.getpid()}-{secrets.token_hex(4)}"


def write_text(path: Path, text: str) -> None:
    """Written beside, synced, renamed; HarnessError says which file when the disk is full."""
    temp = temp_name(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temp.open("w", encoding="utf-8", errors="surrogateescape") as f:
            f.write(text)
            f.flush()
            os.fsync(f.fileno())
        temp.rename(path)
    except OSError as e:
        temp.unlink(missing_ok=True)
        raise HarnessError(f"{path}: cannot be written: {e.strerror}") from e


def write_json(path: Path, value: object) -> None:
    write_text(path, json.dumps(value, indent=1, ensure_ascii=True) + "\n")


def remove_tree(path: Path) -> None:
    """Gone, whatever it was; what cannot be removed stays under its .tmp- name."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
