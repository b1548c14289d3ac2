"""`tdxwrap import SCRIPT`: what it configures becomes a CONFIG, and no real tdx is ever called."""

from __future__ import annotations

import json
import os
import shlex
import shutil
from collections.abc import Callable
from typing import Any

import pytest
from support.inprocess import account
from support.shells import FIXTURES, Ran, Shell, wait_for
from support.worlds import scenario_for

from tdxwrap.config.load import load, parse
from tdxwrap.config.models import RtConfig
from tdxwrap.errors import ConfigError, UsageProblem
from tdxwrap.fake.control import World
from tdxwrap.sandbox import script

pytestmark = pytest.mark.skipif(shutil.which("jq") is None, reason="the recipe needs jq")

STEP_7 = FIXTURES / "recipe" / "step7.sh"
API = 'tdx api "/audiences/$PS'
ALL = {"type": "And", "conditions": []}
DAY = {"value": 1, "unit": "day"}
SINGLE = {"type": "single", "valueColumn": "product_id", "dataType": "string", "duration": DAY}
TABLES = f"""
{API}/realtime_setting" --type cdp -X PATCH \\
  --data '{{"eventTables": [{{"database": "web", "table": "views"}}]}}' >/dev/null
"""
LOOPS = """#!/usr/bin/env bash
set -euo pipefail
if ! command -v jq; then exit 1; fi
PS=$(tdx ps view "$1" --json | jq -r .id)
api() { tdx api "/audiences/$PS/$1" --type cdp -X "$2" "${@:3}"; }
tdx describe web.views --json | jq -e '.columns[] | select(.name == "product_id")'
cat > tables.json <<END
{"eventTables": [{"database": "web", "table": "views"}]}
END
api realtime_setting PATCH --data @tables.json
ids=()
for event in view cart; do
  body=$(jq -n --arg name "$event" '{name: $name, databaseName: "web", tableName: "views",
    filterRule: {type: "And", conditions: []}}')
  ids+=("$(api realtime_key_events POST --data "$body" | jq -r '.id')")
done
for number in 0 1; do
  jq --arg id "${ids[$number]}" --arg name "last_$number" \\
    '.realtimeKeyEventId = $id | .name = $name | .identifier = $name' bodies/single.json > body.json
  api realtime_attributes POST -f body.json
  sleep 100
done
"""


def event(name: str) -> str:
    body = {"name": name, "databaseName": "web", "tableName": "views", "filterRule": ALL}
    return f"{API}/realtime_key_events\" --type cdp -X POST --data '{json.dumps(body)}'\n"


def single(name: str, event_id: str) -> str:
    body = {**SINGLE, "name": name, "identifier": name, "realtimeKeyEventId": event_id}
    return f"{API}/realtime_attributes\" --type cdp -X POST --data '{json.dumps(body)}'\n"


@pytest.fixture
def user(new_shell: Callable[..., Shell]) -> Shell:
    """A user with credentials and a tdx that must not be called."""
    shell = new_shell()
    real = shell.home / "tdx"
    real.write_text(f"#!/bin/sh\necho called >> {shell.home}/called\n")
    real.chmod(0o755)
    extra = {"PATH": f"{shell.home}:{shell.environ['PATH']}", "TD_API_KEY": "secret-of-theirs"}
    return Shell(shell.home, shell.cwd, {**shell.environ, **extra})


def imported(user: Shell, text: str, *args: str, **env: str) -> Ran:
    user.write("mine.sh", text)
    return user.run("import", "mine.sh", *args, **env)


def config_in(text: str) -> RtConfig:
    return parse("rt.yaml", text.encode(), environ={}).config


def key_events(config: RtConfig) -> list[tuple[str, str]]:
    """Every attribute with its key event."""
    return [(each.name, each.key_event) for each in config.collected().values()]  # type: ignore[attr-defined]


def written(argv: list[str]) -> tuple[str, str, Any]:
    body = json.loads(argv[argv.index("--data") + 1])
    return argv[argv.index("-X") + 1], argv[1], body


