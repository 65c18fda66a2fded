"""The other process of the tests: `peers.py FUNCTION ARGUMENT...`. It says a line before it waits."""

import os
import sys
import threading

import twinring
from support import LONG, options


def say(text):
    """A line for who started this."""
    print(text, flush=True)


def transport_of(number):
    """Options for a transport by its number."""
    return options(twinring.Transport(int(number)))


def echo(path, number):
    """Answers each message of one client by itself."""
    with twinring.Listener(path, transport_of(number)) as listener:
        say("listens")
        sender, receiver = listener.accept(LONG).split()
    for message in receiver:
        sender.send(message, LONG)
    say(f"{receiver.counters().messages} messages")


def serve(path, number):
    """Serves calls: 7 doubles, 8 raises, 9 calls back and doubles that. 3 is an event, which comes back."""
    handlers = twinring.Handlers()

    @handlers.call(7)
    def double(request):
        return request.payload * 2

    @handlers.call(8)
    def fail(request):
        raise KeyError("no such thing")

    @handlers.call(9)
    def back(request):
        return request.call(1, request.payload, LONG) * 2

    @handlers.event(3)
    def bounce(request):
        request.notify(4, request.payload)

    with twinring.Server(path, handlers, options=transport_of(number)) as server:
        say("listens")
        server.accept(LONG).serve(LONG)
    say(f"served {double.__name__}, {fail.__name__}, {back.__name__}, {bounce.__name__}")


def interrupted(path, how):
    """Waits for ever in one of all ways, until Ctrl-C."""
    here, there = twinring.pair(options(ring_capacity=4096))
    try:
        if how == "accept":
            listener = twinring.Listener(path)
            say("waits")
            listener.accept()
        elif how == "connect":
            say("waits")
            twinring.connect(path)
        elif how == "recv":
            _, receiver = here.split()
            say("waits")
            receiver.recv()
        elif how in ("send", "reserve"):
            sender, _ = here.split()
            while sender.try_send(b"x" * 1000):
                pass
            say("waits")
            sender.send(b"x" * 1000) if how == "send" else sender.reserve(1000)
        elif how == "finish":
            sender, _ = here.split()
            say("waits")
            sender.finish()
        else:
            handlers = twinring.Handlers()
            kept = []
            handlers.call(1)(lambda request: kept.append(request.defer()))
            ours, theirs = twinring.Session(here), twinring.Session(there, handlers)
            say("waits")
            ours.call(1) if how == "call" else ours.begin(1).wait() if how == "wait" else theirs.serve()
    except KeyboardInterrupt:
        say("interrupted")


def interrupted_handler(path):
    """Runs a handler on the main thread that is interrupted, and hands that on."""
    handlers = twinring.Handlers()

    @handlers.call(1)
    def stop(request):
        raise KeyboardInterrupt

    with twinring.Server(path, handlers, listener=False) as server:
        say("listens")
        session = server.accept(LONG)
        try:
            session.serve(LONG)
        except KeyboardInterrupt:
            say("interrupted")


def forked(path):
    """Uses in a child what is its parent's, which goes on."""
    here, there = twinring.pair(options())
    (sender, _), (_, receiver) = here.split(), there.split()
    session = twinring.Session(twinring.pair(options())[0])
    # As if another thread of the parent's were just sending.
    held, done = threading.Event(), threading.Event()

    def hold():
        with sender._lock:
            held.set()
            done.wait(LONG)

    holding = threading.Thread(target=hold)
    holding.start()
    held.wait(LONG)
    child = os.fork()
    if child == 0:
        found = []
        for use in (lambda: sender.send(b"x"), receiver.recv, lambda: session.call(1)):
            try:
                use()
            except twinring.Forked:
                found.append("Forked")
        for handle in (sender, receiver, session):
            handle.close()
        os._exit(0 if len(found) == 3 else 1)
    _, status = os.waitpid(child, 0)
    done.set()
    holding.join(LONG)
    sender.send(b"still")
    say(f"{os.waitstatus_to_exitcode(status)} {receiver.recv(LONG).decode()}")


def leaves_at_once(path):
    """Ends with a session open, whose handler runs."""
    started = []
    handlers = twinring.Handlers()
    handlers.call(1)(lambda request: started.append(1))
    here, there = twinring.pair(options())
    ours, theirs = twinring.Session(here), twinring.Session(there, handlers, workers=2)
    for _ in range(50):
        ours.begin(1)
    say(f"{type(theirs).__name__} open")


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
