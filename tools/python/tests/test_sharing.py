# SPDX-License-Identifier: GPL-2.0
"""Sessions that share a heap: invitations, exported objects, roots, read-only handles, limits."""

from __future__ import annotations

import errno
import os
import signal
import socket
import unittest

import refslab
from common import HeapTest, eventually


class TestJoin(HeapTest):
    def test_join(self) -> None:
        with self.heap.invite() as invitation, refslab.Heap.join(invitation) as other:
            self.assertEqual(other.name, self.heap.name)
            self.assertEqual((other.info.joined, other.info.read_only), (True, False))
            self.assertEqual((self.heap.info.joined, self.heap.info.sessions), (False, 2))
            self.assertEqual(list(other.types), ["node", "leaf"])
            mine = other.types["node"]()
            self.assertEqual((other.info.handles, self.heap.info.handles), (1, 0))
            self.assertEqual(self.heap.info.objects, 1)
            # Slots have names where they were given some.
            self.assertEqual(mine.type.slot_names, ())
            self.assertEqual(len(mine.slots), 2)
            # A handle's number is one session's only.
            with self.assertRaises(ValueError):
                self.Node().next = mine
        self.alive(0)
        self.assertTrue(eventually(lambda: self.heap.info.sessions == 1))

    def test_join_refused(self) -> None:
        leaf = self.Leaf()
        for wrong in (-1, 0, self.heap, leaf.export()):
            self.fails(errno.EBADF, refslab.Heap.join, wrong)
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(4):
            self.fails(errno.EBADF, refslab.Heap.join, self.heap)
        self.assertEqual(len(os.listdir("/proc/self/fd")), before)
        with self.heap.invite() as invitation:
            pass
        with self.assertRaises(ValueError):
            refslab.Heap.join(invitation)

    def test_builder_goes(self) -> None:
        """The graph outlives who built it, as long as somebody has the heap."""
        node = self.Node()
        node.next = self.Node()
        node.next.payload[:5] = b"built"
        self.heap.roots["graph"] = node
        invitation = self.heap.invite()
        self.heap.close()
        with refslab.Heap.join(invitation) as other:
            self.assertEqual(other.roots["graph"].slots[0].payload[:5], b"built")

    def test_limit(self) -> None:
        size = self.Leaf.info.object_size
        with refslab.Heap.join(self.heap.invite(limit=4 * size)) as other:
            self.assertEqual((other.info.session_limit, other.info.session_bytes), (4 * size, 0))
            Leaf = other.types["leaf"]
            kept = [Leaf() for _ in range(4)]
            self.assertEqual(other.info.session_bytes, 4 * size)
            self.fails(errno.ENOSPC, Leaf)
            kept.pop()
            kept.append(Leaf())
            self.fails(errno.EACCES, other.set_limits, limit=1 << 24)


class TestReceive(unittest.TestCase):
    def test_not_inherited(self) -> None:
        """What a program is started with has none of what was received."""
        source, to = socket.socketpair()
        with source, to, open("/dev/null") as null:
            refslab.Descriptor(os.dup(null.fileno())).send(to)
            with refslab.Descriptor.receive(source) as received:
                self.assertFalse(os.get_inheritable(received.fileno()))
                self.assertTrue(os.path.samestat(os.fstat(received.fileno()), os.fstat(null.fileno())))


