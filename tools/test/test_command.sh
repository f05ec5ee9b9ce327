#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The refslab command: what it prints and what it refuses. Prints TAP. Where no module is loaded only that is tried
# which needs none. The command is found by PATH, or is what REFSLAB names.

refslab=${REFSLAB:-refslab}
work=$(mktemp -d) || exit
# From there, so that messages name files without their place.
cd "$work" || exit
trap 'rm -rf "$work"' EXIT
number=0 failed=0

ok() {
	number=$((number + 1))
	echo "ok $number - $1"
}

not_ok() {
	number=$((number + 1))
	failed=$((failed + 1))
	echo "not ok $number - $1"
	sed 's/^/#   /' "$2"
}

# run STATUS ARGUMENT...: the command, its output in out and its complaints in err. Its exit status must be STATUS.
run() {
	wanted=$1
	shift
	"$refslab" "$@" >out 2>err </dev/null
	status=$?
	[ "$status" = "$wanted" ] && return
	{
		echo "refslab $*: exit status $status, not $wanted"
		cat out err
	} >why
	return 1
}

# says FILE TEXT: a file is exactly this.
says() {
	printf '%s\n' "$2" >expected
	diff expected "$1" >why
}

# has FILE REGEX
has() {
	grep -Eq "$2" "$1" && return
	{
		echo "$1 has no line like $2:"
		cat "$1"
	} >why
	return 1
}

# check NAME COMMAND...: a test that is one function.
check() {
	name=$1
	shift
	: >why
	if "$@"; then
		ok "$name"
	else
		not_ok "$name" why
	fi
}

# --- without a module ---

help() {
	for command in '' status types stats thresholds collect freeze top watch replay graph; do
		# shellcheck disable=SC2086 # no word where there is no command
		run 0 $command --help && has out '^Usage: refslab' || return
		[ -z "$command" ] || has out "Usage: refslab $command" || return
	done
}
check "help of every command" help

usage() {
	run 64 && run 64 nonsense && has err "no command is called 'nonsense'" &&
		run 64 replay && run 64 replay a b && run 64 collect && run 64 collect h 3 && run 64 collect h -1 &&
		run 64 thresholds && run 64 thresholds set h 1 2 && run 64 thresholds set h 1 2 3 4 &&
		run 64 thresholds set h 1 2 x && run 64 thresholds get h 1 2 3 && run 64 status --nonsense &&
		run 64 status a b && run 64 replay --payload 0 f && run 64 replay --payload 8193 f &&
		run 64 replay --payload x f && run 64 replay --limit 1X f && run 64 replay --limit -1 f &&
		run 64 replay --thresholds 1,2 f && run 64 replay --thresholds 1,2,3,4 f &&
		run 64 stats a b && run 64 freeze && run 64 freeze a b && run 64 freeze --count --unfreeze a &&
		run 64 top a b && run 64 top --sort age && run 64 top --delay 0 && run 64 top --delay 1s &&
		run 64 graph && run 64 graph a b && run 64 graph --max 0 f && run 64 graph --max 1x f &&
		run 64 graph --svg --json f && run 64 watch a b && run 64 watch --events 0 && run 64 watch --events 1x && run 64 top --iterations 0 && run 64 top --iterations -1 &&
		run 64 graph --fd 3 f && run 64 graph --fd 3 --socket s && run 64 graph --fd x && run 64 graph --fd -1 &&
		run 64 graph --fd 2147483648 && run 64 graph --fd 3 --root a && run 64 watch --fd 3 h &&
		run 64 watch --socket s --event alloc && run 64 watch --deaths h && run 64 watch --fd 3 --fd 4 &&
		run 64 replay --thresholds 1,2,4294967296 f && run 64 replay --name 12345678901234567890123456789012 f
}
check "command lines that make no sense" usage

# A tree like the kernel's, so that output can be compared to the letter.
fake_heap() {
	mkdir -p "tree/$1/pool" "tree/$1/generation0" "tree/$1/generation1" "tree/$1/generation2" \
		"tree/$1/types/list-node" "tree/$1/types/text"
	(
		cd "tree/$1" || exit
		set_to() {
			value=$1
			shift
			for file; do echo "$value" >"$file"; done
		}
		set_to 12 objects
		set_to 700 threshold0
		set_to 10 threshold1 threshold2
		set_to "$2" enabled
		set_to -3 count0
		set_to 1 count1 count2
		set_to 1572864 pool/bytes
		set_to 512 pool/cached
		set_to 1073741824 pool/limit
		for file in runs examined freed unfreed aborts time_ns longest_ns; do
			set_to 1 generation0/$file generation1/$file generation2/$file
		done
		set_to 5 frozen
		set_to 40 generation0/runs
		set_to 100 generation0/freed
		for file in slots object_size slab_size align order objs_per_slab slabs partial objects total_objects magazine_size; do
			set_to 8 types/list-node/$file types/text/$file
		done
		set_to 0 types/text/slots
	)
}

