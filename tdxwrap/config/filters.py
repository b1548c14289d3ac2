"""Filter rules of key events and attributes, in the API's own form (tdx-facts F25) and in short.

A configuration file may write `filter:` for `filter_rule:`:

    filter:
      event_name: product_view                  # is
      price: [{greater: 100}, {less: 500}]      # several conditions on one column
      coupon: {is_null: true, not: true}
      any:                                      # one or more of these; `all:` likewise
        - {country: JP}
        - {country: {in: [US, CA]}}

All entries must hold. Every operator of F25 is there, by its name in snake_case.
"""

import json
from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any, ClassVar, Literal, Self, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PlainValidator,
    StrictFloat,
    StrictInt,
    StrictStr,
    Tag,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic.alias_generators import to_camel, to_pascal, to_snake
from pydantic_core import PydanticKnownError

# What pydantic puts into a location beside the names that a file has (messages.py).
VALUE, COMPARISON, COMPARISONS = "<value>", "<comparison>", "<comparisons>"


class InvalidValue(ValueError):
    """A value that a validator rejects, with a hint how to fix it."""

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.hint = hint


def _as_the_api_writes_it(schema: dict[str, Any], model: type[BaseModel]) -> None:
    # The schema of a file is made with field names.
    aliases = {name: str(info.alias) for name, info in model.model_fields.items()}
    schema["properties"] = {aliases.get(n, n): v for n, v in schema["properties"].items()}


