#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""A payload in the memory of two processes: what one writes the other reads, without a call or a copy."""

from __future__ import annotations

import os
import struct
import time

import refslab

READY, SUM = 0, 8


def adder(payload: memoryview) -> None:
    """Wait for numbers, and write their sum."""
    while not payload[READY]:
        time.sleep(0.001)
    struct.pack_into("<Q", payload, SUM, sum(struct.unpack_from("<100I", payload, 16)))
    payload[READY] = 2


def main() -> None:
    with refslab.Heap() as heap:
        Numbers = heap.type("numbers", payload=4096, mapped=True)
        numbers = Numbers()
        with numbers.payload.map() as payload:
            child = os.fork()
            if not child:
                adder(payload)
                os._exit(0)
            struct.pack_into("<100I", payload, 16, *range(1, 101))
            payload[READY] = 1
            os.waitpid(child, 0)
            print("sum:", *struct.unpack_from("<Q", payload, SUM))
        print("by a call:", *numbers.payload.unpack_from("<Q", SUM))


if __name__ == "__main__":
    main()
