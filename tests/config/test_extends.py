"""`extends`: what several files make together, and where each part of it stands."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from support.shells import FIXTURES, MINIMAL, Shell
from support.worlds import configuration

from tdxwrap.config.extends import MAX_FILES, NAMED, merge
from tdxwrap.config.load import LoadedConfig, load
from tdxwrap.config.models import RtConfig
from tdxwrap.config.schema import schema
from tdxwrap.config.yaml_source import Source, read_source
from tdxwrap.errors import ConfigError
from tdxwrap.fake.control import World

pytestmark = pytest.mark.usefixtures("tdx_inside")

BASE = """\
event_tables: [web.pageviews, web.carts]
key_events:
  - {name: page_view, table: web.pageviews, description: A page}
  - {name: add_to_cart, table: web.carts}
id_stitching:
  keys: [td_client_id, {name: email, invalid_texts: [unknown]}]
  ext_lookup_key: customer_id
attributes:
  - name: last_product
    type: single
    key_event: page_view
    value_column: product_id
    data_type: string
    duration: 1 day
  - name: views
    type: counter
    key_event: page_view
    duration: 1 day
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a base file and a folder for brands."""
    (tmp_path / "brands").mkdir()
    (tmp_path / "base.yaml").write_text(BASE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def brand(text: str, extends: str = "../base.yaml", **environ: str) -> LoadedConfig:
    Path("brands/a.yaml").write_text(f"extends: {extends}\n{text}", encoding="utf-8")
    return load("brands/a.yaml", environ=environ)


def told(text: str, extends: str = "../base.yaml", **environ: str) -> list[str]:
    """The problems of a brand: `file:line:column path: message (hint)`."""
    with pytest.raises(ConfigError) as caught:
        brand(text, extends, **environ)
    return [
        f"{p.file}:{p.line}:{p.column} {p.path}: {p.message}" + (f" ({p.hint})" if p.hint else "")
        for p in caught.value.problems
    ]


# What the files make


@pytest.mark.usefixtures("folder")
def test_a_file_that_adds_nothing_is_its_base(folder: Path) -> None:
    assert brand("").config == load(folder / "base.yaml", environ={}).config


@pytest.mark.usefixtures("folder")
def test_items_merge_by_name_and_the_base_comes_first() -> None:
    config = brand(
        """\
parent_segment: 1
attributes:
  - {name: orders, type: counter, key_event: add_to_cart, duration: 2 days}
  - {name: last_product, duration: 3 days}
key_events:
  - {name: page_view, description: Ours}
"""
    ).config
    assert [a.name for a in config.attributes] == ["last_product", "views", "orders"]
    assert str(config.attributes[0].duration) == "3 days"
    assert config.attributes[0].value_column == "product_id"  # type: ignore[union-attr]
    assert [e.description for e in config.key_events] == ["Ours", None]
    assert str(config.key_events[0].event_table) == "web.pageviews"
    assert (config.parent_segment, config.id_stitching.ext_lookup_key) == ("1", "customer_id")


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    "item", ["web.carts", "{database: web, table: carts}", "{table: carts, database: web}"]
)
def test_a_shorthand_is_the_same_item_as_its_long_form(item: str) -> None:
    Path("base.yaml").write_text(
        f"event_tables: [web.pageviews, {item}]\nid_stitching: {{keys: [{{name: email}}, id]}}\n"
        "batch_attributes: [tier, {column: city, name: City}]\n"
    )
    config = brand(
        "event_tables: [{database: web, table: pageviews}, web.carts]\n"
        "id_stitching: {keys: [{name: id, internal: true}, email]}\n"
        "batch_attributes: [city, {column: tier, name: Tier}]\n"
    ).config
    assert [str(table) for table in config.tables()] == ["web.pageviews", "web.carts"]
    keys = [(key.name, key.internal) for key in config.id_stitching.keys]
    assert keys == [("email", False), ("id", True)]
    names = [(batch.column, batch.name) for batch in config.batch_attributes]
    assert names == [("tier", "Tier"), ("city", "City")]


@pytest.mark.usefixtures("folder")
def test_a_key_event_takes_another_database_or_another_table() -> None:
    Path("base.yaml").write_text(
        "key_events:\n  - {name: one, table: web.a}\n  - {name: two, database: web, table: b}\n"
    )
    config = brand(
        "key_events:\n  - {name: one, database: shop}\n  - {name: two, table: shop.c}\n"
    ).config
    assert [str(event.event_table) for event in config.key_events] == ["shop.a", "shop.c"]


@pytest.mark.usefixtures("folder")
def test_lists_without_names_and_scalars_are_replaced() -> None:
    Path("base.yaml").write_text(
        "key_events:\n"
        "  - name: e\n    table: a.b\n"
        "    filter_rule: {type: Or, conditions: [{type: And, conditions: []}]}\n"
        "id_stitching: {keys: [{name: email, invalid_texts: [a, b]}]}\n"
    )
    config = brand(
        "key_events: [{name: e, filter_rule: {conditions: []}}]\n"
        "id_stitching: {keys: [{name: email, invalid_texts: [c]}]}\n"
    ).config
    assert config.id_stitching.keys[0].invalid_texts == ("c",)
    assert (config.key_events[0].filter_rule.type, config.key_events[0].filter_rule.conditions) == (
        "Or",
        (),
    )


@pytest.mark.usefixtures("folder")
def test_remove_leaves_an_item_out_and_makes_room_for_another() -> None:
    config = brand(
        """\
