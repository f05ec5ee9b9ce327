# SPDX-License-Identifier: GPL-2.0
"""Heaps on offer, and the refslab command as one who takes them, or inherits an invitation."""

from __future__ import annotations

import errno
import json
import os
import select
import signal
import socket
import stat
import subprocess
import threading
import time

import refslab
from common import HeapTest, eventually

PATH = "/tmp/test-offer"


class TestOffer(HeapTest):
    def setUp(self) -> None:
        super().setUp()
        self.heap.roots["leaf"] = self.Leaf()

    def take(self) -> bool:
        """In a child: look at the heap, and try to change it."""
        with refslab.take_offer(PATH) as invitation, refslab.Heap.join(invitation) as heap:
            leaf = heap.roots["leaf"]
            try:
                leaf.payload[0] = 1
            except PermissionError:
                return heap.info.read_only
            return not heap.info.read_only

    def test_offer(self) -> None:
        for read_only in (True, False):
            with self.heap.offer(PATH, read_only=read_only) as offer:
                self.assertEqual(os.stat(PATH).st_mode, stat.S_IFSOCK | 0o600)
                self.assertEqual(offer.serve(), 0)
                self.assertEqual(offer.serve(timeout=0.01), 0)
                children = [self.child(self.take) for _ in range(3)]
                served = 0
                while served < 3:
                    served += offer.serve(timeout=None)
                self.assertEqual(served, 3)
                for child in children:
                    self.reap(child)
            self.assertFalse(os.path.exists(PATH))
            self.assertEqual(self.heap.roots["leaf"].payload[0], int(not read_only))
        offer.close()
        with self.assertRaises(ValueError):
            offer.serve()
        with self.assertRaises(FileNotFoundError):
            refslab.take_offer(PATH)
        self.assertTrue(eventually(lambda: self.heap.info.sessions == 1))

    def test_elsewhere(self) -> None:
        """Where the process goes later changes nothing about which file is the offer's."""
        here = os.getcwd()
        self.addCleanup(os.chdir, here)
        os.chdir("/tmp")
        os.makedirs("/tmp/elsewhere", exist_ok=True)
        offer = self.heap.offer("test-here")
        os.chdir("/tmp/elsewhere")
        with open("test-here", "w"):
            pass
        offer.close()
        self.assertEqual((os.path.exists("/tmp/test-here"), os.listdir()), (False, ["test-here"]))
        os.unlink("test-here")
        # One that somebody else has removed is gone.
        with self.heap.offer(PATH):
            os.unlink(PATH)

    def test_limit(self) -> None:
        with self.heap.offer(PATH, read_only=False, limit=4096) as offer:
            server = threading.Thread(target=offer.serve, args=(10,))
            server.start()
            with refslab.take_offer(PATH) as invitation, refslab.Heap.join(invitation) as other:
                self.assertEqual(other.info.session_limit, 4096)
            server.join()

    def test_refused(self) -> None:
        with self.heap.offer(PATH) as offer:
            self.fails(errno.EADDRINUSE, self.heap.offer, PATH)
            # Who is refused hears so, and who is gone disturbs nobody.
            child = self.child(lambda: self.take() and False)
            self.assertTrue(select.select([offer], [], [], 10)[0])
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            self.assertIn(offer.serve(), (0, 1))
            self.heap.close()
            refused: list[BaseException] = []

            def take() -> None:
                try:
                    refslab.take_offer(PATH)
                except EOFError as error:
                    refused.append(error)

            taker = threading.Thread(target=take)
            taker.start()
            with self.assertRaises(ValueError):
                offer.serve(timeout=10)
            taker.join()
            self.assertEqual(len(refused), 1)
        for wrong in ("", "\0abstract"):
            with self.assertRaises(ValueError):
                self.heap.offer(wrong)
            with self.assertRaises(ValueError):
                refslab.take_offer(wrong)


DRAWING = """\
digraph "{}" {{
	// 5 objects, 3 edges, 1 cycles
	node [shape=box, fontname="sans-serif"];
	n1 [label="a", tooltip="node, generation 0, 1 reference", fillcolor="0.000 0.350 1.000", style="filled,dashed"];
	n2 [label="b", tooltip="node, generation 0, 1 reference", fillcolor="0.000 0.350 1.000", style="filled,dashed"];
	n3 [label="c", tooltip="node, generation 0, 1 reference", peripheries=2];
	n4 [label="d", tooltip="leaf, generation 0, 1 reference"];
	n5 [label="e", tooltip="node, generation 0, 1 reference", peripheries=2];
	n1 -> n2 [tooltip="slot 0", color="0.000 1.000 0.700"];
	n2 -> n1 [tooltip="slot 0", color="0.000 1.000 0.700"];
	n3 -> n4 [tooltip="slot 1"];
	r1 [label="main", shape=plaintext, tooltip="root"];
	r1 -> n3 [tooltip="root"];
}}
"""


