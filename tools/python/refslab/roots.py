# SPDX-License-Identifier: GPL-2.0
"""Roots: names under which the heap itself keeps objects."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator, MutableMapping
from typing import TYPE_CHECKING

from . import abi
from .object import Object
from .session import NameTooLong, name_bytes

if TYPE_CHECKING:
    from .heap import Heap


@contextlib.contextmanager
def _key_error(name: str) -> Iterator[None]:
    """Say as dictionaries do that there is no such root, also of what cannot be one's name."""
    try:
        yield
    except NameTooLong:
        raise KeyError(name) from None
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.EINVAL):
            raise KeyError(name) from None
        raise


class Roots(MutableMapping[str, Object]):
    """A heap's roots as a dictionary of names and objects; it is the same for all that share the heap.

    KeyError for a name that is no root's; others may take roots away between any two calls. Names have up to 31 letters,
    digits, '-', '_' and '.', which they do not begin with. OSError: ENOSPC beyond 1024 roots, EACCES to change them in a
    read-only session or to a read-only object.
    """

    def __init__(self, heap: Heap) -> None:
        self._heap = heap

    def _set(self, name: str, number: int, flags: int = 0) -> None:
        self._heap._session.call(abi.ROOT_SET, abi.RootSet(flags=flags, handle=number, name=name_bytes(name)))

    def _target(self, target: Object) -> int:
        if target._session is not self._heap._session:
            raise ValueError("the object is of another heap")
        return target.handle

    def __getitem__(self, name: str) -> Object:
        with _key_error(name):
            root = abi.RootGet(name=name_bytes(name))
            self._heap._session.call(abi.ROOT_GET, root)
        return Object(self._heap, root.handle)

    def __setitem__(self, name: str, target: Object) -> None:
        self._set(name, self._target(target))

    def __delitem__(self, name: str) -> None:
        with _key_error(name):
            self._set(name, 0)

    def add(self, name: str, target: Object) -> None:
        """Make a new root. Raises FileExistsError if there is one of that name: of several that try, one succeeds."""
        self._set(name, self._target(target), abi.ROOT_NEW)

    def setdefault(self, name: str, default: Object | None = None) -> Object:
        """Return what the name stands for, after adding default if it stood for nothing; one step among sharers."""
        if default is None:
            return self[name]
        while True:
            try:
                self.add(name, default)
                return default
            except FileExistsError:
                try:
                    return self[name]
                except KeyError:
                    continue

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, str):
            return False
        try:
            self[name].close()
        except KeyError:
            return False
        return True

    def __iter__(self) -> Iterator[str]:
        root = abi.RootNext()
        while True:
            try:
                self._heap._session.call(abi.ROOT_NEXT, root)
            except FileNotFoundError:
                return
            yield root.name.decode()

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return f"<refslab.Roots {list(self)}>"