event_tables: [{database: web, table: carts, remove: true}]
key_events: [{name: add_to_cart, remove: true}]
id_stitching: {keys: [{name: td_client_id, remove: true}]}
attributes:
  - {name: last_product, remove: true}
  - {name: last_product, type: counter, key_event: page_view, duration: 1 day}
"""
    ).config
    assert [event.name for event in config.key_events] == ["page_view"]
    assert [str(table) for table in config.tables()] == ["web.pageviews"]
    assert [key.name for key in config.id_stitching.keys] == ["email"]
    types = [(a.name, a.type) for a in config.attributes]
    assert types == [("views", "counter"), ("last_product", "counter")]


@pytest.mark.usefixtures("folder")
def test_inner_lists_merge_by_name_too() -> None:
    Path("base.yaml").write_text(
        "key_events: [{name: e, table: a.b}]\n"
        "attributes:\n"
        "  - name: n\n    type: counter\n    key_event: e\n"
        "    sub_durations:\n"
        "      - {name: hour, identifier: hour, value: 1, unit: hour}\n"
        "      - {name: day, identifier: day, value: 1, unit: day}\n"
    )
    config = brand(
        "attributes:\n"
        "  - name: n\n"
        "    sub_durations: [{name: day, value: 7}, {name: hour, remove: true}]\n"
    ).config
    (counter,) = config.attributes
    assert [(s.name, s.value, s.unit) for s in counter.sub_durations] == [  # type: ignore[union-attr]
        ("day", 7, "day")
    ]


@pytest.mark.usefixtures("folder")
def test_a_chain_and_a_list_in_order() -> None:
    Path("common").mkdir()
    Path("common/eu.yaml").write_text(
        "extends: ../base.yaml\nattributes: [{name: views, duration: 2 days}]\n"
    )
    Path("common/shop.yaml").write_text(
        "extends: [../base.yaml]\nattributes: [{name: last_product, remove: true}]\n"
    )
    config = brand("", "[../common/eu.yaml, ../common/shop.yaml]").config
    # base.yaml is there once, first: shop.yaml does not take back what eu.yaml says.
    assert [(a.name, str(a.duration)) for a in config.attributes] == [("views", "2 days")]


@pytest.mark.usefixtures("folder")
def test_variables_and_anchors_work_in_every_file() -> None:
    Path("base.yaml").write_text(
        "key_events: [{name: '${EVENT}', table: a.b}]\n"
        "attributes:\n"
        "  - &one {name: one, type: counter, key_event: '${EVENT}', duration: &long 9 days}\n"
        "  - {<<: *one, name: two}\n"
    )
    config = brand(
        "key_events: [{name: '${OURS}', description: d}]\n"
        "attributes: [{name: two, backfill: true}]\n",
        "'${UP}/base.yaml'",
        EVENT="Ansicht",
        OURS="Ansicht",
        UP="..",
    ).config
    assert config.key_events[0].description == "d"
    durations = [(a.name, str(a.duration)) for a in config.attributes]
    assert durations == [("one", "9 days"), ("two", "9 days")]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("name", ['it\'s "that"', "閲覧した商品", "a/b: c", "`x` $y"])
def test_any_name_is_found_again(name: str) -> None:
    text = BASE.replace("name: last_product", f"identifier: lp\n    name: {json.dumps(name)}")
    Path("base.yaml").write_text(text, encoding="utf-8")
    attributes = brand(
        f"attributes: [{{name: {json.dumps(name)}, duration: 9 days}}]\n"
    ).config.attributes
    assert [str(a.duration) for a in attributes] == ["9 days", "1 day"]


# Where it stands, and what is wrong with it


@pytest.mark.usefixtures("folder")
def test_every_place_is_in_the_file_that_says_it() -> None:
    source = brand("attributes:\n  - name: views\n    duration: 2 days\n").source
    assert source.where(("attributes", 0, "duration")) == "base.yaml:14"
    assert source.where(("attributes", 1, "duration")) == "brands/a.yaml:4"
    assert source.where(("attributes", 1, "key_event")) == "base.yaml:17"
    assert source.where(("attributes", 1, "filter_rule")) == "brands/a.yaml:3"
    assert source.where(("key_events", 1)) == "base.yaml:4"


@pytest.mark.usefixtures("folder")
def test_problems_name_the_file_the_line_and_the_field_there() -> None:
    Path("base.yaml").write_text(BASE.replace("value_column:", "valueColumn:"))
    assert told(
        """\
