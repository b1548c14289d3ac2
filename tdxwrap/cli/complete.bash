%(complete_func)s() {
    local IFS=$'\n' type value
    COMPREPLY=()
    while IFS=, read -r type value; do
        [[ $value == */ ]] && compopt -o nospace
        [[ -n $type ]] && COMPREPLY+=("$value")
    done < <(COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD=$COMP_CWORD \
        %(complete_var)s=bash_complete "$1" 2>/dev/null)
}
complete -o nosort -F %(complete_func)s %(prog_name)s
