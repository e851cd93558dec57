"""The vendor's reference page as a test: its examples are replayed."""

import json
import re
import shlex
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from support.data import UNKNOWN_ID

PAGE = Path(__file__).with_name("seed-clients-api.md").read_text(encoding="utf-8")


class Operation(NamedTuple):
    """One operation of the page."""

    title: str
    curl: list[str]  # its words
    status: int  # of the example response
    response: dict[str, Any]

    @property
    def curl_body(self) -> Any:
        return json.loads(self.option("-d")) if "-d" in self.curl else None

    def option(self, flag: str, default: str = "") -> str:
        return self.curl[self.curl.index(flag) + 1] if flag in self.curl else default


def parse(text):
    """An operation from its part of the page."""
    curl = re.search(r"```bash title=\"cURL\"\n(.*?)```", text, re.S)[1]
    response = re.search(r"### Example response \((\d+)\)\n\n```json\n(.*?)```", text, re.S)
    return Operation(
        title=text.partition("\n")[0],
        curl=shlex.split(curl.replace("\\\n", " ")),
        status=int(response[1]),
        response=json.loads(response[2]),
    )


OPERATIONS = {operation.title: operation for operation in map(parse, re.split(r"^## ", PAGE, flags=re.M)[1:])}
LIST = OPERATIONS["List all clients"]
DELETE = OPERATIONS["Delete client"]
FILLED = OPERATIONS["Update client"].response["data"]  # a record with a value in each of its fields


def replay(caller, operation, client_id=UNKNOWN_ID):
    """The page's curl command, with its placeholders filled in."""
    flags = zip(operation.curl, operation.curl[1:], strict=False)
    headers = dict(word.split(": ") for flag, word in flags if flag == "-H")
    assert headers.pop("X-API-Key") == "YOUR_API_KEY"
    (url,) = (word for word in operation.curl if word.startswith("https://"))
    data = operation.option("-d").replace("your-status", "inactive").encode()
    return caller.web.request(
        "/" + url.split("/", 3)[3].replace(":id", client_id),
        method=operation.option("-X", "GET"),
        headers={**headers, **caller.headers},
        body=data,
        status=operation.status,
    )


def seed(caller, operation):
    """The id of a client with a value in each field, at the version that the example changes."""
    client = caller.post(FILLED).json["data"]
    for _ in range((operation.curl_body or {}).get("version", 1) - 1):
        caller.put(client["id"], {"notes": FILLED["notes"]})
    return client["id"]


def members(value, path=""):
    """All parts of a JSON value, as pairs of path and type: ``("data.clients[].email", "str")``."""
    found = {(path, type(value).__name__)}
    if isinstance(value, dict):
        found.update(*(members(member, f"{path}.{name}") for name, member in value.items()))
    if isinstance(value, list):
        found.update(*(members(item, f"{path}[]") for item in value))
    return found


every_operation = pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)


@every_operation
def test_a_response_has_the_fields_and_types_of_the_example(api, operation):
    found = members(replay(api, operation, seed(api, operation)).json)
    missing = {each for each in members(operation.response) if not {each, (each[0], "NoneType")} & found}
    assert missing == set()


@every_operation
def test_the_fields_of_an_example_come_back(api, operation):
    sent = {name: value for name, value in (operation.curl_body or {}).items() if value != "your-status"}
    answer = replay(api, operation, seed(api, operation)).json["data"]
    if "version" in sent:
        sent["version"] += 1
    assert answer.items() >= sent.items()


def test_a_list_is_as_in_the_example(api):
    (example,) = LIST.response["data"]["clients"]
    meta = LIST.response["data"]["meta"]
    for _ in range(meta["total"]):
        api.post(example)
    answer = replay(api, LIST).json["data"]
    assert answer["meta"] == meta
    assert len(answer["clients"]) == meta["limit"]


def test_the_response_to_a_delete_is_the_example(api):
    answer = replay(api, DELETE, seed(api, DELETE)).json
    assert {**answer, "timestamp": DELETE.response["timestamp"]} == DELETE.response
