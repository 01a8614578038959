"""orjson: the same text as the standard library's, options, dates, and what it must refuse."""

import dataclasses
import datetime
import json
import random
import uuid

import orjson

random.seed(4)


@dataclasses.dataclass
class Point:
    x: int
    label: str


def value(depth):
    kind = random.randrange(8 if depth else 6)
    if kind == 6:
        return [value(depth - 1) for _ in range(random.randrange(6))]
    if kind == 7:
        return {f"k{i}é": value(depth - 1) for i in range(random.randrange(6))}
    return [None, True, random.randrange(-(2**40), 2**40), random.random() * 1e6, "ünï\n\t\"" * random.randrange(9), ""][kind]


def same():
    total = 0
    for _ in range(3000):
        v = value(4)
        text = orjson.dumps(v)
        assert json.loads(text) == v and orjson.loads(json.dumps(v)) == v
        assert text.decode() == json.dumps(v, separators=(",", ":"), ensure_ascii=False)
        total += len(text)
    print("random", total)


def kinds():
    when = datetime.datetime(2024, 2, 29, 12, 30, 15, tzinfo=datetime.timezone.utc)
    text = orjson.dumps({"b": Point(1, "one"), "a": when, "u": uuid.UUID(int=5)}, option=orjson.OPT_SORT_KEYS)
    assert text == b'{"a":"2024-02-29T12:30:15+00:00","b":{"x":1,"label":"one"},"u":"00000000-0000-0000-0000-000000000005"}', text
    assert orjson.dumps({1, 2} and [1], option=orjson.OPT_INDENT_2) == b"[\n  1\n]"
    assert orjson.dumps({3}, default=list) == b"[3]"
    print("kinds", len(text))


def refused():
    n = 0
    for bad in (b"{", b"[1,]", b"nul", b'"\x80"', b"1e", b"{'a':1}", b"[" * 2000):
        try:
            orjson.loads(bad)
            raise AssertionError(bad)
        except orjson.JSONDecodeError:
            n += 1
    for bad in (object(), 2**70, {1: 2}, "\ud800"):
        try:
            orjson.dumps(bad)
            raise AssertionError(bad)
        except orjson.JSONEncodeError:
            n += 1
    print("refused", n)


same()
kinds()
refused()
