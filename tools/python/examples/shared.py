#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Two processes and one graph: one builds it, dies, and the other goes on with it."""

from __future__ import annotations

import os
import socket

import refslab


def builder(to: socket.socket) -> None:
    """Build a list, make it the heap's, and invite who listens."""
    heap = refslab.Heap()
    Node = heap.type("node", slots=("next",), payload=16)
    first = Node()
    first.payload[:5] = b"hello"
    first.next = Node()
    first.next.payload[:5] = b"world"
    heap.roots["words"] = first
    heap.invite(read_only=True).send(to)


def main() -> None:
    here, there = socket.socketpair()
    child = os.fork()
    if not child:
        builder(there)
        os._exit(0)
    there.close()
    with refslab.Descriptor.receive(here) as invitation, refslab.Heap.join(invitation) as heap:
        os.waitpid(child, 0)
        heap.types["node"].slot_names = ("next",)
        node: refslab.Object | None = heap.roots["words"]
        while node is not None:
            print(node.payload[:5].decode())
            node = node.next
        try:
            heap.roots["words"].next = None
        except PermissionError:
            print("to look at only")
    here.close()


if __name__ == "__main__":
    main()
