"""`tdxwrap apply CONFIG`: Step 7 of the recipe from the key check to the validation."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from tdxwrap.cli.command import FilesCommand
from tdxwrap.cli.options import (
    CONFIGS,
    KEEP_GOING,
    PARENT_SEGMENT,
    SECONDS,
    FilePath,
    option,
    plan_options,
    wait_options,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tdxwrap.cli.app import App
    from tdxwrap.realtime.wait import WaitPolicy


@click.command(cls=FilesCommand)
@CONFIGS
@PARENT_SEGMENT
@KEEP_GOING
@plan_options
@click.option("-y", "--yes", is_flag=True, help="Do not ask; required without a terminal.")
@option(
    "--jobs",
    type=click.IntRange(1, 16),
    default=1,
    metavar="N",
    help="Creates at once (1); files: --segments-at-once (5).",
)
@option("--segments-at-once", type=click.IntRange(1, 50), default=5, metavar="N", line=())
@option("--expect", metavar="FINGERPRINT", help="Apply only the plan that has it.")
@option("--deadline", type=SECONDS, help="Limit of the whole run.")
@click.option("--no-wait", is_flag=True, help="Do not wait for the status ok.")
@click.option(
    "--rt-config",
    type=FilePath(),
    default="rt_config.yaml",
    help="For the earlier configuration (rt_config.yaml).",
)
@wait_options
def apply(
    app: App,
    config: str,
    parent_segment: str | None,
    *,
    patience: WaitPolicy,
    yes: bool,
    jobs: int,
    expect: str | None,
    deadline: float | None,
    no_wait: bool,
    rt_config: Path,
    **allowed: bool,
) -> int:
    """Make the parent segment what CONFIG says. Shows the plan, asks, writes, waits until it is
    live, and compares every field.

    \b
    tdxwrap apply rt.yaml
    tdxwrap apply rt.yaml --yes --json      without a terminal
    tdxwrap apply brands/                   every file, side by side
    """
    from tdxwrap.cli.applying import ApplyOptions, apply_loaded
    from tdxwrap.plan.changes import PlanOptions

    app.changes = 0
    loaded, ps = app.load(config, parent_segment)
    limit = None if deadline is None else deadline - (time.monotonic() - app.begun)
    allowing = PlanOptions(**allowed)
    policy = None if no_wait else patience
    chosen = ApplyOptions(allowing, policy, rt_config, yes, jobs, limit, expect)
    return apply_loaded(app, loaded, ps, chosen)
