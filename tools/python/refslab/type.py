# SPDX-License-Identifier: GPL-2.0
"""Types: what objects are of."""

from __future__ import annotations

import keyword
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from . import abi
from .object import Object, SlotKey

if TYPE_CHECKING:
    from .heap import Heap


class Layout(NamedTuple):
    """What of a type stays as long as it is there."""

    name: str
    slots: int
    payload: int
    flags: int
    slot_names: tuple[str, ...] = ()


class TypeInfo(NamedTuple):
    """What the kernel says of a type.

    type: its number. leaf: no slots. mapped: payloads can be mapped. slots, payload: of each object, how many, and
    bytes. object_size: bytes of an object with header and padding. slab_objects: objects a slab holds. objects, slabs:
    alive, and in use.
    """

    type: int
    name: str
    leaf: bool
    mapped: bool
    slots: int
    payload: int
    object_size: int
    slab_objects: int
    objects: int
    slabs: int


class Type:
    """A type of a heap. Calling it allocates an object: Node = heap.type("node", slots=("next",)); node = Node().

    What allocating raises is OSError: ENOSPC at the heap's limit or the session's, or with too many handles, ENOMEM
    where the machine or the memory cgroup has no memory, ENOENT if the type is gone.
    """

    __slots__ = ("heap", "number")

    def __init__(self, heap: Heap, number: int) -> None:
        self.heap = heap
        self.number = number

    def __repr__(self) -> str:
        return f"<refslab.Type {self.number} {self.name!r}: {self.slots} slots, {self.payload} bytes>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Type) and self.heap is other.heap and self.number == other.number

    def __hash__(self) -> int:
        return hash((id(self.heap), self.number))

    def __call__(self) -> Object:
        """Allocate an object; its slots are empty and its payload is zero."""
        alloc = abi.Alloc(type=self.number)
        self.heap._session.call(abi.ALLOC, alloc)
        return Object(self.heap, alloc.handle, self)

    @property
    def _layout(self) -> Layout:
        return self.heap._layout(self.number)

    @property
    def name(self) -> str:
        return self._layout.name

    @property
    def slots(self) -> int:
        """Slots of each object."""
        return self._layout.slots

    @property
    def payload(self) -> int:
        """Payload bytes of each object."""
        return self._layout.payload

    @property
    def leaf(self) -> bool:
        """Whether objects have no slots, so that sweeps do not look at them."""
        return bool(self._layout.flags & abi.TYPE_FLAG_LEAF)

    @property
    def mapped(self) -> bool:
        """Whether payloads can be mapped."""
        return bool(self._layout.flags & abi.TYPE_FLAG_MAPPED)

    @property
    def slot_names(self) -> tuple[str, ...]:
        """Names of the first slots. Known to this session only: others that share the heap name slots for themselves.

        May be set. ValueError for more names than slots, for one that is none, and for what objects have already.
        """
        return self._layout.slot_names

    @slot_names.setter
    def slot_names(self, names: Iterable[str]) -> None:
        layout = self._layout
        self.heap._layouts[self.number] = layout._replace(slot_names=checked_names(names, layout.slots))

    def slot_number(self, key: SlotKey) -> int:
        """Return a slot's number, given that or its name, from the end if negative. IndexError, KeyError."""
        layout = self._layout
        if isinstance(key, str):
            try:
                return layout.slot_names.index(key)
            except ValueError:
                raise KeyError(key) from None
        number = key + layout.slots if key < 0 else key
        if not 0 <= number < layout.slots:
            raise IndexError(f"slot {key} of {layout.slots}")
        return number

    @property
    def info(self) -> TypeInfo:
        """What the kernel says of the type now."""
        info = abi.TypeInfo(type=self.number)
        self.heap._session.call(abi.TYPE_INFO, info)
        return TypeInfo(
            info.type,
            info.name.decode(),
            bool(info.type_flags & abi.TYPE_FLAG_LEAF),
            bool(info.type_flags & abi.TYPE_FLAG_MAPPED),
            info.slots,
            info.payload,
            info.object_size,
            info.slab_objects,
            info.objects,
            info.slabs,
        )

    def objects(self, generation: int | None = None) -> Iterator[Object]:
        """Yield the objects of this type that live, as Heap.objects() does."""
        return self.heap.objects(self, generation)

    def destroy(self) -> None:
        """Take the type away. OSError: EBUSY while objects of it live. Its number may be another type's afterwards."""
        self.heap._session.call(abi.TYPE_DESTROY, abi.TypeDestroy(type=self.number))
        self.heap._layouts.pop(self.number, None)


def checked_names(names: Iterable[str], slots: int) -> tuple[str, ...]:
    checked = tuple(names)
    if len(checked) > slots:
        raise ValueError(f"{len(checked)} names for {slots} slots")
    for name in checked:
        if not name.isidentifier() or keyword.iskeyword(name) or name.startswith("_"):
            raise ValueError(f"{name!r} cannot be an attribute")
        if hasattr(Object, name):
            raise ValueError(f"objects have an attribute {name!r} already")
    if len(set(checked)) != len(checked):
        raise ValueError("two slots of the same name")
    return checked
