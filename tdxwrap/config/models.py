"""The realtime configuration of a parent segment, as a file says it should be (F11, F13).

Attributes stand in `attributes.py`, what all parts have in common in `fields.py`.
"""

import json
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    SerializationInfo,
    SerializerFunctionWrapHandler,
    WithJsonSchema,
    field_validator,
    model_serializer,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue

from tdxwrap.config.attributes import Attribute, BaseAttribute, ImportedAttribute
from tdxwrap.config.fields import (
    ApiItem,
    ConfigItem,
    Description,
    Extensible,
    Filtered,
    Several,
    Text,
    none_if_empty,
    spread,
    text_if_number,
)
from tdxwrap.config.filters import InvalidValue, rule_document
from tdxwrap.config.yaml_source import Loc


class Member(ApiItem):
    """A member of a list of the setting. PATCH replaces the whole list, so each is sent back as it
    was."""

    # F11

    SHORTHAND: ClassVar[JsonSchemaValue | None] = {"type": "string", "minLength": 1}

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: object) -> object:
        # The name alone: the one field that has to be there.
        required = (name for name, info in cls.model_fields.items() if info.is_required())
        return {next(required): value} if isinstance(value, str) else value

    @classmethod
    def of(cls, document: Any) -> "Member":
        """Read an entry of the list; one in a form that is not known is a plain Member."""
        item = cls.from_api(document) if isinstance(document, dict) else None
        if item is None or any(cls.model_fields[name].is_required() for name in item.unread):
            item = Member()
            item._unread = {"form": document}
            item._document = document
        return item

    def __str__(self) -> str:
        return json.dumps(self.document, ensure_ascii=False)

    def to_api(self) -> Any:
        """What stands in the list: what the API gave, else all properties."""
        if self._unread or self._document is not None:
            return self._document
        return spread(self.model_dump(mode="json", by_alias=True))


class EventTable(Member):
    """A table whose rows are events. The file may write `database.table`."""

    # F11

    SHORTHAND: ClassVar[JsonSchemaValue | None] = {
        "type": "string",
        "pattern": r"^[^.]+\.[^.]+$",
        "examples": ["web_events.pageviews"],
    }

    database: Text = Field(description="the database of the table")
    table: Text = Field(description="the table that events arrive in")

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: object) -> object:
        return _split_table(value) if isinstance(value, str) else value

    def __str__(self) -> str:
        return f"{self.database}.{self.table}"

    @model_serializer(mode="wrap")
    def _in_a_file(self, handler: SerializerFunctionWrapHandler, info: SerializationInfo) -> Any:
        dotted = "." in self.database or "." in self.table
        return handler(self) if info.by_alias or dotted else str(self)


def _split_table(text: str) -> dict[str, str]:
    database, dot, table = text.partition(".")
    if not (dot and database and table) or "." in table:
        raise InvalidValue(f"'{text}' is not a table", "write database.table")
    return {"database": database, "table": table}


def _table_may_be_dotted(schema: dict[str, Any]) -> None:
    schema["required"] = ["name", "table"]
    dotted = {"properties": {"table": {"pattern": r"^[^.]+\.[^.]+$"}}}
    schema["anyOf"] = [{"required": ["database"]}, dotted]


class KeyEvent(Filtered, Extensible):
    """A named event: rows of an event table that pass a filter."""

    # F13

    model_config = ConfigDict(json_schema_extra=_table_may_be_dotted)

    name: Text = Field(description="what attributes refer to it by")
    # Kept from the API, and from what is compared with it.
    renamed_from: Text | None = Field(None, exclude=True, description="its former name, if renamed")
    database: Text = Field(alias="databaseName", description="may stand before the table's name")
    table: Text = Field(alias="tableName", description="a table of event_tables")
    description: Description = None

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
        # The one or the other may be live in a form that is not known.
        names = {"database": "", "table": ""} | vars(self)
        return EventTable.model_construct(database=names["database"], table=names["table"])

    def to_api(self) -> dict[str, Any]:
        """The body of the recipe's POST: `filterRule` is required, so it is always sent (F13)."""
        return {**super().to_api(), "filterRule": rule_document(self.filter_rule)}


