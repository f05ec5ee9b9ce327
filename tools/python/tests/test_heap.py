# SPDX-License-Identifier: GPL-2.0
"""Heaps and types."""

from __future__ import annotations

import copy
import errno
import os
import pathlib
import pickle
import unittest

import refslab
from common import HeapTest, eventually

SYSFS = pathlib.Path("/sys/kernel/refslab")


class TestHeap(unittest.TestCase):
    def test_name_and_sysfs(self) -> None:
        with refslab.Heap("python-test", limit=16 << 20) as heap:
            self.assertEqual(heap.name, "python-test")
            self.assertEqual(heap.info.limit, 16 << 20)
            self.assertTrue((SYSFS / "python-test").is_dir())
            with self.assertRaises(FileExistsError):
                refslab.Heap("python-test")
        self.assertTrue(heap.closed)
        self.assertTrue(eventually(lambda: not (SYSFS / "python-test").exists()))

    def test_name_by_kernel(self) -> None:
        with refslab.Heap() as heap:
            self.assertTrue((SYSFS / heap.name).is_dir())

    def test_bad_names(self) -> None:
        with self.assertRaises(ValueError):
            refslab.Heap("x" * 32)
        with self.assertRaises(ValueError):
            refslab.Heap("a\0b")
        with self.assertRaises(OSError) as caught:
            refslab.Heap("a/b")
        self.assertEqual(caught.exception.errno, errno.EINVAL)

    def test_no_device(self) -> None:
        with self.assertRaises(FileNotFoundError):
            refslab.Heap(device="/dev/refslab-is-not-here")

    def test_failed_heap_closes_its_descriptor(self) -> None:
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(8):
            with self.assertRaises(OSError):
                refslab.Heap("a/b")
        self.assertEqual(len(os.listdir("/proc/self/fd")), before)

    def test_goes_with_its_last_user(self) -> None:
        before = len(os.listdir("/proc/self/fd"))
        heap = refslab.Heap()
        leaf = heap.type("leaf", payload=8)()
        del heap
        # The object keeps it.
        self.assertEqual(leaf.info.references, 1)
        del leaf
        self.assertEqual(len(os.listdir("/proc/self/fd")), before)

    def test_closed_heap(self) -> None:
        heap = refslab.Heap()
        Node = heap.type("node", slots=1)
        node = Node()
        heap.close()
        heap.close()
        for use in (heap.fileno, Node, lambda: node.slots[0], lambda: heap.info, heap.gc.collect):
            with self.assertRaises(ValueError):
                use()
        self.assertTrue(node.closed)
        node.close()
        self.assertEqual(repr(heap), "<refslab.Heap closed>")
        self.assertEqual(repr(node), "<refslab.Object closed>")

    def test_limits(self) -> None:
        with refslab.Heap() as heap:
            chunk = heap.info.chunk_bytes
            heap.set_limits(limit=64 * chunk, reserve=2 * chunk, high=8 * chunk, low=4 * chunk)
            info = heap.info
            self.assertEqual((info.limit, info.reserve), (64 * chunk, 2 * chunk))
            self.assertEqual((info.low, info.high), (4 * chunk, 8 * chunk))
            heap.set_limits(high=16 * chunk)
            self.assertEqual(heap.info.low, 4 * chunk)
            with self.assertRaises(OSError) as caught:
                heap.set_limits(reserve=65 * chunk)
            self.assertEqual(caught.exception.errno, errno.EINVAL)

    def test_full(self) -> None:
        with refslab.Heap(limit=1 << 20) as heap:
            Leaf = heap.type("leaf", payload=4096)
            kept = []
            with self.assertRaises(OSError) as caught:
                for _ in range(1000):
                    kept.append(Leaf())
            self.assertEqual(caught.exception.errno, errno.ENOSPC)
            self.assertGreater(len(kept), 50)

    def test_no_copies(self) -> None:
        with refslab.Heap() as heap:
            for thing in (heap, heap.type("leaf", payload=8)()):
                with self.assertRaises(TypeError):
                    copy.copy(thing)
                with self.assertRaises(TypeError):
                    pickle.dumps(thing)


