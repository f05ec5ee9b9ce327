# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Completion of the refslab command for bash. Needs nothing beside it; installed as
# share/bash-completion/completions/refslab.

_refslab_heaps() {
	local heap
	for heap in "${REFSLAB_SYSFS:-/sys/kernel/refslab}"/*/; do
		[ -e "$heap/objects" ] || continue
		heap=${heap%/}
		printf '%s\n' "${heap##*/}"
	done
}

# The options with a word of their own after them, of one command.
_refslab_valued() {
	case $1 in
	top) echo '--iterations|-n|--delay|-d|--sort|-s' ;;
	watch) echo '--event|-e|--events|-n|--fd|--socket' ;;
	graph) echo '--fd|--max|--output|-o|--root|-r|--socket' ;;
	replay) echo '--limit|--name|-n|--offer|--payload|--root|-r|--thresholds' ;;
	esac
}

# The tracepoints there are, without refslab_; only root may look.
_refslab_events() {
	local event
	for event in "${REFSLAB_TRACEFS:-/sys/kernel/tracing}"/events/refslab/refslab_*/; do
		[ -d "$event" ] || continue
		event=${event%/}
		printf '%s\n' "${event##*/refslab_}"
	done
}

_refslab() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]-}
	local options='--json --help --usage --version' valued words='' place=0 verb='' i

	COMPREPLY=()
	if [ "$COMP_CWORD" = 1 ]; then
		words='status types stats top watch thresholds collect freeze replay graph'
		[[ $word == -* ]] && words='--help --usage --version'
		mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
		return
	fi
	case $command in
	status | types | stats | thresholds | collect) ;;
	freeze) options+=' --unfreeze --count' ;;
	top) options+=' --batch --iterations --delay --sort --reverse' ;;
	watch) options+=' --deaths --event --events --fd --socket' ;;
	graph) options+=' --fd --max --numbers --output --root --socket --svg --sweep' ;;
	replay) options+=' --hold --limit --name --no-sweep --offer --payload --root --thresholds' ;;
	*) return ;;
	esac
	valued=$(_refslab_valued "$command")

	# A value: what there is to choose from.
	if [[ -n $valued && $before =~ ^($valued)$ ]]; then
		case $command$before in
		top--sort | top-s) words='objects bytes change sweeps freed busy name' ;;
		watch--event | watch-e) words=$(_refslab_events) ;;
		graph--output | graph-o | graph--socket | watch--socket | replay--offer)
			compopt -o filenames 2>/dev/null
			mapfile -t COMPREPLY < <(compgen -f -- "$word")
			return
			;;
		esac
		mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
		return
	fi
	if [[ $word == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
		return
	fi

	# Which of the arguments that are no options it is.
	for ((i = 2; i < COMP_CWORD; i++)); do
		if [[ -n $valued && ${COMP_WORDS[i]} =~ ^($valued)$ ]]; then
			i=$((i + 1))
		elif [[ ${COMP_WORDS[i]} != -* ]]; then
			if [ $place = 0 ] && [ "$command" = thresholds ] && [[ ${COMP_WORDS[i]} =~ ^(get|set)$ && -z $verb ]]; then
				verb=1
			else
				place=$((place + 1))
			fi
		fi
	done
	case $command$place in
	replay0 | graph0)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return
		;;
	collect1) words='0 1 2' ;;
	thresholds0)
		words=$(_refslab_heaps)
		[ -n "$verb" ] || words="get set $words"
		;;
	*0) words=$(_refslab_heaps) ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -F _refslab refslab
