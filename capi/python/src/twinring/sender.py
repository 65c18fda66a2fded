"""The end that sends."""

from __future__ import annotations

from typing import Any, Optional

from . import counting
from ._binding import ffi, lib
from .errors import BadArgument, BadState, check
from .handle import Handle
from .waiting import SLICE, Slices, aside, nanoseconds

_OK = lib.TWINRING_OK
_TIMEOUT = lib.TWINRING_TIMEOUT


def as_bytes(data: Any) -> Any:
    """What C may read: bytes as they are, and whatever else lends its memory."""
    return data if type(data) is bytes else ffi.from_buffer(data)


class Sender(Handle):
    """The end that sends. Any thread may use it; they take turns. Closing it says that nothing will follow."""

    def __init__(self, pointer: Any) -> None:
        super().__init__(pointer, lib.twinring_sender_close)

    def send(self, data: Any, timeout: Optional[float] = None) -> None:
        """Sends the bytes of any object that lends its memory (bytes, bytearray, memoryview, array, ...) as one message.

        Waits for room for `timeout` seconds, or as long as it takes if that is None. The memory may be used again at once.
        Raises `Timeout`, `TooLarge` or an `Ended`: then nothing was sent.
        """
        data = as_bytes(data)
        length = len(data)
        first = SLICE if timeout is None else min(SLICE, nanoseconds(timeout))
        with self._lock:
            status = lib.twinring_send_timeout(self._open(), data, length, first)
            if status == _OK:
                return
            if status != _TIMEOUT:
                check(status)
        self._send_patiently(data, length, timeout, first)

    def _send_patiently(self, data: Any, length: int, timeout: Optional[float], waited: int) -> None:
        slices = Slices(None if timeout is None else max(0.0, timeout - waited / 1e9))
        while True:
            with self._lock:
                status = lib.twinring_send_timeout(self._open(), data, length, slices.next())
                if status != _TIMEOUT or slices.over():
                    return check(status)

    def try_send(self, data: Any) -> bool:
        """Sends if there is room now; whether it was sent. Never blocks."""
        data = as_bytes(data)
        with self._lock:
            status = lib.twinring_try_send(self._open(), data, len(data))
            if status == lib.TWINRING_FULL:
                return False
            check(status)
        return True

    def reserve(self, length: int, timeout: Optional[float] = None) -> "Reservation":
        """Room for a message of `length` bytes, to be written in place::

            with sender.reserve(5) as room:
                room[:] = b"hello"

        It is sent at the end of the block, unless that raises: then nothing is.
        """
        slices = Slices(timeout)
        pointer = ffi.new("void **")
        while True:
            with self._lock:
                handle = self._open()
                status = lib.twinring_reserve_timeout(handle, length, slices.next(), pointer)
                if status != _TIMEOUT or slices.over():
                    check(status)
                    return Reservation(self, handle, pointer[0], length)

    @property
    def largest(self) -> int:
        """The largest message in bytes."""
        found = ffi.new("size_t *")
        with self._lock:
            check(lib.twinring_sender_largest(self._open(), found))
        return found[0]

    def counters(self) -> counting.SenderCounters:
        """What it has counted since it was made."""
        with self._lock:
            return counting.of_sender(self._open())

    def finish(self) -> None:
        """Says that nothing will follow, and waits until the peer has received everything and closed its receiver.

        The sender is closed afterwards. Raises an `Ended` if the peer died first: nobody knows then how much it received.
        """
        pointer = self._take()
        aside(lambda: check(lib.twinring_finish(pointer)))


class Reservation:
    """Room for one message, in the memory of the ring. Use it in a `with` block, which hands out a writable memoryview.

    The memoryview is released at the end of the block. A view of it that was made in the block and is kept shows memory of this
    side's ring, which stays mapped as long as the view lives: to write to it would change messages that were sent.
    """

    def __init__(self, sender: Sender, handle: Any, pointer: Any, length: int) -> None:
        self._sender = sender
        self._handle = handle
        self._length = length
        self._commits = length

        def keep(_: Any, _kept: Any = handle) -> None:
            """The sender's memory stays as long as a view of it does."""

        self._room: Any = memoryview(ffi.buffer(ffi.gc(ffi.cast("char *", pointer), keep), length))

    def shorten(self, length: int) -> None:
        """Only the first `length` bytes will be sent."""
        if not 0 <= length <= self._length:
            raise BadArgument(f"expected a length of at most the {self._length} bytes reserved, got {length}")
        self._commits = length

    def abandon(self) -> None:
        """Gives it up: nothing is sent. Twice is nothing."""
        if self._handle is not None:
            self._finish(lib.twinring_abandon)

    def __enter__(self) -> memoryview:
        if self._handle is None:
            raise BadState("the reservation was used already")
        return self._room

    def __exit__(self, kind: Any, *_: object) -> None:
        if self._handle is None:
            return
        if kind is not None:
            self._finish(lib.twinring_abandon)
        else:
            self._finish(lambda handle: lib.twinring_commit(handle, self._commits))

    def __del__(self) -> None:
        if getattr(self, "_handle", None) is not None:
            self.abandon()

    def _finish(self, how: Any) -> None:
        handle, self._handle = self._handle, None
        room, self._room = self._room, None
        try:
            room.release()
        except BufferError:
            with self._sender._lock:
                lib.twinring_abandon(handle)
            raise
        with self._sender._lock:
            check(how(handle))
