"""Generated configurations: consistent in themselves, with few names so that they overlap."""

from __future__ import annotations

from functools import cache
from typing import Any

from hypothesis import strategies as st

from tdxwrap.config.attributes import BaseAttribute, ImportedAttribute
from tdxwrap.config.filters import FilterRule, short_form
from tdxwrap.config.models import RtConfig

TABLES = ("web.pageviews", "web.carts", "web.orders", "app.taps")
EVENTS = ("page_view", "add_to_cart", "purchase", "見る")
COLUMNS = ("td_client_id", "email", "product_id", "price", "country")
ATTRIBUTES = ("last product", "visits", "basket", 'a`b"c\\d', "最後")
TEXTS = st.sampled_from(
    ("", "x", "some text", "${HOME}", "line\nbreak", "日本語", "no", "1", "# not")
)
MAYBE_TEXT = st.none() | TEXTS

durations = st.builds(
    lambda value, unit: {"value": value, "unit": unit},
    st.integers(1, 90),
    st.sampled_from(("minute", "hour", "day")),
)
columns = st.sampled_from(COLUMNS)


scalars = st.integers(0, 9) | st.sampled_from((2.5, "JP", "${X}", ""))
operators = st.one_of(
    st.builds(
        lambda kind, value: {"type": kind, "rightValue": value},
        st.sampled_from(("Equal", "Greater", "GreaterEqual", "Less", "LessEqual")),
        scalars,
    ),
    st.sampled_from(
        ({"type": "IsNull", "rightValue": None}, {"type": "Regexp", "rightValue": "a"})
    ),
    st.builds(
        lambda kind, values: {"type": kind, "rightValues": values},
        st.sampled_from(("In", "Contain", "StartWith", "EndWith")),
        st.lists(scalars, min_size=1, max_size=2),
    ),
    st.builds(
        lambda least, most: {"type": "Between", "minValue": least, "maxValue": most},
        scalars,
        scalars,
    ),
)


