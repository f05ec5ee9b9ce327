# SPDX-License-Identifier: GPL-2.0
"""The examples, by what they print."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import unittest

CLIENT = pathlib.Path(__file__).resolve().parent.parent

OUTPUT = {
    "thresholds": """\
Garbage collection thresholds: (700, 10, 10)
Garbage collection thresholds: (10000, 20, 20)
""",
    "cycle": """\
by way of b: hello
without a name: 2 objects
freed by a sweep: 2
weak reference: None
""",
    "cache": """\
page 1
asked twice, loaded: 1
in memory: 0
asked again, loaded: 2
""",
    "shared": """\
hello
world
to look at only
""",
    "watch": """\
callback: collected 1
dead: lonely
dead: circular
sweep of generation 2 freed 1
""",
    "mapped": """\
sum: 5050
by a call: 5050
""",
    "passed": """\
3 squared is 9
12 squared is 144
""",
}


class TestExamples(unittest.TestCase):
    def test_all_are_here(self) -> None:
        self.assertEqual({file.stem for file in (CLIENT / "examples").glob("*.py")}, set(OUTPUT))

    def test_output(self) -> None:
        for name, wanted in OUTPUT.items():
            with self.subTest(name):
                done = subprocess.run(
                    [sys.executable, str(CLIENT / "examples" / f"{name}.py")],
                    env={**os.environ, "PYTHONPATH": str(CLIENT)},
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    timeout=60,
                )
                self.assertEqual(done.stdout, wanted)
                self.assertEqual(done.returncode, 0)