sysfs() {
	export REFSLAB_SYSFS="$work/tree"
	"$@"
	set -- $?
	unset REFSLAB_SYSFS
	return "$1"
}
echo 1.2.3 >version
mkdir tree && mv version tree/
fake_heap alpha 1
fake_heap beta 0

status() {
	run 0 status && says out \
'heap  objects bytes cached limit enabled count0 count1 count2 sweeps freed
alpha      12  1.5M    512    1G      on     -3      1      1     42   102
beta       12  1.5M    512    1G     off     -3      1      1     42   102' &&
	run 0 status beta && has out '^beta ' && ! has out '^alpha ' &&
	run 0 status --json beta && says out '{
   "heaps": [
      {
         "heap": "beta",
         "objects": 12,
         "bytes": 1572864,
         "cached": 512,
         "limit": 1073741824,
         "enabled": false,
         "count0": -3,
         "count1": 1,
         "count2": 1,
         "sweeps": 42,
         "freed": 102
      }
   ]
}'
}
check "status of a tree" sysfs status

types() {
	run 0 types alpha && says out \
'heap  type      slots object_size slab_size align order objs_per_slab slabs partial objects total_objects magazine_size
alpha list-node     8           8         8     8     8             8     8       8       8             8             8
alpha text          0           8         8     8     8             8     8       8       8             8             8' &&
	run 0 types && [ "$(wc -l <out)" = 5 ] && run 0 types --json alpha && has out '"type": "list-node"' &&
	has out '"slots": 0'
}
check "types of a tree" sysfs types

stats() {
	run 0 stats beta && says out \
'heap generation runs examined freed unfreed aborts time_ns longest_ns
beta          0   40        1   100       1      1       1          1
beta          1    1        1     1       1      1       1          1
beta          2    1        1     1       1      1       1          1' &&
	run 0 stats && [ "$(wc -l <out)" = 7 ] && run 0 stats --json alpha && has out '"heap": "alpha"' &&
	has out '"runs": 40,' && [ "$(grep -c '"generation": [012],' out)" = 3 ]
}
check "stats of a tree" sysfs stats

# A generation's directory that goes while it is read takes its heap's lines along, none stays alone.
stats_gone() {
	mv tree/alpha/generation2 gone
	run 0 stats && [ "$(wc -l <out)" = 4 ] && ! has out '^alpha ' && run 1 stats alpha && has err '^refslab: heap alpha: '
	set -- $?
	mv gone tree/alpha/generation2
	return "$1"
}
check "stats of a heap that goes" sysfs stats_gone

# What no heap of the kernel's is called is none.
without_strange() {
	for command in status types stats "top --batch --iterations 1"; do
		# shellcheck disable=SC2086 # words are what is meant
		run 0 $command && has out '^(text *)?alpha ' && ! has out "$(printf 'x(\033|.x1b)c')" && [ ! -s err ] || return
	done
}

strange_names() {
	strange=$(printf 'x\033c')
	fake_heap "$strange" 1
	mkdir "tree/alpha/types/$strange"
	without_strange
	set -- $?
	rm -r "tree/${strange:?}" "tree/alpha/types/$strange"
	return "$1"
}
check "a tree with names that a terminal would obey" sysfs strange_names

no_such_heap() {
	for heap in gamma . .. alpha/pool /; do
		for command in "status $heap" "types $heap" "thresholds $heap" "thresholds set $heap 1 2 3" "collect $heap" \
			"stats $heap" "freeze $heap" "top --batch $heap" "watch $heap"; do
			# shellcheck disable=SC2086 # words are what is meant
			run 1 $command && says err "refslab: no heap is called '$heap'" && [ ! -s out ] || return
		done
	done
}
check "a heap that is not there" sysfs no_such_heap

thresholds() {
	run 0 thresholds alpha && says out '700 10 10' && run 0 thresholds get alpha && says out '700 10 10' &&
		run 0 thresholds set alpha 1 2 3 && [ ! -s out ] && run 0 thresholds alpha && says out '1 2 3'
}
check "thresholds of a tree" sysfs thresholds

thresholds_json() {
	run 0 thresholds set alpha 4 5 6 && run 0 thresholds --json alpha && says out '{
   "thresholds": [
      {
         "heap": "alpha",
         "threshold0": 4,
         "threshold1": 5,
         "threshold2": 6
      }
   ]
}'
}
check "thresholds of a tree as JSON" sysfs thresholds_json

