"""What a realtime configuration consists of: one class a kind, shared by the file and the API.

The same classes hold what the YAML file says (snake_case names) and what the API answers
(camelCase, by rule; names in place of ids). So desired and live compare field by field, an
export is a dump of what was read, and a default stands in one place. `model_fields_set` tells
what a file *states*: only that is managed on an item that exists.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    AliasGenerator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    PlainSerializer,
    SerializationInfo,
    SerializerFunctionWrapHandler,
    TypeAdapter,
    WithJsonSchema,
    field_validator,
    model_serializer,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from tdxwrap.filters import FilterRule, Unfit, rule_document

EVERY_EVENT = FilterRule(type="And", conditions=())
"""The filter that lets everything pass: what an absent or null filterRule means."""

Units = Literal["minute", "hour", "day"]
_DURATION = re.compile(r"\s*([0-9]{1,9})\s*(minute|hour|day)s?\s*", re.IGNORECASE)


class Part(BaseModel):
    """Shared settings of all parts of a configuration."""

    model_config = ConfigDict(
        alias_generator=AliasGenerator(alias=to_camel),
        validate_by_name=True,
        validate_by_alias=False,
        extra="forbid",
        frozen=True,
        defer_build=True,
    )
    # The JSON Schema of what a file may write in place of the mapping.
    SHORTHAND: ClassVar[JsonSchemaValue | None] = None

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        schema = handler(core_schema)
        return {"anyOf": [cls.SHORTHAND, schema]} if cls.SHORTHAND else schema

    @classmethod
    def from_api(cls, document: Mapping[str, Any]) -> Self:
        """Read an API object. Unknown properties are dropped; null means absent.

        Raises:
            pydantic.ValidationError: the object is not of the form that F11–F14 give.
        """
        stated = {name: value for name, value in document.items() if value is not None}
        return cls.model_validate(stated, by_alias=True, by_name=False, extra="ignore")

    def to_api(self) -> dict[str, Any]:
        """The request body: what is stated, under the API's names."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)

    def to_config(self) -> dict[str, Any]:
        """The item as a configuration file writes it: what differs from the defaults, in short."""
        return self.model_dump(mode="json", by_alias=False, exclude_defaults=True)


def _none_if_empty(value: object) -> object:
    return None if value == "" else value


def _empty_if_none(value: object) -> object:
    return () if value is None else value


def _every_event_if_none(value: object) -> object:
    return EVERY_EVENT if value is None else value


def _no_bool(value: object) -> object:
    if isinstance(value, bool):
        raise Unfit("true or false where a whole number is expected")
    return value


Text = Annotated[str, Field(min_length=1)]
Count = Annotated[int, Field(ge=1), BeforeValidator(_no_bool)]
# An empty description and none at all are the same to the API.
Description = Annotated[str | None, BeforeValidator(_none_if_empty)]
# Written in the API's own form on both sides.
Filter = Annotated[
    FilterRule, BeforeValidator(_every_event_if_none), PlainSerializer(rule_document)
]


class Duration(Part):
    """How long a value is kept. The file may write `1 day`, `24 hours`, `30 minutes` (F14)."""

    SHORTHAND: ClassVar[JsonSchemaValue | None] = {
        "type": "string",
        "pattern": r"^\s*[0-9]+\s*([mM]inute|[hH]our|[dD]ay)s?\s*$",
        "examples": ["1 day", "24 hours", "30 minutes"],
    }

    value: Count
    unit: Units

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        match = _DURATION.fullmatch(value)
        if match is None:
            raise Unfit(
                f"'{value}' is not a duration", "write e.g. '24 hours', '1 day', '30 minutes'"
            )
        return {"value": int(match[1]), "unit": match[2].lower()}

    def __str__(self) -> str:
        return f"{self.value} {self.unit}{'' if self.value == 1 else 's'}"

    @model_serializer(mode="wrap")
    def _short_in_a_file(
        self, handler: SerializerFunctionWrapHandler, info: SerializationInfo
    ) -> Any:
        return handler(self) if info.by_alias else str(self)


class EventTable(Part):
    """A table whose rows are events. The file may write `database.table` (F11)."""

    SHORTHAND: ClassVar[JsonSchemaValue | None] = {
        "type": "string",
        "pattern": r"^[^.]+\.[^.]+$",
        "examples": ["web_events.pageviews"],
    }

    database: Text
    table: Text

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: object) -> object:
        return _split_table(value) if isinstance(value, str) else value

    def __str__(self) -> str:
        return f"{self.database}.{self.table}"

    @model_serializer(mode="wrap")
    def _short_in_a_file(
        self, handler: SerializerFunctionWrapHandler, info: SerializationInfo
    ) -> Any:
        dotted = "." in self.database or "." in self.table
        return handler(self) if info.by_alias or dotted else str(self)


def _split_table(text: str) -> dict[str, str]:
    database, dot, table = text.partition(".")
    if not (dot and database and table) or "." in table:
        raise Unfit(f"'{text}' is not a table", "write database.table")
    return {"database": database, "table": table}


