"""twinring: two processes on one Linux machine, two rings in shared memory.

Start with `connect` and `Listener`; a `Connection` splits into a `Sender` and a `Receiver`, or becomes a `Session`, on which both
sides call. All times are in seconds, None is for ever. What goes wrong is an `Error`.

Threads: everything may be used by any thread. Who waits in the library lets other threads run. Ctrl-C ends a wait within half a
second at most.

Forks: in a child made by `os.fork()` everything of the parent's raises `Forked`. Connect anew there, or use
`multiprocessing.get_context("spawn")`.
"""

from ._binding import ffi as _ffi, lib as _lib
from .connection import Connection, Endpoint, Listener, accept_over, connect, connect_over, endpoint_beside_exe, pair
from .counting import ListenerCounters, ReceiverCounters, SenderCounters, SessionCounters
from .errors import (
    Absent,
    BadArgument,
    BadState,
    Busy,
    Closed,
    Congested,
    Corrupt,
    Disconnected,
    Empty,
    Ended,
    Error,
    Failed,
    Forked,
    Full,
    HandshakeFailed,
    InUse,
    NoSelector,
    NotAnswered,
    Outcome,
    Overloaded,
    Panicked,
    Refused,
    ReplyTooLarge,
    Spins,
    SystemFailed,
    Timeout,
    TooLarge,
    TooSmall,
)
from .handlers import Handlers, Request, Responder
from .options import Options, Peer, Transport, Wait
from .receiver import Receiver
from .sender import Reservation, Sender
from .serving import Server
from .session import PendingCall, Session

#: The version of the library that runs.
__version__ = _ffi.string(_lib.twinring_version()).decode()

__all__ = [
    "Absent",
    "BadArgument",
    "BadState",
    "Busy",
    "Closed",
    "Congested",
    "Connection",
    "Corrupt",
    "Disconnected",
    "Empty",
    "Ended",
    "Endpoint",
    "Error",
    "Failed",
    "Forked",
    "Full",
    "Handlers",
    "HandshakeFailed",
    "InUse",
    "Listener",
    "ListenerCounters",
    "NoSelector",
    "NotAnswered",
    "Options",
    "Outcome",
    "Overloaded",
    "Panicked",
    "Peer",
    "PendingCall",
    "Receiver",
    "ReceiverCounters",
    "Refused",
    "ReplyTooLarge",
    "Request",
    "Reservation",
    "Responder",
    "Sender",
    "SenderCounters",
    "Server",
    "Session",
    "SessionCounters",
    "Spins",
    "SystemFailed",
    "Timeout",
    "TooLarge",
    "TooSmall",
    "Transport",
    "Wait",
    "accept_over",
    "connect",
    "connect_over",
    "endpoint_beside_exe",
    "pair",
]
