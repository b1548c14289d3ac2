"""`tdxwrap graph`: the picture of a configuration, and of how it stands to what is live."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from support.shells import FIXTURES, Shell

from tdxwrap.config.models import RtConfig
from tdxwrap.config.odd_characters import composed
from tdxwrap.fake.control import World
from tdxwrap.generate.graph import dot, mermaid, picture
from tdxwrap.plan.build import build_plan
from tdxwrap.realtime.state import BLANK
from tdxwrap.system.text import terminal

pytestmark = pytest.mark.usefixtures("tdx_inside")

CONFIG = """
parent_segment: "394649"
event_tables: [web_events.pageviews, web_events.carts]
key_events:
  - name: page_view
    table: web_events.pageviews
    description: Every page view
  - name: 'カートに "追加" #1'
    table: web_events.carts
id_stitching:
  keys: [td_client_id, country]
  ext_lookup_key: customer_id
batch_attributes: [loyalty_tier]
attributes:
  - name: last_product_viewed
    type: single
    key_event: page_view
    value_column: product_id
    data_type: string
    duration: 1 day
  - name: products [seen]
    type: list
    key_event: page_view
    id_column: product_id
    duration: 1 day
    actions:
      - {action: clear, key_event: 'カートに "追加" #1'}
"""


@pytest.fixture
def user(shell: Shell) -> Shell:
    shell.write("rt.yaml", CONFIG)
    return shell


def test_mermaid(user: Shell, world: World) -> None:
    done = user.run("graph", "rt.yaml")

    assert (done.code, done.err) == (0, "")
    assert (
        done.out
        == """\
---
title: "Parent segment 394649"
---
flowchart LR
  subgraph tables["Event tables"]
    t1["web_events.pageviews"]
    t2["web_events.carts"]
  end
  subgraph events["Key events"]
    e1["page_view"]
    e2["カートに #34;追加#34; #35;1"]
  end
  subgraph attributes["Attributes"]
    a1["last_product_viewed – single"]
    a2["products #91;seen#93; – list"]
  end
  subgraph stitching["ID stitching"]
    s1["td_client_id"]
    s2["country"]
    s3["customer_id – lookup key"]
    s4["loyalty_tier – batch attribute"]
  end
  t1 --> e1
  t2 --> e2
  s3 --> s4
  e1 --> a1
  e1 --> a2
  e2 -.->|"clear"| a2
"""
    )
    assert world.calls() == []


def test_dot(user: Shell) -> None:
    assert (
        user.run("graph", "rt.yaml", "--dot").out
        == """\
