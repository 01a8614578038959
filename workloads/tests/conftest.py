"""The fixtures of corpus_world.py, for every test here."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path[0:0] = [str(Path(__file__).resolve().parents[2] / room) for room in ("common", "tracer", "workloads", "reports")]

from corpus_world import shared_cache, world  # noqa: E402, F401
