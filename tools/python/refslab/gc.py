# SPDX-License-Identifier: GPL-2.0
"""Python's gc module for a refslab heap: the same names, with the same meanings.

from refslab import gc
print("Garbage collection thresholds:", gc.get_threshold())

The functions are about refslab.default_heap(): the only heap that the process has open, or the one that was set. For
others each heap has them as Heap.gc. The methods of refslab.collector.Collector say more about each.

Different from Python: a sweep stops nobody, so that collect() may find things touched meanwhile and leave them to the
next; DEBUG_COLLECTABLE and DEBUG_UNCOLLECTABLE are not there, DEBUG_SAVEALL shows the same.
"""

from __future__ import annotations

from .callbacks import Callbacks
from .collector import DEBUG_LEAK, DEBUG_SAVEALL, DEBUG_STATS, Collector, Garbage
from .heap import default_heap
from .object import Object

__all__ = [
    "DEBUG_LEAK",
    "DEBUG_SAVEALL",
    "DEBUG_STATS",
    "callbacks",
    "collect",
    "disable",
    "enable",
    "freeze",
    "garbage",
    "get_count",
    "get_debug",
    "get_freeze_count",
    "get_objects",
    "get_referents",
    "get_referrers",
    "get_stats",
    "get_threshold",
    "is_finalized",
    "is_tracked",
    "isenabled",
    "set_debug",
    "set_threshold",
    "unfreeze",
]

# Looked up when asked for, by __getattr__(): they are a heap's.
callbacks: Callbacks
garbage: Garbage


def __getattr__(name: str) -> Callbacks | Garbage:
    if name == "callbacks":
        return _collector().callbacks
    if name == "garbage":
        return _collector().garbage
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _collector() -> Collector:
    return default_heap().gc


def enable() -> None:
    """Switch automatic sweeps on."""
    _collector().enable()


def disable() -> None:
    """Switch automatic sweeps off."""
    _collector().disable()


def isenabled() -> bool:
    """Return whether automatic sweeps are on."""
    return _collector().isenabled()


def collect(generation: int = 2) -> int:
    """Sweep now; return how many unreachable objects were found."""
    return _collector().collect(generation)


def set_debug(flags: int) -> None:
    """Set debugging flags, DEBUG_*."""
    _collector().set_debug(flags)


def get_debug() -> int:
    """Return the debugging flags."""
    return _collector().get_debug()


def get_objects(generation: int | None = None) -> list[Object]:
    """Return all objects that sweeps look at, or those of one generation."""
    return _collector().get_objects(generation)


def get_stats() -> list[dict[str, int | float]]:
    """Return a dictionary for each generation: collections, collected, uncollectable, candidates, duration (s)."""
    return _collector().get_stats()


def set_threshold(threshold0: int, threshold1: int | None = None, threshold2: int | None = None) -> None:
    """Set the thresholds; threshold0 0 switches automatic sweeps off."""
    _collector().set_threshold(threshold0, threshold1, threshold2)


def get_threshold() -> tuple[int, int, int]:
    """Return the thresholds."""
    return _collector().get_threshold()


def get_count() -> tuple[int, int, int]:
    """Return what the thresholds are compared with."""
    return _collector().get_count()


def _collector_of(objects: tuple[Object, ...]) -> Collector:
    return objects[0].heap.gc if objects else _collector()


def get_referrers(*objects: Object) -> list[Object]:
    """Return the objects that refer to any of these."""
    return _collector_of(objects).get_referrers(*objects)


def get_referents(*objects: Object) -> list[Object]:
    """Return what these objects refer to."""
    return _collector_of(objects).get_referents(*objects)


def is_tracked(target: object) -> bool:
    """Return whether sweeps look at an object."""
    return isinstance(target, Object) and target.heap.gc.is_tracked(target)


def is_finalized(target: object) -> bool:
    """Return whether an object's finalizer has run: never, for objects of user programs have none."""
    return False


def freeze() -> None:
    """Put all objects that there are out of the sweeps' sight."""
    _collector().freeze()


def unfreeze() -> None:
    """Put frozen objects back, into the oldest generation."""
    _collector().unfreeze()


def get_freeze_count() -> int:
    """Return how many objects are frozen."""
    return _collector().get_freeze_count()