class _Rule(BaseModel):
    """Shared settings: the API's camelCase names on both sides, nothing unknown, immutable."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        extra="forbid",
        frozen=True,
        defer_build=True,
        json_schema_extra=_as_the_api_writes_it,
    )


_WithValue = Literal["Equal", "Greater", "GreaterEqual", "Less", "LessEqual", "Regexp", "IsNull"]
_WithValues = Literal["In", "Contain", "StartWith", "EndWith"]
_WithRange = Literal["Between"]


# A long filter asks for the same few names thousands of times.
_snake = cache(to_snake)

# Strict: NO without quotes is false, and would become 0.
_Operand = StrictStr | StrictInt | StrictFloat
_OPPOSITE = "whether the opposite must hold"
_OPERAND = "what the column is compared with"


class Operator(_Rule):
    """How a column is compared. Which operand it takes depends on `type`."""

    OPERAND: ClassVar[dict[str, tuple[str, ...]]] = {
        "rightValue": get_args(_WithValue),
        "rightValues": get_args(_WithValues),
        "minValue": get_args(_WithRange),
        "maxValue": get_args(_WithRange),
    }

    type: Literal[_WithValue, _WithValues, _WithRange] = Field(description="the comparison")
    negated: bool = Field(default=False, alias="not", description=_OPPOSITE)
    right_value: str | int | float | bool | None = Field(None, description=_OPERAND)
    right_values: tuple[_Operand, ...] | None = Field(None, description=_OPERAND)
    min_value: _Operand | None = Field(None, description="the least value of Between")
    max_value: _Operand | None = Field(None, description="the greatest value of Between")

    @model_validator(mode="after")
    def _operands(self) -> Self:
        takes = [operand for operand, types in self.OPERAND.items() if self.type in types]
        for operand in self.OPERAND:
            given = getattr(self, _snake(operand)) is not None
            if given and operand not in takes:
                hint = f"it takes {' and '.join(takes)}"
                raise InvalidValue(f"{self.type} takes no {operand}", hint)
            if not given and operand in takes and self.type != "IsNull":
                raise InvalidValue(f"{self.type} needs {operand}")
        if self.type == "IsNull" and self.right_value is not None:
            raise InvalidValue("IsNull takes no rightValue but null", "remove it")
        return self


class ColumnCondition(_Rule):
    """One comparison: a column and an operator."""

    type: Literal["Column"] = Field(description="a condition on a column")
    column: str = Field(min_length=1, description="a column of the event table")
    operator: Operator = Field(description="how the column is compared")
    array_matching: str | None = Field(None, description="passed on as it is")


class FilterRule(_Rule):
    """A group of conditions, all (`And`) or any (`Or`) of which must hold; may be nested."""

    type: Literal["And", "Or"] = Field("And", description="whether all or any must hold")
    conditions: tuple["Condition", ...] = Field((), description="what must hold")


class OpaqueRule(FilterRule):
    """A rule in a form that this version does not know, carried as it is."""

    # F31

    document: dict[str, Any]


def _condition_tag(value: Any) -> str:
    kind = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
    return "Column" if kind == "Column" else "group"


Condition = Annotated[
    Annotated[ColumnCondition, Tag("Column")] | Annotated[FilterRule, Tag("group")],
    Discriminator(_condition_tag),
]

FilterRule.model_rebuild()


def rule_document(rule: FilterRule) -> dict[str, Any]:
    """The rule as the API writes it (F25), the same whether it was read or stated in short."""
    if isinstance(rule, OpaqueRule):
        return rule.document
    return {"type": rule.type, "conditions": [_condition_document(c) for c in rule.conditions]}


def _condition_document(condition: ColumnCondition | FilterRule) -> dict[str, Any]:
    if isinstance(condition, FilterRule):
        return rule_document(condition)
    document = condition.model_dump(mode="json", by_alias=True, exclude_none=True)
    if condition.operator.type == "IsNull":
        document["operator"]["rightValue"] = None
    return document


def rule_length(rule: FilterRule) -> int:
    """The characters that a rule adds to the limit of F20; an empty rule adds none."""
    document = rule_document(rule)
    if not document.get("conditions"):
        return 0
    return len(json.dumps(document, ensure_ascii=False, separators=(",", ":")))


# In short


def _scalar(value: object) -> object:
    # No column holds true or false: NO without quotes is Norway.
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise PydanticKnownError("string_type")
    return value


def _list_of_one(value: object) -> object:
    return value if isinstance(value, list) else [value]


def _pair(value: object) -> object:
    if not isinstance(value, list) or len(value) != 2:
        raise InvalidValue("between takes the least and the greatest value")
    return value


def _only_true(value: object) -> object:
    if value is not True:
        hint = "write is_null: true; for the opposite with not: true beside it"
        raise InvalidValue("is_null takes only true", hint)
    return value


_SCALAR = {"type": ["string", "number"]}
_LIST = {"type": "array", "items": _SCALAR}
_ONE_OR_MORE = {"anyOf": [_SCALAR, _LIST]}
_TWO = _LIST | {"minItems": 2, "maxItems": 2}

Value = Annotated[Any, PlainValidator(_scalar), WithJsonSchema(_SCALAR)]
Values = Annotated[tuple[Value, ...], BeforeValidator(_list_of_one), WithJsonSchema(_ONE_OR_MORE)]
Pair = Annotated[tuple[Value, ...], BeforeValidator(_pair), WithJsonSchema(_TWO)]


def _for_editors(schema: dict[str, Any]) -> None:
    """One operator, which has no default, and perhaps `not`; words that Python keeps to itself."""
    operands = schema["properties"]
    for operand in operands.values():
        operand.pop("default", None)
    named = {"not": operands.pop("negated"), "in": operands.pop("one_of")}
    schema |= {"properties": operands | named, "minProperties": 1, "maxProperties": 2}


class Comparison(BaseModel):
    """How a column is compared: an operator with its operand, and perhaps `not: true`."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra=_for_editors)

    negated: bool = Field(False, alias="not", description=_OPPOSITE)
    equal: Value = Field(None, description="the column is this")
    greater: Value = Field(None, description="the column is more than this")
    greater_equal: Value = Field(None, description="the column is this or more")
    less: Value = Field(None, description="the column is less than this")
    less_equal: Value = Field(None, description="the column is this or less")
    regexp: str = Field("", description="the column matches this regular expression")
    is_null: Annotated[Literal[True], BeforeValidator(_only_true)] = Field(
        True, description="the column has no value"
    )
    one_of: Values = Field((), alias="in", description="the column is one of these")
    contain: Values = Field((), description="the column contains one of these")
    start_with: Values = Field((), description="the column starts with one of these")
    end_with: Values = Field((), description="the column ends with one of these")
    between: Pair = Field((), description="the column is from the first to the second of these")

    @model_validator(mode="after")
    def _one_operator(self) -> Self:
        stated = sorted(self.model_fields_set - {"negated"})
        if not stated:
            hint = "write e.g. {equal: JP, not: true}"
            raise InvalidValue("a comparison needs an operator", hint)
        if len(stated) > 1:
            example = ", ".join(f"{{{name}: …}}" for name in stated)
            hint = f"as a list both must hold: [{example}]"
            raise InvalidValue(f"{' and '.join(stated)} cannot stand together", hint)
        return self

    def operator(self) -> Operator:
        """The same as the API has it."""
        [name] = self.model_fields_set - {"negated"}
        kind = to_pascal(type(self).model_fields[name].alias or name)
        operand = getattr(self, name)
        names = [each for each, kinds in Operator.OPERAND.items() if kind in kinds]
        if kind == "IsNull":
            operand = None
        values = operand if len(names) > 1 else (operand,)
        document = {"type": kind, "not": self.negated, **dict(zip(names, values, strict=True))}
        return Operator.model_validate(document)


