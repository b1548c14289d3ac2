"""What a terminal shows of each command: run for real in a pseudo-terminal, read with pyte.

`make snapshots` writes tests/snapshots anew, `make screenshot` the picture in the README.
"""

from __future__ import annotations

import io
import itertools
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyte
from rich.console import Console as RichConsole
from rich.text import Text

from support.shells import FIXTURES, ROOT, WEB, Shell
from support.worlds import shipped
from tdxwrap.fake.control import World
from tdxwrap.fake.scenario import DEFAULT_KEY

SNAPSHOTS = ROOT / "tests" / "snapshots"
WIDTHS = (80, 40)
# More rows than any screen has: nothing scrolls away.
ROWS = 400

# What differs from run to run.
VOLATILE = (
    (re.compile(r"\d\.\d s\b"), "0.0 s"),
    (re.compile(r"\d\d tdx calls"), "30 tdx calls"),
    (re.compile(r"\d{8}T\d{6}"), "20261122T091455"),
    (re.compile(r"\d{4}-\d\d-\d\d(\s+)\d\d:\d\d(\s+)[+-]\d{4}"), r"2026-11-22\g<1>09:14\2+0000"),
    (re.compile(r"2026\.8\.1,.*?(?=\n(\{\w+:)?✓ login)", re.DOTALL), "2026.8.1, /usr/bin/tdx"),
)

HALF = """
parent_segment: "394649"
event_tables: [web_events.pageviews, web_events.carts]
key_events:
  - {name: page_view, table: web_events.pageviews, description: Every page view}
  - {name: add_to_cart, table: web_events.carts}
id_stitching:
  keys: [td_client_id, {name: email, invalid_texts: [unknown]}]
  ext_lookup_key: customer_id
attributes:
  - name: last_product_viewed
    type: single
    key_event: page_view
    value_column: product_id
    data_type: string
    duration: 2 days
"""
WIDE = """
parent_segment: "394649"
key_events:
  - {name: ページ閲覧, table: web_events.pageviews}
  - {name: カート追加, table: web_events.carts}
attributes:
  - name: 最後に見た商品
    identifier: last_product
    type: single
    key_event: ページ閲覧
    value_column: product_id
    data_type: string
    duration: 1 day
  - name: viewed
    type: list
    key_event: ページ閲覧
    id_column: product_id
    aggregations:
      - {name: items, identifier: items, column: product_id, aggregation_type: distinct_list}
    duration: 60 days
"""


class Screen(pyte.Screen):
    """A terminal that remembers dim text, too: as italics, which nothing here is."""

    def select_graphic_rendition(self, *attrs: int, **kwargs: Any) -> None:
        super().select_graphic_rendition(*(3 if a == 2 else a for a in attrs), **kwargs)


def shown(output: str, columns: int) -> Screen:
    """The screen of a terminal that has been sent this."""
    screen = Screen(columns, ROWS)
    pyte.Stream(screen).feed(output)
    return screen


def plain(screen: Screen) -> str:
    """The text on a screen."""
    return steady("\n".join(row.rstrip() for row in screen.display))


def styled(screen: Screen) -> str:
    """The text on a screen, `{green:…}` around what is green, bold or dim."""
    rows = (screen.buffer[number] for number in range(ROWS))
    return steady("\n".join(_styled(row[x] for x in range(screen.columns)) for row in rows))


def _styled(cells: Iterator[Any]) -> str:
    parts = []
    for style, run in itertools.groupby(cells, _style):
        text = "".join(cell.data for cell in run)
        parts.append(f"{{{style}:{text}}}" if style and text.strip() else text)
    return "".join(parts).rstrip()


def _style(cell: Any) -> str:
    assert (cell.bg, cell.reverse, cell.underscore) == ("default", False, False)
    colour = cell.fg.replace("brown", "yellow").replace("default", "")
    names = [colour] if colour else []
    return "-".join([*names, *["bold"] * cell.bold, *["dim"] * cell.italics])


def steady(text: str) -> str:
    """A text without what changes from run to run."""
    for pattern, instead in VOLATILE:
        text = pattern.sub(instead, text)
    return text.rstrip() + "\n"


@dataclass(frozen=True)
class Case:
    """One screen: a command, and the world and files that it is run with."""

    args: tuple[str, ...]
    scenario: str = "half-configured"
    files: dict[str, str] = field(default_factory=lambda: {"rt.yaml": HALF})
    prepare: Callable[[World, Shell], object] = lambda world, shell: None


def _refuse_the_list(world: World, shell: Shell) -> None:
    world.add_fault(
        "http",
        {"method": "POST", "path": "realtime_attributes"},
        skip=2,
        status=422,
        code="unprocessable-entity-error",
        detail="idColumn 'product' is not a column of web_events.pageviews",
    )


def _rename(world: World, shell: Shell) -> None:
    with world.edit_segment("394649") as segment:
        segment["name"] = "顧客 360 – プロダクション"


