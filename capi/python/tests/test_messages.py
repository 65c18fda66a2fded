"""Messages between two ends in one process: what is sent arrives, what cannot be done says so."""

import array
import gc
import pickle
import select
import threading
import time
import unittest

import twinring
from support import BOTH, LONG, SHORT, Case


class Messages(Case):
    """Sending and receiving, over both transports."""

    def test_what_is_sent_is_received(self):
        for transport in BOTH:
            sender, _, _, receiver = self.pair(transport)
            numbers = array.array("I", range(5))
            for data in (b"bytes", bytearray(b"bytearray"), memoryview(b"a view")[2:], numbers, b"", b"x" * 300_000):
                sender.send(data, LONG)
                self.assertEqual(receiver.recv(LONG), bytes(data))
            self.assertEqual(receiver.counters().messages, 6)
            self.assertEqual(sender.counters().bytes, receiver.counters().bytes)

    def test_the_transport_is_the_one_that_was_chosen(self):
        for transport in BOTH:
            here, there = twinring.pair(twinring.Options(transport=transport))
            self.assertEqual((here.transport, there.transport), (transport, transport))

    def test_receiving_takes_all_forms(self):
        sender, _, _, receiver = self.pair()
        self.assertIsNone(receiver.try_recv())
        for size in (1, 4096, 4097, 100_000):
            message = bytes(range(256)) * (size // 256 + 1)
            for _ in range(4):
                sender.send(message[:size])
            self.assertEqual(receiver.try_recv(), message[:size])
            view = receiver.recv_view(LONG)
            self.assertEqual((view[:1], len(view), view.readonly), (message[:1], size, True))
            room = bytearray(size + 1)
            self.assertEqual(receiver.recv_into(room, LONG), size)
            self.assertEqual(room, message[:size] + b"\0")
            self.assertEqual(receiver.recv(), message[:size])

    def test_a_message_that_does_not_fit_stays(self):
        sender, _, _, receiver = self.pair()
        sender.send(b"too long")
        with self.assertRaises(twinring.TooSmall) as caught:
            receiver.recv_into(bytearray(3), LONG)
        self.assertEqual(caught.exception.needed, 8)
        self.assertEqual(receiver.recv(LONG), b"too long")

    def test_what_was_received_is_a_copy(self):
        sender, _, _, receiver = self.pair(ring_capacity=4096)
        sender.send(b"first")
        view = receiver.recv_view(LONG)
        for _ in range(1000):
            sender.send(b"other")
            receiver.recv(LONG)
        self.assertEqual(view, b"first")

    def test_a_full_ring_is_told_and_nothing_is_sent_twice(self):
        sender, _, _, receiver = self.pair(ring_capacity=4096)
        sent = 0
        while sender.try_send(b"x" * 100):
            sent += 1
        self.assertGreater(sent, 20)
        self.assertRaises(twinring.Timeout, sender.send, b"x" * 100, SHORT)
        self.assertRaises(twinring.Timeout, sender.send, b"x" * 100, 0)
        self.assertRaises(twinring.Timeout, sender.reserve, 100, SHORT)
        received = []
        while (message := receiver.try_recv()) is not None:
            received.append(message)
        self.assertEqual(len(received), sent)

    def test_who_waits_for_room_gets_it(self):
        sender, _, _, receiver = self.pair(ring_capacity=4096)
        count = 500

        def send():
            for number in range(count):
                sender.send(number.to_bytes(4, "little") * 25)
            sender.close()

        thread = threading.Thread(target=send)
        thread.start()
        received = [int.from_bytes(message[:4], "little") for message in receiver]
        thread.join(LONG)
        self.assertEqual(received, list(range(count)))

    def test_a_timeout_takes_its_time(self):
        _, receiver, _, _ = self.pair()
        for timeout in (0.0, SHORT, 0.13):
            started = time.monotonic()
            with self.assertRaises(TimeoutError) as caught:
                receiver.recv(timeout)
            self.assertIsInstance(caught.exception, twinring.Timeout)
            passed = time.monotonic() - started
            self.assertTrue(timeout <= passed < LONG, f"{passed} of {timeout}")

    def test_bad_inputs_are_told(self):
        sender, receiver, _, _ = self.pair()
        self.assertRaises(TypeError, sender.send, "text")
        self.assertRaises(TypeError, sender.send, None)
        self.assertRaises((ValueError, BufferError), sender.send, memoryview(b"abcdef")[::2])
        self.assertRaises((TypeError, BufferError), receiver.recv_into, b"read only")
        self.assertRaises(twinring.TooLarge, sender.send, b"x" * (sender.largest + 1))
        for timeout in (-1, float("nan")):
            self.assertRaises(ValueError, receiver.recv, timeout)
            self.assertRaises(ValueError, sender.send, b"x", timeout)
        self.assertRaises(twinring.BadArgument, twinring.pair, twinring.Options(wait=17))
        self.assertRaises(twinring.BadArgument, twinring.pair, twinring.Options(transport=17))
        self.assertRaises(OverflowError, twinring.pair, twinring.Options(ring_capacity=-1))
        self.assertRaises(twinring.BadArgument, twinring.Listener, "a\\b/" + "x" * 300)
        self.assertRaises(twinring.BadArgument, twinring.connect, "", 1.0)
        self.assertRaises(TypeError, twinring.connect, 7)

    def test_the_end_is_told(self):
        sender, _, _, receiver = self.pair()
        sender.send(b"last")
        sender.close()
        sender.close()
        self.assertTrue(sender.closed)
        self.assertEqual(list(receiver), [b"last"])
        self.assertRaises(twinring.Closed, receiver.recv)
        self.assertRaises(twinring.Closed, sender.send, b"x")
        other, _, _, its_receiver = self.pair()
        its_receiver.close()
        with self.assertRaises(twinring.Closed):
            # At the latest when there is no room.
            while True:
                other.send(b"x" * 1000, LONG)

    def test_who_closes_while_another_thread_waits_ends_that_wait(self):
        _, receiver, _, _ = self.pair()
        ended = []
        waiting = threading.Event()

        def wait():
            waiting.set()
            try:
                receiver.recv(LONG)
            except twinring.Closed:
                ended.append(True)

        thread = threading.Thread(target=wait)
        thread.start()
        waiting.wait(LONG)
        receiver.close()
        thread.join(LONG)
        self.assertEqual(ended, [True])

    def test_threads_take_turns(self):
        sender, _, _, receiver = self.pair()
        each, threads, received = 500, 4, []

        def send(number):
            for index in range(each):
                sender.send(b"%d %d" % (number, index))

        def receive():
            for message in receiver:
                received.append(message)

        sending = [threading.Thread(target=send, args=(number,)) for number in range(threads)]
        receiving = [threading.Thread(target=receive) for _ in range(2)]
        for thread in sending + receiving:
            thread.start()
        for thread in sending:
            thread.join(LONG)
        sender.close()
        for thread in receiving:
            thread.join(LONG)
        self.assertEqual(sorted(received), sorted(b"%d %d" % (n, i) for n in range(threads) for i in range(each)))

    def test_who_comes_while_another_thread_is_in_the_library_waits(self):
        sender, _, _, receiver = self.pair()
        sender.send(b"x")
        uses = (
            (receiver, lambda: receiver.recv(LONG)),
            (sender, lambda: sender.send(b"y")),
            (receiver, receiver.try_recv),
            (sender, lambda: sender.try_send(b"z")),
            (receiver, lambda: receiver.recv_into(bytearray(9), LONG)),
        )
        for number, (handle, use) in enumerate(uses):
            thread = threading.Thread(target=use)
            with handle._lock:
                thread.start()
                thread.join(SHORT)
                self.assertTrue(thread.is_alive(), f"use {number}")
            thread.join(LONG)
            self.assertFalse(thread.is_alive(), f"use {number}")

    def test_a_connection_is_gone_when_it_is_split(self):
        here, _there = twinring.pair()
        here.split()
        self.assertRaises(twinring.Closed, here.split)
        self.assertRaises(twinring.Closed, lambda: here.peer)

    def test_a_descriptor_is_polled(self):
        sender, _, _, receiver = self.pair()
        self.assertFalse(receiver.arm())
        self.assertEqual(select.select([receiver], [], [], 0)[0], [])
        sender.send(b"x")
        self.assertEqual(select.select([receiver], [], [], LONG)[0], [receiver])
        self.assertEqual(receiver.try_recv(), b"x")
        sender.send(b"y")
        self.assertTrue(receiver.arm())

    def test_finishing_waits_for_the_receiver(self):
        sender, _, _, receiver = self.pair()
        sender.send(b"x")
        order = []

        def receive():
            order.append(receiver.recv(LONG))
            receiver.close()

        thread = threading.Thread(target=receive)
        thread.start()
        sender.finish()
        order.append("finished")
        thread.join(LONG)
        self.assertEqual(order, [b"x", "finished"])


class Reservations(Case):
    """Writing in place."""

    def test_what_is_written_is_sent(self):
        sender, _, _, receiver = self.pair()
        with sender.reserve(5) as room:
            self.assertRaises(twinring.BadState, sender.send, b"no")
            room[:] = b"hello"
        self.assertEqual(receiver.recv(LONG), b"hello")
        reservation = sender.reserve(100, LONG)
        with reservation as room:
            room[:3] = b"abc"
            self.assertRaises(twinring.BadArgument, reservation.shorten, 101)
            reservation.shorten(3)
        self.assertEqual(receiver.recv(LONG), b"abc")
        self.assertRaises(twinring.BadState, reservation.__enter__)

    def test_what_fails_sends_nothing(self):
        sender, _, _, receiver = self.pair()
        with self.assertRaises(ZeroDivisionError), sender.reserve(5) as room:
            room[:] = b"hello"
            raise ZeroDivisionError
        sender.reserve(7).abandon()
        reservation = sender.reserve(7)
        del reservation
        gc.collect()
        self.assertRaises(twinring.TooLarge, sender.reserve, sender.largest + 1)
        sender.send(b"after")
        self.assertEqual(receiver.recv(LONG), b"after")

    def test_the_view_ends_with_the_block(self):
        sender, _, _, receiver = self.pair()
        with sender.reserve(5) as room:
            room[:] = b"hello"
        self.assertRaises(ValueError, lambda: room[0])
        with self.assertRaises(BufferError), sender.reserve(5) as room:
            exported = pickle.PickleBuffer(room)
        del exported
        sender.send(b"after")
        self.assertEqual([receiver.recv(LONG), receiver.recv(LONG)], [b"hello", b"after"])

    def test_a_view_that_is_kept_outlives_the_sender(self):
        sender, receiver, back, forth = self.pair()
        with sender.reserve(5) as room:
            kept = room[1:3]
        for end in (sender, receiver, back, forth):
            end.close()
        kept[:] = b"ok"
        self.assertEqual(bytes(kept), b"ok")


if __name__ == "__main__":
    unittest.main()
