# SPDX-License-Identifier: GPL-2.0
"""Functions called when a heap is swept."""

from __future__ import annotations

import atexit
import os
import select
import sys
import threading
import weakref
from collections.abc import Callable, Iterable, MutableSequence, Sequence
from typing import TYPE_CHECKING, Any, overload

from . import abi, event
from .session import Session

if TYPE_CHECKING:
    from .heap import Heap

Callback = Callable[[str, dict[str, int]], object]

_PHASES = {abi.EVENT_SWEEP_START: "start", abi.EVENT_SWEEP_END: "stop"}


class Watcher:
    """Calls callbacks when a heap is swept, from a thread: sweeps start in the kernel, at any time.

    It has a session of its own, read-only, so that the heap's events are left to the program.
    """

    def __init__(self, heap: Heap, callbacks: Sequence[Callback]) -> None:
        self._callbacks = callbacks
        # Held while callbacks are called, so that they are called one at a time and in order.
        self._lock = threading.RLock()
        self._caller: int | None = None
        self._session = Session(heap._device, os.O_NONBLOCK)
        with heap.invite(read_only=True) as invitation:
            self._session.call(abi.JOIN, abi.Join(fd=invitation.fileno()))
        event.ask(self._session, abi.EVENTS_SWEEPS)
        # The thread ends when the other end of its pipe is closed.
        self._wake, self._waker = os.pipe()
        self._thread = threading.Thread(target=self._run, name="refslab.gc", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:
            self._session.close()
            os.close(self._wake)
            os.close(self._waker)
            raise
        _watchers.add(self)

    def _run(self) -> None:
        poll = select.poll()
        poll.register(self._session.fileno(), select.POLLIN)
        poll.register(self._wake, select.POLLIN)
        try:
            while all(fd != self._wake for fd, _ in poll.poll()):
                self.drain()
        finally:
            with self._lock:
                self._session.close()
            os.close(self._wake)

    def drain(self) -> None:
        """Call the callbacks for all sweeps there have been."""
        # A child of fork(2) has neither the thread nor, perhaps, the lock.
        if self._session.inherited:
            return
        with self._lock:
            before, self._caller = self._caller, threading.get_ident()
            try:
                while not self._session.closed:
                    try:
                        events = event.read(self._session)
                    except BlockingIOError:
                        return
                    for raw in events:
                        self._call(raw)
            finally:
                self._caller = before

    def _call(self, raw: abi.Event) -> None:
        phase = _PHASES.get(raw.kind)
        if phase is None:
            return
        for callback in list(self._callbacks):
            info = {"generation": raw.generation, "collected": raw.freed, "uncollectable": raw.unfreed}
            try:
                callback(phase, info)
            except Exception:
                # Nobody called it who could be told.
                sys.excepthook(*sys.exc_info())

    def stop(self) -> None:
        """End the thread; wait for it, unless a callback asks."""
        waker, self._waker = self._waker, -1
        if waker < 0:
            return
        os.close(waker)
        if self._session.inherited:
            self._session.close()
            os.close(self._wake)
        elif threading.get_ident() not in (self._caller, self._thread.ident):
            self._thread.join()


_watchers: weakref.WeakSet[Watcher] = weakref.WeakSet()


@atexit.register
def _stop_all() -> None:
    # While there is an interpreter that a thread can end in.
    for watcher in list(_watchers):
        watcher.stop()


class Callbacks(MutableSequence[Callback]):
    """The list gc.callbacks: functions called with "start" or "stop" and a dictionary, before and after each sweep.

    The dictionary has generation, collected and uncollectable. Sweeps that the heap starts by itself run in the kernel
    meanwhile: for them the functions are called by a thread of their own, soon afterwards. Those of collect() have been
    called when it returns. What a function raises is printed. As long as there is a function in the list, the heap has
    one more session.
    """

    def __init__(self, heap: Heap) -> None:
        # The heap has the list, so not the other way round.
        self._heap = weakref.ref(heap)
        self._list: list[Callback] = []
        self._watcher: Watcher | None = None
        # The one before, whose thread may be calling the function that took itself off the list.
        self._ending: Watcher | None = None

    def __repr__(self) -> str:
        return repr(self._list)

    def __len__(self) -> int:
        return len(self._list)

    @overload
    def __getitem__(self, index: int) -> Callback:
        ...

    @overload
    def __getitem__(self, index: slice) -> list[Callback]:
        ...

    def __getitem__(self, index: int | slice) -> Callback | list[Callback]:
        return self._list[index]

    @overload
    def __setitem__(self, index: int, value: Callback) -> None:
        ...

    @overload
    def __setitem__(self, index: slice, value: Iterable[Callback]) -> None:
        ...

    def __setitem__(self, index: int | slice, value: Any) -> None:
        self._watch()
        try:
            self._list[index] = value
        finally:
            self._stop_unless_needed()

    def __delitem__(self, index: int | slice) -> None:
        del self._list[index]
        self._stop_unless_needed()

    def insert(self, index: int, value: Callback) -> None:
        self._watch()
        self._list.insert(index, value)

    def _watch(self) -> None:
        heap = self._heap()
        if self._watcher is None and heap is not None:
            self._watcher = Watcher(heap, self._list)

    def _stop_unless_needed(self) -> None:
        if not self._list:
            self.stop()

    def drain(self) -> None:
        watcher = self._watcher
        for each in (self._ending, watcher):
            if each is not None:
                each.drain()

    def stop(self) -> None:
        watcher = self._watcher
        if watcher is not None:
            self._ending = watcher
            self._watcher = None
            watcher.stop()
