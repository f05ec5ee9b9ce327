#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""An event loop that sees sweeps and deaths as they happen; gc.callbacks does the first as Python does it."""

from __future__ import annotations

import selectors

import refslab
from refslab import EventKind


def called(phase: str, info: dict[str, int]) -> None:
    if phase == "stop":
        print("callback: collected", info["collected"])


def main() -> None:
    with refslab.Heap() as heap:
        heap.gc.disable()
        heap.gc.callbacks.append(called)
        Node = heap.type("node", slots=("next",))
        names: dict[refslab.ref, str] = {}
        with heap.events() as events, selectors.DefaultSelector() as selector:
            selector.register(events, selectors.EVENT_READ)
            for name in ("lonely", "circular"):
                with Node() as node:
                    node.next = node if name == "circular" else None
                    names[node.ref()] = name
            heap.gc.collect()
            while names and selector.select():
                for event in events.read():
                    if event.kind == EventKind.WEAK_DEAD and event.ref:
                        print("dead:", names.pop(event.ref))
                    elif event.kind == EventKind.SWEEP_END:
                        print("sweep of generation", event.generation, "freed", event.freed)


if __name__ == "__main__":
    main()
