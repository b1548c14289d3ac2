"""A configuration in an editor: the YAML language server that VS Code and others use."""

from __future__ import annotations

import json
import queue
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tdxwrap.config.schema import schema

pytestmark = [
    pytest.mark.extra,
    pytest.mark.skipif(not shutil.which("npm"), reason="no npm here"),
]
SERVER = "yaml-language-server@2.0.0"
TOP = {
    "parent_segment",
    "account",
    "extends",
    "event_tables",
    "key_events",
    "id_stitching",
    "batch_attributes",
    "attributes",
}
KINDS = ("single", "list", "counter", "lookup_catalog", "imported")


class Editor:
    """Speaks with the language server, as an editor does, about files in a folder."""

    def __init__(self, server: Path, folder: Path) -> None:
        (folder / "schema.json").write_text(json.dumps(schema()), encoding="utf-8")
        self.folder = folder
        self.process = subprocess.Popen(
            [server, "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.number = 0
        self.found: dict[str, list[str]] = {}
        self.heard: queue.Queue[dict[str, Any]] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()
        capabilities = {"workspace": {"configuration": True}}
        self.ask("initialize", {"rootUri": folder.as_uri(), "capabilities": capabilities})
        self.send({"method": "initialized", "params": {}})

    def send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        self.process.stdin.flush()

    def ask(self, method: str, params: dict[str, Any]) -> Any:
        self.number += 1
        self.send({"id": self.number, "method": method, "params": params})
        while (message := self.heard.get(timeout=30)).get("id") != self.number:
            pass
        return message.get("result")

    def _listen(self) -> None:
        while length := self._head():
            assert self.process.stdout is not None
            message = json.loads(self.process.stdout.read(length))
            if message.get("method") == "workspace/configuration":
                uri = (self.folder / "schema.json").as_uri()
                yaml = {"schemas": {uri: "*.yaml"}, "schemaStore": {"enable": False}}
                chosen = {"yaml": yaml | {"completion": True, "hover": True, "validate": True}}
                asked = [chosen.get(item["section"]) for item in message["params"]["items"]]
                self.send({"id": message["id"], "result": asked})
            elif "id" in message and "method" in message:
                self.send({"id": message["id"], "result": None})
            else:
                self.heard.put(message)

    def _head(self) -> int:
        length = 0
        assert self.process.stdout is not None
        while line := self.process.stdout.readline().strip():
            name, _, value = line.partition(b": ")
            length = int(value) if name == b"Content-Length" else length
        return length

    def open(self, text: str) -> str:
        self.number += 1
        uri = (self.folder / f"{self.number}.yaml").as_uri()
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self.send({"method": "textDocument/didOpen", "params": {"textDocument": document}})
        return uri

    def at_the_end(self, method: str, text: str, after: str = "") -> Any:
        *before, last = text.split("\n")
        where = {"line": len(before), "character": len(last)}
        asked = {"textDocument": {"uri": self.open(text + after)}, "position": where}
        return self.ask(f"textDocument/{method}", asked)

    def offered(self, text: str) -> dict[str, str]:
        """What may stand at the end of a text, with what accepting it writes."""
        items = self.at_the_end("completion", text)["items"]
        return {item["label"]: item.get("insertText") or "" for item in items}

    def explained(self, text: str) -> str:
        """What is said of the field that ends a text without its last letter."""
        return str(self.at_the_end("hover", text[:-1], f"{text[-1]}: x")["contents"]["value"])

    def complaints(self, text: str) -> list[str]:
        """What is wrong with a text, as it is underlined."""
        uri = self.open(text)
        while True:
            message = self.heard.get(timeout=30)
            if message.get("params", {}).get("uri") == uri:
                return [each["message"] for each in message["params"]["diagnostics"]]


@pytest.fixture(scope="module")
def editor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    folder = tmp_path_factory.mktemp("editor")
    subprocess.run(["npm", "install", "--silent", "--prefix", folder, SERVER], check=True)
    editor = Editor(folder / "node_modules" / ".bin" / "yaml-language-server", folder)
    # It answers before it has read the schema.
    while not editor.offered("att"):
        time.sleep(0.1)
    yield editor
    editor.process.kill()


ATTRIBUTES = "attributes:\n  - "


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("att", TOP),
        ("extends: _base.yaml\n", TOP - {"extends"}),
        (ATTRIBUTES, {"type", "name"}),
        (f"{ATTRIBUTES}type: ", set(KINDS)),
        (f"{ATTRIBUTES}type: counter\n    ", {"increment", "sub_durations", "key_event"}),
        ("key_events:\n  - name: a\n    ", {"table", "renamed_from", "filter"}),
        ("id_stitching:\n  ", {"keys", "ext_lookup_key"}),
        (f"extends: _base.yaml\n{ATTRIBUTES}name: x\n    ", {"remove", "duration"}),
    ],
)
def test_completion(editor: Editor, text: str, expected: set[str]) -> None:
    offered = editor.offered(text)
    assert expected <= set(offered)
    assert not [name for name, written in offered.items() if "null" in written]


def test_what_a_kind_does_not_have_is_not_offered(editor: Editor) -> None:
    assert "max_items" not in editor.offered(f"{ATTRIBUTES}type: counter\n    ")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("parent_segment", "id or name"),
        ("account", "in another account"),
        ("event_tables", "default: the tables of"),
        ("key_events", "the events"),
        ("id_stitching", "how profiles are found"),
        ("batch_attributes", "columns of the master table"),
        ("attributes", "what to keep"),
        (f"{ATTRIBUTES}type", "the kind of attribute"),
        (f"{ATTRIBUTES}type: single\n    duration", "How long a value is kept"),
        (f"{ATTRIBUTES}type: single\n    value_column", "the column whose last value"),
    ],
)
def test_hover(editor: Editor, text: str, expected: str) -> None:
    assert expected in editor.explained(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{ATTRIBUTES}type: singel\n", '"counter", "imported", "list", "lookup_catalog"'),
        ("key_evnts: []\n", "Property key_evnts is not allowed"),
        (f"{ATTRIBUTES}{{type: counter, name: n, key_event: e, max_items: 3}}\n", "max_items"),
        ("key_events:\n  - name: a\n", 'Missing property "table"'),
        ("id_stitching: {ext_lookup_key: 5}\n", 'Expected "string"'),
    ],
)
def test_what_is_wrong_is_underlined(editor: Editor, text: str, expected: str) -> None:
    assert expected in "\n".join(editor.complaints(text))