class TestCommand(HeapTest):
    """With an invitation that it inherits, the command sees this process's heap."""

    def popen(self, invitation: refslab.Descriptor, *arguments: str) -> subprocess.Popen[str]:
        number = invitation.fileno()
        return subprocess.Popen(
            ["refslab", *arguments, "--fd", str(number)],
            pass_fds=(number,),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def command(
        self, *arguments: str, read_only: bool = True, status: int = 0, complains: bool = False
    ) -> tuple[str, str]:
        """Run the command; return what it prints, and what it complains of."""
        with self.heap.invite(read_only=read_only) as invitation, self.popen(invitation, *arguments) as child:
            out, err = child.communicate(timeout=60)
        self.assertEqual((child.returncode, bool(err)), (status, complains), err)
        return out, err

    def named(self, type: refslab.Type, name: bytes) -> refslab.Object:
        new = type()
        new.payload[: len(name)] = name
        return new

    def graph(self) -> refslab.Object:
        """A cycle that nobody holds, an object and what it refers to that a root holds, and one by a handle."""
        a, b, c, e = (self.named(self.Node, name) for name in (b"a", b"b", b"c", b"e"))
        a.next, b.next = b, a
        c.other = self.named(self.Leaf, b"d")
        self.heap.roots["main"] = c
        return e

    def test_graph(self) -> None:
        kept = self.graph()
        # To look changes nothing.
        for _ in range(2):
            self.assertEqual(self.command("graph")[0], DRAWING.format(self.heap.name))
        self.assertEqual(kept.info.references, 1)
        self.assertTrue(eventually(lambda: self.heap.info.sessions == 1))
        self.alive(5)

    def test_graph_json(self) -> None:
        kept = self.graph()
        found = json.loads(self.command("graph", "--json")[0])
        self.assertEqual((found["heap"], found["complete"], found["cycles"]), (self.heap.name, True, 1))
        self.assertEqual([node["label"] for node in found["nodes"]], ["a", "b", "c", "d", "e"])
        self.assertEqual([node["held"] for node in found["nodes"]], [False, False, True, False, True])
        self.assertEqual([node["garbage"] for node in found["nodes"]], [True, True, False, False, False])
        self.assertEqual(found["roots"], [{"name": "main", "to": 3}])
        kept.close()

    def test_graph_of_strange_text(self) -> None:
        """Nothing that a terminal obeys gets through, and what graphviz would is quoted."""
        texts = ["a\"\\l", "\x1b[31m", "\x7f", "\u009b31m", "caf\u00e9", "<b>"]
        kept = [self.named(self.Leaf, text.encode()) for text in texts] + [self.named(self.Leaf, b"\xff")]
        out, _ = self.command("graph", "--json")
        labels = [node["label"] for node in json.loads(out)["nodes"]]
        self.assertEqual([label for label in labels if not label.startswith("leaf-")], ["<b>", 'a"\\l', "caf\u00e9"])
        self.assertEqual(len(labels), len(kept))
        out, _ = self.command("graph")
        self.assertIn(r'[label="a\"\\l", ', out)
        self.assertTrue(out.replace("\n", "").replace("\t", "").isprintable())

    def test_graph_of_part(self) -> None:
        kept = self.graph()
        out, err = self.command("graph", "--max=2", complains=True)
        self.assertIn("; there are more objects", out)
        self.assertIn("there are more objects than the 2 that are shown", err)
        kept.close()

    def test_graph_sweeps(self) -> None:
        kept = self.graph()
        _, err = self.command("graph", "--sweep", status=1, complains=True)
        self.assertIn("may not do that", err)
        out, _ = self.command("graph", "--sweep", read_only=False)
        self.assertIn("// 3 objects, 1 edges, 0 cycles", out)
        self.alive(3)
        kept.close()

    def events(self, child: subprocess.Popen[str], last: str) -> list[dict[str, object]]:
        """Read lines until one that begins the way the last one does."""
        assert child.stdout is not None
        events: list[dict[str, object]] = []
        while not events or events[-1]["event"] != last:
            line = child.stdout.readline()
            self.assertTrue(line, "the watch has ended")
            events.append(json.loads(line))
        return events

    def test_watch(self) -> None:
        ring, leaf = self.cycle(), self.Leaf()
        with self.heap.invite(read_only=True) as invitation:
            child = self.popen(invitation, "watch", "--json", "--deaths")
        assert child.stdout is not None
        # That it has begun is known when it says something.
        while not select.select([child.stdout], [], [], 0.2)[0]:
            self.heap.gc.collect(0)
        leaf.close()
        events = self.events(child, "weak_dead")
        self.assertEqual(events[-1]["type"], "leaf")
        self.assertEqual({event["heap"] for event in events}, {self.heap.name})
        ring.close()
        self.assertEqual(self.heap.gc.collect(2), 2)
        start, *dead, end = self.events(child, "sweep_end")
        self.assertEqual((start["event"], start["generation"]), ("sweep_start", 2))
        self.assertEqual([(event["event"], event["type"]) for event in dead], [("weak_dead", "node")] * 2)
        self.assertEqual((end["generation"], end["freed"]), (2, 2))
        self.assertLess(dead[0]["time"], end["time"])
        # While it does not look more happens than there is room for.
        child.send_signal(signal.SIGSTOP)
        os.waitpid(child.pid, os.WUNTRACED)
        for _ in range(4200):
            self.heap.gc.collect(0)
        child.send_signal(signal.SIGCONT)
        self.assertEqual(self.events(child, "lost")[-1]["lost"], 2 * 4200 - 8192)
        child.terminate()
        self.assertEqual(child.communicate(timeout=60), ("", ""))
        self.assertEqual(child.returncode, 0)
        self.assertTrue(eventually(lambda: self.heap.info.sessions == 1))

    def test_watch_ends(self) -> None:
        """By a signal, also where events come faster than they can be printed."""
        with self.heap.invite(read_only=True) as invitation:
            child = self.popen(invitation, "watch", "--json")
        assert child.stdout is not None
        out = child.stdout.fileno()
        stopped = threading.Event()

        def sweep() -> None:
            while not stopped.is_set():
                self.heap.gc.collect(0)

        sweeper = threading.Thread(target=sweep)
        sweeper.start()
        try:
            os.read(out, 1)
            # It comes to wait for its reader, and events for it.
            time.sleep(1)
            child.terminate()
            end = time.monotonic() + 10
            while os.read(out, 4096) and time.monotonic() < end:
                time.sleep(0.05)
            self.assertLess(time.monotonic(), end)
        finally:
            stopped.set()
            sweeper.join()
            child.kill()
            child.communicate(timeout=60)
        self.assertEqual(child.returncode, 0)

    def test_watch_of_nothing(self) -> None:
        """A signal ends it where it waits for an invitation that does not come."""
        path = PATH + "-silent"
        with socket.socket(socket.AF_UNIX) as silent:
            silent.bind(path)
            self.addCleanup(os.unlink, path)
            silent.listen()
            child = subprocess.Popen(["refslab", "watch", "--socket", path])
            client, _ = silent.accept()
            with client:
                time.sleep(0.2)
                child.terminate()
                try:
                    self.assertEqual(child.wait(timeout=60), -signal.SIGTERM)
                finally:
                    child.kill()
                    child.wait()

    def test_many_weak_references(self) -> None:
        """What has all it may have is left out, and hides nobody else's death."""
        crowded, leaf = self.Leaf(), self.Leaf()
        with self.heap.batch() as batch:
            for _ in range(1024):
                batch.weak(crowded)
        self.fails(errno.EOVERFLOW, crowded.ref)
        with self.heap.invite(read_only=True) as invitation:
            child = self.popen(invitation, "watch", "--json", "--deaths")
        assert child.stdout is not None
        while child.poll() is None and not select.select([child.stdout], [], [], 0.2)[0]:
            self.heap.gc.collect(0)
        crowded.close()
        leaf.close()
        self.assertEqual(self.events(child, "weak_dead")[-1]["type"], "leaf")
        child.terminate()
        _, err = child.communicate(timeout=60)
        self.assertIn("1 objects have all weak handles they may have", err)
        self.assertEqual(child.returncode, 0)

    def test_no_invitation(self) -> None:
        leaf = self.Leaf()
        for wrong in (self.heap, leaf.export()):
            number = wrong.fileno()
            os.set_inheritable(number, True)
            done = subprocess.run(
                ["refslab", "graph", "--fd", str(number)], pass_fds=(number,), capture_output=True, text=True, timeout=60
            )
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertEqual(done.stderr, f"refslab: descriptor {number} is no invitation to a heap\n")
