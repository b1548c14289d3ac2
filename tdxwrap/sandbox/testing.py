"""What the pytest fixture `fake_tdx` offers to a test of a script that calls tdx."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tdxwrap.fake.control import World, write_launcher
from tdxwrap.fake.replay import Replay
from tdxwrap.sandbox.world import Calls, as_tdx

# Nothing has to wait, and the recipe's commands are taken as they are (F14).
_BLANK = {"updating_seconds": 0, "tdx": {"require_identifier": False}}


class FakeTdx:
    """A fake tdx with an account of its own.

    Args:
        folder: an existing folder for all it keeps.
        scenario: what it begins with, as `scenario` takes it; by default the account is empty.
    Attributes:
        environ: the variables with which a process finds it; the fixture has set them.
        world: everything else that the fake can do.
    """

    def __init__(self, folder: Path, scenario: str | Path | Mapping[str, Any] = _BLANK) -> None:
        self._folder = folder
        self.scenario(scenario)
        self.environ = as_tdx(folder / "bin", self.world.environ(), os.environ["PATH"])

    def segment(self, id: str, name: str = "", **fields: Any) -> None:
        """Add a parent segment.

        Args:
            name: default: the id.
            fields: as in a scenario: `rt_enabled`, `realtime`, `master_table`, …
        Raises:
            ScenarioError: they say something unknown.
        """
        self.world.add_segment(id, name or id, **fields)

    def table(self, table: str, *columns: str, **typed: str) -> None:
        """Add a table with its columns.

        Args:
            table: `database.table`.
            columns: those that are strings.
            typed: others with their type: `price="double"`. `time` is always there.
        """
        self.world.add_table(table, {"time": "long", **dict.fromkeys(columns, "string"), **typed})

    @property
    def calls(self) -> Calls:
        """Every call of tdx so far."""
        return self.world.calls()

    @property
    def live(self) -> dict[str, dict[str, Any]]:
        """What is configured now, in the form of the API, by the id of the parent segment; those
        without any configuration are left out."""
        return self.world.live()

    def fail(self, match: str, fault: str, nth: int = 1, **parameters: Any) -> None:
        """Let a call go wrong. A fault that never comes about fails the test at its end.

        Args:
            match: a part of the command line of the call.
            fault: what happens: `http`, `lost-answer`, `hang`, …
            nth: which of the calls that match.
            parameters: of the fault: `status=503`.
        Raises:
            FaultError: there is no such fault or parameter; it names those that there are.
        """
        command = {"command": match.removeprefix("tdx ")}
        self.world.add_fault(fault, command, skip=nth - 1, **parameters)

    @property
    def unfired(self) -> list[str]:
        """The faults that have not come about so far."""
        rules = self.world.unfired_faults()
        return [f"{rule['fault']} at '{rule['match'].get('command', '')}'" for rule in rules]

    def scenario(self, scenario: str | Path | Mapping[str, Any]) -> None:
        """Begin anew with the account of a scenario, a YAML file or what would stand in it.

        Raises:
            ScenarioError: it is none; all reasons are named.
        """
        given = dict(scenario) if isinstance(scenario, Mapping) else scenario
        self.world = World.create(self._folder / "world", given)

    def replay(self, journal: str | Path) -> Replay:
        """Answer every further call as the journal of a run recorded it.

        Returns:
            What is being replayed; its `unused` are the recorded calls that were not made.
        """
        replay = Replay.create(self._folder / "replay", journal)
        write_launcher(self._folder / "bin", replay.environ())
        return replay
