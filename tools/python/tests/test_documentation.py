# SPDX-License-Identifier: GPL-2.0
"""What Documentation/python.rst shows, done."""

from __future__ import annotations

import doctest
import pathlib
import unittest

# In a guest it lies beside the client.
CLIENT = pathlib.Path(__file__).resolve().parent.parent
PAGES = (CLIENT / "python.rst", CLIENT.parents[1] / "Documentation" / "python.rst")


class TestPage(unittest.TestCase):
    def test_what_it_shows(self) -> None:
        page = next(page for page in PAGES if page.exists())
        said: list[str] = []
        examples = doctest.DocTestParser().get_doctest(page.read_text(), {}, page.name, str(page), 0)
        self.assertGreater(len(examples.examples), 30)
        doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(examples, out=said.append)
        if said:
            self.fail("".join(said))
