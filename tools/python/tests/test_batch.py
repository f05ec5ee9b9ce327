# SPDX-License-Identifier: GPL-2.0
"""Batches."""

from __future__ import annotations

import errno
import fcntl
from collections.abc import Callable
from typing import Any

import refslab
import refslab.batch
from common import HeapTest


class TestBatch(HeapTest):
    def test_graph(self) -> None:
        with self.heap.batch() as batch:
            a = batch.alloc(self.Node)
            b = batch.alloc(self.Node)
            batch.set(a, "next", b)
            batch.set(b, "other", a)
            batch.write(b, b"hello", 3)
            data = batch.read(b, 2, 7)
            loaded = batch.load(a, "next")
            empty = batch.load(a, 1)
        self.assertEqual(len(batch), 8)
        self.assertEqual(a.result().type, self.Node)
        self.assertEqual(a.result().next.payload[3:8], b"hello")
        self.assertEqual(data.result(), b"\0hello\0")
        self.assertEqual(loaded.result().info.references, 3)
        self.assertIsNone(empty.result())
        # a, b and what was loaded are handles of ours.
        self.assertEqual(self.heap.info.handles, 3)
        del batch, a, b, data, loaded, empty
        self.assertEqual(self.heap.info.handles, 0)
        self.assertEqual(self.heap.gc.collect(), 2)

    def test_every_operation(self) -> None:
        a, leaf = self.Node(), self.Leaf()
        with self.heap.batch() as batch:
            copy = batch.dup(a)
            weak = batch.weak(leaf)
            batch.set(copy, "next", leaf)
            moved = batch.move(a, "next", a, "other")
            missing = batch.load(a, "next")
            exchanged = batch.compare_exchange(a, 1, leaf, copy)
            upgraded = batch.upgrade(weak)
            closed = batch.close(weak)
        self.assertEqual(copy.result().info.references, 3)
        self.assertIsNone(moved.result())
        self.assertIsNone(missing.result())
        self.assertTrue(exchanged.result())
        self.assertEqual(upgraded.result().info.references, 2)
        self.assertEqual((closed.error, weak.result().closed), (0, True))

    def test_close(self) -> None:
        a = self.Node()
        weak = a.ref()
        with self.heap.batch() as batch:
            made = batch.alloc(self.Leaf)
            batch.close(made)
            batch.close(a)
            batch.close(weak)
        self.assertTrue(a.closed and weak.closed and made.result().closed)
        self.assertEqual((self.heap.info.handles, self.heap.info.objects), (0, 0))

    def test_dead(self) -> None:
        leaf = self.Leaf()
        weak = leaf.ref()
        leaf.close()
        with self.heap.batch() as batch:
            node = batch.alloc(self.Node)
            dead = batch.upgrade(weak)
            batch.set(node, 0, dead)
        self.assertIsNone(dead.result())
        self.assertIsNone(node.result().next)

    def test_stops(self) -> None:
        a = self.Node()
        batch = self.heap.batch()
        done = batch.alloc(self.Leaf)
        missed = batch.compare_exchange(a, "next", a, done)
        never = batch.alloc(self.Leaf)
        with self.assertRaises(BlockingIOError):
            batch.run()
        self.assertEqual(done.result().type, self.Leaf)
        self.assertIs(missed.result(), False)
        self.assertEqual((missed.error, never.error), (errno.EAGAIN, None))
        self.assertEqual([entry for entry in batch if entry.error], [missed])
        with self.assertRaises(RuntimeError):
            never.result()
        with self.assertRaises(ValueError):
            batch.run()
        with self.assertRaises(ValueError):
            batch.alloc(self.Leaf)

    def test_goes_on(self) -> None:
        leaf = self.Leaf()
        batch = self.heap.batch()
        wrong = batch.read(leaf, 30, 3)
        gone = batch.alloc(self.Leaf)
        batch.close(gone)
        again = batch.dup(gone)
        lost = batch.dup(again)
        fine = batch.alloc(self.Leaf)
        batch.run(stop=False)
        self.assertEqual(
            [entry.error for entry in (wrong, gone, again, lost, fine)],
            [errno.EINVAL, 0, errno.EBADF, errno.ECANCELED, 0],
        )
        self.fails(errno.EINVAL, wrong.result)

    def test_many(self) -> None:
        """More than one call takes: later calls use what earlier ones made."""
        batch = self.heap.batch()
        first = last = batch.alloc(self.Node)
        for _ in range(5000):
            new = batch.alloc(self.Node)
            batch.set(last, "next", new)
            if last is not first:
                batch.close(last)
            last = new
        failed = batch.dup(batch.load(last, "next"))
        closed = batch.dup(last)
        batch.run(stop=False)
        # The last next is empty, so its load gives nothing, and nothing has no second handle.
        self.assertEqual(failed.error, errno.EBADF)
        self.assertEqual(closed.error, 0)
        self.alive(5001)
        self.assertEqual(self.heap.info.handles, 3)
        node, length = first.result(), 1
        while (node := node.next) is not None:
            length += 1
        self.assertEqual(length, 5001)

    def test_failure_across_calls(self) -> None:
        leaf = self.Leaf()
        batch = self.heap.batch()
        made = batch.alloc(self.Node)
        failed = batch.dup(made)
        batch.close(made)
        wrong = batch.dup(made)
        fillers = [batch.read(leaf, 0, 1) for _ in range(5000)]
        late = batch.dup(wrong)
        dead = batch.dup(made)
        batch.run(stop=False)
        self.assertEqual([entry.error for entry in (made, failed, wrong)], [0, 0, errno.EBADF])
        self.assertEqual((late.error, dead.error), (errno.ECANCELED, errno.EBADF))
        self.assertTrue(all(entry.error == 0 for entry in fillers))

    def test_exception_runs_nothing(self) -> None:
        with self.assertRaises(KeyError), self.heap.batch() as batch:
            batch.alloc(self.Node)
            raise KeyError
        self.alive(0)

    def test_refused(self) -> None:
        a = self.Node()
        batch, other = self.heap.batch(), self.heap.batch()
        made = other.alloc(self.Node)
        with self.assertRaises(ValueError):
            batch.set(made, 0, a)
        with self.assertRaises(ValueError):
            batch.set(a, 0, made)
        with self.assertRaises(TypeError):
            other.dup(other.set(made, 0, a))
        with self.assertRaises(TypeError):
            other.load(other.weak(made), 0)
        with self.assertRaises(ValueError):
            batch.write(a, bytes(17))
        with self.assertRaises(ValueError):
            batch.read(a, 0, 0)
        with self.assertRaises(IndexError):
            batch.load(a, 2)
        with self.assertRaises(ValueError):
            batch.load(batch.load(a, 0), "next")
        with refslab.Heap() as heap:
            with self.assertRaises(ValueError):
                batch.alloc(heap.type("leaf", payload=1))
            with self.assertRaises(ValueError):
                heap.batch().dup(a)

    def test_out_of_range(self) -> None:
        """What an entry has no room for is no other byte or slot."""
        node = self.Node()
        node.next = node
        batch = self.heap.batch()
        loaded = batch.load(node, 0)
        batch.write(node, b"x", 1 << 32)
        batch.read(node, -1, 1)
        batch.read(node, 1 << 32, 1)
        batch.load(loaded, 1 << 32)
        batch.move(loaded, 0, loaded, (1 << 32) + 1)
        fine = batch.write(node, b"x", 1)
        batch.run(stop=False)
        self.assertEqual([entry.error for entry in batch], [0, *[errno.EINVAL] * 5, 0])
        self.assertIsNone(fine.result())
        self.assertEqual(node.payload[:2], b"\0x")
        self.assertIsNone(node.other)

    def test_no_bytes(self) -> None:
        batch = self.heap.batch()
        with self.assertRaises(TypeError):
            batch.write(self.Leaf(), 5)
        self.assertEqual(len(batch), 0)

    def interrupted(self, module: Any, name: str, after: int, then: Callable[..., object]) -> tuple[list[Any], Any]:
        """Run a batch whose end is interrupted when it uses something; return the entries, and what they close."""
        leaf, calls = self.Leaf(), 0
        batch = self.heap.batch()
        for _ in range(4):
            batch.alloc(self.Leaf)
        batch.close(leaf)
        before = getattr(module, name)

        def used(*arguments: object) -> object:
            nonlocal calls
            calls += 1
            if calls == after:
                return then(before, *arguments)
            return before(*arguments)

        setattr(module, name, used)
        try:
            with self.assertRaises(KeyboardInterrupt):
                batch.run()
        finally:
            setattr(module, name, before)
        return list(batch), leaf

    def test_interrupted(self) -> None:
        """A handler that raises when the call has been done, as that of SIGINT, hides nothing of it."""

        def raises_late(ioctl: Callable[..., object], *arguments: object) -> None:
            ioctl(*arguments)
            raise KeyboardInterrupt

        entries, leaf = self.interrupted(fcntl, "ioctl", 1, raises_late)
        self.assertEqual([entry.error for entry in entries], [0] * 5)
        self.assertEqual(self.heap.info.handles, 4)
        self.assertTrue(leaf.closed)
        del entries
        self.alive(0)

    def test_interrupted_afterwards(self) -> None:
        """Nor one that raises while Python is told of what was done, but for the entry that it is at."""

        def raises(*_: object) -> None:
            raise KeyboardInterrupt

        entries, leaf = self.interrupted(refslab.batch, "Object", 2, raises)
        self.assertEqual([entry.error for entry in entries], [0] * 5)
        self.assertEqual([type(entry.result()) is refslab.Object for entry in entries], [True, False, True, True, False])
        self.assertTrue(leaf.closed)

    def test_empty(self) -> None:
        self.assertEqual(self.heap.batch().run(), [])
