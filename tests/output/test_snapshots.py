"""Every screen at both widths, with colour and without, as recorded; the picture in the README."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from rich.console import Console as RichConsole
from rich.text import Text
from support.screens import SNAPSHOTS, plain, recorded, shown, styled
from support.shells import FIXTURES, ROOT, WEB, Shell
from support.worlds import HALF

from tdxwrap.fake.control import World
from tdxwrap.fake.scenario import DEFAULT_KEY

pytestmark = pytest.mark.usefixtures("tdx_inside")

WIDTHS = (80, 40)
# As many looks as need be, however slow the machine is: one, and one after it has settled.
ONE_LOOK = {"TDXWRAP_APPLY_POLL_FIRST": "10"}

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


Scene = Callable[..., tuple[Shell, World]]


@pytest.fixture
def scene(new_world: Callable[..., World], new_shell: Callable[..., Shell]) -> Scene:
    """Sets a scene: a fresh world with the files of a case, and a shell on it."""

    def make(case: Case, name: str = "user") -> tuple[Shell, World]:
        world = new_world(case.scenario, f"world-of-{name}", updating_seconds=0)
        shell = new_shell(world, name)
        for file, text in case.files.items():
            shell.write(file, text)
        case.prepare(world, shell)
        return shell, world

    return make


@pytest.mark.parametrize("columns", WIDTHS)
@pytest.mark.parametrize("name", CASES)
def test_screens_are_as_recorded(name: str, columns: int, scene: Scene) -> None:
    """`make snapshots` records them anew."""
    case = CASES[name]
    with_colour, without = (scene(case, user)[0] for user in ("colour", "plain"))
    sent = with_colour.terminal(*case.args, columns=columns, **ONE_LOOK).out
    text = styled(shown(sent, columns))
    assert text == recorded(SNAPSHOTS / f"{name}-{columns}-colour.txt", text)

    sent = without.terminal(*case.args, "--no-color", columns=columns, **ONE_LOOK).out
    text = plain(shown(sent, columns))
    assert text == recorded(SNAPSHOTS / f"{name}-{columns}.txt", text)


@pytest.mark.parametrize("columns", WIDTHS)
@pytest.mark.parametrize("name", CASES)
def test_colour_only_underlines_what_is_said(name: str, columns: int) -> None:
    coloured = (SNAPSHOTS / f"{name}-{columns}-colour.txt").read_text(encoding="utf-8")
    uncoloured = (SNAPSHOTS / f"{name}-{columns}.txt").read_text(encoding="utf-8")
    assert re.sub(r"\{[a-z-]+:([^}]*)\}", r"\1", coloured) == uncoloured
    assert set(re.findall(r"\{([a-z-]+):", coloured)) <= {
        *("bold", "dim", "green", "yellow", "red", "magenta", "red-bold")
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


def screenshot(shell: Shell, world: World) -> str:
    """An apply, confirmed by a person, as an SVG picture."""
    account = next(iter(world.state()["accounts"]))
    world.set_credentials({"production": DEFAULT_KEY}, {DEFAULT_KEY: account})
    answers = [("[y/N]", lambda: "y\n")]
    done = shell.terminal("apply", "rt.yaml", answers=answers, TDX_PROFILE="production", **ONE_LOOK)
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


def test_the_picture_of_the_readme_is_what_a_terminal_shows(scene: Scene) -> None:
    """`make screenshot` takes it anew."""
    real = screenshot(*scene(CASES["plan"]))
    kept = recorded(SCREENSHOT, real)
    assert texts(real) == texts(kept)
    assert re.findall(r"(?:href|url|src|import)\W*[^)\s]*//[^)\s]*", kept) == []


def texts(svg: str) -> list[tuple[str, str]]:
    """Each piece of text in a picture, and what it is filled with."""
    fills = dict(re.findall(r"\.(apply-r\d+) \{ fill: (.*?) \}", svg))
    pieces = re.findall(r'<text class="(apply-r\d+)"[^>]*>(.*?)</text>', svg)
    assert len(pieces) > 40
    return [(fills[name], html.unescape(text)) for name, text in pieces]
