"""The click classes of the commands: global options, the run, several files, and the help."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from tdxwrap.cli.options import GLOBAL_OPTIONS, Invocation

if TYPE_CHECKING:
    from tdxwrap.cli.app import App


# Of the global options those of daily use.
_DAILY = "--profile, --site, --json, -q, -v, --tdx"


def new_app(ctx: click.Context) -> App:
    """Begin the run of the command of a context."""
    from tdxwrap.cli.app import App

    invocation = Invocation.of(ctx)
    invocation.enter(ctx)
    app = App(invocation.chosen, os.environ, invocation.command)
    invocation.run = app
    return app


class LightCommand(click.Command):
    """A command that takes the global options too, since one may think of them last."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return its own parameters and the global options."""
        return [*super().get_params(ctx), *GLOBAL_OPTIONS]

    def invoke(self, ctx: click.Context) -> Any:
        """Run it under its name."""
        Invocation.of(ctx).enter(ctx)
        return super().invoke(ctx)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Print its own options, a line each; the help has to fit on a screen."""
        records = [p.get_help_record(ctx) for p in self.params if isinstance(p, click.Option)]
        own = [record for record in records if record is not None]
        if not own:
            formatter.write(f"\nOptions: {_DAILY} (tdxwrap --help-options)\n")
            return
        with formatter.section(f"Options (and {_DAILY}: tdxwrap --help-options)"):
            formatter.write_dl(own)


class Command(LightCommand):
    """A command whose function gets the App of its run before its own parameters."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run it, unless it is a group of which another command runs."""
        if ctx.invoked_subcommand is not None:
            return None
        assert self.callback is not None
        return ctx.invoke(self.callback, new_app(ctx), **ctx.params)


class CommandGroup(click.Group, Command):
    """A command with commands of its own."""

    command_class = Command


class FilesCommand(Command):
    """A command on one file, or on several and those of folders, side by side.

    Its parameters `configs`, `keep_going` and `segments_at_once` are used up here; its function
    gets one CONFIG, None where it takes none.
    """

    def invoke(self, ctx: click.Context) -> Any:
        """Run it on each file."""
        configs = ctx.params.pop("configs")
        config = configs[0] if configs else None
        if len(configs) < 2 and not (config and os.path.isdir(config)):
            del ctx.params["keep_going"]
            ctx.params.pop("segments_at_once", None)
            ctx.params["config"] = config
            return super().invoke(ctx)
        from tdxwrap.cli.several import each_file, files_of

        app = new_app(ctx)
        app.files = 0  # not one; each has an App of its own
        assert self.callback is not None
        return each_file(app, files_of(configs, app.warn), self.callback, ctx.params)
