# SPDX-License-Identifier: GPL-2.0
"""What Python's gc module does, for a heap."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import abi
from .object import Object

if TYPE_CHECKING:
    from .heap import Heap


class Collector:
    """The functions of Python's gc module for one heap: Heap.gc. For the default heap refslab.gc has them."""

    __slots__ = ("_heap",)

    def __init__(self, heap: Heap) -> None:
        self._heap = heap

    def _call(self, request: int, argument: abi.Call) -> None:
        self._heap._session.call(request, argument)

    def enable(self) -> None:
        """Switch automatic sweeps on."""
        self._call(abi.ENABLE, abi.Enable(flags=abi.ENABLE_SET, enabled=1))

    def disable(self) -> None:
        """Switch automatic sweeps off; collect() works all the same."""
        self._call(abi.ENABLE, abi.Enable(flags=abi.ENABLE_SET, enabled=0))

    def isenabled(self) -> bool:
        """Return whether automatic sweeps are on."""
        argument = abi.Enable()
        self._call(abi.ENABLE, argument)
        return bool(argument.enabled)

    def collect(self, generation: int = 2) -> int:
        """Sweep generations up to this one, 0 to 2, now; wait for a sweep under way first.

        Returns how many unreachable objects were found: those freed, and those left because they were touched
        meanwhile. ValueError for another generation. OSError: EOPNOTSUPP if the heap's sweeper
        stopped after an internal error.
        """
        if not 0 <= generation < abi.GENERATIONS:
            raise ValueError("invalid generation")
        argument = abi.Collect(generation=generation)
        self._call(abi.COLLECT, argument)
        return int(argument.freed + argument.unfreed)

    def get_threshold(self) -> tuple[int, int, int]:
        """Return the thresholds, as set_threshold() takes them."""
        argument = abi.Thresholds()
        self._call(abi.THRESHOLDS, argument)
        first, second, third = argument.threshold
        return first, second, third

    def set_threshold(self, threshold0: int, threshold1: int | None = None, threshold2: int | None = None) -> None:
        """Set the thresholds; what is left out stays.

        threshold0: allocations minus frees beyond which a sweep of generation 0 starts, 0 for never. threshold1: sweeps
        of generation 0 beyond which one of generation 1 runs instead; threshold2 likewise of generation 1 and 2. Each
        at most 2147483647: ValueError.
        """
        thresholds = list(self.get_threshold())
        for place, value in enumerate((threshold0, threshold1, threshold2)):
            if value is None:
                continue
            if not 0 <= value < 1 << 31:
                raise ValueError(f"no threshold: {value}")
            thresholds[place] = value
        argument = abi.Thresholds(flags=abi.THRESHOLDS_SET)
        argument.threshold[:] = thresholds
        self._call(abi.THRESHOLDS, argument)

    def get_count(self) -> tuple[int, int, int]:
        """Return what the thresholds are compared with."""
        argument = abi.Counts()
        self._call(abi.COUNTS, argument)
        first, second, third = argument.count
        return first, second, third

    def get_stats(self) -> list[dict[str, int | float]]:
        """Return a dictionary for each generation.

        collections: sweeps; collected: objects freed; uncollectable: left, because touched meanwhile; candidates:
        objects that sweeps began with; duration: seconds spent. Heap.stats() has more.
        """
        return [
            {
                "collections": stats.runs,
                "collected": stats.freed,
                "uncollectable": stats.unfreed,
                "candidates": stats.candidates,
                "duration": stats.time_ns / 1e9,
            }
            for stats in map(self._heap.stats, range(abi.GENERATIONS))
        ]

    def get_objects(self, generation: int | None = None) -> list[Object]:
        """Return all objects that sweeps look at, of one generation, 0 to 2, or of all. ValueError for another."""
        if generation is not None and not 0 <= generation < abi.GENERATIONS:
            raise ValueError(f"no generation: {generation}")
        found: list[Object] = []
        for kind in self._heap.types.values():
            if not kind.leaf:
                found += kind.objects(generation)
        if generation is not None:
            return found
        return [target for target in found if target.info.tracked]

    def get_referrers(self, *objects: Object) -> list[Object]:
        """Return the objects that refer to any of these by slots, each once for each of these."""
        found: list[Object] = []
        for target in objects:
            found += self._heap._inspect(abi.REFERRERS, abi.Referrers(handle=self._handle_of(target)))
        return found

    def _handle_of(self, target: Object) -> int:
        if target._session is not self._heap._session:
            raise ValueError("the object is of another heap")
        return target.handle

    def is_tracked(self, target: object) -> bool:
        """Return whether sweeps look at an object: not if it is of a type without slots."""
        return isinstance(target, Object) and target.info.tracked

    def is_finalized(self, target: object) -> bool:
        """Return whether an object's finalizer has run: never, for objects of user programs have none."""
        return False

    def _freeze(self, flags: int) -> int:
        argument = abi.Freeze(flags=flags)
        self._call(abi.FREEZE, argument)
        return int(argument.objects)

    def freeze(self) -> None:
        """Put all objects that there are out of the sweeps' sight."""
        self._freeze(abi.FREEZE_ON)

    def unfreeze(self) -> None:
        """Put frozen objects back, into the oldest generation."""
        self._freeze(abi.FREEZE_OFF)

    def get_freeze_count(self) -> int:
        """Return how many objects are frozen."""
        return self._freeze(0)
