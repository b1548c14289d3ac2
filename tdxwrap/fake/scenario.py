"""Turn a scenario (YAML or a dict) into the world of a state directory."""

from __future__ import annotations

from tdxwrap.fake import scenario_rules as rules
from tdxwrap.fake.scenario_account import Problems, build_account
from tdxwrap.fake.store import DATA, SETTINGS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from tdxwrap.fake.jsontypes import Json
    from tdxwrap.fake.store import Store

DEFAULT_KEY = "fake-key-default"
FIRST_ID = 1000


class ScenarioError(ValueError):
    """A scenario with problems; all of them are named."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def read(path: str) -> Json:
    """The world that a YAML file describes."""
    yaml = _yaml()
    try:
        with open(path, encoding="utf-8") as file:
            # libyaml, where PyYAML has it, reads a scenario ten times as fast.
            value = yaml.load(file, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (OSError, yaml.YAMLError) as error:
        raise ScenarioError([str(error)]) from None
    return build(value if value is not None else {})


def _yaml() -> Any:
    """The YAML library: a call that was started without site packages looks for them now."""
    try:
        import yaml
    except ImportError:
        import site

        site.main()
        import yaml
    return yaml


def build(scenario: Any) -> Json:
    """The world that a scenario describes, or ScenarioError."""
    if not isinstance(scenario, dict):
        raise ScenarioError(["a scenario is a mapping"])
    tdx = scenario.get("tdx")
    problems = Problems(tdx.get("more_properties", ()) if isinstance(tdx, dict) else ())
    known = {"tdx", "accounts", *rules.TOP, *rules.ACCOUNT}
    problems.unknown("", scenario, known)
    settings = _settings(scenario, problems)
    accounts = _accounts(scenario, problems)
    settings["credentials"] = _credentials(scenario, list(accounts), problems)
    if problems.found:
        raise ScenarioError(problems.found)
    data: Json = {"next_id": FIRST_ID, "accounts": accounts}
    _assign_ids(data)
    return {"settings": settings, "data": data}


def install(store: Store, world: Json) -> None:
    """Write a world; the settings come last, for they show that it is complete."""
    store.save(DATA, world["data"])
    store.save(SETTINGS, world["settings"])


def _settings(scenario: Json, problems: Problems) -> Json:
    section = problems.mapping("tdx", scenario.get("tdx", {}))
    given = {name: value for name, value in section.items() if name != "credentials"}
    for name, value in given.items():
        problems.add(rules.setting_problem(f"tdx.{name}", value))
    top = {name: scenario.get(name, default) for name, default in rules.TOP.items()}
    for name, value in top.items():
        problems.add(rules.setting_problem(name, value))
    return {"tdx": {**rules.TDX, **given}, **top}


def _accounts(scenario: Json, problems: Problems) -> Json:
    """Several accounts under `accounts`, or one written at the top level."""
    plain = {name: scenario[name] for name in rules.ACCOUNT if name in scenario}
    if "accounts" not in scenario:
        return {"main": build_account("", plain, problems)}
    if plain:
        problems.add(f"{min(plain)}: belongs into one of the accounts")
    given = problems.mapping("accounts", scenario["accounts"])
    return {
        str(name): build_account(f"accounts.{name}.", account or {}, problems)
        for name, account in given.items()
    }


def _credentials(scenario: Json, accounts: list[str], problems: Problems) -> Json:
    section = problems.mapping("tdx", scenario.get("tdx", {}))
    path = "tdx.credentials"
    given = problems.mapping(path, section.get("credentials", {}))
    problems.unknown(f"{path}.", given, rules.CREDENTIALS)
    keychain = problems.mapping(f"{path}.keychain", given.get("keychain", {}))
    if "credentials" not in section:
        keychain = {"default": DEFAULT_KEY}
    keys = problems.mapping(f"{path}.keys", given.get("keys", {}))
    if "keys" not in given and accounts:
        keys = dict.fromkeys(keychain.values(), accounts[0])
    for key, account in keys.items():
        if account not in accounts:
            problems.add(f"{path}.keys.{key}: unknown account {account!r}")
    return {"keychain": keychain, "keys": keys}


def _assign_ids(data: Json) -> None:
    """Give an id to everything that has none."""
    for account in data["accounts"].values():
        for segment in account["segments"]:
            realtime = segment["realtime"]
            if realtime is None:
                continue
            _assign(realtime, data)
            for item in realtime["keyEvents"] + realtime["attributes"]:
                _assign(item, data)
            _resolve_names(realtime)


def _assign(item: Json, data: Json) -> None:
    if item.get("id") is None:
        data["next_id"] += 1
        item["id"] = str(data["next_id"])
    item["id"] = str(item["id"])
    if item["id"].isdigit():
        # What is created later must never meet an id that a scenario has chosen.
        data["next_id"] = max(data["next_id"], int(item["id"]))


def _resolve_names(realtime: Json) -> None:
    """Turn the `keyEvent: NAME` of a scenario into the id that the API shows."""
    ids = {event["name"]: event["id"] for event in realtime["keyEvents"]}
    for attribute in realtime["attributes"]:
        for holder in [attribute, *attribute.get("actions", [])]:
            if "keyEvent" in holder:
                holder["realtimeKeyEventId"] = ids[holder.pop("keyEvent")]
