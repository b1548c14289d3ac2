"""The command line: what each command takes, and which function does it.

Those functions are imported when their command runs, so that `--version`, `--help` and completion
cost next to nothing.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from tdxwrap.cli.options import (
    CONFIG,
    CONFIGS,
    GLOBAL_OPTIONS,
    KEEP_GOING,
    PARENT_SEGMENT,
    PS,
    SECONDS,
    CommandGroup,
    FilePath,
    Option,
    complete_config,
    complete_either,
    complete_segment,
    explain_options,
    patience,
    plan_choice,
    plan_options,
    wait_options,
)
from tdxwrap.errors import UsageProblem
from tdxwrap.version import __version__

if TYPE_CHECKING:
    from pathlib import Path

    from tdxwrap.cli.app import App

CONTEXT = {
    "help_option_names": ["-h", "--help"],
    "auto_envvar_prefix": "TDXWRAP",
    "max_content_width": 100,
}


@click.group(cls=CommandGroup, context_settings=CONTEXT, params=[*GLOBAL_OPTIONS])
@click.option(
    "--help-options", is_flag=True, is_eager=True, expose_value=False, callback=explain_options
)
@click.version_option(__version__, prog_name="tdxwrap")
def main() -> None:
    """\b
    The realtime configuration of a parent segment, from a YAML file:
    tdxwrap check rt.yaml; tdxwrap plan rt.yaml; tdxwrap apply rt.yaml
    """


def _app(ctx: click.Context, *, of_several: bool = False) -> App:
    """The app of one command, with the console and tdx as the global options say."""
    from dataclasses import fields

    from tdxwrap.cli.app import App, Globals

    options = ctx.find_root().obj
    chosen = Globals(**{field.name: options[field.name] for field in fields(Globals)})
    app: App = App(chosen, os.environ, options["command"], of_several=of_several)
    options["app"] = app
    return app


def _each(
    ctx: click.Context, configs: Sequence[str], one: Callable[[App, str], int], **settings: Any
) -> int:
    """Run a command on a file, or on several and those of folders one after another.

    Args:
        settings: of `each_file`.
    """
    if len(configs) == 1 and not os.path.isdir(configs[0]):
        return one(_app(ctx), configs[0])
    from tdxwrap.cli.several import each_file, files_of

    if ctx.params.get("parent_segment"):
        hint = "it would go before what each file says"
        raise UsageProblem("--parent-segment goes with a single file", hint=hint)
    frame = _app(ctx)
    files = files_of(configs)
    return each_file(frame, lambda: _app(ctx, of_several=True), files, one, **settings)


@main.command("check")
@CONFIGS
@KEEP_GOING
@click.pass_context
def check(ctx: click.Context, configs: Sequence[str], keep_going: bool) -> int:
    """Validate a CONFIG offline. Every error at once, each with line, column, field and a hint.

    \b
    tdxwrap check rt.yaml
    tdxwrap check brands/ --keep-going
    """
    from tdxwrap.cli.check_command import check

    return _each(ctx, configs, check, keep_going=keep_going)


@main.command("doctor")
@click.argument("configs", nargs=-1, metavar="[CONFIG]...", shell_complete=complete_config)
@PARENT_SEGMENT
@KEEP_GOING
@click.pass_context
def doctor(
    ctx: click.Context, configs: Sequence[str], parent_segment: str | None, keep_going: bool
) -> int:
    """Look whether everything is in place. That is tdx, login, profile, `tdx api`, the parent
    segment and, with a CONFIG, its tables and columns.

    \b
    tdxwrap doctor
    tdxwrap doctor rt.yaml --profile production
    """
    from tdxwrap.cli.doctor_command import doctor

    if not configs:
        return doctor(_app(ctx), None, parent_segment)

    def one(app: App, config: str) -> int:
        return doctor(app, config, parent_segment)

    return _each(ctx, configs, one, keep_going=keep_going)


@main.command("plan")
@CONFIGS
@PARENT_SEGMENT
@KEEP_GOING
@plan_options
@click.option("--exit-code", is_flag=True, help="Exit 7 when changes are pending.")
@click.option("--markdown", is_flag=True, help="For a pull request comment.")
@click.pass_context
def plan(
    ctx: click.Context,
    /,
    configs: Sequence[str],
    parent_segment: str | None,
    keep_going: bool,
    exit_code: bool,
    markdown: bool,
    **given: Any,
) -> int:
    """Show what apply would change. Writes nothing.

    \b
    tdxwrap plan rt.yaml
    tdxwrap plan rt.yaml --exit-code        7 when something would change
    tdxwrap plan rt.yaml --markdown         for a pull request
    """
    from tdxwrap.cli.plan_command import plan

    def one(app: App, config: str) -> int:
        return plan(
            app,
            config,
            override=parent_segment,
            options=plan_choice(given),
            exit_code=exit_code,
            markdown=markdown,
        )

    return _each(ctx, configs, one, keep_going=keep_going, markdown=markdown)


@main.command("apply")
@CONFIGS
@PARENT_SEGMENT
@KEEP_GOING
@plan_options
@click.option("--yes", is_flag=True, help="Do not ask; needed where nobody can be asked.")
@click.option(
    "--jobs",
    cls=Option,
    type=click.IntRange(1, 16),
    default=1,
    metavar="N",
    help="Creates of a step side by side (1).",
)
@click.option(
    "--deadline", cls=Option, type=SECONDS, metavar="SECONDS", help="Limit of the whole run."
)
@click.option("--no-wait", is_flag=True, help="Do not wait for the status ok.")
@click.option(
    "--rt-config",
    type=FilePath(),
    default="rt_config.yaml",
    help="For the earlier configuration (rt_config.yaml).",
)
@wait_options
@click.pass_context
def apply(
    ctx: click.Context,
    /,
    configs: Sequence[str],
    parent_segment: str | None,
    keep_going: bool,
    yes: bool,
    jobs: int,
    deadline: float | None,
    no_wait: bool,
    rt_config: Path,
    **given: Any,
) -> int:
    """Make the parent segment what CONFIG says. Shows the plan, asks, writes, waits until it is
    live, and compares every field.

    \b
    tdxwrap apply rt.yaml
    tdxwrap apply rt.yaml --yes --json      where nobody can be asked
    tdxwrap apply brands/ --keep-going      every file; baselines by segment id
    """
    from tdxwrap.cli.apply_command import Choice, apply

    started = time.monotonic()

    def one(app: App, config: str) -> int:
        passed = time.monotonic() - started
        choice = Choice(
            plan_choice(given),
            yes=yes,
            jobs=jobs,
            limit=None if deadline is None else deadline - passed,
            rt_config=rt_config,
            patience=None if no_wait else patience(given),
        )
        return apply(app, config, override=parent_segment, choice=choice)

    return _each(ctx, configs, one, keep_going=keep_going)


@main.command("rehearse")
@click.argument("config", required=False, metavar="CONFIG", shell_complete=complete_config)
@click.option(
    "--from",
    "source",
    metavar="JOURNAL|EXPORT",
    help="Start from what a run found (id, last, path), or from an exported file.",
)
@click.option("--fault", metavar="NAME", help="Let something go wrong; `list` shows what can.")
@plan_options
@click.pass_context
def rehearse(
    ctx: click.Context,
    /,
    config: str | None,
    source: str | None,
    fault: str | None,
    **given: Any,
) -> int:
    """Show a whole apply on a stand-in for tdx. No account is needed and nothing is touched:
    tables, columns and parent segment are made up from CONFIG, and thrown away at the end.

    \b
    tdxwrap rehearse rt.yaml
    tdxwrap rehearse rt.yaml --fault lost-answer
    tdxwrap rehearse rt.yaml --from exported.yaml --prune
    """
    from tdxwrap.cli.rehearse_command import list_faults, rehearse

    if fault == "list":
        return list_faults(_app(ctx))
    if config is None:
        raise UsageProblem("which CONFIG is to be rehearsed?", hint="see tdxwrap rehearse --help")
    return rehearse(_app(ctx), config, source=source, fault=fault, options=plan_choice(given))


@main.command("status")
@PS
@click.pass_context
def status(ctx: click.Context, ps: str) -> int:
    """Show the RT status of PS (id or name).

    \b
    tdxwrap status 394649
    tdxwrap status "Customer 360" --json
    """
    from tdxwrap.cli.status_command import status

    return status(_app(ctx), ps)


@main.command("wait")
@PS
@wait_options
@click.pass_context
def wait(ctx: click.Context, /, ps: str, **given: Any) -> int:
    """Wait until the RT status of PS is ok. It usually takes 30 to 90 seconds.

    \b
    tdxwrap wait 394649 --wait-timeout 120
    """
    from tdxwrap.cli.status_command import wait

    return wait(_app(ctx), ps, patience(given))


@main.command("verify")
@click.argument(
    "configs", nargs=-1, required=True, metavar="CONFIG...|PS", shell_complete=complete_either
)
@PARENT_SEGMENT
@KEEP_GOING
@click.pass_context
def verify(
    ctx: click.Context, configs: Sequence[str], parent_segment: str | None, keep_going: bool
) -> int:
    """Compare live with CONFIG, or check PS. With a CONFIG every field of every item; with a parent
    segment the three checks of the recipe.

    \b
    tdxwrap verify rt.yaml
    tdxwrap verify 394649
    """
    from tdxwrap.cli.verify_command import verify_config, verify_segment

    def one(app: App, config: str) -> int:
        return verify_config(app, config, parent_segment)

    if len(configs) > 1 or _is_config(configs[0]):
        return _each(ctx, configs, one, keep_going=keep_going)
    (ps,) = configs
    if parent_segment is not None:
        raise UsageProblem(f"there is no file {ps} to compare {parent_segment} with")
    return verify_segment(_app(ctx), ps)


def _is_config(text: str) -> bool:
    return text == "-" or text.endswith((".yaml", ".yml")) or os.path.exists(text)


@main.command("export")
@PS
@click.option(
    "-f",
    "--file",
    type=FilePath(),
    help="Write there; an earlier file is kept under another name.",
)
@click.pass_context
def export(ctx: click.Context, ps: str, file: Path | None) -> int:
    """Print what is live on PS as a CONFIG.

    \b
    tdxwrap export 394649
    tdxwrap export "Customer 360" -f rt.yaml
    """
    from tdxwrap.cli.export_command import export

    return export(_app(ctx), ps, file)


@main.command("recipe")
@CONFIG
@PARENT_SEGMENT
@click.option("--plan", is_flag=True, help="Read what is live; only what is still to do.")
@plan_options
@click.pass_context
def recipe(
    ctx: click.Context, /, config: str, parent_segment: str | None, plan: bool, **given: Any
) -> int:
    """Print the same work as a shell script. In the recipe's own commands, tdx and jq; it may run
    again and again. With --plan updates, too.

    \b
    tdxwrap recipe rt.yaml > step7.sh && bash step7.sh
    """
    from tdxwrap.cli.recipe_command import recipe

    return recipe(_app(ctx), config, parent_segment, plan_choice(given), plan=plan)


@main.command("graph")
@CONFIG
@click.option("--dot", is_flag=True, help="DOT, for Graphviz, in place of Mermaid.")
@click.option(
    "--live",
    metavar="PS",
    shell_complete=complete_segment,
    help="Colour what is live, missing or different on PS.",
)
@click.pass_context
def graph(ctx: click.Context, config: str, dot: bool, live: str | None) -> int:
    """Print a CONFIG as a Mermaid flowchart. Event tables, key events and attributes, and the ID
    stitching.

    \b
    tdxwrap graph rt.yaml --live 394649
    tdxwrap graph rt.yaml --dot | dot -Tsvg > rt.svg
    """
    from tdxwrap.cli.graph_command import graph

    return graph(_app(ctx), config, live, dot=dot)


@main.command("new")
@click.argument("ps", required=False, shell_complete=complete_segment)
@click.option(
    "--table", "tables", multiple=True, metavar="DB.TABLE", help="An event table; repeatable."
)
@click.option(
    "--stitch-by", "keys", multiple=True, metavar="COL", help="A stitching key; repeatable."
)
@click.option("--lookup-key", metavar="COL", help="The profile key of the parent segment.")
@click.option(
    "-f",
    "--file",
    type=FilePath(),
    help="Write there; an earlier file is kept under another name.",
)
@click.pass_context
def new(
    ctx: click.Context,
    /,
    ps: str | None,
    tables: tuple[str, ...],
    keys: tuple[str, ...],
    lookup_key: str | None,
    file: Path | None,
) -> int:
    """Propose a first CONFIG for PS (id or name). It is made from the tables that the account
    holds. On a terminal it asks for what is not given; elsewhere PS and --table are needed.

    \b
    tdxwrap new -f rt.yaml
    tdxwrap new "Customer 360" --table web.pageviews --stitch-by email > rt.yaml
    """
    from tdxwrap.cli.new_command import Wishes, new

    return new(_app(ctx), ps, Wishes(tables, keys, lookup_key), file)


@main.command("schema")
@click.option("--output-of", metavar="COMMAND", help="Of what that command prints with --json.")
@click.pass_context
def schema(ctx: click.Context, output_of: str | None) -> int:
    """Print the JSON Schema of a CONFIG. With --output-of, of what a command prints with --json.

    \b
    tdxwrap schema > rt-config.schema.json
    tdxwrap schema --output-of apply

    Editors complete and check a CONFIG that stands beside that file and begins with

    \b
    # yaml-language-server: $schema=rt-config.schema.json
    """
    from tdxwrap.cli.schema_command import schema

    return schema(_app(ctx), output_of)


@main.command("completion")
@click.argument("shell", required=False, metavar="[bash|zsh|fish]")
@click.pass_context
def completion(ctx: click.Context, shell: str | None) -> int:
    """Print what a shell needs to complete tdxwrap.

    \b
    bash:  eval "$(tdxwrap completion bash)"  in ~/.bashrc
    zsh:   eval "$(tdxwrap completion zsh)"   in ~/.zshrc, after compinit
    fish:  tdxwrap completion fish > ~/.config/fish/completions/tdxwrap.fish
    """
    from tdxwrap.cli.completion_command import completion

    as_json = ctx.find_root().obj["json"]
    return completion(main, shell, os.environ, (lambda: _app(ctx)) if as_json else None)


@main.group("runs", invoke_without_command=True)
@click.pass_context
def runs(ctx: click.Context) -> int | None:
    """List earlier runs, newest first.

    \b
    tdxwrap runs
    tdxwrap runs show last
    """
    from tdxwrap.cli.runs_command import list_runs

    return None if ctx.invoked_subcommand else list_runs(_app(ctx))


RUN = click.argument("run", metavar="ID|last|PATH")


@runs.command("show")
@RUN
@click.pass_context
def runs_show(ctx: click.Context, run: str) -> int:
    """Tell the story of one run: its steps, changes and tdx calls.

    \b
    tdxwrap runs show last
    """
    from tdxwrap.cli.runs_command import show_run

    return show_run(_app(ctx), run)


@runs.command("export")
@RUN
@click.option("--redact", is_flag=True, help="Replace every name and id, consistently.")
@click.option("-f", "--file", type=FilePath(), help="Write there.")
@click.option(
    "--config-out",
    type=FilePath(),
    help="With --redact: write the run's CONFIG there.",
)
@click.pass_context
def runs_export(
    ctx: click.Context, run: str, redact: bool, file: Path | None, config_out: Path | None
) -> int:
    """Print the journal of a run, to be shared or kept as a test.

    \b
    tdxwrap runs export last --redact -f run.jsonl
    """
    from tdxwrap.cli.runs_command import export_run

    app = _app(ctx)
    if config_out is not None and not redact:
        raise UsageProblem(
            "--config-out goes with --redact", hint="without it, the file itself is there as it is"
        )
    return export_run(app, run, redact=redact, file=file, config_out=config_out)
