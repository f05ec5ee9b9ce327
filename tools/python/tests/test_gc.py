# SPDX-License-Identifier: GPL-2.0
"""refslab.gc beside what Python's gc module says of itself."""

from __future__ import annotations

import gc as python_gc
import inspect

import refslab
from common import HeapTest, eventually
from refslab import gc


class TestModule(HeapTest):
    def test_names_are_pythons(self) -> None:
        for name in gc.__all__:
            self.assertTrue(hasattr(python_gc, name), name)
            self.assertTrue(hasattr(gc, name), name)
        missing = {name for name in dir(python_gc) if not name.startswith("_")} - set(gc.__all__)
        self.assertEqual(missing, {"DEBUG_COLLECTABLE", "DEBUG_UNCOLLECTABLE"})
        self.assertEqual((gc.DEBUG_STATS, gc.DEBUG_SAVEALL), (python_gc.DEBUG_STATS, python_gc.DEBUG_SAVEALL))
        with self.assertRaises(AttributeError):
            gc.nothing

    def test_parameters_are_pythons(self) -> None:
        for name in ("collect", "get_objects"):
            self.assertEqual(
                list(inspect.signature(getattr(gc, name)).parameters),
                list(inspect.signature(getattr(python_gc, name)).parameters),
            )

    def test_thresholds(self) -> None:
        self.assertEqual(gc.get_threshold(), (700, 10, 10))
        gc.set_threshold(500)
        self.assertEqual(gc.get_threshold(), (500, 10, 10))
        gc.set_threshold(500, 5, 3)
        self.assertEqual(gc.get_threshold(), (500, 5, 3))
        gc.set_threshold(0)
        self.assertEqual(gc.get_threshold(), (0, 5, 3))
        for wrong in (-1, 1 << 31):
            with self.assertRaises(ValueError):
                gc.set_threshold(wrong)
        self.assertEqual(gc.get_threshold(), (0, 5, 3))

    def test_enable(self) -> None:
        self.assertFalse(gc.isenabled())
        gc.enable()
        self.assertTrue(gc.isenabled())
        gc.disable()
        self.assertFalse(gc.isenabled())

    def test_collect(self) -> None:
        self.cycle(5).close()
        self.assertEqual(gc.get_count()[0], 5)
        self.assertEqual(gc.collect(), 5)
        self.assertEqual(gc.collect(), 0)
        self.assertEqual(gc.get_count()[0], 0)
        self.cycle(2).close()
        self.assertEqual(gc.collect(generation=0), 2)
        self.assertEqual(gc.get_count()[1], 1)
        for wrong in (-1, 3):
            with self.assertRaises(ValueError):
                gc.collect(wrong)

    def test_automatic(self) -> None:
        gc.set_threshold(50)
        gc.enable()
        for _ in range(1000):
            self.cycle(2).close()
        self.assertTrue(eventually(lambda: gc.get_stats()[0]["collected"] > 0))

    def test_stats(self) -> None:
        self.cycle(4).close()
        gc.collect()
        stats = gc.get_stats()
        self.assertEqual(len(stats), 3)
        for generation in stats:
            self.assertLessEqual(set(python_gc.get_stats()[0]), set(generation))
        self.assertEqual(
            {name: stats[2][name] for name in ("collections", "collected", "uncollectable")},
            {"collections": 1, "collected": 4, "uncollectable": 0},
        )
        self.assertGreater(stats[2]["candidates"], 0)
        self.assertLess(stats[2]["duration"], 60)
        full = self.heap.stats(2)
        self.assertEqual((full.runs, full.freed, full.aborts), (1, 4, 0))
        self.assertGreaterEqual(full.examined, 4)

    def test_duration(self) -> None:
        """Of sweeps until they show on a clock that may be a coarse one."""

        def shows() -> bool:
            gc.collect()
            return gc.get_stats()[2]["duration"] > 0

        self.assertTrue(eventually(shows))
        self.assertLessEqual(self.heap.stats(2).longest_ns, self.heap.stats(2).time_ns)

    def test_objects(self) -> None:
        leaf = self.Leaf()
        a = self.cycle(3)
        self.assertEqual(len(gc.get_objects()), 3)
        self.assertEqual(len(gc.get_objects(generation=0)), 3)
        gc.collect(0)
        self.assertEqual(gc.get_objects(0), [])
        self.assertEqual(len(gc.get_objects(1)), 3)
        self.assertTrue(gc.is_tracked(a))
        self.assertFalse(gc.is_tracked(leaf))
        self.assertFalse(gc.is_tracked("a"))
        self.assertFalse(gc.is_finalized(a))
        with self.assertRaises(ValueError):
            gc.get_objects(3)

    def test_referents(self) -> None:
        a, b, leaf = self.Node(), self.Node(), self.Leaf()
        self.assertEqual(gc.get_referents(a, leaf), [])
        self.assertEqual(gc.get_referents(), [])
        a.next = leaf
        a.other = b
        b.next = b
        # In the order of the slots, once for each.
        self.assertEqual([found.type for found in gc.get_referents(a)], [self.Leaf, self.Node])
        b.other = b
        self.assertEqual(len(gc.get_referents(a, b)), 4)
        self.assertEqual(len(gc.get_referrers(b)), 2)
        self.assertEqual(self.heap.info.handles, 3)

    def test_many_referents(self) -> None:
        wide = self.heap.type("wide", slots=700)()
        target = self.Leaf()
        for number in range(700):
            wide.slots[number] = target
        self.assertEqual(len(gc.get_referents(wide)), 700)

    def test_debug_flags(self) -> None:
        self.assertEqual(gc.get_debug(), 0)
        gc.set_debug(gc.DEBUG_STATS)
        self.assertEqual(gc.get_debug(), gc.DEBUG_STATS)
        gc.set_debug(gc.DEBUG_LEAK | gc.DEBUG_STATS)
        self.assertEqual(gc.get_debug(), gc.DEBUG_STATS | gc.DEBUG_SAVEALL)
        for wrong in (2, 4, -1, 1 << 40):
            with self.assertRaises(ValueError):
                gc.set_debug(wrong)
        gc.set_debug(0)
        self.assertEqual(gc.get_debug(), 0)

    def test_garbage(self) -> None:
        self.assertEqual(list(gc.garbage), [])
        gc.set_debug(gc.DEBUG_SAVEALL)
        weak = self.cycle(3).ref()
        self.assertEqual(gc.collect(), 3)
        self.assertEqual(gc.get_stats()[2]["uncollectable"], 3)
        self.assertEqual(len(gc.garbage), 3)
        self.assertEqual(gc.garbage[0].type, self.Node)
        self.assertEqual(len(gc.garbage[1:]), 2)
        self.assertTrue(all(found.info.quarantined for found in gc.garbage))
        with self.assertRaises(ValueError):
            del gc.garbage[0:1]
        gc.set_debug(0)
        self.assertIsNotNone(weak())
        gc.garbage.clear()
        self.assertEqual(len(gc.garbage), 0)
        self.assertEqual(gc.collect(), 3)
        self.assertIsNone(weak())

    def test_many_referrers(self) -> None:
        target = self.Leaf()
        kept = [self.Node() for _ in range(700)]
        for node in kept:
            node.next = target
        self.assertEqual(len(gc.get_referrers(target)), 700)

    def test_freeze(self) -> None:
        a = self.cycle(3)
        gc.freeze()
        self.assertEqual(gc.get_freeze_count(), 3)
        self.assertEqual(a.info.generation, 3)
        self.assertEqual(gc.get_objects(), [])
        a.close()
        self.assertEqual(gc.collect(), 0)
        gc.unfreeze()
        self.assertEqual(gc.get_freeze_count(), 0)
        self.assertEqual(gc.collect(), 3)


class TestDefaultHeap(HeapTest):
    def tearDown(self) -> None:
        refslab.set_default_heap(None)

    def test_the_only_one(self) -> None:
        self.assertIs(refslab.default_heap(), self.heap)

    def test_several(self) -> None:
        with refslab.Heap() as other:
            with self.assertRaises(RuntimeError):
                gc.get_threshold()
            other.gc.set_threshold(42)
            refslab.set_default_heap(other)
            self.assertEqual(gc.get_threshold()[0], 42)
            self.assertEqual(self.heap.gc.get_threshold()[0], 700)
        # Closed, so it is the default no more.
        self.assertEqual(gc.get_threshold()[0], 700)

    def test_none(self) -> None:
        self.heap.close()
        self.assertEqual(gc.get_threshold(), (700, 10, 10))
        heap = refslab.default_heap()
        self.assertIsNot(heap, self.heap)
        self.assertIs(refslab.default_heap(), heap)
        heap.close()
