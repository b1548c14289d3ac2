"""Items of a configuration without the file around them."""

from __future__ import annotations

from pydantic import TypeAdapter

from tdxwrap.config.attributes import Attribute

ATTRIBUTE: TypeAdapter[Attribute] = TypeAdapter(Attribute)