# What the kernel makes of the number that is written is not this tree's: it says what was written.
freeze() {
	run 0 freeze --count beta && says out '5 objects are frozen' &&
		run 0 freeze beta && says out '1 objects are frozen' && [ "$(head -n 1 tree/beta/frozen)" = 1 ] &&
		run 0 freeze -u beta && says out '0 objects are frozen' && [ "$(head -n 1 tree/beta/frozen)" = 0 ] &&
		run 0 freeze --json -c beta && says out '{
   "freeze": [
      {
         "heap": "beta",
         "frozen": 0
      }
   ]
}'
}
check "freeze in a tree" sysfs freeze

collect() {
	run 0 collect alpha 1 && says out 'examined 0, freed 0, left to a later sweep 0, in 0.000 ms' &&
		[ "$(cat tree/alpha/collect)" = 1 ] && run 0 collect --json alpha && [ "$(cat tree/alpha/collect)" = 2 ] &&
		says out '{
   "collect": [
      {
         "heap": "alpha",
         "generation": 2,
         "examined": 0,
         "freed": 0,
         "unfreed": 0,
         "time_ns": 0
      }
   ]
}'
}
: >tree/alpha/collect
check "collect in a tree" sysfs collect

# All but the time of day.
screen() {
	sed 's/^refslab top [0-9:]*/refslab top HH:MM:SS/' out >screen
}

top_batch() {
	run 0 top --batch --iterations 1 --delay 0.1 --sort name && screen && says screen \
'refslab top HH:MM:SS  2 heaps, 4 types, 24 objects (0/s), 3M of 2G
sweeps 0/s, freed by them 0/s, 0.0 % of a CPU; by name

HEAP             OBJECTS     +-/S   BYTES  CACHED   LIMIT SWEEP/S  FREED/S  BUSY
alpha                 12        0    1.5M     512      1G       0        0  0.0%
beta                  12        0    1.5M     512      1G       0        0  0.0%

TYPE          OF HEAP         OBJECTS     +-/S  USE   SLABS   BYTES  SIZE SLOTS
list-node     alpha                 8        0 100%       8      8M     8     8
text          alpha                 8        0 100%       8      8M     8     0
list-node     beta                  8        0 100%       8      8M     8     8
text          beta                  8        0 100%       8      8M     8     0
' &&
		run 0 top -b -n 2 -d 0.1 --sort name --reverse beta && [ "$(grep -c '^refslab top' out)" = 2 ] &&
		[ "$(sed -n '/^TYPE/,/^$/s/ .*//p' out | head -n 3 | tr '\n' ' ')" = 'TYPE text list-node ' ] &&
		! has out alpha
}
check "top of a tree" sysfs top_batch

top_json() {
	run 0 top --json -n 2 -d 0.1 beta && [ "$(wc -l <out)" = 2 ] && sed -n 1p out >line &&
		says line "$(printf '%s' \
			'{"heaps":[{"heap":"beta","objects":12,"objects_rate":0.0,"bytes":1572864,"cached":512,' \
			'"limit":1073741824,"enabled":false,"sweeps":42,"sweeps_rate":0.0,"freed":102,"freed_rate":0.0,' \
			'"busy":0.0,"last_sweeps":null}],"types":[' \
			'{"heap":"beta","type":"list-node","objects":8,"objects_rate":0.0,"total_objects":8,"slabs":8,' \
			'"bytes":8388608,"slab_size":8,"slots":8},' \
			'{"heap":"beta","type":"text","objects":8,"objects_rate":0.0,"total_objects":8,"slabs":8,' \
			'"bytes":8388608,"slab_size":8,"slots":0}]}')"
}
check "top of a tree as JSON" sysfs top_json

# until_said FILE: waits until something stands in it.
until_said() {
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		[ -s "$1" ] && return
		sleep 0.5
	done
	echo "$1 stays empty" >why
	return 1
}

# Between two samples 80 objects come and 3 sweeps run: rates, and the pane of last sweeps. A busy machine makes the two
# seconds longer, never shorter. What is printed first says that the first sample has been taken.
top_rates() {
	rm -f out
	"$refslab" top -b -n 2 -d 2 beta >out 2>err &
	pid=$!
	until_said out
	echo 92 >tree/beta/objects
	echo 43 >tree/beta/generation0/runs
	echo 400 >tree/beta/generation0/freed
	wait "$pid" && has out '^beta +92 +\+([1-3][0-9]|40) .* (0\.[1-9]|1\.[0-5]) +(1[0-4][0-9]|150|[3-9][0-9]) +0\.0%$' &&
		has out '^beta +0s +0 +3 +0 +300 +0 +0\.000 ms$'
	set -- $?
	echo 12 >tree/beta/objects
	echo 40 >tree/beta/generation0/runs
	echo 100 >tree/beta/generation0/freed
	return "$1"
}
check "top says how fast it changes" sysfs top_rates

