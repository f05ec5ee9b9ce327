# SPDX-License-Identifier: GPL-2.0
"""What CPython's collector takes for graphs of the shapes that tools/bench/shape.c builds.

    peer.py OBJECTS REPETITIONS

Prints "SHAPE live|garbage NS" for each object: the median. The time is the processor's, so that what else the machine
does counts little. Live is a second full collection: here everything is looked at, candidate or not.
"""
import gc
import statistics
import sys
import time


class Node:
    __slots__ = ("a", "b")

    def __init__(self):
        self.a = self.b = None


class TreeNode:
    __slots__ = ("a", "b", "parent")

    def __init__(self):
        self.a = self.b = self.parent = None


def pairs(n):
    nodes = [Node() for _ in range(n)]
    for i in range(0, n, 2):
        nodes[i].a = nodes[i + 1]
        nodes[i + 1].a = nodes[i]
    return nodes[::2]


def ring(n):
    nodes = [Node() for _ in range(n)]
    for i in range(n):
        nodes[i].a = nodes[(i + 1) % n]
    return nodes[0]


def doubly_linked(n):
    nodes = [Node() for _ in range(n)]
    for i in range(n - 1):
        nodes[i].a = nodes[i + 1]
        nodes[i + 1].b = nodes[i]
    return nodes[0]


def tree(n):
    nodes = [TreeNode() for _ in range(n)]
    for i in range(1, n):
        parent = nodes[(i - 1) // 2]
        if i % 2:
            parent.a = nodes[i]
        else:
            parent.b = nodes[i]
        nodes[i].parent = parent
    return nodes[0]


def collect(n, garbage):
    start = time.process_time_ns()
    freed = gc.collect()
    took = time.process_time_ns() - start
    if (freed >= n) != garbage:
        sys.exit(f"a collection freed {freed} of {n} objects")
    return took / n


def measure(build, n):
    held = build(n)
    gc.collect()
    live = collect(n, False)
    del held
    return live, collect(n, True)


def main():
    n, repetitions = int(sys.argv[1]), int(sys.argv[2])
    gc.disable()
    gc.collect()
    gc.freeze()
    for name, build in ("pairs", pairs), ("ring", ring), ("list", doubly_linked), ("tree", tree):
        lives, garbages = zip(*(measure(build, n) for _ in range(repetitions)))
        print(f"{name} live {statistics.median(lives):.2f}")
        print(f"{name} garbage {statistics.median(garbages):.2f}", flush=True)


main()