class StitchingKey(Member, Extensible):
    """A column by which profiles are stitched. The file may give the name alone."""

    # F11

    name: Text = Field(description="a column of the event tables")
    valid_regexp: Annotated[str | None, BeforeValidator(none_if_empty)] = Field(
        None, description="only values that match it stitch"
    )
    invalid_texts: Several[str] = Field((), description="values that never stitch, such as unknown")
    internal: bool = Field(False, description="passed on as it is")

    @classmethod
    def from_api(cls, document: Mapping[str, Any]) -> Self:
        """Read an API object; what a file would state under `extra` is in `extra`."""
        known = {info.alias for info in cls.model_fields.values()}
        extra = {name: value for name, value in document.items() if name not in known}
        return super().from_api(document).model_copy(update={"extra": extra})


class BatchAttribute(Member):
    """A column of the master table that realtime may read."""

    # F11

    column: Text = Field(description="a column of the master table")
    name: str | None = Field(None, description="what people call it; default: as the column")


class IdStitching(ConfigItem):
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
            raise InvalidValue("once set, the lookup key can never be null again", hint)
        return value


def _named_column(imported: ImportedAttribute) -> BatchAttribute:
    # A name that is not stated is not compared, whatever the API calls the column.
    stated = {"name": imported.name} if imported.name else {}
    return BatchAttribute(column=imported.column, **stated)


_NAME_OR_ID = {"type": ["string", "integer", "null"], "minLength": 1}
_NameOrId = Annotated[Text | None, BeforeValidator(text_if_number), WithJsonSchema(_NAME_OR_ID)]


class RtConfig(ConfigItem):
    """The realtime configuration of a parent segment, as a file says it should be."""

    parent_segment: _NameOrId = Field(None, description="id or name; --parent-segment overrides it")
    account: _NameOrId = Field(
        None, description="name or id; in another account nothing is shown or written"
    )
    event_tables: tuple[EventTable, ...] | None = Field(
        None, description="default: the tables of key_events"
    )
    key_events: tuple[KeyEvent, ...] = Field((), description="the events, step 7a")
    id_stitching: IdStitching = Field(IdStitching(), description="how profiles are found, step 7b")
    batch_attributes: tuple[BatchAttribute, ...] = Field(
        (), description="columns of the master table that realtime may read"
    )
    attributes: tuple[Attribute, ...] = Field((), description="what to keep, step 7c")

    def tables(self) -> dict[EventTable, Loc]:
        """The event tables that the file states, else those of its key events; with places."""
        if self.event_tables is not None:
            return {table: ("event_tables", i) for i, table in enumerate(self.event_tables)}
        found: dict[EventTable, Loc] = {}
        for index, event in enumerate(self.key_events):
            found.setdefault(event.event_table, ("key_events", index))
        return found

    def imported(self) -> dict[int, ImportedAttribute]:
        """The columns to be imported, each with the place in `attributes` where it stands."""
        return {n: a for n, a in enumerate(self.attributes) if isinstance(a, ImportedAttribute)}

    def collected(self) -> dict[int, BaseAttribute]:
        """All other attributes, each with its place in `attributes`."""
        return {n: a for n, a in enumerate(self.attributes) if isinstance(a, BaseAttribute)}

    def batch(self) -> dict[BatchAttribute, Loc]:
        """The batch attributes that the file states, then those that it imports (F11), with their
        places."""
        numbered = enumerate(self.batch_attributes)
        own: dict[BatchAttribute, Loc] = {part: ("batch_attributes", n) for n, part in numbered}
        stated = {part.column for part in own}
        new = ((i, each) for i, each in self.imported().items() if each.column not in stated)
        return own | {_named_column(each): ("attributes", index) for index, each in new}
