"""Filter rules of key events and attributes, in the API's own form (tdx-facts F25)."""

from __future__ import annotations

import json
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    GetJsonSchemaHandler,
    StrictFloat,
    StrictInt,
    StrictStr,
    Tag,
    model_validator,
)
from pydantic.alias_generators import to_camel, to_snake
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema


class InvalidValue(ValueError):
    """A value that a validator rejects, with a hint how to fix it."""

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.hint = hint


class _Rule(BaseModel):
    """Shared settings: the API's camelCase names on both sides, nothing unknown, immutable."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        extra="forbid",
        frozen=True,
        defer_build=True,
    )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        # The schema of a file is made with field names; a rule stands there as the API writes it.
        schema = handler(core_schema)
        fields = handler.resolve_ref_schema(schema)
        aliases = {name: str(info.alias) for name, info in cls.model_fields.items()}
        fields["properties"] = {aliases.get(n, n): v for n, v in fields["properties"].items()}
        return schema


_WithValue = Literal["Equal", "Greater", "GreaterEqual", "Less", "LessEqual", "Regexp", "IsNull"]
_WithValues = Literal["In", "Contain", "StartWith", "EndWith"]
_WithRange = Literal["Between"]


class Operator(_Rule):
    """How a column is compared. Which operand it takes depends on `type`."""

    OPERAND: ClassVar[dict[str, tuple[str, ...]]] = {
        "rightValue": get_args(_WithValue),
        "rightValues": get_args(_WithValues),
        "minValue": get_args(_WithRange),
        "maxValue": get_args(_WithRange),
    }

    type: Literal[_WithValue, _WithValues, _WithRange]
    negated: bool = Field(default=False, alias="not")
    right_value: str | int | float | bool | None = None
    # Strict: NO without quotes is false, and would become 0.
    right_values: tuple[StrictStr | StrictInt | StrictFloat, ...] | None = None
    min_value: StrictStr | StrictInt | StrictFloat | None = None
    max_value: StrictStr | StrictInt | StrictFloat | None = None

    @model_validator(mode="after")
    def _operands(self) -> Operator:
        for operand, types in self.OPERAND.items():
            given = getattr(self, to_snake(operand)) is not None
            if given and self.type not in types:
                raise InvalidValue(f"{self.type} takes no {operand}", self._operand_hint())
            if not given and self.type in types and self.type != "IsNull":
                raise InvalidValue(f"{self.type} needs {operand}")
        if self.type == "IsNull" and self.right_value is not None:
            raise InvalidValue("IsNull takes no rightValue but null", "remove it")
        return self

    def _operand_hint(self) -> str:
        takes = [operand for operand, types in self.OPERAND.items() if self.type in types]
        return f"it takes {' and '.join(takes)}"


class ColumnCondition(_Rule):
    """One comparison: a column and an operator."""

    type: Literal["Column"]
    column: str = Field(min_length=1)
    operator: Operator
    array_matching: str | None = None


class FilterRule(_Rule):
    """A group of conditions, all (`And`) or any (`Or`) of which must hold; may be nested."""

    type: Literal["And", "Or"] = "And"
    conditions: tuple[Condition, ...] = ()


class OpaqueRule(FilterRule):
    """A rule in a form that this version does not know, carried as it is (F31)."""

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
