"""`tdxwrap runs`, `runs show`, `runs export`: the journals of earlier runs."""

from __future__ import annotations

from pathlib import Path

from tdxwrap.cli.app import App
from tdxwrap.journal import runs


def list_runs(app: App) -> int:
    """List earlier runs, newest first."""
    found = runs.every(app.environ)
    app.console.print_answer(runs.list_lines(found))
    return app.end("runs", runs=[run.summary() for run in found])


def show_run(app: App, which: str) -> int:
    """Tell the story of one run.

    Args:
        which: an id, `last`, or the path of a journal.
    """
    run = runs.find(app.environ, which)
    app.console.print_answer(runs.story(run))
    return app.end("runs show", run=run.summary(), lines=list(run.lines))


def export_run(
    app: App, which: str, *, redact: bool, file: Path | None, config_out: Path | None
) -> int:
    """Print the journal of a run, or write it to a file.

    Args:
        which: as for `show_run`.
        redact: replace every name and id, consistently.
        config_out: where the run's configuration goes, under the same names.
    """
    run = runs.find(app.environ, which)
    text, config = run.path.read_text(encoding="utf-8"), ""
    if redact:
        text, config = runs.disguised(run, app.environ, config_out is not None)
    if file is not None:
        app.write(file, text, "--file")
    if config_out is not None:
        app.write(config_out, config, "--config-out")
    if file is None:
        app.console.print_text(text)
    return app.end("runs export", text=text if file is None else None)
