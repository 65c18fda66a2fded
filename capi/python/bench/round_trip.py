"""What a round trip costs from Python: with an echo in Rust, one in Python, and over a plain Unix socket, in turns.

TWINRING_COMMAND=target/release/twinring python3 capi/python/bench/round_trip.py, with the package in PYTHONPATH. Both sides spin, on
two cores: a quiet machine is needed.
"""

import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import twinring

ROUNDS, TRIPS = 7, 5000
SIZES = (8, 1024, 65_536)
SPIN = twinring.Options(wait=twinring.Wait.SPIN)


def pinned(side):
    """A core of its own for each side."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) > 1:
        os.sched_setaffinity(0, {cores[side]})


def echo(path):
    """The other side, in Python."""
    pinned(1)
    with twinring.Listener(path, SPIN) as listener:
        sender, receiver = listener.accept().split()
    for message in receiver:
        sender.send(message)


def serve(path):
    """The other side of calls, in Python."""
    pinned(1)
    handlers = twinring.Handlers()
    handlers.other_calls(lambda request: request.payload)
    with twinring.Server(path, handlers, options=SPIN, listener=False) as server:
        server.accept().serve()


def plain(path):
    """The other side of a plain socket."""
    pinned(1)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
        listening.bind(path)
        listening.listen()
        accepted, _ = listening.accept()
        while message := accepted.recv(1 << 17):
            accepted.send(message)


def messages(path):
    """A round trip of messages."""
    sender, receiver = twinring.connect(path, 5, SPIN).split()

    def trip(message):
        sender.send(message)
        return receiver.recv()

    return trip


def calls(path):
    """A call."""
    session = twinring.Session(twinring.connect(path, 5, SPIN), listener=False)
    return lambda message: session.call(1, message)


def packets(path):
    """A round trip over a plain socket."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for _ in range(5000):
        try:
            connection.connect(path)
            break
        except OSError:
            time.sleep(0.001)

    def trip(message):
        connection.send(message)
        return connection.recv(1 << 17)

    return trip


def measure(name, command, caller):
    """Prints a row: medians over the rounds, in microseconds."""
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "socket")
        # The other side may choose another core than this one's.
        os.sched_setaffinity(0, CORES)
        with subprocess.Popen([*command, path], stderr=subprocess.DEVNULL) as peer:
            try:
                pinned(0)
                trip = caller(path)
                print("|", name, "|", " | ".join(f"{median(trip, size):.2f} µs" for size in SIZES), "|", flush=True)
            finally:
                peer.kill()


def median(trip, size):
    """The median round of a size, per round trip."""
    message, rounds = bytes(size), []
    trips = TRIPS if size < 10_000 else TRIPS // 10
    for _ in range(ROUNDS):
        started = time.perf_counter()
        for _ in range(trips):
            if len(trip(message)) != size:
                raise AssertionError("another message came back")
        rounds.append((time.perf_counter() - started) / trips * 1e6)
    return statistics.median(rounds)


def main():
    """All of them."""
    rust, own = os.environ["TWINRING_COMMAND"], [sys.executable, os.path.abspath(__file__)]
    cores = ["--core", str(max(CORES))] if len(CORES) > 1 else []
    print("| |", " | ".join(f"{size} B" for size in SIZES), "|")
    measure("messages, the other side in Rust", [rust, "echo", "--wait", "spin", *cores], messages)
    measure("messages, both sides in Python", [*own, "echo"], messages)
    measure("calls, the other side in Rust", [rust, "serve", "--echo", "--wait", "spin", *cores], calls)
    measure("calls, both sides in Python", [*own, "serve"], calls)
    measure("a plain Unix socket, both sides in Python", [*own, "plain"], packets)


#: What this process may use before it takes one for itself, which the peers inherit.
CORES = sorted(os.sched_getaffinity(0))

if __name__ == "__main__":
    if len(sys.argv) > 2:
        {"echo": echo, "serve": serve, "plain": plain}[sys.argv[1]](sys.argv[2])
    else:
        main()
