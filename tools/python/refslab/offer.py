# SPDX-License-Identifier: GPL-2.0
"""Heaps on offer: a socket in the file system, for whoever may connect to it."""

from __future__ import annotations

import contextlib
import os
import select
import socket
from typing import TYPE_CHECKING

from .session import Descriptor, Owned

if TYPE_CHECKING:
    from .heap import Heap

_WAITING = 16


class Offer(Owned):
    """A UNIX socket that gives who connects an invitation to a heap, when it is served.

    The file has mode 0600, so that only the same user and root can connect; it goes at close() or at the end of a with
    statement. fileno() is for select, poll and asyncio: readable when somebody has come.
    """

    __slots__ = ("_heap", "_path", "_read_only", "_limit", "_socket")

    def __init__(self, heap: Heap, path: str | os.PathLike[str], read_only: bool, limit: int) -> None:
        self._heap = heap
        path = _file(os.fspath(path))
        # Which file that is does not change with the directory that the process is in.
        self._path = os.path.abspath(path)
        self._read_only = read_only
        self._limit = limit
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.setblocking(False)
            # The file is made with the socket's mode: never is it open to others.
            os.fchmod(self._socket.fileno(), 0o600)
            self._socket.bind(path)
        except BaseException:
            self._socket.close()
            raise
        self._socket.listen(_WAITING)

    def fileno(self) -> int:
        """Return the socket's descriptor. Raises ValueError if it is closed."""
        number = self._socket.fileno()
        if number < 0:
            raise ValueError("the offer is closed")
        return number

    def serve(self, timeout: float | None = 0) -> int:
        """Give all who have come an invitation; return how many. If nobody has, wait at most timeout seconds, None ever.

        What the heap refuses raises OSError; who has come is told by the end of the connection.
        """
        poll = select.poll()
        poll.register(self.fileno(), select.POLLIN)
        poll.poll(None if timeout is None else max(timeout, 0) * 1000)
        served = 0
        while True:
            try:
                client, _ = self._socket.accept()
            except BlockingIOError:
                return served
            with client, self._heap.invite(self._read_only, self._limit) as invitation:
                try:
                    invitation.send(client)
                    served += 1
                except BrokenPipeError:
                    # It did not wait.
                    pass

    def close(self) -> None:
        """Take the offer back: who comes later is refused."""
        if self._socket.fileno() >= 0:
            self._socket.close()
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._path)


def _file(path: str) -> str:
    """Return the path, if it is a file's: other names are anybody's."""
    if not path or path[0] == "\0":
        raise ValueError("not the name of a file")
    return path


def take_offer(path: str | os.PathLike[str]) -> Descriptor:
    """Return an invitation from who offers a heap there. Raises OSError, EOFError if none is given."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.connect(_file(os.fspath(path)))
        return Descriptor.receive(client)
