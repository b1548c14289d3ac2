"""Filters in short: each says exactly one rule, and a rule is written in short if it can be."""

from __future__ import annotations

from typing import Any, get_args

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from support.examples import examples
from support.generated import rules

from tdxwrap.config.filters import (
    Comparison,
    FilterRule,
    Operator,
    ShortFilter,
    rule_document,
    short_form,
)
from tdxwrap.config.load import parse
from tdxwrap.config.schema import schema
from tdxwrap.errors import ConfigError, Problem

VALIDATOR = Draft202012Validator(schema())


def column(name: str, kind: str, negated: bool = False, **operands: Any) -> dict[str, Any]:
    return {
        "type": "Column",
        "column": name,
        "operator": {"type": kind, "not": negated, **operands},
    }


def group(kind: str, *conditions: Any) -> dict[str, Any]:
    return {"type": kind, "conditions": list(conditions)}


JP = column("country", "Equal", rightValue="JP")
CA = column("country", "Equal", rightValue="CA")
CHEAP = column("price", "Less", rightValue=5)
SAME: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, group("And")),
    ({"country": "JP"}, group("And", JP)),
    ({"price": {"less": 5}, "country": {"equal": "JP"}}, group("And", CHEAP, JP)),
    (
        {"price": [{"greater": 1}, {"less": 5}]},
        group("And", column("price", "Greater", rightValue=1), CHEAP),
    ),
    (
        {"coupon": {"is_null": True, "not": True}},
        group("And", column("coupon", "IsNull", True, rightValue=None)),
    ),
    ({"path": {"regexp": "^/"}}, group("And", column("path", "Regexp", rightValue="^/"))),
    ({"c": {"in": ["US", 1]}}, group("And", column("c", "In", rightValues=["US", 1]))),
    ({"c": {"start_with": "U"}}, group("And", column("c", "StartWith", rightValues=["U"]))),
    (
        {"n": {"between": [1, 5], "not": False}},
        group("And", column("n", "Between", minValue=1, maxValue=5)),
    ),
    ({"any": [{"country": "JP"}, {"country": "CA"}]}, group("Or", JP, CA)),
    ({"all": [{"country": "JP"}, {"country": "CA"}]}, group("And", JP, CA)),
    ({"all": [{"any": [{"country": "JP"}]}]}, group("And", group("Or", JP))),
    (
        {"price": {"less": 5}, "any": [{"country": "JP"}, {"country": "CA"}]},
        group("And", CHEAP, group("Or", JP, CA)),
    ),
    (
        {"any": [{"country": "JP", "price": {"less": 5}}, {"all": [{"country": "CA"}]}]},
        group("Or", group("And", JP, CHEAP), group("And", CA)),
    ),
]


@pytest.mark.parametrize(("short", "rule"), SAME, ids=lambda value: str(value)[:60])
def test_what_is_said_in_short_is_this_rule(short: dict[str, Any], rule: dict[str, Any]) -> None:
    assert rule_document(ShortFilter.model_validate(short).rule()) == rule
    event = {"name": "e", "table": "a.b", "filter": short}
    loaded = parse(
        "rt.yaml", yaml.safe_dump({"key_events": [event]}, sort_keys=False).encode(), environ={}
    )
    assert loaded.config.key_events[0].to_api()["filterRule"] == rule
    assert VALIDATOR.is_valid({"key_events": [event]})


def test_every_operator_has_its_name_in_short() -> None:
    named = set(Comparison.model_fields) - {"negated"}
    assert len(named) == len(get_args(Operator.model_fields["type"].annotation))


@settings(max_examples=examples(300))
@given(rules(st.sampled_from(("a", "b", "any", "all", "not", "", "é")).filter(bool), 8))
def test_a_rule_in_short_is_that_rule(document: dict[str, Any]) -> None:
    rule = FilterRule.model_validate(document)
    short = short_form(rule)
    if short is None:
        assert "'any'" in str(document) or "'all'" in str(document)
        return
    again = ShortFilter.model_validate(yaml.safe_load(yaml.safe_dump(short, sort_keys=False)))
    assert rule_document(again.rule()) == rule_document(rule)
    assert VALIDATOR.is_valid({"key_events": [{"name": "e", "table": "a.b", "filter": short}]})


@pytest.mark.parametrize(
    "condition",
    [
        column("any", "Equal", rightValue=1),
        column("vip", "Equal", rightValue=True),
        {**JP, "arrayMatching": "any"},
    ],
)
def test_what_cannot_be_said_in_short_keeps_the_form_of_the_api(condition: dict[str, Any]) -> None:
    assert short_form(FilterRule.model_validate(group("And", condition))) is None


ONE_LINE = "key_events: [{name: e, table: a.b, filter: %s}]"


