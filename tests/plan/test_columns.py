"""The column checks as a pure function: every finding, its level, its place, its hint."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from support.generated import COLUMNS, TABLES, configs

from tdxwrap.config.models import EventTable, RtConfig
from tdxwrap.errors import CallFailed, NotFound, Refused, TdxwrapError
from tdxwrap.plan.changes import Finding, Level
from tdxwrap.plan.columns import check
from tdxwrap.realtime.state import Columns, Schema

FAILED, WARNING = Level.FAILED, Level.WARNING
PLAIN = {"td_client_id": "string", "email": "varchar(255)", "product_id": "string", "n": "long"}
MASTER = {"customer_id": "string", "city": "string"}


def table(text: str) -> EventTable:
    return EventTable.model_validate(text)


def found(
    config: dict[str, Any],
    tables: dict[str, Columns | TdxwrapError] | None = None,
    master: Columns | TdxwrapError | None = None,
) -> tuple[Finding, ...]:
    given = {"web.a": PLAIN, "web.b": PLAIN} if tables is None else tables
    schema = Schema({table(name): columns for name, columns in given.items()}, master)
    return check(RtConfig.model_validate(config), schema)


def told(findings: tuple[Finding, ...]) -> list[tuple[Level, tuple[str | int, ...]]]:
    return [(finding.level, finding.loc) for finding in findings]


def condition(column: str) -> dict[str, Any]:
    operator = {"type": "IsNull", "not": True, "rightValue": None}
    return {"type": "Column", "column": column, "operator": operator}


def attribute(**fields: Any) -> dict[str, Any]:
    blank = {"name": "x", "type": "list", "key_event": "seen", "duration": "1 day"}
    seen = {"name": "seen", "table": "web.a"}
    other = {"name": "other", "table": "web.b"}
    return {"key_events": [seen, other], "attributes": [{**blank, **fields}]}


# Tables


def test_a_table_that_is_not_there_fails_and_what_is_in_it_is_not_judged() -> None:
    config = attribute(value_column="nope")
    [finding] = found(config, {"web.a": NotFound("no"), "web.b": PLAIN})
    assert (finding.level, finding.loc) == (FAILED, ("key_events", 0))
    assert finding.message == "there is no table web.a"
    assert 'tdx tables "web.*"' in finding.hint


@pytest.mark.parametrize("error", [Refused("no", said="403 Forbidden\nat x"), CallFailed("odd")])
def test_a_table_that_may_not_be_described_is_a_warning(error: TdxwrapError) -> None:
    config = {**attribute(value_column="nope"), "event_tables": ["web.b", "web.a"]}
    [finding] = found(config, {"web.a": error, "web.b": PLAIN})
    assert (finding.level, finding.loc) == (WARNING, ("event_tables", 1))
    assert "its columns are not checked" in finding.message
    assert finding.hint in ("tdx said: 403 Forbidden", "tdx said: odd")


# Stitching keys


def keys(*names: Any, tables: tuple[str, ...] = ("web.a", "web.b")) -> dict[str, Any]:
    return {"event_tables": list(tables), "id_stitching": {"keys": list(names)}}


def test_a_key_that_some_tables_lack_is_a_warning_that_names_them() -> None:
    [finding] = found(keys("user_id"), {"web.a": {"user_id": "string"}, "web.b": PLAIN})
    assert (finding.level, finding.loc) == (WARNING, ("id_stitching", "keys", 0))
    assert finding.message == (
        "stitching key user_id is not a column of web.b: "
        "profiles seen only there will not be stitched by it"
    )


def test_a_key_in_no_table_fails_with_the_nearest_column() -> None:
    [finding] = found(keys("email", {"name": "td_cliend_id"}))
    assert (finding.level, finding.loc) == (FAILED, ("id_stitching", "keys", 1))
    assert "not a column of any event table" in finding.message
    assert finding.hint == "did you mean td_client_id?"


def test_a_key_in_no_table_is_a_warning_while_a_table_is_unread() -> None:
    findings = found(keys("user_id"), {"web.a": PLAIN, "web.b": Refused("no")})
    assert [finding.level for finding in findings] == [WARNING, WARNING]


def test_a_key_in_no_table_fails_also_where_another_table_is_not_there() -> None:
    findings = found(keys("user_id"), {"web.a": PLAIN, "web.b": NotFound("no")})
    assert [finding.level for finding in findings] == [FAILED, FAILED]


def test_a_key_is_found_in_a_live_table_that_the_file_does_not_name() -> None:
    tables = {"web.a": PLAIN, "app.live": {"device": "string"}}
    [finding] = found(keys("device", tables=("web.a",)), tables)
    assert finding.level is WARNING
    assert "not a column of web.a:" in finding.message
    assert found(keys("device", tables=()), {"app.live": {"device": "string"}}) == ()


@pytest.mark.parametrize(
    ("kind", "good"),
    [
        ("string", True),
        ("STRING", True),
        ("varchar", True),
        ("varchar(64)", True),
        ("", True),  # tdx did not tell
        ("long", False),
        ("bigint", False),
        ("array<string>", False),
        ("stringy", False),
    ],
)
def test_a_key_must_be_a_string(kind: str, good: bool) -> None:
    findings = found(keys("k", tables=("web.a",)), {"web.a": {"k": kind}})
    assert [finding.level for finding in findings] == ([] if good else [FAILED])
    assert good or f"is not a string: {kind} in web.a" in findings[0].message


# The lookup key


def lookup(key: str, *stitching: str) -> dict[str, Any]:
    stitched = {"keys": list(stitching), "ext_lookup_key": key}
    return {"event_tables": ["web.a"], "id_stitching": stitched}


@pytest.mark.parametrize(
    ("key", "stitching", "master", "levels", "text"),
    [
        ("customer_id", (), MASTER, [], ""),
        ("customer_id", (), None, [], ""),
        ("customer_ip", (), MASTER, [FAILED], "did you mean customer_id?"),
        ("email", ("email",), {**MASTER, "email": "string"}, [FAILED], "customer_id, city"),
        ("email", ("email",), MASTER, [FAILED, FAILED], "there are customer_id, city"),
        ("email", ("email",), None, [FAILED], "profile key"),
        ("customer_id", (), Refused("no", said="403"), [WARNING], "tdx said: 403"),
    ],
)
def test_the_lookup_key(
    key: str, stitching: tuple[str, ...], master: Any, levels: list[Level], text: str
) -> None:
    findings = found(lookup(key, *stitching), {"web.a": PLAIN}, master)
    assert [finding.level for finding in findings] == levels
    assert {finding.loc for finding in findings} <= {("id_stitching", "ext_lookup_key")}
    assert text in " ".join(finding.hint for finding in findings)


# Columns of attributes and filters


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"type": "single", "value_column": "?", "data_type": "string"}, ("value_column",)),
        ({"value_column": "?"}, ("value_column",)),
        ({"id_column": "?"}, ("id_column",)),
        ({"fields": ["email", "?"]}, ("fields", 1)),
        (
            {
                "aggregations": [
                    {"name": "a", "identifier": "a", "aggregation_type": "sum", "column": "?"}
                ]
            },
            ("aggregations", 0, "column"),
        ),
        ({"type": "counter", "increment": {"type": "field", "value": "?"}}, ("increment", "value")),
        (
            {"filter_rule": {"type": "And", "conditions": [condition("email"), condition("?")]}},
            ("filter_rule", "conditions", 1, "column"),
        ),
        (
            {
                "filter_rule": {
                    "type": "And",
                    "conditions": [{"type": "Or", "conditions": [condition("?")]}],
                }
            },
            ("filter_rule", "conditions", 0, "conditions", 0, "column"),
        ),
    ],
)
def test_every_column_of_an_attribute_is_looked_for(
    fields: dict[str, Any], place: tuple[str | int, ...]
) -> None:
    [finding] = found(attribute(**fields))
    assert (finding.level, finding.loc) == (FAILED, ("attributes", 0, *place))
    field = str(place[0]).replace("filter_rule", "filter")
    assert f"attribute x: {field} ? is not a column of web.a" in finding.message
    assert finding.hint


def test_the_filter_of_an_action_is_looked_up_in_the_table_of_its_own_key_event() -> None:
    rule = {"type": "And", "conditions": [condition("only_b")]}
    config = attribute(actions=[{"action": "clear", "key_event": "other", "filter_rule": rule}])
    assert found(config, {"web.a": PLAIN, "web.b": {"only_b": "string"}}) == ()
    [finding] = found(config, {"web.a": {"only_b": "string"}, "web.b": PLAIN})
    place = ("actions", 0, "filter_rule", "conditions", 0, "column")
    assert finding.loc == ("attributes", 0, *place)
    assert "only_b is not a column of web.b" in finding.message


def test_the_filter_of_a_key_event() -> None:
    rule = {"type": "And", "conditions": [condition("produkt_id")]}
    event = {"name": "seen", "table": "web.a", "filter_rule": rule}
    [finding] = found({"key_events": [event]}, {"web.a": PLAIN})
    assert finding.loc == ("key_events", 0, "filter_rule", "conditions", 0, "column")
    assert finding.message == "key event seen: filter produkt_id is not a column of web.a"
    assert finding.hint == "did you mean product_id?"


@pytest.mark.parametrize(
    ("kind", "operator", "wrong"),
    [
        ("string", {"type": "Equal", "rightValue": 1.5}, "1.5"),
        ("varchar(9)", {"type": "In", "rightValues": ["a", 1, 2]}, "1, 2"),
        ("string", {"type": "Between", "minValue": 1, "maxValue": 2}, "1, 2"),
        ("bigint", {"type": "Greater", "rightValue": "2024-01-01"}, "'2024-01-01'"),
        ("double", {"type": "Contain", "rightValues": ["1", 2]}, "'1'"),
        ("string", {"type": "Soundex", "rightValues": [1]}, "1"),
        ("string", {"type": "Equal", "rightValue": "1"}, ""),
        ("long", {"type": "Equal", "rightValue": 1}, ""),
        ("long", {"type": "Regexp", "rightValue": "^1"}, ""),
        ("string", {"type": "Equal", "rightValue": True}, ""),
        ("string", {"type": "IsNull", "rightValue": None}, ""),
        ("array<string>", {"type": "Equal", "rightValue": 1}, ""),
        ("", {"type": "Equal", "rightValue": 1}, ""),
        ("string", "odd", ""),
    ],
)
def test_a_value_of_another_type_than_its_column(kind: str, operator: Any, wrong: str) -> None:
    tested = {"type": "Column", "column": "c", "operator": operator}
    rule = {"type": "And", "conditions": [{"type": "Or", "conditions": [tested]}]}
    event = {"name": "seen", "table": "web.a", "filter_rule": rule}
    findings = found({"key_events": [event]}, {"web.a": {"c": kind}})
    place = ("key_events", 0, "filter_rule", "conditions", 0, "conditions", 0, "column")
    assert told(findings) == ([(WARNING, place)] if wrong else [])
    if wrong:
        message = f"key event seen: filter c is {kind} in web.a, and compared with {wrong}"
        assert findings[0].message == message


def test_every_table_has_a_time() -> None:
    assert found(attribute(value_column="time")) == ()


def test_a_constant_increment_is_no_column() -> None:
    assert found(attribute(type="counter", increment=3)) == ()


def test_thousands_of_missing_columns_are_told_in_no_time() -> None:
    config = attribute()
    blank = config["attributes"][0]
    config["attributes"] = [
        {**blank, "name": f"x{n}", "value_column": f"column_{n}"} for n in range(3000)
    ]
    wide = {f"c{n}": "string" for n in range(300)}
    assert len(found(config, {"web.a": wide, "web.b": PLAIN})) == 3000


# Of no type, which fits every value.
EVERY = {name: dict.fromkeys(COLUMNS, "") for name in TABLES}


@given(desired=configs())
def test_where_everything_is_there_only_the_lookup_key_can_be_wrong(
    desired: dict[str, Any],
) -> None:
    names = {str(part) for part in RtConfig.model_validate(desired).tables()}
    tables = {name: EVERY[name] for name in names}
    findings = found(desired, dict(tables), None)
    stitching = RtConfig.model_validate(desired).id_stitching
    absent = {key.name for key in stitching.keys} - set(COLUMNS)
    assert all(f.topic == "lookup key" or absent for f in findings)


@given(desired=configs())
def test_of_tables_that_could_not_be_read_nothing_fails(desired: dict[str, Any]) -> None:
    config = RtConfig.model_validate(desired)
    desired["id_stitching"] = {}
    findings = found(desired, {str(part): Refused("no") for part in config.tables()})
    assert {finding.level for finding in findings} <= {WARNING}