def rules(names: st.SearchStrategy[str], leaves: int) -> st.SearchStrategy[dict[str, Any]]:
    """Filter rules in the API's form, of every operator and shape."""
    column = st.builds(
        lambda name, operator, negated: {
            "type": "Column",
            "column": name,
            "operator": operator | {"not": negated},
        },
        names,
        operators,
        st.booleans(),
    )

    def group(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
        return st.builds(
            lambda kind, conditions: {"type": kind, "conditions": conditions},
            st.sampled_from(("And", "Or")),
            st.lists(inner, max_size=3),
        )

    return group(st.recursive(column, group, max_leaves=leaves))


# Short: the filters of all key events together have at most 1,000 characters.
filters = rules(columns, 1).filter(lambda rule: len(str(rule)) < 200)
maybe_filter = st.none() | filters


# To look at a new strategy costs hypothesis more than to draw from it: each is made once.
@cache
def one_of_these(*words: Any) -> st.SearchStrategy[Any]:
    """One of some texts."""
    return st.sampled_from(words)


def optional(draw: st.DrawFn, item: dict[str, Any], **fields: st.SearchStrategy[Any]) -> None:
    """State each field or leave it out."""
    for name, values in fields.items():
        if draw(st.booleans()):
            item[name] = draw(values)


# What an account may know beyond the contract (`tdx.more_properties` of a scenario).
NOVELTY = "novelty"
extras = st.builds(lambda value: {NOVELTY: value}, st.integers(0, 2) | st.lists(TEXTS, max_size=1))


@st.composite
def filtered(draw: st.DrawFn) -> dict[str, Any]:
    """A filter in the API's form or in short, or none."""
    rule = draw(maybe_filter)
    if rule is None:
        return {}
    short = short_form(FilterRule.model_validate(rule)) if draw(st.booleans()) else None
    return {"filter_rule": rule} if short is None else {"filter": short}


any_filter = filtered()


@st.composite
def key_event(draw: st.DrawFn, name: str, tables: list[str]) -> dict[str, Any]:
    database, table = draw(one_of_these(*tables)).split(".")
    item = {"name": name, "database": database, "table": table} | draw(any_filter)
    optional(draw, item, description=MAYBE_TEXT, extra=extras)
    return item


@st.composite
def attribute(draw: st.DrawFn, name: str, number: int, events: list[str]) -> dict[str, Any]:
    kind = draw(one_of_these("single", "list", "counter", "lookup_catalog"))
    item: dict[str, Any] = {
        "name": draw(one_of_these(name, f"{name} (renamed)")),
        "type": kind,
        "identifier": f"id_{number}",
    }
    optional(draw, item, description=MAYBE_TEXT, sensitive=st.booleans(), extra=extras)
    if kind == "lookup_catalog":
        return item | draw(lookup())
    item |= {"key_event": draw(one_of_these(*events)), "duration": draw(durations)}
    item |= draw(any_filter)
    if kind == "single":
        item |= {"value_column": draw(columns), "data_type": draw(data_types)}
        optional(draw, item, backfill=st.booleans())
    elif kind == "list":
        item |= {"id_column": draw(columns), "aggregations": draw(aggregations())}
        optional(
            draw,
            item,
            value_column=columns,
            max_items=st.integers(1, 100),
            fields=st.lists(columns, unique=True, max_size=2),
            actions=st.lists(action(events), max_size=2),
        )
    else:
        optional(
            draw,
            item,
            counter_type=one_of_these("sliding", "total"),
            increment=increments,
            backfill=st.booleans(),
            sub_durations=sub_durations(),
        )
    return item


data_types = st.sampled_from(("string", "number"))
increments = st.integers(1, 5) | columns.map(lambda c: {"type": "field", "value": c})


@cache
def lookup() -> st.SearchStrategy[dict[str, Any]]:
    column = st.fixed_dictionaries({"name": columns, "data_type": data_types})
    key = st.fixed_dictionaries(
        {"id": st.sampled_from(("id_0", "7")), "type": st.just("attribute")}
    )
    return st.fixed_dictionaries(
        {
            "lookup_catalog_table_name": st.sampled_from(("products", "stores")),
            "lookup_catalog_columns": st.lists(column, min_size=1, max_size=2),
            "lookup_keys": st.lists(key, min_size=1, max_size=1),
        }
    )


@st.composite
def action(draw: st.DrawFn, events: list[str]) -> dict[str, Any]:
    event = {"key_event": draw(one_of_these(*events))}
    kind = draw(one_of_these("delete_item", "clear"))
    return {"action": kind} | event | draw(any_filter)


@cache
def sub_durations() -> st.SearchStrategy[list[dict[str, Any]]]:
    one = st.builds(
        lambda name, duration: {"name": name, "identifier": name} | duration,
        st.sampled_from(("short", "long")),
        durations,
    )
    return st.lists(one, max_size=2, unique_by=lambda part: part["identifier"])


@st.composite
def imported(draw: st.DrawFn, batch: list[str]) -> list[dict[str, Any]]:
    """Columns of the master table to be imported; one of `batch` has its name from there."""
    found = []
    for column in draw(st.lists(master_columns, unique=True)):
        item = {"type": "imported", "column": column}
        if column not in batch:
            optional(draw, item, name=st.just(f"The {column}"))
        found.append(item)
    return found


master_columns = st.sampled_from(("tier", "city"))


@cache
def aggregations() -> st.SearchStrategy[list[dict[str, Any]]]:
    one = st.builds(
        lambda column, kind: {
            "name": "items",
            "identifier": "items",
            "column": column,
            "aggregation_type": kind,
        },
        columns,
        st.sampled_from(("first", "last", "distinct_list")),
    )
    return st.lists(one, max_size=1)


some_texts = st.lists(TEXTS.filter(bool), max_size=2)


@st.composite
def stitching_key(draw: st.DrawFn, name: str) -> Any:
    item: dict[str, Any] = {"name": name}
    optional(
        draw,
        item,
        valid_regexp=one_of_these(None, "^[^@]+@", "${x}"),
        invalid_texts=some_texts,
        internal=st.booleans(),
        extra=extras,
    )
    return item["name"] if len(item) == 1 else item


@st.composite
def configs(draw: st.DrawFn) -> dict[str, Any]:
    """A configuration file's content, valid in itself."""
    tables = draw(st.lists(one_of_these(*TABLES), unique=True, min_size=1))
    events = draw(st.lists(one_of_these(*EVENTS), unique=True))
    names = draw(st.lists(one_of_these(*ATTRIBUTES), unique=True)) if events else []
    keys = draw(st.lists(columns, unique=True, max_size=3))
    batch = draw(st.lists(master_columns, unique=True))
    attributes = [draw(attribute(name, ATTRIBUTES.index(name), events)) for name in names]
    config: dict[str, Any] = {
        "event_tables": tables,
        "key_events": [draw(key_event(name, tables)) for name in events],
        "id_stitching": {"keys": [draw(stitching_key(name)) for name in keys]},
        "attributes": [*attributes, *draw(imported(batch))],
        "batch_attributes": batch,
    }
    if draw(st.booleans()):
        config["id_stitching"]["ext_lookup_key"] = "customer_id"
    return config


@st.composite
def scenarios(draw: st.DrawFn) -> dict[str, Any]:
    """An account with one parent segment, configured by a generated configuration, or blank."""
    config = RtConfig.model_validate(draw(configs()))
    blank = draw(st.integers(0, 3)) == 0
    segment = {
        "id": "394649",
        "name": "Customer 360",
        "master_table": {
            "database": "cdp",
            "table": "customers",
            "columns": {"customer_id": "string", "tier": "string", "city": "string"},
        },
        "realtime": None if blank else realtime(config),
    }
    return {
        "tdx": {
            "defaults": draw(st.sampled_from(("filled", "absent", "null"))),
            "more_properties": [NOVELTY],
        },
        "updating_seconds": 0,
        "databases": databases(),
        "segments": [segment],
    }


def databases() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in TABLES:
        database, table = name.split(".")
        found.setdefault(database, {})[table] = dict.fromkeys(COLUMNS, "string")
    return found


def realtime(config: RtConfig) -> dict[str, Any]:
    """What the API holds when this has been configured."""
    return {
        "eventTables": [table.to_api() for table in config.tables()],
        "keyColumns": [key.to_api() for key in config.id_stitching.keys],
        "batchAttributes": [part.to_api() for part in config.batch()],
        "extLookupKey": config.id_stitching.ext_lookup_key,
        "keyEvents": [_stated(event.to_api()) for event in config.key_events],
        "attributes": [
            *(_attribute(attribute) for attribute in config.collected().values()),
            *(_imported(attribute) for attribute in config.imported().values()),
        ],
    }


def _imported(part: ImportedAttribute) -> dict[str, Any]:
    return {"type": "imported", "identifier": part.column, "name": part.name or part.column}


def _attribute(attribute: BaseAttribute) -> dict[str, Any]:
    return _by_name(_stated(attribute.to_api()))


def _by_name(value: Any) -> Any:
    """A scenario says key events by name."""
    if isinstance(value, list):
        return [_by_name(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        "keyEvent" if name == "realtimeKeyEventId" else name: _by_name(item)
        for name, item in value.items()
    }


def _stated(body: dict[str, Any]) -> dict[str, Any]:
    return {n: value for n, value in body.items() if value is not None and n != NOVELTY}
