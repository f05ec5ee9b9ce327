# SPDX-License-Identifier: GPL-2.0
"""Events: sweeps and deaths as they happen."""

from __future__ import annotations

import ctypes
import enum
import os
import select
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from . import abi, weak
from .session import FileDescriptor, Owned, Session, fileno

if TYPE_CHECKING:
    from .heap import Heap

_AT_ONCE = 64
_SIZE = ctypes.sizeof(abi.Event)


class EventKind(enum.IntEnum):
    """What an event is about."""

    LOST = abi.EVENT_LOST
    SWEEP_START = abi.EVENT_SWEEP_START
    SWEEP_END = abi.EVENT_SWEEP_END
    WEAK_DEAD = abi.EVENT_WEAK_DEAD


class Event(NamedTuple):
    """Something that happened; what a kind does not use is zero or None.

    time_ns: by time.monotonic_ns(). lost: of LOST, how many events were lost here. ref: of WEAK_DEAD, the weak
    reference, if it is still there. generation: of SWEEP_START and SWEEP_END. Of SWEEP_END: examined, freed, unfreed:
    objects; aborts: commits given up; duration_ns.
    """

    kind: EventKind
    time_ns: int
    generation: int = 0
    ref: weak.ref | None = None
    lost: int = 0
    examined: int = 0
    freed: int = 0
    unfreed: int = 0
    aborts: int = 0
    duration_ns: int = 0


def ask(session: Session, flags: int, room: int = 0, eventfd: int = 0) -> None:
    session.call(abi.EVENTS, abi.Events(flags=flags, room=room, eventfd=eventfd))


def read(session: Session) -> list[abi.Event]:
    """Return what waits, or if nothing does wait for it; with O_NONBLOCK raise BlockingIOError."""
    data = os.read(session.fileno(), _AT_ONCE * _SIZE)
    return [abi.Event.from_buffer_copy(data, start) for start in range(0, len(data), _SIZE)]


class Events(Owned):
    """The events of a session, which has one queue of them: Heap.events() again replaces it.

    Iterating waits for events and never ends. fileno() is for select, poll and asyncio. Closed by close() or at the end
    of a with statement: no more events are queued then.
    """

    __slots__ = ("_heap", "_closed")

    def __init__(self, heap: Heap, sweeps: bool, deaths: bool, room: int, eventfd: FileDescriptor | None) -> None:
        flags = (abi.EVENTS_SWEEPS if sweeps else 0) | (abi.EVENTS_WEAK if deaths else 0)
        if not flags:
            raise ValueError("neither sweeps nor deaths are asked for")
        number = 0
        if eventfd is not None:
            flags |= abi.EVENTS_FD
            number = fileno(eventfd)
        self._heap = heap
        self._closed = False
        ask(heap._session, flags, room, number)

    def fileno(self) -> int:
        """Return the session's descriptor, readable while events wait."""
        return self._heap.fileno()

    def read(self, timeout: float | None = None) -> list[Event]:
        """Return the events that wait, in order, at least one: waits for it, at most timeout seconds, then returns [].

        OSError with ENXIO if they are closed while it waits.
        """
        if self._closed:
            raise ValueError("the events are closed")
        poll = select.poll()
        poll.register(self.fileno(), select.POLLIN)
        if not poll.poll(None if timeout is None else max(timeout, 0) * 1000):
            return []
        return [self._event(raw) for raw in read(self._heap._session)]

    def _event(self, raw: abi.Event) -> Event:
        kind = EventKind(raw.kind)
        return Event(
            kind,
            raw.time_ns,
            raw.generation,
            self._heap._refs.get(raw.handle) if kind == EventKind.WEAK_DEAD else None,
            raw.lost if kind == EventKind.LOST else 0,
            raw.examined,
            raw.freed,
            raw.unfreed,
            raw.aborts,
            raw.duration_ns,
        )

    def __iter__(self) -> Iterator[Event]:
        while True:
            yield from self.read()

    def close(self) -> None:
        """Ask for no more events; what waits is dropped."""
        if not self._closed and not self._heap.closed:
            ask(self._heap._session, 0)
        self._closed = True
