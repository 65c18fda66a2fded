"""Waiting so that Ctrl-C and `close()` are noticed.

The C library goes on waiting when a signal comes. So a wait is cut into slices: between two of them the interpreter runs signal
handlers, which may raise, and a handle that was closed by another thread is found closed. What an untroubled wait pays is one
look around in each slice.
"""

from __future__ import annotations

import threading
import time
from typing import Callable, List, Optional, TypeVar

from ._binding import lib

#: How long the first slice of a wait is, in nanoseconds.
SLICE = 50_000_000

#: What says that a slice is over, and not more.
_PATIENT = frozenset((lib.TWINRING_TIMEOUT, lib.TWINRING_EMPTY, lib.TWINRING_FULL))

#: Nobody waits longer in one piece, in seconds, so that what was given up ends some day.
_LONG = 60.0

T = TypeVar("T")


def nanoseconds(timeout: float) -> int:
    """Seconds as the C library takes them."""
    if not timeout >= 0:
        raise ValueError(f"expected a timeout in seconds that is not negative, or None, got {timeout!r}")
    return int(min(timeout, 1e9) * 1_000_000_000)


class Slices:
    """The slices of one wait, each twice as long as the one before: what cannot be done in a short one is done in a later one."""

    __slots__ = ("_deadline", "_slice")

    def __init__(self, timeout: Optional[float]) -> None:
        self._deadline = None if timeout is None else time.monotonic_ns() + nanoseconds(timeout)
        self._slice = SLICE

    def next(self) -> int:
        """The next slice in nanoseconds: 0 once the time is over."""
        this = self._slice
        self._slice = min(2 * this, 10 * SLICE)
        if self._deadline is None:
            return this
        return max(0, min(this, self._deadline - time.monotonic_ns()))

    def over(self) -> bool:
        """Whether the time is over."""
        return self._deadline is not None and time.monotonic_ns() >= self._deadline


def in_slices(attempt: Callable[[int], int], timeout: Optional[float]) -> int:
    """Has `attempt` wait for so many nanoseconds, again and again until it is done or the time is over: its last code."""
    slices = Slices(timeout)
    while True:
        status = attempt(slices.next())
        if status not in _PATIENT or slices.over():
            return status


def aside(work: Callable[[], T]) -> T:
    """Does what cannot be cut into slices on another thread, if this one is to notice signals.

    If it is interrupted, that thread ends by its own timeout, and what it made is closed.
    """
    if threading.current_thread() is not threading.main_thread():
        return work()
    made: List[T] = []
    failed: List[BaseException] = []
    done = threading.Event()

    def run() -> None:
        try:
            made.append(work())
        except BaseException as error:  # pylint: disable=broad-except
            failed.append(error)
        finally:
            done.set()

    threading.Thread(target=run, name="twinring-aside", daemon=True).start()
    done.wait()
    if failed:
        # A traceback refers to its frame, and that to the error.
        raise failed.pop()
    return made.pop()


def patiently(attempt: Callable[[int], int], timeout: Optional[float], given_up: threading.Event) -> int:
    """Waits in long pieces, so that what nobody wants any more ends: its last code."""
    deadline = None if timeout is None else time.monotonic() + timeout
    while True:
        left = _LONG if deadline is None else max(0.0, deadline - time.monotonic())
        status = attempt(nanoseconds(min(left, _LONG)))
        over = left <= _LONG and deadline is not None
        if over or given_up.is_set() or status not in (lib.TWINRING_TIMEOUT, lib.TWINRING_ABSENT):
            return status
