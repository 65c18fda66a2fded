"""Processes: peers in Rust and in Python, that come, refuse, die, are interrupted and fork."""

import gc
import os
import signal
import socket
import threading
import unittest

import twinring
from support import BOTH, LONG, Case, options, until

WORDS = {twinring.Transport.SHARED_MEMORY: "shared", twinring.Transport.SOCKET: "socket"}


class Rust(Case):
    """The command of the repository is the peer."""

    def echo_of_rust(self, transport):
        """Connects to an echo in Rust."""
        self.command("echo", self.path, "--transport", WORDS[transport])
        return twinring.connect(self.path, LONG, options(transport))

    def test_a_client_in_python_talks_to_rust(self):
        for transport in BOTH:
            with self.subTest(transport=transport):
                self.setUp()
                sender, receiver = self.echo_of_rust(transport).split()
                for message in (b"hello", b"", b"x" * 5000, b"y" * 400_000):
                    sender.send(message, LONG)
                    self.assertEqual(receiver.recv(LONG), message)
                sender.close()
                self.assertEqual(list(receiver), [])

    def test_a_session_in_python_calls_rust(self):
        for transport in BOTH:
            with self.subTest(transport=transport):
                self.setUp()
                self.command("serve", self.path, "--echo", "--transport", WORDS[transport])
                with twinring.Session(twinring.connect(self.path, LONG, options(transport))) as session:
                    for payload in (b"hello", b"", b"y" * 4_000_000):
                        self.assertEqual(session.call(5, payload, LONG), payload)

    def test_rust_calls_python(self):
        handlers = twinring.Handlers()
        handlers.other_calls(lambda request: b"%d " % request.selector + request.payload.upper())
        handlers.call(8)(lambda request: 1 / 0)
        with twinring.Server(self.path, handlers) as server:
            serving = threading.Thread(target=server.serve)
            serving.start()
            code, said, errors = self.command("call", self.path, "--selector", "7", "hello").finish()
            self.assertEqual((code, said), (0, "7 HELLO"), errors)
            with self.assertLogs("twinring", "ERROR"):
                code, said, errors = self.command("call", self.path, "--selector", "8", "hello").finish()
            self.assertNotEqual(code, 0)
            self.assertIn("ZeroDivisionError", errors)
            server.close()
            serving.join(LONG)
            self.assertFalse(serving.is_alive())

    def test_rust_talks_to_python(self):
        echo = self.peer("echo", self.path, int(twinring.Transport.SHARED_MEMORY))
        self.assertEqual(echo.line(), "listens")
        code, _, errors = self.command("ping", self.path, "--count", "200", "--size", "64").finish()
        self.assertEqual(code, 0, errors)
        code, said, errors = echo.finish()
        self.assertEqual(code, 0, errors)


class Python(Case):
    """Both sides are in Python."""

    def test_messages_come_back(self):
        for transport in BOTH:
            with self.subTest(transport=transport):
                self.setUp()
                echo = self.peer("echo", self.path, int(transport))
                self.assertEqual(echo.line(), "listens")
                connection = twinring.connect(self.path, LONG, options(transport))
                self.assertEqual((connection.peer.pid, connection.transport), (echo.pid, transport))
                sender, receiver = connection.split()
                for number in range(300):
                    sender.send(b"%d" % number, LONG)
                    self.assertEqual(receiver.recv(LONG), b"%d" % number)
                sender.close()
                self.assertEqual(echo.finish(), (0, "300 messages", ""))

    def test_calls_go_both_ways(self):
        for transport in BOTH:
            with self.subTest(transport=transport):
                self.setUp()
                server = self.peer("serve", self.path, int(transport))
                self.assertEqual(server.line(), "listens")
                own = twinring.Handlers()
                own.call(1)(lambda request: b"<" + request.payload + b">")
                bounced = []
                own.event(4)(lambda request: bounced.append(request.payload))
                with twinring.Session(twinring.connect(self.path, LONG, options(transport)), own) as session:
                    self.assertEqual(session.call(7, b"ab", LONG), b"abab")
                    self.assertEqual(session.call(9, b"ab", LONG), b"<ab><ab>")
                    self.assertRaisesRegex(twinring.Failed, "KeyError", session.call, 8, b"", LONG)
                    session.notify(3, b"bounce", LONG)
                    until("the event", lambda: bounced == [b"bounce"])
                code, said, errors = server.finish()
                self.assertEqual((code, said), (0, "served double, fail, back, bounce"), errors)

    def test_over_an_inherited_socket(self):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        made = []
        thread = threading.Thread(target=lambda: made.append(twinring.accept_over(theirs, LONG)))
        thread.start()
        sender, _ = twinring.connect_over(ours, LONG).split()
        thread.join(LONG)
        sender.send(b"x")
        self.assertEqual(made[0].split()[1].recv(LONG), b"x")

    def test_who_may_come_in(self):
        asked = []

        def authorise(peer):
            asked.append(peer)
            return "not today" if len(asked) == 1 else None

        with self.accepting(twinring.Options(authorise=authorise)) as listener:
            with self.assertRaisesRegex(twinring.Refused, "not today"):
                twinring.connect(self.path, LONG)
            connection = twinring.connect(self.path, LONG)
            self.assertEqual([peer.pid for peer in asked], [os.getpid()] * 2)
            self.assertEqual((connection.peer.pid, listener.counters().refused), (os.getpid(), 1))

    def test_an_authorising_function_that_raises_refuses(self):
        def authorise(_peer):
            raise KeyError("nobody")

        with self.assertLogs("twinring", "ERROR"), self.accepting(twinring.Options(authorise=authorise)):
            self.assertRaisesRegex(twinring.Refused, "failed", twinring.connect, self.path, LONG)

    def accepting(self, chosen):
        """A listener that a thread iterates over until it is closed."""
        listener = twinring.Listener(self.path, chosen)
        thread = threading.Thread(target=lambda: [None for _ in listener], daemon=True)
        thread.start()
        self.addCleanup(thread.join, LONG)
        return listener

    def test_who_is_not_there_and_who_is_there_already(self):
        self.assertRaises(twinring.Absent, twinring.connect, self.path, 0)
        self.assertRaises(twinring.Absent, twinring.connect, self.path, 0.02)
        with twinring.Listener(self.path):
            self.assertRaises(twinring.InUse, twinring.Listener, self.path)
        with twinring.Listener(self.path) as listener:
            self.assertRaises(twinring.Timeout, listener.accept, 0)

    def test_a_difference_of_transports_is_told(self):
        with self.accepting(options(twinring.Transport.SOCKET)):
            self.assertRaisesRegex(twinring.Error, "over the socket", twinring.connect, self.path, LONG)


