# SPDX-License-Identifier: GPL-2.0
"""Batches: many operations in one call."""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Union

from . import abi
from .object import Object, SlotKey
from .payload import Buffer, copied
from .session import Handle
from .type import Type
from .weak import _ref_of, ref

if TYPE_CHECKING:
    from .heap import Heap

# Codes whose entries make a handle of an object, and all that make one.
_MAKE_OBJECT = (abi.OP_ALLOC, abi.OP_DUP, abi.OP_UPGRADE, abi.OP_SLOT_LOAD)
_MAKE_HANDLE = (*_MAKE_OBJECT, abi.OP_WEAK)


class Entry:
    """An operation of a batch, and what came of it. What one makes may be given to later ones of the same batch."""

    __slots__ = (
        "_token",
        "_code",
        "_index",
        "_flags",
        "_handles",
        "_data",
        "_length",
        "_other",
        "_type",
        "_value",
        "_error",
    )

    def __init__(
        self,
        token: object,
        code: int,
        handle: Operand | ref = None,
        *,
        index: int = 0,
        flags: int = 0,
        target: Operand = None,
        expected: Operand = None,
        data: bytes = b"",
        length: int = 0,
        other: int = 0,
        type: Type | None = None,
    ) -> None:
        self._token = token
        self._code = code
        self._index = index
        self._flags = flags
        self._handles = (handle, target, expected)
        self._data = data
        self._length = length
        self._other = other
        self._type = type
        self._value: Any = None
        self._error: int | None = None

    def __repr__(self) -> str:
        state = "not done" if self._error is None else f"errno {self._error}" if self._error else "done"
        return f"<refslab.Entry {self._code:#x} {state}>"

    @property
    def error(self) -> int | None:
        """0 if it was done, the error's number if it failed, None if it was not tried."""
        return self._error

    def result(self) -> Any:
        """Return what the operation gives: an Object, a ref, None or bytes; of compare_exchange() whether it did.

        Raises the OSError that it failed with, ECANCELED if what it refers to failed; RuntimeError if not tried.
        """
        if self._error is None:
            raise RuntimeError("the entry has not been done")
        if self._code == abi.OP_SLOT_CMPXCHG and self._error in (0, errno.EAGAIN):
            return not self._error
        if self._error:
            raise OSError(self._error, os.strerror(self._error))
        return self._value

    def _slot(self, key: SlotKey) -> int:
        if self._type is not None:
            return self._type.slot_number(key)
        if isinstance(key, str):
            raise ValueError(f"the type is not known yet: slot {key!r} by its number, please")
        return key

    def _fill(self, op: abi.Op, places: dict[Entry, int]) -> int:
        """Write the entry as the kernel takes it; return an error that is clear already, or 0."""
        numbers = []
        for operand in self._handles:
            if not isinstance(operand, Entry):
                numbers.append(operand.handle if operand is not None else 0)
            elif operand in places:
                numbers.append(abi.result(places[operand]))
            elif operand._error:
                return errno.ECANCELED
            elif operand._value is not None and operand._value.closed:
                return errno.EBADF
            else:
                numbers.append(operand._value.handle if operand._value is not None else 0)
        op.code = self._code
        op.flags = self._flags
        op.index = self._index
        op.length = self._length
        op.other = self._other
        # No room for it: ctypes has cut it, to another slot or byte.
        if (op.index, op.other) != (self._index, self._other):
            return errno.EINVAL
        op.handle = numbers[0]
        if self._data:
            ctypes.memmove(op.data, self._data, len(self._data))
        else:
            op.target, op.expected = numbers[1:]
        return 0

    def _finish(self, heap: Heap, result: abi.Result) -> None:
        self._error = result.error
        if result.error:
            return
        if self._code in _MAKE_OBJECT:
            self._value = Object(heap, result.handle, self._type) if result.handle else None
        elif self._code == abi.OP_WEAK:
            self._value = _ref_of(heap, result.handle)
        elif self._code == abi.OP_READ:
            self._value = bytes(result.data[: self._length])
        elif self._code == abi.OP_CLOSE:
            closed = self._handles[0]
            owner: Handle | None = closed._value if isinstance(closed, Entry) else closed
            if owner is not None:
                owner._forget()


Operand = Union[Object, Entry, None]


