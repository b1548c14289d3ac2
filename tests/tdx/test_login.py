"""Where tdx takes its login from."""

from __future__ import annotations

from tdxwrap.tdx.login import profile_variable


def test_the_variable_of_a_profile_has_only_characters_that_a_shell_takes() -> None:
    assert profile_variable("café-2") == "TDX_API_KEY_CAF__2"
