<?php
// SPDX-License-Identifier: GPL-2.0
/*
 * What PHP's collector takes for graphs of the shapes that tools/bench/shape.c builds: peer.php OBJECTS REPETITIONS
 *
 * Prints "SHAPE live|garbage NS" for each object: the median, of the processor's time. It collects from candidate roots,
 * so live is the first collection after a build, when every object is one.
 */

final class Node
{
	public $a;
	public $b;
}

final class TreeNode
{
	public $a;
	public $b;
	public $parent;
}

function nodes(int $n, string $class): array
{
	$nodes = [];
	for ($i = 0; $i < $n; $i++) {
		$nodes[] = new $class();
	}
	return $nodes;
}

// What is returned keeps the graph.
$shapes = [
	'pairs' => function (int $n) {
		$nodes = nodes($n, Node::class);
		$held = [];
		for ($i = 0; $i < $n; $i += 2) {
			$nodes[$i]->a = $nodes[$i + 1];
			$nodes[$i + 1]->a = $nodes[$i];
			$held[] = $nodes[$i];
		}
		return $held;
	},
	'ring' => function (int $n) {
		$nodes = nodes($n, Node::class);
		for ($i = 0; $i < $n; $i++) {
			$nodes[$i]->a = $nodes[($i + 1) % $n];
		}
		return $nodes[0];
	},
	'list' => function (int $n) {
		$nodes = nodes($n, Node::class);
		for ($i = 0; $i + 1 < $n; $i++) {
			$nodes[$i]->a = $nodes[$i + 1];
			$nodes[$i + 1]->b = $nodes[$i];
		}
		return $nodes[0];
	},
	'tree' => function (int $n) {
		$nodes = nodes($n, TreeNode::class);
		for ($i = 1; $i < $n; $i++) {
			$parent = $nodes[intdiv($i - 1, 2)];
			if ($i % 2) {
				$parent->a = $nodes[$i];
			} else {
				$parent->b = $nodes[$i];
			}
			$nodes[$i]->parent = $parent;
		}
		return $nodes[0];
	},
];

function processor_us(): int
{
	$usage = getrusage();
	return ($usage['ru_utime.tv_sec'] + $usage['ru_stime.tv_sec']) * 1000000
		+ $usage['ru_utime.tv_usec'] + $usage['ru_stime.tv_usec'];
}

function collect(int $n, bool $garbage): float
{
	$start = processor_us();
	$freed = gc_collect_cycles();
	$took = processor_us() - $start;
	if (($freed >= $n) !== $garbage) {
		fwrite(STDERR, "a collection freed $freed of $n objects\n");
		exit(1);
	}
	return $took * 1000 / $n;
}

function median(array $values): float
{
	sort($values);
	return $values[intdiv(count($values), 2)];
}

[, $n, $repetitions] = $argv;
// No collections of its own; candidates are recorded all the same.
gc_disable();
foreach ($shapes as $name => $build) {
	$live = $garbage = [];
	for ($i = 0; $i < $repetitions; $i++) {
		$held = $build((int)$n);
		$live[] = collect((int)$n, false);
		$held = null;
		// what the drop made candidates is all that there is
		$garbage[] = collect((int)$n, true);
	}
	printf("%s live %.2f\n%s garbage %.2f\n", $name, median($live), $name, median($garbage));
}
