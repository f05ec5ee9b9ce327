# SPDX-License-Identifier: GPL-2.0
"""The structures and numbers of include/uapi/linux/refslab.h, under their names there without "refslab".

tests/check_abi.py compiles a program against the headers and compares it with this file.
"""

from __future__ import annotations

import ctypes
import errno
import os
from ctypes import c_char, c_int32, c_int64, c_uint8, c_uint16, c_uint32, c_uint64
from typing import Any

NAME_MAX = 32
GENERATIONS = 3
GENERATION_FROZEN = 3
GENERATION_ANY = 0xFFFFFFFF
SLOTS_MAX = 1024
PAYLOAD_MAX = 8192
OBJECT_BYTES_MAX = 16000
MAPPED_MAX = 1 << 20
INSPECT_MAX = 1024
ROOTS_MAX = 1024
BATCH_MAX = 4096
BATCH_DATA = 16
EVENTS_MAX = 65536

READ_ONLY = 1 << 0
SESSION_READ_ONLY = 1 << 0
SESSION_JOINED = 1 << 1
LIMITS_LIMIT = 1 << 0
LIMITS_RESERVE = 1 << 1
LIMITS_LOW = 1 << 2
LIMITS_HIGH = 1 << 3
TYPE_MAPPED = 1 << 0
TYPE_FLAG_LEAF = 1 << 0
TYPE_FLAG_MAPPED = 1 << 1
TYPE_INFO_NEXT = 1 << 0
OBJECT_TRACKED = 1 << 0
OBJECT_QUARANTINED = 1 << 1
OBJECT_READ_ONLY = 1 << 2
ROOT_NEW = 1 << 0
THRESHOLDS_SET = 1 << 0
ENABLE_SET = 1 << 0
FREEZE_ON = 1 << 0
FREEZE_OFF = 1 << 1
QUARANTINE_SET = 1 << 0
QUARANTINE_DRAIN = 1 << 1
DEBUG_SET = 1 << 0
DEBUG_STATS = 1 << 0
DEBUG_SAVEALL = 1 << 5
BATCH_STOP = 1 << 0
EVENTS_SWEEPS = 1 << 0
EVENTS_WEAK = 1 << 1
EVENTS_FD = 1 << 2
EVENT_LOST = 0
EVENT_SWEEP_START = 1
EVENT_SWEEP_END = 2
EVENT_WEAK_DEAD = 3
OP_ALLOC = 0x20
OP_DUP = 0x21
OP_CLOSE = 0x22
OP_WEAK = 0x23
OP_UPGRADE = 0x24
OP_SLOT_SET = 0x30
OP_SLOT_LOAD = 0x31
OP_SLOT_MOVE = 0x32
OP_SLOT_CMPXCHG = 0x33
OP_READ = 0x40
OP_WRITE = 0x41

Name = c_char * NAME_MAX


class Call(ctypes.Structure):
    """What an ioctl is given; knows its size. Raises OSError, EINVAL, for a number that a field has no room for."""

    def __init__(self, **fields: Any) -> None:
        super().__init__(size=ctypes.sizeof(self), **fields)
        # ctypes cuts them: to a request for something else.
        for name, value in fields.items():
            if getattr(self, name) != value:
                raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))


class HeapCreate(Call):
    _fields_ = [("size", c_uint32), ("flags", c_uint32), ("limit", c_uint64), ("name", Name)]


class HeapInfo(Call):
    _fields_ = [
        ("size", c_uint32),
        ("flags", c_uint32),
        ("name", Name),
        ("chunk_bytes", c_uint64),
        ("limit", c_uint64),
        ("reserve", c_uint64),
        ("low", c_uint64),
        ("high", c_uint64),
        ("bytes", c_uint64),
        ("cached", c_uint64),
        ("objects", c_uint64),
        ("types", c_uint64),
        ("handles", c_uint64),
        ("handles_max", c_uint64),
        ("sessions", c_uint32),
        ("session_flags", c_uint32),
        ("session_limit", c_uint64),
        ("session_bytes", c_uint64),
    ]


