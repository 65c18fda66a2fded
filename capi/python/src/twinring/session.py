"""Calls both ways and events."""

from __future__ import annotations

import atexit
import weakref
from typing import Any, List, Optional

from . import counting
from ._binding import ffi, lib
from .connection import Connection
from .errors import BadState, Closed, check, last_of_call
from .handlers import Handlers, raise_interruption
from .options import Peer
from .sender import as_bytes
from .waiting import SLICE, Slices, in_slices, nanoseconds

_OK = lib.TWINRING_OK
_TIMEOUT = lib.TWINRING_TIMEOUT

_sessions: "weakref.WeakSet[Session]" = weakref.WeakSet()


class Session:
    """A connection on which both sides call, answer and send events. Any number of threads may use it at a time.

    It takes the connection over; the other side must make its own a session, too. `handlers` answer the other side: on threads
    of the library, or on those that call and serve, so possibly several at once. `workers` is how many threads run them; with
    none, the thread that receives a request runs its handler. Handlers that call back, on a session that several threads of
    both sides use, want workers. Without a `listener` thread somebody must call, serve or dispatch.

    Times are in seconds; what is None is as the library has it. A session holds threads and lasts until `close()`.
    """

    def __init__(
        self,
        connection: Connection,
        handlers: Optional[Handlers] = None,
        *,
        workers: int = 0,
        listener: bool = True,
        call_timeout: Optional[float] = None,
        calls_in_flight: Optional[int] = None,
        largest_message: Optional[int] = None,
        open_messages: Optional[int] = None,
        nesting: Optional[int] = None,
        reply_timeout: Optional[float] = None,
        wait_for_turn: bool = True,
    ) -> None:
        self._call_timeout = None if call_timeout is None else nanoseconds(call_timeout) / 1e9
        options = ffi.gc(lib.twinring_session_options_new(), lib.twinring_session_options_free)
        check(lib.twinring_session_options_workers(options, workers))
        check(lib.twinring_session_options_listener(options, listener))
        check(lib.twinring_session_options_wait_for_turn(options, wait_for_turn))
        if calls_in_flight is not None:
            check(lib.twinring_session_options_calls_in_flight(options, calls_in_flight))
        if largest_message is not None:
            check(lib.twinring_session_options_largest_message(options, largest_message))
        if open_messages is not None:
            check(lib.twinring_session_options_open_messages(options, open_messages))
        if nesting is not None:
            check(lib.twinring_session_options_nesting(options, nesting))
        if reply_timeout is not None:
            check(lib.twinring_session_options_reply_timeout(options, nanoseconds(reply_timeout)))
        self._pointer: Any = _made(connection, options, handlers)
        self._answers: List[Any] = []
        _sessions.add(self)

    def _open(self) -> Any:
        pointer = self._pointer
        if pointer is None:
            raise Closed("this side has closed the session")
        return pointer

    def call(self, selector: int, data: Any = b"", timeout: Optional[float] = None) -> bytes:
        """Calls the other side and waits for the reply, for `timeout` seconds; if that is None, for the session's `call_timeout`.

        Handlers may run on this thread meanwhile. `outcome` of what it raises says what is known of the request.
        """
        data = as_bytes(data)
        if timeout is None:
            timeout = self._call_timeout
        answer = self._spare()
        try:
            first = SLICE if timeout is None else min(SLICE, nanoseconds(timeout))
            status = lib.twinring_python_ask(self._open(), selector, data, len(data), first, answer)
            if status == _TIMEOUT:
                left = None if timeout is None else max(0.0, timeout - first / 1e9)
                status = self._ask_patiently(selector, data, answer, Slices(left))
            raise_interruption()
            if status:
                raise last_of_call(status)
            return bytes(ffi.buffer(answer.data, answer.length))
        finally:
            if answer.pending:
                _give_up(answer)
            self._answers.append(answer)

    def _spare(self) -> Any:
        """Room for a reply, used before if possible."""
        try:
            return self._answers.pop()
        except IndexError:
            return _answer()

    def _ask_patiently(self, selector: int, data: Any, answer: Any, slices: Slices) -> int:
        while True:
            raise_interruption()
            slice_ns = slices.next()
            if not answer.pending:
                status = lib.twinring_python_ask(self._open(), selector, data, len(data), slice_ns, answer)
            elif slice_ns == 0:
                return lib.twinring_python_take(answer, 0)
            else:
                self._open()
                status = lib.twinring_python_await(answer, slice_ns)
            if status != _TIMEOUT or (slices.over() and not answer.pending):
                return status

    def begin(self, selector: int, data: Any = b"", timeout: Optional[float] = None) -> "PendingCall":
        """Sends a request and does not wait for the reply. `timeout` is how long it may wait for its turn and for room."""
        data = as_bytes(data)
        answer = _answer()
        pending = ffi.new("twinring_pending **")

        def attempt(slice_ns: int) -> int:
            status = lib.twinring_begin_timeout(self._open(), selector, data, len(data), slice_ns, pending)
            raise_interruption()
            return status

        status = in_slices(attempt, self._call_timeout if timeout is None else timeout)
        if status:
            raise last_of_call(status)
        answer.pending = pending[0]
        return PendingCall(answer, self._call_timeout)

    def notify(self, selector: int, data: Any = b"", timeout: Optional[float] = None) -> None:
        """Sends an event, waiting for room for `timeout` seconds, or as long as it takes if that is None."""
        data = as_bytes(data)
        check(
            in_slices(lambda slice_ns: lib.twinring_notify(self._open(), selector, data, len(data), slice_ns), timeout)
        )
        raise_interruption()

    def serve(self, timeout: Optional[float] = None) -> None:
        """Returns when the other side has left in order; raises the end that it met otherwise, or `Timeout`.

        Until then this thread handles what comes if there is no listener, or only waits.
        """

        def attempt(slice_ns: int) -> int:
            status = lib.twinring_serve_timeout(self._open(), slice_ns)
            raise_interruption()
            return status

        check(in_slices(attempt, timeout))

    def dispatch(self) -> int:
        """Handles what has come, without waiting: how many messages."""
        handled = ffi.new("size_t *")
        status = lib.twinring_dispatch(self._open(), handled)
        raise_interruption()
        check(status)
        return handled[0]

    def fileno(self) -> int:
        """The descriptor for a poll loop that drives a session without a listener: once readable, `dispatch()`."""
        found = ffi.new("int32_t *")
        check(lib.twinring_session_fd(self._open(), found))
        return found[0]

    @property
    def peer(self) -> Peer:
        """Who is at the other end, by the kernel's word."""
        found = ffi.new("twinring_peer *")
        check(lib.twinring_session_peer(self._open(), found))
        return Peer(found.pid, found.uid, found.gid)

    def counters(self) -> counting.SessionCounters:
        """What this side has counted."""
        return counting.of_session(self._open())

    @property
    def closed(self) -> bool:
        """Whether this side has closed it."""
        return self._pointer is None

    def close(self) -> None:
        """Leaves in order, as soon as no other thread uses it; returns then when its handlers have ended. Twice is nothing."""
        self._pointer = None

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class PendingCall:
    """A call whose reply is still to be taken, by one thread. Who drops it gives the call up."""

    def __init__(self, answer: Any, call_timeout: Optional[float]) -> None:
        self._answer = answer
        self._call_timeout = call_timeout

    def _pending(self) -> Any:
        if not self._answer.pending:
            raise BadState("the call was waited for or given up already")
        return self._answer.pending

    def answered(self) -> bool:
        """Whether the reply has come, so that `wait()` will not block."""
        return bool(lib.twinring_pending_answered(self._pending()))

    def wait(self, timeout: Optional[float] = None) -> bytes:
        """Waits for the reply as `Session.call` does; when the time is over, the call is given up."""
        slices = Slices(self._call_timeout if timeout is None else timeout)
        while True:
            self._pending()
            slice_ns = slices.next()
            step = lib.twinring_python_await if slice_ns else lib.twinring_python_take
            status = step(self._answer, slice_ns)
            raise_interruption()
            if status == _OK:
                return bytes(ffi.buffer(self._answer.data, self._answer.length))
            if status != _TIMEOUT or not self._answer.pending:
                raise last_of_call(status)

    def cancel(self) -> None:
        """Gives it up: the reply will be dropped when it comes. Twice is nothing."""
        if self._answer.pending:
            _give_up(self._answer)

    def __del__(self) -> None:
        self.cancel()


