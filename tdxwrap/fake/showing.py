"""How a stored item comes back in an answer."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tdxwrap.fake.jsontypes import Json

# Which items come wrapped in `data`, per answer shape (tdx-facts F13, F14).
_WRAPPED = {
    "documented": ("attribute",),
    "swapped": ("key_event",),
    "bare": (),
    "data": ("attribute", "key_event"),
}


def filled(item: Json, defaults: Json, tdx: Json) -> Json:
    """The item with its unset optional fields as the scenario wants them shown."""
    style = tdx["defaults"]
    if style == "absent":
        return item
    if style in (None, "null"):
        return {**item, **{name: None for name in defaults if name not in item}}
    return {**item, **{name: value for name, value in defaults.items() if name not in item}}


def shaped(item: Json, kind: str, tdx: Json) -> Json:
    """The item bare or inside `data`."""
    return {"data": item} if kind in _WRAPPED[tdx["post_shape"]] else item
