# SPDX-License-Identifier: GPL-2.0
"""Heaps, as a session sees one."""

from __future__ import annotations

import ctypes
import os
import weakref
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple, Union

from . import abi
from .batch import Batch
from .event import Events
from .object import Object, ObjectInfo
from .offer import Offer
from .roots import Roots
from .session import DEVICE, Descriptor, FileDescriptor, Owned, Session, fileno, name_bytes
from .type import Layout, Type, checked_names
from .weak import ref

if TYPE_CHECKING:
    from .callbacks import Callbacks
    from .collector import Collector

# Handles that one call of inspection makes here.
_AT_ONCE = 256


class HeapInfo(NamedTuple):
    """What the kernel says of a heap.

    chunk_bytes: what it takes memory in. limit: most bytes it may take. reserve: bytes it never goes below. low, high:
    bytes of cached empty chunks below which it fills up, and above which it gives back. bytes: held now; cached: of
    these, in empty chunks. objects: alive. types: how many. handles, handles_max: of this session, now and at most.
    sessions: of the heap. read_only, joined: this session. session_limit, session_bytes: most bytes for objects of this
    session, 0 for no limit, and what they take.
    """

    name: str
    chunk_bytes: int
    limit: int
    reserve: int
    low: int
    high: int
    bytes: int
    cached: int
    objects: int
    types: int
    handles: int
    handles_max: int
    sessions: int
    read_only: bool
    joined: bool
    session_limit: int
    session_bytes: int


class SweepStats(NamedTuple):
    """What the sweeps of one generation have done.

    runs: sweeps. examined: objects gathered. freed: as members of garbage cycles or of what only these reached.
    unfreed: looked like garbage, were touched meanwhile and left to a later sweep. aborts: commits given up. time_ns,
    longest_ns: spent, and by the longest one. candidates: of the objects gathered, those that the sweeps began with.
    """

    runs: int
    examined: int
    freed: int
    unfreed: int
    aborts: int
    time_ns: int
    longest_ns: int
    candidates: int


class Types(Mapping[str, Type]):
    """A heap's types by name, also those that other sessions made."""

    def __init__(self, heap: Heap) -> None:
        self._heap = heap

    def _infos(self) -> Iterator[abi.TypeInfo]:
        info = abi.TypeInfo(flags=abi.TYPE_INFO_NEXT)
        while True:
            try:
                self._heap._session.call(abi.TYPE_INFO, info)
            except FileNotFoundError:
                return
            yield info

    def __iter__(self) -> Iterator[str]:
        return (info.name.decode() for info in self._infos())

    def __len__(self) -> int:
        return self._heap.info.types

    def __getitem__(self, name: str) -> Type:
        for info in self._infos():
            if info.name == name.encode():
                self._heap._learn(info)
                return Type(self._heap, info.type)
        raise KeyError(name)


