"""Errors as users read them, with the exit status that each means (INTERFACE, Exit status)."""

from __future__ import annotations

OK = 0
FOUND = 1
USAGE = 2
BROKE = 3


class LockstepError(Exception):
    """What was wrong, where, and what to do, in one sentence."""

    status = BROKE


class UsageError(LockstepError):
    """Wrong use or bad input."""

    status = USAGE


class HarnessError(LockstepError):
    """The harness or the target itself broke: there is no verdict."""

    status = BROKE