key_events:
  - {name: add_to_cart, remove: true}
attributes:
  - {name: orders, type: counter, key_event: add_to_cart, duration: 2 days}
  - {name: views, duration: 2 dayz}
  - {name: views2, identifier: views, type: counter, key_event: page_view, duration: 1 day}
"""
    ) == [
        "base.yaml:12:5 attributes[0].valueColumn: there is no field valueColumn "
        "(did you mean value_column?)",
        "brands/a.yaml:5:46 attributes[0].key_event: no key event is called 'add_to_cart' "
        "(the key events are page_view)",
        "brands/a.yaml:6:29 attributes[1].duration: '2 dayz' is not a duration "
        "(write e.g. duration: 24 hours)",
        "brands/a.yaml:7:32 attributes[2].identifier: views is the identifier of the "
        "attribute in line 6 (give an identifier of its own)",
    ]


@pytest.mark.usefixtures("folder")
def test_a_taken_identifier_names_the_other_file() -> None:
    (problem,) = told(
        "attributes:\n"
        "  - {name: x, identifier: views, type: counter, key_event: page_view, duration: 1 day}\n"
    )
    assert "is the identifier of the attribute in base.yaml:15" in problem


@pytest.mark.usefixtures("folder")
def test_the_same_name_twice_in_one_file_stays_a_mistake() -> None:
    problems = told(
        "attributes:\n  - {name: views, duration: 2 days}\n"
        "  - {name: views, type: counter, key_event: page_view, duration: 3 days}\n"
    )
    assert problems == [
        "brands/a.yaml:4:12 attributes[1].name: the attribute views is already in line 3"
    ]


@pytest.mark.usefixtures("folder")
def test_removing_what_is_not_there() -> None:
    assert told(
        "event_tables: [{database: web, table: cart, remove: true}]\n"
        "id_stitching: {keys: [{name: emial, remove: true}]}\n"
        "batch_attributes: [{column: tier, remove: true}]\n"
        "attributes:\n  - {name: veiws, remove: true}\n  - {remove: true}\n"
    ) == [
        "brands/a.yaml:2:16 event_tables[0]: there is no event table 'web.cart' to remove "
        "(did you mean web.carts?)",
        "brands/a.yaml:3:23 id_stitching.keys[0]: there is no key 'emial' to remove "
        "(did you mean email?)",
        "brands/a.yaml:4:20 batch_attributes[0]: there is no batch attribute 'tier' to remove",
        "brands/a.yaml:6:5 attributes[0]: there is no attribute 'veiws' to remove "
        "(did you mean views?)",
        "brands/a.yaml:7:5 attributes[1]: this does not say which attribute to remove "
        "(write name beside remove: true)",
    ]


@pytest.mark.usefixtures("folder")
def test_nothing_can_be_removed_in_the_first_file() -> None:
    Path("base.yaml").write_text(BASE + "  - {name: views, remove: true}\n")
    assert told("") == ["base.yaml:19:5 attributes[2]: there is no attribute 'views' to remove"]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("value", ["false", "1", "null"])
def test_remove_can_only_be_true(value: str) -> None:
    (problem,) = told(f"attributes: [{{name: views, remove: {value}}}]\n")
    assert problem.startswith("brands/a.yaml:2:28 attributes[0].remove: there is no field remove")


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("extends", "problem"),
    [
        ("nope.yaml", "brands/a.yaml:1:10 extends: brands/nope.yaml: there is no such file"),
        ("[../base.yaml, ..]", "brands/a.yaml:1:25 extends[1]: .: this is a directory"),
        ("5", "brands/a.yaml:1:10 extends: extends takes the path of a file, or a list of paths"),
        ("", "brands/a.yaml:1:9 extends: extends takes the path of a file, or a list of paths"),
        ("[[]]", "brands/a.yaml:1:11 extends[0]: extends takes the path of a file"),
        ('"../base\\0.yaml"', "brands/a.yaml:1:10 extends: brands/../base\\x00.yaml: the file"),
        ("'${NOPE}'", "brands/a.yaml:1:10 extends: the environment variable NOPE is not set"),
        ("a.yaml", "brands/a.yaml:1:10 extends: the files extend each other in a circle: "),
        ("'-'", "brands/a.yaml:1:10 extends: brands/-: there is no such file"),
    ],
)
def test_a_base_that_cannot_be(extends: str, problem: str) -> None:
    assert [found[: len(problem)] for found in told("", extends)] == [problem]


def test_a_misspelt_extends(folder: Path) -> None:
    (folder / "a.yaml").write_text("extend: base.yaml\n" + BASE)
    with pytest.raises(ConfigError) as caught:
        load("a.yaml", environ={})
    assert [problem.hint for problem in caught.value.problems] == ["did you mean extends?"]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("base", "problem"),
    [
        ("- a list\n", "base.yaml:1:1 : what is extended consists of fields, as any configuration"),
        ("a: [\n", "base.yaml:1:5 : this is not YAML: "),
        ("a: \xe9\n", "base.yaml:1:4 : byte 0xe9 is not UTF-8 (save the file as UTF-8)"),
        ("a: b\n", "base.yaml:1:1 a: there is no field a"),
        (BASE + "x: !!binary a\n", "base.yaml:19:4 x: the tag !!binary cannot be used here"),
        (BASE + "attributes: []\n", "base.yaml:19:1 attributes: attributes is given twice"),
    ],
)
def test_a_base_that_is_wrong(base: str, problem: str) -> None:
    Path("base.yaml").write_text(base, encoding="latin-1")
    assert told("parent_segment: 1\n")[0][: len(problem)] == problem


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("empty", ["", "# nothing yet\n", "{}\n"])
def test_an_empty_base_adds_nothing(empty: str) -> None:
    Path("base.yaml").write_text(empty)
    Path("alone.yaml").write_text(BASE)
    assert brand(BASE).config == load("alone.yaml", environ={}).config


def test_a_file_that_extends_itself_through_a_symlink(folder: Path) -> None:
    (folder / "brands" / "link.yaml").symlink_to("a.yaml")
    assert told("", "link.yaml") == [
        "brands/a.yaml:1:10 extends: the files extend each other in a circle: "
        "brands/a.yaml → brands/a.yaml"
    ]


def test_a_longer_circle_is_named_from_where_it_begins(folder: Path) -> None:
    (folder / "one.yaml").write_text("extends: two.yaml\n")
    (folder / "two.yaml").write_text("parent_segment: 5\nextends: [base.yaml, ./one.yaml]\n")
    assert told("", "../one.yaml") == [
        "two.yaml:2:22 extends[1]: the files extend each other in a circle: "
        "one.yaml → two.yaml → one.yaml"
    ]


def test_a_chain_without_end_is_stopped(folder: Path) -> None:
    for number in range(MAX_FILES + 5):
        (folder / f"{number}.yaml").write_text(f"extends: {number + 1}.yaml\n")
    (problem,) = told("", "../0.yaml")
    assert f"more than {MAX_FILES} files extend one another" in problem


def test_a_path_through_a_linked_folder_is_the_one_that_the_system_takes(folder: Path) -> None:
    (folder / "far").mkdir()
    (folder / "far" / "inner").mkdir()
    (folder / "far" / "base.yaml").write_text(BASE.replace("1 day", "9 days"))
    (folder / "brands" / "linked").symlink_to(folder / "far" / "inner")
    loaded = brand("", "linked/../base.yaml")
    assert str(loaded.config.attributes[0].duration) == "9 days"
    assert loaded.source.where(("key_events",)) == "brands/linked/../base.yaml:3"


def test_the_digest_covers_every_file(folder: Path) -> None:
    first = brand("").digest
    (folder / "base.yaml").write_text(BASE.replace("1 day", "2 days"))
    second = brand("").digest
    (folder / "brands" / "a.yaml").write_text("# more\nextends: ../base.yaml\n")
    assert len({first, second, load("brands/a.yaml", environ={}).digest}) == 3


# Properties of the merge

NAMES = st.sampled_from(["a", "b", "it's", "ビュー"])
VALUES = st.sampled_from([1, "x", "1 day", True, None])


def items(fields: dict[str, st.SearchStrategy[Any]], key: str = "name") -> Any:
    item = st.fixed_dictionaries({key: NAMES}, optional=fields)
    return st.lists(item, max_size=3, unique_by=lambda item: item[key])


DOCUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "parent_segment": VALUES,
        "event_tables": st.lists(st.sampled_from(["d.a", "d.b"]), unique=True),
        "key_events": items({"table": st.sampled_from(["d.t", "e.u"]), "description": VALUES}),
        "id_stitching": st.fixed_dictionaries(
            {}, optional={"keys": items({"internal": VALUES}), "ext_lookup_key": VALUES}
        ),
        "batch_attributes": items({"name": VALUES}, "column"),
        "attributes": items(
            {
                "duration": VALUES,
                "fields": st.lists(VALUES, max_size=2),
                "aggregations": items({"column": VALUES}),
            }
        ),
    },
)


def source(document: Any, name: str = "a.yaml") -> Source:
    return read_source(name, yaml.safe_dump(document, allow_unicode=True).encode(), {})


EMPTY = source({})


@given(DOCUMENTS)
def test_nothing_below_or_above_changes_nothing(document: Any) -> None:
    alone = source(document)
    for merged in (merge(None, alone), merge(EMPTY, alone), merge(alone, EMPTY)):
        assert merged.data == alone.data == document
        places = {loc: merged.values[loc] for loc in alone.values if loc}
        assert places == {loc: place for loc, place in alone.values.items() if loc}
        assert not merged.problems


@given(DOCUMENTS, DOCUMENTS, DOCUMENTS)
def test_the_merge_is_associative(one: Any, two: Any, three: Any) -> None:
    a, b, c = (source(document) for document in (one, two, three))
    assert merge(merge(a, b), c).data == merge(a, merge(b, c)).data


def test_a_filter_takes_the_place_of_one_that_is_written_in_the_other_way() -> None:
    long, short = {"type": "And", "conditions": []}, {"country": "JP"}
    lower, upper = {"name": "a", "filter_rule": long}, {"name": "a", "filter": short}
    for one, two in ((lower, upper), (upper, lower)):
        merged = merge(source({"attributes": [one]}), source({"attributes": [two]}))
        assert merged.data == {"attributes": [two]}
    more = {"name": "a", "filter": {"price": 5}}
    merged = merge(source({"attributes": [upper]}), source({"attributes": [more]}))
    assert merged.data["attributes"][0]["filter"] == {"country": "JP", "price": 5}


def test_an_imported_attribute_without_a_name_is_known_by_its_column() -> None:
    tier = {"type": "imported", "column": "tier"}
    below = source({"attributes": [tier, tier | {"column": "score", "name": "Score"}]})
    above = source({"attributes": [tier | {"remove": True}, {"name": "Score", "type": "imported"}]})
    assert merge(below, above).data["attributes"] == [
        {"type": "imported", "column": "score", "name": "Score"}
    ]


@given(DOCUMENTS, DOCUMENTS)
def test_what_the_later_file_says_holds_and_nothing_is_invented(one: Any, two: Any) -> None:
    below, above = source(one, "base.yaml"), source(two, "brand.yaml")
    merged = merge(below, above)
    for name in ("parent_segment", "batch_attributes", "attributes"):
        assert (name in merged.data) == (name in one or name in two)
    known = [item["name"] for item in one.get("attributes", [])]
    new = [item["name"] for item in two.get("attributes", []) if item["name"] not in known]
    assert [item["name"] for item in merged.data.get("attributes", [])] == known + new
    for loc, place in merged.values.items():
        origin = {"base.yaml": below, "brand.yaml": above}[place.file]
        assert origin.values[place.loc] == place
        if not isinstance(value := at(merged.data, loc), dict | list):
            assert value == at(origin.data, place.loc) or loc[0] == "key_events"


def at(data: Any, loc: tuple[Any, ...]) -> Any:
    for part in loc:
        data = data[part]
    return data


VALID = sorted((FIXTURES / "configs").glob("*.yaml"))


@pytest.mark.parametrize("file", VALID, ids=lambda file: file.stem)
@given(data=st.data())
def test_a_configuration_cut_in_two_is_whole_again(file: Path, data: st.DataObject) -> None:
    document = yaml.safe_load(file.read_text())
    lower, upper = copy.deepcopy(document), copy.deepcopy(document)
    cut(lower, upper, (), data.draw(st.randoms(use_true_random=False)))
    merged = merge(source(lower), source(upper))
    assert RtConfig.model_validate(merged.data) == RtConfig.model_validate(source(document).data)


def cut(lower: dict[str, Any], upper: dict[str, Any], names: tuple[str, ...], chance: Any) -> None:
    """Take each field out of one of two equal mappings, but for the names of items.

    A filter stays in one piece: its conditions have an order.
    """
    for name in list(lower):
        value, inner = lower[name], (*names, name)
        if inner in NAMED:
            for ours, theirs in zip(value, upper[name], strict=True):
                if isinstance(ours, dict):
                    cut(ours, theirs, inner, chance)
        elif isinstance(value, dict) and name != "filter" and chance.random() < 0.5:
            cut(value, upper[name], inner, chance)
        elif name not in NAMED.get(names, ()) and name not in ("database", "table", "column"):
            del chance.choice([lower, upper])[name]


# From the outside


def test_every_command_takes_a_file_that_extends_another(shell: Shell, world: World) -> None:
    shell.write("base.yaml", MINIMAL.read_text())
    config = shell.write(
        "brand.yaml", "extends: base.yaml\nattributes: [{name: page_views_24h, duration: 2 days}]\n"
    )
    assert "1 attribute" in shell.run("check", config).out
    assert shell.run("apply", config, "--yes").code == 0
    (attribute,) = configuration(world)["attributes"]
    assert attribute["duration"] == {"value": 2, "unit": "day"}
    assert shell.run("plan", config, "--exit-code").code == 0
    assert shell.run("verify", config).code == 0
    assert shell.run("doctor", config).code == 0


def test_standard_input_extends_from_the_working_directory(shell: Shell) -> None:
    shell.write("base.yaml", MINIMAL.read_text())
    done = shell.run("check", "-", stdin="extends: base.yaml\nattributs: []\n")
    assert done.code == 2
    assert done.err.startswith("-:2:1  attributs: there is no field attributs")
    assert shell.run("check", "-", stdin="extends: base.yaml\n").code == 0


def test_an_error_of_the_api_names_the_base(shell: Shell, world: World) -> None:
    shell.write("base.yaml", MINIMAL.read_text())
    shell.write("brand.yaml", "extends: base.yaml\nparent_segment: 394649\n")
    fault = {"method": "POST", "path": "realtime_attributes"}
    world.add_fault("http", fault, status=422)
    done = shell.run("apply", "brand.yaml", "--yes")
    assert done.code == 4
    assert "7c: could not create the attribute page_views_24h   base.yaml:" in done.err


# For editors


def test_the_schema_asks_less_of_a_file_that_extends_another() -> None:
    validator = Draft202012Validator(schema())
    part = {"attributes": [{"name": "a", "remove": True}, {"name": "b", "duration": "1 day"}]}
    tables = {"event_tables": [{"database": "a", "table": "b", "remove": True}, "c.d"]}
    assert validator.is_valid({"extends": "base.yaml"} | part | tables)
    assert validator.is_valid({"extends": ["base.yaml", "other.yaml"]})
    assert not validator.is_valid(part)
    for wrong in (
        {"extends": 5},
        {"extends": "b.yaml", "attributs": []},
        {"extends": "b.yaml", "attributes": [{"name": "b", "durration": "1 day"}]},
        {"extends": "b.yaml", "attributes": [{"name": "b", "remove": False}]},
        {"extends": "b.yaml", "remove": True},
    ):
        assert not validator.is_valid(wrong), json.dumps(wrong)