def _form(value: object) -> str:
    if isinstance(value, list | tuple):
        return COMPARISONS
    return COMPARISON if isinstance(value, dict | Comparison) else VALUE


def _mappings(value: list[object]) -> list[object]:
    if not value or not all(isinstance(each, dict | Comparison) for each in value):
        raise InvalidValue("a list of values needs an operator", "write e.g. {in: [US, CA]}")
    return value


Comparisons = Annotated[
    tuple[Comparison, ...], Field(min_length=1), BeforeValidator(_mappings), Tag(COMPARISONS)
]
Test = Annotated[
    Annotated[Value, Tag(VALUE)] | Annotated[Comparison, Tag(COMPARISON)] | Comparisons,
    Discriminator(_form),
]


class ShortFilter(BaseModel):
    """Conditions on columns, all of which must hold: `column: value` or `column: {operator: …}`."""

    model_config = ConfigDict(extra="allow", frozen=True)
    __pydantic_extra__: dict[str, Test]

    any: tuple["ShortFilter", ...] = Field((), description="one or more of these must hold")
    all: tuple["ShortFilter", ...] = Field((), description="all of these must hold")

    @model_validator(mode="before")
    @classmethod
    def _is_short(cls, value: object) -> object:
        if not isinstance(value, dict):
            raise InvalidValue("a filter consists of conditions")
        if isinstance(value.get("conditions"), list) and value.get("type") in ("And", "Or"):
            raise InvalidValue("this is a filter in the API's own form", "name it filter_rule")
        return value

    def rule(self) -> FilterRule:
        """The same as the API has it."""
        whole = self._condition()
        return whole if isinstance(whole, FilterRule) else FilterRule(conditions=(whole,))

    def _condition(self) -> Condition:
        found = tuple(self._conditions())
        return found[0] if len(found) == 1 else FilterRule(conditions=found)

    def _conditions(self) -> Iterator[Condition]:
        for column, test in (self.model_extra or {}).items():
            for comparison in _comparisons(test):
                yield ColumnCondition(type="Column", column=column, operator=comparison.operator())
        if "any" in self.model_fields_set:
            yield FilterRule(type="Or", conditions=tuple(each._condition() for each in self.any))
        if "all" in self.model_fields_set:
            yield FilterRule(conditions=tuple(each._condition() for each in self.all))


def _comparisons(test: Any) -> tuple[Comparison, ...]:
    if isinstance(test, tuple):
        return test
    return (test if isinstance(test, Comparison) else Comparison(equal=test),)


# From a rule to its short form


def short_form(rule: FilterRule) -> dict[str, Any] | None:
    """What `filter:` says the same with; None where only the API's form can say it."""
    short = _short(rule, inside=False)
    return short if _says(short, rule, inside=False) else None


def _short(condition: Condition, *, inside: bool = True) -> dict[str, Any]:
    if isinstance(condition, ColumnCondition):
        test = _comparison(condition.operator)
        return {condition.column: test["equal"] if test.keys() == {"equal"} else test}
    parts = [_short(each) for each in condition.conditions]
    joined = _joined(parts)
    if _says(joined, condition, inside=inside):
        return joined
    return {"all" if condition.type == "And" else "any": parts}


def _says(short: dict[str, Any], rule: FilterRule, *, inside: bool) -> bool:
    """Whether a short form says exactly what a rule does, inside of another or by itself."""
    try:
        said = ShortFilter.model_validate(short)
    except ValidationError:
        return False
    condition = said._condition() if inside else said.rule()
    return isinstance(condition, FilterRule) and rule_document(condition) == rule_document(rule)


def _joined(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """One mapping of all conditions; several on one column are a list."""
    joined: dict[str, Any] = {}
    for name, test in (entry for part in parts for entry in part.items()):
        if name in joined:
            tests = joined[name] if isinstance(joined[name], list) else [joined[name]]
            test = [each if isinstance(each, dict) else {"equal": each} for each in (*tests, test)]
        joined[name] = test
    return joined


def _comparison(operator: Operator) -> dict[str, Any]:
    document = operator.model_dump(mode="json", by_alias=True, exclude_none=True)
    operands = [document[name] for name in Operator.OPERAND if name in document]
    operand = operands if operator.type == "Between" else next(iter(operands), True)
    short = {_snake(operator.type): operand}
    return short | {"not": True} if operator.negated else short
