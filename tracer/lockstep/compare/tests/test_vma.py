"""Boundaries of the emulator's map are classified by what kept neighbours apart."""

from __future__ import annotations

from lockstep.compare.vma import classify, direction, parse_maps

FILE = "00:01 77                       /memfd:memory (deleted)"


def maps(*rows: tuple[int, int, str, int]) -> str:
    return "".join(f"{a:x}-{b:x} {perms} {off:x} {FILE}\n" for a, b, perms, off in rows)


def test_offsets_that_fall_as_addresses_rise() -> None:
    vmas = parse_maps(maps((0x1000, 0x2000, "rw-s", 0x9000), (0x2000, 0x3000, "rw-s", 0x5000), (0x3000, 0x4000, "rw-s", 0x1000)))
    assert classify(vmas) == {"offset_falls": 2, "gap": 0, "permission": 0, "other": 0}
    assert "against" in direction(vmas)


def test_gap_permission_and_other() -> None:
    vmas = parse_maps(
        maps(
            (0x1000, 0x2000, "rw-s", 0x0),
            (0x2000, 0x3000, "rw-s", 0x8000),
            (0x3000, 0x4000, "r--s", 0x9000),
            (0x9000, 0xA000, "r--s", 0xA000),
        )
    )
    assert classify(vmas) == {"offset_falls": 0, "gap": 1, "permission": 1, "other": 1}


def test_lines_that_are_no_maps_are_passed_over() -> None:
    assert parse_maps("rubbish\n\nffff-zz rw-p\n") == []
    assert direction([]) == "offsets follow addresses"
