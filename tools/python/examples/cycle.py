#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""A cycle that nothing refers to any more: reference counts cannot free it, a sweep does."""

import refslab


def main() -> None:
    with refslab.Heap() as heap:
        heap.gc.disable()
        Node = heap.type("node", slots=("next",), payload=16)
        a, b = Node(), Node()
        a.next, b.next = b, a
        a.payload[:5] = b"hello"
        print("by way of b:", b.next.payload[:5].decode())

        weak = refslab.ref(a)
        del a, b
        print("without a name:", heap.info.objects, "objects")
        print("freed by a sweep:", heap.gc.collect())
        print("weak reference:", weak())


if __name__ == "__main__":
    main()
