"""A small command line for people: `python -m tdxwrap.fake.manage`."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

from tdxwrap.fake.control import World
from tdxwrap.fake.faults import FaultError
from tdxwrap.fake.scenario import ScenarioError

USAGE = """usage: python -m tdxwrap.fake.manage new STATE SCENARIO   build a world
       python -m tdxwrap.fake.manage fault STATE JSON      arm a fault
       python -m tdxwrap.fake.manage calls STATE           the calls so far
       python -m tdxwrap.fake.manage show STATE            the whole world
"""


def main(argv: list[str]) -> int:
    """Carry out one management command."""
    try:
        lines = _run(argv)
    except (FaultError, ScenarioError, FileNotFoundError, json.JSONDecodeError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if lines is None:
        sys.stderr.write(USAGE)
        return 2
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 0


def _run(argv: list[str]) -> list[str] | None:
    match argv:
        case ["new", state, scenario]:
            return [f"FAKE_TDX_STATE={World.create(state, scenario).state_dir}"]
        case ["fault", state, rule]:
            World(state).add_fault(**json.loads(rule))
            return []
        case ["calls", state]:
            calls = World(state).calls()
            return [json.dumps(asdict(call), ensure_ascii=False) for call in calls]
        case ["show", state]:
            return [json.dumps(World(state).state(), ensure_ascii=False, indent=2)]
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
