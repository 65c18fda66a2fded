"""What handles have counted since they were made."""

from __future__ import annotations

from typing import Any, Callable, NamedTuple, Type, TypeVar

from ._binding import ffi, lib
from .errors import check


class ListenerCounters(NamedTuple):
    """What a listener has counted: clients, by what became of them."""

    accepted: int
    refused: int
    declined: int
    failed: int


class SenderCounters(NamedTuple):
    """What a sender has counted."""

    messages: int
    bytes: int
    times_full: int
    sleeps: int
    wakes: int


class ReceiverCounters(NamedTuple):
    """What a receiver has counted."""

    messages: int
    bytes: int
    sleeps: int
    wakes: int


class SessionCounters(NamedTuple):
    """What this side of a session has counted."""

    calls: int
    events: int
    served: int
    events_taken: int
    late_replies: int


T = TypeVar("T")


def _counted(made: Type[T], c_type: str, count: Callable[[Any, Any, int], int], pointer: Any) -> T:
    found = ffi.new(f"{c_type} *")
    check(count(pointer, found, ffi.sizeof(c_type)))
    # The names are those of the header: a counter that moved there would be found by its name here.
    return made(**{name: getattr(found, name) for name in made._fields})  # type: ignore[attr-defined]


def of_listener(pointer: Any) -> ListenerCounters:
    """A listener's."""
    return _counted(ListenerCounters, "twinring_listener_counters", lib.twinring_listener_count, pointer)


def of_sender(pointer: Any) -> SenderCounters:
    """A sender's."""
    return _counted(SenderCounters, "twinring_sender_counters", lib.twinring_sender_count, pointer)


def of_receiver(pointer: Any) -> ReceiverCounters:
    """A receiver's."""
    return _counted(ReceiverCounters, "twinring_receiver_counters", lib.twinring_receiver_count, pointer)


def of_session(pointer: Any) -> SessionCounters:
    """A session's."""
    return _counted(SessionCounters, "twinring_session_counters", lib.twinring_session_count, pointer)