class HeapLimits(Call):
    _fields_ = [
        ("size", c_uint32),
        ("flags", c_uint32),
        ("limit", c_uint64),
        ("reserve", c_uint64),
        ("low", c_uint64),
        ("high", c_uint64),
    ]


class Invite(Call):
    _fields_ = [
        ("size", c_uint32),
        ("flags", c_uint32),
        ("limit", c_uint64),
        ("fd", c_int32),
        ("reserved", c_uint32),
    ]


class Join(Call):
    _fields_ = [("size", c_uint32), ("flags", c_uint32), ("fd", c_int32), ("reserved", c_uint32)]


class RootSet(Call):
    _fields_ = [("size", c_uint32), ("flags", c_uint32), ("handle", c_uint64), ("name", Name)]


class RootGet(Call):
    _fields_ = [("size", c_uint32), ("flags", c_uint32), ("handle", c_uint64), ("name", Name)]


class RootNext(Call):
    _fields_ = [("size", c_uint32), ("flags", c_uint32), ("name", Name)]


class TypeCreate(Call):
    _fields_ = [
        ("size", c_uint32),
        ("flags", c_uint32),
        ("slots", c_uint32),
        ("payload", c_uint32),
        ("align", c_uint32),
        ("type", c_uint32),
        ("name", Name),
    ]


class TypeDestroy(Call):
    _fields_ = [("size", c_uint32), ("flags", c_uint32), ("type", c_uint32), ("reserved", c_uint32)]


class TypeInfo(Call):
    _fields_ = [
        ("size", c_uint32),
        ("flags", c_uint32),
        ("type", c_uint32),
        ("type_flags", c_uint32),
        ("slots", c_uint32),
        ("payload", c_uint32),
        ("object_size", c_uint32),
        ("slab_objects", c_uint32),
        ("objects", c_uint64),
        ("slabs", c_uint64),
        ("name", Name),
    ]


class Alloc(Call):
    _fields_ = [
        ("size", c_uint32),
        ("flags", c_uint32),
        ("type", c_uint32),
        ("reserved", c_uint32),
        ("handle", c_uint64),
    ]


class Dup(Call):
    _fields_ = [("size", c_uint32), ("flags", c_uint32), ("handle", c_uint64), ("copy", c_uint64)]


class Close(Call):
    _fields_ = [("size", c_uint32), ("flags", c_uint32), ("handle", c_uint64)]


class WeakCreate(Call):
    _fields_ = [("size", c_uint32), ("flags", c_uint32), ("handle", c_uint64), ("weak", c_uint64)]


class Upgrade(Call):
    _fields_ = [("size", c_uint32), ("flags", c_uint32), ("weak", c_uint64), ("handle", c_uint64)]


class Export(Call):
    _fields_ = [
        ("size", c_uint32),
        ("flags", c_uint32),
        ("handle", c_uint64),
        ("fd", c_int32),
        ("reserved", c_uint32),
    ]


class Import(Call):
    _fields_ = [
        ("size", c_uint32),
        ("flags", c_uint32),
        ("fd", c_int32),
        ("reserved", c_uint32),
        ("handle", c_uint64),
    ]


class SlotSet(Call):
    _fields_ = [
        ("size", c_uint32),
        ("flags", c_uint32),
        ("handle", c_uint64),
        ("slot", c_uint32),
        ("reserved", c_uint32),
        ("target", c_uint64),
    ]


class SlotLoad(Call):
    _fields_ = SlotSet._fields_


class SlotMove(Call):
    _fields_ = [
        ("size", c_uint32),
        ("flags", c_uint32),
        ("from", c_uint64),
        ("to", c_uint64),
        ("from_slot", c_uint32),
        ("to_slot", c_uint32),
    ]


class SlotCmpxchg(Call):
    _fields_ = [
        ("size", c_uint32),
        ("flags", c_uint32),
        ("handle", c_uint64),
        ("slot", c_uint32),
        ("reserved", c_uint32),
        ("expected", c_uint64),
        ("target", c_uint64),
    ]


