"""What an account stores otherwise than it was sent: `tdx.normalizes` of a scenario.

`trims` and `lower-cases` change names, identifiers, descriptions, regular expressions, invalid
texts and the values of filters. `sorts` orders lists whose order says nothing. `changes units`
writes `24 hour` as `1 day` and `1 day` as `24 hour`. `turns numbers into text` writes 100 as "100".
"""

from __future__ import annotations

from tdxwrap.fake import quickjson

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container
    from typing import Any

    from tdxwrap.fake.jsontypes import Json

TEXTS = frozenset(
    (
        *("name", "identifier", "description", "validRegexp", "invalidTexts"),
        *("rightValue", "rightValues", "minValue", "maxValue"),
    )
)
SETS = frozenset(
    (
        *("invalidTexts", "fields", "aggregations", "subDurations", "rightValues", "conditions"),
        *("eventTables", "keyColumns", "batchAttributes"),
    )
)
UNITS = {"minute": 1, "hour": 60, "day": 1440}


def stored(value: Any, ways: Container[str], field: str = "") -> Any:
    """The value as it is stored.

    Args:
        ways: the words above that apply.
        field: the name of the field that holds the value.
    """
    if isinstance(value, dict):
        value = {name: stored(item, ways, name) for name, item in value.items()}
        return _in_other_unit(value) if "changes units" in ways and "unit" in value else value
    if isinstance(value, list):
        items = [stored(item, ways, field) for item in value]
        return sorted(items, key=quickjson.dumps) if "sorts" in ways and field in SETS else items
    if isinstance(value, str) and field in TEXTS:
        value = value.strip() if "trims" in ways else value
        return value.lower() if "lower-cases" in ways else value
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return str(value) if is_number and "turns numbers into text" in ways else value


def _in_other_unit(duration: Json) -> Json:
    """The same length of time in the largest unit that is whole, else the next smaller."""
    length = int(duration["value"]) * UNITS[duration["unit"]]
    whole = [unit for unit, minutes in UNITS.items() if length % minutes == 0]
    unit = whole[-1] if whole[-1] != duration["unit"] else whole[max(len(whole) - 2, 0)]
    return {**duration, "unit": unit, "value": type(duration["value"])(length // UNITS[unit])}