digraph realtime {
  rankdir=LR;
  node [shape=box];
  subgraph cluster_tables {
    label="Event tables";
    t1 [label="web_events.pageviews"];
    t2 [label="web_events.carts"];
  }
  subgraph cluster_events {
    label="Key events";
    e1 [label="page_view"];
    e2 [label="カートに \\"追加\\" #1"];
  }
  subgraph cluster_attributes {
    label="Attributes";
    a1 [label="last_product_viewed – single"];
    a2 [label="products [seen] – list"];
  }
  subgraph cluster_stitching {
    label="ID stitching";
    s1 [label="td_client_id"];
    s2 [label="country"];
    s3 [label="customer_id – lookup key"];
    s4 [label="loyalty_tier – batch attribute"];
  }
  t1 -> e1;
  t2 -> e2;
  s3 -> s4;
  e1 -> a1;
  e1 -> a2;
  e2 -> a2 [style=dashed, label="clear"];
  label="Parent segment 394649";
}
"""
    )


@pytest.fixture
def half_way(new_world: Callable[..., World], new_shell: Callable[..., Shell]) -> Shell:
    """A user of a segment on which somebody began (half-configured.yaml)."""
    shell = new_shell(new_world("half-configured"))
    shell.write("rt.yaml", CONFIG)
    return shell


def test_live_tells_what_is_live_missing_different_and_live_only(half_way: Shell) -> None:
    lines = half_way.run("graph", "rt.yaml", "--live", "Customer 360").out.splitlines()

    for expected in (
        '    t1["✓ web_events.pageviews"]',
        '    t2["#43; web_events.carts"]',
        '    t3["· legacy.app_events"]',
        '    e1["#126; page_view"]',
        '    e3["· legacy_screen"]',
        '    a1["✓ last_product_viewed – single"]',
        '    a3["· legacy_last_screen – single"]',
        "  t3 --> e3",
        "  e3 --> a3",
        '  legend["✓ live   #43; missing   #126; different   · live only"]',
        "  class e1 different",
        "  class t3,e3,a3,s3,s4 live_only",
    ):
        assert expected in lines
    classes = [line for line in lines if line.startswith("  class ")]
    told = [node for line in classes for node in line.split()[1].split(",")]
    drawn = [line.split("[")[0].strip() for line in lines if re.match(r'    \w+\["', line)]
    assert sorted(told) == sorted(drawn)
    # Every class has a colour of its own, with a text that can be read on it.
    defined = [line.split()[1:] for line in lines if line.startswith("  classDef ")]
    assert [name for name, _ in defined] == ["live", "missing", "different", "live_only"]
    assert all(style.endswith("color:#000000") for _, style in defined)
    assert len({style for _, style in defined}) == 4


def test_live_in_dot_has_marks_and_colours_too(half_way: Shell) -> None:
    text = half_way.run("graph", "rt.yaml", "--dot", "--live", "394649").out

    assert 't2 [label="+ web_events.carts", style=filled, fillcolor="#fbdcdc"' in text
    legend = "✓ live   + missing   ~ different   · live only"
    assert f'label="Customer 360 (394649)   {legend}";' in text


def test_filters_and_what_a_catalog_is_looked_up_by_are_drawn(user: Shell) -> None:
    lines = user.run("graph", FIXTURES / "configs" / "e-commerce.yaml").out.splitlines()
    assert '    e4["purchase – filtered"]' in lines
    assert '    a7["Product in catalog – lookup_catalog"]' in lines
    assert '  a1 -.->|"lookup key"| a7' in lines


def test_markdown_is_the_picture_in_a_fence(half_way: Shell) -> None:
    plain = half_way.run("graph", "rt.yaml", "--live", "394649").out
    fenced = half_way.run("graph", "rt.yaml", "--live", "394649", "--markdown").out
    assert fenced == f"```mermaid\n{plain}```\n"
    assert plain.startswith('---\ntitle: "Customer 360 (394649)"\n---\n')


def test_without_a_segment_there_is_no_title(user: Shell) -> None:
    user.write("rt.yaml", CONFIG.replace('parent_segment: "394649"', ""))
    assert user.run("graph", "rt.yaml").out.startswith("flowchart LR\n")


@pytest.mark.parametrize("args", [(), ("--dot",), ("--live", "394649"), ("--markdown",)])
def test_json_holds_the_picture(half_way: Shell, args: tuple[str, ...]) -> None:
    document = half_way.run("graph", "rt.yaml", "--json", *args).json

    assert document["tdxwrap"] == "graph"
    assert document["ok"] is True
    assert document["format"] == ("dot" if "--dot" in args else "mermaid")
    assert document["graph"] == half_way.run("graph", "rt.yaml", *args).out


def test_a_segment_that_is_not_there_is_an_error(half_way: Shell) -> None:
    done = half_way.run("graph", "rt.yaml", "--live", "nobody")
    assert (done.code, done.out) == (4, "")


@pytest.mark.parametrize("config", sorted(p.name for p in (FIXTURES / "configs").glob("*.yaml")))
def test_every_example_can_be_drawn(config: str, shell: Shell) -> None:
    for more in ((), ("--dot",)):
        assert shell.run("graph", FIXTURES / "configs" / config, *more).code == 0


def every_name(name: str) -> RtConfig:
    """A configuration in which everything has this name."""
    return RtConfig.model_validate(
        {
            "key_events": [{"name": name, "database": name, "table": name}],
            "id_stitching": {"keys": [name], "ext_lookup_key": name},
            "batch_attributes": [{"column": name, "name": name}],
            "attributes": [
                {
                    "name": name,
                    "identifier": "x",
                    "type": "list",
                    "key_event": name,
                    "duration": "1 day",
                    "actions": [{"action": "delete_item", "key_event": name}],
                }
            ],
        }
    )


ANY_NAME = st.text(min_size=1, max_size=20) | st.text(
    "\"'`#;&<>[](){}|%\\-.=~_*:@$ \n\r\t\u2028日a1", min_size=1, max_size=20
)
ENTITY = re.compile(r"#(\d+);")


def shown(name: str) -> str:
    """What a reader of the picture can see of a name, which is created in Unicode form C."""
    one_line = " ".join(composed(name).split()) or "\ufffd"
    return "".join(c if c.isprintable() else "\ufffd" for c in one_line)


def without_texts(text: str) -> list[str]:
    """The lines of a picture without its title and labels."""
    lines = text.split("\n")
    return [re.sub(r'\[".*?"\]', "[]", line) for line in lines if not line.startswith("title:")]


@given(ANY_NAME, st.booleans())
@example("\uf900", False)
def test_any_name_is_only_a_label_in_mermaid(name: str, live: bool) -> None:
    text = mermaid(picture(build_plan(every_name(name), BLANK), name, live=live))

    assert without_texts(text) == without_texts(
        mermaid(picture(build_plan(every_name("x"), BLANK), "x", live=live))
    )
    assert yaml.safe_load(text.split("---\n")[1]) == {"title": terminal(name)}
    labels = re.findall(r'^    (\w+)\["(.*)"\]$', text, re.MULTILINE)
    assert [node for node, _ in labels] == ["t1", "e1", "a1", "s1", "s2", "s3"]
    for _, label in labels:
        assert not re.search(r'["`<>&\[\](){}|%;#]', ENTITY.sub("", label))
    seen = ENTITY.sub(lambda code: chr(int(code[1])), labels[1][1])
    assert seen == f"{'+ ' if live else ''}{shown(name)}"


@given(ANY_NAME)
@example("\uf900")
def test_any_name_is_only_a_label_in_dot(name: str) -> None:
    text = dot(picture(build_plan(every_name(name), BLANK), name, live=False))

    labels = re.findall(r'^    (\w+) \[label="((?:[^"\\]|\\.)*)"\];$', text, re.MULTILINE)
    assert [node for node, _ in labels] == ["t1", "e1", "a1", "s1", "s2", "s3"]
    assert text.count("\n") == 27
    seen = html.unescape(re.sub(r"\\(.)", r"\1", labels[1][1]))
    assert seen == html.unescape(shown(name).replace("&", "&amp;"))
