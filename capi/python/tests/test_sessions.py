"""Calls, events and handlers between two sessions of one process."""

import gc
import logging
import select
import threading
import time
import unittest
import weakref

import twinring
from support import BOTH, LONG, SHORT, Case, until

DOUBLE, FAIL, LATER, REFUSE, OVERLOAD, NEST, TEXT, NEWS = range(8)


class Answers(twinring.Handlers):
    """What the other side does."""

    def __init__(self):
        super().__init__()
        self.kept = []
        self.news = []
        self.requests = []
        self.call(DOUBLE)(lambda request: request.payload * 2)
        self.call(LATER)(lambda request: self.kept.append(request.defer()))
        self.call(TEXT)(lambda request: "no bytes")
        self.call(NEST)(self.nest)
        self.event(NEWS)(lambda request: self.news.append(request.payload))

        @self.call(FAIL)
        def fail(_request):
            raise KeyError("no such thing")

        @self.call(REFUSE)
        def refuse(_request):
            raise twinring.Refused("not for you")

        @self.call(OVERLOAD)
        def overload(_request):
            raise twinring.Overloaded

    def nest(self, request):
        """Asks back before it answers."""
        self.requests.append(request)
        request.notify(NEWS, b"nested")
        return request.call(DOUBLE, request.payload, LONG) + b"!"