class Batch:
    """Operations that are collected, and done by one call for each 4096: by run(), or at the end of a with statement.

    with heap.batch() as batch:
        a = batch.alloc(node)
        b = batch.alloc(node)
        batch.set(a, "next", b)
    a.result().next

    Each method adds an operation and returns its Entry. Where an Object is wanted, an Entry that makes one does.
    """

    def __init__(self, heap: Heap) -> None:
        self._heap = heap
        self._entries: list[Entry] = []
        # By which entries are known as this batch's without referring to it, so that all goes when it is let go.
        self._token = object()
        self._ran = False

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries)

    def _check(self, operand: Operand | ref, makers: tuple[int, ...] = _MAKE_OBJECT) -> None:
        if isinstance(operand, Entry):
            if operand._token is not self._token:
                raise ValueError("the entry is of another batch")
            if operand._code not in makers:
                raise TypeError("the entry makes nothing that fits here")
        elif operand is not None and operand._session is not self._heap._session:
            raise ValueError("the object is of another heap")

    def _add(self, code: int, handle: Operand | ref = None, **fields: Any) -> Entry:
        if self._ran:
            raise ValueError("the batch has been run")
        for operand in (fields.get("target"), fields.get("expected")):
            self._check(operand)
        entry = Entry(self._token, code, handle, **fields)
        self._entries.append(entry)
        return entry

    def _add_for(self, code: int, owner: Object | Entry, **fields: Any) -> Entry:
        self._check(owner)
        return self._add(code, owner, **fields)

    @staticmethod
    def _slot(owner: Object | Entry, key: SlotKey) -> int:
        return owner._slot(key) if isinstance(owner, Entry) else owner.type.slot_number(key)

    def alloc(self, type: Type) -> Entry:
        """Allocate an object. Its result is the Object."""
        if type.heap is not self._heap:
            raise ValueError("the type is of another heap")
        return self._add(abi.OP_ALLOC, index=type.number, type=type)

    def dup(self, owner: Object | Entry, read_only: bool = False) -> Entry:
        """Make another reference. Its result is the Object."""
        return self._add_for(abi.OP_DUP, owner, flags=abi.READ_ONLY if read_only else 0, type=owner._type)

    def close(self, owner: Object | ref | Entry) -> Entry:
        """Close an Object or ref, also one that an earlier entry makes."""
        self._check(owner, _MAKE_HANDLE)
        return self._add(abi.OP_CLOSE, owner)

    def weak(self, owner: Object | Entry) -> Entry:
        """Make a weak reference. Its result is the ref."""
        return self._add_for(abi.OP_WEAK, owner)

    def upgrade(self, weak: ref | Entry) -> Entry:
        """Get at what a weak reference refers to. Its result is the Object, None if that is dead."""
        self._check(weak, (abi.OP_WEAK,))
        return self._add(abi.OP_UPGRADE, weak)

    def set(self, owner: Object | Entry, key: SlotKey, target: Operand) -> Entry:
        """Let a slot refer to target, or to nothing."""
        return self._add_for(abi.OP_SLOT_SET, owner, index=self._slot(owner, key), target=target)

    def load(self, owner: Object | Entry, key: SlotKey) -> Entry:
        """Get at what a slot refers to. Its result is the Object, or None."""
        return self._add_for(abi.OP_SLOT_LOAD, owner, index=self._slot(owner, key))

    def move(self, owner: Object | Entry, key: SlotKey, to: Object | Entry, to_key: SlotKey) -> Entry:
        """Move a reference from one slot to another."""
        return self._add_for(
            abi.OP_SLOT_MOVE, owner, index=self._slot(owner, key), target=to, other=self._slot(to, to_key)
        )

    def compare_exchange(self, owner: Object | Entry, key: SlotKey, expected: Operand, target: Operand) -> Entry:
        """Let a slot refer to target if it refers to expected. Its result tells whether; if not, it fails: EAGAIN."""
        return self._add_for(
            abi.OP_SLOT_CMPXCHG, owner, index=self._slot(owner, key), expected=expected, target=target
        )

    def read(self, owner: Object | Entry, offset: int, length: int) -> Entry:
        """Read up to 16 bytes of payload. Its result is the bytes."""
        if not 0 < length <= abi.BATCH_DATA:
            raise ValueError(f"an entry reads 1 to {abi.BATCH_DATA} bytes")
        return self._add_for(abi.OP_READ, owner, index=offset, length=length)

    def write(self, owner: Object | Entry, data: Buffer, offset: int = 0) -> Entry:
        """Write up to 16 bytes of payload."""
        copy = copied(data)
        if not 0 < len(copy) <= abi.BATCH_DATA:
            raise ValueError(f"an entry writes 1 to {abi.BATCH_DATA} bytes")
        return self._add_for(abi.OP_WRITE, owner, index=offset, data=copy, length=len(copy))

    def run(self, stop: bool = True) -> list[Entry]:
        """Do the operations in order; return the entries. Other threads' and sharers' calls may come between.

        stop: end with the first one that fails and raise its OSError; what was done before stays done. Otherwise the
        others are done all the same, and nothing is raised: ask the entries. ValueError if it was run already, or if
        an Object given to it is closed.
        """
        if self._ran:
            raise ValueError("the batch has been run")
        self._ran = True
        done = 0
        while done < len(self._entries):
            done += self._submit(self._entries[done : done + abi.BATCH_MAX], stop)
            last = self._entries[done - 1]
            if stop and last._error:
                raise OSError(last._error, os.strerror(last._error))
        return self._entries

    def _submit(self, entries: list[Entry], stop: bool) -> int:
        """Do entries by one call; return how many have been dealt with."""
        ops = (abi.Op * len(entries))()
        places: dict[Entry, int] = {}
        for entry in entries:
            error = entry._fill(ops[len(places)], places)
            if error:
                # Comes only after what is before it, so that it is told in order.
                if not places:
                    entry._error = error
                    return 1
                break
            places[entry] = len(places)
        results = (abi.Result * len(places))()
        argument = abi.Batch(
            flags=abi.BATCH_STOP if stop else 0,
            count=len(places),
            ops=ctypes.addressof(ops),
            results=ctypes.addressof(results),
        )
        try:
            self._heap._session.call(abi.BATCH, argument)
        finally:
            # Also when a signal's handler raises afterwards, or in the middle: nobody else knows what was made.
            done = zip(entries[: argument.done], results)
            try:
                self._finish(done)
            finally:
                self._finish(done)
        return int(argument.done)

    def _finish(self, done: Iterator[tuple[Entry, abi.Result]]) -> None:
        for entry, result in done:
            entry._finish(self._heap, result)

    def __enter__(self) -> Batch:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.run()
