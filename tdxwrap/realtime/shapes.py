"""The declared shape of every answer of tdx and the API that is read.

A form is written as JSON looks: an object is a dict, a list holds the form of its items, a text in
quotes is that very text, a tuple holds alternatives. A property with `?` may be left out. An empty
text counts as null.

An answer that deviates is still used, unless what it deviates in is needed; `tdxwrap doctor` lists
every deviation. A property that is not declared is never an error.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from types import NoneType
from typing import Any, TypeAlias

Form: TypeAlias = "type[Any] | str | tuple[Form, ...] | list[Form] | Object"
Object: TypeAlias = dict[str, Form]

ID: Form = (str, int)  # F23
TEXT: Form = (str, NoneType)
FLAG: Form = (bool, NoneType)
LIST: Form = (list, NoneType)
FILTER: Form = (dict, NoneType)  # more forms than F25 gives are as valid (F31)
DURATION: Object = {"value": int, "unit": str}

# What tdx answers (F10)
SEGMENT: Object = {"id": ID, "name": str, "status": str, "event_tables?": list, "key_events?": list}
PARENT: Object = {"id": ID, "name": str, "attributes?": list, "realtime_config": (dict, NoneType)}
NAMED: Object = {"name": str, "database?": str}
COLUMN: Object = {"name": str, "type": str}
TABLE: Object = {"database?": str, "name?": str, "table?": str, "columns": [COLUMN]}
MASTER: Object = {"id": ID, "name": str, "master": TABLE}

# What the API answers (F11, F13, F14)
KEY: Object = {"name": str, "validRegexp?": TEXT, "invalidTexts?": ([TEXT], NoneType)}
SETTING: Object = {
    "id?": (str, int, NoneType),
    "status": str,
    "statusDetailed?": object,
    "eventTables": [{"database": str, "table": str}],
    "keyColumns": [KEY | {"internal?": FLAG}],
    "batchAttributes": [{"column": str, "name?": TEXT}],
    "extLookupKey": TEXT,
}
ITEM: Object = {"id": ID, "name": str, "description?": TEXT}
KEY_EVENT: Object = ITEM | {"databaseName": str, "tableName": str, "filterRule": FILTER}
PLAIN: Object = ITEM | {"identifier": str, "sensitive?": FLAG}
COLLECTED: Object = PLAIN | {"realtimeKeyEventId": ID, "filterRule?": FILTER, "backfill?": FLAG}
ATTRIBUTE: Form = (
    COLLECTED | {"type": "single", "valueColumn": str, "dataType": str, "duration": DURATION},
    COLLECTED
    | {"type": "list", "idColumn?": TEXT, "valueColumn?": TEXT, "duration": DURATION}
    | {"fields?": LIST, "maxItems?": (int, NoneType), "actions?": LIST, "aggregations?": LIST},
    COLLECTED
    | {"type": "counter", "counterType?": TEXT, "increment": {"type": str, "value": (int, str)}}
    | {"duration?": (DURATION, NoneType), "subDurations?": LIST},
    PLAIN | {"type": "imported"},
    PLAIN
    | {"type": "lookupCatalog", "lookupCatalogTableName": str}
    | {"lookupCatalogColumns": list, "lookupKeys": list},
    ITEM | {"type": ()},  # a kind that is not known
)
# Some lists say in another way that there is more (F16).
PAGE: Object = {"pagination": {"nextPage": TEXT}, "meta?": object, "links?": object}

MISSING, OTHER, UNKNOWN = "missing", "in another form", "unknown"

Deviation: TypeAlias = tuple[str, str]
"""A place such as `data[].id`, and the problem there. Only an UNKNOWN place holds names that are
not declared."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The declared shape of one answer.

    Attributes:
        name: of the tdx command or the endpoint.
        fact: the fact that gives it.
        what: what it answers, for an error.
        needed: the place of what an answer cannot be used without; empty is the whole.
    """

    name: str
    fact: str
    what: str
    form: Form
    needed: str = ""

    def deviations(self, answer: Any) -> Iterator[Deviation]:
        """Compare an answer with the shape."""
        return _compare(answer, self.form, "", None)

    def fits(self, answer: Any) -> bool:
        """Return whether an answer holds what is needed, and all around that."""
        return next(_compare(answer, self.form, "", self.needed), None) is None


RT_LIST = Shape("ps rt list", "F10", "a list of parent segments", [SEGMENT])
RT_LIST_ENTRY = Shape("ps rt list", "F10", "a parent segment", SEGMENT, "id")
PS_VIEW = Shape("ps view", "F10", "a parent segment", PARENT, "id")
PS_DESC = Shape("ps desc", "F10", "the columns of a table", MASTER, "master.columns[].name")
DATABASES = Shape("databases", "F10", "a list of databases", [NAMED], "[].name")
TABLES = Shape("tables", "F10", "a list of tables", [NAMED], "[].name")
DESCRIBE = Shape("describe", "F10", "the columns of a table", TABLE, "columns[].name")
REALTIME_SETTING = Shape("realtime_setting", "F11", "a realtime setting", SETTING)
LISTS = {
    name: Shape(name, fact, "a list of items that have ids", PAGE | {"data": [item]}, "data[].id")
    for name, fact, item in (
        ("realtime_key_events", "F13", KEY_EVENT),
        ("realtime_attributes", "F14", ATTRIBUTE),
    )
}
POST = Shape("POST", "F14", "the id of the created item", {"id": ID}, "id")


def _compare(value: Any, form: Form, place: str, needed: str | None) -> Iterator[Deviation]:
    """Compare a value with a form; given what is needed, only on the way there."""
    options = form if isinstance(form, tuple) else (form,)
    fitting = next((option for option in options if _looks_like(value, option)), None)
    if fitting is None:
        yield place, OTHER
    elif isinstance(fitting, list) and (needed is None or needed.startswith(f"{place}[]")):
        for each in value:
            yield from _compare(each, fitting[0], f"{place}[]", needed)
    elif isinstance(fitting, dict):
        inside = f"{place}." if place else ""
        names = {name.removesuffix("?"): name for name in fitting}
        for name, declared in names.items():
            if needed is not None and not needed.startswith(inside + name):
                continue
            if name in value:
                yield from _compare(value[name], fitting[declared], inside + name, needed)
            elif name == declared:
                yield inside + name, MISSING
        if needed is None:
            yield from ((inside + name, UNKNOWN) for name in value if name not in names)


def _looks_like(value: Any, form: Form) -> bool:
    """Return whether a value is of a form, whatever may be inside it."""
    if isinstance(form, type):
        return form is object or form is (NoneType if value == "" else type(value))
    if isinstance(form, dict) and isinstance(value, dict):
        kind = form.get("type")
        return not isinstance(kind, str) or bool(value.get("type") == kind)
    return bool(value == form) if isinstance(form, str) else type(value) is type(form)
