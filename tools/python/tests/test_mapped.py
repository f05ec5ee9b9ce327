# SPDX-License-Identifier: GPL-2.0
"""Payloads on pages that are mapped."""

from __future__ import annotations

import errno
import mmap
import os
import struct

import refslab
from common import HeapTest


class TestMapped(HeapTest):
    def setUp(self) -> None:
        super().setUp()
        self.Page = self.heap.type("page", slots=("next",), payload=5000, mapped=True)

    def test_type(self) -> None:
        self.assertEqual((self.Page.mapped, self.Page.leaf, self.Page.payload), (True, False, 5000))
        self.assertEqual((self.Page.info.mapped, self.Leaf.info.mapped, self.Leaf.mapped), (True, False, False))
        self.assertEqual(self.heap.type("big", payload=1 << 20, mapped=True)().info.payload, 1 << 20)
        for wrong in (0, (1 << 20) + 1):
            self.fails(errno.EINVAL, self.heap.type, "wrong", payload=wrong, mapped=True)

    def test_same_bytes(self) -> None:
        page = self.Page()
        with page.payload.map() as view:
            self.assertEqual((len(view), view.readonly, bytes(view)), (5000, False, bytes(5000)))
            view[4990:4995] = b"by me"
            self.assertEqual(page.payload[4990:4995], b"by me")
            page.payload[0:3] = b"too"
            self.assertEqual(bytes(view[:3]), b"too")
            struct.pack_into("<d", view, 8, 0.5)
            self.assertEqual(page.payload.unpack_from("<d", 8), (0.5,))
            with page.payload.map() as again:
                again[100] = 9
                self.assertEqual(view[100], 9)

    def test_keeps_the_object(self) -> None:
        page = self.Page()
        weak = page.ref()
        view = page.payload.map()
        view[0] = 1
        page.close()
        self.heap.gc.collect()
        with weak.get() as found:
            self.assertEqual(found.payload[0], 1)
        view.release()
        self.assertIsNone(weak())
        page = self.Page()
        view = page.payload.map()
        del page, view
        self.alive(0)

    def test_outlives_the_heap(self) -> None:
        page = self.Page()
        page.payload[:4] = b"last"
        view = page.payload.map()
        self.heap.close()
        view[4] = ord("!")
        self.assertEqual(bytes(view[:5]), b"last!")
        view.release()

    def test_no_descriptor_is_left(self) -> None:
        page = self.Page()
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(4):
            with page.payload.map(), page.payload.descriptor():
                pass
        self.assertEqual(len(os.listdir("/proc/self/fd")), before)
        self.assertEqual(page.info.references, 1)

    def test_read_only(self) -> None:
        page = self.Page()
        page.payload[0] = 5
        for source in (page, page.dup(read_only=True)):
            with source.payload.map(read_only=True) as view:
                self.assertEqual((view.readonly, view[0]), (True, 5))
                with self.assertRaises(TypeError):
                    view[0] = 1
        looking = page.dup(read_only=True)
        self.fails(errno.EACCES, looking.payload.map)
        self.fails(errno.EACCES, looking.payload.descriptor)
        with looking.payload.descriptor(read_only=True) as descriptor:
            self.fails(errno.EACCES, mmap.mmap, descriptor.fileno(), 4096)

    def test_refused(self) -> None:
        self.fails(errno.ENODEV, self.Node().payload.map)
        page = self.Page()
        page.close()
        with self.assertRaises(ValueError):
            page.payload.map()

    def test_processes(self) -> None:
        """Who has the descriptor needs neither a session nor the client."""
        page = self.Page()
        descriptor = page.payload.descriptor()

        def write() -> bool:
            with mmap.mmap(descriptor.fileno(), 8192) as view:
                view[4096:4101] = b"child"
            return True

        self.reap(self.child(write))
        self.assertEqual(page.payload[4096:4101], b"child")
        page.close()
        self.alive(1)
        descriptor.close()
        self.alive(0)

    def test_shared(self) -> None:
        self.heap.roots["page"] = self.Page()
        with refslab.Heap.join(self.heap.invite()) as other, self.heap.roots["page"].payload.map() as mine:
            with other.roots["page"].payload.map() as theirs:
                theirs[17] = 3
                self.assertEqual(mine[17], 3)

    def test_sweeps(self) -> None:
        """A mapping is a reference from outside, so its cycle is no garbage."""
        page = self.Page()
        page.next = page
        view = page.payload.map()
        page.close()
        self.assertEqual(self.heap.gc.collect(), 0)
        view.release()
        self.assertEqual(self.heap.gc.collect(), 1)
