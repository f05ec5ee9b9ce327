# SPDX-License-Identifier: GPL-2.0
"""Objects, their slots and their payloads; weak references."""

from __future__ import annotations

import array
import errno
import struct

import refslab
from common import HeapTest


class TestObject(HeapTest):
    def test_handle_goes_with_the_python_object(self) -> None:
        a = self.Node()
        b = a.dup()
        self.assertEqual(a.info.references, 2)
        del b
        self.assertEqual(a.info.references, 1)
        with a:
            self.alive(1)
        self.assertTrue(a.closed)
        self.alive(0)
        a.close()
        with self.assertRaises(ValueError):
            a.info
        with self.assertRaises(ValueError):
            a.next

    def test_info(self) -> None:
        info = self.Node().info
        self.assertEqual(info.type, self.Node.number)
        self.assertEqual((info.slots, info.payload, info.generation, info.references), (2, 64, 0, 1))
        self.assertEqual((info.tracked, info.quarantined, info.read_only), (True, False, False))
        self.assertFalse(self.Leaf().info.tracked)

    def test_attributes(self) -> None:
        a, b = self.Node(), self.Node()
        self.assertIsNone(a.next)
        b.payload[0] = 7
        a.next = b
        del b
        self.alive(2)
        self.assertEqual(a.next.payload[0], 7)
        self.assertEqual(a.next.type, self.Node)
        self.assertIsNone(a.next.next)
        a.other = a.next
        self.assertEqual(a.next.info.references, 3)
        del a.next
        self.assertIsNone(a.next)
        a.other = None
        self.alive(1)
        self.assertIn("next", dir(a))
        for name in ("nothing", "_nothing", "heap2"):
            with self.assertRaises(AttributeError):
                getattr(a, name)
            with self.assertRaises(AttributeError):
                setattr(a, name, None)
        with self.assertRaises(AttributeError):
            a.heap = None

    def test_slots(self) -> None:
        a, b = self.Node(), self.Leaf()
        a.slots[1] = b
        self.assertEqual(len(a.slots), 2)
        self.assertEqual(a.slots["other"].type, self.Leaf)
        self.assertEqual(a.slots[-1].type, self.Leaf)
        self.assertEqual([slot is None for slot in a.slots], [True, False])
        for number in (2, -3):
            with self.assertRaises(IndexError):
                a.slots[number]
        with self.assertRaises(KeyError):
            a.slots["third"]
        del a.slots["other"]
        self.assertIsNone(a.other)
        self.assertEqual(len(b.slots), 0)

    def test_move(self) -> None:
        a, b, target = self.Node(), self.Node(), self.Leaf()
        a.next = target
        b.other = self.Leaf()
        a.slots.move("next", b, "other")
        self.assertIsNone(a.next)
        self.assertEqual(target.info.references, 2)
        self.alive(3)
        b.slots.move("other", b, 0)
        self.assertIsNone(b.other)
        self.assertIsNotNone(b.next)

    def test_compare_exchange(self) -> None:
        a, b, c = self.Node(), self.Node(), self.Node()
        self.assertTrue(a.slots.compare_exchange("next", None, b))
        self.assertFalse(a.slots.compare_exchange("next", None, c))
        self.assertFalse(a.slots.compare_exchange("next", c, b))
        # Tells whether a slot refers to an object.
        self.assertTrue(a.slots.compare_exchange("next", b, b))
        self.assertTrue(a.slots.compare_exchange("next", b.dup(), c))
        self.assertEqual((b.info.references, c.info.references), (1, 2))
        self.assertTrue(a.slots.compare_exchange("next", c, None))
        self.assertIsNone(a.next)

    def test_heaps_are_apart(self) -> None:
        with refslab.Heap() as other:
            stranger = other.type("stranger", slots=1)()
            a = self.Node()
            with self.assertRaises(ValueError):
                a.next = stranger
            with self.assertRaises(ValueError):
                a.slots.move(0, stranger, 0)
            with self.assertRaises(ValueError):
                a.slots.compare_exchange(0, stranger, None)
            with self.assertRaises(ValueError):
                self.heap.gc.get_referents(stranger)

    def test_objects(self) -> None:
        kept = [self.Node() for _ in range(600)]
        leaves = [self.Leaf() for _ in range(3)]
        self.assertEqual(len(list(self.Node.objects())), len(kept))
        self.assertEqual(len(list(self.heap.objects())), len(kept) + len(leaves))
        self.assertEqual({found.type for found in self.Leaf.objects()}, {self.Leaf})
        # Those that were found and not wanted are closed.
        next(iter(self.Node.objects()))
        self.assertEqual(self.heap.info.handles, len(kept) + len(leaves))

    def test_generations(self) -> None:
        a = self.cycle(3)
        self.heap.gc.collect(0)
        # A candidate that survived is a generation older.
        self.assertEqual(a.info.generation, 1)
        self.assertEqual(len(list(self.Node.objects(generation=1))), 3)
        self.assertEqual(list(self.Node.objects(generation=0)), [])
        self.fails(errno.EINVAL, lambda: list(self.Node.objects(generation=4)))

    def test_chain(self) -> None:
        first = last = self.Node()
        for _ in range(3000):
            new = self.Node()
            last.next = new
            last = new
        del last, new
        self.alive(3001)
        first.close()
        self.alive(0)