def comparable(writes: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Writes without `identifier` (F14), and with the order of key events in place of ids."""
    ids = list(dict.fromkeys(body.get("realtimeKeyEventId") for *_, body in writes))
    for *_, body in writes:
        body.pop("identifier", None)
        body["event"] = ids.index(body.pop("realtimeKeyEventId", None))
    return writes


def test_the_recipe_becomes_a_file_that_makes_the_same_writes(user: Shell) -> None:
    user.write("step7.md", f"# Step 7\n\n```bash\n{STEP_7.read_text()}```\n\n```bash\ntrue\n```\n")
    done = user.run("import", "step7.md", "--json")
    assert done.code == 0, done.text
    config = config_in(done.json["config"])
    by_script = [written(call["argv"]) for call in done.json["calls"] if call["step"]]
    assert len(by_script) == 7
    with account(scenario_for(config)) as run:
        run.carry_out(run.plan(config))
        assert comparable([(c.method, c.path, c.body) for c in run.world.writes()]) == comparable(
            by_script
        )
        assert run.plan(config).pending == ()
    assert not (user.home / "called").exists()


def test_loops_functions_files_and_a_name_for_an_argument(user: Shell) -> None:
    (user.cwd / "bodies").mkdir()
    user.write("bodies/single.json", json.dumps(SINGLE))
    user.write("body.json", "what was there before")
    done = imported(user, LOOPS.replace("\n", "\r\n"), "-f", "rt.yaml", "--", "Customer 360")
    assert (done.code, done.out) == (0, ""), done.text
    config = load(user.cwd / "rt.yaml", environ={}).config
    assert config.parent_segment == "Customer 360"
    assert key_events(config) == [("last_0", "view"), ("last_1", "cart")]
    assert (user.cwd / "body.json").read_text() == "what was there before"
    assert not (user.cwd / "tables.json").exists()


def test_what_it_needs_is_told(user: Shell) -> None:
    text = "set -eu\nPS=$1\n" + TABLES
    done = imported(user, text)
    assert (done.code, done.out) == (4, "")
    assert "✗ mine.sh ended with exit 1" in done.err
    assert "mine.sh: line 2: $1: unbound variable" in done.err
    assert "arguments of the script go behind --" in done.err
    assert imported(user, text, "--", "77").code == 0


def test_of_a_script_that_fails_there_is_what_it_got_to(user: Shell) -> None:
    typo = f'{API}/realtime_attributes" --type cdp -X POST --data \'{{"name": }}\''
    done = imported(user, f"set -e\nPS=77\n{TABLES}{event('view')}{typo}\necho never\n")
    assert done.code == 4
    assert "✗ mine.sh, line 7: tdx refused api /audiences/77/realtime_attributes" in done.err
    assert "the request body is not valid JSON" in done.err
    assert [each.name for each in config_in(done.out).key_events] == ["view"]

    unknown = imported(user, f"PS=77\n{TABLES}tdx ps push rt.yaml\n")
    assert (unknown.code, bool(config_in(unknown.out).event_tables)) == (4, True)
    assert "mine.sh, line 5: the stand-in for tdx does not know ps push" in unknown.err
    assert "so far     the CONFIG holds what the script got to" in unknown.err

    missing = imported(user, f"PS=77\n{TABLES}grep -q x /dev/null")
    assert "mine.sh calls grep, which it is not allowed to" in missing.err
    assert "if it reaches no tdx, add --allow grep" in missing.err
    allowed = imported(user, f"PS=77\n{TABLES}grep -q x /dev/null || :", "--allow", "grep")
    assert allowed.code == 0, allowed.text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("tdx ps list", "mine.sh configures nothing"),
        ("".join(f"PS={ps}\n{TABLES}" for ps in (77, 78)), "mine.sh configures 2 segments: 77, 78"),
    ],
)
def test_what_is_no_configuration_of_one_segment(user: Shell, text: str, told: str) -> None:
    done = imported(user, text)
    assert (done.code, done.out, told in done.err) == (4, "", True), done.text


# Key event ids that somebody pasted


def test_a_pasted_id_means_the_only_key_event(user: Shell) -> None:
    done = imported(user, f"PS=77\n{TABLES}{event('view')}{single('last', '90210')}")
    assert done.code == 0, done.text
    assert key_events(config_in(done.out)) == [("last", "view")]


def test_a_pasted_id_is_looked_up_where_it_is_from(
    user: Shell, new_world: Callable[..., World]
) -> None:
    world = new_world("configured")
    known = world.live()["394649"]["keyEvents"][0]
    text = f"PS=77\n{TABLES}{event('other')}{event(known['name'])}"
    text += single("last", known["id"]) + single("gone", "90210")
    done = imported(user, text, "--ids-from", "394649", **world.environ(), TD_API_KEY="")
    assert done.code == 4, done.text
    assert "not all of it has a place in a CONFIG" in done.err
    assert key_events(config_in(done.out)) == [("last", known["name"])]
    (comment,) = (line for line in done.out.splitlines() if line.startswith("# left out: "))
    assert "gone" in comment
    assert "90210" in comment
    assert world.writes() == []


# No other tdx


@pytest.mark.parametrize(
    "line",
    [
        "PATH=/usr/local/bin:/usr/bin:/bin",
        "export PATH=$HOME/bin:$PATH",
        "PATH+=:/usr/local/bin tdx ps list",
        "npx @treasuredata/tdx ps list",
        "env -i bash -c 'tdx ps list'",
        "command tdx ps list",
        "if command -p tdx; then :; fi",
        "x=$(command tdx ps list)",
        "/usr/local/bin/tdx ps list",
        '"$HOME/node_modules/.bin/tdx" ps list',
        "node /opt/tdx/dist/index.js",
        "/usr/bin/sudo tdx ps list",
        "true && exec -c bash",
        "timeout 9 /usr/bin/env -i tdx ps list",
    ],
)
def test_a_line_that_may_reach_another_tdx_is_refused_before_it_runs(line: str) -> None:
    with pytest.raises(ConfigError) as raised:
        script.check("mine.sh", f"touch file\n{line}\n")
    assert {problem.line for problem in raised.value.problems} == {2}


@pytest.mark.parametrize(
    "line",
    [
        "# PATH=/usr/bin npx tdx <ps_id>",
        'MY_PATH=1; echo "$PATH"',
        "command -v tdx >/dev/null 2>&1 || exit 1",
        "tdx api '/audiences/7' >& /dev/null",
        "tdx ps list > /tmp/tdx-out; cat <<EOF>file",
        "sort <in >out; [[ a < b ]]; echo '<b>'",
        "ls /usr/bin; cat ./bin/x bin/y ~/bin/z",
        '  "/audiences/7/realtime_setting" --data {"command": "x"}',
    ],
)
def test_an_ordinary_line_is_none(line: str) -> None:
    script.check("mine.sh", line)


def test_placeholders_are_found_before_it_runs() -> None:
    text = STEP_7.read_text().replace("394649", "<ps_id>").replace("web_events", "<db>")
    with pytest.raises(ConfigError) as raised:
        script.check("mine.sh", text + "tdx ps view <YOUR-SEGMENT> <ps>")
    found = [(each.line, each.message.split()[2]) for each in raised.value.problems]
    assert found[0] == (7, "<ps_id>")
    assert {name for _, name in found} == {"<ps_id>", "<db>", "<YOUR-SEGMENT>", "<ps>"}


def test_whatever_path_it_gets_to_the_real_tdx_is_not_called(user: Shell) -> None:
    cron = f"{user.home}:/usr/local/bin:/usr/bin:/bin"
    text = f"""
        eval 'P''ATH={cron}'; tdx ps list
        declare "P""ATH={cron}"; tdx ps list
        unset -f tdx; tdx ps list
        bash -c 'eval "P""ATH={cron}"; tdx ps list'
        printf 'eval "P""ATH={cron}"\\ntdx ps list\\n' > inner.sh; bash inner.sh
        timeout 9 tdx ps list
        echo "key=$TD_API_KEY"; ls -A ~ ; ls {shlex.quote(str(user.home))} >/dev/null
        PS=77{TABLES}"""
    done = imported(user, text, "--list")
    assert done.out.count("tdx ps list\n") == 6, done.text
    assert not (user.home / "called").exists()
    assert "secret-of-theirs" not in done.text


def test_it_ends_with_all_that_it_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(script, "LIMIT", 0.5)
    endless = "bash -c 'echo $$ > pid; while :; do :; done'"
    with script.run("mine.sh", f"{endless} & {endless}", (), (), os.environ) as (ground, error):
        assert error is not None
        assert "mine.sh was ended after a minute" in error.what
        pid = int((ground.work / "pid").read_text())
        wait_for(lambda: gone(pid))


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_what_is_no_script() -> None:
    with pytest.raises(UsageProblem, match="there is no bash block in it"):
        script.bash_of(b"# Step 7\n\n    tdx ps list\n", markdown=True)
    with pytest.raises(UsageProblem, match="this is no text"):
        script.bash_of(b"\xff\xfe", markdown=False)
    shown = script.bash_of(b"a\n```bash\nb\n```\nc\n```sh\nd\n```\n", markdown=True)
    assert [n for n, line in enumerate(shown.split("\n"), 1) if line] == [3, 7]
