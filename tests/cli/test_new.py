"""`tdxwrap new` from the outside: what it proposes, asks and writes, and that it can be used."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from support.shells import Shell

from tdxwrap.config.load import parse
from tdxwrap.config.models import EventTable
from tdxwrap.fake.control import World
from tdxwrap.generate import first_config
from tdxwrap.generate.first_config import Chosen
from tdxwrap.plan.columns import check
from tdxwrap.realtime.state import Schema, Segment

pytestmark = pytest.mark.usefixtures("tdx_inside")

TABLE = ("--samples", "--table", "web_events.pageviews")


def account(databases: dict[str, Any], name: str = "Customers", **segment: Any) -> dict[str, Any]:
    master = {"columns": {"customer_id": "string", "email": "string", "city": "string"}}
    whole = {"id": "5001", "name": name, "master_table": master, **segment}
    return {"databases": databases, "segments": [whole]}


def assert_usable(shell: Shell, file: str | Path) -> Any:
    """`check` and `doctor` are content with the file; what it says."""
    for command in ("check", "doctor"):
        done = shell.run(command, file, "--json")
        assert done.code == 0, done.text
        assert not done.file.get("warnings")
        assert "failed" not in [one["state"] for one in done.file.get("checks", ())]
    return yaml.safe_load((shell.cwd / file).read_text(encoding="utf-8"))


def kinds(config: Any) -> list[str]:
    return [attribute["type"] for attribute in config["attributes"]]


def test_a_file_from_options(shell: Shell, world: World) -> None:
    done = shell.run("new", "394649", *TABLE, "--table", "web_events.orders", "-f", "rt.yaml")

    assert done.code == 0, done.text
    assert done.out == ""
    assert "Customer 360 (394649) · current tdx profile" in done.err
    assert "what now: tdxwrap rehearse rt.yaml, tdxwrap plan rt.yaml" in done.err
    assert world.writes() == []
    config = assert_usable(shell, "rt.yaml")
    assert config["parent_segment"] == "394649"
    assert config["event_tables"] == ["web_events.pageviews", "web_events.orders"]
    assert [event["name"] for event in config["key_events"]] == ["pageviews", "orders"]
    # The profile key is in the tables too, but is not to be a stitching key (F18).
    assert config["id_stitching"] == {
        "keys": ["td_client_id", "email"],
        "ext_lookup_key": "customer_id",
    }
    assert kinds(config) == ["single", "list", "counter"]
    assert config["attributes"][0]["value_column"] == "product_id"
    for command in (("rehearse",), ("apply", "--yes")):
        done = shell.run(*command, "rt.yaml")
        assert done.code == 0, done.text


def test_it_goes_to_stdout_with_a_comment_for_each_field(shell: Shell) -> None:
    done = shell.run("new", "Customer 360", *TABLE)
    assert done.code == 0, done.text
    assert done.out.startswith('# A first realtime configuration of "Customer 360",\n')
    lines = [line.strip() for line in done.out.splitlines()]
    told: set[str] = set()
    for line, above in zip(lines[1:], lines, strict=False):
        field = re.match(r"(?:- )?(\w+):", line)
        if field is not None:
            assert field[1] in told or " # " in line or above.startswith("# "), line
            told.add(field[1])
    assert "aggregations" in told
    document = shell.run("new", "394649", *TABLE, "--json").json
    assert (document["tdxwrap"], document["config"], document["file"]) == ("new", done.out, None)


def test_options_say_what_is_wanted(shell: Shell) -> None:
    options = ("--stitch-by", "email", "--stitch-by", "order_id", "--lookup-key", "city")
    done = shell.run("new", "394649", *TABLE, *options)
    assert yaml.safe_load(done.out)["id_stitching"] == {
        "keys": ["email", "order_id"],
        "ext_lookup_key": "city",
    }
    # What is to be stitched by is not proposed as the profile key.
    done = shell.run("new", "394649", *TABLE, "--stitch-by", "customer_id")
    assert "ext_lookup_key" not in yaml.safe_load(done.out)["id_stitching"]


def test_attributes_are_proposed_only_if_they_are_wanted(shell: Shell) -> None:
    done = shell.run("new", "394649", "--table", "web_events.pageviews", "-f", "rt.yaml")
    assert done.code == 0, done.text
    assert assert_usable(shell, "rt.yaml")["attributes"] == []
    assert shell.run("apply", "rt.yaml", "--yes").code == 0


def test_its_schema_is_where_the_file_says(shell: Shell) -> None:
    done = shell.run("new", "394649", *TABLE, "-f", "rt.yaml")
    assert "written to rt-config.schema.json" in done.err
    first = (shell.cwd / "rt.yaml").read_text("utf-8").splitlines()[0]
    assert first == "# yaml-language-server: $schema=rt-config.schema.json"
    schema = shell.cwd / "rt-config.schema.json"
    assert schema.read_text("utf-8") == shell.run("schema").out
    schema.write_text("{}")
    shell.run("new", "394649", *TABLE, "-f", "rt.yaml")
    assert schema.read_text("utf-8") == "{}"  # it may be the team's own


def test_an_earlier_file_is_kept(shell: Shell) -> None:
    shell.write("rt.yaml", "mine")
    done = shell.run("new", "394649", *TABLE, "-f", "rt.yaml")
    assert done.code == 0
    assert "the earlier file is now rt.yaml.1" in done.err
    assert (shell.cwd / "rt.yaml.1").read_text() == "mine"


def test_a_configured_segment_is_told(
    new_world: Callable[..., World], new_shell: Callable[..., Shell]
) -> None:
    shell = new_shell(new_world("half-configured"))
    done = shell.run("new", "394649", *TABLE, "-f", "rt.yaml")
    assert done.code == 0
    assert "! Customer 360 is configured already: see `tdxwrap export 394649`" in done.err
    assert "# `tdxwrap export 394649` writes that one" in (shell.cwd / "rt.yaml").read_text()
    for command in ("check", "doctor", "plan"):
        assert shell.run(command, "rt.yaml").code == 0


# What cannot be


@pytest.mark.parametrize(
    ("args", "code", "told"),
    [
        ([], 2, "missing: PS and --table DB.TABLE"),
        (["394649"], 2, "missing: --table DB.TABLE"),
        (TABLE, 2, "missing: PS"),
        (["394649", "--table", "pageviews"], 2, "write database.table"),
        (["394649", "--table", "web_events.carte"], 4, "there is no table web_events.carte"),
        (["394649", "--table", "web_events.carte"], 4, "did you mean carts?"),
        (["394649", "--table", "web_event.carts"], 4, "there is no table web_event.carts"),
        (["394649", *TABLE, "--stitch-by", "emial"], 2, "did you mean email?"),
        (["394649", *TABLE, "--stitch-by", "price"], 2, "price is not a string column"),
        (["394649", *TABLE, "--lookup-key", "customerid"], 2, "did you mean customer_id?"),
        (
            ["394649", *TABLE, "--stitch-by", "email", "--lookup-key", "email"],
            2,
            "the lookup key email is a stitching key too",
        ),
        (["nobody", *TABLE], 4, "there is no parent segment 'nobody'"),
    ],
)
def test_a_misuse_is_told(
    shell: Shell, world: World, args: list[str], code: int, told: str
) -> None:
    for more in ((), ("--json",)):
        done = shell.run("new", *args, *more)
        assert (done.code, told in done.text) == (code, True), done.text
    assert world.writes() == []
    assert list(shell.cwd.iterdir()) == []


def test_a_segment_without_rt(
    new_world: Callable[..., World], new_shell: Callable[..., Shell]
) -> None:
    done = new_shell(new_world("troubles")).run("new", "500003", *TABLE)
    assert done.code == 4
    assert "ask your customer success manager to enable RT" in done.err


def test_no_column_to_stitch_by(
    new_world: Callable[..., World], new_shell: Callable[..., Shell]
) -> None:
    shell = new_shell(new_world(account({"web": {"log": {"code": "string", "time": "long"}}})))
    done = shell.run("new", "5001", "--table", "web.log")
    assert (done.code, "name one, --stitch-by COL" in done.err) == (2, True), done.text
    assert "the columns are code" in done.err


# Worlds of many kinds


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"会員ID": "string", "商品名": "string", "価格": "long"}, ["single", "list", "counter"]),
        ({"td_client_id": "varchar", "n": "bigint"}, ["single", "list", "counter"]),
        ({"user_id": "string", "tags": "array(varchar)", "time": "long"}, ["counter"]),
        ({"email": "", "${HOME}": "string"}, ["single", "list", "counter"]),
        ({"uid": "string", "no": "string", "a: b": "string"}, ["single", "list", "counter"]),
        ({"time": "long"}, ["counter"]),
    ],
)
def test_columns_of_all_kinds(
    new_world: Callable[..., World],
    new_shell: Callable[..., Shell],
    columns: dict[str, str],
    expected: list[str],
) -> None:
    name = "顧客 \"360\" `prod` \\ 'jp' ]\n#"
    shell = new_shell(new_world(account({"ログ": {"閲覧": columns}}, name)))
    keys = [name for name in columns if name == "会員ID"]
    options = [word for name in keys for word in ("--stitch-by", name)]
    done = shell.run("new", name, "--samples", "--table", "ログ.閲覧", *options, "-f", "rt.yaml")
    assert done.code == 0, done.text
    assert kinds(assert_usable(shell, "rt.yaml")) == expected


def test_tables_that_share_a_name_or_a_key(
    new_world: Callable[..., World], new_shell: Callable[..., Shell]
) -> None:
    web = {"td_client_id": "string", "email": "string", "url": "string"}
    app = {"device_id": "string", "email": "string", "product": "string"}
    shell = new_shell(new_world(account({"web": {"events": web}, "app": {"events": app}})))
    options = ("--samples", "--table", "web.events", "--table", "app.events", "-f", "rt.yaml")
    assert shell.run("new", "5001", *options).code == 0
    config = assert_usable(shell, "rt.yaml")
    assert [event["name"] for event in config["key_events"]] == ["web.events", "app.events"]
    assert config["id_stitching"]["keys"] == ["email"]  # in both
    assert config["attributes"][0]["key_event"] == "app.events"


def test_a_master_table_that_cannot_be_read(
    new_world: Callable[..., World], new_shell: Callable[..., Shell]
) -> None:
    world = new_world()
    world.add_fault("http", {"command": "ps desc"}, status=403)
    done = new_shell(world).run("new", "394649", *TABLE)
    assert done.code == 0, done.text
    assert "! the master table could not be read" in done.err
    assert "  # ext_lookup_key: customer_id" in done.out


# On a terminal


def answers(*typed: tuple[str, str]) -> list[tuple[str, Callable[[], str]]]:
    return [(question, lambda text=text: f"{text}\n") for question, text in typed]  # type: ignore[misc]


def test_enter_accepts_what_is_proposed(shell: Shell) -> None:
    done = shell.terminal(
        "new",
        "--samples",
        "-f",
        "rt.yaml",
        answers=answers(
            ("Parent segment (number or name) [Customer 360 (394649)]:", ""),
            ("Database (number or name) [web_events]:", ""),
            ("[pageviews, carts, orders]:", ""),
            ("Profile key (number or name, - for none) [customer_id]:", ""),
            ("[td_client_id, email]:", ""),
        ),
        columns=120,
    )
    assert done.code == 0, done.out
    assert done.out.startswith("This asks for a parent segment,")
    assert done.out.index("changes nothing") < done.out.index("a first CONFIG, in rt.yaml.")
    assert "is there already" not in done.out
    assert "    1  Customer 360 (394649)" in done.out
    config = assert_usable(shell, "rt.yaml")
    assert len(config["event_tables"]) == 3
    assert kinds(config) == ["single", "list", "counter"]


def test_answers_by_number_and_by_name(
    new_world: Callable[..., World], new_shell: Callable[..., Shell]
) -> None:
    columns = {"td_client_id": "string", "visitor": "string", "page": "string", "n": "long"}
    tables = {f"t{number:03}": columns for number in range(200)}
    second = {"id": "5002", "name": "Second"}
    scenario = account({"sample": {"x": columns}, "web": tables, "empty": {}})
    scenario["segments"].append({**scenario["segments"][0], **second})
    shell = new_shell(new_world(scenario))
    done = shell.terminal(
        "new",
        "--samples",
        "-f",
        "rt.yaml",
        answers=answers(
            ("Parent segment", "3"),
            ("3 is not among the choices", "2"),
            ("Database", "web"),
            ("and 170 more: type the name", "t199, 2"),
            ("Profile key", "-"),
            ("Stitching keys", "visitor 1"),
        ),
    )
    assert done.code == 0, done.out
    config = assert_usable(shell, "rt.yaml")
    assert config["parent_segment"] == "5002"
    assert config["event_tables"] == ["web.t199", "web.t001"]
    assert config["id_stitching"] == {"keys": ["visitor", "td_client_id"]}


@pytest.mark.parametrize(
    ("scenario", "questions", "told"),
    [
        (account({}), ["Parent segment"], "this account has no databases"),
        (account({"web": {}}), ["Parent segment", "Database"], "the database web has no tables"),
        (account({}, rt_enabled=False), [], "no parent segment of this account is RT-enabled"),
    ],
)
def test_an_account_with_nothing_to_start_from(
    new_world: Callable[..., World],
    new_shell: Callable[..., Shell],
    scenario: dict[str, Any],
    questions: list[str],
    told: str,
) -> None:
    shell = new_shell(new_world(scenario))
    done = shell.terminal("new", answers=answers(*((q, "") for q in questions)), columns=200)
    assert (done.code, told in done.out) == (4, True), done.out


def test_the_end_of_the_input_is_no_answer(shell: Shell) -> None:
    done = shell.terminal("new", "-f", "rt.yaml", answers=[("Parent segment", lambda: "\x04")])
    assert (done.code, "no answer" in done.out) == (130, True), done.out
    assert not (shell.cwd / "rt.yaml").exists()


def test_a_file_that_is_there_is_mentioned_before_the_first_question(shell: Shell) -> None:
    shell.write("rt.yaml", "mine")
    done = shell.terminal("new", "-f", "rt.yaml", answers=[("Parent segment", lambda: "\x03")])
    assert done.code == 130
    said = "rt.yaml is there already: it will be kept under another name"
    assert done.out.index(said) < done.out.index("Parent segment (number")
    assert "nothing was written" in done.out
    assert "journal" not in done.out
    assert (shell.cwd / "rt.yaml").read_text() == "mine"


# What is proposed, by itself

names = st.sampled_from(
    [
        "td_client_id",
        "email",
        "user_id",
        "time",
        "商品",
        "a: b",
        "${X}",
        "no",
        "x\ny",
        "url",
        "it's",
    ]
)
types = st.sampled_from(["string", "varchar(20)", "long", "double", "array(string)", ""])
tables = st.dictionaries(names, types, min_size=1)
# A CONFIG names no table that tdx cannot be asked for.
table_names = names.filter(str.isprintable)


@given(st.dictionaries(table_names, tables, min_size=1, max_size=3), tables, names, st.booleans())
def test_every_proposal_is_a_file_that_works(
    found: dict[str, dict[str, str]], master: dict[str, str], segment: str, samples: bool
) -> None:
    described = {EventTable(database="d", table=name): columns for name, columns in found.items()}
    lookup = [*first_config.likely_lookup_keys(master), None][0]
    possible = [key for key in first_config.possible_keys(described.values()) if key != lookup]
    keys = first_config.likely_keys(possible, [*described.values()])
    chosen = Chosen(Segment("1", segment, None), described, keys, lookup)
    text = first_config.config_text(chosen, samples=samples)
    config = parse("rt.yaml", text.encode(), environ={}).config
    assert tuple(config.tables()) == tuple(described)
    assert [key.name for key in config.id_stitching.keys] == keys
    found_ill = [one for one in check(config, Schema(described, master)) if one.level == "failed"]
    assert found_ill == []


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("1", ["a"]),
        ("b, 1 b", ["b", "a"]),
        ("x y", ["x y"]),
        ("4", ["2"]),
        ("2", ["2"]),  # a name goes before a number
        ("5", None),
        ("0", None),
        ("a, zz", None),
        ("", None),
        ("-", []),
    ],
)
def test_an_answer_means(answer: str, expected: list[str] | None) -> None:
    options = ["a", "b", "x y", "2"]
    assert first_config.picked(answer, options, several=True, none=True) == expected
