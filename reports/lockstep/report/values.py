"""JSON of bundles as typed values. What a bundle holds came from traced programs: nothing in it is taken on trust.

Every function gives a harmless value where the JSON has another type than expected, and never raises.
"""

from __future__ import annotations

import math
import re
from typing import Any

TEXT_LIMIT = 4000
_HIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


def _escape(match: re.Match[str]) -> str:
    code = ord(match.group())
    if 0xDC80 <= code <= 0xDCFF:  # a byte that was not UTF-8 (surrogateescape)
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def printable(value: str) -> str:
    """Control characters, characters that turn the direction of text, and bytes that are not UTF-8, made visible."""
    return _HIDDEN.sub(_escape, value)


def text(value: object, default: str = "", limit: int = TEXT_LIMIT) -> str:
    """A string that can be shown; numbers and truth values as their words."""
    if isinstance(value, str):
        out = value
    elif isinstance(value, bool | int | float):
        out = str(value)
    else:
        return default
    return printable(out if len(out) <= limit else out[:limit] + "…")


def number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        out = float(value)
    except OverflowError:
        return None
    return out if math.isfinite(out) else None


def integer(value: object) -> int | None:
    found = number(value)
    return None if found is None else int(found)


def hexadecimal(value: object) -> int | None:
    """An address: a number, or text such as 0x4041a0."""
    if isinstance(value, str):
        try:
            found = int(value, 16 if value[:2].lower() == "0x" else 10)
        except ValueError:
            return None
        return found if 0 <= found < 1 << 64 else None
    found_number = integer(value)
    return found_number if found_number is not None and found_number >= 0 else None


def hex_bytes(value: object) -> bytes:
    if not isinstance(value, str):
        return b""
    try:
        return bytes.fromhex(value)
    except ValueError:
        return b""


def truth(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def items(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def texts(value: object) -> tuple[str, ...]:
    return tuple(text(v) for v in items(value))