class TestNumbers(HeapTest):
    def test_out_of_range(self) -> None:
        """What a call has no room for is refused, not cut to something else."""
        before = self.heap.info
        for ask in (
            lambda: refslab.Heap(limit=1 << 64),
            lambda: refslab.Heap(limit=-1),
            lambda: self.heap.invite(limit=1 << 64),
            lambda: self.heap.set_limits(limit=(1 << 64) + (1 << 24)),
            lambda: self.heap.type("slots", slots=(1 << 32) + 1),
            lambda: self.heap.type("payload", payload=(1 << 32) + 16),
            lambda: self.heap.type("align", payload=16, align=1 << 32),
            lambda: list(self.heap.objects(generation=-1)),
            lambda: self.heap.stats(1 << 32),
            lambda: self.heap.events(room=1 << 32),
        ):
            self.fails(errno.EINVAL, ask)
        self.assertEqual(self.heap.info, before)


class TestType(HeapTest):
    def test_looks(self) -> None:
        self.assertEqual((self.Node.name, self.Node.slots, self.Node.payload), ("node", 2, 64))
        self.assertTrue(self.Leaf.leaf)
        self.assertFalse(self.Node.leaf)
        kept = [self.Node() for _ in range(3)]
        info = self.Node.info
        self.assertEqual((info.name, info.slots, info.payload, info.objects), ("node", 2, 64, len(kept)))
        self.assertGreaterEqual(info.object_size, 16 + 2 * 8 + 64)
        self.assertGreater(info.slab_objects, 0)
        self.assertEqual(info.slabs, 1)
        self.assertEqual((info.leaf, info.mapped, self.Leaf.info.leaf), (False, False, True))

    def test_by_name(self) -> None:
        self.assertEqual(list(self.heap.types), ["node", "leaf"])
        self.assertEqual(len(self.heap.types), 2)
        self.assertEqual(self.heap.types["node"], self.Node)
        self.assertNotEqual(self.heap.types["leaf"], self.Node)
        self.assertEqual(self.heap.types["node"].slot_names, ("next", "other"))
        with self.assertRaises(KeyError):
            self.heap.types["none"]
        self.assertNotIn("none", self.heap.types)

    def test_destroy(self) -> None:
        leaf = self.Leaf()
        self.fails(errno.EBUSY, self.Leaf.destroy)
        leaf.close()
        self.Leaf.destroy()
        self.fails(errno.ENOENT, self.Leaf)
        self.assertEqual(list(self.heap.types), ["node"])

    def test_number_used_again(self) -> None:
        self.Node.destroy()
        again = self.heap.type("again", slots=("left", "right", "up"))
        self.assertEqual(again.number, self.Node.number)
        node = again()
        node.up = again()
        self.assertIsNone(node.up.up)

    def test_refused(self) -> None:
        self.fails(errno.EEXIST, self.heap.type, "node", slots=1)
        self.fails(errno.EINVAL, self.heap.type, "empty")
        self.fails(errno.EINVAL, self.heap.type, "many", slots=1025)
        self.fails(errno.EINVAL, self.heap.type, "big", payload=8193)
        self.fails(errno.EINVAL, self.heap.type, "crooked", payload=8, align=3)
        for names in (["a", "a"], ["no name"], ["_private"], ["payload"], ["close"], ["class"]):
            with self.subTest(names=names), self.assertRaises(ValueError):
                self.heap.type("wrong", slots=names)
        self.assertEqual(len(self.heap.types), 2)

    def test_slot_names(self) -> None:
        wide = self.heap.type("wide", slots=5)
        node = wide()
        with self.assertRaises(AttributeError):
            node.first
        with self.assertRaises(AttributeError):
            node.first = node
        wide.slot_names = ("first", "second")
        node.second = node
        self.assertIsNone(node.first)
        self.assertIsNotNone(node.slots[1])
        with self.assertRaises(ValueError):
            wide.slot_names = "abcdef"
