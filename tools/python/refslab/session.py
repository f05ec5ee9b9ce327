# SPDX-License-Identifier: GPL-2.0
"""An open file of the device, and what is owned by one: descriptors and handles."""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import sys
from types import TracebackType
from typing import Any, NoReturn, Protocol, TypeVar, Union

from . import abi

DEVICE = "/dev/refslab"

_FD = struct.Struct("i")

_Self = TypeVar("_Self")


class HasFileno(Protocol):
    def fileno(self) -> int:
        """Return the number of an open file descriptor."""


FileDescriptor = Union[int, HasFileno]


def fileno(descriptor: FileDescriptor) -> int:
    return descriptor if isinstance(descriptor, int) else descriptor.fileno()


class NameTooLong(ValueError):
    """No name has so many bytes."""


def name_bytes(name: str) -> bytes:
    """Return a name as structures hold it.

    Raises ValueError for one of more than 31 bytes: cut off it would be another. What characters it may have the
    kernel says, by OSError with EINVAL.
    """
    encoded = name.encode()
    if len(encoded) >= abi.NAME_MAX or b"\0" in encoded:
        raise NameTooLong(f"a name has at most {abi.NAME_MAX - 1} bytes: {name!r}")
    return encoded


class Owned:
    """Base of what owns something of the kernel: closed once, usable in a with statement, and not to be copied."""

    __slots__ = ("__weakref__",)

    def close(self) -> None:
        raise NotImplementedError

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __reduce__(self) -> NoReturn:
        # A copy would close the same number again.
        raise TypeError(f"{type(self).__name__} cannot be pickled or copied")


class Session(Owned):
    """A descriptor of the device.

    After fork(2) the child has the same session: a handle that it closes is closed for the parent too. So what a child
    inherited is closed there by explicit calls only, not because Python objects go away.
    """

    __slots__ = ("_fd", "_pid")

    def __init__(self, device: str = DEVICE, flags: int = 0) -> None:
        self._fd = -1
        self._fd = os.open(device, os.O_RDWR | os.O_CLOEXEC | flags)
        self._pid = os.getpid()

    @property
    def closed(self) -> bool:
        return self._fd < 0

    @property
    def inherited(self) -> bool:
        return os.getpid() != self._pid

    def fileno(self) -> int:
        """Return the descriptor. Raises ValueError if it is closed."""
        if self._fd < 0:
            raise ValueError("the heap is closed")
        return self._fd

    def call(self, request: int, argument: abi.Call) -> None:
        """Do an ioctl. Raises OSError; is done again where a signal interrupted it before anything was done."""
        while True:
            try:
                fcntl.ioctl(self.fileno(), request, argument)
                return
            except InterruptedError:
                continue

    def close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def __del__(self) -> None:
        self.close()


class Descriptor(Owned):
    """A file descriptor that stands for something of a heap: an invitation, an exported object, a payload.

    Travels to other processes by send() and receive(), or by any other means for descriptors. Closed by close(), at
    the end of a with statement, or when nobody refers to this object any more.
    """

    __slots__ = ("_fd",)

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def __repr__(self) -> str:
        return f"<refslab.Descriptor {'closed' if self._fd < 0 else self._fd}>"

    def fileno(self) -> int:
        """Return the descriptor's number. Raises ValueError if it is closed."""
        if self._fd < 0:
            raise ValueError("the descriptor is closed")
        return self._fd

    def send(self, to: socket.socket) -> None:
        """Send the descriptor over a UNIX socket, with one byte. It may be closed afterwards."""
        socket.send_fds(to, [b"\0"], [self.fileno()])

    @classmethod
    def receive(cls, source: socket.socket) -> Descriptor:
        """Return what send() at the other end of a UNIX socket has sent.

        Raises EOFError if that end is closed, ValueError if what came has no descriptor.
        """
        # Not by socket.recv_fds(), which leaves out the flags.
        data, control, _, _ = source.recvmsg(1, socket.CMSG_LEN(_FD.size), socket.MSG_CMSG_CLOEXEC)
        for level, kind, content in control:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                return cls(*_FD.unpack(content))
        if not data:
            raise EOFError("the other end is closed")
        raise ValueError("no descriptor came")

    def detach(self) -> int:
        """Return the descriptor's number, which is now the caller's to close."""
        fd = self.fileno()
        self._fd = -1
        return fd

    def close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def __del__(self) -> None:
        self.close()


class Handle(Owned):
    """A handle of a session, or none any more."""

    __slots__ = ("_session", "_number")

    _session: Session
    _number: int

    def __init__(self, session: Session, number: int) -> None:
        object.__setattr__(self, "_session", session)
        object.__setattr__(self, "_number", number)

    def _forget(self) -> int:
        """Return the handle's number, which this object does not own any more; 0 if it does not already."""
        number = self._number
        object.__setattr__(self, "_number", 0)
        return number

    @property
    def handle(self) -> int:
        """The handle's number. ValueError if it is closed."""
        if not self._number:
            raise ValueError(f"the {type(self).__name__} is closed")
        return self._number

    @property
    def closed(self) -> bool:
        """Whether there is no handle any more, because it or its heap is closed."""
        return not self._number or self._session.closed

    def close(self) -> None:
        """Give the handle back. Does nothing if that has been done, or if the heap is closed."""
        number = self._forget()
        if number and not self._session.closed:
            self._session.call(abi.CLOSE, abi.Close(handle=number))

    def __del__(self) -> None:
        # Nothing was made if the constructor failed; and what the process has at its end goes with the session.
        session: Any = getattr(self, "_session", None)
        if session is not None and not sys.is_finalizing() and not session.inherited:
            self.close()
