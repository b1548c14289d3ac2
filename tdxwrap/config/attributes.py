"""The kinds of realtime attributes, one class each (tdx-facts F14)."""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    BeforeValidator,
    Field,
    SerializationInfo,
    SerializerFunctionWrapHandler,
    model_serializer,
)
from pydantic.alias_generators import to_camel, to_snake
from pydantic.json_schema import JsonSchemaValue

from tdxwrap.config.fields import (
    ApiItem,
    ConfigItem,
    Count,
    Description,
    Duration,
    Extensible,
    Filtered,
    Several,
    Text,
    Units,
    text_if_number,
)

_KIND = "the kind of attribute"
_KEPT = "how long a value is kept"
_BACKFILL = "whether events before the attribute was made count"
DataType = Annotated[Literal["string", "number"], Field(description="string or number")]


class Aggregation(ConfigItem):
    """A summary of the items of a list attribute."""

    # F14

    name: Text = Field(description="what people call it")
    identifier: Text = Field(description="what personalizations ask for")
    aggregation_type: Literal["first", "last", "sum", "min", "max", "distinct_list"] = Field(
        description="how the items become one value"
    )
    column: Text = Field(description="the column that is summed up")


class ListAction(Filtered):
    """An event that takes an item out of a list attribute, or empties it."""

    # F14, F32

    FILTER_ALWAYS_SENT: ClassVar[bool] = True

    action: Literal["delete_item", "clear"] = Field(description="what happens to the list")
    key_event: Text = Field(alias="realtimeKeyEventId", description="the event that does it")


class SubDuration(ConfigItem):
    """One of the windows of a sliding counter."""

    # F14

    name: Text = Field(description="what people call it")
    identifier: Text = Field(description="what personalizations ask for")
    value: Count = Field(description="how many units")
    unit: Units = Field(description="minute, hour or day")


class ConstIncrement(ConfigItem):
    """Count every event as much. The file may write the number alone."""

    SHORTHAND: ClassVar[JsonSchemaValue | None] = {"type": "integer", "minimum": 1}

    type: Literal["const"] = Field(description="every event counts the same")
    value: Count = Field(description="how much an event counts")

    @model_serializer(mode="wrap")
    def _in_a_file(self, handler: SerializerFunctionWrapHandler, info: SerializationInfo) -> Any:
        return handler(self) if info.by_alias else self.value


class FieldIncrement(ConfigItem):
    """Count an event as much as one of its columns says."""

    type: Literal["field"] = Field(description="an event counts what a column says")
    value: Text = Field(description="a column of the key event's table")


def _increment_from_number(value: object) -> object:
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        return {"type": "const", "value": value}
    return value


_OfType = Annotated[ConstIncrement | FieldIncrement, Field(discriminator="type")]
Increment = Annotated[_OfType, BeforeValidator(_increment_from_number)]


_ONE = ConstIncrement(type="const", value=1)
# The fields that say how much an attribute keeps.
KEEPING = frozenset(("duration", "max_items", "fields", "aggregations", "sub_durations"))


class BaseAttribute(Extensible):
    """What every kind of attribute has that is created one by one."""

    # F14

    # F15: the only properties that PATCH takes; all others need delete and create.
    PATCHABLE: ClassVar[frozenset[str]] = KEEPING | {"name", "description", "actions"}
    ALWAYS_SENT: ClassVar[tuple[str, ...]] = ()

    name: Text = Field(description="what people call it")
    identifier: Text | None = Field(
        None, description="what personalizations ask for; default: derived from the name"
    )
    description: Description = None
    sensitive: bool = Field(False, description="whether personalizations have to ask for it")

    @property
    def key(self) -> str:
        """The identifier, derived from the name when the file gives none."""
        return self.identifier or derived_identifier(self.name)

    def key_events(self) -> tuple[str, ...]:
        """The names of all key events that the attribute hangs on, by itself or in a part."""
        whole = self.document or self.model_dump(mode="json", by_alias=True)
        return tuple(dict.fromkeys(references(whole)))

    def to_api(self) -> dict[str, Any]:
        """The body of the recipe's POST, key events still by name; `identifier` always (F14)."""
        whole = self.model_dump(mode="json", by_alias=True)
        first = {"name": self.name, "identifier": self.key, "type": to_camel(whole["type"])}
        always = {name: whole[name] for name in self.ALWAYS_SENT}
        return super().to_api() | first | always


class EventAttribute(BaseAttribute, Filtered):
    """An attribute that is collected from a key event."""

    key_event: Text = Field(alias="realtimeKeyEventId", description="the name of a key event")


class SingleAttribute(EventAttribute):
    """The last value of a column."""

    type: Literal["single"] = Field(description=_KIND)
    value_column: Text = Field(description="the column whose last value is kept")
    data_type: DataType
    duration: Duration = Field(description=_KEPT)
    backfill: bool = Field(False, description=_BACKFILL)