@pytest.mark.parametrize(
    ("text", "path", "message", "hint"),
    [
        (
            "{price: {greter: 1}}",
            "price.greter",
            "there is no field greter",
            "did you mean greater?",
        ),
        (
            "{price: {GreaterThan: 1}}",
            "price.GreaterThan",
            "there is no field GreaterThan",
            "did you mean greater?",
        ),
        ("{country: NO}", "country", "NO without quotes is read as true or false", 'write "NO"'),
        (
            "{country: {in: [US, NO]}}",
            "country.in[1]",
            "NO without quotes is read as true or false",
            'write "NO"',
        ),
        (
            "{country: }",
            "country",
            "an empty value where a text is expected",
            "write e.g. country: JP",
        ),
        (
            "{country: [US, CA]}",
            "country",
            "a list of values needs an operator",
            "write e.g. {in: [US, CA]}",
        ),
        (
            "{n: {not: true}}",
            "n",
            "a comparison needs an operator",
            "write e.g. {equal: JP, not: true}",
        ),
        (
            "{n: {less: 5, greater: 1}}",
            "n",
            "greater and less cannot stand together",
            "as a list both must hold: [{greater: …}, {less: …}]",
        ),
        (
            "{n: {is_null: false}}",
            "n.is_null",
            "is_null takes only true",
            "write is_null: true; for the opposite with not: true beside it",
        ),
        (
            "{n: {between: 5}}",
            "n.between",
            "between takes the least and the greatest value",
            "write e.g. between: [1, 5]",
        ),
        (
            "{n: {equal: 1, not: maybe}}",
            "n.not",
            "'maybe' is not true or false",
            "write e.g. not: true",
        ),
        (
            "{any: {a: 1}}",
            "any",
            "a mapping where a list is expected",
            "write e.g. any: [{country: JP}]",
        ),
        (
            "{any: [{a: 1}, JP]}",
            "any[1]",
            "a filter consists of conditions",
            "write e.g. - {country: JP}",
        ),
        ("price > 5", "", "a filter consists of conditions", "write e.g. filter: {country: JP}"),
        (
            "{type: And, conditions: []}",
            "",
            "this is a filter in the API's own form",
            "name it filter_rule",
        ),
    ],
)
def test_each_mistake_is_told_where_it_is(text: str, path: str, message: str, hint: str) -> None:
    [problem] = problems(ONE_LINE % text)
    place = f"key_events[0].filter.{path}".removesuffix(".")
    assert (problem.path, problem.message, problem.hint) == (place, message, hint)


def problems(text: str) -> tuple[Problem, ...]:
    with pytest.raises(ConfigError) as caught:
        parse("rt.yaml", text.encode(), environ={})
    return caught.value.problems


def test_only_one_of_both_forms() -> None:
    [problem] = problems(ONE_LINE % "{a: 1}, filter_rule: {}")
    assert (problem.path, problem.message, problem.hint) == (
        "key_events[0].filter",
        "filter and filter_rule say the same",
        "keep one of them",
    )


def test_conditions_in_short_under_filter_rule() -> None:
    [problem] = problems("key_events: [{name: e, table: a.b, filter_rule: {price: 5}}]")
    assert (
        problem.hint == "the fields here are type, conditions; conditions in short go under filter"
    )


def test_false_among_the_values_of_a_rule_is_not_zero() -> None:
    rule = (
        "{conditions: [{type: Column, column: c, operator: {type: In, rightValues: [U, false]}}]}"
    )
    text = f"key_events: [{{name: e, table: a.b, filter_rule: {rule}}}]"
    loaded = parse("rt.yaml", text.encode(), environ={})
    assert loaded.config.key_events[0].to_api()["filterRule"]["conditions"][0]["operator"] == {
        "type": "In",
        "rightValues": ["U", False],
    }
    [problem] = loaded.warnings
    assert problem.path.endswith("conditions[0].operator.rightValues[1]")
    assert problem.hint.startswith('write "false"; ')
    with pytest.raises(ConfigError) as caught:
        parse("rt.yaml", text.replace("false", "NO").encode(), environ={})
    [problem] = caught.value.problems
    assert problem.message == "NO is read as the boolean false"


def test_a_misspelt_filter_and_other_mistakes_are_told_at_once() -> None:
    text = (
        "key_events: [{name: e, table: b, fliter: {a: 1}}, {nam: e, table: a.b, filter: {a: no}}]"
    )
    found = [(problem.path, problem.hint) for problem in problems(text)]
    assert found == [
        ("key_events[0].database", "or write table: database.table"),
        ("key_events[0].fliter", "did you mean filter?"),
        ("key_events[1].nam", "did you mean name?"),
        ("key_events[1].filter.a", 'write "no"'),
    ]


def test_the_length_of_filters_in_both_forms_is_limited() -> None:
    text = "x" * 450
    events = [
        {"name": "a", "table": "a.b", "filter": {"path": text}},
        {
            "name": "b",
            "table": "a.b",
            "filter_rule": group("And", column("path", "Equal", rightValue=text)),
        },
    ]
    text = yaml.safe_dump({"key_events": events})
    [problem] = parse("rt.yaml", text.encode(), environ={}).warnings
    assert problem.message.endswith(
        "characters in the filters of all key events together; a parent segment takes at most 1,000"
    )
    assert not VALIDATOR.is_valid({"key_events": [events[0] | events[1]]})