top_terminal() {
	run 1 top && has err 'this is no terminal; -b prints to a file or pipe'
}
check "top without a terminal" sysfs top_terminal

# What makes no instance, or one without our events, leaves nothing behind.
watch_nowhere() {
	export REFSLAB_TRACEFS="$work/traces"
	run 1 watch && has err 'traces is no tracefs: is it mounted\?' && mkdir -p traces/instances && run 1 watch alpha &&
		has err 'traces/events/refslab is missing: the module is not loaded' &&
		[ -z "$(ls traces/instances)" ]
	set -- $?
	unset REFSLAB_TRACEFS
	return "$1"
}
check "watch without tracepoints" sysfs watch_nowhere

version() {
	run 0 --version && says out 'refslab, module version 1.2.3'
}
check "version of a tree" sysfs version

no_module() {
	export REFSLAB_SYSFS="$work/nowhere"
	run 1 status && has err 'the module is not loaded' && run 1 status h && has err 'the module is not loaded' &&
		run 1 types && run 1 collect h && run 1 thresholds h && run 0 --version && says out 'refslab, module not loaded'
	set -- $?
	unset REFSLAB_SYSFS
	return "$1"
}
check "no module" no_module

long=$(printf '%0256d' 7)
bad_files() {
	printf 'a b\n\na b c\nd e f g\n' >three
	run 1 replay three && says err "three:3: more than two names: 'c'
three:4: more than two names: 'f'" && [ ! -s out ] || return
	printf '# ok\na %s\n' "$long" >long
	run 1 replay long && has err '^long:2: a name of more than 255 bytes' || return
	printf 'a b\n\000x y\n' >zero
	run 1 replay zero && says err 'zero:2: a zero byte' || return
	run 1 replay missing && says err 'missing: No such file or directory' || return
	run 1 replay . && has err '^\.: Is a directory' || return
	printf 'a b\n' >good
	run 1 replay good --root a --root nope --root none && says err "good: the root 'nope' is no node of this graph
good: the root 'none' is no node of this graph" || return
	awk 'BEGIN { for (i = 0; i < 1025; i++) print "hub", i; for (i = 0; i < 1024; i++) print "big", i }' >wide
	run 1 replay wide &&
		says err "wide: the node 'hub' refers to 1025 others; an object has at most 1024 slots" || return
	# Nothing of a name that a terminal would obey.
	printf 'a b x\033c\302\2337\n' >obeyed
	run 1 replay obeyed && says err "obeyed:1: more than two names: 'x\\x1bc\\xc2\\x9b7'" || return
	awk 'BEGIN { for (i = 0; i < 1025; i++) print "h\033c\303\244", i }' >wide
	run 1 replay wide --root "$(printf 'r\177')" && says err "wide: the root 'r\\x7f' is no node of this graph
wide: the node 'h\\x1bc$(printf '\303\244')' refers to 1025 others; an object has at most 1024 slots" || return
	# A flood of mistakes is cut short.
	awk 'BEGIN { for (i = 0; i < 100; i++) print "a b c" }' >flood
	run 1 replay flood && [ "$(wc -l <err)" = 11 ] && has err '^flood: and 90 more$'
}
check "files that make no sense" bad_files

# --- with one ---

if [ ! -e /dev/refslab ]; then
	echo "ok $((number + 1)) - replay # SKIP no /dev/refslab here"
	echo "1..$((number + 1))"
	[ "$failed" = 0 ]
	exit
fi

# value NAME: of the last replay's JSON
value() {
	sed -n "s/.*\"$1\": \([^,]*\),*/\1/p" out
}

# replayed NODES EDGES COUNTED SWEPT LEFT
replayed() {
	got="$(value nodes) $(value edges) $(value freed_by_counts) $(value freed_by_sweep) $(value left) $(value right)"
	[ "$got" = "$1 $2 $3 $4 $5 true" ] && return
	{
		echo "got '$got', not '$1 $2 $3 $4 $5 true'"
		cat err
	} >why
	return 1
}

cat >shapes <<'END'
# a ring of three with a tail, and what leads to it
a b
b c	# a comment
c a
c leaf
   lead    a

self self
par q
par q
alone
top mid
mid bottom
END

