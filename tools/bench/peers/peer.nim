# SPDX-License-Identifier: GPL-2.0
## What Nim's ORC takes for graphs of the shapes that tools/bench/shape.c builds: peer OBJECTS REPETITIONS
##
## Prints "SHAPE live|garbage NS" for each object: the median, of the processor's time. It collects from candidate roots,
## so live is the first collection after a build, when every object is one.

import std/[algorithm, os, strformat, strutils, times]

type
  Node = ref object
    a, b: Node
  TreeNode = ref object
    a, b, parent: TreeNode

proc pairs(n: int): seq[Node] =
  var nodes = newSeq[Node](n)
  for node in nodes.mitems: node = Node()
  for i in countup(0, n - 1, 2):
    nodes[i].a = nodes[i + 1]
    nodes[i + 1].a = nodes[i]
    result.add nodes[i]

proc ring(n: int): Node =
  var nodes = newSeq[Node](n)
  for node in nodes.mitems: node = Node()
  for i in 0 ..< n:
    nodes[i].a = nodes[(i + 1) mod n]
  nodes[0]

proc doublyLinked(n: int): Node =
  var nodes = newSeq[Node](n)
  for node in nodes.mitems: node = Node()
  for i in 0 ..< n - 1:
    nodes[i].a = nodes[i + 1]
    nodes[i + 1].b = nodes[i]
  nodes[0]

proc tree(n: int): TreeNode =
  var nodes = newSeq[TreeNode](n)
  for node in nodes.mitems: node = TreeNode()
  for i in 1 ..< n:
    let parent = nodes[(i - 1) div 2]
    if i mod 2 == 1: parent.a = nodes[i]
    else: parent.b = nodes[i]
    nodes[i].parent = parent
  nodes[0]

proc collect(n: int, garbage: bool): float =
  let before = getOccupiedMem()
  let start = cpuTime()
  GC_fullCollect()
  result = (cpuTime() - start) * 1e9 / n.float
  # an object has 32 bytes at least
  let freed = before - getOccupiedMem()
  if (freed >= 32 * n) != garbage:
    quit &"a collection freed {freed} bytes of {n} objects"

proc median(values: var seq[float]): float =
  values.sort
  values[values.len div 2]

template measure(name: string, build: untyped) =
  block:
    var live, garbage: seq[float]
    for i in 0 ..< repetitions:
      var held = build(n)
      live.add collect(n, false)
      reset held
      garbage.add collect(n, true)
    echo name, " live ", formatFloat(median(live), ffDecimal, 2)
    echo name, " garbage ", formatFloat(median(garbage), ffDecimal, 2)

proc main() =
  let n = paramStr(1).parseInt
  let repetitions = paramStr(2).parseInt
  # no collections of its own; candidates are recorded all the same
  GC_disableOrc()
  measure("pairs", pairs)
  measure("ring", ring)
  measure("list", doublyLinked)
  measure("tree", tree)

main()
