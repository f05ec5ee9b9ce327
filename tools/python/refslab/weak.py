# SPDX-License-Identifier: GPL-2.0
"""Weak references: names that keep nothing alive, and tell when it is dead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import abi
from .object import Object
from .session import Handle

if TYPE_CHECKING:
    from .heap import Heap


class ref(Handle):
    """A weak reference to an object, used as Python's weakref.ref: calling it returns the object, or None if it died.

    An object in a garbage cycle lives until a sweep has found it. Heap.events() reports deaths. Closed like an Object.
    """

    __slots__ = ("heap",)

    heap: Heap

    def __init__(self, target: Object) -> None:
        """Make a weak reference to target. OSError: EOVERFLOW if it has as many as an object may have."""
        weak = abi.WeakCreate(handle=target.handle)
        target._session.call(abi.WEAK, weak)
        self._adopt(target.heap, weak.weak)

    def _adopt(self, heap: Heap, number: int) -> None:
        super().__init__(heap._session, number)
        self.heap = heap
        heap._refs[number] = self

    def __repr__(self) -> str:
        return f"<refslab.ref {'closed' if self.closed else format(self._number, '#x')}>"

    def _forget(self) -> int:
        number = super()._forget()
        # Another weak handle may have the number by and by.
        if self.heap._refs.get(number) is self:
            del self.heap._refs[number]
        return number

    def __call__(self) -> Object | None:
        """Return a new Object of what this refers to; None if it is dead.

        OSError, with ENOSPC if the heap's session has all handles it may have, tells nothing about the object.
        """
        upgrade = abi.Upgrade(weak=self.handle)
        self._session.call(abi.UPGRADE, upgrade)
        return Object(self.heap, upgrade.handle) if upgrade.handle else None

    def get(self) -> Object:
        """Return a new Object of what this refers to. Raises ReferenceError if it is dead."""
        target = self()
        if target is None:
            raise ReferenceError("weakly-referenced object no longer exists")
        return target


def _ref_of(heap: Heap, number: int) -> ref:
    """Return the ref that owns a weak handle made elsewhere."""
    weak = ref.__new__(ref)
    weak._adopt(heap, number)
    return weak
