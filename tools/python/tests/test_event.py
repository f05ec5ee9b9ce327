# SPDX-License-Identifier: GPL-2.0
"""Events, and the callbacks that are made of them."""

from __future__ import annotations

import errno
import gc as python_gc
import os
import select
import threading
import time
import unittest

import refslab
from common import HeapTest, eventually, interpret
from refslab import EventKind, gc


class TestEvents(HeapTest):
    def test_sweep(self) -> None:
        events = self.heap.events(deaths=False)
        self.cycle(3).close()
        before = time.monotonic_ns()
        self.heap.gc.collect(1)
        after = time.monotonic_ns()
        start, end = events.read()
        self.assertEqual((start.kind, start.generation), (EventKind.SWEEP_START, 1))
        self.assertEqual((end.kind, end.generation), (EventKind.SWEEP_END, 1))
        self.assertTrue(before <= start.time_ns <= end.time_ns <= after)
        self.assertEqual((end.examined, end.freed, end.unfreed, end.aborts), (3, 3, 0, 0))
        self.assertLessEqual(end.duration_ns, after - before)
        self.assertEqual((start.ref, start.lost, start.freed, start.duration_ns), (None, 0, 0, 0))
        self.assertEqual(events.read(timeout=0), [])

    def test_deaths(self) -> None:
        events = self.heap.events(sweeps=False)
        leaf, ring = self.Leaf(), self.cycle(2)
        weak, forgotten, cyclic = leaf.ref(), leaf.ref(), ring.ref()
        forgotten.close()
        leaf.close()
        (dead,) = events.read()
        self.assertEqual(dead.kind, EventKind.WEAK_DEAD)
        self.assertIs(dead.ref, weak)
        self.assertIsNone(weak())
        ring.close()
        self.assertEqual(events.read(timeout=0.01), [])
        self.heap.gc.collect()
        self.assertIs(events.read()[0].ref, cyclic)

    def test_death_of_what_batches_made(self) -> None:
        events = self.heap.events(sweeps=False)
        with self.heap.batch() as batch:
            leaf = batch.alloc(self.Leaf)
            weak = batch.weak(leaf)
            batch.close(leaf)
        self.assertIs(events.read()[0].ref, weak.result())

    def test_reference_is_gone(self) -> None:
        events = self.heap.events(sweeps=False)
        leaf = self.Leaf()
        weak = leaf.ref()
        leaf.close()
        del weak
        (dead,) = events.read()
        self.assertEqual((dead.kind, dead.ref), (EventKind.WEAK_DEAD, None))

    def test_lost(self) -> None:
        events = self.heap.events(room=4)
        for _ in range(5):
            self.heap.gc.collect(0)
        got = events.read()
        self.assertEqual([event.kind for event in got[:4]], [EventKind.SWEEP_START, EventKind.SWEEP_END] * 2)
        self.assertEqual([(event.kind, event.lost) for event in got[4:]], [(EventKind.LOST, 6)])
        self.heap.gc.collect(0)
        self.assertEqual(len(events.read()), 2)

    def test_waits(self) -> None:
        events = self.heap.events()
        before = time.monotonic()
        self.assertEqual(events.read(timeout=0.05), [])
        self.assertGreaterEqual(time.monotonic() - before, 0.05)
        later = threading.Timer(0.05, self.heap.gc.collect)
        later.start()
        self.assertEqual(next(iter(events)).kind, EventKind.SWEEP_START)
        later.join()

    def test_poll(self) -> None:
        events = self.heap.events()
        self.assertEqual(select.select([events], [], [], 0)[0], [])
        self.heap.gc.collect()
        self.assertEqual(select.select([events], [], [], 10)[0], [events])

    @unittest.skipUnless(hasattr(os, "eventfd"), "Python before 3.10")
    def test_eventfd(self) -> None:
        number = os.eventfd(0)
        self.heap.events(eventfd=number)
        self.heap.gc.collect()
        self.assertGreater(os.eventfd_read(number), 0)
        os.close(number)
        self.fails(errno.EBADF, self.heap.events, eventfd=number)

    def test_close(self) -> None:
        with self.heap.events() as events:
            self.heap.gc.collect()
        with self.assertRaises(ValueError):
            events.read()
        events.close()
        # Asked for anew, nothing of before is there.
        self.assertEqual(self.heap.events().read(timeout=0), [])

    def test_close_while_waiting(self) -> None:
        events = self.heap.events()
        later = threading.Timer(1, events.close)
        later.start()
        self.fails(errno.ENXIO, events.read, timeout=10)
        later.join()

    def test_refused(self) -> None:
        for room in (1, 65537):
            self.fails(errno.EINVAL, self.heap.events, room=room)
        with self.assertRaises(ValueError):
            self.heap.events(sweeps=False, deaths=False)
        reading, writing = os.pipe()
        self.fails(errno.EBADF, self.heap.events, eventfd=reading)
        os.close(reading)
        os.close(writing)

    def test_events_of_sharers(self) -> None:
        """Sweeps are the heap's; deaths are told to whose weak reference it is."""
        with refslab.Heap.join(self.heap.invite()) as other:
            mine, theirs = self.heap.events(), other.events()
            self.heap.roots["leaf"] = self.Leaf()
            weak = other.roots["leaf"].ref()
            del self.heap.roots["leaf"]
            self.assertIs(theirs.read()[0].ref, weak)
            self.assertEqual(mine.read(timeout=0.01), [])
            other.gc.collect()
            self.assertEqual(len(mine.read()), 2)