class Deaths(Case):
    """A peer that is killed, interrupted, or forks."""

    def test_a_death_is_told_after_what_it_had_sent(self):
        for transport in BOTH:
            with self.subTest(transport=transport):
                self.setUp()
                echo = self.peer("echo", self.path, int(transport))
                echo.line()
                sender, receiver = twinring.connect(self.path, LONG, options(transport)).split()
                sender.send(b"x")
                self.assertEqual(receiver.recv(LONG), b"x")
                echo.send(signal.SIGKILL)
                self.assertRaises(twinring.Disconnected, receiver.recv, LONG)

    def test_a_call_ends_when_the_peer_dies(self):
        server = self.peer("serve", self.path, 0)
        server.line()
        asked = threading.Event()
        own = twinring.Handlers()
        held = []

        @own.call(1)
        def hold(request):
            held.append(request.defer())
            asked.set()

        session = twinring.Session(twinring.connect(self.path, LONG, options()), own)
        pending = session.begin(9, b"ab")
        waiting = threading.Thread(target=lambda: asked.wait(LONG) and server.send(signal.SIGKILL))
        waiting.start()
        self.assertRaises(twinring.Disconnected, pending.wait, LONG)
        waiting.join(LONG)

    def test_ctrl_c_ends_each_wait(self):
        for how in ("accept", "connect", "recv", "send", "reserve", "finish", "call", "wait", "serve"):
            with self.subTest(how=how):
                child = self.peer("interrupted", self.path, how)
                self.assertEqual(child.line(), "waits")
                until("it to sleep", child.sleeps)
                child.send(signal.SIGINT)
                self.assertEqual(child.finish(), (0, "interrupted", ""))

    def test_ctrl_c_in_a_handler_reaches_who_serves(self):
        child = self.peer("interrupted_handler", self.path)
        child.line()
        session = twinring.Session(twinring.connect(self.path, LONG))
        with self.assertRaises(twinring.Error):
            session.call(1, b"", LONG)
        self.assertEqual(child.finish()[1], "interrupted")

    def test_a_forked_child_is_told_and_harms_nothing(self):
        self.assertEqual(self.peer("forked", self.path).finish(), (0, "0 still", ""))

    def test_the_end_of_the_program_is_an_end_in_order(self):
        code, said, errors = self.peer("leaves_at_once", self.path).finish()
        self.assertEqual((code, said, errors), (0, "Session open", ""))


class Leaks(Case):
    """Nothing is left of what was closed or forgotten."""

    def test_no_descriptors_and_no_threads_are_left(self):
        def use(transport):
            here, there = twinring.pair(options(transport))
            sender, receiver = here.split()
            sender.send(b"x")
            self.assertRaises(twinring.Timeout, receiver.recv, 0)
            handlers = twinring.Handlers()
            handlers.call(1)(lambda request: request.payload)
            theirs, ours = twinring.pair(options(transport))
            sessions = twinring.Session(theirs, handlers, workers=1), twinring.Session(ours)
            sessions[1].call(1, b"x", LONG)
            sessions[1].begin(1, b"x")
            with twinring.Listener(self.path) as listener:
                self.assertRaises(twinring.Timeout, listener.accept, 0)
            self.assertRaises(twinring.Absent, twinring.connect, self.path, 0)
            del there

        def count():
            gc.collect()
            return len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))

        for transport in BOTH:
            use(transport)
        gc.collect()
        # Threads of the library end a moment after what they carried.
        before = count()
        for _ in range(20):
            for transport in BOTH:
                use(transport)
        until("all of it to be gone", lambda: all(now <= then for now, then in zip(count(), before)))


if __name__ == "__main__":
    unittest.main()
