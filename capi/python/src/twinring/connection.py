"""Finding the other process."""

from __future__ import annotations

import os
import socket as sockets
import threading
from typing import Any, Callable, Iterator, Optional, Tuple, Union

from . import counting, options as choices
from ._binding import ffi, lib
from .errors import Closed, check, last
from .handle import Handle
from .options import Options, Peer, Transport
from .receiver import Receiver
from .sender import Sender
from .waiting import aside, in_slices, patiently

#: A name of this user's (no '/' in it), or a path.
Endpoint = Union[str, "os.PathLike[str]"]


class Connection(Handle):
    """Two processes that can send to each other: to be split into its two ends, or made a `Session`."""

    def __init__(self, pointer: Any, kept: Any = None) -> None:
        super().__init__(pointer, lib.twinring_connection_close)
        #: What authorises lives as long as what was made with it.
        self._kept = kept

    @property
    def peer(self) -> Peer:
        """Who is at the other end, by the kernel's word."""
        found = ffi.new("twinring_peer *")
        with self._lock:
            check(lib.twinring_connection_peer(self._open(), found))
        return Peer(found.pid, found.uid, found.gid)

    @property
    def transport(self) -> Transport:
        """What carries the messages, as the two sides agreed."""
        found = ffi.new("int32_t *")
        with self._lock:
            check(lib.twinring_connection_transport(self._open(), found))
        return Transport(found[0])

    def split(self) -> Tuple[Sender, Receiver]:
        """The two ends, each for a thread of its own. The connection is closed afterwards: they are it."""
        sender = ffi.new("twinring_sender **")
        receiver = ffi.new("twinring_receiver **")
        check(lib.twinring_connection_split(self._take(), sender, receiver))
        return Sender(sender[0]), Receiver(receiver[0])


def _connected(connect: Callable[[Any, int, Any], int], timeout: Optional[float], options: Optional[Options]) -> Connection:
    """A connection by a function that blocks and cannot be interrupted."""
    chosen = choices.made(options)
    given_up = threading.Event()

    def work() -> Connection:
        pointer = ffi.new("twinring_connection **")
        status = patiently(lambda slice_ns: connect(chosen, slice_ns, pointer), timeout, given_up)
        check(status)
        return Connection(pointer[0], chosen)

    try:
        return aside(work)
    except BaseException:
        given_up.set()
        raise


def connect(endpoint: Endpoint, timeout: Optional[float] = None, options: Optional[Options] = None) -> Connection:
    """Connects to a listener, and tries for `timeout` seconds if nobody listens yet: for ever if that is None."""
    name = os.fspath(endpoint).encode()
    return _connected(lambda chosen, ns, out: lib.twinring_connect(name, chosen, ns, out), timeout, options)


def connect_over(
    socket: sockets.socket, timeout: Optional[float] = None, options: Optional[Options] = None
) -> Connection:
    """Connects over one end of a pair of SOCK_SEQPACKET sockets, which it takes over. The other end, in whatever process
    inherited it, is for `accept_over`."""
    return _over(lib.twinring_connect_over, socket, timeout, options)


def accept_over(
    socket: sockets.socket, timeout: Optional[float] = None, options: Optional[Options] = None
) -> Connection:
    """The other side of `connect_over`."""
    return _over(lib.twinring_accept_over, socket, timeout, options)


def _over(connect: Any, socket: sockets.socket, timeout: Optional[float], options: Optional[Options]) -> Connection:
    descriptor = socket.detach()
    # A second try has no socket: it was closed in any case.
    tried: list = []

    def once(chosen: Any, slice_ns: int, out: Any) -> int:
        if tried:
            return lib.TWINRING_DISCONNECTED
        tried.append(True)
        return connect(descriptor, chosen, slice_ns if timeout is not None else -1, out)

    return _connected(once, timeout, options)


def pair(options: Optional[Options] = None) -> Tuple[Connection, Connection]:
    """Connects two threads of this process."""
    chosen = choices.made(options)
    here, there = ffi.new("twinring_connection **"), ffi.new("twinring_connection **")
    check(lib.twinring_pair(chosen, here, there))
    return Connection(here[0], chosen), Connection(there[0], chosen)


def endpoint_beside_exe() -> str:
    """The name of the endpoint that belongs to the directory of the running program: of the interpreter, for a script."""
    buffer = ffi.new("char[64]")
    check(lib.twinring_endpoint_beside_exe(buffer, 64))
    return ffi.string(buffer).decode()


class Listener(Handle):
    """Where connectors are accepted. Iterating over it accepts one after the other, until it is closed."""

    def __init__(self, endpoint: Endpoint, options: Optional[Options] = None) -> None:
        self._kept = choices.made(options)
        pointer = ffi.new("twinring_listener **")
        check(lib.twinring_listen(os.fspath(endpoint).encode(), self._kept, pointer))
        super().__init__(pointer[0], lib.twinring_listener_close)

    def accept(self, timeout: Optional[float] = None) -> Connection:
        """Waits for a client that can be accepted, for `timeout` seconds, or for ever if that is None.

        A client that is refused, hangs up or breaks the protocol is only counted.
        """
        pointer = ffi.new("twinring_connection **")

        def attempt(slice_ns: int) -> int:
            with self._lock:
                status = lib.twinring_accept(self._open(), slice_ns, pointer)
                if status:
                    # The text is this thread's, and another function may fail before it is asked for.
                    failed[:] = [last(status)]
                return status

        failed: list = []
        if in_slices(attempt, timeout):
            raise failed.pop()
        return Connection(pointer[0], self._kept)

    def __iter__(self) -> Iterator[Connection]:
        while True:
            try:
                yield self.accept()
            except Closed:
                return

    def fileno(self) -> int:
        """A descriptor that becomes readable when a client connects: then `accept(0)`. It is the listener's."""
        found = ffi.new("int32_t *")
        with self._lock:
            check(lib.twinring_listener_fd(self._open(), found))
        return found[0]

    def counters(self) -> counting.ListenerCounters:
        """What it has counted since it was made."""
        with self._lock:
            return counting.of_listener(self._open())