class Sessions(Case):
    """Calls and events."""

    def setUp(self):
        super().setUp()
        logging.getLogger("twinring").setLevel(logging.CRITICAL)
        self.addCleanup(logging.getLogger("twinring").setLevel, logging.NOTSET)

    def test_a_call_is_answered(self):
        for transport in BOTH:
            for workers in (0, 2):
                ours, _ = self.sessions(Answers(), transport, workers=workers)
                for payload in (b"ab", b"", b"x" * 100, b"y" * 3_000_000):
                    self.assertEqual(ours.call(DOUBLE, payload), payload * 2)
                self.assertEqual(ours.call(DOUBLE, bytearray(b"ab")), b"abab")
                ours.close()

    def test_failures_say_what_is_known(self):
        ours, _ = self.sessions(Answers())
        cases = [
            (FAIL, twinring.Failed, "KeyError: 'no such thing'", twinring.Outcome.RAN),
            (TEXT, twinring.Failed, "TypeError", twinring.Outcome.RAN),
            (REFUSE, twinring.Refused, "not for you", twinring.Outcome.NOT_RUN),
            (OVERLOAD, twinring.Overloaded, "", twinring.Outcome.NOT_RUN),
            (99, twinring.NoSelector, "", twinring.Outcome.NOT_RUN),
        ]
        for selector, kind, text, outcome in cases:
            with self.assertRaises(kind) as caught:
                ours.call(selector, b"x", LONG)
            self.assertIn(text, str(caught.exception))
            self.assertEqual(caught.exception.outcome, outcome)
        self.assertEqual(ours.call(DOUBLE, b"still"), b"stillstill")

    def test_bad_inputs_are_told(self):
        ours, _ = self.sessions(Answers())
        self.assertRaises(TypeError, ours.call, DOUBLE, "text")
        self.assertRaises(OverflowError, ours.call, -1)
        self.assertRaises(OverflowError, ours.call, 1 << 32)
        self.assertRaises(ValueError, ours.call, DOUBLE, b"", -1)
        self.assertRaises(twinring.TooLarge, ours.call, DOUBLE, bytes(65 << 20))
        self.assertRaises(ValueError, twinring.Session, twinring.pair()[0], reply_timeout=-1)
        self.assertEqual(ours.call(DOUBLE, b"ab"), b"abab")

    def test_a_call_ends_by_its_deadline(self):
        answers = Answers()
        ours, _ = self.sessions(answers)
        for number, timeout in enumerate((SHORT, 0.13)):
            started = time.monotonic()
            with self.assertRaises(twinring.Timeout) as caught:
                ours.call(LATER, b"x", timeout)
            self.assertGreaterEqual(time.monotonic() - started, timeout)
            self.assertEqual(caught.exception.outcome, twinring.Outcome.MAY_HAVE_RUN)
            until("the request", lambda: len(answers.kept) == number + 1)
        answers.kept.pop().reply(b"late")
        self.assertEqual(ours.call(DOUBLE, b"ab"), b"abab")
        until("the late reply", lambda: ours.counters().late_replies == 1)

    def test_a_reply_may_come_later(self):
        answers = Answers()
        ours, _ = self.sessions(answers)
        pending = ours.begin(LATER)
        until("the request", lambda: answers.kept)
        self.assertFalse(pending.answered())
        responder = answers.kept.pop()
        responder.reply(b"at last")
        self.assertRaises(twinring.BadState, responder.reply, b"again")
        self.assertEqual(pending.wait(), b"at last")
        self.assertRaises(twinring.BadState, pending.wait)
        pending = ours.begin(LATER)
        until("the request", lambda: answers.kept)
        answers.kept.pop().fail("it broke")
        with self.assertRaisesRegex(twinring.Failed, "it broke"):
            pending.wait(LONG)
        pending = ours.begin(LATER)
        until("the request", lambda: answers.kept)
        answers.kept.clear()
        self.assertRaises(twinring.NotAnswered, pending.wait, LONG)
        pending = ours.begin(LATER)
        self.assertRaises(twinring.Timeout, pending.wait, SHORT)
        ours.begin(LATER).cancel()

    def test_handlers_call_back_and_send_events(self):
        answers, own = Answers(), Answers()
        here, there = twinring.pair()
        with twinring.Session(there, answers, workers=2) as theirs, twinring.Session(here, own) as ours:
            self.assertEqual(ours.call(NEST, b"ab", LONG), b"abab!")
            until("the event", lambda: own.news == [b"nested"])
            ours.notify(NEWS, b"news", LONG)
            until("the event", lambda: answers.news == [b"news"])
            self.assertRaises(twinring.BadState, answers.requests[0].call, DOUBLE)
            self.assertRaises(twinring.BadState, answers.requests[0].defer)
            self.assertEqual(answers.requests[0].payload, b"ab")
            self.assertEqual(theirs.peer.pid, ours.peer.pid)

    def test_many_threads_call(self):
        for workers in (0, 2):
            ours, _ = self.sessions(Answers(), workers=workers)
            failed = []

            def ask(number):
                for index in range(200):
                    payload = b"%d %d " % (number, index)
                    if ours.call(DOUBLE, payload, LONG) != payload * 2:
                        failed.append(payload)

            threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(LONG)
            self.assertEqual((failed, ours.counters().calls), ([], 1600))

    def test_a_poll_loop_drives_a_session(self):
        theirs_answers = Answers()
        ours, theirs = self.sessions(theirs_answers, listener=False)
        pending = ours.begin(DOUBLE, b"ab")
        handled, kept = 0, []
        theirs_answers.call(DOUBLE)(lambda request: kept.append(request) or request.payload * 2)
        while not handled:
            self.assertEqual(select.select([theirs], [], [], LONG)[0], [theirs])
            handled = theirs.dispatch()
        self.assertEqual(pending.wait(), b"abab")
        # The handler ran on this thread, and has returned.
        self.assertRaises(twinring.BadState, kept[0].notify, NEWS)
        self.assertRaises(twinring.Spins, ours.fileno)
        self.assertRaises(twinring.Timeout, theirs.serve, SHORT)
        ours.close()
        theirs.serve(LONG)

    def test_a_session_that_is_closed_while_a_thread_calls_ends_that_call(self):
        answers = Answers()
        ours, theirs = self.sessions(answers)
        ended = []

        def ask():
            try:
                ours.call(LATER, b"", LONG)
            except twinring.Closed:
                ended.append(True)

        thread = threading.Thread(target=ask)
        thread.start()
        until("the request", lambda: answers.kept)
        ours.close()
        thread.join(LONG)
        self.assertEqual(ended, [True])
        self.assertRaises(twinring.Closed, ours.call, DOUBLE)
        # The call was given up: it does not keep the session open.
        theirs.serve(LONG)

    def test_what_is_dropped_is_gone(self):
        handlers = Answers()
        here, there = twinring.pair()
        session, other = twinring.Session(there, handlers), twinring.Session(here)
        handlers.session = session
        gone = weakref.ref(handlers)
        self.assertEqual(other.call(DOUBLE, b"ab", LONG), b"abab")
        # The session keeps its handlers, also when nobody else does; a cycle of both is found.
        del handlers
        self.assertEqual(other.call(DOUBLE, b"ab", LONG), b"abab")
        del session, there
        gc.collect()
        self.assertIsNone(gone())
        self.assertRaises(twinring.Ended, other.call, DOUBLE, b"", LONG)


if __name__ == "__main__":
    unittest.main()
