# SPDX-License-Identifier: GPL-2.0
"""Objects, and the slots by which they refer to each other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple, Optional, Union

from . import abi
from .payload import Payload
from .session import Descriptor, Handle

if TYPE_CHECKING:
    from . import weak
    from .heap import Heap
    from .type import Type

SlotKey = Union[int, str]


class ObjectInfo(NamedTuple):
    """What the kernel says of an object.

    type: number of its type. generation: sweeps survived, at most 2; 3 for what is frozen or in quarantine.
    references: from handles, slots and the kernel. slots, payload: how many, and bytes. tracked: sweeps look at it.
    quarantined: a sweep would have freed it. read_only: the handle is.
    """

    type: int
    generation: int
    references: int
    slots: int
    payload: int
    tracked: bool
    quarantined: bool
    read_only: bool


class Slots:
    """The slots of an object, by number or by the name its type gives them; each refers to an object or to None.

    IndexError for a number that is none, KeyError for such a name; PermissionError to change one by a read-only
    handle, or to store one; ValueError to store an object of another heap.
    """

    __slots__ = ("_object",)

    def __init__(self, owner: Object) -> None:
        self._object = owner

    def __len__(self) -> int:
        return self._object.type.slots

    def __repr__(self) -> str:
        return f"<{len(self)} refslab slots>"

    def __getitem__(self, key: SlotKey) -> Object | None:
        owner = self._object
        load = abi.SlotLoad(handle=owner.handle, slot=owner.type.slot_number(key))
        owner._session.call(abi.SLOT_LOAD, load)
        return Object(owner.heap, load.target) if load.target else None

    def __setitem__(self, key: SlotKey, target: Object | None) -> None:
        owner = self._object
        number = owner.type.slot_number(key)
        owner._session.call(
            abi.SLOT_SET, abi.SlotSet(handle=owner.handle, slot=number, target=owner._handle_of(target))
        )

    def __delitem__(self, key: SlotKey) -> None:
        self[key] = None

    def __iter__(self) -> Iterator[Object | None]:
        return (self[number] for number in range(len(self)))

    def move(self, key: SlotKey, to: Object, to_key: SlotKey) -> None:
        """Move a reference to a slot of to, which may be the same object; this one is empty afterwards.

        What the other slot referred to loses that reference. Moving nothing empties it.
        """
        owner = self._object
        move = abi.SlotMove(to=owner._handle_of(to), from_slot=owner.type.slot_number(key))
        setattr(move, "from", owner.handle)
        move.to_slot = to.type.slot_number(to_key)
        owner._session.call(abi.SLOT_MOVE, move)

    def compare_exchange(self, key: SlotKey, expected: Object | None, target: Object | None) -> bool:
        """Let a slot refer to target if it refers to expected; return whether it did. One step, also among sharers.

        With target the same as expected, this tells whether a slot refers to an object.
        """
        owner = self._object
        argument = abi.SlotCmpxchg(
            handle=owner.handle,
            slot=owner.type.slot_number(key),
            expected=owner._handle_of(expected),
            target=owner._handle_of(target),
        )
        try:
            owner._session.call(abi.SLOT_CMPXCHG, argument)
        except BlockingIOError:
            return False
        return True


class Object(Handle):
    """A counted reference to an object of a heap: one handle, which goes with this Python object.

    The type's slot names are attributes: node.next = other fills a slot, node.next is another Object of what it refers
    to, or None, and del node.next empties it. Two Objects may be of one object: == compares handles, not objects.

    Closed by close(), at the end of a with statement, when nobody refers to the Python object, or with the heap. What
    is closed raises ValueError.
    """

    __slots__ = ("heap", "_type")

    heap: Heap
    _type: Optional[Type]

    def __init__(self, heap: Heap, number: int, type: Type | None = None) -> None:
        super().__init__(heap._session, number)
        object.__setattr__(self, "heap", heap)
        object.__setattr__(self, "_type", type)

    def __repr__(self) -> str:
        if self.closed:
            return "<refslab.Object closed>"
        return f"<refslab.Object {self.type.name} handle {self._number:#x}>"

    def __getattr__(self, name: str) -> Object | None:
        if name.startswith("_") or name not in self.type.slot_names:
            raise AttributeError(f"no attribute, and no slot, is called {name!r}")
        return self.slots[name]

    def __setattr__(self, name: str, target: Object | None) -> None:
        if name.startswith("_") or name not in self.type.slot_names:
            raise AttributeError(f"no slot is called {name!r}")
        self.slots[name] = target

    def __delattr__(self, name: str) -> None:
        self.__setattr__(name, None)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *(() if self.closed else self.type.slot_names)]

    def _handle_of(self, other: Object | None) -> int:
        if other is None:
            return 0
        if other._session is not self._session:
            # Its number means something else in this session.
            raise ValueError("the object is of another heap")
        return other.handle

    @property
    def type(self) -> Type:
        """The object's type."""
        if self._type is None:
            object.__setattr__(self, "_type", self.heap._type_of(self.info))
        assert self._type is not None
        return self._type

    @property
    def info(self) -> ObjectInfo:
        """What the kernel says of the object now."""
        info = abi.ObjectInfo(handle=self.handle)
        self._session.call(abi.OBJECT_INFO, info)
        return ObjectInfo(
            info.type,
            info.generation,
            info.count,
            info.slots,
            info.payload,
            bool(info.object_flags & abi.OBJECT_TRACKED),
            bool(info.object_flags & abi.OBJECT_QUARANTINED),
            bool(info.object_flags & abi.OBJECT_READ_ONLY),
        )

    @property
    def slots(self) -> Slots:
        """The object's slots, by number or name."""
        return Slots(self)

    @property
    def payload(self) -> Payload:
        """The object's bytes."""
        return Payload(self)

    def dup(self, read_only: bool = False) -> Object:
        """Return another reference to the same object, by a handle of its own, if wanted a read-only one."""
        dup = abi.Dup(handle=self.handle, flags=abi.READ_ONLY if read_only else 0)
        self._session.call(abi.DUP, dup)
        return Object(self.heap, dup.copy, self._type)

    def ref(self) -> weak.ref:
        """Return a weak reference, as refslab.ref(object) does."""
        from .weak import ref

        return ref(self)

    def export(self, read_only: bool = False) -> Descriptor:
        """Return a descriptor by which another session of the same heap gets at the object: Heap.import_object().

        It is a reference to the object. PermissionError for more than a read-only handle allows.
        """
        export = abi.Export(handle=self.handle, flags=abi.READ_ONLY if read_only else 0)
        self._session.call(abi.EXPORT, export)
        return Descriptor(export.fd)
