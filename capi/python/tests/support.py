"""What the tests share: a directory to meet in, peers that are processes, and waiting for what comes soon."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import twinring

#: Nothing here takes as long, so that a bug is a failure and not a test that hangs.
LONG = 15.0

#: What is to be over before anything happens.
SHORT = 0.03

PEERS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "peers.py")

BOTH = (twinring.Transport.SHARED_MEMORY, twinring.Transport.SOCKET)


def options(transport=twinring.Transport.SHARED_MEMORY, **chosen):
    """Options whose sides sleep: the machine may have two cores."""
    return twinring.Options(wait=twinring.Wait.PARK, transport=transport, **chosen)


def until(what, condition):
    """Waits for what must come soon."""
    deadline = time.monotonic() + LONG
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited in vain for {what}")
        time.sleep(0.001)


class Child:
    """A process that says what it does line by line, and is killed when it is not needed any more."""

    def __init__(self, *command):
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.pid = self._process.pid

    def line(self):
        """The next line that it says."""
        return self._process.stdout.readline().strip()

    def finish(self):
        """Its exit code, and what else it said."""
        out, errors = self._process.communicate(timeout=LONG)
        return self._process.returncode, out.strip(), errors

    def send(self, number):
        """Sends it a signal."""
        os.kill(self.pid, number)

    def sleeps(self):
        """Whether its main thread sleeps."""
        with open(f"/proc/{self.pid}/task/{self.pid}/stat", encoding="ascii", errors="replace") as stat:
            return stat.read().rpartition(")")[2].split()[0] == "S"

    def end(self):
        """Kills it."""
        if self._process.poll() is None:
            self.send(signal.SIGKILL)
        self._process.wait(LONG)
        self._process.stdout.close()
        self._process.stderr.close()


class Case(unittest.TestCase):
    """A test with a directory of its own."""

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="twinring-")
        self.addCleanup(shutil.rmtree, self.directory)
        self.path = os.path.join(self.directory, "socket")

    def peer(self, *arguments):
        """A peer in Python: a function of `peers.py`."""
        child = Child(sys.executable, "-W", "error", PEERS, *map(str, arguments))
        self.addCleanup(child.end)
        return child

    def command(self, *arguments):
        """A peer in Rust: the command."""
        child = Child(os.environ["TWINRING_COMMAND"], *map(str, arguments))
        self.addCleanup(child.end)
        return child

    def pair(self, transport=twinring.Transport.SHARED_MEMORY, **chosen):
        """The four ends of a connection: ours to send and receive, and theirs."""
        here, there = twinring.pair(options(transport, **chosen))
        ends = here.split() + there.split()
        for end in ends:
            self.addCleanup(end.close)
        return ends

    def sessions(self, handlers, transport=twinring.Transport.SHARED_MEMORY, **chosen):
        """Two sessions: ours, and theirs with these handlers."""
        here, there = twinring.pair(options(transport))
        theirs = twinring.Session(there, handlers, **chosen)
        ours = twinring.Session(here, call_timeout=LONG)
        self.addCleanup(theirs.close)
        self.addCleanup(ours.close)
        return ours, theirs