class Heap(Owned):
    """A heap of typed objects, and this session's handles in it.

    with refslab.Heap("example") as heap:
        Node = heap.type("node", slots=("next",), payload=16)
        a, b = Node(), Node()
        a.next, b.next = b, a

    Closed by close(), at the end of a with statement, or when nothing refers to it any more; its objects cannot be used
    then. A heap that nobody else shares is gone with that. May be used by several threads, but close() not beside other
    calls. A child of os.fork() has the same session.
    """

    __slots__ = ("_session", "_device", "_layouts", "_refs", "_callbacks")

    def __init__(self, name: str = "", limit: int = 0, *, device: str = DEVICE) -> None:
        """Make a heap.

        name: shown in /sys/kernel/refslab, up to 31 letters, digits, '-', '_' and '.', which it does not begin with;
        without it the kernel makes one. "version", and what begins with "heap-" and a digit, count as taken.
        limit: most bytes it may take from the system; 0 for the module's default.

        OSError: ENOENT without the module, EACCES without rights for the device, EEXIST if the name is taken, EDQUOT if
        the user has all the heaps he may have, EINVAL for what is no name. ValueError for a name that is too long.
        """
        create = abi.HeapCreate(limit=limit, name=name_bytes(name))
        self._bind(device, abi.HEAP_CREATE, create)

    @classmethod
    def join(cls, invitation: FileDescriptor, *, device: str = DEVICE) -> Heap:
        """Return a session of the heap that an invitation is for, which may be closed afterwards.

        OSError: EBADF if it is no invitation, ENOSPC if too many sessions with a limit are in the heap, open or by objects.
        """
        heap = cls.__new__(cls)
        heap._bind(device, abi.JOIN, abi.Join(fd=fileno(invitation)))
        return heap

    def _bind(self, device: str, request: int, argument: abi.Call) -> None:
        session = Session(device)
        try:
            session.call(request, argument)
        except OSError:
            session.close()
            raise
        self._session = session
        self._device = device
        self._layouts: dict[int, Layout] = {}
        self._refs: weakref.WeakValueDictionary[int, ref] = weakref.WeakValueDictionary()
        self._callbacks: Callbacks | None = None
        _open_heaps.add(self)

    def __repr__(self) -> str:
        return "<refslab.Heap closed>" if self.closed else f"<refslab.Heap {self.name!r}>"

    @property
    def closed(self) -> bool:
        return self._session.closed

    def fileno(self) -> int:
        """Return the session's descriptor. Who is given it by another process has this session's handles."""
        return self._session.fileno()

    def close(self) -> None:
        """Close the session: its handles go, and with the last descriptor of the heap the heap."""
        if self._callbacks is not None:
            self._callbacks.stop()
        self._session.close()
        _open_heaps.discard(self)

    def __del__(self) -> None:
        if hasattr(self, "_session"):
            self.close()

    @property
    def name(self) -> str:
        return self.info.name

    @property
    def info(self) -> HeapInfo:
        """What the kernel says of the heap now."""
        info = abi.HeapInfo()
        self._session.call(abi.HEAP_INFO, info)
        return HeapInfo(
            info.name.decode(),
            info.chunk_bytes,
            info.limit,
            info.reserve,
            info.low,
            info.high,
            info.bytes,
            info.cached,
            info.objects,
            info.types,
            info.handles,
            info.handles_max,
            info.sessions,
            bool(info.session_flags & abi.SESSION_READ_ONLY),
            bool(info.session_flags & abi.SESSION_JOINED),
            info.session_limit,
            info.session_bytes,
        )

    def set_limits(
        self, *, limit: int | None = None, reserve: int | None = None, low: int | None = None, high: int | None = None
    ) -> None:
        """Set what is given, in bytes; HeapInfo says what they are.

        OSError: EINVAL for a reserve above the limit, low above high, or more than 8 GiB, ENOMEM if the reserve cannot
        be had, ENOSPC if with it all heaps of the user would take more than they may, EACCES for a session that joined.
        """
        fields = {"flags": 0}
        for name, flag, value in (
            ("limit", abi.LIMITS_LIMIT, limit),
            ("reserve", abi.LIMITS_RESERVE, reserve),
            ("low", abi.LIMITS_LOW, low),
            ("high", abi.LIMITS_HIGH, high),
        ):
            if value is not None:
                fields["flags"] |= flag
                fields[name] = value
        self._session.call(abi.HEAP_LIMITS, abi.HeapLimits(**fields))

    def stats(self, generation: int) -> SweepStats:
        """Return what the sweeps of generation 0, 1 or 2 have done."""
        stats = abi.Stats(generation=generation)
        self._session.call(abi.STATS, stats)
        return SweepStats(*(getattr(stats, name) for name in SweepStats._fields))

    @property
    def gc(self) -> Collector:
        """The functions of refslab.gc for this heap."""
        from .collector import Collector

        return Collector(self)

    def type(
        self,
        name: str,
        slots: Union[int, Iterable[str]] = 0,
        payload: int = 0,
        *,
        align: int = 0,
        mapped: bool = False,
    ) -> Type:
        """Make a type.

        slots: how many an object has, up to 1024, or names for them, which are attributes of its objects. payload:
        bytes of an object, up to 8192; align: of the payload, a power of two up to 4096. mapped: payloads,
        up to 1 MiB, are on pages that can be mapped.

        OSError: EEXIST if the name is taken, EINVAL beyond these limits, ENOSPC with too many types. ValueError for
        slot names that cannot be attributes.
        """
        names: tuple[str, ...] = ()
        if not isinstance(slots, int):
            names = tuple(slots)
            slots = len(names)
            checked_names(names, slots)
        create = abi.TypeCreate(
            flags=abi.TYPE_MAPPED if mapped else 0, slots=slots, payload=payload, align=align, name=name_bytes(name)
        )
        self._session.call(abi.TYPE_CREATE, create)
        flags = (abi.TYPE_FLAG_MAPPED if mapped else 0) | (0 if slots else abi.TYPE_FLAG_LEAF)
        self._layouts[create.type] = Layout(name, slots, payload, flags, names)
        return Type(self, create.type)

    @property
    def types(self) -> Types:
        """The heap's types by name."""
        return Types(self)

    def _learn(self, info: abi.TypeInfo) -> Layout:
        layout = Layout(info.name.decode(), info.slots, info.payload, info.type_flags)
        known = self._layouts.get(info.type)
        if known is None or known._replace(slot_names=()) != layout:
            known = self._layouts[info.type] = layout
        return known

    def _layout(self, number: int) -> Layout:
        layout = self._layouts.get(number)
        if layout is None:
            info = abi.TypeInfo(type=number)
            self._session.call(abi.TYPE_INFO, info)
            layout = self._learn(info)
        return layout

    def _type_of(self, info: ObjectInfo) -> Type:
        layout = self._layouts.get(info.type)
        # Another session may have destroyed the type and made one with its number.
        if layout is not None and (layout.slots, layout.payload) != (info.slots, info.payload):
            del self._layouts[info.type]
        return Type(self, info.type)

    def objects(self, type: Type | None = None, generation: int | None = None) -> Iterator[Object]:
        """Yield the objects that live, of one type or any, of one generation (3: frozen) or any.

        What lives all the time is found once; what comes, goes or changes its generation meanwhile may be. Garbage that
        no sweep has found yet lives, and the Object keeps it. OSError: ENOSPC with too many handles.
        """
        argument = abi.Objects(
            type=type.number if type is not None else 0,
            generation=abi.GENERATION_ANY if generation is None else generation,
        )
        return self._inspect(abi.OBJECTS, argument, type)

    def _inspect(self, request: int, argument: abi.Call, type: Type | None = None) -> Iterator[Object]:
        handles = (ctypes.c_uint64 * _AT_ONCE)()
        argument.handles = ctypes.addressof(handles)
        while True:
            argument.count = _AT_ONCE
            self._session.call(request, argument)
            # Owned from here on, also if the caller wants no more.
            yield from [Object(self, number, type) for number in handles[: argument.count]]
            if not argument.cursor:
                return

    def batch(self) -> Batch:
        """Return an empty batch of operations."""
        return Batch(self)

    def events(
        self, *, sweeps: bool = True, deaths: bool = True, room: int = 0, eventfd: FileDescriptor | None = None
    ) -> Events:
        """Ask for events: starts and ends of sweeps, deaths of what this session's weak references refer to.

        room: how many may wait, 2 to 65536, 0 for 256; what comes when it is full is lost, and the number of the lost
        is an event. eventfd: signalled when events come. Replaces what was asked for before. OSError: EBADF if eventfd
        is none, EINVAL for another room.
        """
        return Events(self, sweeps, deaths, room, eventfd)

    @property
    def roots(self) -> Roots:
        """Names under which the heap keeps objects, as a dictionary."""
        return Roots(self)

    def invite(self, read_only: bool = False, limit: int = 0) -> Descriptor:
        """Return an invitation, by which any number of sessions may join: Heap.join().

        limit: most bytes that the living objects allocated by one of them may take, 0 for no limit but the heap's.
        PermissionError in a read-only session, if read_only is false.
        """
        invite = abi.Invite(flags=abi.READ_ONLY if read_only else 0, limit=limit)
        self._session.call(abi.INVITE, invite)
        return Descriptor(invite.fd)

    def offer(self, path: str | os.PathLike[str], read_only: bool = True, limit: int = 0) -> Offer:
        """Make a UNIX socket there whose visitors get an invitation, from Offer.serve(): by take_offer(), or refslab(8)."""
        return Offer(self, path, read_only, limit)

    def import_object(self, descriptor: FileDescriptor) -> Object:
        """Return the object that another session of this heap exported; the descriptor may be closed afterwards.

        OSError: EXDEV if it is of another heap, EBADF if it is no exported object.
        """
        argument = abi.Import(fd=fileno(descriptor))
        self._session.call(abi.IMPORT, argument)
        return Object(self, argument.handle)


_open_heaps: weakref.WeakSet[Heap] = weakref.WeakSet()
_default: Heap | None = None


def default_heap() -> Heap:
    """Return the heap that refslab.gc is about.

    That is the one set by set_default_heap(), else the only one that the process has open; if it has none, one is made
    and set. RuntimeError if there are several and none is set.
    """
    if _default is not None and not _default.closed:
        return _default
    heaps = list(_open_heaps)
    if len(heaps) > 1:
        raise RuntimeError("several heaps are open: set_default_heap(), or the heap's gc, says which is meant")
    if heaps:
        return heaps[0]
    heap = Heap()
    set_default_heap(heap)
    return heap


def set_default_heap(heap: Heap | None) -> None:
    """Set the heap that refslab.gc is about; None for none in particular."""
    global _default
    _default = heap