class TestExport(HeapTest):
    def setUp(self) -> None:
        super().setUp()
        self.other = refslab.Heap.join(self.heap.invite())
        self.addCleanup(self.other.close)

    def test_export(self) -> None:
        leaf = self.Leaf()
        leaf.payload[:4] = b"sent"
        descriptor = leaf.export()
        leaf.close()
        # The descriptor is a reference.
        self.alive(1)
        with self.other.import_object(descriptor) as found:
            self.assertEqual(found.info.references, 2)
            descriptor.close()
            self.assertEqual(found.payload[:4], b"sent")
            self.assertEqual(found.type.name, "leaf")
            self.assertFalse(found.info.read_only)
        self.alive(0)

    def test_read_only(self) -> None:
        node = self.Node()
        node.next = self.Node()
        with self.other.import_object(node.export(read_only=True)) as found:
            self.assertTrue(found.info.read_only)
            self.assertTrue(found.slots[0].info.read_only)
            with self.assertRaises(PermissionError):
                found.payload[0] = 1
            with self.assertRaises(PermissionError):
                del found.slots[0]
            with self.assertRaises(PermissionError):
                found.export()
            self.other.import_object(found.export(read_only=True)).close()

    def test_refused(self) -> None:
        with refslab.Heap() as stranger:
            self.fails(errno.EXDEV, stranger.import_object, self.Leaf().export())
        for wrong in (-1, 0, self.heap, self.heap.invite()):
            self.fails(errno.EBADF, self.other.import_object, wrong)

    def test_socket(self) -> None:
        here, there = socket.socketpair()
        with here, there:
            leaf = self.Leaf()
            leaf.export().send(here)
            leaf.close()
            # On its way it is a reference too.
            self.alive(1)
            self.assertEqual(self.other.import_object(refslab.Descriptor.receive(there)).type.name, "leaf")
            here.send(b"x")
            with self.assertRaises(ValueError):
                refslab.Descriptor.receive(there)
            leaf = self.Leaf()
            leaf.export().send(here)
            leaf.close()
            here.close()
            there.close()
        self.alive(0)

    def test_socket_end(self) -> None:
        here, there = socket.socketpair()
        with there:
            here.close()
            with self.assertRaises(EOFError):
                refslab.Descriptor.receive(there)

    def test_detach(self) -> None:
        descriptor = self.Leaf().export()
        number = descriptor.detach()
        with self.assertRaises(ValueError):
            descriptor.fileno()
        descriptor.close()
        self.other.import_object(number).close()
        os.close(number)
        self.alive(0)


class TestReadOnly(HeapTest):
    def test_handle(self) -> None:
        a, b = self.Node(), self.Node()
        a.next = b
        looking = a.dup(read_only=True)
        self.assertEqual((looking.info.read_only, a.info.read_only), (True, False))
        self.assertTrue(looking.next.info.read_only)
        self.assertTrue(looking.ref().get().info.read_only)
        self.assertTrue(self.heap.gc.get_referents(looking)[0].info.read_only)
        for change in (
            lambda: setattr(looking, "next", None),
            lambda: looking.payload.write(b"x"),
            lambda: setattr(b, "next", looking),
            lambda: looking.slots.move(0, b, 0),
            lambda: looking.slots.compare_exchange(0, b, None),
            lambda: self.heap.roots.add("looking", looking),
        ):
            with self.assertRaises(PermissionError):
                change()
        with self.heap.batch() as batch:
            copy = batch.dup(a, read_only=True)
        self.assertTrue(copy.result().info.read_only)

    def test_session(self) -> None:
        self.heap.roots["a"] = self.cycle(2)
        with refslab.Heap.join(self.heap.invite(read_only=True)) as other:
            self.assertTrue(other.info.read_only)
            found = other.roots["a"]
            self.assertTrue(found.info.read_only)
            Node = other.types["node"]
            for change in (
                Node,
                lambda: other.type("new", slots=1),
                Node.destroy,
                lambda: found.payload.write(b"x"),
                lambda: other.roots.pop("a"),
                lambda: other.gc.set_threshold(1),
                other.gc.enable,
                other.gc.collect,
                other.gc.freeze,
                lambda: other.gc.set_debug(0),
                other.invite,
            ):
                with self.assertRaises(PermissionError):
                    change()
            self.assertEqual(len(other.gc.get_objects()), 2)
            self.assertEqual(other.gc.get_threshold(), (700, 10, 10))
            refslab.Heap.join(other.invite(read_only=True)).close()


