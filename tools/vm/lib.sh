# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What the scripts of this directory share: where things are, and which guest means which kernel. Sourced, not run.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck disable=SC2034 # for those who source this
build=$top/build
cache=${REFSLAB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/refslab}

# A make that starts us hands down its own job server and variables; the builds we start are not part of its.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES

die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

say() {
	printf '%s: %s\n' "${0##*/}" "$*"
}

# guest_kind GUEST: "stock" for a kernel of Debian's, "built" for one we build.
guest_kind() {
	case $1 in
	debug | kcsan | kmsan | uml | uml-debug) echo built ;;
	6.1 | 6.12 | 6.1-amd64 | 6.12-amd64 | 6.1-cloud | 6.12-cloud | 6.1-rt | 6.12-rt) echo stock ;;
	*) die "no guest is called '$1'; there are 6.12, 6.1 (and -amd64, -cloud, -rt of each), debug, kcsan, kmsan, uml and uml-debug" ;;
	esac
}

# guest_name GUEST: its one name, for directories: 6.12 is 6.12-cloud.
guest_name() {
	case $1 in
	6.1 | 6.12) echo "$1-cloud" ;;
	*) echo "$1" ;;
	esac
}

# guest_dir GUEST: its directory in the cache.
guest_dir() {
	if [ "$(guest_kind "$1")" = built ]; then
		echo "$cache/$1-6.12"
	else
		echo "$cache/stock/$(guest_name "$1")"
	fi
}

# guest_kdir GUEST: what to give kbuild by -C.
guest_kdir() {
	if [ "$(guest_kind "$1")" = built ]; then
		echo "$(guest_dir "$1")/build"
	else
		echo "$(guest_dir "$1")/kdir"
	fi
}

# guest_cc GUEST: the compiler of a built kernel and of modules for it.
guest_cc() {
	case $1 in
	kmsan) echo clang-19 ;;
	*) echo gcc ;;
	esac
}

# guest_ready GUEST: whether set-up got to the end for it. The stamp is what is written last.
guest_ready() {
	[ -e "$(guest_dir "$1")/stamp" ] && [ -e "$(guest_kdir "$1")/Module.symvers" ]
}

# need_guest GUEST: sets it up if it is not there yet. A cache may come from elsewhere, without the packages.
need_guest() {
	{ guest_ready "$1" && command -v qemu-system-x86_64 >/dev/null; } || "$top/tools/vm/setup" "$1" >&2
}

# complaints FILE: what compilers, sparse, objtool and modpost say of our sources in the log of build-module. Where there
# is IBT objtool looks at the module as a whole, and names that.
complaints() {
	local ours='^((module|include|kunit|tools)/|WARNING: modpost|[^/ ]*\.mod\.c)|(warning|error):.*refslab'
	grep -E "$ours|^[^ ]+\.o: (warning|error): objtool" "$1" || true
}

# build_clean NAME GUEST [VARIABLE=VALUE...]: build-module in a directory of that name, which fails if compilers say
# anything; by gcc with the extra set of warnings.
build_clean() {
	local name=$1 guest=$2 said
	shift 2
	[ "$(guest_cc "${guest#kunit-}")" != gcc ] || set -- "$@" W=1
	mkdir -p "$build/vm"
	"$top/tools/vm/build-module" --dir "$name" "$guest" "$@" | tee "$build/vm/$name.build" >&2
	said=$(complaints "$build/vm/$name.build")
	[ -n "$said" ] || return 0
	# so that the next run says it again
	rm -rf "${build:?}/modules/$name"
	die "it compiles with warnings: $said"
}

# copy_tree DIR: what the module is built and tested by, to be changed there. What differs is written anew, with the time
# of now: kbuild goes by that.
copy_tree() {
	mkdir -p "$1"
	(cd "$top" && rsync -rlpcR --delete --exclude=__pycache__ ./Kbuild ./module ./include ./kunit ./tools "$1/")
}

# with_lock FILE COMMAND...: one at a time, since two terminals may run make on one tree. Descriptor 9 is closed for
# the command, so that nothing it leaves running holds the lock.
with_lock() {
	local file=$1
	shift
	mkdir -p "$(dirname "$file")"
	(
		if ! flock -n 9; then
			say "waits for another run to let go of $file" >&2
			flock 9
		fi
		"$@" 9>&-
	) 9>"$file"
}