class TestCallbacks(HeapTest):
    def setUp(self) -> None:
        super().setUp()
        self.calls: list[tuple[str, dict[str, int]]] = []

    def note(self, phase: str, info: dict[str, int]) -> None:
        self.calls.append((phase, info))

    def test_collect(self) -> None:
        gc.callbacks.append(self.note)
        self.cycle(3).close()
        gc.collect()
        # As Python's own has it, and before collect() returns.
        self.assertEqual(
            self.calls,
            [
                ("start", {"generation": 2, "collected": 0, "uncollectable": 0}),
                ("stop", {"generation": 2, "collected": 3, "uncollectable": 0}),
            ],
        )
        pythons: list[dict[str, int]] = []
        python_gc.callbacks.append(lambda phase, info: pythons.append(info))
        python_gc.collect()
        python_gc.callbacks.pop()
        self.assertEqual(set(pythons[0]), set(self.calls[0][1]))

    def test_automatic(self) -> None:
        gc.callbacks.append(self.note)
        gc.set_threshold(50)
        gc.enable()
        for _ in range(300):
            self.cycle(2).close()
        self.assertTrue(eventually(lambda: any(phase == "stop" for phase, _ in self.calls)))
        gc.disable()

    def test_no_thread(self) -> None:
        """Where none can be started nothing stays open."""

        def start(thread: threading.Thread) -> None:
            raise RuntimeError("can't start new thread")

        before, start_before = len(os.listdir("/proc/self/fd")), threading.Thread.start
        threading.Thread.start = start  # type: ignore[method-assign]
        try:
            with self.assertRaises(RuntimeError):
                gc.callbacks.append(self.note)
        finally:
            threading.Thread.start = start_before  # type: ignore[method-assign]
        self.assertEqual((len(gc.callbacks), len(os.listdir("/proc/self/fd"))), (0, before))

    def test_list(self) -> None:
        self.assertEqual(self.heap.info.sessions, 1)
        gc.callbacks.append(self.note)
        gc.callbacks.append(print)
        self.assertEqual((len(gc.callbacks), self.heap.info.sessions), (2, 2))
        self.assertEqual(gc.callbacks[0], self.note)
        self.assertIn(print, gc.callbacks)
        gc.callbacks[1] = self.note
        self.assertEqual(gc.callbacks[:], [self.note, self.note])
        gc.collect()
        self.assertEqual(len(self.calls), 4)
        gc.callbacks.remove(self.note)
        del gc.callbacks[:]
        # The session goes with the last function.
        self.assertEqual(len(gc.callbacks), 0)
        self.assertTrue(eventually(lambda: self.heap.info.sessions == 1))
        gc.collect()
        self.assertEqual(len(self.calls), 4)
        gc.callbacks[:] = [self.note]
        gc.collect()
        self.assertEqual(len(self.calls), 6)
        gc.callbacks[:] = []
        self.assertTrue(eventually(lambda: self.heap.info.sessions == 1))
        with self.assertRaises(IndexError):
            gc.callbacks[3] = self.note
        self.assertTrue(eventually(lambda: self.heap.info.sessions == 1))

    def test_programs_events_are_its_own(self) -> None:
        events = self.heap.events()
        gc.callbacks.append(self.note)
        gc.collect()
        self.assertEqual((len(events.read()), len(self.calls)), (2, 2))

    def test_from_within(self) -> None:
        """A function may sweep, and take itself off the list."""

        def once(phase: str, info: dict[str, int]) -> None:
            gc.callbacks.remove(once)
            gc.collect()
            self.note(phase, info)

        gc.callbacks.append(once)
        gc.collect()
        self.assertEqual([phase for phase, _ in self.calls], ["start"])
        self.assertTrue(eventually(lambda: self.heap.info.sessions == 1))

    def test_closes_its_heap(self) -> None:
        gc.callbacks.append(lambda phase, info: self.heap.close())
        gc.collect()
        self.assertTrue(self.heap.closed)

    def test_nothing_is_left(self) -> None:
        threads, descriptors = threading.active_count(), len(os.listdir("/proc/self/fd"))
        for _ in range(4):
            heap = refslab.Heap()
            heap.gc.callbacks.append(self.note)
            heap.gc.collect()
            del heap
        self.assertEqual(len(self.calls), 8)
        self.assertTrue(eventually(lambda: threading.active_count() == threads))
        self.assertEqual(len(os.listdir("/proc/self/fd")), descriptors)

    def test_child(self) -> None:
        gc.callbacks.append(self.note)

        def sweep() -> bool:
            self.heap.gc.collect()
            self.heap.close()
            return self.calls == []

        self.reap(self.child(sweep))
        self.assertEqual(self.heap.info.sessions, 2)
        # Of the child's sweep as of any.
        self.assertTrue(eventually(lambda: len(self.calls) == 2))


class TestPrograms(unittest.TestCase):
    def test_raises(self) -> None:
        """What a function raises is printed, and the others are called."""
        done = interpret(
            "from refslab import gc\n"
            "def wrong(phase, info): raise KeyError(phase)\n"
            "gc.callbacks.append(wrong)\n"
            "gc.callbacks.append(lambda phase, info: print(phase))\n"
            "print(gc.collect())\n"
        )
        lines = [line for line in done.stdout.splitlines() if line in ("start", "stop", "0") or "Error" in line]
        self.assertEqual(sorted(lines), ["0", "KeyError: 'start'", "KeyError: 'stop'", "start", "stop"])
        self.assertEqual(done.returncode, 0)

    def test_ends_with_callbacks(self) -> None:
        done = interpret("from refslab import gc\ngc.callbacks.append(lambda phase, info: None)\ngc.collect()\n")
        self.assertEqual((done.returncode, done.stdout), (0, ""))