replay() {
	run 0 replay --json shapes && replayed 12 10 7 5 0 || return
	run 0 replay --json shapes --root lead && replayed 12 10 6 1 5 && [ "$(value roots)" = 1 ] || return
	run 0 replay --json shapes -r c -r alone -r mid && replayed 12 10 4 1 7 || return
	run 0 replay --json shapes --no-sweep && replayed 12 10 7 0 5 || return
	run 0 replay --json shapes --payload 1 && replayed 12 10 7 5 0 || return
	run 0 replay --json shapes --payload 8K && replayed 12 10 7 5 0 || return
	# A root named twice is one.
	run 0 replay --json shapes -r a -r a && [ "$(value roots)" = 1 ]
}
check "replay of small shapes" replay

replay_text() {
	run 0 replay shapes --root lead && has out '^graph +12 nodes, 10 edges, 1 roots$' &&
		has out '^let go +6 freed by the counts at once in' && has out '^swept +1 freed' &&
		has out '^left +5 objects$' && has out '^numbers +as they must be$' && [ ! -s err ]
}
check "replay for people" replay_text

replay_stdin() {
	"$refslab" replay --json - <shapes >out 2>err && replayed 12 10 7 5 0 || return
	: >empty
	run 0 replay --json empty && replayed 0 0 0 0 0
}
check "replay of standard input, and of nothing" replay_stdin

ring() {
	awk 'BEGIN { for (i = 0; i < 1000; i++) print "n" i, "n" (i + 1) % 1000 }' >ring
	run 0 replay --json ring && replayed 1000 1000 0 1000 0 &&
		run 0 replay --json ring --root n500 && replayed 1000 1000 0 0 1000
}
check "replay of a ring" ring

chain() {
	awk 'BEGIN { for (i = 0; i < 20000; i++) print "n" i, "n" i + 1 }' >chain
	run 0 replay --json chain && replayed 20001 20000 20001 0 0 &&
		run 0 replay --json chain --root n10000 && replayed 20001 20000 10000 0 10001
}
check "replay of a chain" chain

cat >picture <<'END'
root x
x x
a b
b a
b tail
END

# All but the heap's name, which has a number in it.
graph() {
	run 0 graph picture --root root && sed 's/^digraph ".*"/digraph "HEAP"/' out >drawn && says drawn \
'digraph "HEAP" {
	// 5 objects, 5 edges, 2 cycles
	node [shape=box, fontname="sans-serif"];
	n1 [label="a", tooltip="node-1, generation 0, 1 reference", fillcolor="0.000 0.350 1.000", style="filled,dashed"];
	n2 [label="b", tooltip="node-2, generation 0, 1 reference", fillcolor="0.000 0.350 1.000", style="filled,dashed"];
	n3 [label="root", tooltip="node-1, generation 0, 1 reference", peripheries=2];
	n4 [label="tail", tooltip="leaf, generation 0, 1 reference", style="dashed"];
	n5 [label="x", tooltip="node-1, generation 0, 2 references", fillcolor="0.618 0.350 1.000", style="filled"];
	n1 -> n2 [tooltip="slot 0", color="0.000 1.000 0.700"];
	n2 -> n1 [tooltip="slot 0", color="0.000 1.000 0.700"];
	n2 -> n4 [tooltip="slot 1"];
	n3 -> n5 [tooltip="slot 0"];
	n5 -> n5 [tooltip="slot 0", color="0.618 1.000 0.700"];
}' && [ ! -s err ] &&
		run 0 graph picture --root root --sweep && has out '// 2 objects, 2 edges, 1 cycles$' &&
		run 0 graph picture --root root --numbers --output file && [ ! -s out ] && has file 'label="leaf-[1-9][0-9]*"' &&
		run 0 graph picture --max 2 && has out '// 2 objects, .*; there are more objects$' &&
		has err 'there are more objects than the 2 that are shown' && run 1 graph missing &&
		has err 'missing: No such file'
}
check "graph of a heap" graph

graph_json() {
	run 0 graph --json picture --root root && has out '"complete": true' && has out '"cycles": 2' &&
		[ "$(grep -c '"label": ' out)" = 5 ] && [ "$(grep -c '"from": ' out)" = 5 ] &&
		[ "$(grep -c '"garbage": true' out)" = 3 ] && [ "$(grep -c '"held": true' out)" = 1 ]
}
check "graph as JSON" graph_json

# offering PATH ARGUMENT...: a replay that offers its heap there; returns when it does.
offering() {
	path=$1
	shift
	"$refslab" replay --json --offer "$path" "$@" >offer-out 2>offer-err &
	offer=$!
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		[ -S "$path" ] && grep -q holding offer-err && return
		sleep 0.5
	done
	cat offer-err >why
	return 1
}

