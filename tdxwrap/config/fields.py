"""What all parts of a configuration have in common: names by rule, durations, filters, `extra`.

The same classes hold what the YAML file says (snake_case names) and what the API answers
(camelCase, by rule; names in place of ids). So desired and live compare field by field, an
export is a dump of what was read, and a default stands in one place. `model_fields_set` tells
what a file *states*: only that is managed on an item that exists.
"""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar, cast

from pydantic import (
    AliasGenerator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    PlainSerializer,
    PrivateAttr,
    SerializationInfo,
    SerializerFunctionWrapHandler,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_serializer,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, InitErrorDetails

from tdxwrap.config.filters import (
    FilterRule,
    InvalidValue,
    OpaqueRule,
    ShortFilter,
    rule_document,
    short_form,
)

EVERY_EVENT = FilterRule(type="And", conditions=())
"""The filter that lets everything pass: what an absent or null filterRule means."""

Units = Literal["minute", "hour", "day"]
_DURATION = re.compile(r"\s*([0-9]{1,9})\s*(minute|hour|day)s?\s*", re.IGNORECASE)


# The context of a dump in which a filter is written in short, where that says the same.
SHORT_FILTERS = {"filters": "short"}


class ConfigItem(BaseModel):
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

    def to_api(self) -> dict[str, Any]:
        """The request body: what is stated, under the API's names."""
        return spread(self.model_dump(mode="json", by_alias=True, exclude_unset=True))

    def body_of(self, names: Iterable[str]) -> dict[str, Any]:
        """The body of a PATCH: these fields, under the API's names."""
        return spread(self.model_dump(mode="json", by_alias=True, include=set(names)))

    def to_config(self) -> dict[str, Any]:
        """The item as a configuration file writes it: what differs from the defaults, in short."""
        return self.model_dump(
            mode="json", by_alias=False, exclude_defaults=True, context=SHORT_FILTERS
        )


class ApiItem(ConfigItem):
    """An item that the API holds, too: its document, with a typed view on what is known of it."""

    _document: Mapping[str, Any] | None = PrivateAttr(None)
    _unread: Mapping[str, Any] = PrivateAttr(default_factory=dict)

    @property
    def document(self) -> Mapping[str, Any] | None:
        """What the API gave; None for an item of a file."""
        return self._document

    @property
    def unread(self) -> Mapping[str, Any]:
        """The fields that are live in a form not known here, with their values; unset here."""
        return self._unread

    @property
    def not_read(self) -> str:
        """What cannot be read, as a reason; empty if everything can."""
        return f"this version cannot read its {', '.join(self.unread)}" if self.unread else ""

    def __eq__(self, other: object) -> bool:
        """Whether all known fields say the same, and the others have the same values."""
        if not isinstance(other, ApiItem) or type(self) is not type(other):
            return False
        return vars(self) == vars(other) and self.unread == other.unread

    @classmethod
    def from_api(cls, document: Mapping[str, Any]) -> Self:
        """Read an API object, field by field where need be; null means absent.

        One that has to have a name is called by its identifier or id where it has none.
        """
        stated = {name: value for name, value in document.items() if value is not None}
        names = (stated[name] for name in ("name", "identifier", "id") if stated.get(name))
        if "name" in cls.model_fields and cls.model_fields["name"].is_required():
            stated["name"] = next((str(n) for n in names if isinstance(n, str | int)), None)
        try:
            item = cls.model_validate(stated, by_alias=True, by_name=False, extra="ignore")
        except ValidationError:
            item = cls._field_by_field(stated)
        item._document = document
        return item

    @classmethod
    def _field_by_field(cls, stated: Mapping[str, Any]) -> Self:
        values: dict[str, Any] = {}
        unread: dict[str, Any] = {}
        for name, info in cls.model_fields.items():
            value = stated.get(str(info.alias))
            try:
                if value is not None:
                    values[name] = _reader(cls, name).validate_python(
                        value, by_alias=True, by_name=False, extra="ignore"
                    )
            except ValidationError:
                unread[name] = value
            if value is None and info.is_required():
                unread[name] = None
        if isinstance(stated.get("name"), str):  # whatever it is, it can be named
            values["name"] = stated["name"]
        item = cast("Self", cls.model_construct(**values))
        item._unread = unread
        return item

    def updated(self, desired: ConfigItem, names: Iterable[str]) -> Self:
        """This item with some fields of another one; what is not known stays."""
        names = tuple(names)
        item = self.model_copy(update={name: getattr(desired, name) for name in names})
        item._document = {**(self.document or self.to_api()), **desired.body_of(names)}
        item._unread = {n: value for n, value in self.unread.items() if n not in names}
        return item


@cache
def _reader(kind: type[ConfigItem], name: str) -> TypeAdapter[Any]:
    return TypeAdapter(kind.model_fields[name].rebuild_annotation())


def spread(body: dict[str, Any]) -> dict[str, Any]:
    """A request body with the properties under `extra` beside the others."""
    extra: dict[str, Any] = body.pop("extra", {})
    return body | extra


def none_if_empty(value: object) -> object:
    return None if value == "" else value


def _without_end(value: object) -> object:
    return value.rstrip() or None if isinstance(value, str) else value


# Stands for the name of the field that a filter in short has (messages.py): what is under `filter`
# is read where `filter_rule` is.
IN_SHORT = "<filter>"


class _InShort(BaseModel):
    content: ShortFilter | None = Field(alias=IN_SHORT)


def _rule(value: object) -> FilterRule:
    """A rule; one that has the marks of a rule, and a form not known, as it is (F31)."""
    if isinstance(value, dict) and IN_SHORT in value:
        short = _InShort.model_validate(value).content
        return EVERY_EVENT if short is None else short.rule()
    try:
        # By itself, since an unknown property of it must not be ignored.
        rule = EVERY_EVENT if value is None else value
        return rule if isinstance(rule, FilterRule) else FilterRule.model_validate(rule)
    except ValidationError:
        if not isinstance(value, dict) or not {"type", "conditions"} & value.keys():
            raise
        return OpaqueRule(document=value)


def text_if_number(value: object) -> object:
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return str(value) if is_number else value


def _no_bool(value: object) -> object:
    if isinstance(value, bool):
        raise InvalidValue("true or false where a whole number is expected")
    return value


_Item = TypeVar("_Item")
Text = Annotated[str, Field(min_length=1)]
# To say null is to say that there are none.
Several = Annotated[
    tuple[_Item, ...], BeforeValidator(lambda value: () if value is None else value)
]
Count = Annotated[int, Field(ge=1), BeforeValidator(_no_bool)]
# An empty description and none at all are the same to the API; a `|` block ends in a line break.
Description = Annotated[str | None, BeforeValidator(_without_end), Field(description="for people")]
# Written in the API's own form on both sides.
Filter = Annotated[FilterRule, BeforeValidator(_rule), PlainSerializer(rule_document)]


class Duration(ConfigItem):
    """How long a value is kept. The file may write `1 day`, `24 hours`, `30 minutes`."""

    # F14

    SHORTHAND: ClassVar[JsonSchemaValue | None] = {
        "type": "string",
        "pattern": r"^\s*[0-9]+\s*([mM]inute|[hH]our|[dD]ay)s?\s*$",
        "examples": ["1 day", "24 hours", "30 minutes"],
    }

    value: Count = Field(description="how many units")
    unit: Units = Field(description="minute, hour or day")

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        match = _DURATION.fullmatch(value)
        if match is None:
            raise InvalidValue(f"'{value}' is not a duration")
        return {"value": int(match[1]), "unit": match[2].lower()}

    def __str__(self) -> str:
        return f"{self.value} {self.unit}{'' if self.value == 1 else 's'}"

    @model_serializer(mode="wrap")
    def _in_a_file(self, handler: SerializerFunctionWrapHandler, info: SerializationInfo) -> Any:
        return handler(self) if info.by_alias else str(self)


class Filtered(ConfigItem):
    """A part with a filter: `filter_rule` in the API's form, or `filter` in short."""

    # F25

    # Whether the API refuses such a part without a filter.
    FILTER_ALWAYS_SENT: ClassVar[bool] = False

    filter_rule: Filter = Field(EVERY_EVENT, description="which events, in the API's own form")

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        schema = super().__get_pydantic_json_schema__(core_schema, handler)
        fields = handler.resolve_ref_schema(schema)
        short = handler(ShortFilter.__pydantic_core_schema__)
        fields["properties"]["filter"] = {**short, "description": "which events, default: all"}
        fields["not"] = {"required": ["filter", "filter_rule"]}
        return schema

    @model_validator(mode="before")
    @classmethod
    def _rule_from_filter(cls, value: object) -> object:
        # Of both, `filter` is one too many; it stays there to be reported.
        if not isinstance(value, dict) or "filter" not in value or "filter_rule" in value:
            return value
        rest = {name: field for name, field in value.items() if name != "filter"}
        return rest | {"filter_rule": {IN_SHORT: value["filter"]}}

    @model_serializer(mode="wrap")
    def _in_a_file(self, handler: SerializerFunctionWrapHandler, info: SerializationInfo) -> Any:
        document = handler(self)
        name = "filterRule" if info.by_alias else "filter_rule"
        if info.by_alias and self.FILTER_ALWAYS_SENT:
            document[name] = rule_document(self.filter_rule)
        if name not in document:
            return document
        # The field of the base class comes first, where a reader expects the name.
        rule = document.pop(name)
        short = short_form(self.filter_rule) if info.context is SHORT_FILTERS else None
        return document | ({name: rule} if short is None else {"filter": short})


class Extensible(ApiItem):
    """A part to which the API may add properties that this version does not know yet."""

    extra: dict[str, Any] = Field(
        {}, description="properties that are not known here, passed on to the API as they are"
    )

    @field_validator("extra")
    @classmethod
    def _only_unknown(cls, value: dict[str, Any]) -> dict[str, Any]:
        known = {name: name for name in cls.model_fields}
        known |= {str(info.alias): name for name, info in cls.model_fields.items()}
        problems = [_known(name, value, known[name]) for name in value if name in known]
        if problems:
            raise ValidationError.from_exception_data("extra", problems)
        return value


def _known(name: str, values: Mapping[str, Any], field: str) -> InitErrorDetails:
    error = InvalidValue(f"{name} is a field of its own", f"write {field}: beside extra")
    return InitErrorDetails(
        type="value_error", loc=(name,), input=values[name], ctx={"error": error}
    )
