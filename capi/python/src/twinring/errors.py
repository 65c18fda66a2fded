"""What can go wrong: an exception for each code of the C library."""

from __future__ import annotations

import enum
from typing import Dict, Optional, Type

from ._binding import ffi, lib


class Outcome(enum.IntEnum):
    """What is known of a request whose call failed."""

    NOT_RUN = lib.TWINRING_OUTCOME_NOT_RUN
    MAY_HAVE_RUN = lib.TWINRING_OUTCOME_MAY_HAVE_RUN
    RAN = lib.TWINRING_OUTCOME_RAN


class Error(Exception):
    """Whatever the library answers that is not success; its text says what was expected and what came."""

    status: int = -1
    #: What is known of the request, if a call failed.
    outcome: Optional[Outcome] = None


class Timeout(Error, TimeoutError):
    """The time is over."""


class Empty(Timeout):
    """No message yet, and no time to wait for one."""


class Full(Timeout):
    """No room yet, and no time to wait for it."""


class Ended(Error):
    """Nothing will come or go any more."""


class Closed(Ended):
    """The peer has left in order, or this side has closed the handle."""


class Disconnected(Ended, ConnectionError):
    """The peer has died or hung up."""


class Corrupt(Ended):
    """The peer wrote what an honest one would not."""


class Forked(Ended):
    """The handle belongs to the parent of this process."""


class BadArgument(Error, ValueError):
    """An argument is out of range or not what it must be."""


class BadState(Error, RuntimeError):
    """Not now: a reservation is open, or the request has been answered, or its handler has returned."""


class TooLarge(Error, ValueError):
    """The message is larger than the ring or the peer takes. It was not sent."""


class TooSmall(Error, ValueError):
    """The buffer is smaller than the message, which stays: the next receive finds it."""

    #: How many bytes the message has.
    needed: int = 0


class InUse(Error, OSError):
    """Another process listens there."""


class Absent(Error, ConnectionError):
    """Nobody listens there."""


class Refused(Error, ConnectionError):
    """The other side does not want this one, or this one not the other, and says why. A handler may raise it."""


class HandshakeFailed(Error, ConnectionError):
    """The two did not come to a connection: versions, transports, a broken protocol."""


class SystemFailed(Error, OSError):
    """The system did not give what was needed: memory, sockets, threads."""


class Spins(Error):
    """This side promised never to sleep, or has a thread that receives: there is nothing to poll."""


class Busy(Error):
    """As many calls are in flight as the peer accepts."""


class Congested(Error):
    """Both sides send more than the other takes in."""


class NoSelector(Error, LookupError):
    """The peer has no handler for the selector. A handler may raise it."""


class Overloaded(Error):
    """The peer has too many requests at once. A handler may raise it."""


class Failed(Error):
    """The peer's handler failed, and says why."""


class ReplyTooLarge(Error):
    """The peer's handler ran, but its reply is larger than this side accepts."""


class NotAnswered(Error):
    """The peer's handler gave the request away, and nobody answered it."""


class Panicked(Error):
    """A bug in the library was met and contained."""


_CLASSES: Dict[str, Type[Error]] = {
    "BAD_ARGUMENT": BadArgument,
    "BAD_STATE": BadState,
    "EMPTY": Empty,
    "FULL": Full,
    "TIMEOUT": Timeout,
    "CLOSED": Closed,
    "DISCONNECTED": Disconnected,
    "CORRUPT": Corrupt,
    "FORKED": Forked,
    "TOO_LARGE": TooLarge,
    "TOO_SMALL": TooSmall,
    "IN_USE": InUse,
    "ABSENT": Absent,
    "REFUSED": Refused,
    "HANDSHAKE": HandshakeFailed,
    "SYSTEM": SystemFailed,
    "SPINS": Spins,
    "BUSY": Busy,
    "CONGESTED": Congested,
    "NO_SELECTOR": NoSelector,
    "OVERLOADED": Overloaded,
    "FAILED": Failed,
    "REPLY_TOO_LARGE": ReplyTooLarge,
    "NOT_ANSWERED": NotAnswered,
    "PANICKED": Panicked,
}

#: The class for each code; a code that the header has and this table lacks is a bare `Error`.
BY_STATUS: Dict[int, Type[Error]] = {getattr(lib, f"TWINRING_{name}"): made for name, made in _CLASSES.items()}
for _status, _class in BY_STATUS.items():
    _class.status = _status


def last(status: int) -> Error:
    """The exception for what just failed on this thread."""
    text = ffi.string(lib.twinring_error_text()).decode("utf-8", "replace")
    return BY_STATUS.get(status, Error)(text)


def last_of_call(status: int) -> Error:
    """The same for a call, with what is known of the request."""
    outcome = Outcome(lib.twinring_error_outcome())
    error = last(status)
    error.outcome = outcome
    return error


def check(status: int) -> None:
    """Raises unless it went well."""
    if status:
        raise last(status)
