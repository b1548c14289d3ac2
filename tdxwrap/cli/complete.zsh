#compdef %(prog_name)s
%(complete_func)s() {
    local type value text
    local -a response values shown
    response=("${(@f)$(COMP_WORDS="${words[*]}" COMP_CWORD=$((CURRENT - 1)) \
        %(complete_var)s=zsh_complete $words[1] 2>/dev/null)}")
    for type value text in "${response[@]}"; do
        if [[ $value == */ ]]; then
            compadd -U -S '' -- "$value"
        elif [[ -n $value ]]; then
            values+=("$value")
            shown+=("$value${text:+  -- $text}")
        fi
    done
    (( ! $#values )) || compadd -U -l -V %(prog_name)s -d shown -a values
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    %(complete_func)s "$@"
else
    compdef %(complete_func)s %(prog_name)s
fi
