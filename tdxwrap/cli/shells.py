"""How bash, zsh and fish complete tdxwrap.

click knows the commands and options; the types of the parameters add files and parent segments
(options.py). click's own scripts would take a name apart at its spaces, commas or backslashes, so
each shell has one here, which leaves the quoting to that shell.
"""

from __future__ import annotations

import os
import re

from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    add_completion_class,
)

VARIABLE = "_TDXWRAP_COMPLETE"


@add_completion_class
class Bash(BashComplete):
    """bash 4.4 or newer, which inserts a value without quoting it."""

    source_template = """\
%(complete_func)s() {
    local IFS=$'\\n' type value
    COMPREPLY=()
    while IFS=, read -r type value; do
        [[ $value == */ ]] && compopt -o nospace
        [[ -n $type ]] && COMPREPLY+=("$value")
    done < <(COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD=$COMP_CWORD \\
        %(complete_var)s=bash_complete "$1" 2>/dev/null)
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""

    def get_completion_args(self) -> tuple[list[str], str]:
        """Return the words before the cursor and the one at it; bash splits at `=`."""
        args, incomplete = super().get_completion_args()
        if args[-1:] == ["="]:
            args.pop()
        return args, "" if incomplete == "=" else incomplete

    def format_completion(self, item: CompletionItem[str]) -> str:
        """Return the type and the value, quoted as the typed word began."""
        typed = os.environ["COMP_WORDS"].split("\n")[int(os.environ["COMP_CWORD"]) :]
        quote = typed[0][:1] if typed else ""
        if quote == "'":
            value = item.value.replace("'", r"'\''")
        else:
            special = r'[\\"$`]' if quote == '"' else r"[^\w@%+=:,./-]"
            value = re.sub(special, r"\\\g<0>", item.value)
        return f"{item.type},{value}"


@add_completion_class
class Zsh(ZshComplete):
    """zsh. What ends in a slash goes on, so no space follows it."""

    source_template = """\
#compdef %(prog_name)s
%(complete_func)s() {
    local type value text
    local -a response values shown
    response=("${(@f)$(COMP_WORDS="${words[*]}" COMP_CWORD=$((CURRENT - 1)) \\
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
"""

    def format_completion(self, item: CompletionItem[str]) -> str:
        """Return three lines: the type, the value and its help."""
        return f"{item.type}\n{item.value}\n{item.help or ''}"


@add_completion_class
class Fish(FishComplete):
    """fish."""

    source_template = """\
function %(complete_func)s
    set -lx %(complete_var)s fish_complete
    set -lx COMP_WORDS (commandline -cp | string collect)
    set -lx COMP_CWORD (commandline -ct | string collect)
    %(prog_name)s 2>/dev/null | string match --regex '.+'
end
complete --command %(prog_name)s --no-files --keep-order --arguments '(%(complete_func)s)'
"""

    def format_completion(self, item: CompletionItem[str]) -> str:
        """Return the value and, after a tab, its help."""
        return f"{item.value}\t{item.help}" if item.help else item.value


SHELLS: dict[str, type[ShellComplete]] = {"bash": Bash, "zsh": Zsh, "fish": Fish}
