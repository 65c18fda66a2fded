"""The end that receives."""

from __future__ import annotations

from typing import Any, Iterator, Optional

from . import counting
from ._binding import ffi, lib
from .errors import Closed, TooSmall, check, last
from .handle import Handle
from .waiting import SLICE, Slices, nanoseconds

_OK = lib.TWINRING_OK
_TIMEOUT = lib.TWINRING_TIMEOUT
_TOO_SMALL = lib.TWINRING_TOO_SMALL

#: Messages up to this size are copied through a buffer, in one step into C instead of two.
_SMALL = 4096


class Receiver(Handle):
    """The end that receives. Any thread may use it; they take turns, and each message goes to one of them.

    Iterating over it receives one message after the other until the peer has closed its end.

    What is received is a copy. The message itself lies in memory that the peer can write at any time, and Python has no way of
    reading such memory that would hold then: bytes that change are no bytes. So no view of it is handed out.
    """

    def __init__(self, pointer: Any) -> None:
        super().__init__(pointer, lib.twinring_receiver_close)
        self._small = ffi.new(f"char[{_SMALL}]")
        self._length = ffi.new("size_t *")
        self._place = ffi.new("void const **")

    def recv(self, timeout: Optional[float] = None) -> bytes:
        """Waits for a message for `timeout` seconds, or for ever if that is None.

        Raises `Timeout`; `Closed` when the peer has left and everything was received; `Disconnected` if it died.
        """
        first = SLICE if timeout is None else min(SLICE, nanoseconds(timeout))
        with self._lock:
            status = lib.twinring_recv_timeout(self._open(), self._small, _SMALL, first, self._length)
            if status == _OK:
                return ffi.unpack(self._small, self._length[0])
            if status != _TIMEOUT:
                return self._large(status)
        slices = Slices(None if timeout is None else max(0.0, timeout - first / 1e9))
        while True:
            with self._lock:
                status = lib.twinring_recv_timeout(self._open(), self._small, _SMALL, slices.next(), self._length)
                if status == _OK:
                    return ffi.unpack(self._small, self._length[0])
                if status not in (_TIMEOUT, lib.TWINRING_EMPTY) or slices.over():
                    return self._large(status)

    def _large(self, status: int) -> bytes:
        """What did not fit into the buffer, copied once; or why there is nothing."""
        if status != _TOO_SMALL:
            raise last(status)
        handle = self._open()
        check(lib.twinring_borrow(handle, 0, self._place, self._length))
        try:
            return bytes(ffi.buffer(self._place[0], self._length[0]))
        finally:
            lib.twinring_release(handle)

    def try_recv(self) -> Optional[bytes]:
        """A message if one has come, else None. Never blocks."""
        with self._lock:
            status = lib.twinring_try_recv(self._open(), self._small, _SMALL, self._length)
            if status == _OK:
                return ffi.unpack(self._small, self._length[0])
            return None if status == lib.TWINRING_EMPTY else self._large(status)

    def recv_view(self, timeout: Optional[float] = None) -> memoryview:
        """The same as `recv`, as a view, whose slices cost no copies. It is of this process's own copy."""
        return memoryview(self.recv(timeout))

    def recv_into(self, buffer: Any, timeout: Optional[float] = None) -> int:
        """Receives into memory of one's own (bytearray, writable memoryview, array, ...): how many bytes it was.

        If the message is larger, `TooSmall` says how much is `needed`, and the next receive finds it.
        """
        room = ffi.from_buffer(buffer, require_writable=True)
        slices = Slices(timeout)
        while True:
            with self._lock:
                status = lib.twinring_recv_timeout(self._open(), room, len(room), slices.next(), self._length)
                if status == _OK:
                    return self._length[0]
                if status not in (_TIMEOUT, lib.TWINRING_EMPTY) or slices.over():
                    raise self._failed(status)

    def _failed(self, status: int) -> Exception:
        error = last(status)
        if isinstance(error, TooSmall):
            error.needed = self._length[0]
        return error

    def __iter__(self) -> Iterator[bytes]:
        while True:
            try:
                yield self.recv()
            except Closed:
                return

    def fileno(self) -> int:
        """The descriptor to wait for after `arm()`, and for nothing else. It is the receiver's, and is closed with it."""
        found = ffi.new("int32_t *")
        with self._lock:
            check(lib.twinring_receiver_fd(self._open(), found))
        return found[0]

    def arm(self) -> bool:
        """Prepares to wait for the descriptor: whether there is a message or the end already.

        If so, receive, and do not wait. Otherwise the descriptor becomes readable once when there is. Take all there is with
        `try_recv()`, then arm again.
        """
        ready = ffi.new("_Bool *")
        with self._lock:
            check(lib.twinring_receiver_arm(self._open(), ready))
        return bool(ready[0])

    def counters(self) -> counting.ReceiverCounters:
        """What it has counted since it was made."""
        with self._lock:
            return counting.of_receiver(self._open())