class ListAttribute(EventAttribute):
    """The items that an event mentioned, with aggregations over them."""

    type: Literal["list"] = Field(description=_KIND)
    value_column: Text | None = Field(None, description="the column that is kept of each item")
    id_column: Text | None = Field(None, description="the column that tells items apart")
    fields: Several[str] = Field((), description="the columns that are kept of each item")
    max_items: Count | None = Field(None, description="how many items are kept, the newest first")
    actions: Several[ListAction] = Field((), description="what takes items out again")
    aggregations: Several[Aggregation] = Field((), description="what personalizations read of it")
    duration: Duration = Field(description=_KEPT)


class CounterAttribute(EventAttribute):
    """How often something happened, or the sum of a column."""

    # The API gives no default for it (F14).
    ALWAYS_SENT: ClassVar[tuple[str, ...]] = ("increment",)

    type: Literal["counter"] = Field(description=_KIND)
    counter_type: Literal["sliding", "total"] = Field(
        "sliding", description="sliding is the default of the API; the recipe uses total"
    )
    increment: Increment = Field(_ONE, description="what each event adds")
    duration: Duration | None = Field(None, description=_KEPT)
    backfill: bool = Field(False, description=_BACKFILL)
    sub_durations: Several[SubDuration] = Field((), description="shorter windows, counted as well")


class LookupColumn(ConfigItem):
    """A column of a lookup catalog."""

    # F14

    name: Text = Field(description="the column's name in the catalog")
    data_type: DataType


class LookupKey(ConfigItem):
    """What a row of a lookup catalog is found by."""

    # F14

    id: Annotated[Text, BeforeValidator(text_if_number)] = Field(
        description="the attribute whose value is looked up, by identifier"
    )
    type: Text = Field(description="attribute")


class LookupCatalogAttribute(BaseAttribute):
    """Columns of a catalog, such as the price of the product that was looked at."""

    type: Literal["lookup_catalog"] = Field(description=_KIND)
    lookup_catalog_table_name: Text = Field(description="the catalog")
    lookup_catalog_columns: tuple[LookupColumn, ...] = Field(
        min_length=1, description="the columns that are read of it"
    )
    lookup_keys: tuple[LookupKey, ...] = Field(min_length=1, description="what a row is found by")


class ImportedAttribute(ApiItem):
    """A batch attribute that realtime reads: a column of the parent segment.

    The API takes the list of all such columns at once, and the names with `batch_attributes`.
    """

    # F11, F14

    type: Literal["imported"] = Field(description=_KIND)
    column: Text = Field(description="a column of the master table")
    name: Text | None = Field(None, description="default: as the column")


Attribute = Annotated[
    SingleAttribute | ListAttribute | CounterAttribute | LookupCatalogAttribute | ImportedAttribute,
    Field(discriminator="type"),
]

# The kinds that are made one by one; the others are imported.
COLLECTED: dict[str, type[BaseAttribute]] = {
    "single": SingleAttribute,
    "list": ListAttribute,
    "counter": CounterAttribute,
    "lookup_catalog": LookupCatalogAttribute,
}


def attribute_from_api(document: Mapping[str, Any]) -> BaseAttribute | ImportedAttribute:
    """Read an attribute as the API answers it, with key events by name.

    One of a kind that F14 does not give has the fields of all kinds, and its type among `unread`.
    """
    kind = to_snake(str(document.get("type")))
    if kind == "imported":
        # The answer gives the column as identifier or name.
        column = next(filter(None, map(document.get, ("column", "identifier", "name", "id"))))
        return ImportedAttribute.from_api({"type": "imported", "column": str(column)})
    model = COLLECTED.get(kind, BaseAttribute)
    attribute = model.from_api({**document, "type": kind})
    attribute._document = document
    if model is BaseAttribute:
        attribute._unread = {**attribute.unread, "type": document.get("type")}
    return attribute


def is_reference(name: str) -> bool:
    """Whether a property of this name holds key events: realtimeKeyEventId, and what may come."""
    return "keyevent" in name.lower()


def references(value: Any, *, is_one: bool = False) -> Iterator[str]:
    """The key events in a document, wherever it holds them.

    Args:
        is_one: whether the texts in the value itself are references.
    """
    if isinstance(value, str) and is_one:
        yield value
    for item in value if isinstance(value, list) else ():
        yield from references(item, is_one=is_one)
    for name, item in value.items() if isinstance(value, dict) else ():
        yield from references(item, is_one=is_reference(name))


def with_names(value: Any, names: Mapping[str, str], *, is_one: bool = False) -> Any:
    """A document with other references to key events, wherever they are: ids to names, or back.

    Args:
        names: what to put for what; a reference that is not in it is kept as text.
        is_one: whether the value itself is a reference, or a list of them.
    """
    if isinstance(value, list):
        return [with_names(item, names, is_one=is_one) for item in value]
    if isinstance(value, dict):
        return {n: with_names(item, names, is_one=is_reference(n)) for n, item in value.items()}
    return names.get(str(value), str(value)) if is_one and isinstance(value, str | int) else value


def derived_identifier(name: str) -> str:
    """The identifier of an attribute that has only a name: lower case, `_` for the rest (F14)."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
