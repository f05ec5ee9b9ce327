# SPDX-License-Identifier: GPL-2.0
"""The bytes of an object."""

from __future__ import annotations

import ctypes
import mmap
import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Union, overload

from . import abi
from .session import Descriptor

if TYPE_CHECKING:
    from .object import Object

Buffer = Union[bytes, bytearray, memoryview]


def copied(data: int | Buffer) -> bytes:
    """Return the bytes; TypeError for a number, of which bytes() makes that many zeroes."""
    if isinstance(data, int):
        raise TypeError("what is written to a payload is bytes")
    return bytes(data)


class Payload:
    """The payload of an object: a fixed number of bytes, zero at first, that slices and struct's names reach.

    payload[2:6] = b"abcd" and payload[2:6] copy in and out, one call of the kernel for each; bytes(payload) copies all.
    map() gives the bytes themselves. All of it raises PermissionError where a read-only handle is to write.
    """

    __slots__ = ("_object",)

    def __init__(self, owner: Object) -> None:
        self._object = owner

    def __len__(self) -> int:
        return self._object.type.payload

    def __bytes__(self) -> bytes:
        return self.read()

    def __iter__(self) -> Iterator[int]:
        # By one call, not by one for each byte.
        return iter(self.read())

    def __repr__(self) -> str:
        return f"<refslab payload of {len(self)} bytes>"

    def _io(self, request: int, offset: int, length: int, address: int) -> None:
        if offset < 0 or offset + length > len(self):
            raise IndexError(f"bytes {offset} to {offset + length} of a payload of {len(self)}")
        if not length:
            return
        owner = self._object
        argument = abi.Io(handle=owner.handle, offset=offset, length=length, buffer=address)
        owner._session.call(request, argument)

    def readinto(self, buffer: bytearray | memoryview, offset: int = 0) -> int:
        """Fill a writable buffer from byte offset on; return its length. Raises IndexError beyond the payload."""
        with memoryview(buffer) as view, view.cast("B") as flat:
            length = len(flat)
            if length:
                target = (ctypes.c_char * length).from_buffer(flat)
                try:
                    self._io(abi.READ, offset, length, ctypes.addressof(target))
                finally:
                    # It holds the views, which cannot be released before.
                    del target
        return length

    def read(self, offset: int = 0, length: int | None = None) -> bytes:
        """Return length bytes from byte offset on, or all to the end. Raises IndexError beyond the payload."""
        if length is None:
            length = max(len(self) - offset, 0)
        if length < 0:
            raise ValueError("a negative length")
        buffer = ctypes.create_string_buffer(length)
        self._io(abi.READ, offset, length, ctypes.addressof(buffer))
        return buffer.raw[:length]

    def write(self, data: Buffer, offset: int = 0) -> int:
        """Copy data to byte offset and following; return its length. Raises IndexError beyond the payload."""
        copy = copied(data)
        address = ctypes.cast(ctypes.c_char_p(copy), ctypes.c_void_p).value or 0
        self._io(abi.WRITE, offset, len(copy), address)
        return len(copy)

    def unpack_from(self, format: str, offset: int = 0) -> tuple[Any, ...]:
        """Return values as struct.unpack_from() does."""
        return struct.unpack(format, self.read(offset, struct.calcsize(format)))

    def pack_into(self, format: str, offset: int, *values: Any) -> None:
        """Store values as struct.pack_into() does."""
        self.write(struct.pack(format, *values), offset)

    def _range(self, index: slice) -> tuple[int, int]:
        start, stop, step = index.indices(len(self))
        if step != 1:
            raise ValueError("slices of a payload have no step")
        return start, max(stop - start, 0)

    def _place(self, index: int) -> int:
        place = index + len(self) if index < 0 else index
        if not 0 <= place < len(self):
            raise IndexError(f"byte {index} of a payload of {len(self)}")
        return place

    @overload
    def __getitem__(self, index: int) -> int:
        ...

    @overload
    def __getitem__(self, index: slice) -> bytes:
        ...

    def __getitem__(self, index: int | slice) -> int | bytes:
        if isinstance(index, slice):
            return self.read(*self._range(index))
        return self.read(self._place(index), 1)[0]

    @overload
    def __setitem__(self, index: int, value: int) -> None:
        ...

    @overload
    def __setitem__(self, index: slice, value: Buffer) -> None:
        ...

    def __setitem__(self, index: int | slice, value: int | Buffer) -> None:
        if not isinstance(index, slice):
            if not isinstance(value, int):
                raise TypeError("a byte of a payload is an int")
            self.write(bytes((value,)), self._place(index))
            return
        offset, length = self._range(index)
        data = copied(value)
        if len(data) != length:
            raise ValueError(f"{len(data)} bytes for {length}: a payload does not change its size")
        self.write(data, offset)

    def _map(self, read_only: bool) -> tuple[Descriptor, int]:
        owner = self._object
        argument = abi.Map(handle=owner.handle, flags=abi.READ_ONLY if read_only else 0)
        owner._session.call(abi.MAP, argument)
        return Descriptor(argument.fd), argument.length

    def descriptor(self, read_only: bool = False) -> Descriptor:
        """Return a descriptor for mmap(2), also for processes that do not know refslab.

        It keeps the object. OSError: ENODEV if the type is not mapped, EACCES for more than a read-only handle allows.
        """
        return self._map(read_only)[0]

    def map(self, read_only: bool = False) -> memoryview:
        """Return the payload itself, shared with all who map it. Errors as of descriptor(), and ENOMEM.

        The view keeps the object, without its handle or heap, until its release(), the end of a with statement, or
        until nobody refers to it.
        """
        descriptor, length = self._map(read_only)
        access = mmap.PROT_READ if read_only else mmap.PROT_READ | mmap.PROT_WRITE
        with descriptor:
            mapping = mmap.mmap(descriptor.fileno(), length, mmap.MAP_SHARED, access)
        return memoryview(mapping)[: len(self)]
