"""`tdxwrap check CONFIG`: everything that can be said about a file without asking tdx."""

from __future__ import annotations

from tdxwrap.cli.app import App
from tdxwrap.config.load import LoadedConfig, load
from tdxwrap.output.plan_text import Line


def check(app: App, config: str) -> int:
    """Validate a configuration offline."""
    loaded = load(config, environ=app.environ)
    app.segment = loaded.config.parent_segment or ""
    app.console.print_warnings(loaded.warnings)
    app.console.print_result([Line("", f"{config} is valid: {_contents(loaded)}")])
    return app.end("check", file=config, digest=loaded.digest, warnings=list(loaded.warnings))


def _contents(loaded: LoadedConfig) -> str:
    config = loaded.config
    counts = {
        "event table": len(config.tables()),
        "key event": len(config.key_events),
        "stitching key": len(config.id_stitching.keys),
        "attribute": len(config.attributes),
    }
    return ", ".join(f"{n} {name}{'' if n == 1 else 's'}" for name, n in counts.items())
