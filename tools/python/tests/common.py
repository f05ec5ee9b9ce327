# SPDX-License-Identifier: GPL-2.0
"""What the tests share."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import time
import traceback
import unittest
from collections.abc import Callable

import refslab

CLIENT = pathlib.Path(__file__).resolve().parent.parent


class HeapTest(unittest.TestCase):
    """A test with a heap that does not sweep by itself, and types of it."""

    def setUp(self) -> None:
        self.heap = refslab.Heap()
        self.addCleanup(self.heap.close)
        self.heap.gc.disable()
        self.Node = self.heap.type("node", slots=("next", "other"), payload=64)
        self.Leaf = self.heap.type("leaf", payload=32)

    def cycle(self, length: int = 2) -> refslab.Object:
        """Make a ring; return an object of it that is its only handle."""
        first = last = self.Node()
        for _ in range(length - 1):
            new = self.Node()
            last.next = new
            last = new
        last.next = first
        return first

    def fails(self, errno: int, function: Callable[..., object], *arguments: object, **named: object) -> None:
        """Check that a call raises OSError with this errno."""
        with self.assertRaises(OSError) as caught:
            function(*arguments, **named)
        self.assertEqual(caught.exception.errno, errno)

    def child(self, function: Callable[[], bool]) -> int:
        """Start a child, which ends with 0 if the function says True; return its number."""
        number = os.fork()
        if number:
            return number
        status = 1
        try:
            status = 0 if function() else 2
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)

    def reap(self, child: int) -> None:
        """Wait for a child that is to end well."""
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 0)

    def alive(self, wanted: int) -> None:
        """Check how many objects live, after the background has done its part."""
        self.assertTrue(eventually(lambda: self.heap.info.objects <= wanted))
        self.assertEqual(self.heap.info.objects, wanted)


def interpret(program: str) -> subprocess.CompletedProcess[str]:
    """Run a program in an interpreter of its own."""
    return subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(CLIENT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
    )


def eventually(condition: Callable[[], bool]) -> bool:
    """Return whether a condition becomes true within ten seconds."""
    end = time.monotonic() + 10
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.002)
    return True
