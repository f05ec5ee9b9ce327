#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The examples do what they say, to the letter. Prints TAP. They lie in examples/ beside this script.

examples=$(dirname "$0")/examples
number=0 failed=0

# example NAME: its output must be what comes in.
example() {
	number=$((number + 1))
	if said=$(timeout 60 "$examples/$1" 2>&1) && [ "$said" = "$(cat)" ]; then
		echo "ok $number - $1"
	else
		failed=$((failed + 1))
		echo "not ok $number - $1"
		echo "$said" | sed 's/^/#   /'
	fi
}

example cycle <<END
alive without a handle: 2
freed by a sweep: 2, alive: 0
END

example weak-cache <<END
7: computed
7: found
7: 49
7: computed
7: found
7: 49
END

example shared-graph <<END
3
2
1
END

example passed-object <<END
received: a letter
written: this handle, session or user may not do that
END

example mapped-payload <<END
65536 bytes, read by call: a pixel
handles: 0, objects: 1
after unmapping: 0
END

example event-loop <<END
a sweep freed 1
the object is dead
END

example batch <<END
entries done: 397
objects: 100, handles: 1
after closing the first: 0
END

example uring <<END
submitted
entries done: 100
END

# A new example is a new test.
for program in "$examples"/*; do
	grep -q "^example ${program##*/} " "$0" && continue
	number=$((number + 1))
	failed=$((failed + 1))
	echo "not ok $number - ${program##*/}: nobody says what it is to print"
done

echo "1..$number"
[ "$failed" = 0 ]