# What is seen from outside is what the same heap says of itself, as often as one looks.
offered_graph() {
	sed -i 's/HEAP/offered-heap/' drawn
	run 0 graph --socket offered && diff drawn out >why && run 0 graph --socket offered --output file && diff drawn file >why &&
		run 0 graph --socket offered --json && has out '"heap": "offered-heap"' && has out '"roots": \[\]' &&
		run 0 graph --socket offered --max 2 && has out '; there are more objects$' &&
		run 1 graph --socket offered --sweep && has err '^refslab: sweeping: this handle, session or user may not do that$'
}

# Nobody but the heap tells when the watch has begun: it is swept until that has seen enough.
offered_watch() {
	"$refslab" watch --socket offered --events 4 "$@" >watch-out 2>watch-err &
	watch=$!
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		kill -0 "$watch" 2>/dev/null || break
		run 0 collect offered-heap 1 || return
		sleep 0.5
	done
	wait "$watch" && [ ! -s watch-err ] && [ "$(wc -l <watch-out)" = 4 ]
}

offered() {
	offering offered picture --root root --no-sweep --name offered-heap || return
	offered_graph && offered_watch && has watch-out '^ *[0-9]+\.[0-9]{6} sweep_start offered-heap    generation=1$' &&
		has watch-out \
'^ *[0-9]+\.[0-9]{6} sweep_end   offered-heap    generation=1 examined=[0-9]+ freed=[0-9]+ unfreed=0 aborts=0 time_ns=[0-9]+$' &&
		offered_watch --json --deaths &&
		has watch-out '^\{"time":[0-9.]+,"event":"sweep_start","heap":"offered-heap","generation":1\}$' &&
		run 0 graph --socket offered && has out '// 2 objects, 2 edges, 1 cycles$'
	set -- $?
	kill -TERM "$offer"
	wait "$offer" || set -- 1
	[ "$1" = 0 ] && [ ! -e offered ] && run 1 graph --socket offered &&
		says err 'refslab: offered: No such file or directory' && run 1 status offered-heap
}
check "a heap that is offered, drawn and watched" offered

# A signal ends a watch well, and it keeps the heap as long as it is there.
offered_kept() {
	offering offered picture --root root --name kept-heap || return
	# Now, and not when the watch comes to it.
	: >watch-out
	"$refslab" watch --socket offered --json >watch-out 2>watch-err &
	watch=$!
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		[ -s watch-out ] && break
		run 0 collect kept-heap || return
		sleep 0.5
	done
	kill -TERM "$offer"
	wait "$offer"
	run 0 status kept-heap && has out '^kept-heap ' && kill -TERM "$watch" && wait "$watch" && [ ! -s watch-err ] &&
		run 1 status kept-heap
}
check "a heap that is watched and left" offered_kept

no_invitation() {
	: >plain
	run 1 graph --fd 0 && says err 'refslab: descriptor 0 is no invitation to a heap' && [ ! -s out ] &&
		run 1 watch --fd 77 && says err 'refslab: descriptor 77 is no invitation to a heap' &&
		run 1 graph --socket plain && says err 'refslab: plain: Connection refused' &&
		run 1 replay shapes --offer plain && has err '^refslab: plain: Address already in use$' && [ -e plain ] &&
		run 1 graph --socket "$long" && has err ': File name too long$'
}
check "what is no invitation" no_invitation

# More objects than one call finds. Without one of them the ring is no cycle.
graph_ring() {
	awk 'BEGIN { for (i = 0; i < 3000; i++) print "n" i, "n" (i + 1) % 3000 }' >long-ring
	run 0 graph --json --max 3000 long-ring && has out '"complete": true' && has out '"cycles": 1,' &&
		[ "$(grep -c '"cycle": 1,' out)" = 3000 ] && [ "$(grep -c '"garbage": true' out)" = 3000 ] &&
		[ "$(grep -c '"from": ' out)" = 3000 ] && run 0 graph --json --max 2999 long-ring &&
		has out '"complete": false' && has out '"cycles": 0,' && [ "$(grep -c '"from": ' out)" = 2998 ]
}
check "graph of a ring" graph_ring

# What SVG is, graphviz knows; here is only what reaches it, and what is said when it is missing or fails.
graph_svg() {
	mkdir bin
	printf '#!/bin/sh\necho "got $*"\ncat\n' >bin/dot
	chmod +x bin/dot
	command=$(command -v "$refslab")
	PATH=$work/bin:$PATH "$command" graph --svg picture --root root >out 2>err &&
		has out '^got -Tsvg$' && has out 'n5 -> n5' || return
	printf '#!/bin/sh\ncat >/dev/null\nexit 3\n' >bin/dot
	! PATH=$work/bin:$PATH "$command" graph --svg picture --output svg >out 2>err && has err "'dot' failed" &&
		[ ! -e svg ] || return
	rm bin/dot
	! PATH=$work/bin "$command" graph --svg picture >out 2>err && has err "'dot', which is not here"
}
check "graph as SVG" graph_svg

