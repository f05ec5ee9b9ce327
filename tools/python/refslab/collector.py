# SPDX-License-Identifier: GPL-2.0
"""What Python's gc module does, for a heap."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Union, overload

from . import abi
from .callbacks import Callbacks
from .object import Object

if TYPE_CHECKING:
    from .heap import Heap

DEBUG_STATS = abi.DEBUG_STATS
DEBUG_SAVEALL = abi.DEBUG_SAVEALL
DEBUG_LEAK = DEBUG_SAVEALL


class Garbage(Sequence[Object]):
    """What gc.garbage is while DEBUG_SAVEALL is set: the objects that sweeps would have freed, in quarantine.

    Looks at the heap whenever it is asked. clear(), or del garbage[:], lets them go: with DEBUG_SAVEALL off, what is
    garbage still goes with the next collect().
    """

    def __init__(self, heap: Heap) -> None:
        self._heap = heap

    def _call(self, flags: int = 0) -> int:
        argument = abi.Quarantine(flags=flags)
        self._heap._session.call(abi.QUARANTINE, argument)
        return int(argument.objects)

    def __len__(self) -> int:
        return self._call()

    def __iter__(self) -> Iterator[Object]:
        return (found for found in self._heap.objects(generation=abi.GENERATION_FROZEN) if found.info.quarantined)

    @overload
    def __getitem__(self, index: int) -> Object:
        ...

    @overload
    def __getitem__(self, index: slice) -> list[Object]:
        ...

    def __getitem__(self, index: Union[int, slice]) -> Union[Object, list[Object]]:
        return list(self)[index]

    def __delitem__(self, index: slice) -> None:
        if index != slice(None):
            raise ValueError("all of the garbage, or nothing: del garbage[:]")
        self.clear()

    def clear(self) -> None:
        """Make all that is in quarantine candidates of the oldest generation."""
        self._call(abi.QUARANTINE_DRAIN)

    def __repr__(self) -> str:
        return repr(list(self))


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
        meanwhile or are kept by DEBUG_SAVEALL. ValueError for another generation. OSError: EOPNOTSUPP if the heap's sweeper
        stopped after an internal error.
        """
        if not 0 <= generation < abi.GENERATIONS:
            raise ValueError("invalid generation")
        argument = abi.Collect(generation=generation)
        self._call(abi.COLLECT, argument)
        if self._heap._callbacks is not None:
            self._heap._callbacks.drain()
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

        collections: sweeps; collected: objects freed; uncollectable: left, because touched meanwhile or kept by
        DEBUG_SAVEALL; candidates: objects that sweeps began with; duration: seconds spent. Heap.stats() has more.
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

    def set_debug(self, flags: int) -> None:
        """Set debugging flags.

        DEBUG_STATS: a line in the kernel's log for each sweep. DEBUG_SAVEALL, and DEBUG_LEAK, which is the same here:
        what would be freed is kept, in garbage. ValueError for other flags.
        """
        if flags & ~(DEBUG_STATS | DEBUG_SAVEALL):
            raise ValueError(f"unknown debugging flags: {flags:#x}")
        self._call(abi.DEBUG, abi.Debug(flags=abi.DEBUG_SET, debug=flags))

    def get_debug(self) -> int:
        """Return the debugging flags."""
        argument = abi.Debug()
        self._call(abi.DEBUG, argument)
        return int(argument.debug)

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

    def get_referents(self, *objects: Object) -> list[Object]:
        """Return what these objects refer to, once for each slot, in the order of the slots."""
        found: list[Object] = []
        for source in objects:
            found += self._heap._inspect(abi.REFERENTS, abi.Referents(handle=self._handle_of(source)))
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

    @property
    def garbage(self) -> Garbage:
        """What DEBUG_SAVEALL keeps."""
        return Garbage(self._heap)

    @property
    def callbacks(self) -> Callbacks:
        """Functions called before and after each sweep."""
        heap = self._heap
        if heap._callbacks is None:
            heap._callbacks = Callbacks(heap)
        return heap._callbacks