class KeyEvent(Part):
    """A named event: rows of an event table that pass a filter (F13)."""

    name: Text = Field(description="what attributes refer to it by")
    database: Text = Field(alias="databaseName", description="may stand before the table's name")
    table: Text = Field(alias="tableName", description="a table of event_tables")
    description: Description = None
    filter_rule: Filter = Field(EVERY_EVENT, description="which rows of the table; default: all")

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        schema = super().__get_pydantic_json_schema__(core_schema, handler)
        fields = handler.resolve_ref_schema(schema)
        fields["required"] = ["name", "table"]
        dotted = {"properties": {"table": {"pattern": r"^[^.]+\.[^.]+$"}}}
        fields["anyOf"] = [{"required": ["database"]}, dotted]
        return schema

    @model_validator(mode="before")
    @classmethod
    def _database_from_table(cls, value: object) -> object:
        if not isinstance(value, dict) or "database" in value:
            return value
        table = value.get("table")
        if not isinstance(table, str) or "." not in table:
            return value
        return {**value, **_split_table(table)}

    @property
    def event_table(self) -> EventTable:
        """The table that the event is read from."""
        return EventTable(database=self.database, table=self.table)

    def to_api(self) -> dict[str, Any]:
        """The body of the recipe's POST: `filterRule` is required, so it is always sent (F13)."""
        return {**super().to_api(), "filterRule": rule_document(self.filter_rule)}


class StitchingKey(Part):
    """A column by which profiles are stitched. The file may give the name alone (F11)."""

    SHORTHAND: ClassVar[JsonSchemaValue | None] = {"type": "string", "minLength": 1}

    name: Text = Field(description="a column of the event tables")
    valid_regexp: str | None = Field(None, description="only values that match it stitch")
    invalid_texts: Annotated[tuple[str, ...], BeforeValidator(_empty_if_none)] = Field(
        (), description="values that never stitch, such as unknown"
    )
    internal: bool = False

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: object) -> object:
        return {"name": value} if isinstance(value, str) else value

    @field_validator("valid_regexp")
    @classmethod
    def _empty_is_none(cls, value: str | None) -> str | None:
        return value or None

    def to_api(self) -> dict[str, Any]:
        """All four properties, as the recipe sends them: PATCH replaces the whole list (F11)."""
        return self.model_dump(mode="json", by_alias=True)


class BatchAttribute(Part):
    """A column of the master table that realtime may read (F11)."""

    SHORTHAND: ClassVar[JsonSchemaValue | None] = {"type": "string", "minLength": 1}

    column: Text
    name: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: object) -> object:
        return {"column": value} if isinstance(value, str) else value

    def to_api(self) -> dict[str, Any]:
        """Both properties: PATCH replaces the whole list (F11)."""
        return self.model_dump(mode="json", by_alias=True)


class IdStitching(Part):
    """Step 7b: the stitching keys and the key by which batch attributes are looked up."""

    keys: tuple[StitchingKey, ...] = Field((), description="the stitching keys")
    ext_lookup_key: Annotated[Text | None, WithJsonSchema({"type": "string", "minLength": 1})] = (
        Field(None, description="the profile key of the parent segment, not a stitching key")
    )

    @field_validator("ext_lookup_key")
    @classmethod
    def _not_null(cls, value: str | None) -> str:
        # Runs only for a stated value: the default is not validated.
        if value is None:
            hint = "remove the line to leave it as it is"
            raise Unfit("once set, the lookup key can never be null again", hint)
        return value


class Aggregation(Part):
    """What a list attribute tells about its items (F14)."""

    name: Text
    identifier: Text
    aggregation_type: Literal["first", "last", "sum", "min", "max", "distinct_list"]
    column: Text


class ListAction(Part):
    """An event that takes an item out of a list attribute, or empties it (F14)."""

    action: Literal["delete_item", "clear"]
    key_event: Text = Field(alias="realtimeKeyEventId")
    filter_rule: Filter = EVERY_EVENT


class SubDuration(Part):
    """One of the windows of a sliding counter (F14)."""

    name: Text
    identifier: Text
    value: Count
    unit: Units


class ConstIncrement(Part):
    """Count every event as much. The file may write the number alone."""

    SHORTHAND: ClassVar[JsonSchemaValue | None] = {"type": "integer", "minimum": 1}

    type: Literal["const"]
    value: Count

    @model_serializer(mode="wrap")
    def _short_in_a_file(
        self, handler: SerializerFunctionWrapHandler, info: SerializationInfo
    ) -> Any:
        return handler(self) if info.by_alias else self.value


class FieldIncrement(Part):
    """Count an event as much as one of its columns says."""

    type: Literal["field"]
    value: Text = Field(description="a column of the key event's table")


def _increment_from_number(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool):
        return {"type": "const", "value": value}
    return value


Increment = Annotated[
    Annotated[ConstIncrement | FieldIncrement, Field(discriminator="type")],
    BeforeValidator(_increment_from_number),
]


