"""What of a personalization, whose form is not documented, uses what a plan takes away."""

from __future__ import annotations

from tdxwrap.config.attributes import ImportedAttribute
from tdxwrap.plan.changes import Action, Change, Kind
from tdxwrap.plan.personalizations import uses


def test_a_name_of_two_words_is_found_in_a_list_and_told_by_the_name_of_the_whole() -> None:
    column = ImportedAttribute(type="imported", column="loyalty tier")
    change = Change(Action.DELETE, Kind.IMPORTED, column.column, live=column)
    rule = {"name": "A rule", "columns": ["loyalty tier"]}
    found = list(uses([change], [{"rules": [rule], "name": "Home page"}]))
    assert found == [f"personalization Home page uses {Kind.IMPORTED} loyalty tier"]
