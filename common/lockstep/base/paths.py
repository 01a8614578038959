"""Where results and caches stand (INTERFACE, Environment)."""

from __future__ import annotations

import os
from pathlib import Path


def _folder(variable: str, default: str) -> Path:
    value = os.environ.get(variable)
    return Path(value) if value else Path(os.environ.get("HOME") or "/root") / default


def home_dir() -> Path:
    """LOCKSTEP_HOME: results."""
    return _folder("LOCKSTEP_HOME", ".local/share/lockstep")


def cache_dir() -> Path:
    """LOCKSTEP_CACHE: environments, learnt habits."""
    return _folder("LOCKSTEP_CACHE", ".cache/lockstep")