# As many edges as an object has slots, in one node; parallel ones among them.
wide() {
	awk 'BEGIN { for (i = 0; i < 1023; i++) print "hub", i % 700; print "hub hub" }' >wide
	run 0 replay --json wide && replayed 701 1024 0 701 0
}
check "replay of a node with all slots filled" wide

automatic() {
	awk 'BEGIN { for (i = 0; i < 5000; i++) { print "a" i, "b" i; print "b" i, "a" i } }' >pairs
	run 0 replay --json pairs --thresholds 100,10,10 && [ "$(value left) $(value right)" = "0 true" ]
}
check "replay with automatic sweeps" automatic

limits() {
	awk 'BEGIN { for (i = 0; i < 5000; i++) print "n" i }' >lone
	run 1 replay lone --payload 4000 --limit 1M && has err 'the limit|limit, or that of its handles' && [ ! -s out ] &&
		run 0 replay --json lone --payload 4000 --limit 64M && replayed 5000 0 5000 0 0
}
check "replay against a limit" limits

# Of the five that are left one is of a leaf type, which no sweep looks at.
held_frozen() {
	run 0 freeze --count held-heap && says out '0 objects are frozen' &&
		run 0 freeze held-heap && says out '4 objects are frozen' &&
		run 0 collect held-heap && has out '^examined 0, freed 0,' &&
		run 0 freeze --json --count held-heap && has out '"frozen": 4' &&
		run 0 freeze --unfreeze held-heap && says out '0 objects are frozen' &&
		run 0 collect held-heap && has out '^examined 4, freed 0,'
}

# What a sweep has looked at is no candidate any more; what is frozen and unfrozen is one again.
held_candidates() {
	run 0 freeze held-heap && run 0 freeze --unfreeze held-heap
}

# A sweep between two samples is seen.
held_top() {
	held_candidates || return
	rm -f top-out
	"$refslab" top --json -n 2 -d 3 held-heap >top-out 2>top-err &
	top=$!
	until_said top-out
	run 0 collect held-heap
	wait "$top" && has top-out '"heap":"held-heap","objects":5,' &&
		has top-out '"last_sweeps":\{"seconds_ago":0.0,"generation":2,"runs":[1-9][0-9]*,"examined":4,"freed":0,' &&
		has top-out '"type":"node-1","objects":3,' && run 0 top -b -n 1 -d 0.1 held-heap &&
		has out '^node-1 +held-heap +3 +0 '
}

# watching ARGUMENT...: starts it, with the last event's tracepoint in $last; returns when that is on.
traces=/sys/kernel/tracing/instances
watching() {
	"$refslab" watch "$@" >watch-out 2>watch-err &
	watch=$!
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		[ "$(cat "$traces/refslab-$watch/events/refslab/refslab_$last/enable" 2>/dev/null)" = 1 ] && return
		sleep 0.5
	done
	cat watch-err >why
	return 1
}

# watched REGEX: what is watched is there by and by.
watched() {
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		has watch-out "$1" && break
		sleep 0.5
	done
	has watch-out "$1"
}

held_watch() {
	last=sweep_end
	held_candidates && watching --events 2 held-heap || return
	"$refslab" replay "$work/ring" >/dev/null
	run 0 collect held-heap && wait "$watch" && [ ! -s watch-err ] && [ "$(wc -l <watch-out)" = 2 ] &&
		has watch-out '^ *[0-9]+\.[0-9]{6} sweep_start held-heap       generation=2$' &&
		has watch-out '^ *[0-9]+\.[0-9]{6} sweep_end   held-heap       generation=2 examined=4 freed=0 ' || return
	# Without a heap's name, of all; a signal ends it well, and nothing of it stays in tracefs.
	last=free
	watching --json --event alloc --event free || return
	"$refslab" replay --json "$work/ring" --name ring-heap >/dev/null
	watched '"event":"free"'
	kill -TERM "$watch"
	wait "$watch" && [ "$(grep -c '"event":"alloc","heap":"ring-heap","type":"node-1","object":[1-9]' watch-out)" -gt 0 ] &&
		has watch-out '^\{"time":[0-9.]+,"event":"free","heap":"ring-heap","type":"node-1","object":[1-9][0-9]*\}$' &&
		run 1 watch --event nonsense && has err "^refslab: there is no event 'nonsense'; those there are: " &&
		run 1 watch --event ../../sched && has err "there is no event" && [ -z "$(ls "$traces")" ]
}

