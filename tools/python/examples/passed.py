#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Objects passed by descriptor: a message is one object, its reference goes with it, and nothing is copied."""

from __future__ import annotations

import os
import socket

import refslab


def worker(heap: refslab.Heap, orders: socket.socket) -> None:
    """Answer in the message itself."""
    while True:
        try:
            descriptor = refslab.Descriptor.receive(orders)
        except EOFError:
            return
        with descriptor, heap.import_object(descriptor) as message:
            (number,) = message.payload.unpack_from("<Q")
            message.payload.pack_into("<Q", 8, number * number)
        orders.send(b"done")


def main() -> None:
    with refslab.Heap() as heap:
        Message = heap.type("message", payload=16)
        here, there = socket.socketpair()
        child = os.fork()
        if not child:
            here.close()
            with heap.invite() as invitation, refslab.Heap.join(invitation) as mine:
                worker(mine, there)
            os._exit(0)
        there.close()
        for number in (3, 12):
            message = Message()
            message.payload.pack_into("<Q", 0, number)
            message.export().send(here)
            here.recv(4)
            print("{} squared is {}".format(*message.payload.unpack_from("<QQ")))
        here.close()
        os.waitpid(child, 0)


if __name__ == "__main__":
    main()
