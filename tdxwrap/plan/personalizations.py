"""Find what personalizations use of what a plan takes away (F26). Pure.

The form of a personalization is not documented, so every text and number in it is looked at.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from tdxwrap.config.attributes import BaseAttribute
from tdxwrap.plan.changes import Change, Kind, listed, member_key

# A key event and an attribute have an id; a column is called by its name. What a table or a
# stitching key is called says nothing in a personalization.
_WORDS = re.compile(r"\w+")
_USABLE = (Kind.KEY_EVENT, Kind.ATTRIBUTE, Kind.BATCH_ATTRIBUTE, Kind.IMPORTED)


def uses(changes: Iterable[Change], answer: Any) -> Iterator[str]:
    """Yield a sentence for each personalization that holds an id or an identifier of what goes.

    Args:
        changes: what a plan takes away.
        answer: what `tdx ps pz list` answered, in any form.
    """
    going = [(change, _labels(change)) for change in changes if change.kind in _USABLE]
    if isinstance(answer, dict) and "name" not in answer:  # a page, or one under each id
        values = list(answer.values())
        answer = [each for v in values for each in (v if isinstance(v, list) else [v])]
    for entry in answer if isinstance(answer, list) else [answer]:
        texts = [*_texts(entry)]
        words = {word for _, text in texts for word in (text, *_WORDS.findall(text))}
        used = [change for change, labels in going if labels & words]
        if used:
            own = entry.get("name") if isinstance(entry, dict) else None
            name = own or next((text for key, text in texts if key == "name"), "without a name")
            yield f"personalization {name} uses {listed(used)}"


def _labels(change: Change) -> set[str]:
    live = change.live
    key = live.key if isinstance(live, BaseAttribute) else live and member_key(live)
    return {key or change.name, change.live_id or change.name}


def _texts(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Every text and number in a value, keys among them, each with the key that it stands under."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield "", name
            yield from _texts(part, name)
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part, key)
    else:
        yield key, str(value)
