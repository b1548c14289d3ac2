"""How bash, zsh and fish complete tdxwrap.

click knows the commands and options; the types of the parameters add files and parent segments
(options.py). click's own scripts would take a name apart at its spaces, commas or backslashes, so
each shell has one here (`complete.bash` and so on), which leaves the quoting to that shell.
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


def _script(shell: str) -> str:
    """Return the script of a shell, with click's variables; importlib would take its time here."""
    path = os.path.join(os.path.dirname(__file__), f"complete.{shell}")
    with open(path, encoding="utf-8") as file:
        return file.read()


@add_completion_class
class Bash(BashComplete):
    """bash 4.4 or newer, which inserts a value without quoting it."""

    source_template = _script("bash")

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

    source_template = _script("zsh")

    def format_completion(self, item: CompletionItem[str]) -> str:
        """Return three lines: the type, the value and its help."""
        return f"{item.type}\n{item.value}\n{item.help or ''}"


@add_completion_class
class Fish(FishComplete):
    """fish."""

    source_template = _script("fish")

    def format_completion(self, item: CompletionItem[str]) -> str:
        """Return the value and, after a tab, its help."""
        return f"{item.value}\t{item.help}" if item.help else item.value


SHELLS: dict[str, type[ShellComplete]] = {"bash": Bash, "zsh": Zsh, "fish": Fish}