class TestPayload(HeapTest):
    def test_slices(self) -> None:
        payload = self.Node().payload
        self.assertEqual(len(payload), 64)
        self.assertEqual(bytes(payload), bytes(64))
        payload[2:6] = b"abcd"
        self.assertEqual(payload[:8], b"\0\0abcd\0\0")
        self.assertEqual(payload[3], ord("b"))
        payload[-1] = 255
        self.assertEqual(payload[-2:], b"\0\xff")
        self.assertEqual(payload[10:10], b"")
        payload[10:10] = b""
        self.assertEqual(payload[60:100], b"\0\0\0\xff")
        self.assertEqual(list(payload)[2:4], [ord("a"), ord("b")])

    def test_refused(self) -> None:
        payload = self.Node().payload
        for index in (64, -65):
            with self.assertRaises(IndexError):
                payload[index]
            with self.assertRaises(IndexError):
                payload[index] = 1
        with self.assertRaises(ValueError):
            payload[0:4] = b"abc"
        with self.assertRaises(ValueError):
            payload[0:8:2]
        with self.assertRaises(ValueError):
            payload[0] = 256
        with self.assertRaises(TypeError):
            payload[0] = b"a"
        with self.assertRaises(TypeError):
            payload[0:4] = 4
        with self.assertRaises(TypeError):
            payload.write(4)
        with self.assertRaises(IndexError):
            payload.write(b"abcd", 61)
        with self.assertRaises(IndexError):
            payload.read(60, 5)
        with self.assertRaises(IndexError):
            payload.read(-1, 5)
        with self.assertRaises(ValueError):
            payload.read(0, -1)
        self.assertEqual(bytes(payload), bytes(64))

    def test_buffers(self) -> None:
        payload = self.Node().payload
        numbers = array.array("i", range(16))
        self.assertEqual(payload.write(memoryview(numbers)), 64)
        back = array.array("i", [0] * 16)
        self.assertEqual(payload.readinto(memoryview(back)), 64)
        self.assertEqual(back, numbers)
        part = bytearray(8)
        self.assertEqual(payload.readinto(part, 8), 8)
        self.assertEqual(part, struct.pack("2i", 2, 3))
        # Nothing holds the buffer any more.
        part.append(0)
        with self.assertRaises(IndexError):
            payload.readinto(bytearray(65))
        with self.assertRaises(TypeError):
            payload.readinto(memoryview(b"read-only"))

    def test_struct(self) -> None:
        payload = self.Node().payload
        payload.pack_into("<qd", 8, -5, 0.5)
        self.assertEqual(payload.unpack_from("<qd", 8), (-5, 0.5))
        with self.assertRaises(IndexError):
            payload.unpack_from("<q", 60)

    def test_none(self) -> None:
        payload = self.heap.type("bare", slots=1)().payload
        self.assertEqual((len(payload), bytes(payload)), (0, b""))
        with self.assertRaises(IndexError):
            payload[0]


class TestWeak(HeapTest):
    def test_dies_by_count(self) -> None:
        a = self.Leaf()
        a.payload[0] = 9
        weak = refslab.ref(a)
        found = weak()
        assert found is not None
        self.assertEqual(found.payload[0], 9)
        self.assertEqual(a.info.references, 2)
        del a
        self.assertEqual(weak.get().payload[0], 9)
        del found
        self.assertIsNone(weak())
        with self.assertRaises(ReferenceError):
            weak.get()

    def test_dies_in_cycle(self) -> None:
        a = self.cycle(3)
        weak = a.ref()
        del a
        # Garbage, and alive until a sweep has found it.
        self.assertEqual(self.heap.gc.collect() if weak() else None, 3)
        self.assertIsNone(weak())

    def test_close(self) -> None:
        a = self.Leaf()
        with a.ref() as weak:
            self.assertEqual(self.heap.info.handles, 2)
        self.assertEqual(self.heap.info.handles, 1)
        self.assertTrue(weak.closed)
        with self.assertRaises(ValueError):
            weak()
        refslab.ref(a)
        self.assertEqual(self.heap.info.handles, 1)
        with self.assertRaises(AttributeError):
            a.handle = 5