class TestRoots(HeapTest):
    def test_dictionary(self) -> None:
        roots = self.heap.roots
        self.assertEqual((len(roots), list(roots)), (0, []))
        a = self.Node()
        roots["b"] = a
        roots["a"] = self.Node()
        self.assertEqual(list(roots), ["a", "b"])
        self.assertEqual(len(roots), 2)
        self.assertEqual(a.info.references, 2)
        roots["b"].payload[0] = 7
        self.assertEqual(a.payload[0], 7)
        self.assertIn("a", roots)
        # Nothing of this kept a handle.
        self.assertEqual(self.heap.info.handles, 1)
        roots["a"] = a
        self.alive(1)
        del roots["a"]
        self.assertNotIn("a", roots)
        self.assertEqual(roots.pop("b").info.references, 2)
        self.assertEqual(list(roots), [])

    def test_no_such_root(self) -> None:
        roots = self.heap.roots
        for name in ("none", "", "a/b", "x" * 40):
            with self.assertRaises(KeyError):
                roots[name]
            self.assertNotIn(name, roots)
            self.assertIsNone(roots.get(name))
            with self.assertRaises(KeyError):
                del roots[name]
        self.assertNotIn(3, roots)

    def test_refused(self) -> None:
        roots, leaf = self.heap.roots, self.Leaf()
        for name in ("", "a/b"):
            self.fails(errno.EINVAL, roots.__setitem__, name, leaf)
        with self.assertRaises(ValueError):
            roots["x" * 32] = leaf
        with refslab.Heap() as stranger, self.assertRaises(ValueError):
            stranger.roots["a"] = leaf

    def test_add(self) -> None:
        roots, a, b = self.heap.roots, self.Leaf(), self.Leaf()
        self.assertIs(roots.setdefault("one", a), a)
        with self.assertRaises(FileExistsError):
            roots.add("one", b)
        found = roots.setdefault("one", b)
        found.payload[0] = 3
        self.assertEqual((a.payload[0], b.payload[0]), (3, 0))
        self.assertEqual(roots.setdefault("one").payload[0], 3)
        with self.assertRaises(KeyError):
            roots.setdefault("two")

    def test_keeps_from_sweeps(self) -> None:
        self.heap.roots["ring"] = self.cycle(3)
        self.assertEqual(self.heap.gc.collect(), 0)
        self.heap.roots.clear()
        self.assertEqual(self.heap.gc.collect(), 3)


class TestProcesses(HeapTest):
    def test_two_build_a_list(self) -> None:
        """A lock-free stack that processes push to: nothing is lost, whoever comes between."""
        self.heap.roots["stack"] = self.Node()
        invitation = self.heap.invite()

        def push() -> bool:
            with refslab.Heap.join(invitation) as heap:
                Node = heap.types["node"]
                top = heap.roots["stack"]
                for _ in range(50):
                    new = Node()
                    while True:
                        first = top.slots[0]
                        new.slots[1] = first
                        if top.slots.compare_exchange(0, first, new):
                            break
            return True

        for child in [self.child(push) for _ in range(3)]:
            self.reap(child)
        node, length = self.heap.roots["stack"].next, 0
        while node is not None:
            node, length = node.other, length + 1
        self.assertEqual(length, 150)

    def test_killed(self) -> None:
        """Who dies takes his own references along, and nothing else."""
        self.heap.roots["kept"] = self.Node()
        invitation = self.heap.invite()
        reading, writing = os.pipe()

        def build() -> bool:
            with refslab.Heap.join(invitation) as heap:
                Node = heap.types["node"]
                mine = [Node() for _ in range(100)]
                root = heap.roots["kept"]
                root.slots[0] = mine[0]
                os.write(writing, b"x")
                signal.pause()
            return False

        child = self.child(build)
        os.read(reading, 1)
        self.assertEqual(self.heap.info.objects, 101)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        self.alive(2)
        self.assertIsNotNone(self.heap.roots["kept"].next)
        os.close(reading)
        os.close(writing)
