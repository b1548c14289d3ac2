"""`tdxwrap doctor [CONFIG]`: is everything in place?"""

from __future__ import annotations

from tdxwrap.apply.doctor import State, examine, failure
from tdxwrap.cli.app import App
from tdxwrap.config.load import load
from tdxwrap.output import plan_text


def doctor(app: App, config: str | None, override: str | None) -> int:
    """Show the checklist; it is the result, also where checks failed.

    Args:
        override: `--parent-segment`.
    """
    loaded = None if config is None else load(config, environ=app.environ)
    app.console.print_warnings(loaded.warnings if loaded else ())
    ps = override or (loaded.config.parent_segment if loaded else None)
    app.segment = ps or ""
    with app.connected(ps) as connected:
        checks = examine(connected, loaded, ps, app.account)
    app.console.print_result(plan_text.check_lines(checks))
    failed = [check for check in checks if check.state is State.FAILED]
    if failed and app.chosen.quiet:
        app.console.print_always(plan_text.check_lines(failed))
    return app.end("doctor", failure(checks), told=True, checks=list(checks))