class Io(Call):
    _fields_ = [
        ("size", c_uint32),
        ("flags", c_uint32),
        ("handle", c_uint64),
        ("offset", c_uint32),
        ("length", c_uint32),
        ("buffer", c_uint64),
    ]


class ObjectInfo(Call):
    _fields_ = [
        ("size", c_uint32),
        ("flags", c_uint32),
        ("handle", c_uint64),
        ("type", c_uint32),
        ("generation", c_uint32),
        ("count", c_uint64),
        ("slots", c_uint32),
        ("payload", c_uint32),
        ("object_flags", c_uint32),
        ("object", c_uint32),
    ]


class Objects(Call):
    _fields_ = [
        ("size", c_uint32),
        ("flags", c_uint32),
        ("type", c_uint32),
        ("generation", c_uint32),
        ("cursor", c_uint64),
        ("count", c_uint32),
        ("reserved", c_uint32),
        ("handles", c_uint64),
    ]


class Referrers(Call):
    _fields_ = [
        ("size", c_uint32),
        ("flags", c_uint32),
        ("handle", c_uint64),
        ("cursor", c_uint64),
        ("count", c_uint32),
        ("reserved", c_uint32),
        ("handles", c_uint64),
    ]


class Referents(Call):
    _fields_ = Referrers._fields_


class Map(Call):
    _fields_ = [
        ("size", c_uint32),
        ("flags", c_uint32),
        ("handle", c_uint64),
        ("length", c_uint64),
        ("fd", c_int32),
        ("reserved", c_uint32),
    ]


class Thresholds(Call):
    _fields_ = [
        ("size", c_uint32),
        ("flags", c_uint32),
        ("threshold", c_uint32 * GENERATIONS),
        ("reserved", c_uint32),
    ]


class Enable(Call):
    _fields_ = [("size", c_uint32), ("flags", c_uint32), ("enabled", c_uint32), ("reserved", c_uint32)]


class Counts(Call):
    _fields_ = [("size", c_uint32), ("flags", c_uint32), ("count", c_int64 * GENERATIONS)]


class Stats(Call):
    _fields_ = [
        ("size", c_uint32),
        ("flags", c_uint32),
        ("generation", c_uint32),
        ("reserved", c_uint32),
        ("runs", c_uint64),
        ("examined", c_uint64),
        ("freed", c_uint64),
        ("unfreed", c_uint64),
        ("aborts", c_uint64),
        ("time_ns", c_uint64),
        ("longest_ns", c_uint64),
        ("candidates", c_uint64),
    ]


class Collect(Call):
    _fields_ = [
        ("size", c_uint32),
        ("flags", c_uint32),
        ("generation", c_uint32),
        ("reserved", c_uint32),
        ("examined", c_uint64),
        ("freed", c_uint64),
        ("unfreed", c_uint64),
        ("time_ns", c_uint64),
    ]


class Freeze(Call):
    _fields_ = [("size", c_uint32), ("flags", c_uint32), ("objects", c_uint64)]


class Quarantine(Call):
    _fields_ = [
        ("size", c_uint32),
        ("flags", c_uint32),
        ("enabled", c_uint32),
        ("reserved", c_uint32),
        ("objects", c_uint64),
    ]


class Debug(Call):
    _fields_ = [("size", c_uint32), ("flags", c_uint32), ("debug", c_uint32), ("reserved", c_uint32)]


class _Targets(ctypes.Structure):
    _fields_ = [("target", c_uint64), ("expected", c_uint64)]


class _OpValue(ctypes.Union):
    _anonymous_ = ("targets",)
    _fields_ = [("targets", _Targets), ("data", c_uint8 * BATCH_DATA)]


class Op(ctypes.Structure):
    """An entry of a batch."""

    _anonymous_ = ("value",)
    _fields_ = [
        ("code", c_uint16),
        ("flags", c_uint16),
        ("index", c_uint32),
        ("handle", c_uint64),
        ("value", _OpValue),
        ("length", c_uint32),
        ("other", c_uint32),
    ]


class _ResultValue(ctypes.Union):
    _fields_ = [("handle", c_uint64), ("data", c_uint8 * BATCH_DATA)]


