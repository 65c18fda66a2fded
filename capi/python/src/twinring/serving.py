"""Many clients at one endpoint."""

from __future__ import annotations

from typing import Any, List, Optional

from .connection import Endpoint, Listener
from .errors import Closed, Ended, Timeout
from .handlers import Handlers
from .options import Options
from .session import Session
from .waiting import Slices

class Server:
    """A listener, and a session for each client, all with the same handlers. Further arguments are those of `Session`.

    Each session has a thread of its own. To serve thousands write it in Rust: there, a `Service` has few threads for all.
    """

    def __init__(
        self, endpoint: Endpoint, handlers: Handlers, *, options: Optional[Options] = None, **session: Any
    ) -> None:
        self._handlers = handlers
        self._session = session
        self._sessions: List[Session] = []
        self.listener = Listener(endpoint, options)

    def serve(self, timeout: Optional[float] = None) -> None:
        """Accepts clients until `close()`, or for `timeout` seconds. Their sessions go on while this runs and after it."""
        slices = Slices(timeout)
        while not slices.over():
            try:
                # In slices, between which those who left are let go.
                self.accept(slices.next() / 1e9)
            except Timeout:
                continue
            except Closed:
                return

    def accept(self, timeout: Optional[float] = None) -> Session:
        """Waits for one client, and lets go of those that have left."""
        self._sessions = [session for session in self._sessions if not _has_ended(session)]
        session = Session(self.listener.accept(timeout), self._handlers, **self._session)
        self._sessions.append(session)
        return session

    @property
    def sessions(self) -> List[Session]:
        """The clients that were there when it last looked."""
        return list(self._sessions)

    def close(self) -> None:
        """Listens no more, and leaves all clients."""
        self.listener.close()
        for session in self._sessions:
            session.close()

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _has_ended(session: Session) -> bool:
    try:
        session.serve(0)
    except Timeout:
        return False
    except Ended:
        pass
    session.close()
    return True
