"""The command `tdxwrap`: finds its commands by name and prints the help of the whole.

A command is declared in the module of its name. Those modules import the rest of tdxwrap when
their command runs, because `--version`, `--help` and completion have to be fast.
"""

from __future__ import annotations

from importlib import import_module
from itertools import zip_longest
from keyword import iskeyword
from textwrap import wrap

import click

from tdxwrap.cli.options import GLOBAL_OPTIONS
from tdxwrap.version import __version__

SECTIONS = {
    "Start": ("new", "import", "rehearse", "doctor"),
    "Everyday": ("check", "plan", "apply", "verify", "status", "wait"),
    "More": ("export", "recipe", "graph", "schema", "completion", "runs", "fake"),
}
"""The commands, grouped by use."""


class Commands(click.Group):
    """The commands, each imported when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return their names."""
        return [name for names in SECTIONS.values() for name in names]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; for an unknown name all of them, which click takes its hint from."""
        names = self.list_commands(ctx)
        for name in [cmd_name] if cmd_name in names else names:
            place = f"{name}_" if iskeyword(name) else name
            self.add_command(getattr(import_module(f"tdxwrap.cli.{place}"), place))
        return super().get_command(ctx, cmd_name)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Print the commands by use, then the names of the options."""
        rows = []
        for section, names in SECTIONS.items():
            for label, name in zip_longest([section], names, fillvalue=""):
                command = self.get_command(ctx, name)
                assert command is not None
                rows.append((f"{label:<9} {name}", command.get_short_help_str(formatter.width)))
        formatter.write_paragraph()
        formatter.write_dl(rows, col_max=40)
        # Nobody has to be told of --version.
        options = [max(param.opts, key=len) for param in self.params if param.name != "version"]
        lines = wrap(" ".join(options), formatter.width - 8, break_on_hyphens=False)
        for label, line in zip_longest(["Options"], lines, fillvalue=""):
            formatter.write(f"{label:<9} {line}\n")


def explain_options(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    """Print the global options, a line each."""
    if not value or ctx.resilient_parsing:
        return
    formatter = ctx.make_formatter()
    formatter.write_text(
        "Global options stand before or after the command. Each may be given as a variable "
        "instead: TDXWRAP_PROFILE=production."
    )
    formatter.write_paragraph()
    records = (option.get_help_record(ctx) for option in GLOBAL_OPTIONS)
    formatter.write_dl([record for record in records if record is not None])
    click.echo(formatter.getvalue().rstrip("\n"))
    ctx.exit()


CONTEXT = {
    "help_option_names": ["-h", "--help"],
    "auto_envvar_prefix": "TDXWRAP",
    "max_content_width": 100,
}


@click.group(cls=Commands, context_settings=CONTEXT, params=[*GLOBAL_OPTIONS])
@click.option(
    "--help-options", is_flag=True, is_eager=True, expose_value=False, callback=explain_options
)
@click.version_option(__version__, prog_name="tdxwrap")
def main() -> None:
    """\b
    The realtime configuration of a parent segment, from a YAML file:
    tdxwrap check rt.yaml; tdxwrap plan rt.yaml; tdxwrap apply rt.yaml
    """
