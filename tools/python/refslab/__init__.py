# SPDX-License-Identifier: GPL-2.0
"""A client of refslab, typed object heaps in the Linux kernel: reference counts, and a collector for cycles.

import refslab

with refslab.Heap("example") as heap:
    Node = heap.type("node", slots=("next", "previous"), payload=16)
    a, b = Node(), Node()
    a.next, b.previous = b, a       # a cycle
    a.payload[0:5] = b"hello"
    weak = refslab.ref(a)
    del a, b                        # that nothing outside refers to any more
    heap.gc.collect()               # 2
    weak()                          # None

Needs the module (/dev/refslab) and rights for it. What the kernel refuses raises OSError, or the class of it that
Python has for that errno; what is closed raises ValueError.
"""

from __future__ import annotations

from . import gc
from .batch import Batch, Entry
from .collector import Collector
from .event import Event, EventKind, Events
from .heap import Heap, HeapInfo, SweepStats, default_heap, set_default_heap
from .object import Object, ObjectInfo, Slots
from .offer import Offer, take_offer
from .payload import Payload
from .roots import Roots
from .session import Descriptor
from .type import Type, TypeInfo
from .weak import ref

__all__ = [
    "Batch",
    "Collector",
    "Descriptor",
    "Entry",
    "Event",
    "EventKind",
    "Events",
    "Heap",
    "HeapInfo",
    "Object",
    "ObjectInfo",
    "Offer",
    "Payload",
    "Roots",
    "Slots",
    "SweepStats",
    "Type",
    "TypeInfo",
    "default_heap",
    "gc",
    "ref",
    "set_default_heap",
    "take_offer",
]
