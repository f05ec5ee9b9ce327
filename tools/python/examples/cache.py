#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""A cache that keeps nothing alive: what somebody uses is found in it, what nobody uses any more is gone."""

from __future__ import annotations

import refslab


class Cache:
    """Pages by number, as long as somebody has them."""

    def __init__(self, heap: refslab.Heap) -> None:
        self.page = heap.type("page", payload=4096)
        self.pages: dict[int, refslab.ref] = {}
        self.loaded = 0

    def get(self, number: int) -> refslab.Object:
        weak = self.pages.get(number)
        page = weak() if weak else None
        if page is None:
            page = self.load(number)
            self.pages[number] = page.ref()
        return page

    def load(self, number: int) -> refslab.Object:
        self.loaded += 1
        page = self.page()
        page.payload.pack_into("<Q", 0, number)
        return page


def main() -> None:
    with refslab.Heap() as heap:
        cache = Cache(heap)
        first = cache.get(1)
        print("page", *first.payload.unpack_from("<Q"))
        again = cache.get(1)
        print("asked twice, loaded:", cache.loaded)
        del first, again
        print("in memory:", heap.info.objects)
        cache.get(1)
        print("asked again, loaded:", cache.loaded)


if __name__ == "__main__":
    main()
