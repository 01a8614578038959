"""Strict reading of TOML tables: an unknown key or a wrong type is an error that names file, line and key."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lockstep.base.errors import UsageError

FILE_LIMIT = 1 << 20
SIZE = re.compile(r"(\d+)([KMGT]?)")
UNITS = {"": 0, "K": 10, "M": 20, "G": 30, "T": 40}


class Table:
    """One table of a TOML file. Every key that is asked for is known; `finish` refuses the rest."""

    def __init__(self, file: Path, values: dict[str, Any], text: str, name: str = "") -> None:
        self.file, self.values, self.text, self.name = file, values, text, name
        self.asked: set[str] = set()

    def _line(self, key: str) -> int:
        """Where `key` stands, for the message; the first line where it cannot be told."""
        section = ""
        for number, line in enumerate(self.text.splitlines(), 1):
            header = re.match(r"\s*\[([^\[\]]+)\]", line)
            if header:
                section = header[1].strip()
            elif section == self.name and re.match(rf"""\s*["']?{re.escape(key)}["']?\s*[.=]""", line):
                return number
        return 1

    def error(self, key: str, what: str) -> UsageError:
        full = f"{self.name}.{key}" if self.name else key
        return UsageError(f"{self.file}:{self._line(key)}: {full}: {what}")

    def _get(self, key: str, kinds: tuple[type, ...], wants: str) -> Any:
        self.asked.add(key)
        value = self.values.get(key)
        if value is None:
            return None
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            raise self.error(key, f"must be {wants}, not {type_name(value)}")
        return value

    def string(self, key: str) -> str | None:
        value: str | None = self._get(key, (str,), "text")
        if value is not None and ("\0" in value or not value):
            raise self.error(key, "must be text of at least one character, without NUL")
        return value

    def number(self, key: str, low: float, high: float) -> float | None:
        value: float | None = self._get(key, (int, float), "a number")
        if value is not None and not low <= value <= high:
            raise self.error(key, f"must be from {low:g} to {high:g}, not {value:g}")
        return value

    def integer(self, key: str, low: int, high: int) -> int | None:
        value: int | None = self._get(key, (int,), "a whole number")
        if value is not None and not low <= value <= high:
            raise self.error(key, f"must be from {low} to {high}, not {value}")
        return value

    def size(self, key: str) -> int | None:
        text = self.string(key)
        if text is None:
            return None
        try:
            return parse_size(text)
        except ValueError as e:
            raise self.error(key, str(e)) from e

    def strings(self, key: str) -> tuple[str, ...] | None:
        value = self._get(key, (list,), "a list of texts")
        if value is None:
            return None
        for item in value:
            if not isinstance(item, str) or "\0" in item:
                raise self.error(key, f"must be a list of texts; {item!r} is not one")
        return tuple(value)

    def table(self, key: str) -> Table:
        value = self._get(key, (dict,), "a table")
        return Table(self.file, value or {}, self.text, f"{self.name}.{key}" if self.name else key)

    def finish(self) -> None:
        for key in self.values:
            if key not in self.asked:
                near = difflib.get_close_matches(key, self.asked, 1)
                hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(sorted(self.asked))}"
                raise self.error(key, f"unknown key; {hint}")


def parse_size(text: str) -> int:
    """Bytes of "512M"; ValueError says what is wrong with the text."""
    match = SIZE.fullmatch(text)
    value = int(match[1]) << UNITS[match[2]] if match and len(match[1]) < 16 else 0
    if not 0 < value < 1 << 50:
        raise ValueError(f"must be a size such as 512M or 2G, not {text!r}")
    return value


def type_name(value: object) -> str:
    names = {bool: "true or false", int: "a whole number", float: "a number", str: "text", list: "a list", dict: "a table"}
    return names.get(type(value), type(value).__name__)


def read_table(file: Path) -> Table:
    """UsageError with file and line for whatever is not readable, not UTF-8 or not TOML."""
    try:
        with file.open("rb") as f:
            raw = f.read(FILE_LIMIT + 1)
    except OSError as e:
        raise UsageError(f"{file}: cannot be read: {e.strerror}") from e
    if len(raw) > FILE_LIMIT:
        raise UsageError(f"{file}: longer than {FILE_LIMIT >> 20} MiB: not a manifest")
    try:
        text = raw.decode()
        return Table(file, tomllib.loads(text), text)
    except UnicodeDecodeError as e:
        line = raw[: e.start].count(b"\n") + 1
        raise UsageError(f"{file}:{line}: not UTF-8; save it as UTF-8") from e
    except tomllib.TOMLDecodeError as e:
        where = re.search(r"\(at line (\d+)", str(e))
        raise UsageError(f"{file}:{where[1] if where else 1}: not TOML: {e}") from e
    except RecursionError as e:
        raise UsageError(f"{file}:1: nested too deeply to be a manifest") from e


def names_text(names: Iterable[str], limit: int = 6) -> str:
    """A few names for a message."""
    listed = sorted(names)
    return ", ".join(listed[:limit]) + (f" and {len(listed) - limit} more" if len(listed) > limit else "")