class Result(ctypes.Structure):
    """What came of an entry."""

    _anonymous_ = ("value",)
    _fields_ = [("error", c_uint32), ("reserved", c_uint32), ("value", _ResultValue)]


class Batch(Call):
    _fields_ = [
        ("size", c_uint32),
        ("flags", c_uint32),
        ("count", c_uint32),
        ("done", c_uint32),
        ("ops", c_uint64),
        ("results", c_uint64),
    ]


class _EventValue(ctypes.Union):
    _fields_ = [("handle", c_uint64), ("lost", c_uint64)]


class Event(ctypes.Structure):
    """What read(2) gives."""

    _anonymous_ = ("value",)
    _fields_ = [
        ("kind", c_uint32),
        ("generation", c_uint32),
        ("time_ns", c_uint64),
        ("value", _EventValue),
        ("examined", c_uint64),
        ("freed", c_uint64),
        ("unfreed", c_uint64),
        ("aborts", c_uint64),
        ("duration_ns", c_uint64),
    ]


class Events(Call):
    _fields_ = [("size", c_uint32), ("flags", c_uint32), ("room", c_uint32), ("eventfd", c_int32)]


IOC = 0xD7

_WRITE = 1
_READ = 2


def _ioc(direction: int, number: int, structure: type[ctypes.Structure]) -> int:
    # As x86, arm64 and riscv make ioctl numbers.
    return direction << 30 | ctypes.sizeof(structure) << 16 | IOC << 8 | number


def _iow(number: int, structure: type[ctypes.Structure]) -> int:
    return _ioc(_WRITE, number, structure)


def _iowr(number: int, structure: type[ctypes.Structure]) -> int:
    return _ioc(_WRITE | _READ, number, structure)


HEAP_CREATE = _iow(0x00, HeapCreate)
HEAP_INFO = _iowr(0x01, HeapInfo)
HEAP_LIMITS = _iow(0x02, HeapLimits)
INVITE = _iowr(0x03, Invite)
JOIN = _iow(0x04, Join)
ROOT_SET = _iow(0x05, RootSet)
ROOT_GET = _iowr(0x06, RootGet)
ROOT_NEXT = _iowr(0x07, RootNext)
TYPE_CREATE = _iowr(0x10, TypeCreate)
TYPE_DESTROY = _iow(0x11, TypeDestroy)
TYPE_INFO = _iowr(0x12, TypeInfo)
ALLOC = _iowr(0x20, Alloc)
DUP = _iowr(0x21, Dup)
CLOSE = _iow(0x22, Close)
WEAK = _iowr(0x23, WeakCreate)
UPGRADE = _iowr(0x24, Upgrade)
EXPORT = _iowr(0x25, Export)
IMPORT = _iowr(0x26, Import)
SLOT_SET = _iow(0x30, SlotSet)
SLOT_LOAD = _iowr(0x31, SlotLoad)
SLOT_MOVE = _iow(0x32, SlotMove)
SLOT_CMPXCHG = _iow(0x33, SlotCmpxchg)
READ = _iow(0x40, Io)
WRITE = _iow(0x41, Io)
OBJECT_INFO = _iowr(0x42, ObjectInfo)
OBJECTS = _iowr(0x43, Objects)
REFERRERS = _iowr(0x44, Referrers)
REFERENTS = _iowr(0x45, Referents)
MAP = _iowr(0x46, Map)
THRESHOLDS = _iowr(0x50, Thresholds)
ENABLE = _iowr(0x51, Enable)
COUNTS = _iowr(0x52, Counts)
STATS = _iowr(0x53, Stats)
COLLECT = _iowr(0x54, Collect)
FREEZE = _iowr(0x55, Freeze)
QUARANTINE = _iowr(0x56, Quarantine)
DEBUG = _iowr(0x57, Debug)
EVENTS = _iow(0x58, Events)
BATCH = _iowr(0x60, Batch)


def result(index: int) -> int:
    """Return what stands, in a batch, for the handle that entry index gets."""
    return index + 1
