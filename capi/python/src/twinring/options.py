"""What a side may choose before it connects."""

from __future__ import annotations

import enum
import logging
import threading
from dataclasses import dataclass
from typing import Any, Callable, NamedTuple, Optional

from ._binding import ffi, lib
from .errors import check
from .waiting import nanoseconds

_log = logging.getLogger("twinring")


class Wait(enum.IntEnum):
    """How a side waits."""

    #: It never sleeps: for the last nanosecond, with a core to spare.
    SPIN = lib.TWINRING_WAIT_SPIN
    #: It spins about as long as a sleep would cost, then sleeps.
    SPIN_THEN_PARK = lib.TWINRING_WAIT_SPIN_THEN_PARK
    #: It sleeps at once.
    PARK = lib.TWINRING_WAIT_PARK


class Transport(enum.IntEnum):
    """What carries the messages of a connection."""

    #: Rings in shared memory.
    SHARED_MEMORY = lib.TWINRING_TRANSPORT_SHARED_MEMORY
    #: The socket itself, for sandboxes that forbid shared mappings.
    SOCKET = lib.TWINRING_TRANSPORT_SOCKET
    #: Shared memory, or the socket if either side cannot or will not share memory.
    ANY = lib.TWINRING_TRANSPORT_ANY


class Peer(NamedTuple):
    """A process by the kernel's word. -1 stands for what cannot be expressed here: unknown, not root, not nobody."""

    pid: int
    uid: int
    gid: int


#: Decides who may be at the other end: None lets it in, a text refuses it for that reason. What raises refuses, too.
Authorise = Callable[[Peer], Optional[str]]


@dataclass(frozen=True)
class Options:
    """What can be chosen about a connection; None stands for the library's default. Times are in seconds."""

    #: The size in bytes of the ring that this side sends through: 4 KiB to 256 MiB. The largest message is about 7/16 of it.
    ring_capacity: Optional[int] = None
    #: The largest ring in bytes that the peer may send through.
    largest_peer_ring: Optional[int] = None
    wait: Optional[Wait] = None
    transport: Optional[Transport] = None
    #: Whether this side's half should lie in huge pages, if there are any.
    huge_pages: Optional[bool] = None
    #: How long a listener lets a client take for its handshake.
    handshake_timeout: Optional[float] = None
    #: The permissions of a listener's socket.
    socket_mode: Optional[int] = None
    #: Who may be at the other end; only processes of the same user if not chosen.
    authorise: Optional[Authorise] = None


def made(options: Optional[Options]) -> Any:
    """The same for C, or null. It must live as long as what is made with it."""
    if options is None:
        return ffi.NULL
    pointer = lib.twinring_options_new()
    if not pointer:
        raise MemoryError("no memory for options")
    authorise = ffi.NULL if options.authorise is None else ffi.new_handle(options.authorise)

    def free(pointer: Any, _kept: Any = authorise) -> None:
        lib.twinring_options_free(pointer)

    pointer = ffi.gc(pointer, free)
    _fill(pointer, options, authorise)
    return pointer


def _fill(pointer: Any, options: Options, authorise: Any) -> None:
    if options.ring_capacity is not None:
        check(lib.twinring_options_ring_capacity(pointer, options.ring_capacity))
    if options.largest_peer_ring is not None:
        check(lib.twinring_options_largest_peer_ring(pointer, options.largest_peer_ring))
    if options.wait is not None:
        check(lib.twinring_options_wait(pointer, options.wait))
    if options.transport is not None:
        check(lib.twinring_options_transport(pointer, options.transport))
    if options.huge_pages is not None:
        check(lib.twinring_options_huge_pages(pointer, options.huge_pages))
    if options.handshake_timeout is not None:
        check(lib.twinring_options_handshake_timeout(pointer, nanoseconds(options.handshake_timeout)))
    if options.socket_mode is not None:
        check(lib.twinring_options_socket_mode(pointer, options.socket_mode))
    if authorise:
        check(lib.twinring_options_authorise(pointer, lib.twinring_python_authorise, authorise))


#: The reason that a thread gave last: the library copies it when the call returns.
_reason = threading.local()


@ffi.def_extern(error=ffi.NULL, name="twinring_python_authorise")
def _authorise(peer: Any, user_data: Any) -> Any:
    try:
        reason = ffi.from_handle(user_data)(Peer(peer.pid, peer.uid, peer.gid))
        refusal = None if reason is None else str(reason)
    except BaseException:  # pylint: disable=broad-except
        _log.exception("who asked is refused: the authorising function raised")
        refusal = "the authorising function failed"
    if refusal is None:
        return ffi.NULL
    # A zero byte would end it, and an empty text is a refusal still.
    _reason.text = ffi.new("char[]", refusal.replace("\0", "\ufffd").encode("utf-8", "replace"))
    return _reason.text