def _three_runs(world: World, shell: Shell) -> None:
    shell.run("apply", "rt.yaml", "--yes")
    shell.run("apply", "rt.yaml", "--yes", "--parent-segment", "Customer 360")
    shell.run("apply", "rt.yaml", "--yes", "--parent-segment", "nobody")


_BLANK = {"scenario": "blank", "files": {"rt.yaml": WEB.read_text(encoding="utf-8")}}
_WRONG = (FIXTURES / "configs" / "invalid" / "references.yaml").read_text(encoding="utf-8")
CASES = {
    "plan": Case(("plan", "rt.yaml")),
    "apply": Case(("apply", "rt.yaml", "--yes"), **_BLANK),
    "error": Case(
        ("apply", "rt.yaml", "--yes", "--journal", "run.jsonl"), **_BLANK, prepare=_refuse_the_list
    ),
    "check": Case(("check", "rt.yaml"), files={"rt.yaml": _WRONG}),
    "doctor": Case(
        ("doctor", "rt.yaml"),
        files={"rt.yaml": HALF.replace("customer_id", "email").replace("product_id", "product")},
    ),
    "status": Case(("status", "394649")),
    "verify": Case(("verify", "rt.yaml", "--journal", "run.jsonl")),
    "runs": Case(("runs",), prepare=_three_runs),
    "wide": Case(("plan", "rt.yaml"), "blank", {"rt.yaml": WIDE}, _rename),
}


def scene(case: Case, folder: Path) -> tuple[Shell, World]:
    """A fresh world with the files of a case, and a shell on it."""
    world = World.create(folder / "world", shipped(case.scenario, updating_seconds=0))
    # As many looks as need be, however slow the machine is: one, and one after it has settled.
    shell = Shell.create(folder, world, TDXWRAP_APPLY_POLL_FIRST="10")
    for file, text in case.files.items():
        shell.write(file, text)
    case.prepare(world, shell)
    return shell, world


def screens(name: str, columns: int, folder: Path) -> dict[str, str]:
    """The snapshots of one screen at one width: file names and contents."""
    case = CASES[name]
    with_colour, _ = scene(case, folder / "colour")
    without, _ = scene(case, folder / "plain")
    coloured = with_colour.terminal(*case.args, columns=columns).out
    uncoloured = without.terminal(*case.args, "--no-color", columns=columns).out
    return {
        f"{name}-{columns}-colour.txt": styled(shown(coloured, columns)),
        f"{name}-{columns}.txt": plain(shown(uncoloured, columns)),
    }


# The screenshot of the README

SCREENSHOT = ROOT / "docs" / "apply.svg"
COMMAND = "tdxwrap apply rt.yaml"
# Without the web fonts of rich's own: a picture that asks other hosts for nothing.
SVG = """\
<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font: {char_height}px/{line_height}px Menlo, Consolas, monospace }}
.{unique_id}-title {{ font: bold 18px sans-serif }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/>
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def screenshot(folder: Path) -> str:
    """An apply, confirmed by a person, as an SVG picture."""
    shell, world = scene(CASES["plan"], folder)
    account = next(iter(world.state()["accounts"]))
    world.set_credentials({"production": DEFAULT_KEY}, {DEFAULT_KEY: account})
    answers = [("[y/N]", lambda: "y\n")]
    done = shell.terminal("apply", "rt.yaml", answers=answers, TDX_PROFILE="production")
    assert done.code == 0, done.out
    console = RichConsole(record=True, width=80, file=io.StringIO(), color_system="standard")
    console.print(Text.assemble("$ ", (COMMAND, "bold")))
    for row in styled(shown(done.out, 80)).splitlines():
        console.print(_text(row), soft_wrap=True)
    return console.export_svg(title=COMMAND, code_format=SVG, unique_id="apply")


def _text(row: str) -> Text:
    """A row of `styled` as rich has it."""
    text = Text()
    for style, inside, outside in re.findall(r"\{([a-z-]+):([^}]*)\}|([^{]+|\{)", row):
        text.append(inside or outside, style.replace("-", " ") or None)
    return text


def write_snapshots() -> None:
    """`make snapshots`"""
    from support.story import chapters, whole

    with tempfile.TemporaryDirectory() as folder:
        (SNAPSHOTS / "story.txt").write_text(whole(chapters(Path(folder))), encoding="utf-8")
    for name, columns in itertools.product(CASES, WIDTHS):
        with tempfile.TemporaryDirectory() as folder:
            for file, text in screens(name, columns, Path(folder)).items():
                (SNAPSHOTS / file).write_text(text, encoding="utf-8")


def write_screenshot() -> None:
    """`make screenshot`"""
    with tempfile.TemporaryDirectory() as folder:
        SCREENSHOT.write_text(screenshot(Path(folder)), encoding="utf-8")


if __name__ == "__main__":
    {"snapshots": write_snapshots, "screenshot": write_screenshot}[sys.argv[1]]()