# A replay that is held is a heap to look at.
hold() {
	"$refslab" replay --json shapes --name held-heap --root lead --hold >out 2>err &
	pid=$!
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		grep -q holding err && break
		sleep 0.5
	done
	cp out replay-out
	run 0 status held-heap && has out '^held-heap +5 ' &&
		run 0 types held-heap && has out '^held-heap +node-1 ' && has out '^held-heap +leaf ' &&
		run 0 thresholds held-heap && says out '700 10 10' &&
		run 0 thresholds set held-heap 50 5 6 && run 0 thresholds get held-heap && says out '50 5 6' &&
		run 1 thresholds set held-heap 1 2 4294967295 && run 0 thresholds held-heap && says out '50 5 6' &&
		run 0 collect held-heap && has out '^examined [0-9]+, freed 0, left to a later sweep 0, in [0-9.]+ ms$' &&
		run 0 collect --json held-heap 0 && has out '"generation": 0,' && has out '"freed": 0,' &&
		run 0 stats held-heap && [ "$(wc -l <out)" = 4 ] && has out '^held-heap +0 +[1-9]' &&
		run 0 stats --json held-heap && has out '"generation": 2,' &&
		run 0 types --json held-heap && has out '"type": "leaf"' &&
		run 0 thresholds --json held-heap && has out '"threshold0": 50,' &&
		held_frozen && held_top && held_watch && run 1 replay shapes --name held-heap && has err 'the name is taken' &&
		run 0 status --json && has out '"heap": "held-heap"'
	set -- $?
	kill -TERM "$pid"
	wait "$pid" || set -- 1
	[ "$1" = 0 ] && run 1 status held-heap && has err 'no heap is called'
}
check "a heap that is held, seen and tuned" hold

# How a task is called neither hides its events nor makes any.
watch_names() {
	last=free
	watching --json --event alloc --event free || return
	for task in "$(printf '\nCPU:[LOST 9999')" "$(printf '\nCPU:[LOST 9]\nx')" "$(printf ': refslab_\377: \nx')"; do
		ln -s "$(command -v "$refslab")" "$task"
		"./$task" replay picture --name named-heap >/dev/null 2>&1
	done
	# Of one more, whose events are the last.
	"$refslab" replay picture --name last-heap >/dev/null
	watched '"event":"free","heap":"last-heap"'
	kill -TERM "$watch"
	wait "$watch" && [ ! -s watch-err ] && ! has watch-out lost &&
		[ "$(grep -c '"event":"alloc","heap":"named-heap"' watch-out)" = 15 ] &&
		[ "$(grep -c '"event":"free","heap":"named-heap"' watch-out)" = 15 ] &&
		! grep -qv '^{"time":[0-9.]*,"event":"[af][lr][le][oe]' watch-out && return
	cat watch-out watch-err >why
	rmdir "$traces"/* 2>/dev/null
	return 1
}
check "tasks of strange names are watched" watch_names

# A signal ends a watch, also where there is always more to read. Nothing of it stays in tracefs.
watch_behind() {
	last=free
	rm -f watch-out
	mkfifo watch-out
	# Who reads slowly makes it slow.
	while sleep 0.1; do head -c 4096; done <watch-out >/dev/null &
	reader=$!
	watching --event alloc --event free || return
	"$refslab" replay chain >/dev/null 2>&1
	kill -TERM "$watch"
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		kill -0 "$watch" 2>/dev/null || break
		sleep 0.5
	done
	kill -KILL "$watch" 2>/dev/null && echo "it goes on" >why
	wait "$watch" && [ -z "$(ls "$traces")" ]
	set -- $?
	rmdir "$traces"/* 2>/dev/null
	kill "$reader"
	rm watch-out
	return "$1"
}
check "a watch that falls behind ends by a signal" watch_behind

interrupted() {
	awk 'BEGIN { for (i = 0; i < 200000; i++) print "n" i, "n" int(i / 2) }' >large
	"$refslab" replay large >out 2>err &
	pid=$!
	sleep 1
	# again, if it came before it is caught
	for _ in 1 2 3; do
		kill -INT "$pid" 2>/dev/null || break
		sleep 1
	done
	wait "$pid"
	[ $? = 130 ] && [ "$(cat err)" = 'refslab replay: interrupted' ] && [ ! -s out ] && return
	cat err >why
	return 1
}
# A shell without job control makes its background processes ignore SIGINT, so it is SIGTERM's test as well.
check "replay stops at a signal" interrupted

echo "1..$number"
[ "$failed" = 0 ]
