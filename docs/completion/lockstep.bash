# bash completion for lockstep: commands and options (from --help, so there is no second list), targets, files.

# Prints the words that may follow `target` and `corpus`.
_lockstep_words()
{
	case $2 in
	target) echo list show check learn ;;
	corpus) "$1" corpus --help 2>/dev/null | sed -n 's/^    \([a-z]\+\)  .*/\1/p' ;;
	esac
}

_lockstep_options()
{
	"$@" --help 2>/dev/null | grep -oE -- '(^|[ ,[])--[a-z][a-z-]*' | tr -d ' ,[' | sort -u
}

_lockstep()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} exe=${COMP_WORDS[0]} cmd=${COMP_WORDS[1]} sub= w i
	if [ "$COMP_CWORD" -eq 1 ]; then
		COMPREPLY=($(compgen -W "$("$exe" --help 2>/dev/null | sed -n 's/^  \([a-z]\+\)  .*/\1/p') --help --version" -- "$cur"))
		return
	fi
	# after --, it is another command's line
	for ((i = 1; i < COMP_CWORD; i++)); do
		[ "${COMP_WORDS[i]}" = -- ] || continue
		COMPREPLY=($(compgen -f -- "$cur"))
		[ "$i" -eq $((COMP_CWORD - 1)) ] && COMPREPLY+=($(compgen -c -- "$cur"))
		return
	done
	if [ "$prev" = --target ] || { [ "$cmd" = target ] && [ "$COMP_CWORD" -eq 3 ] && [ "$prev" != list ]; }; then
		COMPREPLY=($(compgen -W "$("$exe" target list 2>/dev/null | cut -d' ' -f1)" -- "$cur"))
		return
	fi
	if [ "$COMP_CWORD" -eq 2 ] && [[ $cmd == @(target|corpus) && $cur != -* ]]; then
		COMPREPLY=($(compgen -W "$(_lockstep_words "$exe" "$cmd")" -- "$cur"))
		return
	fi
	[[ $cmd == corpus && ${COMP_WORDS[2]} == [a-z]* ]] && sub=${COMP_WORDS[2]}
	case $cur in
	-*) COMPREPLY=($(compgen -W "$(_lockstep_options "$exe" "$cmd" $sub)" -- "$cur")) ;;
	*) COMPREPLY=($(compgen -f -- "$cur")) ;;
	esac
}
complete -o filenames -F _lockstep lockstep
