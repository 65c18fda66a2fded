"""A handle of the C library that one thread uses at a time."""

from __future__ import annotations

import os
import threading
import weakref
from typing import Any, Callable

from ._binding import ffi
from .errors import Closed

_handles: "weakref.WeakSet[Handle]" = weakref.WeakSet()


class Handle:
    """Owns a C handle, which is closed when nobody uses it any more.

    A C compiler cannot stop two threads from using one handle at once, and neither can Python: a lock does. It may be taken
    again by its own thread, for a signal handler that runs between two steps.
    """

    def __init__(self, pointer: Any, close: Callable[[Any], None]) -> None:
        #: Who runs in C holds a reference of its own, so `close()` closes nothing under it.
        self._pointer: Any = ffi.gc(pointer, close)
        self._lock = threading.RLock()
        _handles.add(self)

    def _open(self) -> Any:
        pointer = self._pointer
        if pointer is None:
            raise Closed("this side has closed the handle")
        return pointer

    def _take(self) -> Any:
        """The C handle, to be given to a function that takes it over; this one is closed."""
        with self._lock:
            pointer = self._open()
            self._pointer = None
            ffi.gc(pointer, None)
            return pointer

    @property
    def closed(self) -> bool:
        """Whether this side has closed it."""
        return self._pointer is None

    def close(self) -> None:
        """Closes it, as soon as no other thread uses it; closing twice is nothing. Who waits in another thread gets `Closed`."""
        self._pointer = None

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _unlock() -> None:
    """In a forked child: the threads that held these locks are the parent's."""
    for handle in _handles:
        handle._lock = threading.RLock()


os.register_at_fork(after_in_child=_unlock)
