# bash completion for lockstep: commands, options (from --help, so there is no second list), targets, files.
_lockstep()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} exe=${COMP_WORDS[0]} cmd=${COMP_WORDS[1]} w
	if [ "$COMP_CWORD" -eq 1 ]; then
		COMPREPLY=($(compgen -W "$("$exe" --help 2>/dev/null | sed -n 's/^  \([a-z]\+\)  .*/\1/p') --help --version" -- "$cur"))
		return
	fi
	# after --, it is another command's line
	for w in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
		[ "$w" = -- ] && { COMPREPLY=($(compgen -f -- "$cur")); return; }
	done
	case $prev in
	--target | show | check | learn)
		if [ "$prev" = --target ] || [ "$cmd" = target ]; then
			COMPREPLY=($(compgen -W "$("$exe" target list 2>/dev/null | cut -d' ' -f1)" -- "$cur"))
			return
		fi
		;;
	target)
		[ "$COMP_CWORD" -eq 2 ] && { COMPREPLY=($(compgen -W "list show check learn" -- "$cur")); return; }
		;;
	esac
	case $cur in
	-*) COMPREPLY=($(compgen -W "$("$exe" "$cmd" --help 2>/dev/null | grep -oE -- '(^|[ ,])--[a-z-]+' | tr -d ' ,' | sort -u)" -- "$cur")) ;;
	*) COMPREPLY=($(compgen -f -- "$cur")) ;;
	esac
}
complete -o filenames -F _lockstep lockstep