def _made(connection: Connection, options: Any, handlers: Optional[Handlers]) -> Any:
    handle = ffi.NULL if handlers is None else ffi.new_handle(handlers)
    callbacks = (ffi.NULL, ffi.NULL)
    if handlers is not None:
        callbacks = (lib.twinring_python_on_call, lib.twinring_python_on_event)
    session = ffi.new("twinring_session **")
    check(lib.twinring_session_new(connection._take(), options, *callbacks, handle, session))

    def close(pointer: Any, _kept: Any = handle) -> None:
        """Handlers must be there until no thread runs them any more."""
        lib.twinring_session_close(pointer)

    return ffi.gc(session[0], close)


def _answer() -> Any:
    answer = ffi.new("twinring_python_answer *")
    reply = lib.twinring_reply_new()
    if not reply:
        raise MemoryError("no memory for a reply")
    answer.reply = reply

    def free(answer: Any) -> None:
        lib.twinring_pending_cancel(answer.pending)
        lib.twinring_reply_free(answer.reply)

    return ffi.gc(answer, free)


def _give_up(answer: Any) -> None:
    pending, answer.pending = answer.pending, ffi.NULL
    lib.twinring_pending_cancel(pending)


def _close_all() -> None:
    """Before the interpreter goes: the library's threads must not call into one that is gone."""
    for session in list(_sessions):
        session.close()


atexit.register(_close_all)
