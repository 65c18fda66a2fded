"""What answers the other side's calls and takes its events."""

from __future__ import annotations

import logging
import threading
from typing import Any, Callable, Dict, Optional, TypeVar

from ._binding import ffi, lib
from .errors import BadState, NoSelector, Overloaded, Refused, check, last_of_call
from .sender import as_bytes
from .waiting import nanoseconds

_log = logging.getLogger("twinring")

#: Replies of at least this size are sent from where they lie.
_LARGE = 65_536

#: What a handler that ran on a user's thread raised and must not be swallowed there (Ctrl-C, `sys.exit`), by that thread.
_interruptions: Dict[int, BaseException] = {}


def raise_interruption() -> None:
    """Raises what a handler left for this thread."""
    if _interruptions:
        left = _interruptions.pop(threading.get_ident(), None)
        if left is not None:
            raise left


class Responder:
    """The means to answer one call later, on any thread. Who drops it unused tells the caller that nobody answers."""

    def __init__(self, pointer: Any) -> None:
        self._pointer: Any = ffi.gc(pointer, lib.twinring_responder_drop)
        self._lock = threading.Lock()

    def _take(self) -> Any:
        with self._lock:
            pointer, self._pointer = self._pointer, None
        if pointer is None:
            raise BadState("the call was answered already")
        ffi.gc(pointer, None)
        return pointer

    def reply(self, data: Any = b"") -> None:
        """Sends the reply. If the session has ended, there is nobody to be told."""
        data = as_bytes(data)
        check(lib.twinring_responder_reply(self._take(), data, len(data)))

    def fail(self, reason: str) -> None:
        """Tells the caller that the handler failed, and why."""
        text = _text(reason)
        check(lib.twinring_responder_fail(self._take(), text))


class Request:
    """A call or an event of the other side, while its handler runs."""

    def __init__(self, pointer: Any) -> None:
        self._pointer: Any = pointer
        self._thread = threading.get_ident()
        #: What is called, or what the event is about.
        self.selector: int = lib.twinring_request_selector(pointer)
        #: Its bytes: a copy, to be kept as long as one likes.
        self.payload: bytes = bytes(
            ffi.buffer(lib.twinring_request_data(pointer), lib.twinring_request_length(pointer))
        )

    @property
    def is_event(self) -> bool:
        """Whether it is an event, which is not answered."""
        return bool(lib.twinring_request_is_event(self._open()))

    def _open(self) -> Any:
        if self._pointer is None or self._thread != threading.get_ident():
            raise BadState("a request is its handler's, on its thread, until that returns")
        return self._pointer

    def call(self, selector: int, data: Any = b"", timeout: Optional[float] = None) -> bytes:
        """Calls the other side from within the handler."""
        data = as_bytes(data)
        slice_ns = -1 if timeout is None else nanoseconds(timeout)
        reply = ffi.gc(lib.twinring_reply_new(), lib.twinring_reply_free)
        status = lib.twinring_request_call(self._open(), selector, data, len(data), slice_ns, reply)
        raise_interruption()
        if status:
            raise last_of_call(status)
        return bytes(ffi.buffer(lib.twinring_reply_data(reply), lib.twinring_reply_length(reply)))

    def notify(self, selector: int, data: Any = b"") -> None:
        """Sends the other side an event from within the handler."""
        data = as_bytes(data)
        check(lib.twinring_request_notify(self._open(), selector, data, len(data)))

    def defer(self) -> Responder:
        """Keeps the call to be answered later; what the handler returns is ignored then."""
        pointer = ffi.new("twinring_responder **")
        check(lib.twinring_request_defer(self._open(), pointer))
        return Responder(pointer[0])


#: Returns the reply, None for an empty one. What it raises tells the caller that it failed; `Refused`, `NoSelector` and
#: `Overloaded` tell just that.
OnCall = Callable[[Request], Any]
OnEvent = Callable[[Request], None]
C = TypeVar("C", bound=OnCall)
E = TypeVar("E", bound=OnEvent)


class Handlers:
    """Handlers for selectors::

        handlers = twinring.Handlers()

        @handlers.call(7)
        def twice(request):
            return request.payload * 2

    They may run on several threads at once. A session that was made with them sees what is added later.
    """

    def __init__(self) -> None:
        self._calls: Dict[int, OnCall] = {}
        self._events: Dict[int, OnEvent] = {}
        self._other_calls: Optional[OnCall] = None
        self._other_events: Optional[OnEvent] = None

    def call(self, selector: int) -> Callable[[C], C]:
        """A decorator: what answers calls of this selector."""

        def keep(handler: C) -> C:
            self._calls[selector] = handler
            return handler

        return keep

    def event(self, selector: int) -> Callable[[E], E]:
        """A decorator: what takes events of this selector."""

        def keep(handler: E) -> E:
            self._events[selector] = handler
            return handler

        return keep

    def other_calls(self, handler: C) -> C:
        """A decorator: what answers all other calls."""
        self._other_calls = handler
        return handler

    def other_events(self, handler: E) -> E:
        """A decorator: what takes all other events."""
        self._other_events = handler
        return handler

    def _answer(self, request: Request) -> Any:
        handler = self._calls.get(request.selector, self._other_calls)
        if handler is None:
            raise NoSelector(f"no handler for {request.selector}")
        return handler(request)

    def _take(self, request: Request) -> None:
        handler = self._events.get(request.selector, self._other_events)
        if handler is not None:
            handler(request)


def _text(reason: Any) -> bytes:
    return str(reason).replace("\0", "\ufffd").encode("utf-8", "replace")


def _reply(pointer: Any, reply: Any) -> int:
    if reply is None:
        return lib.TWINRING_OK
    reply = as_bytes(reply)
    if len(reply) >= _LARGE:
        return lib.twinring_request_reply_from(pointer, reply, len(reply))
    return lib.twinring_request_reply(pointer, reply, len(reply))


def _explained(pointer: Any, error: BaseException) -> int:
    """The code that tells the caller of it."""
    if isinstance(error, (NoSelector, Overloaded)):
        return error.status
    if isinstance(error, Refused):
        lib.twinring_request_explain(pointer, _text(error))
        return error.status
    _log.error("a handler failed", exc_info=error)
    lib.twinring_request_explain(pointer, _text(f"{type(error).__name__}: {error}"))
    return lib.TWINRING_FAILED


def _stop(error: BaseException) -> None:
    """Ctrl-C and `sys.exit` go on where this thread came from."""
    if not isinstance(error, Exception):
        _interruptions[threading.get_ident()] = error


@ffi.def_extern(error=lib.TWINRING_FAILED, name="twinring_python_on_call")
def _on_call(pointer: Any, user_data: Any) -> int:
    request = None
    try:
        request = Request(pointer)
        return _reply(pointer, ffi.from_handle(user_data)._answer(request))
    except BaseException as error:  # pylint: disable=broad-except
        _stop(error)
        return _explained(pointer, error)
    finally:
        if request is not None:
            request._pointer = None


@ffi.def_extern(name="twinring_python_on_event")
def _on_event(pointer: Any, user_data: Any) -> None:
    request = None
    try:
        request = Request(pointer)
        ffi.from_handle(user_data)._take(request)
    except BaseException as error:  # pylint: disable=broad-except
        _stop(error)
        # Nobody else will learn of it.
        _log.error("a handler of events failed", exc_info=error)
    finally:
        if request is not None:
            request._pointer = None