class BaseAttribute(Part):
    """What every kind of attribute has (F14)."""

    # F15: the only properties that PATCH takes; all others need delete and create.
    PATCHABLE: ClassVar[frozenset[str]] = frozenset(
        (
            "name",
            "description",
            "duration",
            "fields",
            "max_items",
            "actions",
            "aggregations",
            "sub_durations",
        )
    )
    ALWAYS_SENT: ClassVar[tuple[str, ...]] = ()

    name: Text
    identifier: Text | None = Field(None, description="default: derived from the name")
    description: Description = None
    key_event: Text = Field(alias="realtimeKeyEventId", description="the name of a key event")
    filter_rule: Filter = Field(EVERY_EVENT, description="which of the events; default: all")

    @model_validator(mode="after")
    def _has_identifier(self) -> Self:
        if not self.key:
            hint = "give one: identifier: some_name"
            raise Unfit(f"no identifier can be derived from the name '{self.name}'", hint)
        return self

    @property
    def key(self) -> str:
        """The identifier, derived from the name when the file gives none."""
        return self.identifier or derived_identifier(self.name)

    def key_events(self) -> Iterator[str]:
        """The names of the key events that the attribute hangs on."""
        yield self.key_event

    def to_api(self) -> dict[str, Any]:
        """The body of the recipe's POST, key events still by name; `identifier` always (F14)."""
        whole = self.model_dump(mode="json", by_alias=True)
        first = {"name": self.name, "identifier": self.key, "type": whole["type"]}
        always = {name: whole[name] for name in self.ALWAYS_SENT}
        return first | super().to_api() | always


class SingleAttribute(BaseAttribute):
    """The last value of a column."""

    type: Literal["single"]
    value_column: Text = Field(description="the column whose last value is kept")
    data_type: Literal["string", "number"]
    duration: Duration
    backfill: bool = False


class ListAttribute(BaseAttribute):
    """The items that an event mentioned, with aggregations over them."""

    type: Literal["list"]
    value_column: Text | None = None
    id_column: Text | None = Field(None, description="the column that tells items apart")
    fields: Annotated[tuple[str, ...], BeforeValidator(_empty_if_none)] = ()
    max_items: Count | None = None
    actions: Annotated[tuple[ListAction, ...], BeforeValidator(_empty_if_none)] = ()
    aggregations: Annotated[tuple[Aggregation, ...], BeforeValidator(_empty_if_none)] = ()
    duration: Duration

    def key_events(self) -> Iterator[str]:
        """The names of the key events that the attribute hangs on, those of actions included."""
        yield self.key_event
        for action in self.actions:
            yield action.key_event


class CounterAttribute(BaseAttribute):
    """How often something happened, or the sum of a column."""

    # The API gives no default for it (F14).
    ALWAYS_SENT: ClassVar[tuple[str, ...]] = ("increment",)

    type: Literal["counter"]
    counter_type: Literal["sliding", "total"] = Field(
        "sliding", description="sliding is the default of the API; the recipe uses total"
    )
    increment: Increment = Field(
        ConstIncrement(type="const", value=1), description="what each event adds"
    )
    duration: Duration | None = None
    backfill: bool = False
    sub_durations: Annotated[tuple[SubDuration, ...], BeforeValidator(_empty_if_none)] = ()

    @model_validator(mode="after")
    def _some_duration(self) -> Self:
        if self.duration is None and not self.sub_durations:
            hint = "write e.g. duration: 24 hours"
            raise Unfit("a counter needs a duration, or sub_durations", hint)
        return self


Attribute = Annotated[
    SingleAttribute | ListAttribute | CounterAttribute, Field(discriminator="type")
]
ATTRIBUTE: TypeAdapter[SingleAttribute | ListAttribute | CounterAttribute] = TypeAdapter(
    Attribute, config=ConfigDict(defer_build=True)
)


def derived_identifier(name: str) -> str:
    """The identifier of an attribute that has only a name: lower case, `_` for the rest (F14)."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def _text_if_number(value: object) -> object:
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return str(value) if is_number else value


class RtConfig(Part):
    """The realtime configuration of a parent segment, as a file says it should be."""

    parent_segment: Annotated[
        Text | None,
        BeforeValidator(_text_if_number),
        WithJsonSchema({"type": ["string", "integer", "null"], "minLength": 1}),
    ] = Field(None, description="id or name; the command line may give another one")
    event_tables: tuple[EventTable, ...] | None = Field(
        None, description="default: the tables of key_events"
    )
    key_events: tuple[KeyEvent, ...] = Field((), description="the events, step 7a")
    id_stitching: IdStitching = IdStitching()
    batch_attributes: tuple[BatchAttribute, ...] = Field(
        (), description="columns of the master table that realtime may read"
    )
    attributes: tuple[Attribute, ...] = Field((), description="what to keep, step 7c")

    def tables(self) -> tuple[EventTable, ...]:
        """The event tables that the file states, else those of its key events, each once."""
        if self.event_tables is not None:
            return self.event_tables
        return tuple(dict.fromkeys(event.event_table for event in self.key_events))
