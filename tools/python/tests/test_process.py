# SPDX-License-Identifier: GPL-2.0
"""Threads, children, signals and the end of the process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import unittest
from collections.abc import Callable

from common import CLIENT, HeapTest, interpret


class TestThreads(HeapTest):
    def test_beside_each_other(self) -> None:
        """Threads build rings and let them go while others sweep; all that is left is what the tests hold."""
        wrong: list[BaseException] = []

        def work(function: Callable[[], None]) -> None:
            try:
                function()
            except BaseException as error:
                wrong.append(error)

        def build() -> None:
            for _ in range(60):
                ring = self.cycle(4)
                ring.payload[:4] = b"ring"
                weak = ring.ref()
                found = weak()
                assert found is not None and found.payload[:4] == b"ring"

        def sweep() -> None:
            for _ in range(20):
                self.heap.gc.collect()

        threads = [threading.Thread(target=work, args=(each,)) for each in (build, build, build, sweep)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])
        self.assertEqual(self.heap.info.handles, 0)
        self.heap.gc.collect()
        self.alive(0)

    def test_closed_once(self) -> None:
        """Of threads that close the same Object one does, and none fails."""
        wrong: list[BaseException] = []
        for _ in range(50):
            leaf = self.Leaf()
            barrier = threading.Barrier(3)

            def close() -> None:
                barrier.wait()
                try:
                    leaf.close()
                except BaseException as error:
                    wrong.append(error)

            threads = [threading.Thread(target=close) for _ in range(3)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        self.assertEqual(wrong, [])
        self.alive(0)


class TestChildren(HeapTest):
    def test_takes_nothing_along(self) -> None:
        """What a forked child lets go of is not its to close."""
        kept = [self.Leaf()]
        weak = [kept[0].ref()]

        def let_go() -> bool:
            handles = self.heap.info.handles
            kept.clear()
            weak.clear()
            return handles == self.heap.info.handles == 2

        self.reap(self.child(let_go))
        self.assertEqual(self.heap.info.handles, 2)
        self.assertEqual(kept[0].info.references, 1)

    def test_keeps_the_heap(self) -> None:
        """The session is there as long as a child has it, though its parent closed it."""
        name = self.heap.name
        reading, writing = os.pipe()

        def look_later() -> bool:
            os.close(writing)
            os.read(reading, 1)
            return self.heap.name == name

        child = self.child(look_later)
        self.heap.close()
        os.close(writing)
        self.reap(child)
        os.close(reading)


class TestSignals(HeapTest):
    def test_calls_go_on(self) -> None:
        """Signals that come in the middle of calls are handled, and the calls are done."""
        caught = []
        before = signal.signal(signal.SIGALRM, lambda *_: caught.append(1))
        signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
        try:
            for _ in range(100):
                self.cycle(3).close()
            with self.heap.batch() as batch:
                made = [batch.alloc(self.Leaf) for _ in range(5000)]
            while not caught:
                self.heap.gc.collect()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        self.assertTrue(all(entry.error == 0 for entry in made))
        self.heap.gc.collect()
        self.alive(5000)


class TestEnd(unittest.TestCase):
    def test_nothing_is_printed(self) -> None:
        """A program may end with heaps open and objects in its hands, in cycles of Python's too."""
        done = interpret(
            "import refslab\n"
            "heap = refslab.Heap()\n"
            "Node = heap.type('node', slots=('next',))\n"
            "a = Node()\n"
            "a.next = a\n"
            "weak = a.ref()\n"
            "circle = [a]\n"
            "circle.append(circle)\n"
            "refslab.gc.collect()\n"
        )
        self.assertEqual((done.returncode, done.stdout), (0, ""))

    def test_exception(self) -> None:
        done = interpret("import refslab\nwith refslab.Heap() as heap:\n    heap.type('leaf', payload=8)()\n    raise KeyError")
        self.assertEqual((done.returncode, done.stdout.splitlines()[-1]), (1, "KeyError"))

    def test_optimized(self) -> None:
        """Nothing depends on assertions."""
        done = subprocess.run(
            [sys.executable, "-O", str(CLIENT / "examples" / "cycle.py")],
            env={**os.environ, "PYTHONPATH": str(CLIENT)},
            stdout=subprocess.PIPE,
            timeout=60,
        )
        self.assertEqual(done.returncode, 0)
